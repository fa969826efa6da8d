package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** Ten thousand open candidates of one subject and ten thousand memories of one service slow no call down. */
@ExtendWith(PostgresExtension.class)
class MemoryVolumeTest {
    private static final int MANY = 12_000;
    private static final String SERVICE = "tower";

    private Machine bus;
    private MemoryScene scene;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        scene = new MemoryScene(bus);
    }

    /** Adds rows to both tables, five of six about one service; half of their words are in all, and half in one. */
    private void fill(int many) {
        String title = "'Restart the tower before the backup ' || left(md5(i::text || ?), 12)";
        String body = "'The tower fails after the backup with ' || md5(i::text || ?) || ' and needs a restart.'";
        String values =
                " 'default', 'coordinator', 'lesson', 'service', case when i %% 6 = 0 then 'service-' || i else '%s' end, %s, %s, 'seen', '[]', 4, 'medium', 'shared', 'trusted'"
                        .formatted(SERVICE, title, body);
        bus.jdbc().execute("alter table memory_candidates disable trigger audit_row");
        bus.jdbc().execute("alter table memories disable trigger audit_row");
        bus.jdbc()
                .update(
                        "insert into memory_candidates (namespace, source_agent, kind, scope, subject_key, title, body,"
                                + " evidence, source_refs, confidence, stability, visibility, trust) select" + values
                                + " from generate_series(1, ?) i",
                        "candidates" + many,
                        "candidates" + many,
                        many);
        bus.jdbc()
                .update(
                        "insert into memories (namespace, source_agent, kind, scope, subject_key, title, body, evidence,"
                                + " source_refs, confidence, stability, visibility, trust, promoted_by, notes, next_review_at)"
                                + " select" + values + ", 'operator:anna', 'seen', now() + interval '30 days'"
                                + " from generate_series(1, ?) i",
                        "memories" + many,
                        "memories" + many,
                        many);
        bus.jdbc().execute("alter table memory_candidates enable trigger audit_row");
        bus.jdbc().execute("alter table memories enable trigger audit_row");
        for (String table : new String[] {"memory_candidates", "memories", "memory_words", "memory_injections"}) {
            bus.jdbc().execute("vacuum analyze " + table);
        }
    }

    /** Pages that a statement looks at; what it changes is taken back. */
    private long pages(String call, String... arguments) throws SQLException {
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine machine = Machine.on(new SingleConnectionDataSource(connection, true));
            JsonNode plan = machine.one("explain (analyze, buffers, format json) select " + call, (Object[]) arguments);
            connection.rollback();
            connection.setAutoCommit(true);
            return Machine.pagesOf(plan);
        }
    }

    private long pages(String function, JsonNode principal, ObjectNode input) throws SQLException {
        return pages(function + "(?::jsonb, ?::jsonb)", principal.toString(), input.toString());
    }

    private Map<String, Long> costs(String candidate, String memory, String other, Attempt attempt)
            throws SQLException {
        JsonNode anna = Machine.operator();
        ObjectNode ofCandidate = Machine.json("candidateId", candidate);
        ObjectNode ofMemory = Machine.json("memoryId", memory);
        ObjectNode noted = ofMemory.deepCopy().put("notes", "It was looked at again.");
        Map<String, Long> costs = new LinkedHashMap<>();
        for (int warm = 0; warm < 2; warm++) {
            costs.put("get_memory_candidate", pages("get_memory_candidate", anna, ofCandidate));
            costs.put("get_memory", pages("get_memory", anna, ofMemory));
            costs.put("list_memory_candidates", pages("list_memory_candidates", anna, Machine.json("limit", 20)));
            costs.put(
                    "list_memory_candidates, new",
                    pages("list_memory_candidates", anna, Machine.json("limit", 20, "status", "new")));
            costs.put("list_memories", pages("list_memories", anna, Machine.json("limit", 20)));
            costs.put(
                    "list_memories, service",
                    pages(
                            "list_memories",
                            MemoryScene.RESEARCH,
                            Machine.json("limit", 20, "scope", "service", "subjectKey", SERVICE)));
            costs.put(
                    "create_memory_candidate",
                    pages(
                            "create_memory_candidate",
                            MemoryScene.RESEARCH,
                            scene.lesson(5, "scope", "service", "subjectKey", SERVICE)));
            costs.put(
                    "promote_memory_candidate",
                    pages("promote_memory_candidate", anna, MemoryScene.promotion(candidate)));
            costs.put(
                    "reject_memory_candidate",
                    pages(
                            "reject_memory_candidate",
                            anna,
                            ofCandidate.deepCopy().put("notes", "It holds for one host only.")));
            costs.put("confirm_memory", pages("confirm_memory", anna, noted));
            costs.put("mark_memory_wrong", pages("mark_memory_wrong", anna, noted));
            costs.put("expire_memory", pages("expire_memory", anna, noted));
            costs.put(
                    "supersede_memory",
                    pages(
                            "supersede_memory",
                            anna,
                            Machine.json(
                                    "supersedesMemoryId",
                                    other,
                                    "memoryId",
                                    memory,
                                    "notes",
                                    "The other one says it better.")));
            costs.put(
                    "search_memories",
                    pages(
                            "search_memories",
                            MemoryScene.RESEARCH,
                            Machine.json(
                                    "query", MemoryScene.text(0).get("title").asText())));
            costs.put(
                    "search_memories, words of all",
                    pages(
                            "search_memories",
                            MemoryScene.RESEARCH,
                            Machine.json("query", "restart the tower before the backup fails")));
            costs.put("inject_memories", pages("inject_memories(?::uuid, ?::jsonb)", attempt.id(), MemoryScene.KEYS));
            costs.put("settle_memories", pages("settle_memories()"));
            costs.put("list_memory_reviews", pages("list_memory_reviews", anna, Machine.json("limit", 20)));
        }
        return costs;
    }

    @Test
    void every_call_costs_the_same_beside_ten_thousand_candidates_and_memories_of_one_service() throws SQLException {
        String other = scene.memory(1, "scope", "service", "subjectKey", SERVICE);
        String memory = scene.memory(0, "scope", "service", "subjectKey", SERVICE);
        String candidate =
                scene.candidate(MemoryScene.RESEARCH, scene.lesson(2, "scope", "service", "subjectKey", SERVICE));
        Attempt attempt = scene.working(
                "research", MemoryScene.text(0).put("service", SERVICE).put("log", "tower restart"));
        // More than a search or a comparison of a new text looks at.
        fill(MANY / 5);
        Map<String, Long> before = costs(candidate, memory, other, attempt);
        fill(MANY);

        Map<String, Long> after = costs(candidate, memory, other, attempt);

        StringBuilder dear = new StringBuilder();
        after.forEach((call, pages) -> {
            // A search for frequent words reads the newest memories, and no more than most_memories_read.
            int newest = call.equals("search_memories, words of all") ? 2_000 : 0;
            if (pages > before.get(call) * 2 + 500 + newest) {
                dear.append("\n")
                        .append(call)
                        .append(": ")
                        .append(before.get(call))
                        .append(" pages before, ");
                dear.append(pages).append(" after");
            }
        });
        assertEquals("", dear.toString());
        JsonNode injected = scene.inject(attempt);
        assertTrue(injected.size() <= 10, injected::toString);
        assertEquals(memory, injected.at("/0/memoryId").asText(), "the one about the job comes first");
    }
}
