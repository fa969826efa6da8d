package agentbus.mcp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.modelcontextprotocol.common.McpTransportContext;
import io.modelcontextprotocol.server.McpStatelessServerHandler;
import io.modelcontextprotocol.spec.McpSchema;
import io.modelcontextprotocol.spec.McpSchema.ErrorCodes;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCNotification;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCRequest;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCResponse;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCResponse.JSONRPCError;
import io.modelcontextprotocol.spec.McpStatelessServerTransport;
import java.util.Map;
import java.util.Optional;
import reactor.core.publisher.Mono;

/**
 * The SDK's transport over a Camel route: the route passes in a message that came by HTTP, and gets the SDK's answer.
 * The transport keeps no state between messages.
 */
final class RouteTransport implements McpStatelessServerTransport {
    /** The key by which a tool's handler finds the address of the message's sender. */
    private static final String ADDRESS = "address";

    /**
     * The classes to which the SDK converts params. If a conversion failed, the SDK would log and return its parser's
     * message with the given value, which may be a token. Such params are therefore refused before the SDK gets them.
     */
    private static final Map<String, Class<?>> SHAPES = Map.of(
            McpSchema.METHOD_INITIALIZE, McpSchema.InitializeRequest.class,
            McpSchema.METHOD_TOOLS_CALL, McpSchema.CallToolRequest.class);

    private McpStatelessServerHandler handler;

    /** Thrown for a body that is no MCP message. */
    static final class NoMessage extends Exception {
        private static final long serialVersionUID = 1L;

        NoMessage(String what) {
            super(what);
        }
    }

    @Override
    public void setMcpHandler(McpStatelessServerHandler mcpHandler) {
        handler = mcpHandler;
    }

    @Override
    public Mono<Void> closeGracefully() {
        return Mono.empty();
    }

    /** The address of the sender of a tool call's message. */
    static String address(McpTransportContext context) {
        return (String) context.get(ADDRESS);
    }

    /**
     * Lets the SDK answer a message. A tool call runs on this thread before the method returns.
     *
     * @param message the received message, any JSON
     * @param address the sender's address
     * @return the SDK's answer; empty for a notification
     * @throws NoMessage when the message is neither a request nor a notification; the exception does not repeat its
     *     content
     */
    Optional<JSONRPCResponse> answer(JsonNode message, String address) throws NoMessage {
        JsonNode method = message.path("method");
        if (!message.isObject()) {
            throw new NoMessage("The body must be one JSON-RPC message; batches are not taken.");
        }
        if (!McpSchema.JSONRPC_VERSION.equals(message.path("jsonrpc").textValue()) || !method.isTextual()) {
            throw new NoMessage(
                    "The body must be a JSON-RPC 2.0 request or notification: jsonrpc \"2.0\" and a method.");
        }
        if (message.has("params") && !message.get("params").isObject()) {
            throw new NoMessage("params must be an object.");
        }
        JsonNode params = message.path("params").isObject() ? message.get("params") : emptyParams();
        McpTransportContext context = McpTransportContext.create(Map.of(ADDRESS, address));
        if (message.has("id")) {
            return answer(context, new JSONRPCRequest(method.textValue(), id(message.get("id")), params))
                    .blockOptional();
        }
        handler.handleNotification(context, new JSONRPCNotification(method.textValue(), params))
                .block();
        return Optional.empty();
    }

    private Mono<JSONRPCResponse> answer(McpTransportContext context, JSONRPCRequest request) {
        Class<?> shape = SHAPES.get(request.method());
        if (shape != null) {
            try {
                McpTools.JSON.convertValue(request.params(), shape);
            } catch (IllegalArgumentException notOfThatShape) {
                return Mono.just(wrongParams(request.id()));
            }
        }
        return handler.handleRequest(context, request);
    }

    private static JSONRPCResponse wrongParams(Object id) {
        String message =
                "params has a field of the wrong type; tools/call takes name, a text, and arguments, an object.";
        return JSONRPCResponse.error(id, new JSONRPCError(ErrorCodes.INVALID_PARAMS, message));
    }

    private static Object id(JsonNode id) throws NoMessage {
        if (id.isTextual()) {
            return id.textValue();
        }
        if (id.isIntegralNumber() && id.canConvertToLong()) {
            return id.longValue();
        }
        throw new NoMessage("id must be a text or a whole number.");
    }

    private static JsonNode emptyParams() {
        return JsonNodeFactory.instance.objectNode();
    }
}
