package agentbus.demo;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Remembers runs by key, path and fields, from the request until a fixed time after the run's end. The number of ended
 * runs is limited. The cache is in memory only, as on the real gateway.
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

    /** Returns the admission of this fingerprint if there is one; otherwise remembers the fresh admission. */
    synchronized Optional<Admission> findOrRemember(String fingerprint, Admission fresh) {
        forgetOld();
        return Optional.ofNullable(admissions.putIfAbsent(fingerprint, fresh));
    }

    /** Forgets a run that never started, so that its key can be used again. */
    synchronized void forget(String fingerprint, Admission admission) {
        admissions.remove(fingerprint, admission);
    }

    /** Notes the end of a run; its key is forgotten a fixed time later. */
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
