package agentbus.calls;

import agentbus.contract.Batch;
import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.db.BatchedStatement;
import agentbus.db.Statements;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.camel.Exchange;

/**
 * Runs several calls of an operation with {@code x-batch} in one statement, so that calls that come at the same moment
 * share a commit. A call with inputs that the batch does not take, or that the batch function leaves out, runs its own
 * statement in the next step of the route.
 */
public final class BatchedCalls implements AutoCloseable {
    private static final Map<Batch.Callers, String> FILES = Map.of(
            Batch.Callers.attempts, "sql/statements/run-operation/batch.sql",
            Batch.Callers.tokens, "sql/statements/run-operation/batch-of-tokens.sql");
    private static final String PLACEHOLDER = "batch_function";
    /** Chosen: far more calls than arrive during one statement of a few milliseconds. */
    private static final int MOST = 100;
    /** Chosen: two, so that one batch that waits for a lock does not hold up all others. */
    private static final int CONCURRENT = 2;
    /** Chosen: a caller that enqueues or closes a job does not notice it. */
    private static final Duration GATHER = Duration.ofMillis(10);

    private final Statements statements;
    private final Map<String, BatchedStatement<Entry, Answer>> batches = new HashMap<>();

    /**
     * One call: its caller as the function takes it, the value of the batch's key or null for none, and the checked
     * input.
     */
    private record Entry(String caller, String key, String input) {}

    /** The answer to one call, JSON text, and whether this call wakes the dispatchers for all of its statement. */
    private record Answer(String text, boolean wakes) {}

    /**
     * Batches of one node.
     *
     * @param contract the contract; each of its operations with {@code x-batch} has a batch
     * @param statements runs the statements
     */
    public BatchedCalls(Contract contract, Statements statements) {
        this.statements = statements;
        for (Operation operation : contract.operations()) {
            operation.special().batch().ifPresent(batch -> {
                String template = statements.template(FILES.get(batch.callers()));
                String sql = OperationStatements.call(template, PLACEHOLDER, batch.function());
                batches.put(
                        operation.id(),
                        BatchedStatement.awaited(batch.function(), MOST, CONCURRENT, GATHER, calls -> run(sql, calls)));
            });
        }
    }

    /**
     * Answers the call by a shared statement if possible; the body then becomes the answer.
     *
     * @param exchange with the statement's parameters as its body: credential and input, both as JSON text
     * @throws JsonProcessingException never, because the bus has written the JSON
     */
    public void join(Exchange exchange) throws JsonProcessingException {
        Call call = Call.of(exchange);
        Batch batch = call.operation().special().batch().orElse(null);
        if (batch == null) {
            return;
        }
        Map<?, ?> parameters = exchange.getMessage().getBody(Map.class);
        String credential = (String) parameters.get("credential");
        boolean ofAttempts = batch.callers() == Batch.Callers.attempts;
        JsonNode token = call.credential().path(ofAttempts ? "attemptId" : "tokenHash");
        if (!token.isTextual() || Json.read(credential).has("bytes")) {
            // The caller has another kind of token, or the bytes of the call are counted by its own statement.
            return;
        }
        String text = (String) parameters.get("input");
        JsonNode input = Json.read(text);
        if (!fits(input, batch)) {
            return;
        }
        String key = batch.key().map(name -> input.path(name).asText()).orElse(null);
        Answer answer = batches.get(call.operation().id())
                .await(new Entry(ofAttempts ? token.asText() : credential, key, text));
        if (answer != null) {
            exchange.getMessage().setBody(answer.text);
            call.answer();
            if (answer.wakes) {
                call.wake();
            }
        }
    }

    private static boolean fits(JsonNode input, Batch batch) {
        return input.properties().stream()
                .allMatch(field -> batch.fields().contains(field.getKey()) || empty(field.getValue()));
    }

    private static boolean empty(JsonNode value) {
        return value.isArray() && value.isEmpty();
    }

    private List<Answer> run(String sql, List<Entry> calls) {
        List<Answer> answers = new ArrayList<>(Collections.nCopies(calls.size(), null));
        List<Integer> places = new ArrayList<>();
        Set<String> keys = new HashSet<>();
        for (int i = 0; i < calls.size(); i++) {
            // A second call with the same key is left out and runs its own statement.
            if (calls.get(i).key() == null || keys.add(calls.get(i).key())) {
                places.add(i);
            }
        }
        boolean first = true;
        for (Map<String, Object> row : statements.query(
                sql,
                places.stream().map(i -> calls.get(i).caller()).toArray(String[]::new),
                places.stream().map(i -> calls.get(i).input()).toArray(String[]::new))) {
            boolean wakes = first && Calls.WOKEN.equals(row.get("woken"));
            answers.set(places.get((Integer) row.get("place") - 1), new Answer((String) row.get("answer"), wakes));
            first = false;
        }
        return answers;
    }

    @Override
    public void close() {
        batches.values().forEach(BatchedStatement::close);
    }
}
