package agentbus.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** A table of aligned columns, cut to the terminal's width. */
final class TextTable {
    private static final String GAP = "  ";
    /** Chosen: the most columns for a field of free text when the terminal's width is unknown. */
    private static final int WIDE = 60;

    private static final int READABLE = 12;

    private static final int NARROW = 4;

    /** Fields of free text, which are cut first. */
    private static final Set<String> TEXTS =
            Set.of("nextMove", "payload", "summary", "error", "lastError", "pausedReason");

    /** Short titles for columns. */
    private static final Map<String, String> TITLES = Map.of(
            "targetAgent", "agent",
            "attemptCount", "attempts",
            "attemptNo", "no",
            "maxConcurrency", "at once",
            "createdAt", "created",
            "startedAt", "started",
            "finishedAt", "finished");

    private final List<String> columns;
    private final List<List<String>> rows = new ArrayList<>();
    private final boolean[] numeric;

    /**
     * A table of items.
     *
     * @param items a list of objects
     * @param columns the names of the fields to show, in order
     */
    TextTable(JsonNode items, List<String> columns) {
        this.columns = columns;
        this.numeric = new boolean[columns.size()];
        List<String> head = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            String column = columns.get(i);
            head.add(TITLES.getOrDefault(column, Text.words(column)).toUpperCase(Locale.ROOT));
            numeric[i] = hasOnlyNumbers(items, column);
        }
        rows.add(head);
        for (JsonNode item : items) {
            rows.add(columns.stream().map(column -> cell(item, column)).toList());
        }
    }

    private static String cell(JsonNode item, String column) {
        JsonNode value = item.get(column);
        return column.equals("nextMove") ? Cell.sentence(value) : Cell.line(value);
    }

    /** The wanted columns that occur in the items; if none occurs, all fields of the items. */
    static List<String> present(JsonNode items, List<String> wanted) {
        Set<String> names = new LinkedHashSet<>();
        for (JsonNode item : items) {
            item.properties().forEach(field -> {
                if (!Cell.isEmpty(field.getValue())) {
                    names.add(field.getKey());
                }
            });
        }
        List<String> present = wanted.stream().filter(names::contains).toList();
        return present.isEmpty() ? List.copyOf(names) : present;
    }

    private static boolean hasOnlyNumbers(JsonNode items, String column) {
        for (JsonNode item : items) {
            JsonNode value = item.path(column);
            if (!value.isNumber() && !Cell.isEmpty(value)) {
                return false;
            }
        }
        return true;
    }

    /** Prints the head and one line per item, each after the indent, cut to the width if it is known. */
    void print(PrintStream out, String indent, OptionalInt width) {
        int[] widths = widths(width.isPresent() ? width.getAsInt() - indent.length() : -1);
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder(indent);
            for (int i = 0; i < widths.length; i++) {
                String cell = Text.cut(row.get(i), widths[i]);
                String gap = i == 0 ? "" : GAP;
                String fill = " ".repeat(widths[i] - Text.width(cell));
                line.append(gap).append(numeric[i] ? fill + cell : cell + fill);
            }
            out.println(line.toString().stripTrailing());
        }
    }

    private int[] widths(int available) {
        int[] widths = IntStream.range(0, columns.size()).map(this::natural).toArray();
        if (available < 0) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = isWhole(i) ? widths[i] : Math.min(widths[i], WIDE);
            }
            return widths;
        }
        int excess = IntStream.of(widths).sum() + GAP.length() * (widths.length - 1) - available;
        // Free text is cut first, and identifiers last, because people copy them. A token is never cut, because it is
        // shown only once.
        excess = shrink(widths, excess, this::isText, READABLE);
        excess = shrink(widths, excess, column -> !isWhole(column) && !isTime(column), READABLE);
        excess = shrink(widths, excess, column -> !isWhole(column) && !isTime(column), NARROW);
        excess = shrink(widths, excess, this::isTime, NARROW);
        shrink(widths, excess, column -> !isToken(column), NARROW);
        return widths;
    }

    /** Narrows the widest of the chosen columns step by step; returns the columns that are still too many. */
    private static int shrink(int[] widths, int excess, IntPredicate which, int least) {
        for (int left = excess; left > 0; left--) {
            int widest = -1;
            for (int i = 0; i < widths.length; i++) {
                if (which.test(i) && widths[i] > least && (widest < 0 || widths[i] > widths[widest])) {
                    widest = i;
                }
            }
            if (widest < 0) {
                return left;
            }
            widths[widest]--;
        }
        return 0;
    }

    private boolean isText(int column) {
        return TEXTS.contains(columns.get(column));
    }

    private boolean isTime(int column) {
        return columns.get(column).matches(".*(At|Until)");
    }

    private boolean isWhole(int column) {
        return columns.get(column).endsWith("Id") || isToken(column);
    }

    private boolean isToken(int column) {
        return columns.get(column).endsWith("Token");
    }

    private int natural(int column) {
        return rows.stream().mapToInt(row -> Text.width(row.get(column))).max().orElse(0);
    }
}
