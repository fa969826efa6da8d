package agentbus.demo;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Admits runs, first come first served: one per session key, and a fixed number on the whole gateway. A waiting
 * admission holds no thread, and each step is O(1).
 */
final class RunSlots {

    private static final Logger LOG = LoggerFactory.getLogger(RunSlots.class);

    private static final class Session {
        private Admission holder;
        private final Set<Admission> waiters = new LinkedHashSet<>();
    }

    private final GatewayOptions options;
    private final RunHandler handler;
    private final GatewayWatch watch;
    private final ScheduledExecutorService timer;
    private final Executor workers;

    private final Map<String, Session> sessions = new HashMap<>();
    private final Set<Admission> ready = new LinkedHashSet<>();
    private final Set<Admission> running = new HashSet<>();
    private boolean killed;

    RunSlots(
            GatewayOptions options,
            RunHandler handler,
            GatewayWatch watch,
            ScheduledExecutorService timer,
            Executor workers) {
        this.options = options;
        this.handler = handler;
        this.watch = watch;
        this.timer = timer;
        this.workers = workers;
    }

    /** Lets a run start now or later, or refuses it when the admission window has passed. */
    void submit(Admission admission) {
        synchronized (this) {
            if (killed) {
                return;
            }
            Session session = sessions.computeIfAbsent(admission.run().sessionKey(), key -> new Session());
            if (session.holder == null) {
                session.holder = admission;
                ready.add(admission);
            } else {
                session.waiters.add(admission);
            }
            if (session.holder != admission || running.size() >= options.maxRuns() || ready.size() > 1) {
                admission.timer(after(options.admissionWindow().toNanos(), () -> refuse(admission)));
            }
        }
        startReady(Runnable::run);
    }

    /** Ends all runs like a killed process: sends no answers, and cancels the handlers' stages. */
    void kill() {
        List<Admission> dead;
        synchronized (this) {
            killed = true;
            dead = new ArrayList<>(running);
            for (Session session : sessions.values()) {
                session.waiters.forEach(waiter -> waiter.timer(null));
                session.holder.timer(null);
            }
            sessions.clear();
            ready.clear();
            running.clear();
            dead.forEach(admission -> admission.state(Admission.State.ENDED));
        }
        for (Admission admission : dead) {
            admission.watchEnd(RunEnd.KILLED);
            cancelWork(admission);
        }
    }

    private void refuse(Admission admission) {
        synchronized (this) {
            if (killed || admission.state() != Admission.State.WAITING) {
                return;
            }
            admission.state(Admission.State.REFUSED);
            ready.remove(admission);
            leaveSession(admission);
        }
        startReady(workers);
        admission.refuse();
    }

    private void end(Admission admission, RunEnd how) {
        synchronized (this) {
            if (killed || admission.state() != Admission.State.RUNNING) {
                return;
            }
            admission.state(Admission.State.ENDED);
            admission.timer(null);
            running.remove(admission);
            leaveSession(admission);
            // Under the lock, because the watch must see this end before the start of the next run.
            admission.watchEnd(how);
        }
        startReady(workers);
        admission.end(how);
        if (how == RunEnd.TIMEOUT) {
            cancelWork(admission);
        }
    }

    private void leaveSession(Admission admission) {
        String key = admission.run().sessionKey();
        Session session = sessions.get(key);
        if (session.holder != admission) {
            session.waiters.remove(admission);
        } else if (session.waiters.isEmpty()) {
            sessions.remove(key);
        } else {
            session.holder = session.waiters.iterator().next();
            session.waiters.remove(session.holder);
            ready.add(session.holder);
        }
    }

    /**
     * Starts the runs that have a slot. After the end of a run they start on worker threads, so that ends do not nest.
     */
    private void startReady(Executor on) {
        List<Admission> starting = new ArrayList<>(1);
        synchronized (this) {
            while (!killed && running.size() < options.maxRuns() && !ready.isEmpty()) {
                Admission admission = ready.iterator().next();
                ready.remove(admission);
                admission.state(Admission.State.RUNNING);
                running.add(admission);
                long delay = options.admissionDelay().toNanos();
                if (delay > 0) {
                    admission.timer(after(delay, () -> quietly(workers, () -> begin(admission))));
                } else {
                    admission.timer(null);
                    starting.add(admission);
                }
            }
        }
        starting.forEach(admission -> quietly(on, () -> begin(admission)));
    }

    private void begin(Admission admission) {
        AdmittedRun run = admission.run();
        synchronized (this) {
            if (killed || admission.state() != Admission.State.RUNNING) {
                return;
            }
            admission.started(watch.started(run));
            admission.timer(
                    after(run.timeout().toNanos(), () -> quietly(workers, () -> end(admission, RunEnd.TIMEOUT))));
        }
        // The answer goes out first: a real gateway answers long before the model's first word.
        admission.admitted().complete(true);
        CompletionStage<Void> work;
        try {
            work = handler.run(run);
        } catch (RuntimeException e) {
            LOG.warn("Run {} of {} failed at its start", run.runId(), run.agentId(), e);
            end(admission, RunEnd.ERROR);
            return;
        }
        boolean over;
        synchronized (this) {
            admission.work(work);
            over = admission.state() == Admission.State.ENDED;
        }
        if (over) {
            cancelWork(admission);
        }
        work.whenComplete((done, failure) -> end(admission, failure == null ? RunEnd.OK : RunEnd.ERROR));
    }

    private void cancelWork(Admission admission) {
        CompletionStage<Void> work;
        synchronized (this) {
            work = admission.work();
        }
        if (work != null) {
            work.toCompletableFuture().cancel(false);
        }
    }

    private ScheduledFuture<?> after(long nanos, Runnable task) {
        return timer.schedule(task, nanos, TimeUnit.NANOSECONDS);
    }

    private static void quietly(Executor on, Runnable task) {
        try {
            on.execute(task);
        } catch (RejectedExecutionException e) {
            LOG.debug("The gateway is closed; a late task was dropped");
        }
    }
}
