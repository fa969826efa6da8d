package agentbus.calls;

import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.contract.Problem;
import agentbus.contract.StrictJson;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.apache.camel.Exchange;
import org.apache.camel.Message;

/**
 * The door for routes: a route may call any operation, with the checks that the HTTP door makes. It acts as the operator
 * {@code route:<its id>}, or as the owner of a token that it has been given.
 *
 * <p>It reads variables and no headers, because a header may come from outside: a query parameter of an HTTP trigger is one.
 */
public final class RouteCalls {
    /** The variable that names the operation, by its id. */
    static final String OPERATION = "operation";
    /** The variable that names the namespace; default without it. */
    static final String NAMESPACE = "namespace";
    /** The variable that holds the token of an agent, an attempt, a gateway or an operator, to act in that name. */
    static final String TOKEN = "token";

    private static final String REFUSED = "refused";
    private static final int FORBIDDEN = 403;

    private final Contract contract;
    private final CallLimits limits;
    private final Calls calls;

    /**
     * A door to the operations of a contract.
     *
     * @param contract the contract
     * @param limits reads tokens
     * @param calls prepares the calls
     */
    public RouteCalls(Contract contract, CallLimits limits, Calls calls) {
        this.contract = contract;
        this.limits = limits;
        this.calls = calls;
    }

    /**
     * Checks a route's call and leaves what {@code direct:run-operation} takes. The variables are taken away, so that the
     * exchange's next call does not inherit them.
     *
     * @param exchange with the variables {@code operation}, {@code namespace} and {@code token}, and the operation's input as its
     *     body: a map, or a JSON object as text, bytes or a stream; nothing is an input without fields
     * @throws Problem 400, 401, 403 or 404 when the call is wrong
     * @throws JsonProcessingException when a map holds what JSON cannot
     */
    public void check(Exchange exchange) throws JsonProcessingException {
        Call.leave(exchange);
        String id = take(exchange, OPERATION);
        String namespace = take(exchange, NAMESPACE);
        String token = take(exchange, TOKEN);
        if (id == null) {
            throw new Problem(
                    400,
                    "missing_field",
                    "The variable operation is missing.",
                    OPERATION,
                    null,
                    "the id of an operation, such as listJobs");
        }
        Operation operation = contract.operation(id);
        String route = "route:" + exchange.getFromRouteId();
        calls.begin(exchange, operation, route);
        requireForRoutes(operation, token);
        calls.admit(
                exchange,
                () -> token == null
                        ? credential(exchange.getFromRouteId(), operation)
                        : limits.identifyArgument(token, operation.principals(), route));
        ObjectNode input = body(exchange.getMessage());
        requireNoNamespace(input);
        if (namespace != null) {
            input.put(NAMESPACE, namespace);
        }
        calls.prepare(exchange, operation.check(input, UnaryOperator.identity()));
    }

    /**
     * Writes the answer for the route that asked.
     *
     * @param exchange with the answer as its body; the body becomes its JSON text
     */
    public void answer(Exchange exchange) {
        ObjectNode answer = exchange.getMessage().getBody(ObjectNode.class);
        calls.succeeded(exchange, answer);
        exchange.getMessage().setBody(answer.toString());
    }

    /**
     * Keeps what an exception means, until {@link #raise}.
     *
     * @param exchange with the caught exception
     */
    public void refuse(Exchange exchange) {
        Exception caught = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class);
        Problem problem = calls.refused(exchange);
        exchange.setVariable(REFUSED, problem == caught ? problem : problem.causedBy(caught));
    }

    /**
     * Hands the refusal to the route that asked.
     *
     * @param exchange after {@link #refuse}
     * @throws Problem always
     */
    public void raise(Exchange exchange) {
        throw (Problem) exchange.removeVariable(REFUSED);
    }

    private static void requireForRoutes(Operation operation, String token) {
        if (operation.special().issuedPrefix().isPresent()) {
            throw Problem.of(
                    FORBIDDEN,
                    "forbidden",
                    operation.id() + " is not for routes: a new token must not travel through messages.");
        }
        if (token == null && !operation.principals().contains("operator")) {
            throw new Problem(
                    FORBIDDEN,
                    "forbidden",
                    operation.id() + " is not for a route in its own name.",
                    TOKEN,
                    null,
                    "the variable token with a token of kind " + String.join(" or ", operation.principals()));
        }
    }

    private static ObjectNode credential(String route, Operation operation) {
        ObjectNode credential = Json.object().put("route", route);
        credential.put("form", Credentials.OPERATOR);
        operation.principals().forEach(credential.putArray("allowed")::add);
        return credential;
    }

    private static ObjectNode body(Message message) throws JsonProcessingException {
        Object body = message.getBody();
        byte[] json = body instanceof Map<?, ?> || body instanceof ObjectNode
                ? Json.bytes(body)
                : message.getBody(byte[].class);
        return json == null || json.length == 0 ? Json.object() : StrictJson.object(json, "The body");
    }

    /** The body often comes from outside, and which namespace is meant is the route's to say. */
    private static void requireNoNamespace(ObjectNode input) {
        if (input.has(NAMESPACE)) {
            throw Problem.unknownField(
                    NAMESPACE,
                    input.get(NAMESPACE),
                    "namespace is no field of the body; it belongs in the variable namespace.",
                    "the variable namespace");
        }
    }

    private static String take(Exchange exchange, String name) {
        String value = exchange.getVariable(name, String.class);
        exchange.removeVariable(name);
        return value == null || value.isBlank() ? null : value;
    }
}
