package agentbus.dispatch;

import java.time.Duration;
import java.util.function.LongSupplier;

/** Says whether to try something that others can do without: not for a while, after some failures in a row. */
final class Breaker {
    /** Chosen: one or two failures may be chance. */
    static final int FAILURES = 3;
    /** Chosen: a database that restarts is back by then, and one try in this time costs nobody anything. */
    static final Duration PAUSE = Duration.ofSeconds(30);

    private final LongSupplier nanos;
    private int failures;
    private long openedAt;

    /**
     * A closed breaker.
     *
     * @param nanos the clock, as {@link System#nanoTime}
     */
    Breaker(LongSupplier nanos) {
        this.nanos = nanos;
    }

    /** Whether to try. After {@link #PAUSE} one failure is enough to wait again. */
    synchronized boolean closed() {
        return failures < FAILURES || nanos.getAsLong() - openedAt >= PAUSE.toNanos();
    }

    /** A try has succeeded. */
    synchronized void succeeded() {
        failures = 0;
    }

    /**
     * A try has failed.
     *
     * @return whether a pause begins with this failure, so that it is told once
     */
    synchronized boolean failed() {
        boolean begins = closed() && failures + 1 >= FAILURES;
        failures = Math.min(failures + 1, FAILURES);
        if (begins) {
            openedAt = nanos.getAsLong();
        }
        return begins;
    }
}
