package agentbus.dispatch;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.demo.GatewayLedger.ReceivedRequest;
import agentbus.demo.TestGatewayOptions;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** One bus and two gateways, each with its own agents and its own token. */
@ExtendWith(PostgresExtension.class)
class SeveralGatewaysTest {
    private static final String EAST_TOKEN = "hook-token-of-east";

    @TempDir
    Path home;

    private TestJobs jobs;

    @BeforeEach
    void empty(TestDatabase database) {
        database.clear();
        jobs = new TestJobs(database.jdbc());
    }

    private TestFleet east() {
        return new TestFleet(
                home, "east", 1, TestFleet.each(Duration.ofMillis(20), "eve"), options -> TestGatewayOptions.defaults(
                                EAST_TOKEN)
                        .withAgents(Set.of("eve")));
    }

    private TestBus start(TestDatabase database, TestFleet here, TestFleet east) {
        return TestBus.start(
                database,
                here.gateway(),
                home,
                "agentbus.agents.dir",
                here.directory(),
                "agentbus.gateways",
                "east",
                "agentbus.gateway.east.url",
                "http://127.0.0.1:" + east.gateway().url().getPort(),
                "agentbus.gateway.east.token",
                EAST_TOKEN,
                "agentbus.gateway.health-seconds",
                "1");
    }

    private static JsonNode gateway(TestBus bus, String name) throws Exception {
        String answer =
                bus.call("GET", "/v1/gateways", bus.operatorToken(), null).body();
        for (JsonNode gateway : Json.read(answer).path("gateways")) {
            if (gateway.path("name").asText().equals(name)) {
                return gateway;
            }
        }
        throw new AssertionError("no gateway " + name + " in " + answer);
    }

    private static void awaitState(TestBus bus, String gateway, String state) {
        await().until(() -> gateway(bus, gateway).path("state").asText(), state::equals);
    }

    @Test
    void each_job_goes_to_its_agents_gateway_with_that_gateways_token(TestDatabase database) throws Exception {
        try (TestFleet here = TestFleet.of(home, Duration.ofMillis(20), "ann");
                TestFleet east = east();
                TestBus bus = start(database, here, east)) {
            jobs.enqueueMany(5, List.of("ann", "eve"));

            jobs.awaitSucceeded(10);

            assertEquals(5, here.gateway().ledger().runsStarted());
            assertEquals(5, east.gateway().ledger().runsStarted());
            assertTrue(east.gateway().ledger().requests().stream()
                    .map(ReceivedRequest::status)
                    .allMatch(status -> status == 200));
            awaitState(bus, "east", "ready");
            assertEquals("[\"eve\"]", gateway(bus, "east").path("agents").toString());
        }
    }

    @Test
    void a_gateway_that_dies_holds_its_own_lanes_and_nothing_else_until_it_is_back(TestDatabase database)
            throws Exception {
        try (TestFleet here = TestFleet.of(home, Duration.ofMillis(20), "ann");
                TestFleet east = east();
                TestBus bus = start(database, here, east)) {
            east.gateway().crash();
            awaitState(bus, "east", "down");
            UUID waiting = jobs.enqueue("eve");
            jobs.enqueueMany(5, List.of("ann"));

            jobs.awaitSucceeded(5);

            assertEquals("queued", jobs.job(waiting).get("state"));
            assertEquals(List.of(), jobs.attempts(waiting), "nothing was claimed for it");
            String health =
                    bus.call("GET", "/v1/health", bus.operatorToken(), null).body();
            assertTrue(health.contains("gateway east is down since "), health);

            east.gateway().restart();
            jobs.awaitState(waiting, "succeeded");
            awaitState(bus, "east", "ready");
        }
    }

    @Test
    void a_gateway_that_drains_gets_nothing_new_and_goes_on_when_it_is_ready(TestDatabase database) throws Exception {
        try (TestFleet here = TestFleet.of(home, Duration.ofMillis(20), "ann");
                TestFleet east = east();
                TestBus bus = start(database, here, east)) {
            east.gateway().drain();
            awaitState(bus, "east", "draining");
            int before = east.gateway().ledger().requests().size();
            UUID waiting = jobs.enqueue("eve");
            jobs.awaitState(jobs.enqueue("ann"), "succeeded");

            assertEquals("queued", jobs.job(waiting).get("state"));
            assertEquals(before, east.gateway().ledger().requests().size(), "it was left alone");

            east.gateway().resume();
            jobs.awaitState(waiting, "succeeded");
        }
    }

    @Test
    void without_a_token_of_its_own_a_gateway_gets_no_work(TestDatabase database) {
        try (TestFleet here = TestFleet.of(home, Duration.ofMillis(20), "ann");
                TestFleet east = east();
                TestBus bus = TestBus.start(
                        database,
                        here.gateway(),
                        home,
                        settings(
                                here,
                                "agentbus.gateways",
                                "east",
                                "agentbus.gateway.east.url",
                                "http://127.0.0.1:" + east.gateway().url().getPort()))) {
            UUID waiting = jobs.enqueue("eve");
            jobs.awaitState(jobs.enqueue("ann"), "succeeded");

            assertEquals("queued", jobs.job(waiting).get("state"));
            assertTrue(bus.bus().dispatches());
        }
    }

    private static String[] settings(TestFleet fleet, String... more) {
        List<String> all = new ArrayList<>(List.of("agentbus.agents.dir", fleet.directory()));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }
}
