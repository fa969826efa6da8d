package agentbus.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/**
 * {@code bench claim}: the time to claim a full batch on one connection, with no history, with a tenth of {@code
 * --history} and with all of it. Each claim is rolled back, so that every claim finds the same queue.
 */
final class ClaimCost implements Bench {
    private static final int BATCH = 50;
    private static final int CLAIMS = 200;
    private static final int WARM_UP = 50;

    @Override
    public void run(Rig rig, Consumer<ObjectNode> tell) {
        BenchSql sql = rig.sql();
        sql.row("agents", agents(rig.options()));
        sql.row("configure-gateway", rig.options().get(BenchNumber.IN_FLIGHT));
        sql.number(
                "queue-jobs",
                rig.options().get(BenchNumber.AGENTS),
                rig.options().get(BenchNumber.BACKLOG));
        double empty = 0;
        long there = 0;
        for (long history : LongStream.of(
                        0,
                        rig.options().get(BenchNumber.HISTORY) / 10,
                        rig.options().get(BenchNumber.HISTORY))
                .distinct()
                .toArray()) {
            if (history > there) {
                sql.run("triggers-off");
                sql.run("grow-history", rig.options().get(BenchNumber.AGENTS), (int) (history - there));
                sql.run("triggers-on");
                there = history;
            }
            sql.run("vacuum-jobs");
            ObjectNode figures = measure(rig)
                    .put("history", history)
                    .put("backlog", rig.options().get(BenchNumber.BACKLOG));
            double now = figures.path("p50Ms").asDouble();
            empty = empty == 0 ? now : empty;
            tell.accept(figures.put("timesEmpty", Math.round(now / empty * 100) / 100.0));
        }
    }

    private static ObjectNode measure(Rig rig) {
        try (Connection connection = rig.database().database().unpooled().getConnection()) {
            connection.setAutoCommit(false);
            BenchSql sql = new BenchSql(new SingleConnectionDataSource(connection, true));
            int rounds = rig.options().get(BenchNumber.ROUNDS);
            long[] nanos = new long[CLAIMS * rounds];
            for (int n = -WARM_UP; n < nanos.length; n++) {
                long began = System.nanoTime();
                long claimed = sql.number("claim", BATCH);
                long took = System.nanoTime() - began;
                connection.rollback();
                if (claimed != BATCH) {
                    throw new BenchFailure(
                            "a claim of " + BATCH + " got " + claimed + "; raise --in-flight or --backlog");
                }
                if (n >= 0) {
                    nanos[n] = took;
                }
            }
            Arrays.sort(nanos);
            return JsonNodeFactory.instance
                    .objectNode()
                    .put("claims", nanos.length)
                    .put("jobsPerClaim", BATCH)
                    .put("p50Ms", Percentiles.ms(nanos[nanos.length / 2] / 1000))
                    .put("p99Ms", Percentiles.ms(nanos[nanos.length * 99 / 100] / 1000));
        } catch (SQLException refused) {
            throw new BenchFailure("the database refuses: " + refused.getMessage(), refused);
        }
    }

    private static String agents(BenchOptions options) {
        var agents = JsonNodeFactory.instance.arrayNode();
        IntStream.rangeClosed(1, options.get(BenchNumber.AGENTS)).forEach(n -> agents.addObject()
                .put("id", "bench-" + n)
                .put("maxConcurrency", options.perAgent())
                .put("configHash", "bench")
                .putArray("accepts")
                .add("bench.work"));
        return agents.toString();
    }
}
