package agentbus.fleet;

import agentbus.text.TextFile;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.yaml.snakeyaml.error.MarkedYAMLException;

/**
 * One YAML file as a tree, with the line number of every value for error messages.
 */
final class YamlFile {

    private static final YAMLFactory YAML = YAMLFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();
    private static final ObjectMapper TREES = new ObjectMapper(YAML);

    private static final String STAR_HINT = "; a star must stand in quotes: \"*\"";

    private final Path path;
    private final ObjectNode root;
    private final Map<JsonPointer, Mark> marks;

    /** A value's line and its text as written (null for a list or a mapping). */
    private record Mark(int line, String written) {}

    private YamlFile(Path path, ObjectNode root, Map<JsonPointer, Mark> marks) {
        this.path = path;
        this.root = root;
        this.marks = marks;
    }

    /**
     * Parses a file.
     *
     * @param path the file's name in messages
     * @param bytes the file's content
     * @return the parsed file
     * @throws AgentFileError when the content is not one YAML mapping in UTF-8, or has duplicate keys, aliases or tags
     */
    static YamlFile parse(Path path, byte[] bytes) {
        try {
            // Decoded here, because the parser's own reader replaces invalid bytes and does not refuse them.
            String text = TextFile.decode(bytes);
            Map<JsonPointer, Mark> marks = marks(path, text);
            JsonNode root = TREES.readTree(text);
            if (root instanceof ObjectNode object) {
                return new YamlFile(path, object, marks);
            }
            throw new AgentFileError(path + ": the file must hold keys and values, beginning with id");
        } catch (JsonProcessingException e) {
            throw new AgentFileError(path + line(e) + ": " + problem(e), e);
        } catch (IOException e) {
            throw new AgentFileError(path + ": the file cannot be read: " + e.getMessage(), e);
        }
    }

    private static Map<JsonPointer, Mark> marks(Path path, String text) throws IOException {
        Map<JsonPointer, Mark> marks = new HashMap<>();
        try (YAMLParser parser = YAML.createParser(text)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                int line = parser.currentTokenLocation().getLineNr();
                JsonPointer at = parser.getParsingContext().pathAsPointer();
                if (marks.containsKey(JsonPointer.empty()) && at.matches() && !token.isStructEnd()) {
                    throw new AgentFileError(path + ":" + line + ": a second document; there must be one in a file");
                }
                refuseIndirection(path + ":" + line + ": " + field(at), parser);
                if (token.isScalarValue()) {
                    marks.put(at, new Mark(line, parser.getText()));
                } else {
                    // The key's line, until the line of its value is known.
                    marks.putIfAbsent(at, new Mark(line, null));
                }
            }
        }
        return marks;
    }

    /**
     * Refuses aliases and tags. A tag changes the meaning of a value, and the tree would hold the name of an alias in
     * place of its value.
     */
    private static void refuseIndirection(String place, YAMLParser parser) throws IOException {
        if (parser.isCurrentAlias()) {
            String alias = AgentFileError.shown("*" + parser.getText());
            throw new AgentFileError(place + " is the alias " + alias + "; write the value itself" + STAR_HINT);
        }
        if (parser.getTypeId() != null) {
            throw new AgentFileError(place + " has the tag " + AgentFileError.shown(parser.getTypeId())
                    + "; write the value without a tag");
        }
    }

    private static String line(JsonProcessingException e) {
        // Such an error has two locations; the mistake is at the later one.
        if (e.getCause() instanceof MarkedYAMLException marked && marked.getProblemMark() != null) {
            return ":" + (marked.getProblemMark().getLine() + 1);
        }
        // An error about the parser's limits has no location.
        return e.getLocation() == null ? "" : ":" + e.getLocation().getLineNr();
    }

    private static String problem(JsonProcessingException e) {
        if (e.getCause() instanceof MarkedYAMLException marked) {
            String context = marked.getContext() == null ? "" : marked.getContext() + ", ";
            String hint = context.contains("alias") ? STAR_HINT : "";
            return "broken YAML: " + context + marked.getProblem() + hint;
        }
        String message = e.getOriginalMessage();
        return message.startsWith("Duplicate field")
                ? "duplicate key" + message.substring("Duplicate field".length()) + "; a key must stand only once"
                : "broken YAML: " + message;
    }

    /** The tree of the file. */
    ObjectNode root() {
        return root;
    }

    /**
     * Makes the error for a wrong value.
     *
     * @param at the value's place
     * @param right the rule in words, as the second half of a sentence
     * @return the error; the caller throws it
     */
    AgentFileError wrong(JsonPointer at, String right) {
        return error(at, field(at) + " is " + written(at) + "; " + right);
    }

    /**
     * Makes the error for a place in this file.
     *
     * @param at the place; if the file does not have it, the message has no line number
     * @param message the mistake and the rule
     * @return the error; the caller throws it
     */
    AgentFileError error(JsonPointer at, String message) {
        Mark mark = marks.get(at);
        return new AgentFileError(path + (mark == null ? "" : ":" + mark.line()) + ": " + message);
    }

    private String written(JsonPointer at) {
        JsonNode value = root.at(at);
        String written = marks.get(at).written();
        if (value.isContainerNode()) {
            return value.isArray() ? "a list" : "a mapping";
        }
        if (value.isNull() || written.isEmpty()) {
            return "empty";
        }
        // YAML reads off, yes and 5 as booleans and numbers, which surprises authors who meant text.
        String kind = value.isBoolean() ? "the truth value " : value.isNumber() ? "the number " : "";
        return kind + AgentFileError.shown(written);
    }

    /** A JSON pointer in the notation {@code subscriptions[0].topic}. */
    static String field(JsonPointer at) {
        StringBuilder field = new StringBuilder();
        for (JsonPointer rest = at; !rest.matches(); rest = rest.tail()) {
            if (rest.mayMatchElement()) {
                field.append('[').append(rest.getMatchingIndex()).append(']');
            } else {
                field.append(field.isEmpty() ? "" : ".").append(rest.getMatchingProperty());
            }
        }
        return field.isEmpty() ? "the file" : field.toString();
    }
}
