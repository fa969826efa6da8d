package agentbus.mcp;

import agentbus.contract.Operation;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.modelcontextprotocol.spec.McpSchema.CallToolResult;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCResponse;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import reactor.core.publisher.Mono;

/**
 * One message of a client on its way through the route. The SDK reads it and, where it calls a tool, leaves the call here; the
 * route runs the operation and ends the call; the SDK makes the answer of that. It belongs to one exchange, and one thread at
 * a time works on that.
 */
final class Turn {
    private final CompletableFuture<CallToolResult> result = new CompletableFuture<>();
    private CompletableFuture<JSONRPCResponse> response = CompletableFuture.completedFuture(null);
    private Operation operation;
    private ObjectNode arguments;

    /** What the SDK's tool handler does: says which operation is wanted, and waits without a thread. */
    Mono<CallToolResult> call(Operation wanted, ObjectNode with) {
        operation = wanted;
        arguments = with;
        return Mono.fromFuture(result);
    }

    /** Keeps what the SDK will answer. */
    void answerWith(Mono<JSONRPCResponse> answer) {
        response = answer.toFuture();
    }

    /** The operation whose tool is called; empty when none is. */
    Optional<Operation> operation() {
        return Optional.ofNullable(operation);
    }

    /** The call's arguments, with the token. */
    ObjectNode arguments() {
        return arguments;
    }

    /** Ends the call. */
    void end(CallToolResult with) {
        result.complete(with);
    }

    /**
     * The answer to the message.
     *
     * @return the SDK's answer; empty for a notification
     * @throws IllegalStateException when the call has not been ended
     */
    Optional<JSONRPCResponse> response() {
        if (!response.isDone()) {
            throw new IllegalStateException("The SDK has no answer yet, and nobody is left to wait for.");
        }
        return Optional.ofNullable(response.join());
    }
}
