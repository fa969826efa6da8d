package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Contract;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Who reads what. For each scope and each visibility there is one memory and one candidate, those with an owner belong to
 * devops, and each has a word of its own in its title and body. An answer that has the word shows the row.
 */
@ExtendWith(PostgresExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MemoryVisibilityTest {
    private static final List<String> SCOPES = List.of("global", "agent", "project", "person", "service");

    /** All who call the bus, except the gateway, whom no read of the lane is for. */
    enum Reader {
        OPERATOR(null),
        VIEWER(null),
        OWNER("devops"),
        OWNER_AT_WORK("devops"),
        CURATOR("knowledge"),
        CURATOR_AT_WORK("knowledge"),
        OTHER("research"),
        OTHER_AT_WORK("research");

        private final String agent;

        Reader(String agent) {
            this.agent = agent;
        }
    }

    /** A memory and an open candidate with the same scope and visibility. */
    private record Pair(
            String scope,
            String visibility,
            String memory,
            String memoryWord,
            String title,
            String candidate,
            String candidateWord) {}

    private final List<Pair> pairs = new ArrayList<>();
    private final Map<Reader, JsonNode> principals = new LinkedHashMap<>();
    private final List<Attempt> prompts = new ArrayList<>();
    private Machine bus;
    private MemoryScene scene;

    @BeforeAll
    void fill(TestDatabase database) {
        bus = Machine.fresh(database);
        scene = new MemoryScene(bus);
        // Without the right to curate its own memories, the owner can only ask for a review.
        bus.jdbc().update("update agents set may_promote = null where agent_id = 'devops'");
        for (String scope : SCOPES) {
            for (String visibility : List.of("shared", "role", "private")) {
                pairs.add(pair(scope, visibility));
            }
        }
        for (Pair pair : pairs) {
            Attempt prompt = scene.working("devops", Machine.json("about", pair.title(), "service", "cellar"));
            scene.inject(prompt);
            prompts.add(prompt);
            scene.act("mark_memory_wrong", MemoryScene.DEVOPS, pair.memory(), "notes", "It is " + pair.memoryWord());
        }
        for (Reader reader : Reader.values()) {
            principals.put(reader, principal(reader));
        }
    }

    private Pair pair(String scope, String visibility) {
        int number = pairs.size();
        String memoryWord = "aardvark" + (char) ('a' + number);
        String candidateWord = "wombat" + (char) ('a' + number);
        Object[] about = {
            "scope",
            scope,
            "subjectKey",
            scope.equals("global") ? null : scope.equals("agent") ? "devops" : "cellar",
            "visibility",
            visibility,
            "ownerAgent",
            visibility.equals("shared") ? null : "devops"
        };
        ObjectNode memory = marked(scene.lesson(number, about), memoryWord);
        ObjectNode candidate = marked(scene.lesson(number + SCOPES.size() * 3, about), candidateWord);
        return new Pair(
                scope,
                visibility,
                MemoryScene.id(scene.promote(Machine.operator(), scene.candidate(Machine.operator(), memory))),
                memoryWord,
                memory.get("title").asText(),
                scene.candidate(Machine.operator(), candidate),
                candidateWord);
    }

    private static ObjectNode marked(ObjectNode input, String word) {
        return input.put("title", input.get("title").asText() + " " + word)
                .put("body", input.get("body").asText() + " " + word);
    }

    private JsonNode principal(Reader reader) {
        if (reader == Reader.OPERATOR) {
            return Machine.operator();
        }
        if (reader == Reader.VIEWER) {
            return Machine.json("kind", "viewer", "name", "vera");
        }
        return reader.name().endsWith("_AT_WORK")
                ? bus.principal(scene.working(reader.agent, Machine.json()))
                : Machine.agent(reader.agent);
    }

    /** Columns: who reads, and whether that one reads shared memories, the role memories and the private ones of devops. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            OPERATOR        | yes | yes | yes
            VIEWER          | yes | yes | yes
            OWNER           | yes | yes | yes
            OWNER_AT_WORK   | yes | yes | yes
            CURATOR         | yes | yes | no
            CURATOR_AT_WORK | yes | yes | no
            OTHER           | yes | no  | no
            OTHER_AT_WORK   | yes | no  | no
            """)
    void a_memory_of_every_scope_is_read_by_those_who_may_and_does_not_exist_for_others(
            Reader reader, String shared, String role, String ofOwner) {
        Map<String, String> rule = Map.of("shared", shared, "role", role, "private", ofOwner);
        Set<String> memories = expected(rule, Pair::memoryWord);
        Set<String> candidates = expected(rule, Pair::candidateWord);
        JsonNode who = principals.get(reader);

        Map<String, Set<String>> seen = new TreeMap<>();
        seen.put("list_memories", words(Pair::memoryWord, call("list_memories", who, "limit", 100)));
        seen.put("get_memory", each(Pair::memoryWord, pair -> got("get_memory", who, "memoryId", pair.memory())));
        seen.put(
                "search_memories",
                each(
                        Pair::memoryWord,
                        // The title comes back as a part of no answer, so the word is that of the memory.
                        pair -> call("search_memories", who, "query", pair.title())
                                .path("memories")
                                .toString()));
        seen.forEach((read, found) -> assertEquals(memories, found, read + " by " + reader));

        seen.clear();
        seen.put(
                "list_memory_candidates",
                words(Pair::candidateWord, call("list_memory_candidates", who, "limit", 100)));
        seen.put(
                "get_memory_candidate",
                each(Pair::candidateWord, pair -> got("get_memory_candidate", who, "candidateId", pair.candidate())));
        seen.forEach((read, found) -> assertEquals(candidates, found, read + " by " + reader));
    }

    /** The words of the rows that a rule lets somebody read. */
    private Set<String> expected(Map<String, String> rule, Function<Pair, String> word) {
        Set<String> words = new TreeSet<>();
        pairs.stream()
                .filter(pair -> rule.get(pair.visibility()).equals("yes"))
                .forEach(pair -> words.add(word.apply(pair)));
        return words;
    }

    private Set<String> words(Function<Pair, String> word, JsonNode answer) {
        return each(word, pair -> answer.toString());
    }

    /** The words that stand in the answer about their own row. */
    private Set<String> each(Function<Pair, String> word, Function<Pair, String> answer) {
        Set<String> words = new TreeSet<>();
        pairs.stream()
                .filter(pair -> answer.apply(pair).contains(word.apply(pair)))
                .forEach(pair -> words.add(word.apply(pair)));
        return words;
    }

    private JsonNode call(String function, JsonNode who, Object... input) {
        return bus.call(function, who, Machine.json(input));
    }

    /** The answer, or nothing when the row does not exist for the caller. */
    private String got(String function, JsonNode who, Object... input) {
        try {
            return call(function, who, input).toString();
        } catch (org.springframework.dao.DataAccessException e) {
            Refusal refusal = Machine.refusal(() -> {
                throw e;
            });
            assertEquals(404, refusal.status(), refusal.message());
            return "";
        }
    }

    @ParameterizedTest
    @EnumSource(Reader.class)
    void no_list_of_something_else_shows_a_memory_to_one_who_may_not_read_it(Reader reader) {
        JsonNode who = principals.get(reader);
        Set<String> hidden = new TreeSet<>();
        for (Pair pair : pairs) {
            boolean mayRead = reader.agent == null
                    || pair.visibility().equals("shared")
                    || reader.agent.equals("devops")
                    || reader.agent.equals("knowledge") && pair.visibility().equals("role");
            if (!mayRead) {
                hidden.add(pair.memoryWord());
                hidden.add(pair.candidateWord());
            }
        }
        Map<String, String> answers = new LinkedHashMap<>();
        answers.put(
                "list_memory_injections",
                call("list_memory_injections", who, "limit", 100).toString());
        answers.put(
                "list_memory_reviews",
                call("list_memory_reviews", who, "limit", 100).toString());
        answers.put("list_events", call("list_events", who, "limit", 500).toString());
        answers.put("list_jobs", call("list_jobs", who, "limit", 100).toString());
        StringBuilder prompted = new StringBuilder();
        for (int i = 0; i < pairs.size(); i++) {
            String byJob = call(
                            "list_memory_injections",
                            who,
                            "jobId",
                            prompts.get(i).job())
                    .toString();
            // A job's own payload holds the title here, so only the memories beside it count.
            String ofJob = call("get_job", who, "jobId", prompts.get(i).job())
                    .path("attempts")
                    .toString();
            prompted.append(byJob).append(ofJob);
            answers.put(
                    "get_memory of " + i,
                    got("get_memory", who, "memoryId", pairs.get(i).memory()));
        }
        answers.put("the prompts of devops", prompted.toString());

        // The payload of the jobs of this test names the words.
        answers.put("list_jobs", answers.get("list_jobs").replaceAll("\"about\":\"[^\"]*\"", ""));
        answers.forEach((read, answer) ->
                hidden.forEach(word -> assertTrue(!answer.contains(word), read + " shows " + word + ": " + answer)));
    }

    @Test
    void memories_with_an_owner_stand_in_the_prompts_of_their_owner_alone() {
        Map<String, Set<String>> found = new TreeMap<>();
        for (String agent : List.of("devops", "knowledge", "research")) {
            Set<String> words = new TreeSet<>();
            for (Pair pair : pairs) {
                Attempt attempt = scene.working(agent, Machine.json("about", pair.title(), "service", "cellar"));
                if (scene.inject(attempt).toString().contains(pair.memoryWord())) {
                    words.add(pair.memoryWord());
                }
            }
            found.put(agent, words);
        }

        Set<String> all = expected(Map.of("shared", "yes", "role", "yes", "private", "yes"), Pair::memoryWord);
        Set<String> shared = expected(Map.of("shared", "yes", "role", "no", "private", "no"), Pair::memoryWord);
        for (String agent : List.of("knowledge", "research")) {
            assertTrue(shared.containsAll(found.get(agent)), agent + " was told " + found.get(agent));
        }
        assertTrue(all.containsAll(found.get("devops")));
        // Only those whose subject the job names: an agent, and here a service.
        for (String scope : List.of("agent", "service", "global")) {
            pairs.stream()
                    .filter(pair -> pair.scope().equals(scope))
                    .forEach(pair -> assertTrue(
                            found.get("devops").contains(pair.memoryWord()),
                            () -> "devops was not told " + pair + " but " + found.get("devops")));
        }
    }

    @Test
    void a_person_is_shown_every_review_and_every_memory_of_a_job() {
        for (Reader reader : List.of(Reader.OPERATOR, Reader.VIEWER)) {
            JsonNode who = principals.get(reader);
            assertEquals(
                    pairs.size(),
                    call("list_memory_reviews", who, "limit", 100)
                            .path("reviews")
                            .size());
            assertTrue(call("list_memory_injections", who, "limit", 100)
                            .path("injections")
                            .size()
                    >= pairs.size());
        }
    }

    @Test
    void no_read_of_the_lane_is_for_a_gateway_and_none_for_people_is_for_agents() {
        Contract contract = Contract.load();
        for (String read : List.of(
                "listMemories",
                "getMemory",
                "searchMemories",
                "listMemoryCandidates",
                "getMemoryCandidate",
                "listMemoryReviews",
                "listMemoryInjections")) {
            List<String> principals = contract.operation(read).principals();
            assertTrue(!principals.contains("gateway"), read);
            assertTrue(principals.containsAll(List.of("operator", "viewer")), read);
        }
        for (String read : List.of("needsMe", "listAudit")) {
            assertEquals(List.of("operator", "viewer"), contract.operation(read).principals());
        }
    }

    @Test
    void an_agent_of_another_namespace_reads_nothing() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        bus.jdbc()
                .update(
                        "insert into agents (namespace, agent_id, accepts, may_promote) values ('other', 'devops', '{x}',"
                                + " 'shared') on conflict do nothing");
        JsonNode stranger = Machine.agent("devops").put("namespace", "other");

        for (String list :
                List.of("list_memories", "list_memory_candidates", "list_memory_reviews", "list_memory_injections")) {
            String answer = call(list, stranger).toString();
            assertEquals(Set.of(), each(Pair::memoryWord, pair -> answer), list);
        }
        for (Pair pair : pairs) {
            assertEquals("", got("get_memory", stranger, "memoryId", pair.memory()));
            assertEquals("", got("get_memory_candidate", stranger, "candidateId", pair.candidate()));
            assertEquals(
                    0,
                    call("search_memories", stranger, "query", pair.title())
                            .path("memories")
                            .size());
        }
    }
}
