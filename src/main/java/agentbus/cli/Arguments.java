package agentbus.cli;

import agentbus.contract.Input;
import agentbus.contract.Names;
import agentbus.contract.Operation;
import agentbus.contract.Problem;
import agentbus.contract.StrictJson;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.ParseResult;

/** Reads the options of a command into its operation's input. */
final class Arguments {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final ParseResult parsed;
    private final InputStream in;
    /** The option that has read the standard input, or null. A second such option is refused. */
    private String reader;

    Arguments(ParseResult parsed, InputStream in) {
        this.parsed = parsed;
        this.in = in;
    }

    /** The option for a field: {@code followUps[0].subject} is {@code --follow-ups[0].subject}. */
    static String option(String field) {
        int end = 0;
        while (end < field.length() && Character.isLetterOrDigit(field.charAt(end))) {
            end++;
        }
        return "--" + Names.kebab(field.substring(0, end)) + field.substring(end);
    }

    /**
     * Reads the given values by the names of the inputs, without defaults. The contract checks them later.
     *
     * @throws Problem when a text is not JSON, a file cannot be read, or an input is given twice
     */
    ObjectNode read(Operation operation) {
        ObjectNode input = JSON.objectNode();
        int position = 0;
        for (Input each : operation.inputs()) {
            List<String> values = values(each, each.in() == Input.In.PATH ? position++ : -1);
            if (!values.isEmpty()) {
                input.set(each.name(), value(each, values));
            }
        }
        return input;
    }

    private List<String> values(Input input, int position) {
        String option = "--" + input.kebabName();
        List<String> values = given(parsed.matchedOption(option));
        String other = position >= 0 ? "the argument " + CommandSpecs.label(input) : "--no-" + input.kebabName();
        List<String> others = position >= 0
                ? given(parsed.matchedPositional(position))
                : parsed.hasMatchedOption(other) ? List.of("false") : List.of();
        if (!values.isEmpty() && !others.isEmpty()) {
            throw Problem.invalidField(
                    input.name(),
                    JSON.textNode(values.get(0)),
                    option + " and " + other + " say the same thing; give only one of them.",
                    "only one of " + option + ", " + other);
        }
        return values.isEmpty() ? others : values;
    }

    private static List<String> given(ArgSpec spec) {
        return spec == null ? List.of() : spec.originalStringValues();
    }

    private JsonNode value(Input input, List<String> values) {
        switch (input.type()) {
            case "object":
                return json(input, values.get(0));
            case "array":
                return list(input, values);
            default:
                return Operation.typed(input, values.get(0));
        }
    }

    private JsonNode list(Input input, List<String> values) {
        boolean ofText = input.schema().path("items").path("type").asText().equals("string");
        ArrayNode list = JSON.arrayNode();
        for (String value : values) {
            boolean plain = ofText && !value.startsWith("[") && !value.startsWith("@") && !value.equals("-");
            JsonNode item = plain ? JSON.textNode(value) : json(input, value);
            if (item instanceof ArrayNode several) {
                list.addAll(several);
            } else if (plain || values.size() > 1) {
                list.add(item);
            } else {
                // The contract's check reports a single JSON value that is not a list.
                return item;
            }
        }
        return list;
    }

    private JsonNode json(Input input, String value) {
        String option = "--" + input.kebabName();
        String what = option + " " + source(value);
        try {
            return StrictJson.value(text(input, option, value), what);
        } catch (Problem malformed) {
            if (malformed.field() != null) {
                throw malformed;
            }
            throw new Problem(
                    malformed.status(),
                    malformed.code(),
                    malformed.detail(),
                    input.name(),
                    JSON.textNode(value),
                    input.expected() + ", as JSON text, @file or - for the standard input");
        }
    }

    private static String source(String value) {
        if (value.equals("-")) {
            return "from the standard input";
        }
        return value.startsWith("@")
                ? value
                : JSON.textNode(Text.cut(value, 60)).toString();
    }

    private String text(Input input, String option, String value) {
        if (value.equals("-")) {
            if (reader != null) {
                throw Problem.invalidField(
                        input.name(),
                        JSON.textNode(value),
                        option + " is -, but " + reader
                                + " reads the standard input already; give one of them as @file.",
                        "JSON text or @file");
            }
            reader = option;
            return decoded(input, option, value);
        }
        return value.startsWith("@") ? decoded(input, option, value) : value;
    }

    /** Decodes a file or the standard input. A byte order mark in front, as some editors write it, is no part of the text. */
    private String decoded(Input input, String option, String value) {
        String text = StrictJson.decode(bytes(input, option, value), option + " " + source(value));
        return text.startsWith("\uFEFF") ? text.substring(1) : text;
    }

    private byte[] bytes(Input input, String option, String value) {
        try {
            return value.equals("-") ? in.readAllBytes() : Files.readAllBytes(Path.of(value.substring(1)));
        } catch (IOException | InvalidPathException unreadable) {
            String expected = "@ and a file that can be read";
            throw Problem.invalidField(
                    input.name(),
                    JSON.textNode(value),
                    option + " is " + value + ", which cannot be read; it must be " + expected + ".",
                    expected);
        }
    }
}
