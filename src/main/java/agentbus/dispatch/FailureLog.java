package agentbus.dispatch;

import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says what went wrong in background work: one line for each trouble, and for one that stays, one line a minute. A database
 * that is down for an hour must not fill the disk with the same sentence.
 */
public final class FailureLog {
    private static final Logger LOG = LoggerFactory.getLogger(FailureLog.class);
    private static final long QUIET_NANOS = 60_000_000_000L;

    private final ConcurrentHashMap<String, Long> said = new ConcurrentHashMap<>();

    /**
     * Says why an exchange failed.
     *
     * @param exchange an exchange with a caught exception
     */
    public void log(Exchange exchange) {
        Exception failure = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class);
        String route = exchange.getProperty(Exchange.FAILURE_ROUTE_ID, exchange.getFromRouteId(), String.class);
        String trouble = route + ": " + rootMessage(failure);
        long now = System.nanoTime();
        // The pool counts its milliseconds in the message: the same trouble in other numbers is no news.
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
