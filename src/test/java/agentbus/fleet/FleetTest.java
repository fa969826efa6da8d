package agentbus.fleet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The fleet of this repository: that its files load, and that together they make sense. */
class FleetTest {

    private static final Path AGENTS = Path.of("agents");

    private final JsonNode fleet = new AgentFiles(AGENTS).read();

    @Test
    void the_ten_agents_load_in_the_order_of_their_names() {
        assertEquals(
                List.of(
                        "auditor",
                        "coordinator",
                        "design",
                        "devops",
                        "knowledge",
                        "product-metrics",
                        "project-tracker",
                        "publisher",
                        "research",
                        "security"),
                fleet.findValuesAsText("id"));
    }

    @Test
    void every_agent_works_alone_and_says_what_it_is_for() {
        for (JsonNode agent : fleet) {
            assertEquals(1, agent.get("maxConcurrency").intValue(), agent.toString());
            assertEquals("default", agent.get("gateway").textValue(), agent.toString());
            assertFalse(agent.path("mission").asText().isEmpty(), agent.toString());
        }
    }

    @Test
    void every_subject_and_every_topic_has_one_agent() {
        for (String list : List.of("accepts", "emits")) {
            Set<String> seen = new HashSet<>();
            for (JsonNode agent : fleet) {
                List<String> words = texts(agent.get(list));
                assertFalse(words.isEmpty(), () -> agent.get("id") + " has no " + list);
                words.forEach(word -> assertTrue(seen.add(word), () -> word + " has two agents"));
            }
        }
    }

    @Test
    void only_routing_and_recovery_reach_every_agent_and_publishing_makes_no_work() {
        Set<String> reachAll = new TreeSet<>();
        for (JsonNode agent : fleet) {
            if (texts(agent.get("mayEnqueueTo")).contains("*")) {
                reachAll.add(agent.get("id").textValue());
            }
        }
        assertEquals(Set.of("auditor", "coordinator"), reachAll);
        assertEquals(
                List.of("coordinator", "project-tracker"),
                texts(agent("publisher").get("mayEnqueueTo")));
    }

    @Test
    void every_subscription_waits_for_a_topic_that_some_agent_emits() {
        for (JsonNode agent : fleet) {
            for (JsonNode subscription : agent.get("subscriptions")) {
                assertFalse(emitters(subscription.get("topic").textValue()).isEmpty(), subscription.toString());
            }
        }
    }

    @Test
    void no_subscription_leads_back_to_the_agent_whose_event_it_follows() {
        Map<String, Set<String>> wakes = new TreeMap<>();
        for (JsonNode agent : fleet) {
            for (JsonNode subscription : agent.get("subscriptions")) {
                for (String emitter : emitters(subscription.get("topic").textValue())) {
                    wakes.computeIfAbsent(emitter, any -> new TreeSet<>())
                            .add(agent.get("id").textValue());
                }
            }
        }
        assertFalse(wakes.isEmpty());
        wakes.keySet()
                .forEach(
                        agent -> assertFalse(reached(agent, wakes).contains(agent), agent + " wakes itself: " + wakes));
    }

    @Test
    void a_first_comment_says_what_each_file_is() throws IOException {
        for (String agent : fleet.findValuesAsText("id")) {
            String text = Files.readString(AGENTS.resolve(agent).resolve("agent.yaml"));
            assertTrue(text.startsWith("# The agent " + agent + " as the bus knows it: "), agent);
        }
    }

    private static Set<String> reached(String from, Map<String, Set<String>> wakes) {
        Set<String> reached = new HashSet<>();
        Deque<String> open = new ArrayDeque<>(wakes.getOrDefault(from, Set.of()));
        while (!open.isEmpty()) {
            String next = open.pop();
            if (reached.add(next)) {
                open.addAll(wakes.getOrDefault(next, Set.of()));
            }
        }
        return reached;
    }

    private Set<String> emitters(String pattern) {
        Set<String> emitters = new TreeSet<>();
        for (JsonNode agent : fleet) {
            if (texts(agent.get("emits")).stream().anyMatch(topic -> matches(pattern, topic))) {
                emitters.add(agent.get("id").textValue());
            }
        }
        return emitters;
    }

    private static boolean matches(String pattern, String topic) {
        return matches(List.of(pattern.split("\\.")), List.of(topic.split("\\.")));
    }

    private static boolean matches(List<String> pattern, List<String> topic) {
        if (pattern.isEmpty()) {
            return topic.isEmpty();
        }
        List<String> rest = pattern.subList(1, pattern.size());
        if (pattern.get(0).equals("#")) {
            return matches(rest, topic) || !topic.isEmpty() && matches(pattern, topic.subList(1, topic.size()));
        }
        boolean first = !topic.isEmpty()
                && (pattern.get(0).equals("*") || pattern.get(0).equals(topic.get(0)));
        return first && matches(rest, topic.subList(1, topic.size()));
    }

    private JsonNode agent(String id) {
        for (JsonNode agent : fleet) {
            if (agent.get("id").textValue().equals(id)) {
                return agent;
            }
        }
        throw new AssertionError("there is no agent " + id);
    }

    private static List<String> texts(JsonNode list) {
        List<String> texts = new ArrayList<>();
        list.forEach(text -> texts.add(text.textValue()));
        return texts;
    }
}
