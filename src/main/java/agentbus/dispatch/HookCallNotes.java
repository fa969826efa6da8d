package agentbus.dispatch;

import agentbus.db.BatchedStatement;
import agentbus.db.Statements;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.apache.camel.Body;

/**
 * The two things that every hook call writes down: its prompt before the hook is called, and that the gateway has admitted it.
 * Those of several deliveries that come while one statement runs go together in the next.
 */
public final class HookCallNotes implements AutoCloseable {
    /** More of them than this in one statement gain nothing, and hold their jobs' locks for longer. */
    private static final int MAX_BATCH = 100;

    /** An attempt that somebody has locked must not hold up all others. */
    private static final int MAX_CONCURRENT = 2;

    private final String dispatcher;
    private final Statements statements;
    private final BatchedStatement<Map<String, Object>, String> prompts;
    private final BatchedStatement<Map<String, Object>, String> admissions;

    /**
     * Notes of one dispatcher.
     *
     * @param dispatcher its id
     * @param statements runs {@code sql/statements/call-hook/keep-prompts.sql} and {@code hooks-admitted.sql}
     */
    public HookCallNotes(String dispatcher, Statements statements) {
        this.dispatcher = dispatcher;
        this.statements = statements;
        this.prompts = new BatchedStatement<>(
                "keep-prompts",
                MAX_BATCH,
                MAX_CONCURRENT,
                calls -> note(
                        "keep-prompts",
                        "prompt",
                        calls,
                        "attemptId",
                        "prompt",
                        "promptHash",
                        "templateHash",
                        "tokenHash"));
        this.admissions = new BatchedStatement<>(
                "note-admitted",
                MAX_BATCH,
                1,
                calls -> note("hooks-admitted", "answer", calls, "attemptId", "runId", "sessionKey"));
    }

    /**
     * Keeps a prompt. It waits: what comes next is the hook's call, which holds its thread too, and no statement's thread must.
     *
     * @param prompt what {@link Prompts#toKeep} made
     * @return the prompt to send, the first one of its attempt; null when the dispatcher holds the attempt no more, and nothing
     *     must be sent
     */
    public String keepPrompt(@Body Map<String, Object> prompt) {
        return prompts.await(prompt);
    }

    /**
     * Notes an admission.
     *
     * @param admitted attemptId, runId and sessionKey
     * @return what {@code hook_admitted} answers, JSON text
     */
    public CompletionStage<String> noteAdmission(@Body Map<String, Object> admitted) {
        return admissions.call(admitted);
    }

    /** Runs a statement of {@code sql/statements/call-hook} with an array for each field, and returns a column of its rows in the calls' order. */
    private List<String> note(String statement, String column, List<Map<String, Object>> calls, String... fields) {
        List<Object> parameters = new ArrayList<>(List.of(dispatcher));
        for (String field : fields) {
            parameters.add(calls.stream().map(call -> (String) call.get(field)).toArray(String[]::new));
        }
        Map<String, String> answers = new HashMap<>();
        statements
                .rows("sql/statements/call-hook/" + statement + ".sql", parameters.toArray())
                .forEach(row -> answers.put((String) row.get("attempt_id"), (String) row.get(column)));
        return calls.stream().map(call -> answers.get(call.get("attemptId"))).toList();
    }

    @Override
    public void close() {
        prompts.close();
        admissions.close();
    }
}
