package agentbus.calls;

import agentbus.db.BatchedStatement;
import agentbus.db.Statements;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.camel.Exchange;

/**
 * Plain closes, several in one statement: agents that report success at the same moment share a commit. A close that hands work
 * on, that something waits for, or that is not the first of its attempt is left to its own statement, which comes after this
 * in the route.
 */
public final class Closes implements AutoCloseable {
    /** The variable that says that the body is the answer already. */
    public static final String ANSWERED = "answered";

    private static final Set<String> PLAIN = Set.of("jobId", "summary", "result", "usage");
    private static final int MOST = 100;
    /** One that waits for somebody's lock must not hold up all others. */
    private static final int LANES = 2;

    private final Statements statements;
    private final BatchedStatement<Close, String> together;

    /** One close: the attempt that its token speaks for, the job it names, and the checked input. */
    private record Close(String attemptId, String jobId, String input) {}

    /**
     * Closes of one node.
     *
     * @param statements runs {@code sql/statements/run-operation/complete-jobs.sql}
     */
    public Closes(Statements statements) {
        this.statements = statements;
        this.together = new BatchedStatement<>("complete-jobs", MOST, LANES, this::run);
    }

    /**
     * Closes a job if this is a plain close: then the body becomes the answer, and the variable {@code answered} true.
     *
     * @param exchange with the parameters of completeJob as its body: credential and input, JSON text
     * @throws JsonProcessingException never: the door has written them
     */
    public void complete(Exchange exchange) throws JsonProcessingException {
        Map<?, ?> parameters = exchange.getMessage().getBody(Map.class);
        JsonNode attempt = Json.read((String) parameters.get("credential")).path("attemptId");
        JsonNode input = Json.read((String) parameters.get("input"));
        if (!attempt.isTextual() || !plain(input)) {
            return;
        }
        String answer = together.await(
                new Close(attempt.asText(), input.path("jobId").asText(), (String) parameters.get("input")));
        if (answer != null) {
            exchange.getMessage().setBody(answer);
            exchange.setVariable(ANSWERED, true);
        }
    }

    private static boolean plain(JsonNode input) {
        return input.properties().stream().allMatch(field -> PLAIN.contains(field.getKey()) || empty(field.getValue()));
    }

    private static boolean empty(JsonNode value) {
        return value.isArray() && value.isEmpty();
    }

    private List<String> run(List<Close> closes) {
        List<String> answers = new ArrayList<>(Collections.nCopies(closes.size(), null));
        List<Integer> places = new ArrayList<>();
        Set<String> jobs = new HashSet<>();
        for (int i = 0; i < closes.size(); i++) {
            // A repetition that has overtaken its original is answered by the statement for one.
            if (jobs.add(closes.get(i).jobId())) {
                places.add(i);
            }
        }
        statements
                .rows(
                        "sql/statements/run-operation/complete-jobs.sql",
                        places.stream().map(i -> closes.get(i).attemptId()).toArray(String[]::new),
                        places.stream().map(i -> closes.get(i).input()).toArray(String[]::new))
                .forEach(row -> answers.set(places.get((Integer) row.get("place") - 1), (String) row.get("answer")));
        return answers;
    }

    @Override
    public void close() {
        together.close();
    }
}
