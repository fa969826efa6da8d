package agentbus.eval;

import agentbus.settings.StartFailure;
import agentbus.text.Nearest;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** The fields that one type of line has, with their values and defaults. */
final class LineRules {
    /** The longest quoted value in a message. Chosen: enough to find it in the line. */
    private static final int QUOTED = 60;

    private final Map<String, Rule> rules = new LinkedHashMap<>();

    /** The rule of one field; {@code otherwise} is null for a required field, and a missing node for no default. */
    private record Rule(String expected, Predicate<JsonNode> fits, JsonNode otherwise) {}

    /** Adds a field that each line has. */
    LineRules required(String field, String expected, Predicate<JsonNode> fits) {
        rules.put(field, new Rule(expected, fits, null));
        return this;
    }

    /** Adds a field that a line may leave out. */
    LineRules optional(String field, String expected, Predicate<JsonNode> fits) {
        return optional(field, expected, fits, JsonNodeFactory.instance.missingNode());
    }

    /** Adds a field that a line may leave out, with its default. */
    LineRules optional(String field, String expected, Predicate<JsonNode> fits, JsonNode otherwise) {
        rules.put(field, new Rule(expected, fits, otherwise));
        return this;
    }

    /** Adds a field whose value is one of some words; the first is the default. */
    LineRules choice(String field, String... words) {
        List<String> known = Arrays.asList(words);
        return optional(
                field,
                "one of " + String.join(", ", known),
                value -> value.isTextual() && known.contains(value.asText()),
                JsonNodeFactory.instance.textNode(words[0]));
    }

    /** Whether a value is a text with a character that is no white space. */
    static boolean isText(JsonNode value) {
        return value.isTextual() && !value.asText().isBlank();
    }

    /** Whether a value is a whole number of a range. */
    static Predicate<JsonNode> whole(int least, int most) {
        return value ->
                value.isIntegralNumber() && value.canConvertToInt() && value.asInt() >= least && value.asInt() <= most;
    }

    /** Whether a value is a time with its offset, such as 2026-11-29T08:00:00Z. */
    static boolean isTime(JsonNode value) {
        try {
            return value.isTextual() && OffsetDateTime.parse(value.asText()) != null;
        } catch (DateTimeParseException other) {
            return false;
        }
    }

    /**
     * Checks one line and adds its defaults.
     *
     * @param line the line; its defaults are added
     * @param place the file and the number of the line, for messages
     * @throws StartFailure naming the place, the field, its value and what would be right
     */
    void check(ObjectNode line, String place) {
        line.fieldNames().forEachRemaining(field -> {
            if (!rules.containsKey(field)) {
                throw new StartFailure(
                        place + ": there is no field " + field + "; " + Nearest.hint(field, rules.keySet()));
            }
        });
        rules.forEach((field, rule) -> {
            JsonNode value = line.path(field);
            if (value.isMissingNode()) {
                if (rule.otherwise() == null) {
                    throw new StartFailure(place + ": the field " + field + " is missing; it is " + rule.expected());
                }
                if (!rule.otherwise().isMissingNode()) {
                    line.set(field, rule.otherwise());
                }
            } else if (!rule.fits().test(value)) {
                throw new StartFailure(
                        place + ": " + field + " is " + quoted(value) + "; it must be " + rule.expected());
            }
        });
    }

    private static String quoted(JsonNode value) {
        String text = value.toString();
        return text.length() <= QUOTED ? text : text.substring(0, QUOTED) + "…";
    }
}
