package agentbus.bench;

import agentbus.db.Trees;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Consumer;

/**
 * {@code bench start}: how long a bus takes from the start of its process. It measures the time until the first hook
 * call arrives at the gateway, with one queued job in the bench's database. It also measures the time until the bus
 * prints its greeting, with a Postgres that the bus starts itself, once on a new database and once on that database again.
 */
final class StartTime implements Bench {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Map<String, String> SETTINGS = Map.of("agentbus.orders.enabled", "true");

    @Override
    public void run(Rig rig, Consumer<ObjectNode> tell) {
        int rounds = rig.options().get(BenchNumber.ROUNDS);
        double[] hooks = hooks(rig, rounds);
        tell.accept(put(JsonNodeFactory.instance.objectNode().put("starts", rounds), "firstHook", hooks));
        double[] onNew = new double[rounds];
        double[] onExisting = new double[rounds];
        // The start before the first round may unpack the programs of Postgres.
        greetings(rig, 1);
        for (int n = 0; n < rounds; n++) {
            double[] both = greetings(rig, 2);
            onNew[n] = both[0];
            onExisting[n] = both[1];
        }
        ObjectNode figures = JsonNodeFactory.instance.objectNode().put("starts", rounds);
        put(figures, "newDatabase", onNew);
        tell.accept(put(figures, "existingDatabase", onExisting));
    }

    /** Times to the greetings of starts on one data directory, which is empty before the first. */
    private static double[] greetings(Rig rig, int starts) {
        Path data = rig.directory().resolve("own");
        double[] seconds = new double[starts];
        try {
            for (int n = 0; n < starts; n++) {
                rig.startBusOfItsOwn(data, SETTINGS);
                seconds[n] = (rig.bus().readyMicros() - rig.bus().beganMicros()) / 1e6;
                rig.stopBus();
            }
        } finally {
            rig.stopBusOfItsOwn(data);
        }
        try {
            Trees.delete(data);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
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

    private static ObjectNode put(ObjectNode figures, String of, double[] seconds) {
        Arrays.sort(seconds);
        return figures.put(of + "MedianSeconds", round(seconds[(seconds.length - 1) / 2]))
                .put(of + "SlowestSeconds", round(seconds[seconds.length - 1]));
    }

    private static double round(double value) {
        return Math.round(value * 1000) / 1000.0;
    }
}
