package agentbus.start;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Two fleets share a database: each has a namespace with its own agents, gateway, standing orders and nodes. */
@ExtendWith(PostgresExtension.class)
class FleetsTest {
    @TempDir
    Path home;

    private final TestDatabase database;

    FleetsTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void empty() {
        database.clear();
    }

    /** The nodes of one database have one server key, and each fleet has its own data directory. */
    private Path home(String namespace) throws IOException {
        Path own = home.resolve(namespace);
        Path data = Files.createDirectories(own.resolve("data"));
        Path key = home.resolve("green/data/server.key");
        if (Files.exists(key) && !Files.exists(data.resolve("server.key"))) {
            Files.copy(key, data.resolve("server.key"), java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
        }
        return own;
    }

    private TestBus start(String namespace, TestFleet fleet) throws IOException {
        return TestBus.start(
                database,
                fleet.gateway(),
                home(namespace),
                "agentbus.namespace",
                namespace,
                "agentbus.agents.dir",
                fleet.directory());
    }

    private static JsonNode get(TestBus bus, String path) throws Exception {
        return Json.read(bus.call("GET", path, bus.operatorToken(), null).body());
    }

    private static void enqueue(TestBus bus) throws Exception {
        int status = bus.call(
                        "POST", "/v1/jobs", bus.operatorToken(), "{\"targetAgent\": \"ann\", \"subject\": \"work\"}")
                .statusCode();
        assertTrue(status == 200 || status == 201, String.valueOf(status));
    }

    private long succeeded() {
        return database.jdbc().queryForObject("select count(*) from jobs where state = 'succeeded'", Long.class);
    }

    @Test
    void each_job_runs_at_the_gateway_of_its_fleet_and_no_fleet_sees_another() throws Exception {
        try (TestFleet green = TestFleet.of(home.resolve("green"), Duration.ofMillis(20), "ann");
                TestFleet blue = TestFleet.of(home.resolve("blue"), Duration.ofMillis(20), "ann");
                TestFleet plain = TestFleet.of(home.resolve("default"), Duration.ofMillis(20), "ann");
                TestBus greenBus = start("green", green);
                TestBus blueBus = start("blue", blue);
                TestBus plainBus = start("default", plain)) {
            enqueue(greenBus);
            enqueue(blueBus);
            enqueue(blueBus);
            enqueue(plainBus);
            enqueue(plainBus);
            enqueue(plainBus);

            await().until(() -> succeeded() == 6);

            assertEquals(1, green.gateway().ledger().runsStarted());
            assertEquals(2, blue.gateway().ledger().runsStarted());
            assertEquals(3, plain.gateway().ledger().runsStarted());
            for (TestBus bus : List.of(greenBus, blueBus)) {
                String own = bus == greenBus ? "green" : "blue";
                String other = bus == greenBus ? "blue" : "green";
                for (JsonNode job : get(bus, "/v1/jobs").get("jobs")) {
                    assertEquals(own, job.get("namespace").asText());
                }
                assertEquals(
                        403,
                        bus.call("GET", "/v1/jobs?namespace=" + other, bus.operatorToken(), null)
                                .statusCode());
                assertEquals(1, get(bus, "/v1/health").get("dispatchers").size());
            }
            assertNotEquals(
                    get(greenBus, "/v1/gateways").at("/gateways/0/url"),
                    get(blueBus, "/v1/gateways").at("/gateways/0/url"));
        }
    }

    @Test
    void each_fleet_has_the_standing_orders_of_its_own_nodes() throws Exception {
        for (String namespace : List.of("green", "blue")) {
            TestBus.start(
                            database,
                            null,
                            home(namespace),
                            "agentbus.namespace",
                            namespace,
                            "agentbus.orders.enabled",
                            "true",
                            "agentbus.phase",
                            namespace.equals("green") ? "1" : "2")
                    .close();
        }

        assertEquals(
                List.of("blue 22", "green 5"),
                database.jdbc()
                        .queryForList(
                                "select namespace || ' ' || count(*) from standing_orders where enabled"
                                        + " group by namespace order by namespace",
                                String.class));
        assertEquals(
                List.of("blue", "green"),
                database.jdbc()
                        .queryForList(
                                "select namespace from agents where agent_id = 'devops' order by 1", String.class));
    }
}
