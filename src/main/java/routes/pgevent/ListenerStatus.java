package routes.pgevent;

import java.time.Duration;
import java.time.Instant;

/**
 * What one listener looked like at one moment.
 *
 * @param channel the channel it listens on
 * @param routeId the route it feeds; null for a consumer outside a route
 * @param connected whether it listens
 * @param since when it began to be connected, or not to be
 * @param quietFor time since the last proof of life: a connect, a notification or an answered ping; zero while not
 *     connected
 * @param connects how often it connected since it started
 * @param notifications how many notifications it took since it started
 * @param lastNotification when the last of them came; null before the first
 * @param lastError why the last connection ended or the last attempt failed, without secrets; null if none did
 */
public record ListenerStatus(
        String channel,
        String routeId,
        boolean connected,
        Instant since,
        Duration quietFor,
        long connects,
        long notifications,
        Instant lastNotification,
        String lastError) {

    /**
     * How often it connected again.
     *
     * @return connects after the first
     */
    public long reconnects() {
        return Math.max(0, connects - 1);
    }
}
