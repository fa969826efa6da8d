package agentbus.http;

import agentbus.calls.CallLimits;
import agentbus.calls.Credentials;
import agentbus.calls.Problems;
import agentbus.calls.Refusals;
import agentbus.contract.Contract;
import agentbus.contract.Match;
import agentbus.contract.Operation;
import agentbus.contract.Problem;
import agentbus.health.Meters;
import agentbus.settings.SecretFile;
import agentbus.settings.ServerKey;
import agentbus.text.Json;
import agentbus.text.Sha256;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.http.HttpServerRequest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/** The bean of the API's routes: reads a call, and writes the answer or the problem. */
public final class ApiDoor {

    /** The variable with the operation's id: names the statement that runs, and what is counted. */
    public static final String OPERATION = "operation";

    private static final String NEW_TOKEN = "newToken";
    private static final String CREDENTIAL = "credential";
    private static final String ADDRESS = "address";
    /** The operations that make a long-lived token, each with the token's first letters. */
    private static final Map<String, String> ISSUED = Map.of("issueAgentToken", "aba_", "issueGatewayToken", "abg_");

    private final Contract contract;
    private final ServerKey key;
    private final CallLimits limits;
    private final Refusals refusals;
    private final Problems problems;
    private final Meters meters;

    /**
     * A door to the operations of a contract.
     *
     * @param contract the contract
     * @param key derives the attempts' tokens
     * @param limits lets the calls in
     * @param meters counts the calls
     */
    public ApiDoor(Contract contract, ServerKey key, CallLimits limits, Meters meters) {
        this.contract = contract;
        this.key = key;
        this.limits = limits;
        this.refusals = new Refusals(limits);
        this.problems = new Problems();
        this.meters = meters;
    }

    /**
     * Reads a call: finds its operation, checks token and input, and leaves the statement's parameters as the body
     * (credential and input, JSON text) and the operation's id as the variable {@code operation}. No header is left.
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
        exchange.setVariable(OPERATION, match.operation().id());
        ObjectNode credential = admit(
                exchange,
                address,
                () -> limits.identify(authorization, match.operation().principals(), address));
        if (sent && contentType != null && (body == null || body.length == 0)) {
            // The server has taken a form apart by itself, and has left nothing of it to be read.
            Operation.requireJson(contentType);
        }
        ObjectNode input = match.operation()
                .read(match.pathParameters(), QueryString.parse(query), body == null ? new byte[0] : body, contentType);
        prepare(exchange, match.operation(), credential, input);
    }

    /**
     * Lets the call of an operation in: who calls, and whether it may call again already. Leaves what a refusal has to know.
     *
     * @param exchange the call
     * @param address where it comes from
     * @param caller tells who calls, by {@link CallLimits}
     * @return the caller's credential
     * @throws Problem 401 or 429
     */
    public ObjectNode admit(Exchange exchange, String address, Supplier<ObjectNode> caller) {
        exchange.setVariable(ADDRESS, address);
        ObjectNode credential = caller.get();
        exchange.setVariable(CREDENTIAL, credential);
        limits.draw(credential);
        return credential;
    }

    /**
     * The refusal that an exception means for its caller; what is to be kept of it is the variable {@code refusal}.
     *
     * @param exchange with the caught exception
     * @return the problem to answer with
     */
    public Problem refusal(Exchange exchange) {
        Problem problem = problems.of(exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class));
        ObjectNode credential = exchange.getVariable(CREDENTIAL, ObjectNode.class);
        if (credential != null && problem.status() == 401) {
            problem = limits.unknown(credential, exchange.getVariable(ADDRESS, String.class), problem);
        }
        refusals.note(credential, exchange.getVariable(OPERATION, "none", String.class), problem)
                .ifPresent(note -> exchange.setVariable("refusal", note));
        return problem;
    }

    /**
     * Leaves what {@code direct:run-operation} takes: the statement's parameters as the body, the operation's id as the
     * variable {@code operation}. Every door ends here.
     *
     * @param exchange the call
     * @param operation its operation
     * @param credential who calls, as {@link Credentials} gives it
     * @param input the input, checked
     */
    public void prepare(Exchange exchange, Operation operation, ObjectNode credential, ObjectNode input) {
        String prefix = ISSUED.get(operation.id());
        if (prefix != null) {
            String token = prefix + SecretFile.random();
            exchange.setVariable(NEW_TOKEN, token);
            input.put("tokenHash", Sha256.hex(token));
        }
        exchange.setVariable(OPERATION, operation.id());
        exchange.getMessage().setBody(Map.of("credential", credential.toString(), "input", input.toString()));
    }

    /**
     * Reads what the operation's statement returned.
     *
     * @param exchange with the JSON text as its body; the body becomes the JSON object
     * @throws JsonProcessingException when the database answered something else than JSON
     * @throws Problem when the operation answered with one
     */
    public void result(Exchange exchange) throws JsonProcessingException {
        ObjectNode answer =
                (ObjectNode) Json.EXACT.readTree(exchange.getMessage().getBody(String.class));
        limits.known(exchange.getVariable(CREDENTIAL, ObjectNode.class));
        JsonNode problem = answer.get("problem");
        if (problem != null) {
            throw Problem.fromJson(problem.path("status").asInt(), problem).orElseThrow();
        }
        String newToken = exchange.getVariable(NEW_TOKEN, String.class);
        if (newToken != null) {
            answer.put("token", newToken);
        }
        exchange.getMessage().setBody(answer);
    }

    /**
     * Adds each claimed attempt's token to the answer, and leaves their hashes as the variable {@code tokenHashes}.
     *
     * @param exchange with the answer of claimJobs as its body
     */
    public void addAttemptTokens(Exchange exchange) {
        List<Map<String, Object>> hashes = new ArrayList<>();
        for (JsonNode job : exchange.getMessage().getBody(ObjectNode.class).path("jobs")) {
            String attemptId = job.path("attemptId").asText();
            String token = key.attemptToken(UUID.fromString(attemptId));
            ((ObjectNode) job).put("attemptToken", token);
            ((ObjectNode) job).remove("nonce");
            Map<String, Object> hash = new HashMap<>();
            hash.put("attemptId", attemptId);
            hash.put("tokenHash", Sha256.of(token));
            hashes.add(hash);
        }
        exchange.setVariable("tokenHashes", hashes);
    }

    /**
     * Writes the answer.
     *
     * @param exchange with the answer as its body
     */
    public void answer(Exchange exchange) {
        write(exchange, 200, "application/json", exchange.getMessage().getBody(ObjectNode.class));
    }

    /**
     * Writes the problem that an exception means, and leaves what is to be kept of it as the variable {@code refusal}.
     *
     * @param exchange with the caught exception
     */
    public void problem(Exchange exchange) {
        Problem problem = refusal(exchange);
        exchange.getMessage().removeHeaders("*");
        if (problem.retryAfterSeconds() > 0) {
            exchange.getMessage().setHeader("Retry-After", problem.retryAfterSeconds());
        }
        if (problem.status() == 401) {
            exchange.getMessage().setHeader("WWW-Authenticate", "Bearer");
        } else if (problem.status() == 405) {
            exchange.getMessage().setHeader("Allow", problem.expected());
        }
        write(exchange, problem.status(), "application/problem+json", problem.toJson());
    }

    private static boolean hasContent(HttpServerRequest request) {
        String length = request.getHeader("Content-Length");
        return request.getHeader("Transfer-Encoding") != null || length != null && !length.equals("0");
    }

    private void write(Exchange exchange, int status, String contentType, ObjectNode body) {
        meters.apiCalled(exchange.getVariable(OPERATION, "none", String.class), status, body);
        Message message = exchange.getMessage();
        message.setHeader(Exchange.HTTP_RESPONSE_CODE, status);
        message.setHeader(Exchange.CONTENT_TYPE, contentType);
        message.setBody(body.toString());
    }
}
