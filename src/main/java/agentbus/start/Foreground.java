package agentbus.start;

import java.util.concurrent.CountDownLatch;

/** Keeps a bus running until the process is told to end, and then stops it in order. */
public final class Foreground {
    private Foreground() {}

    /**
     * Waits for Ctrl-C or SIGTERM; the bus is drained and closed before the process ends.
     *
     * @param parts what to close, in this order
     */
    public static void untilStopped(AutoCloseable... parts) {
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            for (AutoCloseable part : parts) {
                                close(part);
                            }
                            stopped.countDown();
                        },
                        "stop"));
        try {
            stopped.await();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static void close(AutoCloseable part) {
        try {
            part.close();
        } catch (Exception trouble) {
            // The logging may be gone by now, and the next part must be closed all the same.
            System.err.println("agentbus: the stop was not clean: " + trouble.getMessage());
        }
    }
}
