package agentbus.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;

/** Callers that start at the same moment, each on a thread of its own. */
final class Race {
    private Race() {}

    /** What became of one caller: a result or what it threw. */
    record End<T>(T result, Throwable thrown) {}

    static <T> List<End<T>> of(int callers, IntFunction<Callable<T>> caller) throws InterruptedException {
        ExecutorService threads = Executors.newFixedThreadPool(callers);
        try {
            CyclicBarrier start = new CyclicBarrier(callers);
            List<Future<T>> futures = new ArrayList<>();
            for (int i = 0; i < callers; i++) {
                Callable<T> call = caller.apply(i);
                futures.add(threads.submit(() -> {
                    start.await(30, TimeUnit.SECONDS);
                    return call.call();
                }));
            }
            List<End<T>> ends = new ArrayList<>();
            for (Future<T> future : futures) {
                try {
                    ends.add(new End<>(future.get(), null));
                } catch (ExecutionException e) {
                    ends.add(new End<>(null, e.getCause()));
                }
            }
            return ends;
        } finally {
            threads.shutdownNow();
        }
    }

    /** The results of callers none of whom may fail. */
    static <T> List<T> won(int callers, IntFunction<Callable<T>> caller) throws InterruptedException {
        return of(callers, caller).stream()
                .map(end -> {
                    if (end.thrown() != null) {
                        throw new AssertionError(end.thrown());
                    }
                    return end.result();
                })
                .toList();
    }
}
