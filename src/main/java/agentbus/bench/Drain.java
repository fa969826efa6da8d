package agentbus.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * {@code bench drain}: the rate at which the bus works off queued jobs. Each job is claimed, one hook call wakes its
 * agent, and the agent closes the job with one HTTP call. The rate is the number of jobs divided by the time from the
 * first claim to the last close, by the database's clock. A first round warms up and is not measured.
 */
final class Drain implements Bench {
    /** Jobs that one statement enqueues; the pool ends a statement after 20 s. */
    private static final int BATCH = 200;

    private static final int MOST_WARMUP = 20_000;

    @Override
    public void run(Rig rig, Consumer<ObjectNode> tell) {
        rig.startBus(Map.of("agentbus.orders.enabled", "false"));
        round(rig, Math.min(rig.options().get(BenchNumber.JOBS), MOST_WARMUP));
        List<ObjectNode> rounds = new ArrayList<>();
        for (int n = 1; n <= rig.options().get(BenchNumber.ROUNDS); n++) {
            ObjectNode round = round(rig, rig.options().get(BenchNumber.JOBS)).put("round", n);
            rounds.add(round);
            tell.accept(round);
        }
        tell.accept(summary(rounds));
    }

    /** Pauses the agents and queues jobs for them. */
    static void queue(Rig rig, int jobs) {
        BenchSql sql = rig.sql();
        sql.number("pause-agents");
        for (int queued = 0; queued < jobs; queued += BATCH) {
            sql.number("queue-jobs", rig.options().get(BenchNumber.AGENTS), Math.min(BATCH, jobs - queued));
        }
    }

    /** Drains once, and fails if a job is left. */
    static ObjectNode round(Rig rig, int jobs) {
        BenchSql sql = rig.sql();
        long before = sql.number("last-seq");
        queue(rig, jobs);
        rig.resetGateway();
        CpuTime cpu = rig.cpu();
        sql.number("resume-agents");
        boolean done = Waiting.until(
                Duration.ofSeconds(rig.options().get(BenchNumber.SECONDS)),
                () -> rig.report().path("closed").asLong() >= jobs);
        CpuTime after = rig.cpu();
        Map<String, Object> drained = sql.row("drained", before);
        JsonNode report = rig.report();
        long closed = ((Number) drained.get("done")).longValue();
        double seconds = ((Number) drained.get("seconds")).doubleValue();
        ObjectNode figures =
                JsonNodeFactory.instance.objectNode().put("jobs", jobs).put("done", closed);
        figures.put("jobsPerSecond", seconds > 0 ? Math.round(closed / seconds) : 0)
                .put("seconds", Math.round(seconds * 1000) / 1000.0)
                .put("attempts", ((Number) drained.get("attempts")).longValue())
                .put("complete", done && closed == jobs);
        figures.setAll(after.perJob(cpu, closed));
        figures.set("gateway", report);
        if (!done) {
            // Fails, because the jobs left over from this round would count in the next one.
            throw new BenchFailure("only " + closed + " of " + jobs + " jobs were done in "
                    + rig.options().get(BenchNumber.SECONDS)
                    + " s; raise --seconds or lower --jobs. The gateway saw " + report
                    + "; the end of the bus's log: " + rig.bus().lastWords());
        }
        return figures;
    }

    private static ObjectNode summary(List<ObjectNode> rounds) {
        ObjectNode middle = median(rounds, "jobsPerSecond");
        return JsonNodeFactory.instance
                .objectNode()
                .put("summary", "median of " + rounds.size() + " rounds")
                .put("jobsPerSecond", middle.path("jobsPerSecond").asLong())
                .put("slowest", least(rounds))
                .put("fastest", most(rounds))
                .put(
                        "cpuMicrosPerJob",
                        median(rounds, "cpuMicrosPerJob")
                                .path("cpuMicrosPerJob")
                                .asLong());
    }

    private static ObjectNode median(List<ObjectNode> rounds, String field) {
        return rounds.stream()
                .sorted(Comparator.comparingLong(round -> round.path(field).asLong()))
                .skip((rounds.size() - 1) / 2)
                .findFirst()
                .orElseThrow();
    }

    private static long least(List<ObjectNode> rounds) {
        return rounds.stream()
                .mapToLong(round -> round.path("jobsPerSecond").asLong())
                .min()
                .orElseThrow();
    }

    private static long most(List<ObjectNode> rounds) {
        return rounds.stream()
                .mapToLong(round -> round.path("jobsPerSecond").asLong())
                .max()
                .orElseThrow();
    }
}
