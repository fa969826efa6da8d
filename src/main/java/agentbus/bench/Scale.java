package agentbus.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * {@code bench scale}: {@link Drain} with one, two and four nodes on one Postgres, in turn. On one machine all nodes share
 * its processors with Postgres: the ratios say what more nodes cost each other, and not what more machines bring.
 */
final class Scale implements Bench {
    private static final List<Integer> NODES = List.of(1, 2, 4);
    /** Chosen: four pools of this size fit the 100 connections that a server has by default. */
    private static final String POOL = "12";

    private final Comparison comparison = new Comparison(
            NODES.stream().map(Scale::words).toList(),
            List.of(
                    // A ratio of times, so that the ratio of one node to several is their gain.
                    new Comparison.Measure("seconds", "drain, s", false),
                    new Comparison.Measure("cpuMicrosPerJob", "processor time of a job, µs", false)));

    @Override
    public void run(Rig rig, Consumer<ObjectNode> tell) {
        List<Integer> order = new ArrayList<>(NODES);
        for (int round = 1; round <= rig.options().get(BenchNumber.ROUNDS); round++) {
            for (int nodes : order) {
                ObjectNode figures = JsonNodeFactory.instance
                        .objectNode()
                        .put("nodes", nodes)
                        .put("round", round);
                figures.setAll(turn(rig, nodes));
                comparison.add(words(nodes), figures);
                tell.accept(figures);
            }
            Collections.rotate(order, -1);
        }
        tell.accept(comparison.summary());
    }

    private static ObjectNode turn(Rig rig, int nodes) {
        rig.database().unlimited().run("vacuum-all");
        try {
            rig.startBuses(nodes, Map.of("agentbus.orders.enabled", "false", "agentbus.database.pool-size", POOL));
            int warmUp = rig.options().get(BenchNumber.WARM_UP);
            if (warmUp > 0) {
                // Each node has to compile its code.
                Drain.round(rig, warmUp * nodes);
            }
            return Drain.round(rig, rig.options().get(BenchNumber.JOBS));
        } finally {
            rig.stopBus();
        }
    }

    private static String words(int nodes) {
        return nodes == 1 ? "1 node" : nodes + " nodes";
    }

    @Override
    public List<String> table() {
        return comparison.table();
    }
}
