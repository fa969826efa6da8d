package agentbus.health;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Body;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.apache.camel.ServiceStatus;

/** The routes of this node that do not run although they start with the bus. Thread-safe; a look reads only memory. */
public final class RouteStates {
    private final CamelContext camel;
    /** When a look has found a route stopped for the first time, by the route's id. */
    private final Map<String, Instant> noticed = new ConcurrentHashMap<>();
    /** The actors who have stopped routes, by the route's id. */
    private final Map<String, String> actors = new ConcurrentHashMap<>();

    private volatile boolean reportedSome;

    /**
     * A route that does not run.
     *
     * @param id the route's id
     * @param status {@code stopped} or {@code suspended}
     * @param since when this node noticed it
     * @param by the actor who stopped it, or null if nobody is known
     */
    public record StoppedRoute(String id, String status, Instant since, String by) {}

    /**
     * The routes of one context.
     *
     * @param camel the context
     */
    public RouteStates(CamelContext camel) {
        this.camel = camel;
    }

    /**
     * Looks for routes that are stopped or suspended. A route that does not start with the bus is left out, and while
     * the bus starts or stops there is none.
     *
     * @return the routes, ordered by id
     */
    public List<StoppedRoute> stopped() {
        if (!camel.isStarted()) {
            return List.of();
        }
        List<StoppedRoute> found = camel.getRoutes().stream()
                .filter(route -> !Boolean.FALSE.equals(route.isAutoStartup()))
                .map(this::ifStopped)
                .filter(Objects::nonNull)
                .sorted(Comparator.comparing(StoppedRoute::id))
                .toList();
        noticed.keySet().retainAll(found.stream().map(StoppedRoute::id).toList());
        return found;
    }

    private StoppedRoute ifStopped(Route route) {
        String id = route.getRouteId();
        ServiceStatus status = camel.getRouteController().getRouteStatus(id);
        // Null for a route that a reload has just removed.
        if (status == null || status.isStarted() || status.isStarting()) {
            return null;
        }
        String word = status.isSuspended() || status.isSuspending() ? "suspended" : "stopped";
        return new StoppedRoute(id, word, noticed.computeIfAbsent(id, first -> Instant.now()), actors.get(id));
    }

    /**
     * Notes that a person has stopped or started a route.
     *
     * @param id the route's id
     * @param actor the person, as in the audit log
     * @param stopped whether the route does not run now
     */
    public void acted(String id, String actor, boolean stopped) {
        if (stopped) {
            actors.put(id, actor);
        } else {
            actors.remove(id);
        }
    }

    /** Whether the database has to be told: a route is stopped, or one was at the last report. */
    public boolean reportDue() {
        return reportedSome || !stopped().isEmpty();
    }

    /** The parameters of a report: routes, a JSON array as text. */
    public Map<String, Object> report() {
        ArrayNode routes = JsonNodeFactory.instance.arrayNode();
        for (StoppedRoute route : stopped()) {
            ObjectNode each = routes.addObject()
                    .put("route", route.id())
                    .put("status", route.status())
                    .put("ageMs", Duration.between(route.since(), Instant.now()).toMillis());
            if (route.by() != null) {
                each.put("by", route.by());
            }
        }
        return Map.of("routes", routes.toString());
    }

    /**
     * Notes that a report has reached the database.
     *
     * @param routes how many stopped routes it had
     */
    public void reported(@Body int routes) {
        reportedSome = routes > 0;
    }
}
