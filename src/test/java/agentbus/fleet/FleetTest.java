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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The fleet of this repository: its files load, and they agree with each other. */
class FleetTest {

    private static final Path AGENTS = Path.of("agents");
    private static final List<String> QUESTIONS = List.of("project.debrief.request", "project.status.request");

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
    void every_subject_and_every_topic_has_one_agent_but_for_the_two_questions_of_the_project_tracker() {
        for (String list : List.of("accepts", "emits")) {
            Set<String> seen = new HashSet<>();
            for (JsonNode agent : fleet) {
                List<String> words = texts(agent.get(list));
                assertFalse(words.isEmpty(), () -> agent.get("id") + " has no " + list);
                words.stream()
                        .filter(word -> !QUESTIONS.contains(word))
                        .forEach(word -> assertTrue(seen.add(word), () -> word + " has two agents"));
            }
        }
    }

    /** The column "may enqueue to" in the table of roles. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "coordinator | *",
                "auditor | coordinator, project-tracker, publisher, * (recovery)",
                "knowledge | coordinator, project-tracker, publisher (deliverable.format)",
                "devops | coordinator, project-tracker, publisher (summary.prepare)",
                "product-metrics | coordinator, project-tracker, publisher",
                "design | coordinator, project-tracker, publisher (deliverable.format)",
                "security | coordinator, project-tracker, publisher (summary.prepare)",
                "research | coordinator, project-tracker, publisher (summary.prepare, report.compose)",
                "publisher | coordinator (cross_specialist.route), project-tracker (project.followup.request)",
            })
    void each_agent_hands_on_what_its_role_allows(String agent, String handoffs) {
        assertEquals(handoffs, handoffs(agent));
    }

    @Test
    void the_project_tracker_asks_the_eight_others_for_debriefs_and_status_only() {
        String questions = " (" + String.join(", ", QUESTIONS) + ")";
        List<String> asked =
                List.of("auditor", "knowledge", "devops", "product-metrics", "design", "security", "research");
        assertEquals(
                "coordinator, publisher, " + String.join(questions + ", ", asked) + questions,
                handoffs("project-tracker"));
        for (String agent : asked) {
            assertTrue(texts(agent(agent).get("accepts")).containsAll(QUESTIONS), agent);
        }
        assertTrue(texts(agent("publisher").get("accepts")).containsAll(QUESTIONS));
    }

    @Test
    void only_the_agent_that_can_change_things_is_kept_from_text_from_outside() {
        for (JsonNode agent : fleet) {
            String reads = agent.get("id").textValue().equals("devops") ? "trusted" : "untrusted";
            assertEquals(reads, agent.get("reads").textValue(), agent.toString());
        }
    }

    @Test
    void the_tracker_triages_and_the_coordinator_alone_converts() {
        for (JsonNode agent : fleet) {
            String id = agent.get("id").textValue();
            assertEquals(
                    List.of("coordinator", "project-tracker").contains(id),
                    agent.get("mayTriage").booleanValue(),
                    id);
            assertEquals(id.equals("coordinator"), agent.get("mayConvert").booleanValue(), id);
        }
    }

    @Test
    void knowledge_alone_promotes_memories() {
        for (JsonNode agent : fleet) {
            String id = agent.get("id").textValue();
            assertEquals(
                    id.equals("knowledge") ? "shared" : "",
                    agent.path("mayPromoteMemories").asText(),
                    id);
        }
    }

    @Test
    void every_agent_has_a_budget_of_proposals_and_no_job_of_it_becomes_a_flood() {
        for (JsonNode agent : fleet) {
            assertEquals(3, agent.path("proposalBudget").size(), agent.toString());
            int most = agent.get("maxFollowUps").intValue();
            assertTrue(most >= 1 && most <= 40, agent.toString());
        }
    }

    @Test
    void every_agent_has_sixteen_questions_to_think_about_and_none_is_that_of_another() {
        Set<String> all = new HashSet<>();
        for (JsonNode agent : fleet) {
            List<String> questions = texts(agent.path("idleQuestions"));
            assertTrue(questions.size() >= 16, agent.get("id") + " has " + questions.size());
            for (String question : questions) {
                assertTrue(question.endsWith("?") && all.add(question), question);
            }
        }
        assertEquals(10, fleet.size());
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

    private String handoffs(String agent) {
        List<String> words = new ArrayList<>();
        for (JsonNode handoff : agent(agent).get("handoffs")) {
            List<String> only = texts(handoff.path("subjects"));
            only.addAll(texts(handoff.path("jobTypes")));
            words.add(handoff.get("agent").textValue() + (only.isEmpty() ? "" : " (" + String.join(", ", only) + ")"));
        }
        return String.join(", ", words);
    }

    private static List<String> texts(JsonNode list) {
        List<String> texts = new ArrayList<>();
        list.forEach(text -> texts.add(text.textValue()));
        return texts;
    }
}
