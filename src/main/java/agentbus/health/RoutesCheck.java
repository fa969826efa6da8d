package agentbus.health;

import agentbus.health.RouteStates.StoppedRoute;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/** A readiness check that is down while a route is stopped or suspended. Its message names the routes. */
public final class RoutesCheck extends AbstractHealthCheck {
    private final RouteStates routes;

    /**
     * A check of the routes of this node.
     *
     * @param routes knows which of them do not run
     */
    public RoutesCheck(RouteStates routes) {
        super("agentbus", "routes");
        this.routes = routes;
    }

    @Override
    public boolean isLiveness() {
        // A restart would start the route again, which a person has stopped on purpose.
        return false;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        List<StoppedRoute> stopped = routes.stopped();
        builder.detail("stopped", stopped.size());
        if (stopped.isEmpty()) {
            builder.up();
        } else {
            builder.message(stopped.stream().map(RoutesCheck::words).collect(Collectors.joining("; ")) + ".")
                    .down();
        }
    }

    private static String words(StoppedRoute route) {
        return "Route " + route.id() + " is " + route.status() + " since "
                + route.since().truncatedTo(ChronoUnit.SECONDS)
                + (route.by() == null ? "" : ", by " + route.by());
    }
}
