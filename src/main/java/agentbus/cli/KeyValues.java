package agentbus.cli;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** Prints an object as lines of name and value, followed by its lists of objects as tables. */
final class KeyValues {
    private static final String INDENT = "  ";
    /** Chosen: longer values are printed on lines of their own. */
    private static final int ONE_LINE = 100;

    private final Map<String, String> lines = new LinkedHashMap<>();
    private final Map<String, JsonNode> tables = new LinkedHashMap<>();
    private final Map<String, List<String>> columns;

    /**
     * An empty view.
     *
     * @param columns the columns of each list of objects, by the name of its field
     */
    KeyValues(Map<String, List<String>> columns) {
        this.columns = columns;
    }

    /** Adds a line, unless the value is empty. */
    KeyValues add(String name, String value) {
        if (!value.isEmpty()) {
            lines.put(Text.words(name), value);
        }
        return this;
    }

    /** Adds all fields of an object except the shown ones. */
    KeyValues addAll(JsonNode object, List<String> shown) {
        object.properties().forEach(field -> {
            if (!shown.contains(field.getKey())) {
                add(field.getKey(), field.getValue());
            }
        });
        return this;
    }

    /** Adds the listed fields of an object, in the order of the list. */
    KeyValues addSome(JsonNode object, List<String> names) {
        names.forEach(name -> add(name, object.path(name)));
        return this;
    }

    private void add(String name, JsonNode value) {
        if (Cell.isTable(value)) {
            tables.put(name, value);
        } else if (!Cell.isEmpty(value)) {
            lines.put(Text.words(name), text(value));
        }
    }

    /** Prints the aligned lines, then the tables. */
    void print(PrintStream out, OptionalInt width) {
        int widest = lines.keySet().stream().mapToInt(Text::width).max().orElse(0);
        String indent = INDENT + " ".repeat(widest) + INDENT;
        lines.forEach(
                (name, value) -> out.println(INDENT + Text.padded(name, widest) + INDENT + Text.lines(value, indent)));
        tables.forEach((name, items) -> {
            out.println();
            out.println(Text.words(name));
            List<String> shown = TextTable.present(items, columns.getOrDefault(name, List.of()));
            new TextTable(items, shown).print(out, INDENT, width);
        });
    }

    private static String text(JsonNode value) {
        if (value.isTextual() && value.textValue().contains("\n")) {
            return value.textValue();
        }
        if (value.isArray() && hasText(value)) {
            List<String> items = new ArrayList<>();
            value.forEach(item -> items.add("- " + Cell.line(item)));
            return String.join("\n", items);
        }
        if (!value.isObject()) {
            return Cell.line(value);
        }
        boolean flat =
                value.properties().stream().noneMatch(field -> field.getValue().isContainerNode());
        return flat ? pairs(value) : json(value);
    }

    /** Whether a list has entries of several words, which commas between them would not keep apart. */
    private static boolean hasText(JsonNode list) {
        for (JsonNode item : list) {
            if (item.isTextual() && item.textValue().matches(".*[\\s,].*")) {
                return true;
            }
        }
        return false;
    }

    private static String pairs(JsonNode object) {
        List<String> pairs = new ArrayList<>();
        object.properties().forEach(field -> pairs.add(Text.line(field.getKey()) + " " + Cell.raw(field.getValue())));
        String line = String.join(", ", pairs);
        return line.length() <= ONE_LINE ? line : String.join("\n", pairs);
    }

    private static String json(JsonNode value) {
        String line = value.toString();
        if (line.length() <= ONE_LINE) {
            return line;
        }
        try {
            return Json.pretty(value);
        } catch (JsonProcessingException unwritable) {
            return line;
        }
    }
}
