package routes.pgevent;

import java.time.Duration;
import java.time.Instant;

/** The numbers of one listener, written by its threads and read by health and metrics. */
class ListenerState {

    private boolean connected;
    private Instant since = Instant.now();
    // Not an Instant: a duration must not jump with the wall clock.
    private long lastNewsNanos = System.nanoTime();
    private long connects;
    private long notifications;
    private Instant lastNotification;
    private String lastError;

    synchronized long connected() {
        connected = true;
        since = Instant.now();
        lastNewsNanos = System.nanoTime();
        connects++;
        return connects;
    }

    /**
     * Notes the end of a connection, or an attempt that failed.
     *
     * @param why the reason, without secrets
     * @return whether this is the first failure since the listener started or was last connected
     */
    synchronized boolean failed(String why) {
        boolean first = connected || lastError == null;
        if (connected) {
            since = Instant.now();
        }
        connected = false;
        lastError = why;
        return first;
    }

    synchronized void stopped() {
        if (connected) {
            since = Instant.now();
        }
        connected = false;
    }

    synchronized void notified() {
        notifications++;
        lastNotification = Instant.now();
        lastNewsNanos = System.nanoTime();
    }

    synchronized void answered() {
        lastNewsNanos = System.nanoTime();
    }

    synchronized Duration quietFor() {
        return connected ? Duration.ofNanos(System.nanoTime() - lastNewsNanos) : Duration.ZERO;
    }

    synchronized ListenerStatus snapshot(String channel, String routeId) {
        return new ListenerStatus(
                channel, routeId, connected, since, quietFor(), connects, notifications, lastNotification, lastError);
    }
}
