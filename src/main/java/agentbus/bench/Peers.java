package agentbus.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;

/**
 * {@code bench peers}: the bus beside other queues on one server, as ratios. In each round every side has a turn with a
 * new process: it warms up, drains, and takes jobs at two steady rates. The order changes with each round, so that a
 * machine that slows down or speeds up favours no side. One gateway counts and times the hook calls of all sides.
 */
final class Peers implements Bench {
    /** Chosen: the median of five survives two rounds that a busy machine has spoilt. */
    private static final int ROUNDS = 5;

    private static final int JOBS = 10_000;
    /** The JVM compiles the bus's code during its first 25,000 jobs, and takes a third of the processor time for it. */
    private static final int WARM_UP = 30_000;
    /** Chosen: at 20 jobs a second, four of a turn's jobs are beyond its p99. */
    private static final int SECONDS = 20;

    private static final List<Integer> RATES = List.of(20, 200);
    /** The longest wait for a drain, or for the end of the jobs at a rate. */
    private static final int LIMIT_SECONDS = 600;

    private final Path peers;
    private Comparison comparison;

    /**
     * The bench.
     *
     * @param peers the directory of {@link Peer#install}
     */
    Peers(Path peers) {
        this.peers = peers;
    }

    @Override
    public void run(Rig rig, Consumer<ObjectNode> tell) {
        List<Side> sides = new ArrayList<>(List.of(new BusSide(rig)));
        sides.addAll(Peer.both(rig, peers));
        comparison = new Comparison(sides.stream().map(Side::name).toList(), measures());
        int rounds = rig.options().get(BenchNumber.ROUNDS, ROUNDS);
        for (int round = 1; round <= rounds; round++) {
            for (int place = 1; place <= sides.size(); place++) {
                Side side = sides.get(place - 1);
                ObjectNode figures = JsonNodeFactory.instance
                        .objectNode()
                        .put("side", side.name())
                        .put("round", round)
                        .put("place", place);
                turn(rig, side, figures);
                comparison.add(side.name(), figures);
                tell.accept(figures);
            }
            Collections.rotate(sides, -1);
        }
        tell.accept(comparison.summary());
    }

    private static List<Comparison.Measure> measures() {
        List<Comparison.Measure> measures = new ArrayList<>();
        measures.add(new Comparison.Measure("drainJobsPerSecond", "drain, jobs/s", true));
        measures.add(new Comparison.Measure("cpuMicrosPerJob", "processor time of a job, µs", false));
        for (int rate : RATES) {
            measures.add(new Comparison.Measure("p50MsAt" + rate, "enqueue to hook at " + rate + "/s, p50, ms", false));
            measures.add(new Comparison.Measure("p99MsAt" + rate, "the same, p99, ms", false));
        }
        return measures;
    }

    private static void turn(Rig rig, Side side, ObjectNode figures) {
        // Otherwise autovacuum would clear up after one side in the turn of the next.
        rig.database().unlimited().run("vacuum-all");
        try {
            side.start(rig.options().get(BenchNumber.AT_ONCE));
            figures.put("version", side.version());
            int warmUp = rig.options().get(BenchNumber.WARM_UP, WARM_UP);
            figures.put("warmUpJobs", warmUp);
            if (warmUp > 0) {
                drain(rig, side, warmUp);
                // Jobs that come at a rate are queued by other code than those of a drain, at least on the bus's side.
                latency(rig, side, RATES.get(RATES.size() - 1));
            }
            figures.setAll(drain(rig, side, rig.options().get(BenchNumber.JOBS, JOBS)));
            for (int rate : RATES) {
                figures.setAll(latency(rig, side, rate));
            }
        } finally {
            side.stop();
        }
    }

    private static ObjectNode drain(Rig rig, Side side, int jobs) {
        side.fill(jobs);
        rig.resetGateway();
        CpuTime before = rig.cpu(List.of(side.process()));
        long micros = side.work(jobs, LIMIT_SECONDS);
        CpuTime after = rig.cpu(List.of(side.process()));
        requireHooks(side, jobs, rig.report());
        ObjectNode cpu = after.perJob(before, jobs);
        return JsonNodeFactory.instance
                .objectNode()
                .put("jobs", jobs)
                .put("drainSeconds", Math.round(micros / 1000.0) / 1000.0)
                .put("drainJobsPerSecond", Math.round(jobs * 1e6 / Math.max(1, micros)))
                .put("cpuMicrosPerJob", cpu.path("cpuMicrosPerJob").asLong())
                .put(
                        "postgresCpuMicrosPerJob",
                        cpu.path("postgresCpuMicrosPerJob").asLong());
    }

    private static ObjectNode latency(Rig rig, Side side, int rate) {
        int seconds = rig.options().get(BenchNumber.SECONDS, SECONDS);
        int jobs = seconds * rate;
        rig.resetGateway();
        side.rate(jobs, rate, seconds + LIMIT_SECONDS);
        JsonNode report = rig.report();
        requireHooks(side, jobs, report);
        if (report.at("/arrival/count").asLong() != jobs) {
            throw new BenchFailure("of " + jobs + " hook calls of " + side.name()
                    + " some carried no time; the gateway saw " + report);
        }
        return JsonNodeFactory.instance
                .objectNode()
                .put("jobsAt" + rate, jobs)
                .put("p50MsAt" + rate, report.at("/arrival/p50Ms").asDouble())
                .put("p99MsAt" + rate, report.at("/arrival/p99Ms").asDouble());
    }

    /** A side that has lost a job or done one twice was not measured at the same work. */
    private static void requireHooks(Side side, int jobs, JsonNode report) {
        if (report.path("hooks").asLong() != jobs
                || report.path("repeatedHooks").asLong() != 0) {
            throw new BenchFailure(
                    side.name() + " should have made " + jobs + " hook calls, each once; the gateway saw " + report);
        }
    }

    @Override
    public List<String> table() {
        return comparison.table();
    }
}
