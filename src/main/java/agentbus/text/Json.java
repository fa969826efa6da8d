package agentbus.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.InputStream;

/** Reads and writes JSON. Jackson is configured here and nowhere else, so one text reads alike in every package. */
public final class Json {
    /** Keeps every digit of a number, since a payload is data of its sender: {@code 1.10} stays {@code 1.10}. */
    public static final ObjectReader EXACT = exact(new JsonFactory()).reader();

    private static final JsonMapper MAPPER = new JsonMapper();
    private static final ObjectWriter PRETTY = MAPPER.writerWithDefaultPrettyPrinter();

    /** Made when it is first asked for, because a call of the command line reads no YAML. */
    private static final class Yaml {
        private static final ObjectReader READER = new YAMLMapper().reader();
    }

    private Json() {}

    /** Reads a YAML file as a JSON tree. */
    public static ObjectReader yaml() {
        return Yaml.READER;
    }

    /**
     * A mapper that keeps every digit of a number, as {@link #EXACT} does, for a parser with its own limits.
     *
     * @param factory makes the parsers
     * @return a new mapper
     */
    public static JsonMapper exact(JsonFactory factory) {
        return JsonMapper.builder(factory)
                .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
                .build();
    }

    /**
     * Reads a text whose numbers need no more digits than a double has.
     *
     * @param text JSON
     * @return its tree; a missing node for an empty text
     * @throws JsonProcessingException when the text is not JSON
     */
    public static JsonNode read(String text) throws JsonProcessingException {
        return MAPPER.readTree(text);
    }

    /**
     * Reads bytes as {@link #read(String)} reads a text.
     *
     * @param bytes JSON in UTF-8
     * @return its tree; a missing node for no bytes
     * @throws IOException when the bytes are not JSON
     */
    public static JsonNode read(byte[] bytes) throws IOException {
        return MAPPER.readTree(bytes);
    }

    /**
     * Reads a stream as {@link #read(String)} reads a text. The caller closes the stream.
     *
     * @param in JSON in UTF-8
     * @return its tree; a missing node for an empty stream
     * @throws IOException when the stream breaks, or does not hold JSON
     */
    public static JsonNode read(InputStream in) throws IOException {
        return MAPPER.readTree(in);
    }

    /**
     * Makes an object to be filled.
     *
     * @return a new, empty object
     */
    public static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    /**
     * Turns a value into a tree.
     *
     * @param value a record, a map, a list or a plain value
     * @param <T> the kind of node that such a value becomes
     * @return its tree
     * @throws IllegalArgumentException when the value holds data that JSON cannot express
     */
    public static <T extends JsonNode> T tree(Object value) {
        return MAPPER.valueToTree(value);
    }

    /**
     * Writes a value on one line.
     *
     * @param value a tree, a record, a map, a list or a plain value
     * @return JSON
     * @throws JsonProcessingException when the value holds data that JSON cannot express
     */
    public static String text(Object value) throws JsonProcessingException {
        return MAPPER.writeValueAsString(value);
    }

    /**
     * Writes a value as bytes.
     *
     * @param value a tree, a record, a map, a list or a plain value
     * @return JSON in UTF-8
     * @throws JsonProcessingException when the value holds data that JSON cannot express
     */
    public static byte[] bytes(Object value) throws JsonProcessingException {
        return MAPPER.writeValueAsBytes(value);
    }

    /**
     * Writes a value for people, indented.
     *
     * @param value a tree, a record, a map, a list or a plain value
     * @return JSON on several lines
     * @throws JsonProcessingException when the value holds data that JSON cannot express
     */
    public static String pretty(Object value) throws JsonProcessingException {
        return PRETTY.writeValueAsString(value);
    }
}
