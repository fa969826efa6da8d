package agentbus.calls;

import agentbus.contract.Operation;
import agentbus.contract.Problem;
import agentbus.health.Meters;
import agentbus.settings.SecretFile;
import agentbus.text.Json;
import agentbus.text.Sha256;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.camel.Exchange;
import org.apache.camel.Message;

/**
 * The common part of all doors: admits a call, prepares its statement, reads the answer, and turns a failure into a
 * problem. The doors of HTTP, MCP and routes differ only in how they receive a call and send its answer.
 */
public final class Calls {
    private static final String REFUSAL = "refusal";
    private static final String STATEMENT = "CamelSqlQuery";
    private static final String SQL_HEADERS = "CamelSql*";
    /** The column woken of a statement after which the dispatchers are to be woken; see the SQL function caller_wakes. */
    static final String WOKEN = "yes";

    private static final int OK = 200;
    private static final int UNAUTHORIZED = 401;

    private final OperationStatements statements;
    private final CallLimits limits;
    private final Refusals refusals;
    private final Meters meters;
    private final Problems problems = new Problems();

    /**
     * Calls of one node.
     *
     * @param statements the operations' statements
     * @param limits admits the calls
     * @param meters counts the calls
     */
    public Calls(OperationStatements statements, CallLimits limits, Meters meters) {
        this.statements = statements;
        this.limits = limits;
        this.refusals = new Refusals(limits);
        this.meters = meters;
    }

    /**
     * Begins a call, as soon as its operation is known.
     *
     * @param exchange the exchange that runs the call
     * @param operation the operation that is called
     * @param address where the call comes from
     */
    public void begin(Exchange exchange, Operation operation, String address) {
        new Call(operation, address).enter(exchange);
    }

    /**
     * Admits a call: identifies the caller and checks the caller's rate.
     *
     * @param exchange the exchange that runs the call
     * @param caller identifies the caller, by {@link CallLimits}
     * @throws Problem 401 or 429
     */
    public void admit(Exchange exchange, Supplier<ObjectNode> caller) {
        ObjectNode credential = caller.get();
        if (Call.of(exchange).operation().special().closesAttempt()) {
            credential.put("closes", true);
        }
        Call.of(exchange).operation().special().phase().ifPresent(phase -> credential.put("phase", phase));
        if (Call.of(exchange).operation().special().idle()) {
            credential.put("idle", true);
        }
        Call.of(exchange).credential(credential);
        limits.draw(credential);
    }

    /**
     * Prepares the exchange for {@code direct:run-operation}: the header names the operation's statement, and the body
     * holds the statement's parameters. This is the last step of every door.
     *
     * @param exchange the exchange of an admitted call
     * @param input the checked input
     */
    public void prepare(Exchange exchange, ObjectNode input) {
        Call call = Call.of(exchange);
        call.operation().special().issuedPrefix().ifPresent(prefix -> {
            call.newToken(prefix + SecretFile.random());
            input.put("tokenHash", Sha256.hex(call.newToken()));
        });
        Message message = exchange.getMessage();
        String text = input.toString();
        // Removes such headers of the caller's route first, because they would decide which statement runs.
        message.removeHeaders(SQL_HEADERS);
        message.setHeader(STATEMENT, statements.of(call.operation()));
        message.setBody(Map.of("credential", counting(call, text).toString(), "input", text));
    }

    /** The credential, with the bytes that the call has to count in the database, if any. */
    private ObjectNode counting(Call call, String input) {
        if (!call.operation().takesBody()) {
            return call.credential();
        }
        long bytes = input.getBytes(StandardCharsets.UTF_8).length;
        long counted = limits.toCount(call.credential(), bytes);
        if (counted == 0) {
            return call.credential();
        }
        call.carriedBytes(Math.max(0, counted - bytes));
        return call.credential().deepCopy().put("bytes", counted).put("bytesADay", limits.bytesPerDay());
    }

    /**
     * Whether the call still needs its own statement.
     *
     * @param exchange the exchange that runs the call
     * @return false when a shared statement has answered the call already
     */
    public boolean unanswered(Exchange exchange) {
        return !Call.of(exchange).answered();
    }

    /**
     * Whether the dispatchers are to be woken after the commit of the operation's statement.
     *
     * @param exchange with the statement's row as its body, or with the answer of a shared statement
     * @return true when a job may be claimed now; among calls that shared a statement, true for only one of them
     */
    public boolean wakes(Exchange exchange) {
        return exchange.getMessage().getBody() instanceof Map<?, ?> row
                ? WOKEN.equals(row.get("woken"))
                : Call.of(exchange).wakes();
    }

    /**
     * Reads the result of the operation's statement.
     *
     * @param exchange with the statement's row, or the JSON text of a shared statement, as its body; the body becomes
     *     the JSON object
     * @throws JsonProcessingException when the database's answer is not JSON
     * @throws Problem when the answer is a problem
     */
    public void result(Exchange exchange) throws JsonProcessingException {
        Call call = Call.of(exchange);
        exchange.getMessage().removeHeaders(SQL_HEADERS);
        Object result = exchange.getMessage().getBody();
        String text = (String) (result instanceof Map<?, ?> row ? row.get("answer") : result);
        ObjectNode answer = (ObjectNode) Json.EXACT.readTree(text);
        limits.known(call.credential());
        // The database has counted them, also when the answer is a problem.
        call.carriedBytes(0);
        JsonNode problem = answer.get("problem");
        if (problem != null) {
            throw Problem.fromJson(problem.path("status").asInt(), problem).orElseThrow();
        }
        if (call.newToken() != null) {
            answer.put("token", call.newToken());
        }
        exchange.getMessage().setBody(answer);
    }

    /**
     * Counts a call that was answered.
     *
     * @param exchange the exchange that has run the call
     * @param answer the operation's answer
     */
    public void succeeded(Exchange exchange, ObjectNode answer) {
        Operation operation = Call.of(exchange).operation();
        meters.apiCalled(operation.id(), OK);
        if (operation.special().closesAttempt() && answer.has("job")) {
            meters.jobClosed(answer.get("job"));
        }
    }

    /**
     * Turns the caught exception into a problem for the caller, and counts it. If the refusal is to be recorded, the
     * variable {@code refusal} holds the record.
     *
     * @param exchange with the caught exception
     * @return the problem to answer with
     */
    public Problem refused(Exchange exchange) {
        exchange.getMessage().removeHeaders(SQL_HEADERS);
        Problem problem = problems.of(exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class));
        Call call = Call.find(exchange).orElse(null);
        ObjectNode credential = call == null ? null : call.credential();
        if (credential != null && problem.status() == UNAUTHORIZED) {
            problem = limits.unknown(credential, call.address(), problem);
        }
        if (credential != null && call.carriedBytes() > 0) {
            limits.notCounted(credential, call.carriedBytes());
        }
        String operation = call == null ? "none" : call.operation().id();
        // An exchange may run several calls, and the refusal of an earlier one is noted already.
        exchange.removeVariable(REFUSAL);
        refusals.note(credential, operation, problem).ifPresent(note -> exchange.setVariable(REFUSAL, note));
        meters.apiCalled(operation, problem.status());
        return problem;
    }
}
