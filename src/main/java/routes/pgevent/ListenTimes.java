package routes.pgevent;

import java.time.Duration;

/**
 * The time limits of a listener.
 *
 * @param connectLimit how long a connect may take, its LISTEN included
 * @param quiet how long a connection may be silent before the listener pings the server
 * @param pingLimit how long the server may take to answer a ping or the LISTEN; at least 1 s
 * @param firstPause the wait before the first reconnect; each further wait doubles, with jitter
 * @param longestPause the upper limit of the doubled wait
 */
public record ListenTimes(
        Duration connectLimit, Duration quiet, Duration pingLimit, Duration firstPause, Duration longestPause) {

    /**
     * Checks that each time is positive and that the pauses are in order.
     *
     * @throws IllegalArgumentException if one is not
     */
    public ListenTimes {
        requirePositive("connectLimit", connectLimit);
        requirePositive("quiet", quiet);
        requirePositive("firstPause", firstPause);
        if (pingLimit.toSeconds() < 1) {
            throw new IllegalArgumentException("pingLimit is " + pingLimit + "; it must be at least 1 s");
        }
        if (longestPause.compareTo(firstPause) < 0) {
            throw new IllegalArgumentException("longestPause " + longestPause + " is below firstPause " + firstPause);
        }
    }

    /**
     * The times that a bus uses. Chosen: a lost connection is noticed within 5 s, and a server that is back is heard
     * within 3 s more.
     *
     * @return 5 s to connect, a ping after 3 s of silence with 2 s to answer, pauses of 0.2 s to 3 s
     */
    public static ListenTimes defaults() {
        return new ListenTimes(
                Duration.ofSeconds(5),
                Duration.ofSeconds(3),
                Duration.ofSeconds(2),
                Duration.ofMillis(200),
                Duration.ofSeconds(3));
    }

    /**
     * How long a connection may be without proof of life before health calls it stale. Chosen: twice the longest time
     * between two proofs of life of a working listener, so that only a hanging listener exceeds it.
     *
     * @return that time
     */
    Duration staleAfter() {
        return quiet.plus(connectLimit).multipliedBy(2);
    }

    private static void requirePositive(String name, Duration value) {
        if (value.isZero() || value.isNegative()) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be positive");
        }
    }
}
