package agentbus.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A JSON value as text for people. */
final class Cell {
    private static final Pattern TIME =
            Pattern.compile("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,9})?(?:Z|[+-]\\d\\d:\\d\\d)");
    private static final DateTimeFormatter SHOWN = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss", Locale.ROOT);

    private Cell() {}

    /** The value in one line, times as {@code 2026-11-21 03:37:31} in UTC; empty for an absent value. */
    static String line(JsonNode value) {
        return value != null
                        && value.isTextual()
                        && TIME.matcher(value.textValue()).matches()
                ? time(value.textValue())
                : raw(value);
    }

    /** A sentence of the bus in one line, with its times in the form of {@link #line}. */
    static String sentence(JsonNode value) {
        return TIME.matcher(raw(value)).replaceAll(found -> Matcher.quoteReplacement(time(found.group())));
    }

    private static String time(String text) {
        try {
            return OffsetDateTime.parse(text)
                    .withOffsetSameInstant(ZoneOffset.UTC)
                    .format(SHOWN);
        } catch (DateTimeParseException noTime) {
            return text;
        }
    }

    /** The value in one line, unchanged; empty for an absent value. */
    static String raw(JsonNode value) {
        if (isEmpty(value)) {
            return "";
        }
        if (value.isArray()) {
            List<String> items = new ArrayList<>();
            value.forEach(item -> items.add(item.isContainerNode() ? Text.line(item.toString()) : line(item)));
            return String.join(", ", items);
        }
        return Text.line(value.isTextual() ? value.textValue() : value.toString());
    }

    /** Whether the value is absent, null, or an empty text, list or object. */
    static boolean isEmpty(JsonNode value) {
        return value == null
                || value.isMissingNode()
                || value.isNull()
                || value.isTextual() && value.textValue().isBlank()
                || value.isContainerNode() && value.isEmpty();
    }

    /** Whether the value is a list of objects, which is printed as a table. */
    static boolean isTable(JsonNode value) {
        return value.isArray() && !value.isEmpty() && value.get(0).isObject();
    }
}
