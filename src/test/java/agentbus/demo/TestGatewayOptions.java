package agentbus.demo;

import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The options of a {@link TestGateway}. Each {@code with…} method returns a changed copy; {@link GatewayOptions} says what
 * a value means.
 */
public final class TestGatewayOptions implements Cloneable {
    private static final Set<String> PILOT = Set.of("coordinator", "auditor", "devops", "publisher");
    private static final int LEDGER_ENTRIES = 10_000;

    private GatewayOptions gateway;
    private int maxRuns;
    private Set<String> agents;
    private Set<String> allowedAgents;
    private Optional<String> systemAgent;
    private boolean sessionKeysAllowed;
    private Duration admissionWindow;
    private Duration admissionDelay;
    private Duration idempotencyWindow;
    private int idempotencyEntries;
    private Duration badTokenWindow;
    private int ledgerEntries = LEDGER_ENTRIES;

    private TestGatewayOptions(GatewayOptions measured) {
        gateway = measured;
        maxRuns = measured.maxRuns();
        agents = measured.agents();
        allowedAgents = measured.allowedAgents();
        systemAgent = measured.systemAgent();
        sessionKeysAllowed = measured.sessionKeysAllowed();
        admissionWindow = measured.admissionWindow();
        admissionDelay = measured.admissionDelay();
        idempotencyWindow = measured.idempotencyWindow();
        idempotencyEntries = measured.idempotencyEntries();
        badTokenWindow = measured.badTokenWindow();
    }

    /** The measured gateway on a free port, with the agents of the pilot. */
    public static TestGatewayOptions defaults(String hookToken) {
        return new TestGatewayOptions(GatewayOptions.measured(0, hookToken, PILOT, Duration.ofSeconds(1_800)));
    }

    /** Changes the configured agents and allows all of them. */
    public TestGatewayOptions withAgents(Set<String> value) {
        return changed(copy -> {
            copy.agents = value;
            copy.allowedAgents = value;
        });
    }

    /** Changes which agents hooks may reach. */
    public TestGatewayOptions withAllowedAgents(Set<String> value) {
        return changed(copy -> copy.allowedAgents = value);
    }

    /** Takes the default agent away, so that a direct hook must name one. */
    public TestGatewayOptions withoutSystemAgent() {
        return changed(copy -> copy.systemAgent = Optional.empty());
    }

    /** Forbids requests to choose their session key, which closes the mapped hooks too. */
    public TestGatewayOptions withoutSessionKeys() {
        return changed(copy -> copy.sessionKeysAllowed = false);
    }

    /** Changes how many runs go on at once. */
    public TestGatewayOptions withMaxRuns(int value) {
        return changed(copy -> copy.maxRuns = value);
    }

    /** Changes the times of an admission. */
    public TestGatewayOptions withAdmission(Duration window, Duration delay) {
        return changed(copy -> {
            copy.admissionWindow = window;
            copy.admissionDelay = delay;
        });
    }

    /** Changes how long, and for how many ended runs, keys are remembered. */
    public TestGatewayOptions withIdempotency(Duration window, int entries) {
        return changed(copy -> {
            copy.idempotencyWindow = window;
            copy.idempotencyEntries = entries;
        });
    }

    /** Changes the window in which bad tokens are counted. */
    public TestGatewayOptions withBadTokenWindow(Duration value) {
        return changed(copy -> copy.badTokenWindow = value);
    }

    /** Changes how many requests, and how many runs, the ledger keeps; it counts the others too. */
    public TestGatewayOptions withLedgerEntries(int value) {
        return changed(copy -> copy.ledgerEntries = value);
    }

    int ledgerEntries() {
        return ledgerEntries;
    }

    GatewayOptions build() {
        return new GatewayOptions(
                gateway.port(),
                gateway.hookToken(),
                agents,
                allowedAgents,
                systemAgent,
                sessionKeysAllowed,
                maxRuns,
                admissionWindow,
                admissionDelay,
                gateway.runTimeout(),
                idempotencyWindow,
                idempotencyEntries,
                badTokenWindow);
    }

    private TestGatewayOptions changed(Consumer<TestGatewayOptions> change) {
        try {
            TestGatewayOptions copy = (TestGatewayOptions) clone();
            change.accept(copy);
            return copy;
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException("this class is cloneable", e);
        }
    }
}
