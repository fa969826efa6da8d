package agentbus.contract;

import agentbus.text.WholeText;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.Collection;

/**
 * Repairs the input of an operation with {@code x-repairs-input}. A gateway reports each fact once, so a refusal for a
 * text that was cut in the middle of a character would lose the fact.
 */
final class Repair {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private Repair() {}

    /**
     * Replaces characters that cannot be stored, cuts texts to their longest, and brings whole numbers into their
     * range.
     *
     * @param input the whole input
     * @param inputs the inputs of the operation, with their limits
     * @return a repaired copy
     */
    static ObjectNode repaired(ObjectNode input, Collection<Input> inputs) {
        ObjectNode repaired = (ObjectNode) whole(input);
        for (Input known : inputs) {
            JsonNode value = repaired.get(known.name());
            if (value == null) {
                continue;
            }
            ObjectNode schema = known.schema();
            if (value.isTextual() && schema.has("maxLength")) {
                repaired.put(
                        known.name(),
                        WholeText.cut(value.textValue(), schema.get("maxLength").asInt()));
            } else if (value.isNumber() && known.type().equals("integer")) {
                repaired.set(known.name(), inRange(value.decimalValue(), schema));
            }
        }
        return repaired;
    }

    /**
     * Replaces bytes that are not UTF-8, such as a part of a character at the end of a cut text.
     *
     * @param body the bytes of a body
     * @return the bytes in UTF-8, with U+FFFD in place of each wrong sequence
     */
    static byte[] utf8(byte[] body) {
        return new String(body, StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8);
    }

    private static JsonNode inRange(BigDecimal number, ObjectNode schema) {
        BigDecimal bounded = number;
        if (schema.has("minimum")) {
            bounded = bounded.max(schema.get("minimum").decimalValue());
        }
        if (schema.has("maximum")) {
            bounded = bounded.min(schema.get("maximum").decimalValue());
        }
        return JSON.numberNode(bounded.setScale(0, RoundingMode.HALF_UP).longValue());
    }

    private static JsonNode whole(JsonNode value) {
        if (value.isTextual()) {
            return JSON.textNode(WholeText.repaired(value.textValue()));
        }
        if (value instanceof ArrayNode array) {
            ArrayNode copy = JSON.arrayNode();
            array.forEach(item -> copy.add(whole(item)));
            return copy;
        }
        if (value instanceof ObjectNode object) {
            ObjectNode copy = JSON.objectNode();
            object.properties().forEach(field -> copy.set(WholeText.repaired(field.getKey()), whole(field.getValue())));
            return copy;
        }
        return value;
    }
}
