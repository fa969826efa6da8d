package agentbus.demo;

import java.time.Duration;

/** Counts bad tokens: a window's first ones get status 401, further ones 429. A good token resets the count. */
final class BadTokenLimit {

    private final int limit;
    private final long windowNanos;
    private int count;
    private long windowStart;

    BadTokenLimit(int limit, Duration window) {
        this.limit = limit;
        this.windowNanos = window.toNanos();
    }

    /**
     * Counts a bad token; returns 0 for an answer with status 401, otherwise the Retry-After of the 429, in seconds.
     */
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
