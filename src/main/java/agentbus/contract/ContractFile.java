package agentbus.contract;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Reads the operations of an OpenAPI 3.1 file. A fault in the file is a defect of the program, and so an
 * IllegalStateException.
 */
final class ContractFile {
    private static final List<String> METHODS = List.of("get", "put", "post", "delete", "patch");

    /**
     * These names become part of a statement's text. They hold only letters and digits, and a function's name also
     * underscores.
     */
    private static final String OPERATION_NAME = "[a-z][A-Za-z0-9]{0,62}";

    private static final String FUNCTION_NAME = "[a-z][a-z0-9_]{0,62}";
    private static final Set<String> PRINCIPALS = Set.of("operator", "viewer", "agent", "attempt", "gateway");
    private static final Set<String> EXTENSIONS = Set.of(
            "x-principals",
            "x-example",
            "x-table",
            "x-card",
            "x-text",
            "x-mcp",
            "x-issues-token",
            "x-hands-out-attempts",
            "x-closes-attempt",
            "x-repairs-input",
            "x-batch",
            "x-phase",
            "x-idle");

    private static final int PHASES = 5;

    private final JsonNode document;

    /**
     * Reads a file.
     *
     * @param yaml the file's text; not closed
     */
    ContractFile(InputStream yaml) {
        try {
            JsonNode raw = Json.yaml().readTree(yaml);
            document = resolve(raw, raw, new ArrayDeque<>());
        } catch (IOException unreadable) {
            throw new UncheckedIOException("The contract cannot be read.", unreadable);
        }
    }

    /** The whole file as JSON, with every reference replaced by its target. */
    ObjectNode document() {
        return document.deepCopy();
    }

    /** The groups, in the file's order. */
    List<Group> groups() {
        List<Group> groups = new ArrayList<>();
        for (JsonNode tag : document.path("tags")) {
            groups.add(new Group(text(tag, "name"), text(tag, "description")));
        }
        return groups;
    }

    /** The operations, in the file's order. */
    List<Operation> operations() {
        List<Operation> operations = new ArrayList<>();
        document.path("paths").properties().forEach(path -> {
            for (var entry : path.getValue().properties()) {
                if (METHODS.contains(entry.getKey())) {
                    operations.add(operation(part(entry.getKey(), path.getKey())));
                }
            }
        });
        return operations;
    }

    /** The part of the file that makes an operation, for {@link #operation(JsonNode)}. */
    ObjectNode part(Entry entry) {
        return part(entry.method().toLowerCase(Locale.ROOT), entry.path());
    }

    private ObjectNode part(String method, String path) {
        JsonNode pathItem = document.path("paths").path(path);
        ObjectNode part = JsonNodeFactory.instance.objectNode();
        part.put("method", method);
        part.put("path", path);
        part.set("shared", pathItem.path("parameters"));
        part.set("operation", pathItem.path(method));
        return part;
    }

    /** The operation that a part of a file makes. */
    static Operation operation(JsonNode part) {
        String method = part.path("method").asText();
        String path = part.path("path").asText();
        JsonNode node = part.path("operation");
        String id = name(node, "operationId", OPERATION_NAME);
        requireKnownExtensions(id, node);
        JsonNode body = node.path("requestBody")
                .path("content")
                .path("application/json")
                .path("schema");
        List<Input> inputs = new ArrayList<>();
        node.path("parameters").forEach(parameter -> inputs.add(parameter(parameter)));
        Set<String> required = texts(body.path("required"));
        body.path("properties")
                .properties()
                .forEach(field -> inputs.add(input(
                        field.getKey(),
                        Input.In.BODY,
                        field.getValue(),
                        required.contains(field.getKey()),
                        field.getValue())));
        // Path parameters come first, because they are the command line's positional arguments; inputs common to many
        // operations come last.
        List<Input> shared = new ArrayList<>();
        part.path("shared").forEach(parameter -> shared.add(parameter(parameter)));
        inputs.addAll(
                0, shared.stream().filter(each -> each.in() == Input.In.PATH).toList());
        inputs.addAll(shared.stream().filter(each -> each.in() != Input.In.PATH).toList());
        requireDistinct(id, inputs);
        Operation.Description description = new Operation.Description(
                id,
                method.toUpperCase(Locale.ROOT),
                path,
                text(node, "summary"),
                node.path("description").asText().strip(),
                node.path("tags").path(0).asText(),
                principals(id, node),
                text(node, "x-example"),
                table(node.path("x-table")),
                card(node.path("x-card")),
                tool(node.path("x-mcp"), text(node, "summary"), phase(id, method, node)),
                special(id, method, node),
                new AnswerForm(node.at("/responses/200/content/application~1json/schema")));
        return new Operation(description, inputs, rules(body));
    }

    private static ObjectNode rules(JsonNode body) {
        ObjectNode rules = JsonNodeFactory.instance.objectNode();
        if (body.has("not")) {
            rules.set("not", body.get("not"));
        }
        return rules;
    }

    private static Input parameter(JsonNode node) {
        Input.In in = Input.In.valueOf(text(node, "in").toUpperCase(Locale.ROOT));
        return input(
                text(node, "name"),
                in,
                node.path("schema"),
                node.path("required").asBoolean(),
                node);
    }

    private static Input input(String name, Input.In in, JsonNode schema, boolean required, JsonNode described) {
        if (!(schema instanceof ObjectNode object)) {
            throw new IllegalStateException("The contract's input " + name + " has no schema.");
        }
        return new Input(name, in, object, required, object.get("default"), text(described, "description"));
    }

    private static Optional<Table> table(JsonNode node) {
        if (node.isMissingNode()) {
            return Optional.empty();
        }
        List<String> names = new ArrayList<>();
        node.forEach(name -> names.add(name.asText()));
        return Optional.of(new Table(names.get(0), List.copyOf(names.subList(1, names.size()))));
    }

    private static List<Table> card(JsonNode node) {
        List<Table> lists = new ArrayList<>();
        node.properties().forEach(list -> lists.add(new Table(list.getKey(), List.copyOf(texts(list.getValue())))));
        return List.copyOf(lists);
    }

    private static Optional<Tool> tool(JsonNode node, String summary, OptionalInt phase) {
        if (node.isMissingNode()) {
            return Optional.empty();
        }
        String description = node.path("description").asText(summary).strip();
        return Optional.of(new Tool(
                text(node, "name"),
                description,
                List.copyOf(texts(node.path("fields"))),
                node.path("phase").asInt(phase.orElse(1))));
    }

    private static Special special(String id, String method, JsonNode node) {
        return new Special(
                optional(node, "x-issues-token"),
                optional(node, "x-hands-out-attempts"),
                node.path("x-closes-attempt").asBoolean(),
                node.path("x-repairs-input").asBoolean(),
                batch(node.path("x-batch")),
                optional(node, "x-text"),
                phase(id, method, node),
                idle(id, node));
    }

    /** Refuses the mark at a read, which idle attempts may call anyway, and where no attempt may call. */
    private static boolean idle(String id, JsonNode node) {
        Set<String> principals = texts(node.path("x-principals"));
        if (node.has("x-idle")
                && (!node.get("x-idle").isBoolean()
                        || !node.get("x-idle").booleanValue()
                        || principals.contains("viewer")
                        || !principals.contains("attempt"))) {
            throw new IllegalStateException("The contract's " + id + " has x-idle " + node.get("x-idle")
                    + ", which must be true, at a write that attempts may call.");
        }
        return node.has("x-idle");
    }

    /** Refuses the phase of a read, which goes on while the phase is off, and of a batch, which no phase is checked for. */
    private static OptionalInt phase(String id, String method, JsonNode node) {
        if (!node.has("x-phase")) {
            return OptionalInt.empty();
        }
        int phase = node.get("x-phase").asInt();
        if (phase < 1 || phase > PHASES || method.equals("get") || node.has("x-batch")) {
            throw new IllegalStateException("The contract's " + id + " has x-phase " + node.get("x-phase")
                    + ", which must be a number from 1 to " + PHASES + " at a write without x-batch.");
        }
        return OptionalInt.of(phase);
    }

    private static Optional<Batch> batch(JsonNode node) {
        if (node.isMissingNode()) {
            return Optional.empty();
        }
        return Optional.of(new Batch(
                name(node, "function", FUNCTION_NAME),
                Batch.Callers.valueOf(node.path("callers").asText("attempts")),
                optional(node, "key"),
                texts(node.path("fields"))));
    }

    private static Optional<String> optional(JsonNode node, String name) {
        return node.has(name) ? Optional.of(text(node, name)) : Optional.empty();
    }

    private static List<String> principals(String id, JsonNode node) {
        Set<String> principals = texts(node.path("x-principals"));
        if (!PRINCIPALS.containsAll(principals)) {
            throw new IllegalStateException("The contract's " + id + " names an unknown principal: " + principals);
        }
        return List.copyOf(principals);
    }

    /** Refuses an unknown extension, because no code would enforce its rule. */
    private static void requireKnownExtensions(String id, JsonNode node) {
        node.fieldNames().forEachRemaining(name -> {
            if (name.startsWith("x-") && !EXTENSIONS.contains(name)) {
                throw new IllegalStateException(
                        "The contract's " + id + " has " + name + ", which is not a known extension.");
            }
        });
    }

    private static String name(JsonNode node, String field, String pattern) {
        String name = text(node, field);
        if (!name.matches(pattern)) {
            throw new IllegalStateException("The contract's " + field + " " + name + " must match " + pattern);
        }
        return name;
    }

    private static void requireDistinct(String id, List<Input> inputs) {
        Set<String> names = new HashSet<>();
        for (Input input : inputs) {
            if (!names.add(input.name())) {
                throw new IllegalStateException("The contract's " + id + " has two inputs " + input.name() + ".");
            }
        }
    }

    private static Set<String> texts(JsonNode array) {
        Set<String> texts = new LinkedHashSet<>();
        array.forEach(item -> texts.add(item.asText()));
        return texts;
    }

    private static String text(JsonNode node, String name) {
        String text = node.path(name).asText().strip();
        if (text.isEmpty()) {
            throw new IllegalStateException("The contract lacks " + name + " in " + node);
        }
        return text;
    }

    /** A copy with all references resolved. Keys beside a reference override those of its target. */
    private static JsonNode resolve(JsonNode node, JsonNode root, Deque<String> open) {
        if (node instanceof ArrayNode array) {
            ArrayNode copy = JsonNodeFactory.instance.arrayNode();
            array.forEach(item -> copy.add(resolve(item, root, open)));
            return copy;
        }
        if (!(node instanceof ObjectNode object)) {
            return node;
        }
        ObjectNode copy = JsonNodeFactory.instance.objectNode();
        if (object.path("$ref").isTextual()) {
            copy.setAll(target(object.get("$ref").asText(), root, open));
        }
        object.properties().forEach(field -> {
            if (!field.getKey().equals("$ref")) {
                copy.set(field.getKey(), resolve(field.getValue(), root, open));
            }
        });
        return copy;
    }

    private static ObjectNode target(String reference, JsonNode root, Deque<String> open) {
        JsonNode target = reference.startsWith("#/") ? root.at(reference.substring(1)) : root.path("");
        if (!(target instanceof ObjectNode)) {
            throw new IllegalStateException("The contract refers to " + reference + ", which it does not have.");
        }
        if (open.contains(reference)) {
            throw new IllegalStateException("The contract's " + reference + " refers to itself.");
        }
        open.push(reference);
        JsonNode resolved = resolve(target, root, open);
        open.pop();
        return (ObjectNode) resolved;
    }
}
