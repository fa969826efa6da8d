package agentbus.http;

import agentbus.calls.CallLimits;
import agentbus.calls.Calls;
import agentbus.contract.Contract;
import agentbus.contract.Match;
import agentbus.contract.Operation;
import agentbus.contract.Problem;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.http.HttpServerRequest;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/** The bean of the API's routes: reads a call from a request, and writes the answer or the problem. */
public final class ApiDoor {
    private static final int OK = 200;
    private static final int UNAUTHORIZED = 401;
    private static final int METHOD_NOT_ALLOWED = 405;

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
    public ApiDoor(Contract contract, CallLimits limits, Calls calls) {
        this.contract = contract;
        this.limits = limits;
        this.calls = calls;
    }

    /**
     * Reads a call: finds its operation, checks token and input, and leaves what {@code direct:run-operation} takes. No header of
     * the request is left.
     *
     * @param exchange with the HTTP request
     * @throws Problem when anything about the call is wrong
     */
    public void read(Exchange exchange) {
        HttpMessage message = exchange.getMessage(HttpMessage.class);
        // From the request itself: among the message's headers are the query's parameters and a form's fields, under
        // whatever name the caller gave them, and the contract decodes each part of the path by itself.
        HttpServerRequest request = message.getRequest();
        String method = request.method().name();
        String path = request.path();
        String query = request.query();
        String contentType = request.getHeader("Content-Type");
        String authorization = request.getHeader("Authorization");
        String address = request.remoteAddress().hostAddress();
        byte[] body = message.getBody(byte[].class);
        boolean sent = hasContent(request);
        message.removeHeaders("*");
        message.setBody(null);

        Match match = contract.match(method, path);
        Operation operation = match.operation();
        calls.begin(exchange, operation, address);
        calls.admit(exchange, () -> limits.identify(authorization, operation.principals(), address));
        if (sent && contentType != null && (body == null || body.length == 0)) {
            // The server has taken a form apart by itself, and has left nothing of it to be read.
            Operation.requireJson(contentType);
        }
        calls.prepare(exchange, operation.read(match.pathParameters(), QueryString.parse(query), body, contentType));
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
     * Writes the problem that an exception means, and leaves what is to be kept of it as the variable {@code refusal}.
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
