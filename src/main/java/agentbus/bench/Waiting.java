package agentbus.bench;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waiting with a limit. */
final class Waiting {
    private static final Duration STEP = Duration.ofMillis(100);

    private Waiting() {}

    /**
     * Waits for a condition and checks it ten times a second.
     *
     * @param limit the longest wait
     * @param condition the condition
     * @return whether the condition became true in time
     */
    static boolean until(Duration limit, BooleanSupplier condition) {
        long end = System.nanoTime() + limit.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end || Thread.currentThread().isInterrupted()) {
                return false;
            }
            LockSupport.parkNanos(STEP.toNanos());
        }
        return true;
    }

    /** Waits for a fixed time. */
    static void pass(Duration time) {
        until(time, () -> false);
    }
}
