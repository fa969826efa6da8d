package agentbus.demo;

import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * The options of a {@link SimulatedGateway}. The demo uses the {@link #measured} values; only tests choose others.
 *
 * @param port the port on 127.0.0.1; 0 takes a free port, which a restart keeps
 * @param hookToken the bearer token that hooks must carry
 * @param agents the configured agents; each has a mapped hook at {@code /hooks/job/<agent>}
 * @param allowedAgents the agents that hooks may reach; normally the same as {@code agents}
 * @param systemAgent the agent for a direct hook that names no agent; when empty, such a hook is refused
 * @param sessionKeysAllowed whether a request may choose its session key
 * @param maxRuns the most runs at once on the whole gateway
 * @param admissionWindow how long a request waits for its session and a run slot before 503
 * @param admissionDelay the time from getting a run slot to the answer and the start of the run
 * @param runTimeout the time after which a run is aborted, unless a direct hook sets its own {@code timeoutSeconds}
 * @param idempotencyWindow how long a key is remembered after its run has ended
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
     * The values measured on OpenClaw 2026.9.6: 8 runs at once (hard-coded), 503 after 15 s, bad tokens counted for 60
     * s. The 1,000 keys remembered for 5 min come from its documentation. An admission takes no time here, to keep
     * tests fast; 20 ms to 3.3 s were measured.
     *
     * @param port the port on 127.0.0.1; 0 takes a free port
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
