package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The memory lane where little is as usual: a phase that is off, another namespace, a disabled agent. */
@ExtendWith(PostgresExtension.class)
class MemoryElsewhereTest {
    private Machine bus;
    private MemoryScene scene;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        scene = new MemoryScene(bus);
        phase(4);
    }

    @AfterEach
    void nothing_is_broken() {
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
    }

    private void phase(int highest) {
        bus.jdbc().queryForObject("select note_phase('default', ?, 'host-7')", String.class, highest);
    }

    /** A call as the door makes it, with the phase of the contract. */
    private JsonNode write(String function, ObjectNode principal, ObjectNode input) {
        return bus.call(function, principal.deepCopy().put("phase", 4), input);
    }

    private ObjectNode noted(String field, String id) {
        return Machine.json(field, id, "notes", "The lane is polluted since Monday.");
    }

    @ParameterizedTest
    @ValueSource(strings = {"phase 3", "frozen"})
    void with_the_lane_off_nothing_is_injected_or_written_and_the_ways_out_work_for_people(String how) {
        String memory = scene.memory(0);
        String second = scene.memory(1);
        String third = scene.memory(2);
        String candidate = scene.candidate(MemoryScene.RESEARCH, scene.lesson(3));
        Attempt attempt = scene.working("research", MemoryScene.text(0));
        Attempt working = scene.working("coordinator", Machine.json());
        String code;
        if (how.equals("frozen")) {
            bus.ask("freeze", "kind", "phase", "name", "4", "reason", "polluted");
            code = "frozen";
        } else {
            phase(3);
            code = "phase_off";
        }

        assertEquals(0, scene.inject(attempt).size());
        assertEquals(0, bus.count("memory_injections"));
        for (ObjectNode agent : List.of(MemoryScene.KNOWLEDGE, MemoryScene.DEVOPS)) {
            assertEquals(
                    code,
                    Machine.refusal(() -> write("create_memory_candidate", agent, scene.lesson(4)))
                            .code());
            assertEquals(
                    code,
                    Machine.refusal(() -> write("promote_memory_candidate", agent, MemoryScene.promotion(candidate)))
                            .code());
            for (String act : List.of("expire_memory", "mark_memory_wrong")) {
                assertEquals(
                        code,
                        Machine.refusal(() -> bus.call(act, agent, noted("memoryId", memory)))
                                .code(),
                        act);
            }
            assertEquals(
                    code,
                    Machine.refusal(() -> bus.call("reject_memory_candidate", agent, noted("candidateId", candidate)))
                            .code());
        }
        assertEquals(3, bus.ask("list_memories").get("memories").size(), "the data stay and can be looked at");
        bus.call("search_memories", MemoryScene.RESEARCH, Machine.json("query", "backup"));
        JsonNode closed = bus.say(
                working,
                "complete_job",
                "summary",
                "done",
                "memories",
                List.of(Machine.json("id", memory, "verdict", "used")));
        assertEquals("succeeded", bus.state(working.job()), closed::toString);

        bus.call("expire_memory", Machine.operator(), noted("memoryId", memory));
        bus.call("mark_memory_wrong", Machine.operator(), noted("memoryId", second));
        bus.call("reject_memory_candidate", Machine.operator(), noted("candidateId", candidate));
        ObjectNode filter = Machine.json("sourceAgent", "research", "notes", "The lane is polluted since Monday.");
        assertEquals(
                1,
                bus.call("expire_memories", Machine.operator(), filter)
                        .path("count")
                        .asInt(-1));
        assertEquals("expired", scene.status(third));
        assertEquals(0, bus.count("memories where status = 'active'"));
    }

    @Test
    void a_lane_that_comes_back_has_its_memories_again() {
        String memory = scene.memory(0);
        phase(2);
        phase(4);

        assertEquals(
                memory,
                scene.inject(scene.working("research", MemoryScene.text(0)))
                        .at("/0/memoryId")
                        .asText());
    }

    @Test
    void frozen_promotions_stop_promotions_alone() {
        String candidate = scene.candidate(MemoryScene.RESEARCH, scene.lesson(0));
        String memory = scene.memory(1);
        bus.ask("freeze", "kind", "promotions", "name", "memory", "reason", "polluted");

        for (ObjectNode who : List.of(MemoryScene.KNOWLEDGE, Machine.operator())) {
            Refusal refusal = Machine.refusal(() -> scene.promote(who, candidate));
            assertEquals("409 frozen", refusal.status() + " " + refusal.code());
            assertTrue(refusal.message().contains("operator:anna"), refusal.message());
            assertTrue(refusal.message().contains("polluted"), refusal.message());
        }
        scene.candidate(MemoryScene.RESEARCH, scene.lesson(2));
        assertEquals(
                1, scene.inject(scene.working("research", MemoryScene.text(1))).size());
        scene.act("expire_memory", MemoryScene.KNOWLEDGE, memory);
        bus.ask("unfreeze", "kind", "promotions", "name", "memory", "reason", "clean");
        scene.promote(MemoryScene.KNOWLEDGE, candidate);
    }

    @Test
    void two_namespaces_have_memories_keys_and_limits_of_their_own() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        bus.jdbc()
                .update("insert into agents (namespace, agent_id, accepts, may_enqueue_to, emits, budgets, may_promote)"
                        + " select 'other', agent_id, accepts, may_enqueue_to, emits, budgets, may_promote from agents"
                        + " where namespace = 'default'");
        scene.memory(0, "dedupeKey", "one");
        ObjectNode research = MemoryScene.RESEARCH.deepCopy().put("namespace", "other");
        ObjectNode knowledge = MemoryScene.KNOWLEDGE.deepCopy().put("namespace", "other");
        List<ObjectNode> sources = List.of(seenInOther(), seenInOther());

        JsonNode created = bus.call(
                "create_memory_candidate", research, scene.lesson(0, "dedupeKey", "one", "sourceRefs", sources));
        assertTrue(created.get("created").asBoolean(), "the same text and key of another namespace are nothing to it");
        String candidate = created.at("/candidate/candidateId").asText();
        assertEquals(
                404,
                Machine.refusal(() -> scene.promote(MemoryScene.KNOWLEDGE, candidate))
                        .status());
        String memory = MemoryScene.id(scene.promote(knowledge, candidate));

        assertEquals(
                404,
                Machine.refusal(() -> scene.act("expire_memory", Machine.operator(), memory))
                        .status(),
                "an operator names the namespace");
        assertEquals(
                1,
                bus.ask("list_memories", "namespace", "other").get("memories").size());
        assertEquals(1, bus.ask("list_memories").get("memories").size());
        assertEquals(1, bus.count("events where topic = 'memory.promoted' and namespace = 'other'"));
        assertEquals(1, bus.count("audit_log where action = 'memory.added' and namespace = 'other'"));
        Attempt attempt = bus.running(
                "namespace",
                "other",
                "targetAgent",
                "research",
                "subject",
                "research.packet",
                "payload",
                MemoryScene.text(0));
        JsonNode injected = scene.inject(attempt);
        assertEquals(1, injected.size());
        assertEquals(memory, injected.at("/0/memoryId").asText());
        bus.say(
                attempt,
                "complete_job",
                "summary",
                "done",
                "memories",
                List.of(Machine.json("id", memory, "verdict", "used")));
        bus.jdbc().queryForList("select settle_memories()::text");
        assertEquals(1, bus.count("memory_uses where namespace = 'other' and used = 1"));
        assertEquals(
                0,
                bus.ask(
                                        "expire_memories",
                                        "sourceAgent",
                                        "research",
                                        "namespace",
                                        "default",
                                        "dryRun",
                                        true,
                                        "notes",
                                        "only a look at it")
                                .path("count")
                                .asInt()
                        - 1);
        assertEquals(
                0,
                bus.ask("list_memory_reviews", "namespace", "other")
                        .get("reviews")
                        .size());
    }

    private ObjectNode seenInOther() {
        Attempt attempt = bus.running("namespace", "other");
        bus.complete(attempt);
        return Machine.json("kind", "job", "id", attempt.job());
    }

    @Test
    void a_disabled_agent_writes_and_promotes_nothing_and_what_it_wrote_stays() {
        String memory = scene.memory(0);
        String candidate = scene.candidate(MemoryScene.RESEARCH, scene.lesson(1));
        String owned =
                scene.candidate(MemoryScene.RESEARCH, scene.lesson(2, "visibility", "role", "ownerAgent", "devops"));
        bus.jdbc().update("update agents set enabled = false where agent_id in ('research', 'knowledge', 'devops')");

        assertEquals(
                "agent_disabled",
                Machine.refusal(() -> scene.candidate(MemoryScene.RESEARCH, scene.lesson(3)))
                        .code());
        for (ObjectNode agent : List.of(MemoryScene.KNOWLEDGE, MemoryScene.DEVOPS)) {
            assertEquals(
                    403, Machine.refusal(() -> scene.promote(agent, candidate)).status());
        }
        assertEquals("active", scene.status(memory));
        scene.promote(Machine.operator(), candidate);
        assertEquals(
                "role",
                scene.promote(Machine.operator(), owned)
                        .at("/memory/visibility")
                        .asText(),
                "a person may decide for an agent that comes back");
    }

    @Test
    void the_memories_of_an_agent_whose_file_is_gone_can_be_listed_and_ended() {
        String memory = MemoryScene.id(scene.promote(
                Machine.operator(),
                scene.candidate(
                        Machine.operator(),
                        scene.lesson(
                                0,
                                "scope",
                                "agent",
                                "subjectKey",
                                "devops",
                                "visibility",
                                "private",
                                "ownerAgent",
                                "devops"))));
        bus.jdbc().update("update agents set enabled = false where agent_id = 'devops'");

        assertEquals(
                1,
                bus.ask("list_memories", "ownerAgent", "devops").get("memories").size());
        scene.act("expire_memory", Machine.operator(), memory);
        assertEquals("expired", scene.status(memory));
    }
}
