package agentbus.mcp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Derives the schema of a tool's arguments from the schema of its operation's input. Every run of every agent reads the
 * result, so it holds only names, types and choices. Limits and patterns are checked when the tool is called, and a
 * refusal states the rule.
 */
final class ToolSchema {
    /** The argument that every tool has in addition to its operation's inputs. */
    static final String TOKEN = "token";

    private static final List<String> KEPT = List.of("type", "format", "enum");

    private ToolSchema() {}

    /**
     * Derives a schema.
     *
     * @param input the schema of the whole input, without references
     * @param fields the inputs to show; a dotted path shows one field inside an object or a list's items
     * @return the schema of the arguments, the token first
     * @throws IllegalStateException when the input lacks one of the fields, or has a field named token
     */
    static ObjectNode of(ObjectNode input, List<String> fields) {
        if (input.path("properties").has(TOKEN)) {
            throw new IllegalStateException("An operation with an input " + TOKEN + " cannot be a tool.");
        }
        ObjectNode properties = JsonNodeFactory.instance.objectNode();
        properties.putObject(TOKEN).put("type", "string").put("description", "attempt token");
        ArrayNode required = JsonNodeFactory.instance.arrayNode().add(TOKEN);
        return object(input, fields, properties, required);
    }

    private static ObjectNode object(JsonNode schema, List<String> fields, ObjectNode properties, ArrayNode required) {
        Map<String, List<String>> inner = new LinkedHashMap<>();
        for (String field : fields) {
            String[] parts = field.split("\\.", 2);
            List<String> rest = inner.computeIfAbsent(parts[0], name -> new ArrayList<>());
            if (parts.length == 2) {
                rest.add(parts[1]);
            }
        }
        inner.forEach((name, rest) -> {
            JsonNode property = schema.path("properties").get(name);
            if (property == null) {
                throw new IllegalStateException("x-mcp names the field " + name + ", which the input does not have.");
            }
            properties.set(name, cut(property, rest));
        });
        schema.path("required").forEach(name -> {
            if (inner.containsKey(name.asText())) {
                required.add(name);
            }
        });
        ObjectNode cut = JsonNodeFactory.instance.objectNode().put("type", "object");
        cut.set("properties", properties);
        if (!required.isEmpty()) {
            cut.set("required", required);
        }
        return cut;
    }

    private static ObjectNode cut(JsonNode schema, List<String> fields) {
        if (schema.path("properties").isObject()) {
            List<String> shown = new ArrayList<>(fields);
            if (shown.isEmpty()) {
                schema.get("properties").fieldNames().forEachRemaining(shown::add);
            }
            return object(schema, shown, JsonNodeFactory.instance.objectNode(), JsonNodeFactory.instance.arrayNode());
        }
        ObjectNode cut = JsonNodeFactory.instance.objectNode();
        KEPT.forEach(keyword -> {
            if (schema.has(keyword)) {
                cut.set(keyword, schema.get(keyword));
            }
        });
        if (schema.path("items").isObject()) {
            cut.set("items", cut(schema.get("items"), fields));
        } else if (!fields.isEmpty()) {
            throw new IllegalStateException("x-mcp names fields " + fields + " inside a plain value.");
        }
        return cut;
    }
}
