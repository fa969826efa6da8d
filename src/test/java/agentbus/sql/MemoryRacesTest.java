package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Twenty callers at the same moment, each on a connection of its own: each memory ends once, and none deadlocks. */
@ExtendWith(PostgresExtension.class)
class MemoryRacesTest {
    private static final int CALLERS = 20;

    private Machine bus;
    private MemoryScene scene;

    /** The answers, and the refusals by code. */
    private record Ends(List<JsonNode> answers, Map<String, Integer> refusals) {
        Set<String> ids(String pointer) {
            Set<String> ids = new HashSet<>();
            answers.forEach(answer -> ids.add(answer.at(pointer).asText()));
            return ids;
        }
    }

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        scene = new MemoryScene(bus);
    }

    @AfterEach
    void nothing_is_broken() {
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
    }

    private static ObjectNode person(int number) {
        return Machine.operator().put("name", "person-" + number);
    }

    /** A caller may be refused; every other failure, such as a deadlock, fails the test. */
    private Ends race(int callers, IntFunction<JsonNode> call) throws InterruptedException {
        List<JsonNode> answers = new ArrayList<>();
        Map<String, Integer> refusals = new TreeMap<>();
        for (Race.End<JsonNode> end : Race.of(callers, i -> () -> call.apply(i))) {
            if (end.thrown() == null) {
                answers.add(end.result());
            } else {
                Refusal refusal = Machine.refusal(() -> {
                    throw end.thrown();
                });
                refusals.merge(refusal.code(), 1, Integer::sum);
            }
        }
        return new Ends(answers, refusals);
    }

    private void writers() {
        for (int i = 0; i < CALLERS; i++) {
            bus.jdbc()
                    .update(
                            "insert into agents (namespace, agent_id, accepts, emits, budgets) values ('default', ?,"
                                    + " '{work}', '{#}', '{\"memoryCandidates\": 30}')",
                            "writer-" + i);
        }
    }

    @Test
    void twenty_promotions_of_one_candidate_make_one_memory() throws Exception {
        String candidate = scene.candidate(MemoryScene.RESEARCH, scene.lesson(0));

        Ends ends = race(CALLERS, i -> scene.promote(person(i), candidate));

        assertEquals(Map.of(), ends.refusals(), "a repeated promotion answers the same");
        assertEquals(1, ends.ids("/memory/memoryId").size());
        assertEquals(1, bus.count("memories"));
        assertEquals(1, bus.count("events where topic = 'memory.promoted'"));
        assertEquals(1, bus.count("audit_log where action = 'memory.added'"));
    }

    @Test
    void of_those_who_promote_and_those_who_reject_one_candidate_one_side_wins() throws Exception {
        String candidate = scene.candidate(MemoryScene.RESEARCH, scene.lesson(0));

        Ends ends = race(
                CALLERS,
                i -> i % 2 == 0
                        ? scene.promote(person(i), candidate)
                        : bus.call(
                                "reject_memory_candidate",
                                person(i),
                                Machine.json("candidateId", candidate, "notes", "It holds for one host only.")));

        assertEquals(Set.of("wrong_state"), ends.refusals().keySet());
        long promoted = bus.count("memory_candidates where status = 'promoted'");
        assertEquals(1, promoted + bus.count("memory_candidates where status = 'rejected'"));
        assertEquals(promoted, bus.count("memories"));
        assertEquals(promoted, bus.count("events where topic = 'memory.promoted'"));
    }

    @Test
    void twenty_candidates_with_the_same_text_are_one_candidate_with_the_sources_of_all() throws Exception {
        writers();
        List<ObjectNode> sources = new ArrayList<>();
        for (int i = 0; i < CALLERS; i++) {
            sources.add(scene.seen());
        }

        Ends ends = race(
                CALLERS,
                i -> bus.call(
                        "create_memory_candidate",
                        Machine.agent("writer-" + i),
                        scene.lesson(0, "sourceRefs", List.of(sources.get(i)))));

        assertEquals(Map.of(), ends.refusals());
        assertEquals(1, ends.ids("/candidate/candidateId").size());
        assertEquals(1, bus.count("memory_candidates"));
        assertEquals(
                CALLERS,
                bus.jdbc()
                        .queryForObject(
                                "select count(distinct r ->> 'id') from memory_candidates,"
                                        + " jsonb_array_elements(source_refs) r",
                                Integer.class));
    }

    @Test
    void a_dedupe_key_has_one_winner_and_every_caller_gets_its_candidate() throws Exception {
        writers();

        Ends ends = race(
                CALLERS,
                i -> bus.call(
                        "create_memory_candidate", Machine.agent("writer-" + i), scene.lesson(i, "dedupeKey", "one")));

        assertEquals(1, bus.count("memory_candidates"));
        assertEquals(1, ends.ids("/candidate/candidateId").size());
    }

    @Test
    void one_agent_writes_no_more_candidates_at_once_than_its_budget_has() throws Exception {
        bus.jdbc().update("update agents set budgets = '{\"memoryCandidates\": 5}' where agent_id = 'research'");

        Ends ends = race(CALLERS, i -> bus.call("create_memory_candidate", MemoryScene.RESEARCH, scene.lesson(i)));

        assertEquals(5, bus.count("memory_candidates"));
        assertEquals(Map.of("proposal_budget", CALLERS - 5), ends.refusals());
    }

    @Test
    void agents_promote_no_more_at_once_than_a_day_allows() throws Exception {
        int callers = 25;
        List<String> candidates = new ArrayList<>();
        for (int i = 0; i < callers; i++) {
            candidates.add(scene.candidate(MemoryScene.RESEARCH, scene.lesson(i)));
        }

        Ends ends = race(callers, i -> scene.promote(MemoryScene.KNOWLEDGE, candidates.get(i)));

        int most = bus.count("memories") == 0 ? -1 : 20;
        assertEquals(most, bus.count("memories"));
        assertEquals(Map.of("memory_gate", callers - most), ends.refusals());
        assertEquals(callers - most, bus.count("memory_candidates where status = 'new'"));
    }

    @Test
    void of_twenty_who_supersede_one_memory_one_succeeds() throws Exception {
        String old = scene.memory(0);

        Ends ends = race(
                CALLERS,
                i -> bus.call(
                        "supersede_memory",
                        person(i),
                        MemoryScene.text(i + 1)
                                .put("supersedesMemoryId", old)
                                .put("notes", "It was measured again, says person " + i + ".")));

        assertEquals(1, ends.answers().size(), ends.refusals()::toString);
        assertEquals(Map.of("wrong_state", CALLERS - 1), ends.refusals());
        assertEquals("superseded", scene.status(old));
        assertEquals(1, bus.count("memories where status = 'active' and version = 2"));
        assertEquals(2, bus.count("memories"));
        assertEquals(1, bus.count("events where topic = 'memory.superseded'"));
    }

    @Test
    void two_memories_that_supersede_each_other_at_once_end_in_one_active_memory() throws Exception {
        String one = scene.memory(0);
        String other = scene.memory(1);

        Ends ends = race(
                CALLERS,
                i -> bus.call(
                        "supersede_memory",
                        person(i),
                        Machine.json(
                                "supersedesMemoryId",
                                i % 2 == 0 ? one : other,
                                "memoryId",
                                i % 2 == 0 ? other : one,
                                "notes",
                                "The other one says it better.")));

        assertEquals(1, bus.count("memories where status = 'active'"), ends.refusals()::toString);
        assertEquals(1, bus.count("memories where status = 'superseded'"));
        assertEquals(Set.of("wrong_state"), ends.refusals().keySet());
    }

    @Test
    void a_ring_of_supersedes_at_once_leaves_one_end() throws Exception {
        List<String> ring = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            ring.add(scene.memory(i));
        }

        race(
                ring.size(),
                i -> bus.call(
                        "supersede_memory",
                        person(i),
                        Machine.json(
                                "supersedesMemoryId",
                                ring.get(i),
                                "memoryId",
                                ring.get((i + 1) % ring.size()),
                                "notes",
                                "The other one says it better.")));

        assertTrue(bus.count("memories where status = 'active'") >= 1);
        assertEquals(
                0,
                bus.count(
                        """
                        (with recursive chain as (
                          select memory_id as head, superseded_by as next, 1 as depth from memories where superseded_by is not null
                          union all
                          select head, m.superseded_by, depth + 1
                          from chain join memories m on m.memory_id = chain.next
                          where m.superseded_by is not null and depth < 10)
                        select from chain where next = head) cycles"""));
    }

    @Test
    void no_candidate_is_promoted_after_a_freeze_has_been_answered() throws Exception {
        List<String> candidates = new ArrayList<>();
        for (int i = 0; i < CALLERS; i++) {
            candidates.add(scene.candidate(MemoryScene.RESEARCH, scene.lesson(i)));
        }

        Ends ends = race(
                CALLERS,
                i -> i == CALLERS / 2
                        ? bus.ask("freeze", "kind", "promotions", "name", "memory", "reason", "polluted")
                        : scene.promote(person(i), candidates.get(i)));

        long after = bus.count("memories");
        assertEquals(
                CALLERS - 1 - after, ends.refusals().getOrDefault("frozen", 0).longValue(), ends.refusals()::toString);
        assertEquals(
                "frozen",
                Machine.refusal(() -> scene.promote(Machine.operator(), candidates.get(CALLERS / 2)))
                        .code());
        assertEquals(after, bus.count("memories"));
    }

    @Test
    void memories_that_end_while_prompts_are_made_hold_no_prompt() throws Exception {
        List<String> memories = new ArrayList<>();
        for (int i = 0; i < CALLERS / 2; i++) {
            memories.add(scene.memory(i, "scope", "project", "subjectKey", "tower"));
        }
        List<Attempt> attempts = new ArrayList<>();
        for (int i = 0; i < CALLERS / 2; i++) {
            attempts.add(scene.working(
                    i % 2 == 0 ? "research" : "coordinator", MemoryScene.text(i).put("project", "tower")));
        }

        Ends ends = race(CALLERS, i -> {
            if (i < CALLERS / 2) {
                return scene.inject(attempts.get(i));
            }
            String memory = memories.get(i - CALLERS / 2);
            return scene.act(i % 2 == 0 ? "expire_memory" : "mark_memory_wrong", Machine.operator(), memory);
        });

        assertEquals(Map.of(), ends.refusals());
        assertEquals(0, bus.count("memories where status = 'active'"));
        attempts.forEach(attempt -> bus.complete(attempt));
    }

    @Test
    void the_memories_of_one_attempt_are_chosen_once_for_twenty_who_ask() throws Exception {
        for (int i = 0; i < 4; i++) {
            scene.memory(i, "scope", "project", "subjectKey", "tower");
        }
        Attempt attempt = scene.working("research", MemoryScene.text(0).put("project", "tower"));

        Ends ends = race(CALLERS, i -> scene.inject(attempt));

        assertEquals(Map.of(), ends.refusals());
        assertEquals(1, new HashSet<>(ends.answers()).size(), ends.answers()::toString);
        assertTrue(ends.answers().get(0).size() > 0, "the job names the project");
        assertEquals(ends.answers().get(0).size(), bus.count("memory_injections"));
    }

    @Test
    void of_confirming_marking_wrong_and_expiring_at_once_one_end_stands() throws Exception {
        String memory = scene.memory(0);

        Ends ends = race(
                CALLERS,
                i -> scene.act(
                        List.of("confirm_memory", "mark_memory_wrong", "expire_memory")
                                .get(i % 3),
                        person(i),
                        memory));

        assertTrue(Set.of("wrong_state").containsAll(ends.refusals().keySet()), ends.refusals()::toString);
        assertTrue(Set.of("wrong", "expired").contains(scene.status(memory)), scene.status(memory));
        assertEquals(0, bus.count("memory_reviews where closed_at is null"));
        assertEquals(1, bus.count("events where topic in ('memory.wrong', 'memory.expired')"));
    }

    @Test
    void twenty_agents_that_call_one_memory_wrong_open_one_review() throws Exception {
        String memory = scene.memory(0);
        writers();

        Ends ends = race(CALLERS, i -> scene.act("mark_memory_wrong", Machine.agent("writer-" + i), memory));

        assertEquals(Map.of(), ends.refusals());
        assertEquals("active", scene.status(memory), "an agent only says so; a curator or a person ends it");
        assertEquals(1, bus.count("memory_reviews where kind = 'wrong' and closed_at is null"));
    }

    @Test
    void every_act_on_the_same_memories_at_once_meets_no_deadlock() throws Exception {
        List<String> memories = new ArrayList<>();
        List<String> candidates = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            memories.add(scene.memory(i, "scope", "project", "subjectKey", "tower"));
            candidates.add(scene.candidate(
                    MemoryScene.RESEARCH, scene.lesson(i + 10, "scope", "project", "subjectKey", "tower")));
        }
        List<Attempt> attempts = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            attempts.add(scene.working("research", MemoryScene.text(i).put("project", "tower")));
            scene.inject(attempts.get(i));
        }

        Ends ends = race(CALLERS, i -> switch (i % 10) {
            case 0 -> scene.promote(person(i), candidates.get(i / 10), "supersedesMemoryId", memories.get(1 - i / 10));
            case 1 -> scene.act("expire_memory", person(i), memories.get(i / 10));
            case 2 ->
                bus.call(
                        "expire_memories",
                        person(i),
                        Machine.json("scope", "project", "subjectKey", "tower", "notes", "The project is polluted."));
            case 3 -> scene.act("mark_memory_wrong", MemoryScene.DEVOPS, memories.get(i / 10 + 1));
            case 4 -> scene.act("confirm_memory", person(i), memories.get(2));
            case 5 ->
                bus.call(
                        "supersede_memory",
                        person(i),
                        MemoryScene.text(i + 15)
                                .put("supersedesMemoryId", memories.get(3))
                                .put("notes", "It was measured again today."));
            case 6 ->
                i / 10 == 0
                        ? bus.say(
                                attempts.get(0),
                                "complete_job",
                                "summary",
                                "done",
                                "memories",
                                List.of(
                                        Machine.json("id", memories.get(0), "verdict", "wrong"),
                                        Machine.json("id", memories.get(1), "verdict", "used")))
                        : bus.fail(attempts.get(1));
            case 7 -> bus.call("create_memory_candidate", MemoryScene.DEVOPS, scene.lesson(i + 20));
            case 8 -> bus.one("select to_jsonb(settle_memories())");
            default -> bus.call("search_memories", MemoryScene.RESEARCH, Machine.json("query", "backup of the tower"));
        });

        assertTrue(Set.of("wrong_state").containsAll(ends.refusals().keySet()), ends.refusals()::toString);
    }
}
