package agentbus.console.browser;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.contract.Contract;
import agentbus.contract.Input;
import agentbus.contract.Operation;
import agentbus.harness.Answer;
import agentbus.harness.TestBus;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Calls operations by their ids over HTTP, as any client of the contract does. */
final class Operations {
    private static final Contract CONTRACT = Contract.load();

    private final TestBus bus;
    private final String operatorToken;

    Operations(TestBus bus) throws IOException {
        this.bus = bus;
        this.operatorToken = bus.operatorToken();
    }

    /** The first operator's token. */
    String operatorToken() {
        return operatorToken;
    }

    /**
     * Calls an operation as the operator, and requires that it is done.
     *
     * @param operationId the operation
     * @param input name, value, name, value …; a value is anything that JSON can hold
     * @return its answer
     */
    JsonNode call(String operationId, Object... input) {
        return callAs(operatorToken, operationId, input);
    }

    /** As above, with another token. */
    JsonNode callAs(String token, String operationId, Object... input) {
        Answer answer = answer(token, operationId, input);
        assertEquals(200, answer.status(), () -> operationId + ": " + answer.text());
        return answer.json();
    }

    /** Calls an operation, and returns the answer with any status. */
    Answer answer(String token, String operationId, Object... input) {
        Operation operation = CONTRACT.operation(operationId);
        ObjectNode values = json(input);
        String path = operation.path();
        List<String> query = new ArrayList<>();
        ObjectNode body = Json.object();
        for (Input each : operation.inputs()) {
            JsonNode value = values.remove(each.name());
            if (value == null) {
                continue;
            }
            switch (each.in()) {
                case PATH -> path = path.replace("{" + each.name() + "}", encoded(value.asText()));
                case QUERY -> query.add(each.name() + "=" + encoded(value.asText()));
                case BODY -> body.set(each.name(), value);
                default -> throw new IllegalStateException("an input in " + each.in());
            }
        }
        assertEquals(0, values.size(), () -> operationId + " has no input " + values);
        try {
            return Answer.of(bus.call(
                    operation.method(),
                    query.isEmpty() ? path : path + "?" + String.join("&", query),
                    token,
                    operation.takesBody() ? body.toString() : null));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** A JSON object: name, value, name, value … */
    static ObjectNode json(Object... namesAndValues) {
        ObjectNode object = Json.object();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            Object value = namesAndValues[i + 1];
            // A tree is kept as it is, because a copy would drop the last digits of its numbers.
            object.set((String) namesAndValues[i], value instanceof JsonNode tree ? tree : Json.tree(value));
        }
        return object;
    }

    /** A JSON object from a text, which keeps every digit of its numbers. */
    static JsonNode exact(String text) {
        try {
            return Json.EXACT.readTree(text);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
