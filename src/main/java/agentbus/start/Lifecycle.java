package agentbus.start;

import org.apache.camel.CamelContext;

/**
 * The bean of routes that ask whether the bus runs. Camel's own expression, {@code camelContext.isStopping}, makes Camel
 * 4.17 read all methods of the context's class for each use, which took more than half of a start (measured).
 */
public final class Lifecycle {
    /** Its name in routes. */
    static final String BEAN = "lifecycle";

    private final CamelContext camel;

    Lifecycle(CamelContext camel) {
        this.camel = camel;
    }

    /** Whether all routes have started, and no stop has begun. */
    public boolean started() {
        return camel.isStarted();
    }

    /** Whether a stop has begun. */
    public boolean stopping() {
        return camel.isStopping();
    }
}
