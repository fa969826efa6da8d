package agentbus.dispatch;

import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs failures of background work in one line each, and a repeated failure at most once a minute. Otherwise an hour
 * without the database would fill the log with one sentence.
 */
public final class FailureLog {
    private static final Logger LOG = LoggerFactory.getLogger(FailureLog.class);
    private static final long QUIET_NANOS = 60_000_000_000L;

    private final ConcurrentHashMap<String, Long> said = new ConcurrentHashMap<>();

    /**
     * Logs the failure of an exchange, at WARN; the stack trace goes to DEBUG.
     *
     * @param exchange holds the caught exception
     */
    public void log(Exchange exchange) {
        Exception failure = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class);
        String route = exchange.getProperty(Exchange.FAILURE_ROUTE_ID, exchange.getFromRouteId(), String.class);
        String trouble = route + ": " + rootMessage(failure);
        long now = System.nanoTime();
        // The pool's messages count milliseconds, so messages that differ in digits alone count as the same failure.
        String kind = trouble.replaceAll("\\d+", "0");
        Long before = said.get(kind);
        if (before == null || now - before > QUIET_NANOS) {
            if (said.size() > 1000) {
                said.clear();
            }
            said.put(kind, now);
            LOG.warn("{}", trouble);
            LOG.debug("In full:", failure);
        }
    }

    private static String rootMessage(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        return String.valueOf(root.getMessage()).lines().findFirst().orElse("") + " ("
                + root.getClass().getSimpleName() + ")";
    }
}
