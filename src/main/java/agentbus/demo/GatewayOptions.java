package agentbus.demo;

import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * How a {@link SimulatedGateway} is set up. The demo takes {@link #measured} values; only tests choose others.
 *
 * @param port the port to listen on at 127.0.0.1; 0 takes any free one, which a restart then keeps
 * @param hookToken the bearer token that hooks must carry
 * @param agents the configured agents; each has a mapped hook at {@code /hooks/job/<agent>}
 * @param allowedAgents the agents that hooks may reach; normally the same as {@code agents}
 * @param systemAgent the agent of a direct hook that names none; empty means such a hook is refused
 * @param sessionKeysAllowed whether a request may choose its session key
 * @param maxRuns runs at once over the whole gateway
 * @param admissionWindow how long a request waits for its session and a run slot before 503
 * @param admissionDelay the time between the run slot and the answer, and the start of the run
 * @param runTimeout the time after which a run is aborted, unless a direct hook sets its own {@code timeoutSeconds}
 * @param idempotencyWindow how long after the run's end its key is remembered
 * @param idempotencyEntries how many ended runs are remembered
 * @param badTokenWindow the window in which bad tokens are counted
 */
public record GatewayOptions(
        int port,
        String hookToken,
        Set<String> agents,
        Set<String> allowedAgents,
        Optional<String> systemAgent,
        boolean sessionKeysAllowed,
        int maxRuns,
        Duration admissionWindow,
        Duration admissionDelay,
        Duration runTimeout,
        Duration idempotencyWindow,
        int idempotencyEntries,
        Duration badTokenWindow) {

    /** Copies the collections. */
    public GatewayOptions {
        agents = Set.copyOf(agents);
        allowedAgents = Set.copyOf(allowedAgents);
    }

    /**
     * A gateway as OpenClaw 2026.9.6 was measured: 8 runs at once, a hard-coded number; 503 after 15 s; bad tokens counted
     * for 60 s. By its documentation it remembers 1,000 keys for 5 min. An admission takes no time, while 20 ms to 3.3 s
     * were measured, so that tests are fast.
     *
     * @param port the port to listen on at 127.0.0.1; 0 takes any free one
     * @param hookToken the bearer token that hooks must carry
     * @param agents the configured agents, which hooks may reach
     * @param runTimeout the time after which a run is aborted; 1,800 s in the mapping that was measured
     * @return the options
     */
    public static GatewayOptions measured(int port, String hookToken, Set<String> agents, Duration runTimeout) {
        return new GatewayOptions(
                port,
                hookToken,
                agents,
                agents,
                Optional.of("coordinator"),
                true,
                8,
                Duration.ofSeconds(15),
                Duration.ZERO,
                runTimeout,
                Duration.ofMinutes(5),
                1_000,
                Duration.ofSeconds(60));
    }

    /** Keeps the token out of logs. */
    @Override
    public String toString() {
        return "GatewayOptions[port=" + port + ", agents=" + agents + ", maxRuns=" + maxRuns + ", admissionWindow="
                + admissionWindow + "]";
    }
}
