package agentbus.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Map;
import java.util.function.Consumer;

/**
 * {@code bench idle}: what a bus costs that has nothing to do, with the installation's own agents and standing orders:
 * queries in a second, processor time and resident memory. Queries are the database's transactions less those that it makes in
 * the same time with the bus stopped, so that autovacuum's do not count.
 */
final class Idle implements Bench {
    /** The start's own work is over by then; a shorter measurement is none, and need not wait. */
    private static final Duration SETTLE = Duration.ofSeconds(15);

    @Override
    public void run(Rig rig, Consumer<ObjectNode> tell) {
        rig.startBus(Map.of());
        Duration measured = Duration.ofSeconds(rig.options().seconds);
        Waiting.pass(measured.compareTo(SETTLE) < 0 ? measured : SETTLE);
        // What autovacuum would do to a database so new, and count as the bus's.
        rig.sql().run("vacuum-all");
        CpuTime cpu = rig.cpu();
        long transactions = rig.database().transactions();
        long began = System.nanoTime();
        Waiting.pass(measured);
        double seconds = (System.nanoTime() - began) / 1e9;
        CpuTime after = rig.cpu();
        double withBus = (rig.database().transactions() - transactions) / seconds;
        long resident = Math.round(Machine.residentMb(rig.bus().handle()));
        rig.stopBus();
        transactions = rig.database().transactions();
        Waiting.pass(measured);
        double withoutBus = (rig.database().transactions() - transactions) / seconds;
        tell.accept(JsonNodeFactory.instance
                .objectNode()
                .put("seconds", Math.round(seconds))
                .put("queriesPerSecond", round(Math.max(0, withBus - withoutBus)))
                .put("transactionsPerSecond", round(withBus))
                .put("busCpuPercentOfOneCore", round((after.busMs() - cpu.busMs()) / seconds / 10))
                .put("postgresCpuPercentOfOneCore", round((after.postgresMs() - cpu.postgresMs()) / seconds / 10))
                .put("residentMb", resident));
    }

    private static double round(double value) {
        return Math.round(value * 100) / 100.0;
    }
}
