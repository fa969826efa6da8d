package agentbus.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Consumer;

/**
 * {@code bench start}: the time from the start of the bus's process to the arrival of the first hook call at the
 * gateway. The database has its schema and one queued job. A first start, which is not measured, creates the
 * installation's keys and tokens.
 */
final class StartTime implements Bench {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @Override
    public void run(Rig rig, Consumer<ObjectNode> tell) {
        rig.startBus(Map.of("agentbus.orders.enabled", "true"));
        rig.stopBus();
        double[] seconds = new double[rig.options().get(BenchNumber.ROUNDS)];
        for (int n = 0; n < seconds.length; n++) {
            rig.resetGateway();
            rig.sql().row("enqueue-one", "bench-1", ClosingGateway.micros());
            rig.startBus(Map.of("agentbus.orders.enabled", "true"));
            if (!Waiting.until(LIMIT, () -> rig.report().path("hooks").asLong() > 0)) {
                throw new BenchFailure(
                        "no hook came within " + LIMIT.toSeconds() + " s of the start; the end of the bus's log: "
                                + rig.bus().lastWords());
            }
            JsonNode report = rig.report();
            seconds[n] = (report.path("firstHookMicros").asLong() - rig.bus().beganMicros()) / 1e6;
            rig.stopBus();
        }
        Arrays.sort(seconds);
        tell.accept(JsonNodeFactory.instance
                .objectNode()
                .put("starts", seconds.length)
                .put("medianSeconds", round(seconds[(seconds.length - 1) / 2]))
                .put("slowestSeconds", round(seconds[seconds.length - 1])));
    }

    private static double round(double value) {
        return Math.round(value * 1000) / 1000.0;
    }
}
