package agentbus.contract;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Refuses lists with too many entries before the validator runs. The validator reports every fault of every entry, and
 * a megabyte holds hundreds of thousands of entries.
 */
final class ListSizes {
    private final JsonNode schema;
    private final int most;
    private final Map<String, ListSizes> properties = new LinkedHashMap<>();
    private final ListSizes items;

    /**
     * Derives the limits of a schema.
     *
     * @param schema a JSON Schema with references resolved
     */
    ListSizes(JsonNode schema) {
        this.schema = schema;
        most = schema.path("maxItems").asInt(Integer.MAX_VALUE);
        schema.path("properties").properties().forEach(property -> {
            ListSizes nested = new ListSizes(property.getValue());
            if (!nested.idle()) {
                properties.put(property.getKey(), nested);
            }
        });
        ListSizes each = schema.has("items") ? new ListSizes(schema.get("items")) : null;
        items = each == null || each.idle() ? null : each;
    }

    private boolean idle() {
        return most == Integer.MAX_VALUE && properties.isEmpty() && items == null;
    }

    /** Checks the lists in a value; throws invalid_field for the first one that is too long. */
    void check(String path, JsonNode value, UnaryOperator<String> naming) {
        if (value.isArray()) {
            if (value.size() > most) {
                throw tooMany(path, value, naming);
            }
            for (int i = 0; items != null && i < value.size(); i++) {
                items.check(path + "[" + i + "]", value.get(i), naming);
            }
        } else if (value.isObject()) {
            properties.forEach((name, nested) -> {
                JsonNode field = value.get(name);
                if (field != null) {
                    nested.check(Storable.child(path, name), field, naming);
                }
            });
        }
    }

    private Problem tooMany(String path, JsonNode list, UnaryOperator<String> naming) {
        String expected = Wording.expected(schema);
        String detail = naming.apply(path) + " is a list of " + list.size() + "; it must be " + expected + ".";
        // The message gives the list's size, because printing the list is the cost that this check avoids.
        JsonNode value = JsonNodeFactory.instance.textNode("a list of " + list.size());
        return Problem.invalidField(path, value, detail, expected);
    }
}
