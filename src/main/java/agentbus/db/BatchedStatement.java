package agentbus.db;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DataAccessResourceFailureException;

/**
 * One statement shared by many callers. A call runs at once if none came just before it; calls that arrive while the
 * statement runs form the next batch. Under load a run also waits for more calls, because most of its cost does not
 * depend on their number: so the calls share commits, round trips and triggers. Thread-safe.
 *
 * @param <I> the input of one call
 * @param <O> the answer to one call
 */
public final class BatchedStatement<I, O> implements AutoCloseable {
    /** Chosen: an idle bus needs no threads here, and starting one is cheap. */
    private static final long IDLE_SECONDS = 30;
    /**
     * Chosen: a run over 20 ms waits for a lock or the disk, so a second run may start. Below that a larger batch is
     * cheaper.
     */
    private static final long SLOW_NANOS = 20_000_000;
    /** Chosen: at 200 calls a second, fewer than one run in a hundred has as many. */
    private static final int BUSY = 3;
    /** Chosen: a larger batch saves little more (docs/performance.md), and a node has 16 threads for hook calls. */
    private static final int ENOUGH = 12;

    private final Function<List<I>, List<O>> run;
    private final int maxBatch;
    private final int maxConcurrent;
    private final Pace pace;
    private final AtomicInteger queued = new AtomicInteger();
    private final AtomicReference<Thread> gatherer = new AtomicReference<>();
    private final Queue<Call<I, O>> waiting = new ConcurrentLinkedQueue<>();
    private final AtomicInteger runs = new AtomicInteger();
    private volatile long lastRunStartedAt;
    private final ThreadPoolExecutor threads;

    /**
     * How long a run waits for more calls.
     *
     * @param awaited whether callers wait for their answers. A run then waits only after one with several calls, and
     *     until there are enough for a large batch. Otherwise each run waits for its time after the start of the one
     *     before.
     * @param nanos the longest wait
     */
    private record Pace(boolean awaited, long nanos) {}

    /** One call in the queue. */
    private record Call<I, O>(I input, CompletableFuture<O> answer) {}

    /**
     * A statement for whose answers callers wait.
     *
     * @param name the name of its threads
     * @param maxBatch the most calls in one run
     * @param maxConcurrent the most runs at once; another starts only when the last one is slow
     * @param gather how long a run waits at most for more calls, when the run before it had several; zero for not at
     *     all
     * @param run the statement: takes the inputs of a batch and returns their answers in the same order
     * @param <I> the input of one call
     * @param <O> the answer to one call
     * @return the statement
     */
    public static <I, O> BatchedStatement<I, O> awaited(
            String name, int maxBatch, int maxConcurrent, Duration gather, Function<List<I>, List<O>> run) {
        return new BatchedStatement<>(name, maxBatch, maxConcurrent, new Pace(true, gather.toNanos()), run);
    }

    /**
     * A statement for whose answers nobody waits. It has one run at a time.
     *
     * @param name the name of its thread
     * @param maxBatch the most calls in one run
     * @param apart how long after the start of a run the next one begins at the earliest, if it has fewer calls than a
     *     batch holds
     * @param run the statement: takes the inputs of a batch and returns their answers in the same order
     * @param <I> the input of one call
     * @param <O> the answer to one call
     * @return the statement
     */
    public static <I, O> BatchedStatement<I, O> unawaited(
            String name, int maxBatch, Duration apart, Function<List<I>, List<O>> run) {
        return new BatchedStatement<>(name, maxBatch, 1, new Pace(false, apart.toNanos()), run);
    }

    private BatchedStatement(String name, int maxBatch, int maxConcurrent, Pace pace, Function<List<I>, List<O>> run) {
        this.pace = pace;
        // The first run does not wait.
        this.lastRunStartedAt = System.nanoTime() - pace.nanos;
        this.run = run;
        this.maxBatch = maxBatch;
        this.maxConcurrent = maxConcurrent;
        this.threads = new ThreadPoolExecutor(
                maxConcurrent, maxConcurrent, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, name);
                    thread.setDaemon(true);
                    return thread;
                });
        threads.allowCoreThreadTimeOut(true);
    }

    /**
     * Adds a call to the next batch, without blocking.
     *
     * @param input the call's input
     * @return the answer, or the statement's exception; completed on the statement's thread, so dependent stages must
     *     not block
     */
    public CompletableFuture<O> call(I input) {
        CompletableFuture<O> answer = add(input);
        if (tryStartRun()) {
            runOnThread(0);
        }
        return answer;
    }

    /**
     * Adds a call to the next batch and waits for its answer. When no run is under way, the caller runs the statement
     * on its own thread, which saves a lone call two changes of thread.
     *
     * @param input the call's input
     * @return the answer
     * @throws RuntimeException the statement's exception
     */
    public O await(I input) {
        CompletableFuture<O> answer = add(input);
        if (tryStartRun()) {
            int calls = runOnce();
            // Another thread runs the calls that arrived meanwhile, so this caller does not wait for them.
            endRun(calls);
        }
        try {
            return answer.join();
        } catch (CompletionException failed) {
            throw failed.getCause() instanceof RuntimeException cause ? cause : failed;
        }
    }

    private boolean tryStartRun() {
        int now = runs.get();
        while (now < maxConcurrent && (now == 0 || System.nanoTime() - lastRunStartedAt > SLOW_NANOS)) {
            if (runs.compareAndSet(now, now + 1)) {
                return true;
            }
            now = runs.get();
        }
        return false;
    }

    private CompletableFuture<O> add(I input) {
        CompletableFuture<O> answer = new CompletableFuture<>();
        waiting.add(new Call<>(input, answer));
        if (queued.incrementAndGet() >= enough()) {
            // Does nothing when no run gathers.
            LockSupport.unpark(gatherer.get());
        }
        return answer;
    }

    private void endRun(int calls) {
        runs.decrementAndGet();
        // A call may have arrived after the last check of the queue.
        if (!waiting.isEmpty() && tryStartRun()) {
            runOnThread(calls);
        }
    }

    private void runOnThread(int callsBefore) {
        try {
            threads.execute(() -> runUntilEmpty(callsBefore));
        } catch (RejectedExecutionException closed) {
            // The threads have ended; calls from before the close are still answered.
            runUntilEmpty(callsBefore);
        }
    }

    private void runUntilEmpty(int callsBefore) {
        int calls = callsBefore;
        do {
            if (!pace.awaited) {
                gather(lastRunStartedAt + pace.nanos);
            } else if (calls >= BUSY && pace.nanos > 0) {
                gather(System.nanoTime() + pace.nanos);
            }
            calls = runOnce();
        } while (calls > 0);
        endRun(0);
    }

    private int enough() {
        return pace.awaited ? ENOUGH : maxBatch;
    }

    /** Waits until enough calls are queued for a large batch, at most until a time of {@code System.nanoTime}. */
    private void gather(long end) {
        if (!gatherer.compareAndSet(null, Thread.currentThread())) {
            // Another run gathers already.
            return;
        }
        if (pace.awaited) {
            // Not slow: a call that comes meanwhile joins this run and starts no second one.
            lastRunStartedAt = System.nanoTime();
        }
        long left = end - System.nanoTime();
        while (left > 0
                && queued.get() < enough()
                && !threads.isShutdown()
                && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(this, left);
            left = end - System.nanoTime();
        }
        gatherer.set(null);
    }

    /** Runs the next batch; returns how many calls it had. */
    private int runOnce() {
        List<Call<I, O>> calls = nextBatch();
        if (!calls.isEmpty()) {
            queued.addAndGet(-calls.size());
            lastRunStartedAt = System.nanoTime();
            answer(calls);
        }
        return calls.size();
    }

    private List<Call<I, O>> nextBatch() {
        List<Call<I, O>> calls = new ArrayList<>();
        Call<I, O> next = waiting.poll();
        while (next != null) {
            calls.add(next);
            next = calls.size() < maxBatch ? waiting.poll() : null;
        }
        return calls;
    }

    private void answer(List<Call<I, O>> calls) {
        try {
            List<O> answers = run.apply(calls.stream().map(Call::input).toList());
            for (int i = 0; i < calls.size(); i++) {
                calls.get(i).answer().complete(answers.get(i));
            }
        } catch (DataAccessResourceFailureException unreachable) {
            calls.forEach(call -> call.answer().completeExceptionally(unreachable));
        } catch (DataAccessException refused) {
            if (calls.size() == 1) {
                calls.get(0).answer().completeExceptionally(refused);
            } else {
                // One call's bad input must not fail the others, so each call runs alone.
                calls.forEach(call -> answer(List.of(call)));
            }
        } catch (RuntimeException | Error broken) {
            calls.forEach(call -> call.answer().completeExceptionally(broken));
        }
    }

    /** Ends the threads after the pending calls. Later calls run on their callers' threads. */
    @Override
    public void close() {
        threads.shutdown();
        LockSupport.unpark(gatherer.get());
    }
}
