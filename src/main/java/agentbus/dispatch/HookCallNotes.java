package agentbus.dispatch;

import agentbus.db.BatchedStatement;
import agentbus.db.Statements;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.apache.camel.Body;
import org.springframework.dao.PessimisticLockingFailureException;

/**
 * Writes the two notes of nearly every hook call: the prompt before the request, and the admission after it. Notes that
 * arrive while a statement runs share the next statement, and statements with admissions begin some milliseconds apart.
 */
public final class HookCallNotes implements AutoCloseable {
    /** Chosen: a larger batch saves nothing more and holds the locks of its jobs for longer. */
    private static final int MAX_BATCH = 100;

    /** Chosen: a second statement keeps one locked attempt from delaying all others. */
    private static final int MAX_CONCURRENT = 2;

    /** Chosen: under load a job waits far longer for its claim. */
    private static final Duration GATHER = Duration.ofMillis(10);

    /**
     * Chosen: as short as a statement takes under load, and at 800 jobs a second sixteen admissions share one
     * (docs/adr/0014).
     */
    private static final Duration APART = Duration.ofMillis(20);

    private final String dispatcher;
    private final Statements statements;
    private final BatchedStatement<Map<String, Object>, String> prompts;
    private final BatchedStatement<Map<String, Object>, String> admissions;

    /**
     * Notes of one dispatcher's hook calls.
     *
     * @param dispatcher the dispatcher's id
     * @param statements runs {@code sql/statements/call-hook/keep-prompts.sql} and {@code hooks-admitted.sql}
     */
    public HookCallNotes(String dispatcher, Statements statements) {
        this.dispatcher = dispatcher;
        this.statements = statements;
        this.prompts = BatchedStatement.awaited(
                "keep-prompts",
                MAX_BATCH,
                MAX_CONCURRENT,
                GATHER,
                calls -> note(
                        "keep-prompts",
                        "prompt",
                        calls,
                        "attemptId",
                        "prompt",
                        "promptHash",
                        "templateHash",
                        "tokenHash"));
        this.admissions = BatchedStatement.unawaited(
                "note-admitted",
                MAX_BATCH,
                APART,
                calls -> note("hooks-admitted", "answer", calls, "attemptId", "runId", "sessionKey"));
    }

    /**
     * Keeps a prompt. Blocks on purpose: the request that follows must run on the caller's thread, not on the batch
     * thread.
     *
     * @param prompt the result of {@link Prompts#toKeep}
     * @return the prompt to send, which is the first one kept for the attempt; null when the dispatcher has lost the
     *     attempt, and nothing may be sent
     */
    public String keepPrompt(@Body Map<String, Object> prompt) {
        return prompts.await(prompt);
    }

    /**
     * Notes an admission, without blocking.
     *
     * @param admitted attemptId, runId and sessionKey
     * @return the answer of {@code hook_admitted}, JSON text; completed on the batch thread
     */
    public CompletionStage<String> noteAdmission(@Body Map<String, Object> admitted) {
        return admissions.call(admitted);
    }

    /**
     * Runs a statement of {@code sql/statements/call-hook} with one array per field; returns one column of its rows, in
     * the order of the calls.
     */
    private List<String> note(String statement, String column, List<Map<String, Object>> calls, String... fields) {
        List<Object> parameters = new ArrayList<>(List.of(dispatcher));
        for (String field : fields) {
            parameters.add(calls.stream().map(call -> (String) call.get(field)).toArray(String[]::new));
        }
        Map<String, String> answers = new HashMap<>();
        rows("sql/statements/call-hook/" + statement + ".sql", parameters.toArray())
                .forEach(row -> answers.put((String) row.get("attempt_id"), (String) row.get(column)));
        return calls.stream().map(call -> answers.get(call.get("attemptId"))).toList();
    }

    private List<Map<String, Object>> rows(String file, Object... parameters) {
        try {
            return statements.rows(file, parameters);
        } catch (PessimisticLockingFailureException undone) {
            // Rolled back as a deadlock victim. The other call is through now, so one retry succeeds.
            return statements.rows(file, parameters);
        }
    }

    @Override
    public void close() {
        prompts.close();
        admissions.close();
    }
}
