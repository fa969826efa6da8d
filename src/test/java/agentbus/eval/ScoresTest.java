package agentbus.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.eval.MemoryEvaluation.Answer;
import agentbus.eval.MemoryEvaluation.Found;
import agentbus.text.Json;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The figures, computed by hand. */
class ScoresTest {
    private static Answer answer(
            String category, Map<String, Integer> relevant, Set<String> forbidden, double millis, String... found) {
        return new Answer(
                new MemorySet.Job("job-" + category, category, Json.object(), relevant, forbidden),
                Arrays.stream(found).map(id -> new Found(id, "global", 1, 50)).toList(),
                millis);
    }

    @Test
    void recall_counts_the_relevant_ones_among_the_first_and_no_more_than_there_is_room_for() {
        Scores late =
                Scores.of(List.of(answer("c", Map.of("a", 3, "b", 1), Set.of(), 1, "a", "x", "y", "z", "w", "b")));
        assertEquals(0.5, late.recall5().orElseThrow());
        assertEquals(1, late.recall10().orElseThrow());
        assertEquals(0.2, late.precision5().orElseThrow());
        Map<String, Integer> six = Map.of("a", 1, "b", 1, "c", 1, "d", 1, "e", 1, "f", 1);
        assertEquals(
                1,
                Scores.of(List.of(answer("c", six, Set.of(), 1, "a", "b", "c", "d", "e")))
                        .recall5()
                        .orElseThrow());
    }

    @Test
    void a_better_order_by_grade_gains_more() {
        Map<String, Integer> graded = Map.of("a", 3, "b", 1);
        assertEquals(
                1,
                Scores.of(List.of(answer("c", graded, Set.of(), 1, "a", "b")))
                        .gain5()
                        .orElseThrow(),
                1e-9);
        double swapped = (1 + 3 / (Math.log(3) / Math.log(2))) / (3 + 1 / (Math.log(3) / Math.log(2)));
        assertEquals(
                swapped,
                Scores.of(List.of(answer("c", graded, Set.of(), 1, "b", "a")))
                        .gain5()
                        .orElseThrow(),
                1e-9);
    }

    @Test
    void a_job_to_which_nothing_matters_counts_for_the_nothing_rate_alone() {
        Scores scores = Scores.of(List.of(
                answer("c", Map.of(), Set.of(), 1),
                answer("c", Map.of(), Set.of(), 2, "x"),
                answer("c", Map.of("a", 3), Set.of(), 3, "a")));
        assertEquals(0.5, scores.nothingRate().orElseThrow());
        assertEquals(1, scores.recall5().orElseThrow());
        assertEquals(1, scores.precision5().orElseThrow());
        assertEquals(50, scores.tokensMedian());
        assertEquals(2, scores.msMedian());
        assertEquals(3, scores.msP95());
    }

    @Test
    void a_relevant_job_that_gets_nothing_loses_recall_and_has_no_precision() {
        Scores scores = Scores.of(List.of(answer("c", Map.of("a", 3), Set.of(), 1)));
        assertEquals(0, scores.recall5().orElseThrow());
        assertTrue(scores.precision5().isEmpty());
        assertTrue(scores.nothingRate().isEmpty());
    }

    @Test
    void the_report_has_a_line_for_each_category_and_lists_the_mistakes() {
        MemoryReport report = new MemoryReport(List.of(
                answer("b", Map.of("a", 3), Set.of("f"), 1, "f"), answer("a", Map.of(), Set.of(), 1, "x", "y")));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        report.table(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        List<String> lines = bytes.toString(StandardCharsets.UTF_8).lines().toList();
        assertEquals(4, lines.size());
        assertTrue(lines.get(1).matches("b +1 +0\\.000 +0\\.000 +0\\.000 +0\\.000 +1\\.000 +- .*"), lines.get(1));
        assertTrue(lines.get(2).matches("a +1 +- +- +- +- +0\\.000 +0\\.000 +100 +100 .*"), lines.get(2));
        assertTrue(lines.get(3).startsWith("total"), lines.get(3));
        assertEquals(
                List.of(
                        "missed     b job-b: a (grade 3) is not found; found: f",
                        "forbidden  b job-b: f is number 1",
                        "not empty  a job-a: nothing matters, found: x, y"),
                report.misses());
        assertEquals(0.5, report.json().at("/total/forbiddenRate").asDouble());
        assertTrue(report.json().at("/categories/1/recallAt5").isNull());
    }
}
