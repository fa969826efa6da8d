package agentbus.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Map;

/** The bus as a side of {@code bench peers}, with the agents of the bench's gateway, which close each job over HTTP. */
final class BusSide implements Side {
    private final Rig rig;
    private long before;

    /**
     * The bus.
     *
     * @param rig the bench's equipment
     */
    BusSide(Rig rig) {
        this.rig = rig;
    }

    @Override
    public String name() {
        return "agentbus";
    }

    @Override
    public String version() {
        return "this build";
    }

    @Override
    public void start(int atOnce) {
        rig.startBus(
                Map.of("agentbus.orders.enabled", "false", "agentbus.gateway.max-in-flight", Integer.toString(atOnce)));
    }

    @Override
    public void fill(int jobs) {
        before = rig.sql().number("last-seq");
        Drain.queue(rig, jobs);
    }

    @Override
    public long work(int jobs, int seconds) {
        long began = ClosingGateway.micros();
        rig.sql().number("resume-agents");
        Waiting.until(Duration.ofSeconds(seconds), () -> closed() >= jobs);
        JsonNode report = rig.report();
        requireDone(jobs, report);
        return report.path("lastCloseMicros").asLong() - began;
    }

    @Override
    public void rate(int jobs, int perSecond, int seconds) {
        before = rig.sql().number("last-seq");
        Load.enqueue(rig, jobs, perSecond);
        requireDone(jobs, rig.report());
    }

    /** Asks the database and the agents, because each could be wrong about the other. */
    private void requireDone(int jobs, JsonNode report) {
        long done = ((Number) rig.sql().row("drained", before).get("done")).longValue();
        if (done != jobs || report.path("closed").asLong() != jobs) {
            throw new BenchFailure("agentbus has done " + done + " of " + jobs + " jobs; the gateway saw " + report
                    + "; the end of the bus's log: " + rig.bus().lastWords());
        }
    }

    private long closed() {
        return rig.report().path("closed").asLong();
    }

    @Override
    public ProcessHandle process() {
        return rig.bus().handle();
    }

    @Override
    public void stop() {
        rig.stopBus();
    }
}
