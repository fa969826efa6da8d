package agentbus.dispatch;

import agentbus.db.Statements;
import agentbus.health.Meters;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import java.util.List;
import java.util.Map;
import org.apache.camel.Body;

/**
 * Has the database choose the memories for the prompt of a hook call, within a time limit. A failure is the caller's to
 * handle, and the hook call is unchanged then.
 */
public final class MemoryRecall {
    private static final TypeReference<List<Map<String, Object>>> MEMORIES = new TypeReference<>() {};

    /**
     * Chosen: fifty times the usual time, so that only a database in trouble reaches it, and a hook call comes hardly
     * later.
     */
    private static final String LIMIT_MS = "250";

    private final Statements statements;
    private final String mapping;
    private final Meters meters;

    /**
     * Recalls of one node.
     *
     * @param statements runs {@code sql/statements/recall-memories/inject-memories.sql}
     * @param mapping which fields of payloads name projects, people and services, as comma lists: the settings {@code
     *     agentbus.memory.keys}
     * @param meters counts the recalls
     */
    public MemoryRecall(Statements statements, Map<String, String> mapping, Meters meters) {
        this.statements = statements;
        this.mapping = Json.tree(mapping).toString();
        this.meters = meters;
    }

    /**
     * Chooses the memories and puts them into the hook call as {@code memories}, in their order.
     *
     * @param hookCall the hook call
     * @throws org.springframework.dao.DataAccessException when the database refuses, fails or does not answer in time
     * @throws JsonProcessingException never, because Postgres has written the JSON
     */
    public void recall(@Body Map<String, Object> hookCall) throws JsonProcessingException {
        String outcome = "failed";
        long begun = System.nanoTime();
        try {
            List<Map<String, Object>> memories = Json.EXACT
                    .forType(MEMORIES)
                    .readValue(statements.lastText(
                            "sql/statements/recall-memories/inject-memories.sql",
                            LIMIT_MS,
                            hookCall.get("attemptId"),
                            mapping));
            hookCall.put("memories", memories);
            outcome = memories.isEmpty() ? "nothing" : "found";
        } finally {
            meters.memoriesRecalled(outcome, System.nanoTime() - begun);
        }
    }
}
