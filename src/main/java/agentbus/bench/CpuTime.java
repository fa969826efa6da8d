package agentbus.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The processor time of each part so far. On a shared machine elapsed time depends on the other users; processor time
 * is the cost of the work itself.
 *
 * @param busMs the time of the bus, in milliseconds
 * @param gatewayMs the time of the gateway and its agents, in milliseconds
 * @param postgresMs the time of the server's live processes, in milliseconds; 0 for a server on another machine
 */
record CpuTime(long busMs, long gatewayMs, long postgresMs) {
    /**
     * Reads the clocks.
     *
     * @param buses the nodes of the bus
     * @param gateway the gateway
     * @param backend a server process of Postgres
     * @return the times
     */
    static CpuTime now(List<ProcessHandle> buses, ProcessHandle gateway, Optional<ProcessHandle> backend) {
        long postgres = backend.flatMap(ProcessHandle::parent)
                .map(postmaster -> spent(postmaster)
                        + postmaster.children().mapToLong(CpuTime::spent).sum())
                .orElse(0L);
        return new CpuTime(buses.stream().mapToLong(CpuTime::spent).sum(), spent(gateway), postgres);
    }

    /**
     * The processor time since an earlier reading.
     *
     * @param then an earlier reading
     * @param jobs the number of jobs done in that time
     * @return busCpuMicrosPerJob, gatewayCpuMicrosPerJob, postgresCpuMicrosPerJob and their sum, cpuMicrosPerJob
     */
    ObjectNode perJob(CpuTime then, long jobs) {
        long all = Math.max(1, jobs);
        long bus = (busMs - then.busMs) * 1000 / all;
        long gateway = (gatewayMs - then.gatewayMs) * 1000 / all;
        long postgres = (postgresMs - then.postgresMs) * 1000 / all;
        return JsonNodeFactory.instance
                .objectNode()
                .put("cpuMicrosPerJob", bus + gateway + postgres)
                .put("busCpuMicrosPerJob", bus)
                .put("postgresCpuMicrosPerJob", postgres)
                .put("gatewayCpuMicrosPerJob", gateway);
    }

    private static long spent(ProcessHandle process) {
        return process.info().totalCpuDuration().map(Duration::toMillis).orElse(0L);
    }
}
