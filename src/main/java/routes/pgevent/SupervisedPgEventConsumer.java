package routes.pgevent;

import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
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
 * Listens on one channel and keeps doing so: one thread owns the connection, replaces it when it ends or falls silent,
 * and asks the route for a resync after every connect.
 *
 * <p>A start never fails because the database is away: the listener keeps trying, and health says so. A stop, which is
 * also what Camel does to suspend this consumer, leaves no connection and no thread of it; an exchange that is under way
 * is finished first.
 *
 * <p>Threads: the supervisor, which never calls the driver; side threads, which do; and one worker that runs the route,
 * so that notifications keep their order and a slow route does not delay the supervision. The worker's queue is bounded:
 * notifications beyond it are dropped and answered by one resync, since they are hints.
 */
public class SupervisedPgEventConsumer extends DefaultConsumer {

    private static final Logger LOG = LoggerFactory.getLogger(SupervisedPgEventConsumer.class);

    private static final int QUEUE_SIZE = 10_000;
    // Attempts the driver still waits for after we gave up; more would pile up sockets at a server that is already ill.
    private static final int HANGING_CONNECTS = 4;
    private static final int SIDE_THREADS = 8;
    private static final long START_CHECK_MS = 20;
    private static final long IDLE_SECONDS = 10;

    private final SupervisedPgEventEndpoint endpoint;
    private final SupervisedPgEventComponent component;
    private final ListenTimes times;
    private final String channel;
    private final AtomicBoolean overflowed = new AtomicBoolean();
    private final Semaphore connectPermits = new Semaphore(HANGING_CONNECTS);

    private volatile ListenerState state = new ListenerState();
    private ExecutorService supervisor;
    private ExecutorService sidePool;
    private volatile ExecutorService worker;
    private SideThreads side;

    /**
     * Makes a consumer; it connects when it is started.
     *
     * @param endpoint names the channel and opens connections
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
     * How this listener is.
     *
     * @return its numbers at this moment
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
        sidePool = executors.newThreadPool(this, "pgevent-side-" + channel, profile(SIDE_THREADS, SIDE_THREADS));
        side = new SideThreads(sidePool);
        supervisor = executors.newSingleThreadExecutor(this, "pgevent-supervisor-" + channel);
        component.started(this);
        supervisor.execute(this::supervise);
    }

    @Override
    protected void doStop() throws Exception {
        component.stopped(this);
        if (supervisor != null) {
            ExecutorServiceManager executors = getEndpoint().getCamelContext().getExecutorServiceManager();
            // Interrupted, the supervisor closes its connection; it waits for that no longer than for a ping.
            executors.shutdownNow(supervisor);
            executors.awaitTermination(supervisor, times.connectLimit().toMillis());
            // Without interrupts: a late connect still has to be closed, and an exchange to be finished.
            executors.shutdown(sidePool);
            executors.shutdown(worker);
            supervisor = null;
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
        // All of them core threads: a pool grows beyond its core only when its queue is full, and Camel gives a pool
        // without a queue a single thread.
        profile.setPoolSize(threads);
        profile.setMaxPoolSize(threads);
        profile.setMaxQueueSize(queueSize);
        profile.setKeepAliveTime(IDLE_SECONDS);
        profile.setTimeUnit(TimeUnit.SECONDS);
        profile.setAllowCoreThreadTimeOut(true);
        // The default would run the task on the thread that hands it over: the driver's I/O thread.
        profile.setRejectedPolicy(ThreadPoolRejectedPolicy.Abort);
        return profile;
    }

    private void supervise() {
        try {
            awaitOtherRoutes();
            Duration pause = times.firstPause();
            while (!Thread.currentThread().isInterrupted()) {
                if (listenUntilTrouble()) {
                    pause = times.firstPause();
                }
                TimeUnit.MILLISECONDS.sleep(jittered(pause));
                Duration doubled = pause.multipliedBy(2);
                pause = doubled.compareTo(times.longestPause()) > 0 ? times.longestPause() : doubled;
            }
        } catch (InterruptedException e) {
            LOG.debug("The listener on channel {} was told to stop", channel);
        }
    }

    /**
     * Waits until the context is through with its start: the first resync goes out at once, mostly to a {@code direct:} of
     * a route that may be started after this one. Asked rather than told: Camel calls onCamelContextFullyStarted on its
     * first start only, and a route may be started again.
     */
    private void awaitOtherRoutes() throws InterruptedException {
        while (getEndpoint().getCamelContext().getStatus().isStarting()) {
            TimeUnit.MILLISECONDS.sleep(START_CHECK_MS);
        }
    }

    /** Connects and watches; returns, when the connection is over, whether there was one. */
    private boolean listenUntilTrouble() throws InterruptedException {
        Listening listening = null;
        try {
            listening = connect();
            long connects = state.connected();
            LOG.info("Listening on channel {} (connect {})", channel, connects);
            enqueueResync();
            watch(listening);
            return true;
        } catch (InterruptedException e) {
            state.stopped();
            closeBeforeStop(listening);
            throw e;
        } catch (Exception e) {
            String why = component.describe(e, endpoint);
            if (state.failed(why)) {
                LOG.warn("Not listening on channel {}, trying again: {}", channel, why);
            } else {
                LOG.debug("Still not listening on channel {}: {}", channel, why);
            }
            closeAside(listening);
            return listening != null;
        }
    }

    private Listening connect() throws Exception {
        if (!connectPermits.tryAcquire()) {
            throw new SQLException(HANGING_CONNECTS + " earlier attempts to connect still wait for an answer");
        }
        ListenerState run = state;
        Listening fresh = new Listening(channel, payload -> enqueuePayload(run, payload));
        try {
            return side.within("connecting", times.connectLimit(), () -> openThenRelease(fresh), Listening::close);
        } catch (RejectedExecutionException e) {
            connectPermits.release();
            throw e;
        }
    }

    private Listening openThenRelease(Listening fresh) throws Exception {
        try {
            return fresh.open(endpoint::initJdbc);
        } finally {
            connectPermits.release();
        }
    }

    private void watch(Listening listening) throws Exception {
        while (true) {
            Duration untilPing = times.quiet().minus(state.quietFor());
            if (!untilPing.isNegative() && !untilPing.isZero()) {
                if (listening.lostWithin(untilPing)) {
                    throw new SQLException("the connection was closed");
                }
                continue;
            }
            boolean answered = side.within(
                    "asking for an answer",
                    times.connectLimit(),
                    () -> listening.answers(times.pingLimit()),
                    late -> LOG.debug("A late answer on channel {}: {}", channel, late));
            if (!answered) {
                throw new SQLException("no answer within " + times.pingLimit().toSeconds() + " s");
            }
            state.answered();
        }
    }

    private void closeAside(Listening listening) {
        if (listening == null) {
            return;
        }
        listening.end();
        try {
            sidePool.execute(listening::close);
        } catch (RejectedExecutionException e) {
            LOG.warn("Left a broken connection of channel {} to its server's timeout: no side thread is free", channel);
        }
    }

    private void closeBeforeStop(Listening listening) {
        if (listening == null) {
            return;
        }
        listening.end();
        try {
            side.within("closing", times.pingLimit(), () -> closed(listening), late -> LOG.debug("Closed late"));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            LOG.debug("The connection of channel {} did not close in time", channel, e);
        }
    }

    private static boolean closed(Listening listening) {
        listening.close();
        return true;
    }

    /** Half of the pause to all of it, so that several listeners do not come back in step. */
    private static long jittered(Duration pause) {
        long full = pause.toMillis();
        return ThreadLocalRandom.current().nextLong(full / 2, full + 1);
    }

    /** Runs on the driver's I/O thread. */
    private void enqueuePayload(ListenerState run, String payload) {
        run.notified();
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
        // What a stop left in the queue is covered by the resync of the next start.
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
