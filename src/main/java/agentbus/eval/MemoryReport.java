package agentbus.eval;

import agentbus.eval.MemoryEvaluation.Answer;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/** What an evaluation prints. */
final class MemoryReport {
    private static final List<String> HEAD = List.of(
            "CATEGORY",
            "JOBS",
            "RECALL@5",
            "RECALL@10",
            "PRECISION@5",
            "NDCG@5",
            "FORBIDDEN",
            "NOTHING",
            "TOKENS",
            "MAX",
            "MS",
            "P95");
    /** The memories that count for a miss. */
    private static final int FIRST = 5;

    private final List<Answer> answers;
    private final Scores total;
    private final Map<String, Scores> categories;

    /**
     * A report.
     *
     * @param answers the answers, at least one
     */
    MemoryReport(List<Answer> answers) {
        this.answers = List.copyOf(answers);
        this.total = Scores.of(answers);
        this.categories = Scores.byCategory(answers);
    }

    /** The figures of all jobs together. */
    Scores total() {
        return total;
    }

    /** Prints a line for each category, and one for all jobs. */
    void table(PrintStream out) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(HEAD);
        categories.forEach((category, scores) -> rows.add(row(category, scores)));
        rows.add(row("total", total));
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int column = 0; column < HEAD.size(); column++) {
                int at = column;
                int width = rows.stream()
                        .mapToInt(each -> each.get(at).length())
                        .max()
                        .orElse(0);
                String fill = " ".repeat(width - row.get(column).length());
                line.append(column == 0 ? "" : "  ")
                        .append(column == 0 ? row.get(column) + fill : fill + row.get(column));
            }
            out.println(line);
        }
    }

    /**
     * The mistakes, each as a line: a relevant memory that is not among the first five, a forbidden one that was found, and
     * memories for a job to which none matters.
     */
    List<String> misses() {
        List<String> lines = new ArrayList<>();
        for (Answer answer : answers) {
            String job = answer.job().category() + " " + answer.job().id() + ": ";
            List<String> found = Scores.first(answer, Integer.MAX_VALUE);
            answer.job().relevant().forEach((id, grade) -> {
                int rank = found.indexOf(id) + 1;
                if (rank == 0 || rank > FIRST) {
                    lines.add("missed     " + job + id + " (grade " + grade + ") is "
                            + (rank == 0 ? "not found" : "number " + rank) + "; found: " + String.join(", ", found));
                }
            });
            Scores.forbidden(answer)
                    .forEach(id -> lines.add("forbidden  " + job + id + " is number " + (found.indexOf(id) + 1)));
            if (answer.job().relevant().isEmpty() && !found.isEmpty()) {
                lines.add("not empty  " + job + "nothing matters, found: " + String.join(", ", found));
            }
        }
        return lines;
    }

    /** The figures for programs. */
    ObjectNode json() {
        ObjectNode json = Json.object();
        json.set("total", total.json());
        ArrayNode rows = json.putArray("categories");
        categories.forEach((category, scores) -> {
            ObjectNode row = rows.addObject().put("category", category);
            row.setAll(scores.json());
        });
        return json;
    }

    private static List<String> row(String name, Scores scores) {
        return List.of(
                name,
                Integer.toString(scores.jobs()),
                share(scores.recall5()),
                share(scores.recall10()),
                share(scores.precision5()),
                share(scores.gain5()),
                share(OptionalDouble.of(scores.forbiddenRate())),
                share(scores.nothingRate()),
                Integer.toString(scores.tokensMedian()),
                Integer.toString(scores.tokensMax()),
                String.format(Locale.ROOT, "%.1f", scores.msMedian()),
                String.format(Locale.ROOT, "%.1f", scores.msP95()));
    }

    private static String share(OptionalDouble figure) {
        return figure.isPresent() ? String.format(Locale.ROOT, "%.3f", figure.getAsDouble()) : "-";
    }
}
