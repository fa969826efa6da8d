package agentbus.mcp;

import agentbus.calls.CallLimits;
import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.contract.Problem;
import agentbus.contract.StrictJson;
import agentbus.health.Meters;
import agentbus.http.ApiDoor;
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
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/**
 * The bean of the MCP route. The protocol is the SDK's; which operation a tool means, who may call it, what its input must be
 * and how it runs is what the HTTP door has, too.
 */
public final class McpDoor {
    private static final String TURN = "turn";
    private static final String ADDRESS = "address";
    private static final int OK = 200;
    private static final int ACCEPTED = 202;
    private static final int BAD_REQUEST = 400;

    private final RouteTransport transport = new RouteTransport();
    private final ApiDoor operations;
    private final CallLimits limits;
    private final Meters meters;
    private final HttpRules rules;

    /**
     * A door to the operations of a contract that are tools.
     *
     * @param contract the contract
     * @param version the program's version
     * @param publicUrl where agents reach the bus
     * @param operations prepares an operation's call
     * @param limits lets the calls in
     * @param meters counts the calls
     * @throws IllegalStateException when the contract's {@code x-mcp} is at fault
     */
    public McpDoor(
            Contract contract, String version, String publicUrl, ApiDoor operations, CallLimits limits, Meters meters) {
        this.operations = operations;
        this.limits = limits;
        this.meters = meters;
        this.rules = new HttpRules(publicUrl, transport.protocolVersions());
        McpTools.serve(contract, version, transport);
    }

    /**
     * Takes a message in and hands it to the SDK. Where it calls a tool, the operation's id is the variable {@code operation}
     * afterwards. No header is left.
     *
     * @param exchange with the HTTP request
     * @throws Problem when the request is not one of Streamable HTTP
     */
    public void receive(Exchange exchange) {
        HttpMessage message = exchange.getMessage(HttpMessage.class);
        HttpServerRequest request = message.getRequest();
        byte[] body = message.getBody(byte[].class);
        message.removeHeaders("*");
        message.setBody(null);
        exchange.setVariable(ADDRESS, request.remoteAddress().hostAddress());
        rules.check(request);
        try {
            String what = "The message";
            JsonNode received = StrictJson.value(StrictJson.decode(body == null ? new byte[0] : body, what), what);
            Turn turn = transport.take(received);
            exchange.setVariable(TURN, turn);
            turn.operation().map(Operation::id).ifPresent(id -> exchange.setVariable(ApiDoor.OPERATION, id));
        } catch (Problem malformed) {
            reject(exchange, ErrorCodes.PARSE_ERROR, malformed.detail());
        } catch (RouteTransport.NoMessage wrong) {
            reject(exchange, ErrorCodes.INVALID_REQUEST, wrong.getMessage());
        }
    }

    /**
     * Reads the call of a tool: checks token and input, and leaves what {@code direct:run-operation} takes.
     *
     * @param exchange with the turn of {@link #receive}
     * @throws Problem when anything about the call is wrong
     */
    public void read(Exchange exchange) {
        Turn turn = turn(exchange);
        Operation operation = turn.operation().orElseThrow();
        ObjectNode input = turn.arguments();
        JsonNode token = input.remove(ToolSchema.TOKEN);
        if (token != null && !token.isTextual() && !token.isNull()) {
            throw Problem.invalidField(ToolSchema.TOKEN, null, "token must be a text.", "a text");
        }
        String address = exchange.getVariable(ADDRESS, String.class);
        ObjectNode credential = operations.admit(
                exchange,
                address,
                () -> limits.identifyArgument(
                        token == null ? null : token.textValue(), operation.principals(), address));
        operations.prepare(exchange, operation, credential, operation.check(input, UnaryOperator.identity()));
    }

    /**
     * Ends the call of a tool with what its operation answered.
     *
     * @param exchange with the answer as its body
     */
    public void succeed(Exchange exchange) {
        ObjectNode answer = exchange.getMessage().getBody(ObjectNode.class);
        meters.apiCalled(exchange.getVariable(ApiDoor.OPERATION, String.class), OK, answer);
        turn(exchange).end(result(answer).structuredContent(answer).build());
    }

    /**
     * Ends the call of a tool with the problem that an exception means. It is a result, not an error of the protocol: those
     * are for programs, and a model does not see them.
     *
     * @param exchange with the caught exception
     */
    public void refuse(Exchange exchange) {
        Problem problem = operations.refusal(exchange);
        ObjectNode json = problem.toJson();
        meters.apiCalled(exchange.getVariable(ApiDoor.OPERATION, String.class), problem.status(), json);
        turn(exchange).end(result(json).isError(true).build());
    }

    /**
     * Writes what the SDK answers: JSON, or 202 and nothing to a notification.
     *
     * @param exchange with the turn of {@link #receive}, ended
     * @throws JsonProcessingException never: what the SDK answers can be written
     */
    public void answer(Exchange exchange) throws JsonProcessingException {
        Optional<JSONRPCResponse> response = turn(exchange).response();
        if (response.isPresent()) {
            write(exchange, OK, McpTools.JSON.writeValueAsString(response.get()));
        } else {
            write(exchange, ACCEPTED, null);
        }
    }

    /** Ends an exchange whose body holds no message to answer to: an error without an id. */
    private static void reject(Exchange exchange, int code, String message) {
        ObjectNode answer = McpTools.JSON.createObjectNode().put("jsonrpc", McpSchema.JSONRPC_VERSION);
        answer.putObject("error").put("code", code).put("message", message);
        write(exchange, BAD_REQUEST, answer.toString());
        exchange.setRouteStop(true);
    }

    private static CallToolResult.Builder result(ObjectNode json) {
        return CallToolResult.builder(
                List.of(TextContent.builder(json.toString()).build()));
    }

    private static Turn turn(Exchange exchange) {
        return exchange.getVariable(TURN, Turn.class);
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
