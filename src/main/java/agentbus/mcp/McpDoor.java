package agentbus.mcp;

import agentbus.calls.CallLimits;
import agentbus.calls.Calls;
import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.contract.Problem;
import agentbus.contract.StrictJson;
import agentbus.http.Origins;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.modelcontextprotocol.spec.HttpHeaders;
import io.modelcontextprotocol.spec.McpSchema;
import io.modelcontextprotocol.spec.McpSchema.CallToolResult;
import io.modelcontextprotocol.spec.McpSchema.ErrorCodes;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCResponse;
import io.modelcontextprotocol.spec.McpSchema.TextContent;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/**
 * The bean of the MCP routes. The SDK implements the protocol and reads each message. For a tool call the SDK calls
 * this class, which sends the call through {@code direct:call-tool} on the same thread.
 */
public final class McpDoor {
    private static final String CALL_TOOL = "direct:call-tool";
    private static final String TOOL_CALL = "toolCall";
    /** The input by which a list ends its page early. */
    private static final String ANSWER_BYTES = "answerBytes";

    private static final int OK = 200;
    private static final int ACCEPTED = 202;
    private static final int BAD_REQUEST = 400;
    /**
     * The code with which servers before the version 2026-07-28 refuse a version; clients then fall back to initialize.
     * They do not fall back after -32022, the code of that version (both from the documentation of the SDKs).
     */
    private static final int UNSUPPORTED_VERSION = -32000;

    private final RouteTransport transport = new RouteTransport();
    private final Calls calls;
    private final CallLimits limits;
    private final ProducerTemplate routes;
    private final HttpRules rules;

    /**
     * Makes the MCP endpoint for the operations that are tools.
     *
     * @param contract the contract
     * @param version the program's version
     * @param highestPhase the highest phase that is on; tools of later phases are not listed
     * @param origins the origins whose pages may call the endpoint
     * @param calls prepares the calls
     * @param limits identifies the owners of tokens
     * @param routes sends a tool call to its route
     * @throws IllegalStateException when an {@code x-mcp} in the contract is faulty
     */
    public McpDoor(
            Contract contract,
            String version,
            int highestPhase,
            Origins origins,
            Calls calls,
            CallLimits limits,
            ProducerTemplate routes) {
        this.calls = calls;
        this.limits = limits;
        this.routes = routes;
        this.rules = new HttpRules(origins);
        McpTools.serve(contract, version, highestPhase, transport, this::call);
    }

    /**
     * Reads a message, lets the SDK answer it, and writes the answer: JSON, or 202 without a body for a notification.
     * All headers of the request are removed.
     *
     * @param exchange with the HTTP request
     * @throws Problem when the request breaks a rule of Streamable HTTP
     * @throws JsonProcessingException never, because the SDK's answers can be written as JSON
     */
    public void answer(Exchange exchange) throws JsonProcessingException {
        HttpMessage message = exchange.getMessage(HttpMessage.class);
        HttpServerRequest request = message.getRequest();
        String version = request.getHeader(HttpHeaders.PROTOCOL_VERSION);
        byte[] body = message.getBody(byte[].class);
        message.removeHeaders("*");
        message.setBody(null);
        rules.check(request);
        try {
            String what = "The message";
            JsonNode received = StrictJson.value(StrictJson.decode(body == null ? new byte[0] : body, what), what);
            if (version != null && !transport.protocolVersions().contains(version)) {
                rejectVersion(exchange, received.get("id"), version);
                return;
            }
            Optional<JSONRPCResponse> answer =
                    transport.answer(received, request.remoteAddress().hostAddress());
            if (answer.isPresent()) {
                write(exchange, OK, McpTools.JSON.writeValueAsString(answer.get()));
            } else {
                write(exchange, ACCEPTED, null);
            }
        } catch (Problem malformed) {
            reject(exchange, ErrorCodes.PARSE_ERROR, malformed.detail());
        } catch (RouteTransport.NoMessage wrong) {
            reject(exchange, ErrorCodes.INVALID_REQUEST, wrong.getMessage());
        }
    }

    /** Runs a tool call on this thread. */
    private CallToolResult call(ToolCall call) {
        Exchange done = routes.send(CALL_TOOL, exchange -> exchange.setVariable(TOOL_CALL, call));
        if (done.getException() != null) {
            throw new IllegalStateException("the route of a tool's call has failed", done.getException());
        }
        return done.getMessage().getBody(CallToolResult.class);
    }

    /**
     * Reads a tool call: checks token and input, and prepares the exchange for {@code direct:run-operation}.
     *
     * @param exchange of {@code direct:call-tool}
     * @throws Problem when the call is refused
     */
    public void read(Exchange exchange) {
        ToolCall call = exchange.getVariable(TOOL_CALL, ToolCall.class);
        Operation operation = call.operation();
        ObjectNode input = call.arguments();
        calls.begin(exchange, operation, call.address());
        JsonNode token = input.remove(ToolSchema.TOKEN);
        if (token != null && !token.isTextual() && !token.isNull()) {
            throw Problem.invalidField(ToolSchema.TOKEN, null, "token must be a text.", "a text");
        }
        calls.admit(
                exchange,
                () -> limits.identifyArgument(
                        token == null ? null : token.textValue(), operation.principals(), call.address()));
        ObjectNode checked = operation.check(input, UnaryOperator.identity());
        if (operation.table().isPresent()) {
            checked.put(ANSWER_BYTES, ModelAnswer.LIST_BYTES);
        }
        calls.prepare(exchange, checked);
    }

    /**
     * Turns the operation's answer into the tool's result; a long answer is shortened ({@link ModelAnswer}).
     *
     * @param exchange with the answer as its body; the body becomes the result
     */
    public void succeed(Exchange exchange) {
        ObjectNode answer = exchange.getMessage().getBody(ObjectNode.class);
        calls.succeeded(exchange, answer);
        ModelAnswer.fit(answer);
        exchange.getMessage().setBody(result(answer).structuredContent(answer).build());
    }

    /**
     * Turns the caught exception into a tool result with the problem. A protocol error would not help, because the
     * model does not see protocol errors.
     *
     * @param exchange with the caught exception; the body becomes the result
     */
    public void refuse(Exchange exchange) {
        ObjectNode problem = calls.refused(exchange).toJson();
        exchange.getMessage().setBody(result(problem).isError(true).build());
    }

    /** Answers a body that holds no valid message, with an error without an id. */
    private static void reject(Exchange exchange, int code, String message) {
        write(exchange, BAD_REQUEST, error(null, code, message).toString());
    }

    /**
     * Answers a message in a version of the protocol that is not spoken here, with an error that lists the spoken ones.
     */
    private void rejectVersion(Exchange exchange, JsonNode id, String version) {
        String supported = String.join(", ", transport.protocolVersions());
        ObjectNode answer = error(
                id,
                UNSUPPORTED_VERSION,
                "Unsupported protocol version: " + version + " (supported versions: " + supported + ")");
        ObjectNode data = ((ObjectNode) answer.get("error")).putObject("data").put("requested", version);
        transport.protocolVersions().forEach(data.putArray("supported")::add);
        write(exchange, BAD_REQUEST, answer.toString());
    }

    private static ObjectNode error(JsonNode id, int code, String message) {
        ObjectNode answer = McpTools.JSON.createObjectNode().put("jsonrpc", McpSchema.JSONRPC_VERSION);
        if (id != null && (id.isTextual() || id.isIntegralNumber())) {
            answer.set("id", id);
        }
        answer.putObject("error").put("code", code).put("message", message);
        return answer;
    }

    private static CallToolResult.Builder result(ObjectNode json) {
        return CallToolResult.builder(
                List.of(TextContent.builder(json.toString()).build()));
    }

    private static void write(Exchange exchange, int status, String json) {
        Message message = exchange.getMessage();
        message.removeHeaders("*");
        message.setHeader(Exchange.HTTP_RESPONSE_CODE, status);
        if (json != null) {
            message.setHeader(Exchange.CONTENT_TYPE, "application/json");
        }
        message.setBody(json);
    }
}
