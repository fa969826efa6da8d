package agentbus.dispatch;

import agentbus.contract.Problem;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs each failure of background work in one line, and a repeated failure at most once a minute. Otherwise an hour
 * without the database would fill the log with the same line.
 */
public final class FailureLog {
    private static final Logger LOG = LoggerFactory.getLogger(FailureLog.class);
    /** Chosen: one line a minute shows that a failure lasts, without filling the disk. */
    private static final long QUIET_NANOS = 60_000_000_000L;
    /** Chosen: limits the memory; the bus has far fewer kinds of failures. */
    private static final int MAX_KINDS = 1000;

    private final ConcurrentHashMap<String, Long> loggedAt = new ConcurrentHashMap<>();

    /**
     * Logs the failure of an exchange, at WARN; the stack trace goes to DEBUG.
     *
     * @param exchange holds the caught exception
     */
    public void log(Exchange exchange) {
        Exception failure = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class);
        String route = exchange.getProperty(Exchange.FAILURE_ROUTE_ID, exchange.getFromRouteId(), String.class);
        String line = route + ": " + rootMessage(failure);
        long now = System.nanoTime();
        // Messages that differ only in digits count as the same failure, because the pool's messages contain durations.
        String kind = line.replaceAll("\\d+", "0");
        Long before = loggedAt.get(kind);
        if (before == null || now - before > QUIET_NANOS) {
            if (loggedAt.size() > MAX_KINDS) {
                loggedAt.clear();
            }
            loggedAt.put(kind, now);
            LOG.warn("{}", line);
            LOG.debug("In full:", failure);
        }
    }

    /** A refusal is told in its own words, with the rule; its cause, a refused statement, does not know the rule. */
    private static String rootMessage(Throwable failure) {
        Throwable root = failure;
        while (root != null) {
            if (root instanceof Problem problem) {
                String rule = problem.expected() == null ? "" : "; expected " + problem.expected();
                return problem.detail() + rule + " (" + problem.code() + ")";
            }
            root = root.getCause();
        }
        root = failure;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        return String.valueOf(root.getMessage()).lines().findFirst().orElse("") + " ("
                + root.getClass().getSimpleName() + ")";
    }
}
