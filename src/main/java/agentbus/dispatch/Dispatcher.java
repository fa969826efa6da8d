package agentbus.dispatch;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.InetAddress;
import java.net.UnknownHostException;
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
 * One start of the dispatching process: its id, the attempts it has in hand, and how long ago it last swept and beat. A
 * restarted process is another dispatcher, so that nothing of its former life is taken for its own.
 */
public final class Dispatcher {
    private static final int QUIET_SWEEPS = 4;

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
    private volatile boolean quiet;
    private volatile boolean alone;
    private final AtomicInteger recoveriesSkipped = new AtomicInteger();
    private final AtomicLong queueCheckedAt = new AtomicLong(System.nanoTime());
    private final AtomicLong heartbeatWrittenAt = new AtomicLong(System.nanoTime());

    /**
     * A dispatcher with a new id.
     *
     * @param version the program's version
     * @param wakeSource {@code listen} or {@code poll}
     * @param sweepEvery how often it looks at the queue unasked
     * @param heartbeatEvery how often it promises to beat
     * @param lease how long a claim is its own without a beat
     * @param claimBatch how many jobs one claim takes at most
     * @param gateways where it may dispatch to
     * @param listening whether its listener is connected
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
        this.host = hostName();
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

    /** The id, unique for each start: host, process and a part drawn by chance. */
    public String id() {
        return id;
    }

    /** The parameters of a claim: dispatcher, limit, leaseMs and gateways, the names joined by commas. */
    public Map<String, Object> claimParameters() {
        return Map.of(
                "dispatcher", id, "limit", claimBatch, "leaseMs", lease.toMillis(), "gateways", gateways.claimable());
    }

    /** The parameters of a beat: dispatcher, and beat, a JSON object as text. */
    public Map<String, Object> heartbeatParameters() {
        notificationsAtHeartbeat = notifications.get();
        return Map.of("dispatcher", id, "heartbeat", heartbeat());
    }

    /**
     * Takes an attempt in hand: from now on each beat renews its lease.
     *
     * @param attemptId the attempt's id
     */
    public void hold(String attemptId) {
        heldAttempts.add(attemptId);
    }

    /**
     * Lets go of an attempt, whatever became of it. If its outcome could not be written down its lease runs out, and the
     * same attempt is delivered again.
     *
     * @param attemptId the attempt's id
     */
    public void release(String attemptId) {
        heldAttempts.remove(attemptId);
    }

    /** How many attempts are in hand. */
    public int heldAttempts() {
        return heldAttempts.size();
    }

    /** Notes that the queue was just asked for due jobs, successfully. */
    public void queueChecked() {
        queueCheckedAt.set(System.nanoTime());
    }

    /**
     * Notes that a beat has reached the database.
     *
     * @param answer what {@code dispatcher_beat} answered, JSON text
     * @throws JsonProcessingException when the database answered something else than JSON
     */
    public void heartbeatWritten(@Body String answer) throws JsonProcessingException {
        JsonNode state = Json.read(answer);
        // The database looked before somebody notified this dispatcher, perhaps.
        quiet = state.path("quiet").asBoolean() && notifications.get() == notificationsAtHeartbeat;
        alone = state.path("alone").asBoolean();
        heartbeatWrittenAt.set(System.nanoTime());
    }

    /** Notes that somebody has said that there may be work. */
    public void notified() {
        notifications.incrementAndGet();
        quiet = false;
    }

    /** Whether no other dispatcher lives, as of the last beat; false before the first. */
    public boolean alone() {
        return alone;
    }

    /**
     * Whether a sweep is to look at the queue. While nothing is queued or at work, and a listener hears of what comes, every
     * fourth sweep is enough.
     */
    public boolean sweepDue() {
        // Half a sweep less: a timer's tick may come a little early.
        return !quiet || !listening.getAsBoolean() || sweepAgeMs() >= (QUIET_SWEEPS - 0.5) * sweepEvery.toMillis();
    }

    /**
     * Whether the recovery of this tick is to take place. While nothing is queued, at work or soon to leave its block, no
     * lease can run out, and every fourth is enough.
     */
    public boolean recoveryDue() {
        if (quiet && recoveriesSkipped.incrementAndGet() < QUIET_SWEEPS) {
            return false;
        }
        recoveriesSkipped.set(0);
        return true;
    }

    /** Milliseconds since the queue was last asked for due jobs; since the start, before the first time. */
    public long sweepAgeMs() {
        return (System.nanoTime() - queueCheckedAt.get()) / 1_000_000;
    }

    /** Milliseconds since a beat last reached the database; since the start, before the first one. */
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

    private static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            // A host without a name in DNS or its own files is still one host; the process id and chance tell starts
            // apart.
            return "localhost";
        }
    }
}
