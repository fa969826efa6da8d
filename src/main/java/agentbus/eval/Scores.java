package agentbus.eval;

import agentbus.eval.MemoryEvaluation.Answer;
import agentbus.eval.MemoryEvaluation.Found;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/**
 * The figures of some answers.
 *
 * @param jobs the number of jobs
 * @param recall5 the mean share of the relevant memories that stand among the first five, over the jobs with relevant
 *     ones; five found of more than five count as all
 * @param recall10 the same among the first ten
 * @param precision5 the mean share of relevant memories among the first five that were found, over the jobs that have
 *     relevant ones and for which any was found
 * @param gain5 the mean normalised discounted cumulative gain of the first five by grade, over the jobs with relevant ones
 * @param forbiddenRate the share of jobs for which a forbidden memory was found
 * @param nothingRate the share of jobs without relevant memories for which none was found
 * @param tokensMedian the median of the tokens that a prompt gets; 0 for a job without memories counts, too
 * @param tokensMax the most tokens of a prompt
 * @param msMedian the median of the times in milliseconds
 * @param msP95 the time in milliseconds that 95 of 100 jobs stay under
 */
record Scores(
        int jobs,
        OptionalDouble recall5,
        OptionalDouble recall10,
        OptionalDouble precision5,
        OptionalDouble gain5,
        double forbiddenRate,
        OptionalDouble nothingRate,
        int tokensMedian,
        int tokensMax,
        double msMedian,
        double msP95) {

    /**
     * Computes the figures.
     *
     * @param answers the answers; at least one
     */
    static Scores of(List<Answer> answers) {
        List<Answer> judged = answers.stream()
                .filter(answer -> !answer.job().relevant().isEmpty())
                .toList();
        List<Answer> empty = answers.stream()
                .filter(answer -> answer.job().relevant().isEmpty())
                .toList();
        double[] tokens = sorted(
                answers,
                answer -> answer.found().stream().mapToInt(Found::tokens).sum());
        double[] millis = sorted(answers, Answer::millis);
        return new Scores(
                answers.size(),
                mean(judged, answer -> recall(answer, 5)),
                mean(judged, answer -> recall(answer, 10)),
                mean(judged.stream().filter(answer -> !answer.found().isEmpty()).toList(), Scores::precision),
                mean(judged, Scores::gain),
                answers.stream()
                        .mapToInt(answer -> forbidden(answer).isEmpty() ? 0 : 1)
                        .average()
                        .orElse(0),
                mean(empty, answer -> answer.found().isEmpty() ? 1 : 0),
                (int) quantile(tokens, 0.5),
                (int) quantile(tokens, 1),
                quantile(millis, 0.5),
                quantile(millis, 0.95));
    }

    /**
     * Divides answers by the category of their jobs.
     *
     * @param answers the answers
     * @return the figures of each category, in the order of the file
     */
    static Map<String, Scores> byCategory(List<Answer> answers) {
        Map<String, List<Answer>> divided = new LinkedHashMap<>();
        answers.forEach(answer -> divided.computeIfAbsent(answer.job().category(), category -> new ArrayList<>())
                .add(answer));
        Map<String, Scores> scores = new LinkedHashMap<>();
        divided.forEach((category, some) -> scores.put(category, of(some)));
        return scores;
    }

    /** The forbidden memories that were found for a job. */
    static List<String> forbidden(Answer answer) {
        return answer.found().stream()
                .map(Found::id)
                .filter(answer.job().forbidden()::contains)
                .toList();
    }

    /** The ids of the first memories that were found. */
    static List<String> first(Answer answer, int most) {
        return answer.found().stream().limit(most).map(Found::id).toList();
    }

    private static double recall(Answer answer, int most) {
        Map<String, Integer> relevant = answer.job().relevant();
        long hits = first(answer, most).stream().filter(relevant::containsKey).count();
        return (double) hits / Math.min(most, relevant.size());
    }

    private static double precision(Answer answer) {
        List<String> first = first(answer, 5);
        return (double) first.stream()
                        .filter(answer.job().relevant()::containsKey)
                        .count()
                / first.size();
    }

    private static double gain(Answer answer) {
        Map<String, Integer> relevant = answer.job().relevant();
        List<Integer> got = first(answer, 5).stream()
                .map(id -> relevant.getOrDefault(id, 0))
                .toList();
        List<Integer> best = relevant.values().stream()
                .sorted((one, other) -> other - one)
                .limit(5)
                .toList();
        return discounted(got) / discounted(best);
    }

    private static double discounted(List<Integer> grades) {
        double sum = 0;
        for (int i = 0; i < grades.size(); i++) {
            sum += grades.get(i) * Math.log(2) / Math.log(i + 2);
        }
        return sum;
    }

    private static OptionalDouble mean(List<Answer> answers, ToDoubleFunction<Answer> figure) {
        return answers.stream().mapToDouble(figure).average();
    }

    private static double[] sorted(List<Answer> answers, ToDoubleFunction<Answer> figure) {
        return answers.stream().mapToDouble(figure).sorted().toArray();
    }

    /** The smallest value that the given share of all values does not exceed. */
    private static double quantile(double[] sorted, double share) {
        return sorted[Math.max(0, (int) Math.ceil(share * sorted.length) - 1)];
    }

    /** The figures for programs; null for a figure that no job of the category has. */
    ObjectNode json() {
        ObjectNode json = Json.object().put("jobs", jobs);
        put(json, "recallAt5", recall5);
        put(json, "recallAt10", recall10);
        put(json, "precisionAt5", precision5);
        put(json, "gainAt5", gain5);
        json.put("forbiddenRate", rounded(forbiddenRate));
        put(json, "nothingRate", nothingRate);
        return json.put("tokensMedian", tokensMedian)
                .put("tokensMax", tokensMax)
                .put("msMedian", rounded(msMedian))
                .put("msP95", rounded(msP95));
    }

    private static void put(ObjectNode json, String name, OptionalDouble figure) {
        if (figure.isPresent()) {
            json.put(name, rounded(figure.getAsDouble()));
        } else {
            json.putNull(name);
        }
    }

    private static double rounded(double figure) {
        return Math.round(figure * 1000) / 1000.0;
    }
}
