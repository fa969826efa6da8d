package agentbus.bench;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;

/**
 * {@code bench soak}: what grows under a small steady load. It reads memory, threads, connections, dead rows and the size of
 * the tables again and again, and tells the slope of each over the second half, when the JVM has compiled its code and the
 * pool is filled. Orders are on, as in an installation.
 */
final class Soak implements Bench {
    /** Chosen: a slope of thirty points is not decided by one of them. */
    private static final int READINGS = 60;

    private static final int HALF_AN_HOUR = 1800;

    private static final double SECONDS_PER_HOUR = 3600;

    private static final List<String> HEAD = List.of("", "first", "half", "last", "most", "slope per hour");

    private final List<Double> hours = new ArrayList<>();
    private final Map<String, List<Double>> measures = new LinkedHashMap<>();

    @Override
    public void run(Rig rig, Consumer<ObjectNode> tell) {
        rig.startBus(Map.of("agentbus.orders.enabled", "true"));
        int seconds = rig.options().get(BenchNumber.SECONDS, HALF_AN_HOUR);
        int rate = rig.options().get(BenchNumber.RATE, 1);
        CpuTime cpu = rig.cpu();
        CompletableFuture<Void> load = CompletableFuture.runAsync(() -> Load.enqueue(rig, seconds * rate, rate));
        long began = System.nanoTime();
        for (int n = 1; n <= READINGS && !load.isDone(); n++) {
            Duration next = Duration.ofNanos(began - System.nanoTime())
                    .plus(Duration.ofSeconds(seconds).multipliedBy(n).dividedBy(READINGS));
            if (Waiting.until(next, load::isDone) && load.isCompletedExceptionally()) {
                break;
            }
            hours.add((System.nanoTime() - began) / 1e9 / SECONDS_PER_HOUR);
            read(rig);
        }
        try {
            load.join();
        } catch (CompletionException failed) {
            throw failed.getCause() instanceof RuntimeException cause ? cause : failed;
        }
        ObjectNode figures =
                Json.object().put("seconds", seconds).put("ratePerSecond", rate).put("readings", hours.size());
        figures.setAll(rig.cpu().perJob(cpu, (long) seconds * rate));
        measures.forEach((name, values) -> figures.set(name, figure(values)));
        tell.accept(figures);
    }

    private void read(Rig rig) {
        put("residentMb", Machine.residentMb(rig.bus().handle()));
        put("threads", Machine.threads(rig.bus().handle()));
        rig.sql().row("growth").forEach((name, value) -> put(name, ((Number) value).doubleValue()));
    }

    private void put(String name, double value) {
        measures.computeIfAbsent(name, unused -> new ArrayList<>()).add(value);
    }

    private ObjectNode figure(List<Double> values) {
        int half = values.size() / 2;
        return Json.object()
                .put("first", rounded(values.get(0)))
                .put("half", rounded(values.get(half)))
                .put("last", rounded(values.get(values.size() - 1)))
                .put(
                        "most",
                        rounded(values.stream()
                                .mapToDouble(Double::doubleValue)
                                .max()
                                .orElse(0)))
                .put(
                        "slopePerHour",
                        rounded(slope(hours.subList(half, hours.size()), values.subList(half, values.size()))));
    }

    /**
     * The slope of the straight line with the least squares of its distances.
     *
     * @param times at least one
     * @param values as many
     * @return the growth of a value in one unit of time; 0 for a single point
     */
    static double slope(List<Double> times, List<Double> values) {
        double time = times.stream().mapToDouble(Double::doubleValue).average().orElse(0);
        double value =
                values.stream().mapToDouble(Double::doubleValue).average().orElse(0);
        double both = 0;
        double square = 0;
        for (int n = 0; n < times.size(); n++) {
            both += (times.get(n) - time) * (values.get(n) - value);
            square += (times.get(n) - time) * (times.get(n) - time);
        }
        return square == 0 ? 0 : both / square;
    }

    private static double rounded(double value) {
        return Math.round(value * 10) / 10.0;
    }

    @Override
    public List<String> table() {
        List<List<String>> rows = new ArrayList<>(List.of(HEAD));
        measures.forEach((name, values) -> {
            List<String> row = new ArrayList<>(List.of(name));
            figure(values).forEach(cell -> row.add(cell.asText()));
            rows.add(row);
        });
        return Comparison.aligned(rows);
    }
}
