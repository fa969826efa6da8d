package agentbus.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Consumer;

/**
 * {@code bench start}: three times from the start of the bus's process. To its greeting, with a Postgres of its own, on
 * a new database and on one that exists. And to the arrival of the first hook call at the gateway, with a database that
 * has its schema and one queued job.
 */
final class StartTime implements Bench {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Map<String, String> SETTINGS = Map.of("agentbus.orders.enabled", "true");

    @Override
    public void run(Rig rig, Consumer<ObjectNode> tell) {
        int rounds = rig.options().get(BenchNumber.ROUNDS);
        double[] onNew = new double[rounds];
        double[] onExisting = new double[rounds];
        for (int n = 0; n < rounds; n++) {
            Path data = rig.directory().resolve("own-" + n);
            onNew[n] = greeting(rig, data);
            onExisting[n] = greeting(rig, data);
        }
        double[] hooks = hooks(rig, rounds);
        ObjectNode figures = JsonNodeFactory.instance.objectNode().put("starts", rounds);
        put(figures, "newDatabase", onNew);
        put(figures, "existingDatabase", onExisting);
        put(figures, "firstHook", hooks);
        tell.accept(figures);
    }

    private static double greeting(Rig rig, Path data) {
        rig.startBusOfItsOwn(data, SETTINGS);
        double seconds = (rig.bus().readyMicros() - rig.bus().beganMicros()) / 1e6;
        rig.stopBus();
        return seconds;
    }

    /** Times to the first hook call. A first start, which is not measured, creates the installation's keys and tokens. */
    private static double[] hooks(Rig rig, int rounds) {
        double[] seconds = new double[rounds];
        rig.startBus(SETTINGS);
        rig.stopBus();
        for (int n = 0; n < rounds; n++) {
            rig.resetGateway();
            rig.sql().row("enqueue-one", "bench-1", ClosingGateway.micros());
            rig.startBus(SETTINGS);
            if (!Waiting.until(LIMIT, () -> rig.report().path("hooks").asLong() > 0)) {
                throw new BenchFailure(
                        "no hook came within " + LIMIT.toSeconds() + " s of the start; the end of the bus's log: "
                                + rig.bus().lastWords());
            }
            seconds[n] =
                    (rig.report().path("firstHookMicros").asLong() - rig.bus().beganMicros()) / 1e6;
            rig.stopBus();
        }
        return seconds;
    }

    private static void put(ObjectNode figures, String of, double[] seconds) {
        Arrays.sort(seconds);
        figures.put(of + "MedianSeconds", round(seconds[(seconds.length - 1) / 2]))
                .put(of + "SlowestSeconds", round(seconds[seconds.length - 1]));
    }

    private static double round(double value) {
        return Math.round(value * 1000) / 1000.0;
    }
}
