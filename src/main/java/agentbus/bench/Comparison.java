package agentbus.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The figures of several sides, side by side: medians with their spread, and the ratio of the first side to each other
 * one. A ratio is the median of the ratios of each round, because the sides of one round had the same machine.
 */
final class Comparison {
    private final List<String> sides;
    private final List<Measure> measures;
    private final Map<String, List<ObjectNode>> turns = new LinkedHashMap<>();

    /**
     * One line of the comparison.
     *
     * @param field the field of a turn's figures
     * @param words the measure and its unit, for people
     * @param more whether more is better
     */
    record Measure(String field, String words, boolean more) {}

    /** The middle of some values, and its spread. */
    private record Spread(double median, double least, double most) {
        static Spread of(List<Double> values) {
            List<Double> sorted = values.stream().sorted().toList();
            int half = sorted.size() / 2;
            double middle = sorted.size() % 2 == 1 ? sorted.get(half) : (sorted.get(half - 1) + sorted.get(half)) / 2;
            return new Spread(middle, sorted.get(0), sorted.get(sorted.size() - 1));
        }

        ObjectNode json() {
            return JsonNodeFactory.instance
                    .objectNode()
                    .put("median", round(median))
                    .put("least", round(least))
                    .put("most", round(most));
        }

        String words() {
            return text(median) + " (" + text(least) + " to " + text(most) + ")";
        }

        private static double round(double value) {
            return Math.round(value * 100) / 100.0;
        }

        private static String text(double value) {
            return String.format(Locale.ROOT, value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value);
        }
    }

    /**
     * An empty comparison.
     *
     * @param sides their names; the first one is compared with each other one
     * @param measures what is compared
     */
    Comparison(List<String> sides, List<Measure> measures) {
        this.sides = List.copyOf(sides);
        this.measures = List.copyOf(measures);
        sides.forEach(side -> turns.put(side, new ArrayList<>()));
    }

    /** Adds the figures of a side's turn. The n-th turns of all sides make the n-th round. */
    void add(String side, ObjectNode figures) {
        turns.get(side).add(figures);
    }

    /** One result: for each measure the sides' medians with their spread, and the ratios of the first side to the others. */
    ObjectNode summary() {
        int rounds = turns.get(sides.get(0)).size();
        ObjectNode result =
                JsonNodeFactory.instance.objectNode().put("summary", "medians of " + rounds + " rounds, and ratios");
        ObjectNode comparison = result.putObject("comparison");
        for (Measure measure : measures) {
            ObjectNode line = comparison.putObject(measure.field()).put("better", measure.more() ? "more" : "less");
            ObjectNode values = line.putObject("sides");
            ObjectNode ratios = line.putObject("ratios");
            sides.forEach(side -> values.set(side, values(side, measure).json()));
            others().forEach(other -> ratios.set(other, ratio(other, measure).json()));
        }
        return result;
    }

    /** The summary as a table: a line for each measure. */
    List<String> table() {
        List<List<String>> rows = new ArrayList<>();
        List<String> head = new ArrayList<>(List.of("median (least to most)"));
        head.addAll(sides);
        others().forEach(other -> head.add(sides.get(0) + " / " + other));
        head.add("better");
        rows.add(head);
        for (Measure measure : measures) {
            List<String> row = new ArrayList<>(List.of(measure.words()));
            sides.forEach(side -> row.add(values(side, measure).words()));
            others().forEach(other -> row.add(ratio(other, measure).words()));
            row.add(measure.more() ? "more" : "less");
            rows.add(row);
        }
        return aligned(rows);
    }

    /**
     * The lines of a table.
     *
     * @param rows the cells, the head first; all with the same number of cells
     * @return a line for each row, with its cells below each other
     */
    static List<String> aligned(List<List<String>> rows) {
        return rows.stream().map(row -> aligned(row, rows)).toList();
    }

    private List<String> others() {
        return sides.subList(1, sides.size());
    }

    private Spread values(String side, Measure measure) {
        return Spread.of(turns.get(side).stream()
                .map(turn -> turn.path(measure.field()).asDouble())
                .toList());
    }

    private Spread ratio(String other, Measure measure) {
        List<ObjectNode> ours = turns.get(sides.get(0));
        List<ObjectNode> theirs = turns.get(other);
        List<Double> ratios = new ArrayList<>();
        for (int n = 0; n < ours.size(); n++) {
            ratios.add(ours.get(n).path(measure.field()).asDouble()
                    / theirs.get(n).path(measure.field()).asDouble());
        }
        return Spread.of(ratios);
    }

    private static String aligned(List<String> row, List<List<String>> rows) {
        StringBuilder line = new StringBuilder();
        for (int n = 0; n < row.size(); n++) {
            int column = n;
            int width = rows.stream()
                    .mapToInt(each -> each.get(column).length())
                    .max()
                    .orElse(0);
            line.append(row.get(n)).append(" ".repeat(width - row.get(n).length() + 2));
        }
        return line.toString().stripTrailing();
    }
}
