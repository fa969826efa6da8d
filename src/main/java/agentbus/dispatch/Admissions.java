package agentbus.dispatch;

import agentbus.db.Together;
import agentbus.start.Statements;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.apache.camel.Body;

/** Writes down that hooks were admitted; those that were admitted while one statement ran go together in the next. */
public final class Admissions implements AutoCloseable {
    /** More of them than this in one statement gain nothing, and hold their jobs' locks for longer. */
    private static final int MOST = 100;

    private final String dispatcher;
    private final Statements statements;
    private final Together<Map<String, Object>, String> together;

    /**
     * Admissions of one dispatcher.
     *
     * @param dispatcher its id
     * @param statements runs {@code sql/dispatch/hooks-admitted.sql}
     */
    public Admissions(String dispatcher, Statements statements) {
        this.dispatcher = dispatcher;
        this.statements = statements;
        this.together = new Together<>("note-admitted", MOST, 1, this::note);
    }

    /**
     * Notes an admission.
     *
     * @param admitted attemptId, runId and sessionKey
     * @return what {@code hook_admitted} answers, JSON text
     */
    public CompletionStage<String> note(@Body Map<String, Object> admitted) {
        return together.call(admitted);
    }

    private List<String> note(List<Map<String, Object>> admitted) {
        Map<String, String> answers = new HashMap<>();
        statements
                .rows(
                        "sql/dispatch/hooks-admitted.sql",
                        dispatcher,
                        column(admitted, "attemptId"),
                        column(admitted, "runId"),
                        column(admitted, "sessionKey"))
                .forEach(row -> answers.put((String) row.get("attempt_id"), (String) row.get("answer")));
        return admitted.stream().map(one -> answers.get(one.get("attemptId"))).toList();
    }

    private static String[] column(List<Map<String, Object>> rows, String name) {
        return rows.stream().map(row -> (String) row.get(name)).toArray(String[]::new);
    }

    @Override
    public void close() {
        together.close();
    }
}
