package agentbus.http;

import agentbus.calls.CallLimits;
import agentbus.calls.Calls;
import agentbus.contract.Contract;
import agentbus.contract.Match;
import agentbus.contract.Operation;
import agentbus.contract.Problem;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.http.HttpServerRequest;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/** The bean of the routes that serve the API: reads a call from a request, and writes the answer or the problem. */
public final class ApiDoor {
    private static final int OK = 200;
    private static final int UNAUTHORIZED = 401;
    private static final int METHOD_NOT_ALLOWED = 405;

    private final Contract contract;
    private final CallLimits limits;
    private final Calls calls;
    private final Optional<SameOrigin> sessions;

    /**
     * Makes the HTTP endpoint for the operations of a contract.
     *
     * @param contract the contract
     * @param limits identifies the owners of tokens
     * @param calls prepares the calls
     * @param sessions the rule for calls with the cookie of a session; empty if no cookie is accepted
     */
    public ApiDoor(Contract contract, CallLimits limits, Calls calls, Optional<SameOrigin> sessions) {
        this.contract = contract;
        this.limits = limits;
        this.calls = calls;
        this.sessions = sessions;
    }

    /**
     * Reads a call: finds its operation, checks token and input, and prepares the exchange for
     * {@code direct:run-operation}. All headers of the request are removed.
     *
     * @param exchange with the HTTP request
     * @throws Problem when the call is refused
     */
    public void read(Exchange exchange) {
        HttpMessage message = exchange.getMessage(HttpMessage.class);
        // Read from the request, because Camel puts query parameters and form fields among the message's headers, under
        // names that the caller chooses. The path stays encoded, because the contract decodes each segment.
        HttpServerRequest request = message.getRequest();
        String method = request.method().name();
        String path = request.path();
        String query = request.query();
        String contentType = request.getHeader("Content-Type");
        String address = request.remoteAddress().hostAddress();
        byte[] body = message.getBody(byte[].class);
        boolean sent = hasContent(request);
        message.removeHeaders("*");
        message.setBody(null);

        Match match = contract.match(method, path);
        Operation operation = match.operation();
        calls.begin(exchange, operation, address);
        calls.admit(exchange, () -> identify(request, operation, address));
        if (sent && contentType != null && (body == null || body.length == 0)) {
            // The server has parsed a form and left no body, so only the media type can be refused.
            Operation.requireJson(contentType);
        }
        calls.prepare(exchange, operation.read(match.pathParameters(), QueryString.parse(query), body, contentType));
    }

    /** A caller with a token; without one, a page with the cookie of a session. */
    private ObjectNode identify(HttpServerRequest request, Operation operation, String address) {
        String authorization = request.getHeader("Authorization");
        Optional<String> session =
                authorization == null ? sessions.flatMap(origin -> origin.session(request)) : Optional.empty();
        if (session.isEmpty()) {
            return limits.identify(authorization, operation.principals(), address);
        }
        sessions.get().require(request);
        return limits.identifySession(session.get(), operation.principals(), address);
    }

    /**
     * Writes the answer.
     *
     * @param exchange with the answer as its body
     */
    public void answer(Exchange exchange) {
        ObjectNode answer = exchange.getMessage().getBody(ObjectNode.class);
        calls.succeeded(exchange, answer);
        write(exchange, OK, "application/json", answer);
    }

    /**
     * Writes the problem for the caught exception. If the refusal is to be recorded, the variable {@code refusal} holds
     * the record.
     *
     * @param exchange with the caught exception
     */
    public void problem(Exchange exchange) {
        Problem problem = calls.refused(exchange);
        exchange.getMessage().removeHeaders("*");
        if (problem.retryAfterSeconds() > 0) {
            exchange.getMessage().setHeader("Retry-After", problem.retryAfterSeconds());
        }
        if (problem.status() == UNAUTHORIZED) {
            exchange.getMessage().setHeader("WWW-Authenticate", "Bearer");
        } else if (problem.status() == METHOD_NOT_ALLOWED) {
            exchange.getMessage().setHeader("Allow", problem.expected());
        }
        write(exchange, problem.status(), "application/problem+json", problem.toJson());
    }

    private static boolean hasContent(HttpServerRequest request) {
        String length = request.getHeader("Content-Length");
        return request.getHeader("Transfer-Encoding") != null || length != null && !length.equals("0");
    }

    private static void write(Exchange exchange, int status, String contentType, ObjectNode body) {
        Message message = exchange.getMessage();
        message.setHeader(Exchange.HTTP_RESPONSE_CODE, status);
        message.setHeader(Exchange.CONTENT_TYPE, contentType);
        message.setBody(body.toString());
    }
}
