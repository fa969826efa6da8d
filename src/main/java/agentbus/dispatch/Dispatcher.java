package agentbus.dispatch;

import agentbus.settings.HttpAddress;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.apache.camel.Body;

/**
 * One start of the dispatching process: its id, the attempts that it holds, and the times of its last look at the queue
 * and its last heartbeat. A restarted process is another dispatcher, so it never mistakes the attempts of its
 * predecessor for its own.
 */
public final class Dispatcher {
    /** Chosen: a quiet bus saves three of four queries, and still finds a lost notification after four sweeps. */
    private static final int QUIET_SWEEPS = 4;

    /** Chosen: on a quiet bus, questions are looked at every half minute, and runs every minute. */
    private static final int QUIET_LOOKS = 3;

    private final String id;
    private final String host;
    private final String version;
    private final String wakeSource;
    private final Duration sweepEvery;
    private final Duration heartbeatEvery;
    private final Duration lease;
    private final int claimBatch;
    private final Gateways gateways;
    private final BooleanSupplier listening;
    private final Set<String> heldAttempts = ConcurrentHashMap.newKeySet();
    private final AtomicLong notifications = new AtomicLong();
    private volatile long notificationsAtHeartbeat;
    private volatile boolean known;
    private volatile boolean begun;
    private volatile boolean quiet;
    private volatile boolean alone;
    private final AtomicInteger recoveriesSkipped = new AtomicInteger();
    private final AtomicInteger questionsSkipped = new AtomicInteger();
    private final AtomicInteger countsSkipped = new AtomicInteger();
    private final AtomicInteger runLooksSkipped = new AtomicInteger();
    private final AtomicLong queueCheckedAt = new AtomicLong(System.nanoTime());
    private final AtomicLong recoveredAt = new AtomicLong(System.nanoTime());
    private final AtomicLong heartbeatWrittenAt = new AtomicLong(System.nanoTime());

    /**
     * A dispatcher with a new id.
     *
     * @param version the program's version
     * @param wakeSource {@code listen} or {@code poll}
     * @param sweepEvery the time between two sweeps, which look at the queue without a notification
     * @param heartbeatEvery the time between two heartbeats
     * @param lease how long the dispatcher keeps a claim without a heartbeat
     * @param claimBatch the most jobs that one claim takes
     * @param gateways the gateways of this node
     * @param listening whether the listener of this node is connected
     */
    public Dispatcher(
            String version,
            String wakeSource,
            Duration sweepEvery,
            Duration heartbeatEvery,
            Duration lease,
            int claimBatch,
            Gateways gateways,
            BooleanSupplier listening) {
        this.host = HttpAddress.machineName();
        this.id = host + "-" + ProcessHandle.current().pid() + "-"
                + UUID.randomUUID().toString().substring(0, 8);
        this.version = version;
        this.wakeSource = wakeSource;
        this.sweepEvery = sweepEvery;
        this.heartbeatEvery = heartbeatEvery;
        this.lease = lease;
        this.claimBatch = claimBatch;
        this.gateways = gateways;
        this.listening = listening;
    }

    /** The id, unique for each start: host name, process id and a random part. */
    public String id() {
        return id;
    }

    /** Lets the dispatcher claim jobs. The start calls this when all routes run and the HTTP port is open. */
    public void begin() {
        begun = true;
    }

    /** Whether the dispatcher may claim jobs. */
    public boolean begun() {
        return begun;
    }

    /** The parameters of a claim: dispatcher, limit, leaseMs, and gateways, their names joined by commas. */
    public Map<String, Object> claimParameters() {
        return Map.of(
                "dispatcher", id, "limit", claimBatch, "leaseMs", lease.toMillis(), "gateways", gateways.claimable());
    }

    /**
     * Whether the database may know this dispatcher, because a heartbeat was sent. A start that fails before that may have
     * found a database of another version.
     */
    boolean known() {
        return known;
    }

    /** The parameters of a heartbeat: dispatcher, and heartbeat, a JSON object as text. */
    public Map<String, Object> heartbeatParameters() {
        known = true;
        notificationsAtHeartbeat = notifications.get();
        return Map.of("dispatcher", id, "heartbeat", heartbeat());
    }

    /**
     * Holds an attempt: from now on each heartbeat renews its lease.
     *
     * @param attemptId the attempt's id
     */
    public void hold(String attemptId) {
        heldAttempts.add(attemptId);
    }

    /**
     * Releases an attempt, whatever its outcome. If the outcome could not be written, the lease runs out and the same
     * hook call is repeated.
     *
     * @param attemptId the attempt's id
     */
    public void release(String attemptId) {
        heldAttempts.remove(attemptId);
    }

    /** The number of attempts that this dispatcher holds. */
    public int heldAttempts() {
        return heldAttempts.size();
    }

    /** Notes that a claim has just succeeded, with or without jobs. */
    public void queueChecked() {
        queueCheckedAt.set(System.nanoTime());
    }

    /**
     * Notes that a heartbeat has reached the database.
     *
     * @param answer the answer of {@code dispatcher_heartbeat}, JSON text: quiet, alone
     * @throws JsonProcessingException when the answer is not JSON
     */
    public void heartbeatWritten(@Body String answer) throws JsonProcessingException {
        JsonNode state = Json.read(answer);
        // A notification that arrived since the heartbeat was sent makes the database's answer out of date.
        quiet = state.path("quiet").asBoolean() && notifications.get() == notificationsAtHeartbeat;
        alone = state.path("alone").asBoolean();
        heartbeatWrittenAt.set(System.nanoTime());
    }

    /** Notes that there may be work. */
    public void notified() {
        notifications.incrementAndGet();
        quiet = false;
    }

    /**
     * Notes a notification that there may be work.
     *
     * @param payload of the notification; null when the listener has connected again
     * @return false for a notification of {@link #notification}, because this dispatcher was woken before it sent that
     */
    public boolean heard(@Body String payload) {
        if (id.equals(payload)) {
            return false;
        }
        notified();
        return true;
    }

    /** The parameters of a notification to the other dispatchers: dispatcher, by which this one knows its own. */
    public Map<String, Object> notification() {
        return Map.of("dispatcher", id);
    }

    /** Whether no other dispatcher was alive at the last heartbeat; false before the first. */
    public boolean alone() {
        return alone;
    }

    /**
     * Whether this sweep has to look at the queue. Every fourth sweep is enough while no job is queued or live and the
     * listener is connected.
     */
    public boolean sweepDue() {
        // Half a sweep less, because a timer may tick a little early.
        return !quiet || !listening.getAsBoolean() || sweepAgeMs() >= (QUIET_SWEEPS - 0.5) * sweepEvery.toMillis();
    }

    /**
     * Whether this recovery has to run. Every fourth is enough while no job is queued, live or about to leave its
     * block, because then no lease can run out.
     */
    public boolean recoveryDue() {
        return due(recoveriesSkipped, QUIET_SWEEPS);
    }

    /**
     * Whether this look at the open questions has to be made. Every third is enough while the bus is quiet, because then
     * no question needs a look within the next minute.
     */
    public boolean questionsDue() {
        return due(questionsSkipped, QUIET_LOOKS);
    }

    /** Whether the ends of jobs have to be counted now. Every fourth count is enough while the bus is quiet. */
    public boolean countDue() {
        return due(countsSkipped, QUIET_SWEEPS);
    }

    /**
     * Whether the runs that have ended or are to be stopped have to be looked for now. Every third look is enough while
     * the bus is quiet and the listener is connected, because then there is no such run, and a new one is notified.
     */
    public boolean runsDue() {
        return !listening.getAsBoolean() || due(runLooksSkipped, QUIET_LOOKS);
    }

    private boolean due(AtomicInteger skipped, int every) {
        if (quiet && skipped.incrementAndGet() < every) {
            return false;
        }
        skipped.set(0);
        return true;
    }

    /** Notes that a recovery has just succeeded. */
    public void recovered() {
        recoveredAt.set(System.nanoTime());
    }

    /** Milliseconds since the last successful recovery, or since the start. */
    public long recoveryAgeMs() {
        return (System.nanoTime() - recoveredAt.get()) / 1_000_000;
    }

    /** Milliseconds since the last successful claim, or since the start. */
    public long sweepAgeMs() {
        return (System.nanoTime() - queueCheckedAt.get()) / 1_000_000;
    }

    /** Milliseconds since a heartbeat last reached the database, or since the start. */
    public long heartbeatAgeMs() {
        return (System.nanoTime() - heartbeatWrittenAt.get()) / 1_000_000;
    }

    private String heartbeat() {
        ObjectNode heartbeat = Json.object()
                .put("host", host)
                .put("pid", ProcessHandle.current().pid())
                .put("version", version)
                .put("wakeSource", wakeSource)
                .put("listenerConnected", listening.getAsBoolean())
                .put("beatSeconds", heartbeatEvery.toMillis() / 1000.0)
                .put("leaseMs", lease.toMillis())
                .put("sweepAgeMs", sweepAgeMs());
        heldAttempts.forEach(heartbeat.putArray("attempts")::add);
        return heartbeat.toString();
    }
}
