package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.contract.Contract;
import agentbus.contract.Operation;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** The items of needs-me, and the person who presses their buttons. */
final class Needs {
    private static final Contract CONTRACT = Contract.load();

    private final Machine bus;

    Needs(Machine bus) {
        this.bus = bus;
    }

    List<JsonNode> items(Object... input) {
        List<JsonNode> items = new ArrayList<>();
        JsonNode answer = bus.ask("needs_me", input);
        answer.get("items").forEach(items::add);
        assertEquals(items.size(), answer.get("count").asInt());
        items.forEach(Needs::assertTheContractTakesItsActions);
        // Of the whole server, where other tests are at work.
        items.removeIf(item -> item.get("id").asText().equals("database/oldest_transaction"));
        return items;
    }

    JsonNode only() {
        List<JsonNode> items = items();
        assertEquals(1, items.size(), items::toString);
        return items.get(0);
    }

    private static void assertTheContractTakesItsActions(JsonNode item) {
        for (JsonNode action : item.get("actions")) {
            filled(action);
        }
    }

    /** The input of an action with the fields that the person gives, as the door checks it. */
    private static ObjectNode filled(JsonNode action) {
        Operation operation = CONTRACT.operation(action.get("operation").asText());
        ObjectNode input = ((ObjectNode) action.get("input")).deepCopy();
        action.get("needs").forEach(field -> input.put(field.asText(), "as I say"));
        return operation.check(input, UnaryOperator.identity());
    }

    /** Does what the button of this label does. */
    void act(JsonNode item, String label) {
        for (JsonNode action : item.get("actions")) {
            if (action.get("label").asText().equals(label)) {
                bus.call(
                        CONTRACT.operation(action.get("operation").asText()).function(),
                        Machine.operator(),
                        filled(action));
                return;
            }
        }
        throw new AssertionError("no action " + label + " in " + item);
    }

    static void assertSays(String sentence, JsonNode item) {
        assertEquals(sentence, item.get("sentence").asText());
    }

    List<String> ids() {
        return items().stream().map(item -> item.get("id").asText()).toList();
    }

    JsonNode only(String id) {
        return items().stream()
                .filter(item -> item.get("id").asText().equals(id))
                .findFirst()
                .orElseThrow();
    }
}
