package routes.pgevent;

import java.time.Duration;
import java.time.Instant;

/**
 * The state of one listener at one moment.
 *
 * @param channel the channel of the listener
 * @param routeId the route that receives the notifications; null for a consumer outside a route
 * @param connected whether the listener is connected and listens
 * @param since the time since which {@code connected} has its value
 * @param quietFor time since the last proof of life: a connect, a notification or an answered ping; zero while not
 *     connected
 * @param connects the number of connects since the listener started
 * @param notifications the number of notifications since the listener started
 * @param lastNotification the time of the last notification; null before the first
 * @param lastError the reason why the last connection ended or the last connect failed, without secrets; null before
 *     the first failure
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
     * How often the listener has reconnected.
     *
     * @return the number of connects after the first
     */
    public long reconnects() {
        return Math.max(0, connects - 1);
    }
}
