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
import java.util.Map;
import java.util.function.Supplier;
import org.apache.camel.Exchange;
import org.apache.camel.Message;

/**
 * What every door does with a call: lets it in, prepares its statement, reads the answer, and tells what a failure means. The
 * doors of HTTP, MCP and routes differ only in how a call comes in and how its answer goes out.
 */
public final class Calls {
    private static final String REFUSAL = "refusal";
    private static final String STATEMENT = "CamelSqlQuery";
    private static final String SQL_HEADERS = "CamelSql*";
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
     * @param limits lets the calls in
     * @param meters counts the calls
     */
    public Calls(OperationStatements statements, CallLimits limits, Meters meters) {
        this.statements = statements;
        this.limits = limits;
        this.refusals = new Refusals(limits);
        this.meters = meters;
    }

    /**
     * Begins a call, as soon as it is known which operation is meant.
     *
     * @param exchange the exchange that runs the call
     * @param operation what is called
     * @param address where the call comes from
     */
    public void begin(Exchange exchange, Operation operation, String address) {
        exchange.removeVariable(REFUSAL);
        new Call(operation, address).enter(exchange);
    }

    /**
     * Lets a call in: who calls, and whether the caller may call again already.
     *
     * @param exchange the exchange that runs the call
     * @param caller tells who calls, by {@link CallLimits}
     * @throws Problem 401 or 429
     */
    public void admit(Exchange exchange, Supplier<ObjectNode> caller) {
        ObjectNode credential = caller.get();
        Call.of(exchange).credential(credential);
        limits.draw(credential);
    }

    /**
     * Leaves what {@code direct:run-operation} takes: the operation's statement and, as the body, its parameters. Every door
     * ends here.
     *
     * @param exchange the exchange that runs the call, admitted
     * @param input the input, checked
     */
    public void prepare(Exchange exchange, ObjectNode input) {
        Call call = Call.of(exchange);
        call.operation().special().issuedPrefix().ifPresent(prefix -> {
            call.newToken(prefix + SecretFile.random());
            input.put("tokenHash", Sha256.hex(call.newToken()));
        });
        Message message = exchange.getMessage();
        // Over whatever header of that name the caller's route has: it would say which statement runs.
        message.removeHeaders(SQL_HEADERS);
        message.setHeader(STATEMENT, statements.of(call.operation()));
        message.setBody(Map.of("credential", call.credential().toString(), "input", input.toString()));
    }

    /**
     * Whether the call still needs its own statement.
     *
     * @param exchange the exchange that runs the call
     * @return false when a statement that it shared has answered it
     */
    public boolean unanswered(Exchange exchange) {
        return !Call.of(exchange).answered();
    }

    /**
     * Reads what the operation's statement returned.
     *
     * @param exchange with the JSON text as its body; the body becomes the JSON object
     * @throws JsonProcessingException when the database answered something else than JSON
     * @throws Problem when the operation answered with one
     */
    public void result(Exchange exchange) throws JsonProcessingException {
        Call call = Call.of(exchange);
        exchange.getMessage().removeHeaders(SQL_HEADERS);
        ObjectNode answer =
                (ObjectNode) Json.EXACT.readTree(exchange.getMessage().getBody(String.class));
        limits.known(call.credential());
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
        if (operation.special().closesAttempt()) {
            meters.jobClosed(answer.path("job"));
        }
    }

    /**
     * The refusal that an exception means for its caller, counted; what is to be kept of it is the variable {@code refusal}.
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
        String operation = call == null ? "none" : call.operation().id();
        refusals.note(credential, operation, problem).ifPresent(note -> exchange.setVariable(REFUSAL, note));
        meters.apiCalled(operation, problem.status());
        return problem;
    }
}
