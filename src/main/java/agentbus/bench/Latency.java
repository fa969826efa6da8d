package agentbus.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Map;
import java.util.function.Consumer;

/**
 * {@code bench latency}: the time from just before a job is enqueued to the arrival of its hook call at the gateway, at
 * a steady rate. The job's payload carries the first time, because all processes share one clock. Calls are made on
 * time even while an earlier call has no answer, so that a stall shows in each job that it delays.
 */
final class Latency implements Bench {
    @Override
    public void run(Rig rig, Consumer<ObjectNode> tell) {
        rig.startBus(Map.of("agentbus.orders.enabled", "false"));
        // The JVM compiles the bus's code during the first thousands of jobs; at 20 jobs a second that would take
        // minutes.
        if (rig.options().get(BenchNumber.WARM_UP) > 0) {
            Load.enqueue(rig, rig.options().get(BenchNumber.WARM_UP), Load.AT_ONCE);
        }
        int cold = rig.options().get(BenchNumber.COLD);
        Waiting.pass(Duration.ofSeconds(cold));
        rig.resetGateway();
        int sent = rig.options().get(BenchNumber.SECONDS) * rig.options().get(BenchNumber.RATE);
        Load.enqueue(rig, sent, rig.options().get(BenchNumber.RATE));
        JsonNode report = rig.report();
        ObjectNode figures = JsonNodeFactory.instance
                .objectNode()
                .put("enqueue", rig.options().enqueue.name())
                .put("ratePerSecond", rig.options().get(BenchNumber.RATE))
                .put("warmUpJobs", rig.options().get(BenchNumber.WARM_UP))
                .put("coldSeconds", cold)
                .put("jobs", sent)
                .put("arrived", report.path("hooks").asLong());
        figures.setAll((ObjectNode) report.path("arrival"));
        figures.set("close", report.path("close"));
        tell.accept(figures);
    }
}
