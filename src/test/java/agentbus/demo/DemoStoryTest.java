package agentbus.demo;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.settings.Settings;
import agentbus.start.Bus;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.camel.ProducerTemplate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The story of the demo on a bus of all phases: no call of it is refused, and each kind of row is there afterwards. */
@ExtendWith(PostgresExtension.class)
class DemoStoryTest {
    @Test
    void the_demo_fills_every_phase(TestDatabase database, @TempDir Path home) throws Exception {
        int port = freePort();
        Map<String, String> settings = TestBus.settings(
                database.url(),
                null,
                "agentbus.phase",
                "5",
                "agentbus.gateway.url",
                "http://127.0.0.1:" + port,
                "agentbus.gateway.token",
                TestBus.HOOK_TOKEN,
                "agentbus.orders.enabled",
                "true");
        try (DemoFleet fleet = new DemoFleet("http://127.0.0.1:" + port, TestBus.HOOK_TOKEN, 20);
                Bus bus = Bus.start(
                        Settings.load(home, Map.of(), settings),
                        Map.of(),
                        List.of("classpath:routes/demo/*.camel.yaml"),
                        Map.of("demoFleet", fleet))) {
            bus.camel().getRouteController().stopRoute("time-operator");
            bus.camel().getRouteController().stopRoute("enqueue-demo-work");
            ProducerTemplate operator = bus.camel().createProducerTemplate();
            await().atMost(Duration.ofMinutes(3))
                    .pollInterval(Duration.ofMillis(50))
                    .until(() -> {
                        // A refused call is an exception here.
                        operator.sendBody("direct:play-operator", null);
                        return one(database, "select count(*) from events where topic = 'demo.filled'") == 1;
                    });

            assertEquals(
                    Map.of("accepted", 2L, "converted_to_job", 1L, "new", 2L, "parked", 1L, "rejected", 1L),
                    byStatus(database, "opportunities"));
            assertEquals(Map.of("new", 3L, "promoted_to_opportunity", 1L, "reviewed", 2L), byStatus(database, "ideas"));
            assertEquals(Map.of("new", 1L, "promoted", 10L, "rejected", 1L), byStatus(database, "memory_candidates"));
            assertEquals(Map.of("active", 9L, "superseded", 1L, "wrong", 1L), byStatus(database, "memories"));
            assertEquals(4, one(database, "select count(*) from reports"));
            await().until(() -> one(database, "select count(*) from memory_injections where verdict = 'used'") >= 1);
            assertEquals(1, one(database, "select count(*) from questions where agent_id = 'research'"));
        }
    }

    private static long one(TestDatabase database, String query) {
        return database.jdbc().queryForObject(query, Long.class);
    }

    private static Map<String, Long> byStatus(TestDatabase database, String table) {
        Map<String, Long> counts = new TreeMap<>();
        database.jdbc().query("select status, count(*) from " + table + " group by status", row -> {
            counts.put(row.getString(1), row.getLong(2));
        });
        return counts;
    }

    private static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0)) {
            return probe.getLocalPort();
        }
    }
}
