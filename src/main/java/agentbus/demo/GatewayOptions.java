package agentbus.demo;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * How a {@link SimulatedGateway} is set up. Immutable; start from {@link #defaults(String)} and change with the
 * {@code with…} methods.
 *
 * @param port the port to listen on at 127.0.0.1; 0 takes any free one, which a restart then keeps
 * @param hookToken the bearer token that hooks must carry
 * @param hookPath the path before every hook, without a slash at its end
 * @param agents the configured agents; each has a mapped hook at {@code <hookPath>/job/<agent>}
 * @param allowedAgents the agents that hooks may reach; normally the same as {@code agents}
 * @param systemAgent the agent of a direct hook that names none; empty means such a hook is refused
 * @param sessionKeysAllowed whether a request may choose its session key
 * @param sessionKeyPrefixes what a chosen session key must start with
 * @param maxRuns runs at once over the whole gateway; 8 is hard-coded in OpenClaw 2026.9.6 (measured)
 * @param admissionWindow how long a request waits for its session and a run slot before 503; 15 s measured on OpenClaw
 *     2026.9.6
 * @param admissionDelay the time between the run slot and the answer, and the start of the run; 20 ms to 3.3 s measured
 *     on OpenClaw 2026.9.6, but none by default, so that tests are fast
 * @param runTimeout the time after which a run is aborted, unless a direct hook sets its own {@code timeoutSeconds};
 *     1,800 s, the value of the mapping that was measured
 * @param idempotencyWindow how long after the run's end its key is remembered; 5 min by the documentation of OpenClaw
 *     2026.9.6
 * @param idempotencyEntries how many ended runs are remembered; 1,000 by the documentation of OpenClaw 2026.9.6
 * @param bodyLimitBytes the largest body that is read; 256 KiB on OpenClaw 2026.9.6 (261,049 bytes passed, 270,049 did
 *     not)
 * @param badTokenLimit the bad tokens answered 401 in one window, the next is 429; 20 measured on OpenClaw 2026.9.6
 * @param badTokenWindow the window of {@code badTokenLimit}; 60 s measured on OpenClaw 2026.9.6
 * @param ledgerEntries how many requests, and how many runs, {@link GatewayLedger} keeps; the oldest go first, 0 keeps
 *     none and leaves the counters
 */
public record GatewayOptions(
        int port,
        String hookToken,
        String hookPath,
        Set<String> agents,
        Set<String> allowedAgents,
        Optional<String> systemAgent,
        boolean sessionKeysAllowed,
        List<String> sessionKeyPrefixes,
        int maxRuns,
        Duration admissionWindow,
        Duration admissionDelay,
        Duration runTimeout,
        Duration idempotencyWindow,
        int idempotencyEntries,
        int bodyLimitBytes,
        int badTokenLimit,
        Duration badTokenWindow,
        int ledgerEntries) {

    /**
     * Copies the collections and checks the numbers.
     *
     * @throws IllegalArgumentException if the token is blank, the hook path is not {@code /something}, or a number or
     *     duration is out of range
     */
    public GatewayOptions {
        agents = Set.copyOf(agents);
        allowedAgents = Set.copyOf(allowedAgents);
        sessionKeyPrefixes = List.copyOf(sessionKeyPrefixes);
        require(!hookToken.isBlank(), "hookToken must not be blank");
        require(hookPath.matches("/[^/].*[^/]"), "hookPath must start with a slash and not end with one: " + hookPath);
        require(port >= 0 && port <= 65_535, "port must be 0 to 65535: " + port);
        require(maxRuns >= 1, "maxRuns must be at least 1: " + maxRuns);
        require(bodyLimitBytes >= 1, "bodyLimitBytes must be at least 1: " + bodyLimitBytes);
        require(!admissionDelay.isNegative(), "admissionDelay must not be negative: " + admissionDelay);
        require(positive(admissionWindow), "admissionWindow must be positive: " + admissionWindow);
        require(positive(runTimeout), "runTimeout must be positive: " + runTimeout);
        require(positive(badTokenWindow), "badTokenWindow must be positive: " + badTokenWindow);
        require(!idempotencyWindow.isNegative(), "idempotencyWindow must not be negative: " + idempotencyWindow);
        require(idempotencyEntries >= 0, "idempotencyEntries must not be negative: " + idempotencyEntries);
        require(badTokenLimit >= 0, "badTokenLimit must not be negative: " + badTokenLimit);
        require(ledgerEntries >= 0, "ledgerEntries must not be negative: " + ledgerEntries);
    }

    /**
     * The measured gateway, with the agents of the pilot.
     *
     * @param hookToken the bearer token that hooks must carry
     * @return options with every default
     */
    public static GatewayOptions defaults(String hookToken) {
        Set<String> pilot = Set.of("coordinator", "auditor", "devops", "publisher");
        return new GatewayOptions(
                0,
                hookToken,
                "/hooks",
                pilot,
                pilot,
                Optional.of("coordinator"),
                true,
                List.of("hook:", "job:"),
                8,
                Duration.ofSeconds(15),
                Duration.ZERO,
                Duration.ofSeconds(1_800),
                Duration.ofMinutes(5),
                1_000,
                256 * 1024,
                20,
                Duration.ofSeconds(60),
                10_000);
    }

    /**
     * Changes the port.
     *
     * @param value see {@link #port()}
     * @return a changed copy
     */
    public GatewayOptions withPort(int value) {
        return copy(value, agents, allowedAgents, systemAgent, sessionKeysAllowed, maxRuns, ledgerEntries);
    }

    /**
     * Changes the configured agents and allows all of them.
     *
     * @param value see {@link #agents()}
     * @return a changed copy
     */
    public GatewayOptions withAgents(Set<String> value) {
        return copy(port, value, value, systemAgent, sessionKeysAllowed, maxRuns, ledgerEntries);
    }

    /**
     * Changes which agents hooks may reach.
     *
     * @param value see {@link #allowedAgents()}
     * @return a changed copy
     */
    public GatewayOptions withAllowedAgents(Set<String> value) {
        return copy(port, agents, value, systemAgent, sessionKeysAllowed, maxRuns, ledgerEntries);
    }

    /**
     * Takes the default agent away, so that a direct hook must name one.
     *
     * @return a changed copy
     */
    public GatewayOptions withoutSystemAgent() {
        return copy(port, agents, allowedAgents, Optional.empty(), sessionKeysAllowed, maxRuns, ledgerEntries);
    }

    /**
     * Forbids requests to choose their session key, which closes the mapped hooks too.
     *
     * @return a changed copy
     */
    public GatewayOptions withoutSessionKeys() {
        return copy(port, agents, allowedAgents, systemAgent, false, maxRuns, ledgerEntries);
    }

    /**
     * Changes how many runs go at once.
     *
     * @param value see {@link #maxRuns()}
     * @return a changed copy
     */
    public GatewayOptions withMaxRuns(int value) {
        return copy(port, agents, allowedAgents, systemAgent, sessionKeysAllowed, value, ledgerEntries);
    }

    /**
     * Changes how much the ledger keeps.
     *
     * @param value see {@link #ledgerEntries()}
     * @return a changed copy
     */
    public GatewayOptions withLedgerEntries(int value) {
        return copy(port, agents, allowedAgents, systemAgent, sessionKeysAllowed, maxRuns, value);
    }

    /**
     * Changes the times of an admission.
     *
     * @param window see {@link #admissionWindow()}
     * @param delay see {@link #admissionDelay()}
     * @return a changed copy
     */
    public GatewayOptions withAdmission(Duration window, Duration delay) {
        return times(window, delay, runTimeout, idempotencyWindow, idempotencyEntries, badTokenWindow);
    }

    /**
     * Changes the longest run.
     *
     * @param value see {@link #runTimeout()}
     * @return a changed copy
     */
    public GatewayOptions withRunTimeout(Duration value) {
        return times(admissionWindow, admissionDelay, value, idempotencyWindow, idempotencyEntries, badTokenWindow);
    }

    /**
     * Changes how long, and for how many ended runs, keys are remembered.
     *
     * @param window see {@link #idempotencyWindow()}
     * @param entries see {@link #idempotencyEntries()}
     * @return a changed copy
     */
    public GatewayOptions withIdempotency(Duration window, int entries) {
        return times(admissionWindow, admissionDelay, runTimeout, window, entries, badTokenWindow);
    }

    /**
     * Changes the window in which bad tokens are counted.
     *
     * @param value see {@link #badTokenWindow()}
     * @return a changed copy
     */
    public GatewayOptions withBadTokenWindow(Duration value) {
        return times(admissionWindow, admissionDelay, runTimeout, idempotencyWindow, idempotencyEntries, value);
    }

    private GatewayOptions copy(
            int newPort,
            Set<String> newAgents,
            Set<String> newAllowed,
            Optional<String> newSystemAgent,
            boolean newSessionKeysAllowed,
            int newMaxRuns,
            int newLedgerEntries) {
        return new GatewayOptions(
                newPort,
                hookToken,
                hookPath,
                newAgents,
                newAllowed,
                newSystemAgent,
                newSessionKeysAllowed,
                sessionKeyPrefixes,
                newMaxRuns,
                admissionWindow,
                admissionDelay,
                runTimeout,
                idempotencyWindow,
                idempotencyEntries,
                bodyLimitBytes,
                badTokenLimit,
                badTokenWindow,
                newLedgerEntries);
    }

    private GatewayOptions times(
            Duration newWindow,
            Duration newDelay,
            Duration newRunTimeout,
            Duration newIdempotencyWindow,
            int newIdempotencyEntries,
            Duration newBadTokenWindow) {
        return new GatewayOptions(
                port,
                hookToken,
                hookPath,
                agents,
                allowedAgents,
                systemAgent,
                sessionKeysAllowed,
                sessionKeyPrefixes,
                maxRuns,
                newWindow,
                newDelay,
                newRunTimeout,
                newIdempotencyWindow,
                newIdempotencyEntries,
                bodyLimitBytes,
                badTokenLimit,
                newBadTokenWindow,
                ledgerEntries);
    }

    /** Keeps the token out of logs. */
    @Override
    public String toString() {
        return "GatewayOptions[port=" + port + ", hookPath=" + hookPath + ", agents=" + agents + ", maxRuns=" + maxRuns
                + ", admissionWindow=" + admissionWindow + "]";
    }

    private static boolean positive(Duration value) {
        return !value.isNegative() && !value.isZero();
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
