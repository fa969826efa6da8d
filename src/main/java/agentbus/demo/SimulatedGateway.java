package agentbus.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A simulated OpenClaw gateway on loopback. A dispatcher sees the measured behaviour of OpenClaw 2026.9.6: the same
 * endpoints, refusals and texts, one run per session, eight runs at once, a 503 after the admission window, and
 * idempotency keys that a crash forgets. A {@link RunHandler} takes the part of the model.
 *
 * <p>The constructor starts listening. A request that waits for its admission holds no thread. Thread-safe.
 */
public class SimulatedGateway implements AutoCloseable {

    /** Chosen: enough to read small bodies, since no request waits on these threads. */
    private static final int WORKERS = 8;

    private final GatewayOptions options;
    private final RunHandler handler;
    private final GatewayWatch watch;
    private final ScheduledThreadPoolExecutor timer;
    private final ExecutorService workers;
    private final int port;
    private GatewayLife life;
    private boolean closed;

    /**
     * Starts a gateway.
     *
     * <p>Sets two system properties of the JDK's HTTP server, unless they are set: small answers are not delayed, and
     * idle connections are closed after 5 s (as measured on OpenClaw 2026.9.6; checked every second). The properties
     * have no effect if this process has already started an HTTP server of the JDK.
     *
     * @param options the gateway's options
     * @param handler does the work of a run
     * @throws UncheckedIOException if the port is taken
     */
    public SimulatedGateway(GatewayOptions options, RunHandler handler) {
        this(options, handler, GatewayWatch.NONE);
    }

    /**
     * Starts a gateway with a watch.
     *
     * @param options the gateway's options
     * @param handler does the work of a run
     * @param watch observes each request and run, and may inject faults
     * @throws UncheckedIOException if the port is taken
     */
    SimulatedGateway(GatewayOptions options, RunHandler handler, GatewayWatch watch) {
        setIfAbsent("sun.net.httpserver.nodelay", "true");
        setIfAbsent("sun.net.httpserver.idleInterval", "5");
        setIfAbsent("sun.net.httpserver.clockTick", "1000");
        this.options = options;
        this.handler = handler;
        this.watch = watch;
        this.timer = new ScheduledThreadPoolExecutor(1, daemons("gateway-timer"));
        // Nearly every timeout is cancelled; without this policy a cancelled one would stay in memory until it is due.
        timer.setRemoveOnCancelPolicy(true);
        this.workers = Executors.newFixedThreadPool(WORKERS, daemons("gateway-worker"));
        this.life = begin(options.port());
        this.port = life.port();
    }

    /**
     * The gateway's address.
     *
     * @return the address without a path, such as {@code http://127.0.0.1:18789}; a restart keeps it
     */
    public URI url() {
        return URI.create("http://127.0.0.1:" + port);
    }

    /**
     * Crashes like a process after SIGKILL: closes the socket and all connections without an answer, kills the runs,
     * and forgets waiting requests and idempotency keys. Does nothing if the gateway is down.
     */
    public synchronized void crash() {
        if (life != null) {
            life.kill();
            life = null;
        }
    }

    /**
     * Starts the gateway again on the same port, with an empty memory; a running gateway crashes first.
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
            return new GatewayLife(options, onPort, handler, watch, timer, workers);
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
