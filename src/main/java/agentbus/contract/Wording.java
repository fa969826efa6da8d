package agentbus.contract;

import agentbus.text.WholeText;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.ArrayList;
import java.util.List;

/** Describes schemas and values in words. */
final class Wording {
    /** Chosen: one line of a terminal. */
    private static final int SHORT = 80;

    private Wording() {}

    /** The rule of a schema in words that continue "must be". */
    static String expected(JsonNode schema) {
        if (schema.has("x-expected")) {
            return schema.get("x-expected").asText();
        }
        if (schema.has("enum")) {
            List<String> values = new ArrayList<>();
            schema.get("enum").forEach(value -> values.add(value.asText()));
            return "one of " + String.join(", ", values);
        }
        if (schema.path("format").asText().equals("date-time")) {
            return "a time with its offset, such as 2026-01-31T09:00:00Z";
        }
        switch (schema.path("type").asText()) {
            case "integer":
                return "a whole number" + range(schema);
            case "number":
                return "a number" + range(schema);
            case "boolean":
                return "true or false";
            case "array":
                return list(schema);
            case "object":
                return object(schema);
            default:
                return text(schema);
        }
    }

    private static String range(JsonNode schema) {
        String low = schema.path("minimum").asText();
        String high = schema.path("maximum").asText();
        if (low.isEmpty()) {
            return high.isEmpty() ? "" : ", " + high + " or less";
        }
        return high.isEmpty() ? ", " + low + " or more" : " from " + low + " to " + high;
    }

    private static String list(JsonNode schema) {
        boolean objects = schema.path("items").path("type").asText().equals("object");
        String most = schema.path("maxItems").asText();
        String of = (most.isEmpty() ? "" : " of at most " + most) + (objects ? " objects" : "");
        return "a list" + (most.isEmpty() && objects ? " of" : "") + of;
    }

    private static String object(JsonNode schema) {
        if (schema.path("minProperties").asInt() == 1
                && schema.path("maxProperties").asInt() == 1) {
            return "an object with exactly one of " + String.join(", ", names(schema));
        }
        return "an object";
    }

    private static String text(JsonNode schema) {
        int least = schema.path("minLength").asInt();
        String most = schema.path("maxLength").asText();
        if (most.isEmpty()) {
            return least == 0 ? "text" : "text of at least " + counted(least, "character");
        }
        return least == 0
                ? "text of at most " + most + " characters"
                : "text of " + least + " to " + most + " characters";
    }

    /** The names of an object schema's properties, in the contract's order. */
    static List<String> names(JsonNode schema) {
        List<String> names = new ArrayList<>();
        schema.path("properties").fieldNames().forEachRemaining(names::add);
        return names;
    }

    /** The number with its noun, which is in the plural unless the number is one. */
    static String counted(long number, String noun) {
        return number + " " + noun + (number == 1 ? "" : "s");
    }

    /** The value as JSON for use in a sentence; a long one is cut. */
    static String quoted(JsonNode value) {
        JsonNode brief = shortened(value);
        // A cut object is not valid JSON and gets no quotation marks.
        return value.isContainerNode() && brief.isTextual() ? brief.textValue() : brief.toString();
    }

    /** The value itself, or the beginning of its text if it is long. */
    static JsonNode shortened(JsonNode value) {
        String given = value.isTextual() ? value.textValue() : value.toString();
        String text = WholeText.withoutHalves(given);
        if (text.length() <= SHORT) {
            return text.equals(given) ? value : JsonNodeFactory.instance.textNode(text);
        }
        return JsonNodeFactory.instance.textNode(WholeText.cut(text, SHORT) + "…");
    }
}
