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

/** Builds the SDK's server for a contract, with one tool for each operation that has {@code x-mcp} and whose phase is on. */
final class McpTools {
    static final JsonMapper JSON = Json.exact(new JsonFactory());

    private static final String INSTRUCTIONS =
            "Give the token of your attempt, which stands in your prompt, as token. A refusal is a"
                    + " result with isError; its code says what was wrong, its expected what would be right.";
    /**
     * A validator that accepts every value, because the SDK requires one. Operations check their inputs themselves, and
     * tools have no schema for their answers.
     */
    private static final JsonSchemaValidator CHECKED_ELSEWHERE = (schema, value) -> ValidationResponse.asValid(null);

    private McpTools() {}

    /**
     * Serves a contract's tools over a transport.
     *
     * @param contract the contract
     * @param version the program's version
     * @param highestPhase the highest phase that is on; an operation of a later phase is no tool, because every run would
     *     pay for reading it and each call would be refused
     * @param transport delivers the messages
     * @param run runs a tool call, on the calling thread
     * @throws IllegalStateException when an {@code x-mcp} in the contract is faulty
     */
    static void serve(
            Contract contract,
            String version,
            int highestPhase,
            RouteTransport transport,
            Function<ToolCall, CallToolResult> run) {
        StatelessAsyncSpecification server = McpServer.async(transport)
                .serverInfo("agentbus", version)
                .instructions(INSTRUCTIONS)
                .capabilities(ServerCapabilities.builder().tools(false).build())
                .jsonMapper(new JacksonMcpJsonMapper(JSON))
                .jsonSchemaValidator(CHECKED_ELSEWHERE)
                .validateToolInputs(false)
                .strictToolNameValidation(true);
        for (Operation operation : contract.operations()) {
            ObjectNode schema = operation.inputSchema();
            operation
                    .tool()
                    .filter(tool -> tool.phase() <= highestPhase)
                    .ifPresent(tool -> server.toolCall(
                            tool(operation, tool),
                            (context, call) -> Mono.fromSupplier(() -> run.apply(new ToolCall(
                                    operation, arguments(schema, call), RouteTransport.address(context))))));
        }
        server.build();
    }

    private static McpSchema.Tool tool(Operation operation, agentbus.contract.Tool tool) {
        ObjectNode schema = ToolSchema.of(operation.inputSchema(), tool.fields());
        Map<String, Object> asMap = JSON.convertValue(schema, new TypeReference<>() {});
        McpSchema.Tool.Builder shown =
                McpSchema.Tool.builder(tool.name(), asMap).description(tool.description());
        if (operation.method().equals("GET")) {
            // A client that asks a person before each change need not ask before a read-only call.
            shown.annotations(ToolAnnotations.builder().readOnlyHint(true).build());
        }
        return shown.build();
    }

    private static ObjectNode arguments(ObjectNode schema, CallToolRequest call) {
        ObjectNode arguments = call.arguments() == null ? JSON.createObjectNode() : JSON.valueToTree(call.arguments());
        TextArguments.read(schema, arguments);
        return arguments;
    }
}
