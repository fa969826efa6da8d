package agentbus.contract;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;

/**
 * Reads JSON strictly: one value, no duplicate names, nothing after it, valid UTF-8, at most 50 levels deep. Numbers
 * keep every digit, because a payload must be stored unchanged.
 */
public final class StrictJson {
    /**
     * Chosen: the deepest accepted nesting, with the outermost object as level 1. It bounds recursion and exceeds any
     * sensible payload.
     */
    public static final int MAX_DEPTH = 50;

    private static final int MAX_DIGITS = 1000;
    private static final String JSON = "JSON in UTF-8, at most " + MAX_DEPTH + " levels deep";
    private static final String ONE_OBJECT = "one JSON object in UTF-8, at most " + MAX_DEPTH + " levels deep";
    private static final ObjectReader READER = Json.exact(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxNumberLength(MAX_DIGITS)
                            .build())
                    .build())
            .reader();

    private StrictJson() {}

    /**
     * Reads one JSON object.
     *
     * @param bytes the text in UTF-8
     * @param what a name for the text, as the subject of a sentence ("The body")
     * @return the object
     * @throws Problem {@code malformed_json}, with line and column
     */
    public static ObjectNode object(byte[] bytes, String what) {
        JsonNode value = value(decode(bytes, what), what);
        if (value instanceof ObjectNode object) {
            return object;
        }
        throw Problem.malformedJson(
                what + " is " + kind(value) + " at line 1, column 1; it must be " + ONE_OBJECT + ".", ONE_OBJECT);
    }

    /**
     * Reads one JSON value of any kind.
     *
     * @param text the text
     * @param what a name for the text, as the subject of a sentence
     * @return the value
     * @throws Problem {@code malformed_json}, with line and column
     */
    public static JsonNode value(String text, String what) {
        try (JsonParser parser = READER.createParser(text)) {
            return read(parser, what);
        } catch (IOException unreadable) {
            throw malformed(what, "line 1, column 1", "it cannot be read");
        }
    }

    /**
     * Decodes UTF-8, with or without a byte order mark, and refuses invalid bytes.
     *
     * @param bytes the bytes
     * @param what a name for the text, as the subject of a sentence
     * @return the text
     * @throws Problem {@code malformed_json}, with line and column of the first invalid byte
     */
    public static String decode(byte[] bytes, String what) {
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer out = CharBuffer.allocate(bytes.length);
        CoderResult result = decoder.decode(in, out, true);
        out.flip();
        if (result.isError()) {
            int line = 1 + (int) out.chars().filter(c -> c == '\n').count();
            int column = out.length() - out.toString().lastIndexOf('\n');
            throw malformed(
                    what,
                    "line " + line + ", column " + column,
                    String.format("the byte 0x%02X is not UTF-8", bytes[in.position()] & 0xFF));
        }
        String text = out.toString();
        // A byte order mark at the start belongs to the encoding and not to the text.
        return text.startsWith("\uFEFF") ? text.substring(1) : text;
    }

    private static JsonNode read(JsonParser parser, String what) throws IOException {
        try {
            if (parser.nextToken() == null) {
                throw malformed(what, "line 1, column 1", "it is empty");
            }
            JsonNode value = READER.readTree(parser);
            if (parser.nextToken() != null) {
                throw malformed(what, at(parser.currentTokenLocation()), "something follows the JSON");
            }
            return value;
        } catch (StreamConstraintsException tooMuch) {
            boolean deep = parser.getParsingContext().getNestingDepth() > MAX_DEPTH;
            throw malformed(
                    what,
                    at(parser.currentLocation()),
                    deep ? "it is nested deeper than " + MAX_DEPTH + " levels" : "a name or number is too long");
        } catch (NumberFormatException unrepresentable) {
            throw malformed(what, at(parser.currentLocation()), "a number is out of every range");
        } catch (JsonProcessingException wrong) {
            JsonLocation location = wrong.getLocation() == null ? parser.currentLocation() : wrong.getLocation();
            throw malformed(what, at(location), plain(wrong.getOriginalMessage()));
        }
    }

    private static Problem malformed(String what, String where, String why) {
        return Problem.malformedJson(what + " is not JSON that can be read: at " + where + ", " + why + ".", JSON);
    }

    private static String at(JsonLocation location) {
        return "line " + location.getLineNr() + ", column " + location.getColumnNr();
    }

    /** The parser's message without its source references. */
    private static String plain(String message) {
        String line = message.lines().findFirst().orElse("it is wrong");
        if (line.startsWith("Unexpected end-of-input")) {
            return "it ends before the JSON does";
        }
        String said = line.replaceFirst(" \\(for .*|: enable .*", "");
        return Character.toLowerCase(said.charAt(0)) + said.substring(1);
    }

    private static String kind(JsonNode value) {
        switch (value.getNodeType()) {
            case ARRAY:
                return "a list";
            case STRING:
                return "a text";
            case NUMBER:
                return "a number";
            default:
                return value.toString();
        }
    }
}
