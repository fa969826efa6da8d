package agentbus.start;

import java.util.concurrent.CountDownLatch;

/** Keeps a bus running until the process receives Ctrl-C or SIGTERM, and then stops the bus. */
public final class Foreground {
    private Foreground() {}

    /**
     * Waits for Ctrl-C or SIGTERM, and closes the parts before the process ends.
     *
     * @param parts the parts to close, in this order
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
            // Printed, because logging may have stopped already. The remaining parts are still closed.
            System.err.println("agentbus: the stop was not clean: " + trouble.getMessage());
        }
    }
}
