package routes.pgevent;

import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.apache.camel.component.pgevent.PgEventConstants;
import org.apache.camel.spi.ExecutorServiceManager;
import org.apache.camel.spi.ThreadPoolProfile;
import org.apache.camel.support.DefaultConsumer;
import org.apache.camel.util.concurrent.ThreadPoolRejectedPolicy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens on one channel and reconnects when necessary. One thread owns the connection, replaces it when it ends or
 * falls silent, and asks the route for a resync after every connect.
 *
 * <p>An unreachable database never fails a start: the listener keeps trying, and the health check reports it. A stop
 * leaves no connection, and no thread once the exchange in progress has finished. Camel also stops this consumer to
 * suspend it.
 *
 * <p>The listener's thread reads the connection. Short-lived threads connect, because a driver may take longer than
 * {@link ListenTimes#connectLimit}. One worker runs the route, so that notifications keep their order and a slow route
 * does not delay the listener. When the worker's queue is full, one resync replaces the notifications that find no
 * room.
 */
public class SupervisedPgEventConsumer extends DefaultConsumer {

    private static final Logger LOG = LoggerFactory.getLogger(SupervisedPgEventConsumer.class);

    /** Chosen: at most 80 MB, because Postgres limits a payload to 8000 bytes; the bus's payloads have a few dozen. */
    private static final int QUEUE_SIZE = 10_000;
    /** Chosen: few, because each hanging connect holds a socket at a server that has trouble already. */
    private static final int HANGING_CONNECTS = 4;

    private static final long START_CHECK_MS = 20;
    private static final long IDLE_SECONDS = 10;

    private final SupervisedPgEventEndpoint endpoint;
    private final SupervisedPgEventComponent component;
    private final ListenTimes times;
    private final String channel;
    private final AtomicBoolean overflowed = new AtomicBoolean();

    private volatile ListenerState state = new ListenerState();
    private volatile Listening listening;
    private ExecutorService listener;
    private ExecutorService connectors;
    private volatile ExecutorService worker;

    /**
     * Makes a consumer; it connects when it is started.
     *
     * @param endpoint names the channel and the data source
     * @param processor the route
     * @param component keeps the list of started listeners
     */
    SupervisedPgEventConsumer(
            SupervisedPgEventEndpoint endpoint, Processor processor, SupervisedPgEventComponent component) {
        super(endpoint, processor);
        this.endpoint = endpoint;
        this.component = component;
        this.times = component.times();
        this.channel = endpoint.getChannel();
    }

    /**
     * The state of this listener.
     *
     * @return the state at this moment
     */
    public ListenerStatus status() {
        return state.snapshot(channel, getRouteId());
    }

    @Override
    protected void doStart() throws Exception {
        super.doStart();
        state = new ListenerState();
        overflowed.set(false);
        ExecutorServiceManager executors = getEndpoint().getCamelContext().getExecutorServiceManager();
        worker = executors.newThreadPool(this, "pgevent-" + channel, profile(1, QUEUE_SIZE));
        connectors = executors.newThreadPool(this, "pgevent-connect-" + channel, profile(HANGING_CONNECTS, 0));
        listener = executors.newSingleThreadExecutor(this, "pgevent-listener-" + channel);
        component.started(this);
        listener.execute(this::superviseUntilStopped);
    }

    @Override
    protected void doStop() throws Exception {
        component.stopped(this);
        if (listener != null) {
            ExecutorServiceManager executors = getEndpoint().getCamelContext().getExecutorServiceManager();
            executors.shutdownNow(listener);
            // Read after the interrupt, because the listener publishes its connection before it checks for an
            // interrupt.
            Listening open = listening;
            if (open != null) {
                // A read from a socket ignores interrupts.
                open.close();
            }
            executors.awaitTermination(listener, times.connectLimit().toMillis());
            executors.shutdownNow(connectors);
            // Without an interrupt, so that the exchange in progress finishes.
            executors.shutdown(worker);
            listener = null;
        }
        super.doStop();
    }

    @Override
    protected void doShutdown() throws Exception {
        if (worker != null) {
            getEndpoint().getCamelContext().getExecutorServiceManager().shutdownNow(worker);
        }
        super.doShutdown();
    }

    private static ThreadPoolProfile profile(int threads, int queueSize) {
        ThreadPoolProfile profile = new ThreadPoolProfile();
        profile.setPoolSize(1);
        profile.setMaxPoolSize(threads);
        profile.setMaxQueueSize(queueSize);
        profile.setKeepAliveTime(IDLE_SECONDS);
        profile.setTimeUnit(TimeUnit.SECONDS);
        profile.setAllowCoreThreadTimeOut(true);
        // Camel's default would run the task on the listener's thread.
        profile.setRejectedPolicy(ThreadPoolRejectedPolicy.Abort);
        return profile;
    }

    private void superviseUntilStopped() {
        try {
            awaitOtherRoutes();
            Duration pause = times.firstPause();
            while (true) {
                if (listenUntilTrouble()) {
                    pause = times.firstPause();
                }
                TimeUnit.MILLISECONDS.sleep(jittered(pause));
                Duration doubled = pause.multipliedBy(2);
                pause = doubled.compareTo(times.longestPause()) > 0 ? times.longestPause() : doubled;
            }
        } catch (InterruptedException e) {
            state.stopped();
            LOG.debug("The listener on channel {} was stopped", channel);
        }
    }

    /**
     * Waits until the context has started, because the first resync usually goes to a {@code direct:} endpoint of a
     * route that may start later. Polls, because Camel calls onCamelContextFullyStarted on its first start only, and a
     * route may start again.
     */
    private void awaitOtherRoutes() throws InterruptedException {
        while (getEndpoint().getCamelContext().getStatus().isStarting()) {
            TimeUnit.MILLISECONDS.sleep(START_CHECK_MS);
        }
    }

    /** Connects, and listens until the connection ends. Returns whether a connection was made. */
    private boolean listenUntilTrouble() throws InterruptedException {
        Listening fresh = null;
        try {
            fresh = connect();
            listening = fresh;
            requireNotStopped();
            long connects = state.connected();
            LOG.info("Listening on channel {} (connect {})", channel, connects);
            enqueueResync();
            hear(fresh);
        } catch (SQLException | RuntimeException e) {
            requireNotStopped();
            String why = e.getClass().getSimpleName() + ": " + e.getMessage();
            if (state.failed(why)) {
                LOG.warn("Not listening on channel {}, trying again: {}", channel, why);
            } else {
                LOG.debug("Still not listening on channel {}: {}", channel, why);
            }
        } finally {
            listening = null;
            if (fresh != null) {
                fresh.close();
            }
        }
        return fresh != null;
    }

    private Listening connect() throws SQLException, InterruptedException {
        CompletableFuture<Listening> opening = new CompletableFuture<>();
        try {
            connectors.execute(() -> open(opening));
        } catch (RejectedExecutionException e) {
            throw new SQLException(HANGING_CONNECTS + " earlier attempts to connect still wait for an answer", e);
        }
        try {
            return opening.get(times.connectLimit().toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            opening.thenAccept(Listening::close);
            throw new SQLTimeoutException(
                    "connecting took longer than " + times.connectLimit().toMillis() + " ms", e);
        } catch (InterruptedException e) {
            opening.thenAccept(Listening::close);
            throw e;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SQLException refused) {
                throw refused;
            }
            throw new SQLException(e.getCause());
        }
    }

    private void open(CompletableFuture<Listening> opening) {
        try {
            opening.complete(Listening.open(endpoint.connections(), channel, times.pingLimit()));
        } catch (SQLException | RuntimeException e) {
            opening.completeExceptionally(e);
        }
    }

    /** Passes notifications on until the connection ends, and pings a quiet server. */
    private void hear(Listening open) throws SQLException, InterruptedException {
        while (true) {
            Duration untilPing = times.quiet().minus(state.quietFor());
            if (untilPing.toMillis() > 0) {
                open.heardWithin(untilPing).forEach(this::enqueuePayload);
            } else {
                open.ping();
                state.answered();
            }
            requireNotStopped();
        }
    }

    private static void requireNotStopped() throws InterruptedException {
        if (Thread.currentThread().isInterrupted()) {
            throw new InterruptedException();
        }
    }

    /** A random time from half of the pause to the whole pause, so that several listeners do not reconnect at once. */
    private static long jittered(Duration pause) {
        long full = pause.toMillis();
        return ThreadLocalRandom.current().nextLong(full / 2, full + 1);
    }

    private void enqueuePayload(String payload) {
        state.notified();
        ListenerState run = state;
        enqueue(() -> route(run, payload, false));
    }

    private void enqueueResync() {
        ListenerState run = state;
        enqueue(() -> route(run, null, true));
    }

    private void enqueue(Runnable exchange) {
        try {
            worker.execute(exchange);
        } catch (RejectedExecutionException e) {
            overflowed.set(true);
        }
    }

    private void route(ListenerState run, String payload, boolean resync) {
        // Skips an exchange that a stop left in the queue; the resync of the next start replaces it.
        if (run != state || !isRunAllowed()) {
            return;
        }
        Exchange exchange = createExchange(true);
        exchange.getMessage().setHeader(PgEventConstants.HEADER_CHANNEL, channel);
        exchange.getMessage().setBody(payload);
        if (resync) {
            exchange.getMessage().setHeader(SupervisedPgEventComponent.RESYNC_HEADER, true);
        }
        try {
            getProcessor().process(exchange);
        } catch (Exception e) {
            exchange.setException(e);
        }
        if (exchange.getException() != null) {
            String what = resync ? "a resync" : "a notification";
            getExceptionHandler()
                    .handleException("Error on " + what + " of channel " + channel, exchange, exchange.getException());
        }
        if (overflowed.compareAndSet(true, false)) {
            LOG.warn("Dropped notifications of channel {}: {} were waiting; resyncing instead", channel, QUEUE_SIZE);
            route(run, null, true);
        }
    }
}
