package routes.pgevent;

import java.sql.SQLTimeoutException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * Runs calls into the driver where they may hang without holding up who asked.
 *
 * <p>The driver waits up to 60 s for a server that accepts and says nothing, and its waits ignore interrupts; a time
 * limit therefore has to be the caller's.
 */
class SideThreads {

    private final Executor threads;

    SideThreads(Executor threads) {
        this.threads = threads;
    }

    /**
     * Waits for a result, but not longer than the limit.
     *
     * @param what what is being done, for the error's text
     * @param limit how long to wait
     * @param work the call; it goes on after the limit
     * @param tooLate what becomes of a result that nobody waits for any more; runs on the side thread or the caller's
     * @return the result
     * @throws SQLTimeoutException if the limit passed
     * @throws InterruptedException if the caller was told to stop
     * @throws Exception what the work threw
     */
    <T> T within(String what, Duration limit, Callable<T> work, Consumer<T> tooLate) throws Exception {
        CompletableFuture<T> result = new CompletableFuture<>();
        threads.execute(() -> {
            try {
                T value = work.call();
                if (!result.complete(value)) {
                    tooLate.accept(value);
                }
            } catch (Exception | LinkageError e) {
                result.completeExceptionally(e);
            }
        });
        try {
            return result.get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            abandon(result, tooLate);
            throw new SQLTimeoutException(what + " took longer than " + limit.toMillis() + " ms");
        } catch (InterruptedException e) {
            abandon(result, tooLate);
            throw e;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw e;
        }
    }

    private static <T> void abandon(CompletableFuture<T> result, Consumer<T> tooLate) {
        boolean ours = result.completeExceptionally(new CancellationException());
        if (!ours && !result.isCompletedExceptionally()) {
            tooLate.accept(result.join());
        }
    }
}
