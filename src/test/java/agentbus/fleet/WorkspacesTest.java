package agentbus.fleet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** AGENTS.md, which the models read, must agree with agent.yaml, which the bus enforces. */
class WorkspacesTest {

    private static final Path AGENTS = Path.of("agents");
    private static final Pattern QUOTED = Pattern.compile("`([^`]+)`");
    private static final Pattern DOTTED = Pattern.compile("[a-z0-9_-]+(\\.[a-z0-9_-]+)+");
    private static final JsonNode FLEET = new AgentFiles(AGENTS).read();

    static Stream<String> agents() {
        return FLEET.findValuesAsText("id").stream();
    }

    @ParameterizedTest
    @MethodSource("agents")
    void it_names_the_subjects_the_agent_accepts_and_no_other_as_its_own(String agent) {
        assertEquals(words(agent, "accepts"), dotted(section(agent, "What you accept"), words(agent, "emits")));
    }

    @ParameterizedTest
    @MethodSource("agents")
    void it_names_the_topics_the_agent_may_emit_and_no_other(String agent) {
        assertEquals(words(agent, "emits"), dotted(section(agent, "Events"), Set.of()));
    }

    @ParameterizedTest
    @MethodSource("agents")
    void it_names_everybody_the_agent_may_hand_work_to(String agent) {
        Set<String> named = new TreeSet<>(handoffs(agent).keySet());
        if (section(agent, "Handoffs").stream().anyMatch(line -> line.startsWith("- Any other agent:"))) {
            named.add("*");
        }
        Set<String> allowed = new TreeSet<>();
        for (JsonNode handoff : node(agent).get("handoffs")) {
            allowed.add(handoff.get("agent").textValue());
        }
        if (allowed.equals(Set.of("*"))) {
            allowed = agents().filter(other -> !other.equals(agent)).collect(Collectors.toCollection(TreeSet::new));
        }
        assertEquals(allowed, named);
    }

    @ParameterizedTest
    @MethodSource("agents")
    void each_handoff_it_names_is_one_that_the_bus_lets_through(String agent) {
        handoffs(agent).forEach((target, subjects) -> {
            assertTrue(words(target, "accepts").containsAll(subjects), () -> target + " does not accept " + subjects);
            for (JsonNode handoff : node(agent).get("handoffs")) {
                if (handoff.get("agent").textValue().equals(target) && handoff.has("subjects")) {
                    assertEquals(texts(handoff.get("subjects")), subjects, target);
                }
            }
        });
    }

    @ParameterizedTest
    @MethodSource("agents")
    void it_names_the_agents_standing_orders_with_their_purpose_and_nobody_elses(String agent) throws IOException {
        Set<String> orders = new TreeSet<>();
        for (String row : Files.readAllLines(Path.of("src/test/resources/standing-orders.csv"))) {
            String[] fields = row.split(",", 4);
            if (fields[2].equals(agent)) {
                orders.add(fields[1]);
            }
        }
        assertFalse(orders.isEmpty());
        Set<String> told = new TreeSet<>();
        for (String line : section(agent, "Standing orders")) {
            if (line.startsWith("- ")) {
                assertTrue(line.matches("- `[a-z-]+`: \\S.+"), line);
                told.add(quoted(line).get(0));
            }
        }
        assertEquals(orders, told);
    }

    @ParameterizedTest
    @MethodSource("agents")
    void it_has_every_section_and_the_same_contract_as_all(String agent) {
        for (String title : List.of("How you work", "When to escalate", "Never")) {
            assertFalse(section(agent, title).isEmpty(), title);
        }
        assertEquals(section("coordinator", "The contract of every run"), section(agent, "The contract of every run"));
    }

    @ParameterizedTest
    @MethodSource("agents")
    void it_is_short_enough_to_stand_in_every_prompt(String agent) {
        int words = read(agent, "AGENTS.md").split("\\s+").length;
        assertTrue(words < 700, () -> words + " words");
    }

    @Test
    void no_two_agents_are_told_the_same_but_for_the_contract_and_the_two_questions() {
        Map<String, String> seen = new LinkedHashMap<>();
        for (String agent : agents().toList()) {
            for (String title : List.of("How you work", "When to escalate")) {
                for (String line : section(agent, title)) {
                    String other = seen.put(line, agent);
                    assertTrue(line.isBlank() || other == null, () -> agent + " and " + other + ": " + line);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "coordinator, sessions_list sessions_history sessions_send session_status",
        "auditor, sessions_list sessions_history session_status",
        "project-tracker, sessions_list sessions_history session_status",
    })
    void session_tools_are_explained_to_those_who_have_them(String agent, String tools) {
        assertEquals(new TreeSet<>(List.of(tools.split(" "))), sessionTools(agent));
    }

    @ParameterizedTest
    @MethodSource("agents")
    void nobody_else_hears_of_session_tools(String agent) {
        if (!List.of("coordinator", "auditor", "project-tracker").contains(agent)) {
            assertEquals(Set.of(), sessionTools(agent));
        }
    }

    @ParameterizedTest
    @MethodSource("agents")
    void only_the_coordinator_has_a_heartbeat(String agent) {
        assertEquals(!agent.equals("coordinator"), read(agent, "HEARTBEAT.md").isBlank());
    }

    @Test
    void the_coordinators_heartbeat_is_for_people_and_every_quarter_of_an_hour() {
        String beat = read("coordinator", "HEARTBEAT.md");
        assertTrue(beat.contains("every 15 minutes"), beat);
        assertTrue(beat.contains("Work does not move by it"), beat);
    }

    @ParameterizedTest
    @MethodSource("agents")
    void the_memory_begins_as_a_frame_of_its_own(String agent) {
        String memory = read(agent, "MEMORY.md");
        assertTrue(memory.startsWith("# Memory of " + agent + "\n"), memory);
        assertTrue(memory.split("\\s+").length < 100, memory);
    }

    /** The last section of the role descriptions. */
    @ParameterizedTest
    @CsvSource({
        "coordinator, plans queue-views escalations outputs",
        "auditor, audits lease-reports cron-health incident-rollups",
        "project-tracker, projects debriefs milestones rollups",
        "knowledge, notes packets indexes consolidations",
        "devops, runbooks service-checks environment-notes incidents",
        "product-metrics, dashboards analyses experiments daily-rollups",
        "design, briefs critiques flows deliverables",
        "security, findings reviews threat-models policy-notes",
        "research, scans packets sources briefs",
        "publisher, digests reports outgoing templates",
    })
    void the_folders_are_those_of_the_role_and_the_agent_is_told_of_each(String agent, String folders) {
        List<String> named = List.of(folders.split(" "));
        assertEquals(named, read(agent, "folders.txt").lines().toList());
        String told = read(agent, "AGENTS.md");
        named.forEach(folder -> assertTrue(told.contains("`" + folder + "`"), folder));
    }

    @Test
    void the_skill_says_its_name_its_use_and_every_tool() throws IOException {
        String skill = Files.readString(Path.of("gateway/skills/agentbus/SKILL.md"));
        assertTrue(skill.matches("(?s)---\nname: agentbus\ndescription: [^\n]+\n---\n.*"), skill);
        for (String tool : List.of("get", "progress", "complete", "block", "fail", "enqueue", "emit", "list")) {
            assertTrue(skill.contains("`agentbus__" + tool + "`"), tool);
        }
    }

    private static Set<String> sessionTools(String agent) {
        return quoted(read(agent, "AGENTS.md")).stream()
                .filter(name -> name.startsWith("session"))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** The agents in the section, each with the subjects in its line. */
    private static Map<String, Set<String>> handoffs(String agent) {
        Map<String, Set<String>> handoffs = new LinkedHashMap<>();
        for (String line : section(agent, "Handoffs")) {
            if (line.startsWith("- `")) {
                Set<String> subjects = dotted(List.of(line), words(agent, "emits"));
                Set<String> twice = handoffs.put(quoted(line).get(0), subjects);
                assertEquals(null, twice, line);
            }
        }
        return handoffs;
    }

    /**
     * Names with a dot in backticks, the form of subjects and topics. A handoff's line may also name an event that
     * makes it needless.
     */
    private static Set<String> dotted(List<String> lines, Set<String> but) {
        return quoted(String.join("\n", lines)).stream()
                .filter(name -> DOTTED.matcher(name).matches() && !but.contains(name))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static List<String> quoted(String text) {
        return QUOTED.matcher(text).results().map(found -> found.group(1)).toList();
    }

    private static List<String> section(String agent, String title) {
        List<String> lines = new ArrayList<>();
        boolean inside = false;
        boolean found = false;
        for (String line : read(agent, "AGENTS.md").lines().toList()) {
            if (line.startsWith("## ")) {
                inside = line.equals("## " + title);
                found |= inside;
            } else if (inside) {
                lines.add(line);
            }
        }
        assertTrue(found, () -> agent + " has no section " + title);
        return lines;
    }

    private static Set<String> words(String agent, String list) {
        return texts(node(agent).get(list));
    }

    private static Set<String> texts(JsonNode list) {
        Set<String> texts = new TreeSet<>();
        list.forEach(item -> texts.add(item.textValue()));
        return texts;
    }

    private static JsonNode node(String agent) {
        for (JsonNode node : FLEET) {
            if (node.get("id").textValue().equals(agent)) {
                return node;
            }
        }
        throw new AssertionError("there is no agent " + agent);
    }

    private static String read(String agent, String file) {
        try {
            return Files.readString(AGENTS.resolve(agent).resolve(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
