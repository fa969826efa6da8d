package agentbus.contract;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** One operation of the contract, with the check of its input. Thread-safe. */
public final class Operation {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final Description description;
    private final Map<String, Input> inputs = new LinkedHashMap<>();
    private final ObjectNode schema;
    private final InputSchema compiled;

    /**
     * The parts of an operation's entry in the contract, without its inputs.
     *
     * @param id the operation's id in camel case
     * @param method the HTTP method in capitals
     * @param path the path template, such as {@code /v1/jobs/{jobId}}
     * @param summary one sentence
     * @param details more sentences, or an empty text
     * @param group the name of its group
     * @param principals the kinds of callers that may call it: operator, agent, attempt
     * @param example an example command line
     * @param table the table for its list, or null
     * @param card the tables for the lists within its answer
     * @param tool its MCP tool, or null
     * @param special its properties that most operations lack
     * @param answer the form of its answer
     */
    record Description(
            String id,
            String method,
            String path,
            String summary,
            String details,
            String group,
            List<String> principals,
            String example,
            Optional<Table> table,
            List<Table> card,
            Optional<Tool> tool,
            Special special,
            AnswerForm answer) {}

    /**
     * An operation with its inputs.
     *
     * @param description the rest of its entry
     * @param inputs its inputs with unique names, in the contract's order
     * @param bodyRules further schema keywords for the body, such as {@code not}
     */
    Operation(Description description, List<Input> inputs, ObjectNode bodyRules) {
        this.description = description;
        inputs.forEach(input -> this.inputs.put(input.name(), input));
        this.schema = merged(bodyRules);
        this.compiled = new InputSchema(schema);
    }

    private ObjectNode merged(ObjectNode bodyRules) {
        ObjectNode merged = JSON.objectNode();
        merged.put("type", "object");
        ObjectNode properties = merged.putObject("properties");
        ArrayNode required = merged.putArray("required");
        for (Input input : inputs.values()) {
            ObjectNode property = input.schema().deepCopy();
            property.put("description", input.description());
            properties.set(input.name(), property);
            if (input.required()) {
                required.add(input.name());
            }
        }
        merged.setAll(bodyRules);
        merged.put("additionalProperties", false);
        return merged;
    }

    /** The operation's id in camel case: {@code completeJob}. */
    public String id() {
        return description.id();
    }

    /** The id in kebab case, the command's name: {@code complete-job}. */
    public String kebabName() {
        return Names.kebab(id());
    }

    /** The SQL function that it calls, the id in snake case: {@code complete_job}. */
    public String function() {
        return Names.snake(id());
    }

    /** The HTTP method in capitals. */
    public String method() {
        return description.method();
    }

    /** The path template, such as {@code /v1/jobs/{jobId}/complete}. */
    public String path() {
        return description.path();
    }

    /** Its effect, in one sentence. */
    public String summary() {
        return description.summary();
    }

    /** Further sentences, or an empty text. */
    public String description() {
        return description.details();
    }

    /** The name of the group it belongs to. */
    public String group() {
        return description.group();
    }

    /** The kinds of callers that may call it: {@code operator}, {@code agent}, {@code attempt}. */
    public List<String> principals() {
        return description.principals();
    }

    /** An example command line. */
    public String example() {
        return description.example();
    }

    /** The command line's table for its list; empty when its answer is not a list. */
    public Optional<Table> table() {
        return description.table();
    }

    /** The command line's tables for the lists within its answer. */
    public List<Table> card() {
        return description.card();
    }

    /** Its MCP tool; empty when it has none. */
    public Optional<Tool> tool() {
        return description.tool();
    }

    /** The properties that most operations lack, each a flag of its entry. */
    public Special special() {
        return description.special();
    }

    /**
     * Whether an answer of a server can be this operation's answer; if not, the server is not the bus.
     *
     * @param answer the answer, any JSON
     * @return true if it has the lists and objects that this operation answers with
     */
    public boolean mayAnswer(JsonNode answer) {
        return description.answer().fits(answer);
    }

    /** All inputs: path parameters, query parameters, then fields of the body. */
    public List<Input> inputs() {
        return List.copyOf(inputs.values());
    }

    /** Whether some input is a field of a JSON body. */
    public boolean takesBody() {
        return inputs.values().stream().anyMatch(input -> input.in() == Input.In.BODY);
    }

    /** A copy of the JSON Schema (2020-12) of the whole input as one object, with references resolved. */
    public ObjectNode inputSchema() {
        return schema.deepCopy();
    }

    /**
     * Reads an HTTP request as one input object.
     *
     * @param pathParameters the decoded path parameters of {@link Contract#match}
     * @param query the decoded query parameters, each with all its values
     * @param body the body; null or empty when there is none
     * @param contentType the body's Content-Type header, or null
     * @return all inputs in one valid object, with defaults
     * @throws Problem for the first mistake: 400 or 415
     */
    public ObjectNode read(
            Map<String, String> pathParameters, Map<String, List<String>> query, byte[] body, String contentType) {
        ObjectNode input = JSON.objectNode();
        pathParameters.forEach((name, value) -> input.set(name, typed(inputs.get(name), value)));
        query.forEach((name, values) -> input.set(name, parameter(name, values)));
        if (body != null && body.length > 0) {
            requireJson(contentType);
            byte[] text = special().repairsInput() ? Repair.utf8(body) : body;
            ObjectNode fields = StrictJson.object(text, "The body");
            fields.properties().forEach(field -> {
                requireBodyField(field.getKey(), field.getValue());
                input.set(field.getKey(), field.getValue());
            });
        }
        return check(input, UnaryOperator.identity());
    }

    /**
     * Checks an input object from another door than HTTP, and adds the defaults.
     *
     * @param input all inputs in one object; changed in place
     * @param naming turns a dotted path into the caller's name for the field, for the messages
     * @return the same object, or its repaired copy
     * @throws Problem for the first mistake: 400
     */
    public ObjectNode check(ObjectNode input, UnaryOperator<String> naming) {
        return compiled.check(special().repairsInput() ? Repair.repaired(input, inputs.values()) : input, naming);
    }

    /**
     * Converts a text to the type of its input: "5" becomes a number for a numeric input. A text that cannot be
     * converted stays text, and {@link #check} refuses it.
     *
     * @param input the input
     * @param text its value
     * @return the value
     */
    public static JsonNode typed(Input input, String text) {
        switch (input.type()) {
            case "integer":
            case "number":
                return number(text);
            case "boolean":
                return text.equals("true") || text.equals("false")
                        ? JSON.booleanNode(Boolean.parseBoolean(text))
                        : JSON.textNode(text);
            default:
                return JSON.textNode(text);
        }
    }

    private static JsonNode number(String text) {
        try {
            JsonNode value = StrictJson.value(text, "The number");
            return value.isNumber() ? value : JSON.textNode(text);
        } catch (Problem notJson) {
            return JSON.textNode(text);
        }
    }

    private JsonNode parameter(String name, List<String> values) {
        Input input = inputs.get(name);
        JsonNode first = JSON.textNode(values.isEmpty() ? "" : values.get(0));
        if (input == null || input.in() != Input.In.QUERY) {
            throw misplaced(name, first, "query parameter", Input.In.QUERY);
        }
        if (values.size() != 1) {
            ArrayNode all = JSON.arrayNode();
            values.forEach(all::add);
            String detail = name + " is given " + values.size() + " times; it must be given once.";
            throw Problem.invalidField(name, all, detail, input.expected() + ", once");
        }
        return typed(input, values.get(0));
    }

    private void requireBodyField(String name, JsonNode value) {
        Input input = inputs.get(name);
        if (input == null || input.in() != Input.In.BODY) {
            throw misplaced(name, value, "field of the body", Input.In.BODY);
        }
    }

    private Problem misplaced(String name, JsonNode value, String kind, Input.In in) {
        String path = Storable.child("", name);
        Input elsewhere = inputs.get(name);
        if (elsewhere != null) {
            String place = elsewhere.in().name().toLowerCase(Locale.ROOT);
            String detail = path + " is no " + kind + "; it belongs in the " + place + ".";
            return Problem.unknownField(path, value, detail, path + " in the " + place);
        }
        List<String> known = inputs.values().stream()
                .filter(input -> input.in() == in)
                .map(Input::name)
                .toList();
        return Findings.unknown(path, name, value, path, known);
    }

    /**
     * Refuses a body whose media type is not JSON in UTF-8.
     *
     * @param contentType the body's Content-Type header, or null
     * @throws Problem 415 {@code unsupported_media_type}
     */
    public static void requireJson(String contentType) {
        if (contentType == null) {
            throw Problem.unsupportedMediaType(null);
        }
        String[] parts = contentType.toLowerCase(Locale.ROOT).split(";", -1);
        boolean json = parts[0].trim().equals("application/json");
        for (int i = 1; i < parts.length; i++) {
            String parameter = parts[i].trim().replace("\"", "");
            json &= !parameter.startsWith("charset=") || parameter.equals("charset=utf-8");
        }
        if (!json) {
            throw Problem.unsupportedMediaType(contentType);
        }
    }
}
