package agentbus.mcp;

import agentbus.contract.Problem;
import agentbus.contract.StrictJson;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * Reads the arguments that a model has sent as JSON text although the schema wants an object or a list. Models do so
 * when a value is deep or its schema is open.
 */
final class TextArguments {
    private TextArguments() {}

    /**
     * Reads a value and all values within it whose schema is known.
     *
     * @param schema the schema of the value
     * @param value the value; objects and lists are changed in place
     * @return the value; the object or list if the value was its text and the schema wants one. A text that holds none
     *     stays a text, so that the check of the input refuses it.
     */
    static JsonNode read(JsonNode schema, JsonNode value) {
        JsonNode read = value.isTextual() ? parsed(schema.path("type").asText(), value) : value;
        if (read instanceof ObjectNode object) {
            schema.path("properties").properties().forEach(property -> {
                if (object.has(property.getKey())) {
                    object.set(property.getKey(), read(property.getValue(), object.get(property.getKey())));
                }
            });
        } else if (read instanceof ArrayNode list && schema.path("items").isObject()) {
            for (int i = 0; i < list.size(); i++) {
                list.set(i, read(schema.get("items"), list.get(i)));
            }
        }
        return read;
    }

    private static JsonNode parsed(String type, JsonNode text) {
        if (!type.equals("object") && !type.equals("array")) {
            return text;
        }
        try {
            JsonNode value = StrictJson.value(text.textValue(), "The text");
            return value.isObject() && type.equals("object") || value.isArray() && type.equals("array") ? value : text;
        } catch (Problem noJson) {
            return text;
        }
    }
}
