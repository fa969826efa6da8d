package agentbus.start;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** Runs a bus in the foreground until the process receives Ctrl-C or SIGTERM, and then stops the bus. */
public final class Foreground {
    /** Chosen: a step of a start that ignores the interrupt, such as a migration, takes some seconds. */
    private static final long LONGEST_STEP_SECONDS = 60;

    private final Thread starter = Thread.currentThread();
    private final CompletableFuture<List<AutoCloseable>> started = new CompletableFuture<>();
    private final CompletableFuture<Void> stopped = new CompletableFuture<>();

    private Foreground() {}

    /**
     * Starts the parts, waits for Ctrl-C or SIGTERM, and closes the parts before the process ends. A signal during the
     * start interrupts the thread that starts.
     *
     * @param start starts the parts and returns them in the order in which they are closed; when it fails, it leaves
     *     nothing open
     */
    public static void run(Supplier<List<AutoCloseable>> start) {
        new Foreground().untilStopped(start);
    }

    private void untilStopped(Supplier<List<AutoCloseable>> start) {
        Thread hook = new Thread(this::stop, "stop");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            started.complete(start.get());
        } catch (RuntimeException | Error failed) {
            started.completeExceptionally(failed);
            if (!underWay(hook)) {
                throw failed;
            }
        }
        stopped.join();
    }

    /** Whether the process ends already; if not, the failed start needs no hook. */
    private static boolean underWay(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
            return false;
        } catch (IllegalStateException ending) {
            return true;
        }
    }

    private void stop() {
        if (!started.isDone()) {
            starter.interrupt();
        }
        try {
            started.get(LONGEST_STEP_SECONDS, TimeUnit.SECONDS).forEach(Foreground::close);
        } catch (ExecutionException failed) {
            // The start was interrupted, and has closed everything that it had opened.
            System.err.println("agentbus: stopped during the start");
        } catch (TimeoutException | InterruptedException late) {
            System.err.println("agentbus: the start did not end within " + LONGEST_STEP_SECONDS
                    + " s; its Postgres may still be running");
        } finally {
            stopped.complete(null);
        }
    }

    private static void close(AutoCloseable part) {
        try {
            part.close();
        } catch (Exception trouble) {
            // Printed, because logging may have stopped already. The remaining parts are still closed.
            System.err.println("agentbus: the stop was not clean: " + trouble.getMessage());
        }
    }
}
