package agentbus.mcp;

import agentbus.calls.CallLimits;
import agentbus.calls.Calls;
import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.contract.Problem;
import agentbus.contract.StrictJson;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
 * The bean of the MCP routes. The protocol is the SDK's: it reads each message and, for the call of a tool, asks this door,
 * which sends the call through {@code direct:call-tool} on the same thread.
 */
public final class McpDoor {
    private static final String CALL_TOOL = "direct:call-tool";
    private static final String TOOL_CALL = "toolCall";
    private static final int OK = 200;
    private static final int ACCEPTED = 202;
    private static final int BAD_REQUEST = 400;

    private final RouteTransport transport = new RouteTransport();
    private final Calls calls;
    private final CallLimits limits;
    private final ProducerTemplate routes;
    private final HttpRules rules;

    /**
     * A door to the operations of a contract that are tools.
     *
     * @param contract the contract
     * @param version the program's version
     * @param publicUrl where agents reach the bus
     * @param calls prepares the calls
     * @param limits reads tokens
     * @param routes sends a tool's call to its route
     * @throws IllegalStateException when the contract's {@code x-mcp} is at fault
     */
    public McpDoor(
            Contract contract,
            String version,
            String publicUrl,
            Calls calls,
            CallLimits limits,
            ProducerTemplate routes) {
        this.calls = calls;
        this.limits = limits;
        this.routes = routes;
        this.rules = new HttpRules(publicUrl, transport.protocolVersions());
        McpTools.serve(contract, version, transport, this::call);
    }

    /**
     * Takes a message in, has the SDK answer it, and writes the answer: JSON, or 202 and nothing to a notification. No header of
     * the request is left.
     *
     * @param exchange with the HTTP request
     * @throws Problem when the request is not one of Streamable HTTP
     * @throws JsonProcessingException never: the SDK's answers can be written
     */
    public void answer(Exchange exchange) throws JsonProcessingException {
        HttpMessage message = exchange.getMessage(HttpMessage.class);
        HttpServerRequest request = message.getRequest();
        byte[] body = message.getBody(byte[].class);
        message.removeHeaders("*");
        message.setBody(null);
        rules.check(request);
        try {
            String what = "The message";
            JsonNode received = StrictJson.value(StrictJson.decode(body == null ? new byte[0] : body, what), what);
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

    /** Runs the call of a tool on this thread. */
    private CallToolResult call(ToolCall call) {
        Exchange done = routes.send(CALL_TOOL, exchange -> exchange.setVariable(TOOL_CALL, call));
        if (done.getException() != null) {
            throw new IllegalStateException("the route of a tool's call has failed", done.getException());
        }
        return done.getMessage().getBody(CallToolResult.class);
    }

    /**
     * Reads the call of a tool: checks token and input, and leaves what {@code direct:run-operation} takes.
     *
     * @param exchange of {@code direct:call-tool}
     * @throws Problem when anything about the call is wrong
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
        calls.prepare(exchange, operation.check(input, UnaryOperator.identity()));
    }

    /**
     * Makes the tool's result of what its operation answered.
     *
     * @param exchange with the answer as its body; the body becomes the result
     */
    public void succeed(Exchange exchange) {
        ObjectNode answer = exchange.getMessage().getBody(ObjectNode.class);
        calls.succeeded(exchange, answer);
        exchange.getMessage().setBody(result(answer).structuredContent(answer).build());
    }

    /**
     * Makes the tool's result of the problem that an exception means. It is a result, not an error of the protocol: those are
     * for programs, and a model does not see them.
     *
     * @param exchange with the caught exception; the body becomes the result
     */
    public void refuse(Exchange exchange) {
        ObjectNode problem = calls.refused(exchange).toJson();
        exchange.getMessage().setBody(result(problem).isError(true).build());
    }

    /** Answers a body that holds no message to answer to: an error without an id. */
    private static void reject(Exchange exchange, int code, String message) {
        ObjectNode answer = McpTools.JSON.createObjectNode().put("jsonrpc", McpSchema.JSONRPC_VERSION);
        answer.putObject("error").put("code", code).put("message", message);
        write(exchange, BAD_REQUEST, answer.toString());
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
