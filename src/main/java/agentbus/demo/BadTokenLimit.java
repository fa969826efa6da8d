package agentbus.demo;

import java.time.Duration;

/** Counts bad tokens: the first ones of a window are answered 401, the next ones 429. A good token resets the count. */
final class BadTokenLimit {

    private final int limit;
    private final long windowNanos;
    private int count;
    private long windowStart;

    BadTokenLimit(int limit, Duration window) {
        this.limit = limit;
        this.windowNanos = window.toNanos();
    }

    /** Counts a bad token; returns 0 if it is to be answered 401, else the seconds of the 429's Retry-After. */
    synchronized long bad() {
        long now = System.nanoTime();
        if (count == 0 || now - windowStart >= windowNanos) {
            count = 0;
            windowStart = now;
        }
        count++;
        if (count <= limit) {
            return 0;
        }
        long leftMillis = (windowNanos - (now - windowStart)) / 1_000_000;
        return Math.max(1, (leftMillis + 999) / 1_000);
    }

    synchronized void good() {
        count = 0;
    }
}
