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

/** One operation of the contract, and the judge of its input. Safe for use by many threads. */
public final class Operation {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final Description description;
    private final Map<String, Input> inputs = new LinkedHashMap<>();
    private final ObjectNode schema;
    private final InputSchema compiled;

    /**
     * What the contract says about an operation in words.
     *
     * @param id the operation's id in camel case
     * @param method the HTTP method in capitals
     * @param path the path template, such as {@code /v1/jobs/{jobId}}
     * @param summary one sentence
     * @param details more sentences, or an empty text
     * @param group the name of its group
     * @param principals who may call it: operator, agent, attempt
     * @param example a command line that shows it
     * @param table how its list is shown, if it answers one
     * @param card the lists within its answer, each with the columns to show
     * @param tool what makes it an MCP tool, if it is one
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
            Optional<Tool> tool) {}

    /**
     * An operation with its inputs.
     *
     * @param description what it is
     * @param inputs its inputs, in the contract's order, no name twice
     * @param bodyRules what the contract says about the body beside its fields (such as {@code not})
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

    /** The HTTP method in capitals. */
    public String method() {
        return description.method();
    }

    /** The path template, such as {@code /v1/jobs/{jobId}/complete}. */
    public String path() {
        return description.path();
    }

    /** What it does, in one sentence. */
    public String summary() {
        return description.summary();
    }

    /** What else is to be known, or an empty text. */
    public String description() {
        return description.details();
    }

    /** The name of the group it belongs to. */
    public String group() {
        return description.group();
    }

    /** Who may call it: {@code operator}, {@code agent}, {@code attempt}. */
    public List<String> principals() {
        return description.principals();
    }

    /** A command line that shows it. */
    public String example() {
        return description.example();
    }

    /** How the command line shows its list; empty when it answers none. */
    public Optional<Table> table() {
        return description.table();
    }

    /** How the command line shows the lists within the one thing it answers. */
    public List<Table> card() {
        return description.card();
    }

    /** What makes it an MCP tool; empty when it is none. */
    public Optional<Tool> tool() {
        return description.tool();
    }

    /** Everything that can be put in: the path's parameters, the query's, then the body's fields. */
    public List<Input> inputs() {
        return List.copyOf(inputs.values());
    }

    /** Whether some input is a field of a JSON body. */
    public boolean takesBody() {
        return inputs.values().stream().anyMatch(input -> input.in() == Input.In.BODY);
    }

    /** The JSON Schema (2020-12) of the whole input as one object, without references; a copy. */
    public ObjectNode inputSchema() {
        return schema.deepCopy();
    }

    /**
     * Reads an HTTP request as one input object.
     *
     * @param pathParameters the path's parameters, decoded, as {@link Contract#match} gives them
     * @param query the query's parameters, decoded, each with all its values
     * @param body the body; null or empty when there is none
     * @param contentType the body's Content-Type header, or null
     * @return the path's, the query's and the body's fields in one object, valid, with defaults filled in
     * @throws Problem what is wrong with the first thing that is wrong: 400 or 415
     */
    public ObjectNode read(
            Map<String, String> pathParameters, Map<String, List<String>> query, byte[] body, String contentType) {
        ObjectNode input = JSON.objectNode();
        pathParameters.forEach(input::put);
        query.forEach((name, values) -> input.set(name, parameter(name, values)));
        if (body != null && body.length > 0) {
            requireJson(contentType);
            ObjectNode fields = StrictJson.object(body, "The body");
            fields.properties().forEach(field -> {
                requireBodyField(field.getKey(), field.getValue());
                input.set(field.getKey(), field.getValue());
            });
        }
        return check(input, UnaryOperator.identity());
    }

    /**
     * Checks an input object that came by another door than HTTP, and completes it.
     *
     * @param input all inputs in one object; changed in place
     * @param naming how the reader calls a field, given its dotted path; used in the problem's detail
     * @return the same object, with defaults filled in
     * @throws Problem what is wrong with it: 400
     */
    public ObjectNode check(ObjectNode input, UnaryOperator<String> naming) {
        return compiled.check(input, naming);
    }

    /**
     * Reads a value that came as text by the type of its input: "5" is a number where a number is wanted. What cannot be
     * read so stays text, and is refused by {@link #check}.
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
     * Refuses a body that is no JSON in UTF-8.
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
