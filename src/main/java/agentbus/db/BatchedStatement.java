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
 * One statement for many callers. A call that comes alone runs at once; those that come while the statement runs go together in
 * its next run. So nobody waits for company, and under load the commits, round trips and triggers are shared. Safe for use by
 * many threads.
 *
 * @param <I> what a caller gives
 * @param <O> what a caller gets
 */
public final class BatchedStatement<I, O> implements AutoCloseable {
    private static final long IDLE_SECONDS = 30;
    /** A run that takes longer waits for somebody's lock, or for the disk; until then company is better than another run. */
    private static final long SLOW_NANOS = 20_000_000;

    private final Function<List<I>, List<O>> run;
    private final int maxBatch;
    private final int maxConcurrent;
    private final Queue<Call<I, O>> waiting = new ConcurrentLinkedQueue<>();
    private final AtomicInteger busy = new AtomicInteger();
    private volatile long began;
    private final ThreadPoolExecutor threads;

    /** One caller's share. */
    private record Call<I, O>(I input, CompletableFuture<O> answer) {}

    /**
     * A statement to be shared.
     *
     * @param name of its threads
     * @param maxBatch how many calls one run takes
     * @param maxConcurrent how many runs there may be at once; the next begins only when the last is slow
     * @param run the statement: takes the calls' inputs and returns their answers, in that order
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
     * Takes part in the next run.
     *
     * @param input what is this caller's own
     * @return the answer, or what the statement threw; completed on a thread of the statement, so what follows must not block
     */
    public CompletableFuture<O> call(I input) {
        CompletableFuture<O> answer = new CompletableFuture<>();
        waiting.add(new Call<>(input, answer));
        if (enter()) {
            handOver();
        }
        return answer;
    }

    /**
     * Takes part in the next run and waits for it. A caller that finds nobody at work runs the statement itself: to hand it to
     * another thread and back would cost a call that comes alone more than it gains.
     *
     * @param input what is this caller's own
     * @return the answer
     * @throws RuntimeException what the statement threw
     */
    public O await(I input) {
        CompletableFuture<O> answer = new CompletableFuture<>();
        waiting.add(new Call<>(input, answer));
        if (enter()) {
            runOnce();
            // Whoever came meanwhile is not this caller's to wait for.
            leave();
        }
        try {
            return answer.join();
        } catch (CompletionException failed) {
            throw failed.getCause() instanceof RuntimeException cause ? cause : failed;
        }
    }

    private boolean enter() {
        int now = busy.get();
        while (now < maxConcurrent && (now == 0 || System.nanoTime() - began > SLOW_NANOS)) {
            if (busy.compareAndSet(now, now + 1)) {
                return true;
            }
            now = busy.get();
        }
        return false;
    }

    private void leave() {
        busy.decrementAndGet();
        // Somebody may have come between the last look and this.
        if (!waiting.isEmpty() && enter()) {
            handOver();
        }
    }

    private void handOver() {
        try {
            threads.execute(this::work);
        } catch (RejectedExecutionException closed) {
            // What was asked before the end is answered.
            work();
        }
    }

    private void work() {
        boolean more = true;
        while (more) {
            more = runOnce();
        }
        leave();
    }

    private boolean runOnce() {
        List<Call<I, O>> calls = take();
        if (!calls.isEmpty()) {
            began = System.nanoTime();
            answer(calls);
        }
        return !calls.isEmpty();
    }

    private List<Call<I, O>> take() {
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
                // What one of them brought must not fail the others.
                calls.forEach(call -> answer(List.of(call)));
            }
        } catch (RuntimeException | Error broken) {
            calls.forEach(call -> call.answer().completeExceptionally(broken));
        }
    }

    /** Ends its threads once what was asked for is answered; calls that come later run on their callers' threads. */
    @Override
    public void close() {
        threads.shutdown();
    }
}
