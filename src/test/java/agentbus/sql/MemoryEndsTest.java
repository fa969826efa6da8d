package agentbus.sql;

import static agentbus.sql.Machine.operator;
import static agentbus.sql.Machine.refusal;
import static agentbus.sql.MemoryScene.DEVOPS;
import static agentbus.sql.MemoryScene.KNOWLEDGE;
import static agentbus.sql.MemoryScene.RESEARCH;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** How memories end, and how they are confirmed. MemoryElsewhereTest does it while the lane is off. */
@ExtendWith(PostgresExtension.class)
class MemoryEndsTest {
    private Machine bus;
    private MemoryScene scene;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        scene = new MemoryScene(bus);
    }

    @Test
    void a_repeated_end_changes_nothing_and_another_one_reads_who_was_first() {
        String memory = scene.memory(0);

        assertTrue(scene.act("expire_memory", KNOWLEDGE, memory).get("changed").asBoolean());
        assertFalse(
                scene.act("expire_memory", operator(), memory).get("changed").asBoolean());
        Refusal refused = refusal(() -> scene.act("mark_memory_wrong", operator(), memory));

        assertEquals("409 wrong_state memoryId", refused.brief());
        assertTrue(refused.message().contains("expired, by agent:knowledge at"), refused.message());
        assertEquals(1, bus.count("events where topic = 'memory.expired'"));
        assertEquals(
                403,
                refusal(() -> scene.act("expire_memory", DEVOPS, scene.memory(1)))
                        .status());
    }

    @Test
    void a_confirmed_memory_closes_its_reviews_and_its_author_confirms_nothing() {
        String memory = scene.memory(0);
        scene.act("mark_memory_wrong", RESEARCH, memory);
        bus.jdbc().update("update memories set next_review_at = now() - interval '1 day'");

        JsonNode answer = scene.act("confirm_memory", KNOWLEDGE, memory);

        assertEquals(2, answer.get("closedReviews").asInt(), "that it was called wrong, and its date");
        assertEquals(1, bus.count("memory_reviews where kind = 'overdue' and outcome = 'confirmed'"));
        assertEquals(1, bus.count("memories where next_review_at > now() + interval '58 days'"));
        assertFalse(
                scene.act("confirm_memory", KNOWLEDGE, memory).get("changed").asBoolean());
        bus.jdbc().update("update memories set source_agent = 'knowledge'");
        assertEquals(
                403,
                refusal(() -> scene.act("confirm_memory", KNOWLEDGE, memory)).status());
    }

    @Test
    void memories_end_at_their_date() {
        String memory = scene.memory(0);
        scene.memory(1);
        bus.jdbc()
                .update(
                        "update memories set expires_at = now() - interval '1 second' where memory_id = ?::uuid",
                        memory);

        assertEquals(1, bus.one("select to_jsonb(expire_due_memories(10))").asInt());
        assertEquals("expired", scene.status(memory));
        assertEquals(1, bus.count("memories where status = 'active'"));
    }

    @Test
    void a_filter_ends_ten_thousand_memories_a_call_and_a_dry_run_none() {
        bus.jdbc().execute("alter table memories disable trigger user");
        bus.jdbc()
                .update(
                        "insert into memories (namespace, source_agent, kind, scope, title, body, evidence, source_refs,"
                                + " confidence, stability, visibility, trust, promoted_by, notes, next_review_at)"
                                + " select 'default', case when i > 3 then 'mass' else 'devops' end, 'context', 'global',"
                                + " 'Title ' || i, 'Body ' || i, 'seen', '[]', 4, 'medium', 'shared', 'trusted', 'agent:knowledge',"
                                + " 'seen', now() + interval '1 day' from generate_series(1, 10005) i");
        bus.jdbc().execute("alter table memories enable trigger user");

        JsonNode dry = bus.ask("expire_memories", "sourceAgent", "mass", "dryRun", true, "notes", "a look");
        assertEquals(10_000, dry.get("count").asInt());
        assertTrue(dry.get("more").asBoolean());
        assertEquals(10_005, bus.count("memories where status = 'active'"));

        assertTrue(bus.ask("expire_memories", "sourceAgent", "mass", "notes", "polluted")
                .get("more")
                .asBoolean());
        JsonNode rest = bus.ask("expire_memories", "sourceAgent", "mass", "notes", "polluted");
        assertEquals(2, rest.get("count").asInt());
        assertFalse(rest.get("more").asBoolean());
        assertEquals(3, bus.count("memories where status = 'active'"));
        assertEquals(10_002, bus.count("audit_log where action = 'memory.changed' and why = 'polluted'"));
        assertEquals(2, bus.count("events where topic = 'memory.expired'"));
    }

    @Test
    void the_event_of_a_batch_names_the_subject_of_shared_memories_only() {
        MemoryRows rows = new MemoryRows(bus);
        rows.memory("subject_key", "layoff plan", "visibility", "private", "owner_agent", "research");
        rows.memory("subject_key", "layoff plan");
        rows.memory();
        bus.ask(
                "expire_memories",
                "subjectKey",
                "layoff plan",
                "sourceAgent",
                "research",
                "kind",
                "lesson",
                "notes",
                "x");
        bus.ask("expire_memories", "subjectKey", "importer", "sourceAgent", "research", "notes", "polluted");

        assertEquals(
                List.of(
                        Machine.json("kind", "lesson"),
                        Machine.json("subjectKey", "importer", "sourceAgent", "research")),
                bus
                        .jdbc()
                        .queryForList(
                                "select payload ->> 'filter' from events where topic = 'memory.expired' order by seq",
                                String.class)
                        .stream()
                        .map(Machine::parse)
                        .toList());
    }

    @Test
    void a_filter_that_names_nothing_ends_nothing() {
        scene.memory(0);

        Refusal refused = refusal(() -> bus.ask("expire_memories", "notes", "polluted"));

        assertEquals("422 invalid_field all", refused.brief());
        assertEquals(
                1,
                bus.ask("expire_memories", "all", true, "notes", "polluted")
                        .get("count")
                        .asInt());
        assertEquals(
                0,
                bus.ask("expire_memories", "all", true, "notes", "polluted")
                        .get("count")
                        .asInt());
    }
}
