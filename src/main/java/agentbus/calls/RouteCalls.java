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
 * The door for routes: a route may call every operation that issues no token, with the same checks as HTTP callers. The
 * route acts as the operator {@code route:<id of the route>}, or as the owner of the token in the variable
 * {@code token}.
 *
 * <p>Variables and not headers describe the call, because a header may come from outside: Camel makes a header of each
 * query parameter of an HTTP trigger.
 */
public final class RouteCalls {
    /** The variable that names the operation, by its id. */
    static final String OPERATION = "operation";
    /** The variable that names the namespace; without it the call is for the namespace of the node. */
    static final String NAMESPACE = "namespace";
    /** The variable with the token of an agent, attempt, gateway or operator, as which the route then acts. */
    static final String TOKEN = "token";

    private static final String REFUSED = "refused";
    private static final int FORBIDDEN = 403;

    private final String ownNamespace;
    private final Contract contract;
    private final CallLimits limits;
    private final Calls calls;

    /**
     * Makes the door to the operations of a contract.
     *
     * @param ownNamespace the namespace of the node
     * @param contract the contract
     * @param limits identifies the owners of tokens
     * @param calls prepares the calls
     */
    public RouteCalls(String ownNamespace, Contract contract, CallLimits limits, Calls calls) {
        this.ownNamespace = ownNamespace;
        this.contract = contract;
        this.limits = limits;
        this.calls = calls;
    }

    /**
     * Checks a route's call and prepares the exchange for {@code direct:run-operation}. The variables are removed, so
     * that the exchange's next call does not inherit them.
     *
     * @param exchange with the variables {@code operation}, {@code namespace} and {@code token}, and the operation's
     *     input as its body: a map, or a JSON object as text, bytes or a stream; an empty body is an input without
     *     fields
     * @throws Problem 400, 401, 403 or 404 when the call is wrong
     * @throws JsonProcessingException when a map holds a value that JSON cannot express
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
        if (namespace != null || token == null) {
            input.put(NAMESPACE, namespace == null ? ownNamespace : namespace);
        }
        calls.prepare(exchange, operation.check(input, UnaryOperator.identity()));
    }

    /**
     * Writes the answer for the route that made the call.
     *
     * @param exchange with the answer as its body; the body becomes its JSON text
     */
    public void answer(Exchange exchange) {
        ObjectNode answer = exchange.getMessage().getBody(ObjectNode.class);
        calls.succeeded(exchange, answer);
        exchange.getMessage().setBody(answer.toString());
    }

    /**
     * Turns the caught exception into a problem, and keeps it for {@link #raise}.
     *
     * @param exchange with the caught exception
     */
    public void refuse(Exchange exchange) {
        Exception caught = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class);
        Problem problem = calls.refused(exchange);
        exchange.setVariable(REFUSED, problem == caught ? problem : problem.causedBy(caught));
    }

    /**
     * Throws the kept problem into the route that made the call.
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

    /** Refuses a namespace in the body, which often comes from outside: only the route may choose the namespace. */
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
