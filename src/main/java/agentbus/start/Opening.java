package agentbus.start;

import agentbus.db.Database;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Opens and prepares the database on a thread of its own. Both mostly wait for Postgres, and meanwhile the start reads
 * files and makes beans and routes, which need no answer of the database.
 *
 * @param <P> what the preparation returns
 */
final class Opening<P> implements AutoCloseable {
    private final ExecutorService thread = Executors.newSingleThreadExecutor(task -> new Thread(task, "database"));
    private final CompletableFuture<Database> opened;
    private CompletableFuture<P> prepared;

    /**
     * Begins to open the database.
     *
     * @param settings the {@code agentbus.database.} settings and the data directory
     */
    Opening(Settings settings) {
        this.opened = CompletableFuture.supplyAsync(() -> Database.open(settings), thread);
    }

    /**
     * Prepares the database as soon as it is open. Call it once.
     *
     * @param preparation prepares it, on the thread of the database
     */
    void prepare(Function<Database, P> preparation) {
        prepared = opened.thenApplyAsync(preparation, thread);
    }

    /**
     * Waits until the database is open.
     *
     * @return the database
     * @throws StartFailure when it cannot be opened, or when this thread is interrupted
     */
    Database database() {
        return await(opened);
    }

    /**
     * Waits until the database is prepared.
     *
     * @return what the preparation has returned
     * @throws StartFailure when it cannot be opened or prepared, or when this thread is interrupted
     */
    P prepared() {
        P result = await(prepared);
        thread.shutdown();
        return result;
    }

    private static <T> T await(Future<T> step) {
        try {
            return step.get();
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
            throw new StartFailure("stopped during the start");
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) failed.getCause();
        }
    }

    /** Stops the step that is under way, waits for its end, and closes the database. Call it without an interrupt. */
    @Override
    public void close() {
        thread.shutdownNow();
        try {
            while (!thread.awaitTermination(1, TimeUnit.HOURS)) {
                // A migration ends by itself.
            }
        } catch (InterruptedException again) {
            Thread.currentThread().interrupt();
        }
        if (opened.isDone() && !opened.isCompletedExceptionally()) {
            opened.join().close();
        }
    }
}
