package agentbus.dispatch;

import agentbus.db.Statements;
import agentbus.health.Meters;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.camel.Body;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the database choose the memories for the prompt of a hook call, within a time limit. A failure is the caller's to
 * handle, and the hook call is unchanged then. After some failures in a row no recall is tried for a while, so that a
 * database in trouble costs the other jobs neither time nor connections.
 */
public final class MemoryRecall {
    private static final Logger LOG = LoggerFactory.getLogger(MemoryRecall.class);
    private static final TypeReference<List<Map<String, Object>>> MEMORIES = new TypeReference<>() {};

    /**
     * Chosen: three times what the first recall of a connection takes, which plans everything; a later one takes a
     * hundredth of it.
     */
    private static final int LIMIT_MS = 1_000;
    /** Chosen: a fifth of the connections of the pool, so that recalls that hang leave the others to the doors and claims. */
    private static final int AT_ONCE = 4;

    private final Statements statements;
    private final String mapping;
    private final Meters meters;
    private final Semaphore places = new Semaphore(AT_ONCE);
    private final Breaker breaker = new Breaker(System::nanoTime);

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
     * Chooses the memories and puts them into the hook call as {@code memories}, in their order. Puts nothing while
     * recalls are not tried, or when too many are under way.
     *
     * @param hookCall the hook call
     * @throws org.springframework.dao.DataAccessException when the database refuses, fails or does not answer in time
     * @throws JsonProcessingException never, because Postgres has written the JSON
     * @throws InterruptedException when the node stops meanwhile
     */
    public void recall(@Body Map<String, Object> hookCall) throws JsonProcessingException, InterruptedException {
        String outcome = "skipped";
        long begun = System.nanoTime();
        try {
            if (breaker.closed() && places.tryAcquire(LIMIT_MS, TimeUnit.MILLISECONDS)) {
                outcome = "failed";
                try {
                    outcome = choose(hookCall) ? "found" : "nothing";
                } finally {
                    places.release();
                }
            }
        } finally {
            note(outcome);
            meters.memoriesRecalled(outcome, System.nanoTime() - begun);
        }
    }

    /** Returns whether there are any. */
    private boolean choose(Map<String, Object> hookCall) throws JsonProcessingException {
        List<Map<String, Object>> memories = Json.EXACT
                .forType(MEMORIES)
                .readValue(statements.lastText(
                        "sql/statements/recall-memories/inject-memories.sql",
                        Integer.toString(LIMIT_MS),
                        hookCall.get("attemptId"),
                        mapping));
        hookCall.put("memories", memories);
        return !memories.isEmpty();
    }

    private void note(String outcome) {
        if (outcome.equals("failed")) {
            if (breaker.failed()) {
                LOG.warn(
                        "Prompts go without memories for {} s, because {} recalls in a row have failed.",
                        Breaker.PAUSE.toSeconds(),
                        Breaker.FAILURES);
            }
        } else if (!outcome.equals("skipped")) {
            breaker.succeeded();
        }
    }
}
