package agentbus.dispatch;

import agentbus.db.Together;
import agentbus.start.Statements;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.apache.camel.Body;

/**
 * The two things that every delivery writes down: its prompt before the hook is called, and that the gateway has admitted it.
 * Those of several deliveries that come while one statement runs go together in the next.
 */
public final class DeliveryNotes implements AutoCloseable {
    /** More of them than this in one statement gain nothing, and hold their jobs' locks for longer. */
    private static final int MOST = 100;

    /** An attempt that somebody has locked must not hold up all others. */
    private static final int LANES = 2;

    private final String dispatcher;
    private final Statements statements;
    private final Together<Map<String, Object>, String> prompts;
    private final Together<Map<String, Object>, String> admissions;

    /**
     * Notes of one dispatcher.
     *
     * @param dispatcher its id
     * @param statements runs {@code sql/dispatch/keep-prompts.sql} and {@code hooks-admitted.sql}
     */
    public DeliveryNotes(String dispatcher, Statements statements) {
        this.dispatcher = dispatcher;
        this.statements = statements;
        this.prompts = new Together<>("keep-prompts", MOST, LANES, this::keepAll);
        this.admissions = new Together<>("note-admitted", MOST, 1, this::noteAll);
    }

    /**
     * Keeps a prompt. It waits: what comes next is the hook's call, which holds its thread too, and no statement's thread must.
     *
     * @param prompt what {@link Prompts#toKeep} made
     * @return the prompt to send, the first one of its attempt; null when the dispatcher holds the attempt no more, and nothing
     *     must be sent
     */
    public String keep(@Body Map<String, Object> prompt) {
        return prompts.await(prompt);
    }

    /**
     * Notes an admission.
     *
     * @param admitted attemptId, runId and sessionKey
     * @return what {@code hook_admitted} answers, JSON text
     */
    public CompletionStage<String> admitted(@Body Map<String, Object> admitted) {
        return admissions.call(admitted);
    }

    private List<String> keepAll(List<Map<String, Object>> kept) {
        return inOrder(
                kept,
                "prompt",
                statements.rows(
                        "sql/dispatch/keep-prompts.sql",
                        dispatcher,
                        column(kept, "attemptId"),
                        column(kept, "prompt"),
                        column(kept, "promptHash"),
                        column(kept, "templateHash"),
                        column(kept, "tokenHash")));
    }

    private List<String> noteAll(List<Map<String, Object>> admitted) {
        return inOrder(
                admitted,
                "answer",
                statements.rows(
                        "sql/dispatch/hooks-admitted.sql",
                        dispatcher,
                        column(admitted, "attemptId"),
                        column(admitted, "runId"),
                        column(admitted, "sessionKey")));
    }

    private static List<String> inOrder(
            List<Map<String, Object>> calls, String answer, List<Map<String, Object>> rows) {
        Map<String, String> answers = new HashMap<>();
        rows.forEach(row -> answers.put((String) row.get("attempt_id"), (String) row.get(answer)));
        return calls.stream().map(call -> answers.get(call.get("attemptId"))).toList();
    }

    private static String[] column(List<Map<String, Object>> rows, String name) {
        return rows.stream().map(row -> (String) row.get(name)).toArray(String[]::new);
    }

    @Override
    public void close() {
        prompts.close();
        admissions.close();
    }
}
