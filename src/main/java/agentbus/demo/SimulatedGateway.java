package agentbus.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Predicate;

/**
 * An OpenClaw gateway on loopback that behaves towards a dispatcher as OpenClaw 2026.9.6 was measured to behave: the
 * same endpoints, refusals and texts, one run per session, eight runs at once, a 503 after the admission window, a memory
 * for idempotency keys that a crash wipes out. What runs in place of a model is a {@link RunHandler}.
 *
 * <p>It listens at once. A request that waits for its admission holds no thread. Safe for use by many threads.
 */
public final class SimulatedGateway implements AutoCloseable {

    /** Ours: enough to read small bodies; nothing waits on these threads. */
    private static final int WORKERS = 8;

    private final GatewayOptions options;
    private final RunHandler handler;
    private final GatewayLedger ledger;
    private final FaultPlan faults = new FaultPlan();
    private final ScheduledThreadPoolExecutor timer;
    private final ExecutorService workers;
    private final int port;
    private volatile BiConsumer<AdmittedRun, RunEnd> plugin = (run, end) -> {};
    private GatewayLife life;
    private boolean closed;

    /**
     * Starts a gateway.
     *
     * <p>Where the process has not set them, this sets the JDK server's system properties for no delay of small
     * answers, and for closing idle connections after 5 s (as measured on OpenClaw 2026.9.6; checked every second). They
     * take effect only if no other server of the JDK was started before in this process.
     *
     * @param options how it is set up
     * @param handler what a run does
     * @throws UncheckedIOException if the port is taken
     */
    public SimulatedGateway(GatewayOptions options, RunHandler handler) {
        setIfAbsent("sun.net.httpserver.nodelay", "true");
        setIfAbsent("sun.net.httpserver.idleInterval", "5");
        setIfAbsent("sun.net.httpserver.clockTick", "1000");
        this.options = options;
        this.handler = handler;
        this.ledger = new GatewayLedger(options.ledgerEntries());
        this.timer = new ScheduledThreadPoolExecutor(1, daemons("gateway-timer"));
        // Nearly every timeout is cancelled; without this each would stay in memory until its time.
        timer.setRemoveOnCancelPolicy(true);
        this.workers = Executors.newFixedThreadPool(WORKERS, daemons("gateway-worker"));
        this.life = begin(options.port());
        this.port = life.port();
    }

    /**
     * Where the gateway listens.
     *
     * @return the address without a path, such as {@code http://127.0.0.1:18789}; the same after a restart
     */
    public URI url() {
        return URI.create("http://127.0.0.1:" + port);
    }

    /**
     * Where an agent's mapped hook is.
     *
     * @param agentId the agent
     * @return the hook's address
     */
    public URI hookUrl(String agentId) {
        return url().resolve(options.hookPath() + "/job/" + agentId);
    }

    /**
     * What was received and run, over all lives of this gateway.
     *
     * @return the ledger
     */
    public GatewayLedger ledger() {
        return ledger;
    }

    /**
     * Installs what a plugin of the gateway does at the end of a run. It is called on a thread of the gateway, and not for
     * the runs of a crash.
     *
     * @param atRunEnd takes each run that has ended, and how
     */
    public void plugin(BiConsumer<AdmittedRun, RunEnd> atRunEnd) {
        this.plugin = atRunEnd;
    }

    /** From now on answers every hook 503 with Retry-After and is not ready; what was admitted or waits goes on. */
    public synchronized void drain() {
        if (life != null) {
            life.draining(true);
        }
    }

    /** Ends a drain. */
    public synchronized void resume() {
        if (life != null) {
            life.draining(false);
        }
    }

    /**
     * Dies as by SIGKILL: closes the socket and every connection without an answer, kills the runs, forgets waiting
     * requests and idempotency keys. Does nothing if it is down.
     */
    public synchronized void crash() {
        if (life != null) {
            life.kill();
            life = null;
        }
    }

    /**
     * Starts again on the same port, with nothing remembered; crashes first if it is up. Faults and the ledger stay.
     *
     * @throws UncheckedIOException if another process took the port meanwhile
     * @throws IllegalStateException if the gateway is closed
     */
    public synchronized void restart() {
        if (closed) {
            throw new IllegalStateException("The gateway is closed");
        }
        crash();
        life = begin(port);
    }

    /**
     * Lets the next hooks with a good token fail, before any lasting fault; calls add up.
     *
     * @param count how many
     * @param fault what happens to them
     */
    public void failNext(int count, Fault fault) {
        faults.failNext(count, fault);
    }

    /**
     * Lets all hooks with a good token fail that match, until removed.
     *
     * @param when which ones
     * @param fault what happens to them
     * @return removes this fault
     */
    public Runnable fault(Predicate<HookRequest> when, Fault fault) {
        return faults.addLasting(when, fault);
    }

    /** Removes all faults. */
    public void clearFaults() {
        faults.clear();
    }

    /** Ends the gateway for good, as {@link #crash()} does. */
    @Override
    public synchronized void close() {
        closed = true;
        crash();
        timer.shutdownNow();
        workers.shutdownNow();
    }

    private GatewayLife begin(int onPort) {
        try {
            return new GatewayLife(
                    options, onPort, handler, ledger, faults, timer, workers, (run, end) -> plugin.accept(run, end));
        } catch (IOException e) {
            throw new UncheckedIOException("No gateway at 127.0.0.1:" + onPort + ": " + e.getMessage(), e);
        }
    }

    private static void setIfAbsent(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    private static ThreadFactory daemons(String name) {
        AtomicInteger count = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, name + "-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }
}
