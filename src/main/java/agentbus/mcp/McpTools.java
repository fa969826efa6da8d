package agentbus.mcp;

import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.modelcontextprotocol.json.jackson2.JacksonMcpJsonMapper;
import io.modelcontextprotocol.json.schema.JsonSchemaValidator;
import io.modelcontextprotocol.json.schema.JsonSchemaValidator.ValidationResponse;
import io.modelcontextprotocol.server.McpServer;
import io.modelcontextprotocol.server.McpServer.StatelessAsyncSpecification;
import io.modelcontextprotocol.spec.McpSchema;
import io.modelcontextprotocol.spec.McpSchema.CallToolRequest;
import io.modelcontextprotocol.spec.McpSchema.CallToolResult;
import io.modelcontextprotocol.spec.McpSchema.ServerCapabilities;
import io.modelcontextprotocol.spec.McpSchema.ToolAnnotations;
import java.util.Map;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/** Makes the SDK's server of a contract: one tool for each operation that has {@code x-mcp}. */
final class McpTools {
    static final JsonMapper JSON = Json.exact(new JsonFactory());

    private static final String INSTRUCTIONS =
            "Give the token of your attempt, which stands in your prompt, as token. A refusal is a"
                    + " result with isError; its code says what was wrong, its expected what would be right.";
    /** The SDK wants one. Calls are checked by their operation, as at every door; a tool has no schema for what it answers. */
    private static final JsonSchemaValidator CHECKED_ELSEWHERE = (schema, value) -> ValidationResponse.asValid(null);

    private McpTools() {}

    /**
     * Serves a contract's tools over a transport.
     *
     * @param contract the contract
     * @param version the program's version
     * @param transport brings the messages
     * @param run runs the call of a tool, on the thread that asks
     * @throws IllegalStateException when the contract's {@code x-mcp} is at fault
     */
    static void serve(
            Contract contract, String version, RouteTransport transport, Function<ToolCall, CallToolResult> run) {
        StatelessAsyncSpecification server = McpServer.async(transport)
                .serverInfo("agentbus", version)
                .instructions(INSTRUCTIONS)
                .capabilities(ServerCapabilities.builder().tools(false).build())
                .jsonMapper(new JacksonMcpJsonMapper(JSON))
                .jsonSchemaValidator(CHECKED_ELSEWHERE)
                .validateToolInputs(false)
                .strictToolNameValidation(true);
        for (Operation operation : contract.operations()) {
            operation
                    .tool()
                    .ifPresent(tool -> server.toolCall(
                            tool(operation, tool),
                            (context, call) -> Mono.fromSupplier(() -> run.apply(
                                    new ToolCall(operation, arguments(call), RouteTransport.address(context))))));
        }
        server.build();
    }

    private static McpSchema.Tool tool(Operation operation, agentbus.contract.Tool tool) {
        ObjectNode schema = ToolSchema.of(operation.inputSchema(), tool.fields());
        Map<String, Object> asMap = JSON.convertValue(schema, new TypeReference<>() {});
        McpSchema.Tool.Builder shown =
                McpSchema.Tool.builder(tool.name(), asMap).description(tool.description());
        if (operation.method().equals("GET")) {
            // Clients that ask a person before a call that may change something need not ask for these.
            shown.annotations(ToolAnnotations.builder().readOnlyHint(true).build());
        }
        return shown.build();
    }

    private static ObjectNode arguments(CallToolRequest call) {
        return call.arguments() == null ? JSON.createObjectNode() : JSON.valueToTree(call.arguments());
    }
}
