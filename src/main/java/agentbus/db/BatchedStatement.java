package agentbus.db;

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
import java.util.function.Function;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DataAccessResourceFailureException;

/**
 * One statement shared by many callers. A lone call runs at once; calls that arrive while the statement runs form the
 * next batch. So no call waits for a batch to fill, and under load the calls share commits, round trips and triggers.
 * Thread-safe.
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

    private final Function<List<I>, List<O>> run;
    private final int maxBatch;
    private final int maxConcurrent;
    private final Queue<Call<I, O>> waiting = new ConcurrentLinkedQueue<>();
    private final AtomicInteger runs = new AtomicInteger();
    private volatile long lastRunStartedAt;
    private final ThreadPoolExecutor threads;

    /** One call in the queue. */
    private record Call<I, O>(I input, CompletableFuture<O> answer) {}

    /**
     * A shared statement.
     *
     * @param name the name of its threads
     * @param maxBatch the most calls in one run
     * @param maxConcurrent the most runs at once; another starts only when the last one is slow
     * @param run the statement: takes the inputs of a batch and returns their answers in the same order
     */
    public BatchedStatement(String name, int maxBatch, int maxConcurrent, Function<List<I>, List<O>> run) {
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
        CompletableFuture<O> answer = new CompletableFuture<>();
        waiting.add(new Call<>(input, answer));
        if (tryStartRun()) {
            runOnThread();
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
        CompletableFuture<O> answer = new CompletableFuture<>();
        waiting.add(new Call<>(input, answer));
        if (tryStartRun()) {
            runOnce();
            // Another thread runs the calls that arrived meanwhile, so this caller does not wait for them.
            endRun();
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

    private void endRun() {
        runs.decrementAndGet();
        // A call may have arrived after the last check of the queue.
        if (!waiting.isEmpty() && tryStartRun()) {
            runOnThread();
        }
    }

    private void runOnThread() {
        try {
            threads.execute(this::runUntilEmpty);
        } catch (RejectedExecutionException closed) {
            // The threads have ended; calls from before the close are still answered.
            runUntilEmpty();
        }
    }

    private void runUntilEmpty() {
        boolean more = true;
        while (more) {
            more = runOnce();
        }
        endRun();
    }

    private boolean runOnce() {
        List<Call<I, O>> calls = nextBatch();
        if (!calls.isEmpty()) {
            lastRunStartedAt = System.nanoTime();
            answer(calls);
        }
        return !calls.isEmpty();
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
    }
}
