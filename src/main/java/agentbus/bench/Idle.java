package agentbus.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Map;
import java.util.function.Consumer;

/**
 * {@code bench idle}: the cost of a bus without work: queries per second, processor time and resident memory. The bus
 * has the installation's agents and standing orders. The queries are the database's transactions with the bus minus
 * those without it, so that autovacuum does not count.
 */
final class Idle implements Bench {
    /**
     * Chosen: by then the work of the start is done, except that of the JVM's compilers; {@code --cold} waits for longer.
     * A shorter measurement is only a trial and waits less.
     */
    private static final Duration SETTLE = Duration.ofSeconds(15);

    @Override
    public void run(Rig rig, Consumer<ObjectNode> tell) {
        rig.startBus(Map.of("agentbus.orders.enabled", "true"));
        Duration measured = Duration.ofSeconds(rig.options().get(BenchNumber.SECONDS));
        Duration cold = Duration.ofSeconds(rig.options().get(BenchNumber.COLD));
        Duration settle = measured.compareTo(SETTLE) < 0 ? measured : SETTLE;
        Duration waited = cold.compareTo(settle) < 0 ? settle : cold;
        Waiting.pass(waited);
        // Otherwise autovacuum would do this work during the measurement, and its cost would count as the bus's.
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
                .put("coldSeconds", waited.toSeconds())
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
