package agentbus.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.health.HealthCheck;
import org.apache.camel.health.HealthCheck.State;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which routes of a node count as stopped, and what its check says of them. */
class RouteStatesTest {
    private final DefaultCamelContext camel = new DefaultCamelContext();
    private final RouteStates routes = new RouteStates(camel);
    private final RoutesCheck check = new RoutesCheck(routes);

    @BeforeEach
    void start() throws Exception {
        camel.addRoutes(new RouteBuilder() {
            @Override
            public void configure() {
                from("direct:one").routeId("one").log("one");
                from("timer:two?delay=600000").routeId("two").log("two");
                from("direct:off")
                        .routeId("off")
                        .autoStartup("{{switched.on:false}}")
                        .log("off");
            }
        });
        camel.start();
    }

    @AfterEach
    void stop() {
        camel.stop();
    }

    @Test
    void while_all_routes_run_there_is_nothing_to_report() {
        assertEquals(State.UP, check.call().getState());
        assertFalse(routes.reportDue());
        assertFalse(check.isLiveness());
    }

    @Test
    void a_stopped_and_a_suspended_route_are_named_with_the_person_until_they_run() throws Exception {
        camel.getRouteController().stopRoute("one");
        routes.acted("one", "operator:anna", true);
        camel.getRouteController().suspendRoute("two");

        HealthCheck.Result result = check.call();
        assertEquals(State.DOWN, result.getState());
        String message = result.getMessage().orElseThrow();
        assertTrue(
                message.matches("Route one is stopped since 20\\S+Z, by operator:anna; Route two is suspended since"
                        + " 20[^,]+Z\\."),
                message);
        assertTrue(routes.reportDue());
        assertTrue(routes.report().get("routes").toString().contains("\"by\":\"operator:anna\""));
        routes.reported(2);

        camel.getRouteController().startRoute("one");
        routes.acted("one", "operator:anna", false);
        camel.getRouteController().resumeRoute("two");
        assertEquals(State.UP, check.call().getState());
        assertTrue(routes.reportDue(), "the database must hear that they run");
        assertEquals("[]", routes.report().get("routes"));
        routes.reported(0);
        assertFalse(routes.reportDue());
    }

    @Test
    void the_time_is_that_of_the_first_look_and_a_later_stop_has_its_own() throws Exception {
        camel.getRouteController().stopRoute("one");
        var first = routes.stopped().get(0);
        assertEquals(first, routes.stopped().get(0));

        camel.getRouteController().startRoute("one");
        assertEquals(0, routes.stopped().size());
        camel.getRouteController().stopRoute("one");
        assertFalse(routes.stopped().get(0).since().isBefore(first.since()));
    }

    @Test
    void a_bus_that_stops_has_no_stopped_routes() {
        camel.stop();
        assertEquals(0, routes.stopped().size());
    }
}
