package agentbus.demo;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Remembers runs by key, path and fields, from their request until a window after their end, up to a number of ended runs.
 * In memory only, as on the real gateway.
 */
final class IdempotencyCache {

    private record Ended(String fingerprint, Admission admission, long atNanos) {}

    private final long windowNanos;
    private final int limit;
    private final Map<String, Admission> admissions = new HashMap<>();
    private final Deque<Ended> ended = new ArrayDeque<>();

    IdempotencyCache(Duration window, int limit) {
        this.windowNanos = window.toNanos();
        this.limit = limit;
    }

    /** Returns the admission that the fingerprint already has; if it has none, remembers the fresh one. */
    synchronized Optional<Admission> findOrRemember(String fingerprint, Admission fresh) {
        forgetOld();
        return Optional.ofNullable(admissions.putIfAbsent(fingerprint, fresh));
    }

    /** A run that never started is not remembered: its key may try again. */
    synchronized void forget(String fingerprint, Admission admission) {
        admissions.remove(fingerprint, admission);
    }

    /** The window begins. */
    synchronized void ended(String fingerprint, Admission admission) {
        ended.addLast(new Ended(fingerprint, admission, System.nanoTime()));
        forgetOld();
    }

    private void forgetOld() {
        long now = System.nanoTime();
        while (!ended.isEmpty()
                && (ended.size() > limit || now - ended.peekFirst().atNanos() >= windowNanos)) {
            Ended oldest = ended.removeFirst();
            admissions.remove(oldest.fingerprint(), oldest.admission());
        }
    }
}
