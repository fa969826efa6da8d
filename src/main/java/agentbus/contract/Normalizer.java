package agentbus.contract;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BigIntegerNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Normalises a valid input for the operations: adds defaults, also in nested objects, and turns whole numbers such as
 * 5.0 into 5.
 */
final class Normalizer {
    private final boolean integer;
    private final Map<String, JsonNode> defaults = new LinkedHashMap<>();
    private final Map<String, Normalizer> properties = new HashMap<>();
    private final Normalizer items;

    /**
     * Derives the normaliser of a schema once, so that requests need no walk through the schema.
     *
     * @param schema a JSON Schema with references resolved
     */
    Normalizer(JsonNode schema) {
        integer = schema.path("type").asText().equals("integer");
        schema.path("properties").properties().forEach(property -> {
            if (property.getValue().has("default")) {
                defaults.put(property.getKey(), property.getValue().get("default"));
            }
            Normalizer nested = new Normalizer(property.getValue());
            if (!nested.idle()) {
                properties.put(property.getKey(), nested);
            }
        });
        Normalizer each = schema.has("items") ? new Normalizer(schema.get("items")) : null;
        items = each == null || each.idle() ? null : each;
    }

    private boolean idle() {
        return !integer && defaults.isEmpty() && properties.isEmpty() && items == null;
    }

    /**
     * Normalises a valid value, changing objects in place. Returns the value's replacement, which is the value itself
     * unless it is a number.
     */
    JsonNode apply(JsonNode value) {
        if (integer && value.isBigDecimal()) {
            return whole(value.decimalValue().toBigIntegerExact());
        }
        if (value instanceof ObjectNode object) {
            defaults.forEach((name, standard) -> {
                if (!object.has(name)) {
                    object.set(name, standard.deepCopy());
                }
            });
            properties.forEach((name, nested) -> {
                JsonNode before = object.get(name);
                JsonNode after = before == null ? null : nested.apply(before);
                if (after != before) {
                    object.set(name, after);
                }
            });
        } else if (items != null && value instanceof ArrayNode array) {
            for (int i = 0; i < array.size(); i++) {
                array.set(i, items.apply(array.get(i)));
            }
        }
        return value;
    }

    private static JsonNode whole(BigInteger number) {
        if (number.bitLength() < Integer.SIZE) {
            return IntNode.valueOf(number.intValue());
        }
        return number.bitLength() < Long.SIZE ? LongNode.valueOf(number.longValue()) : BigIntegerNode.valueOf(number);
    }
}
