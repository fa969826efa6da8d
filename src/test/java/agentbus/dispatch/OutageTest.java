package agentbus.dispatch;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.LogCapture;
import agentbus.harness.PostgresExtension;
import agentbus.harness.StoppableServer;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The whole bus during partial and complete outages of its database. */
@ExtendWith(PostgresExtension.class)
class OutageTest {
    private static final Logger LOG = LoggerFactory.getLogger(OutageTest.class);
    /** {@code -Pgrowth} has the half minute that a restart of a database takes. */
    private static final Duration OUTAGE = Duration.ofSeconds(Integer.getInteger("outage.seconds", 6));

    private static final Set<String> CHECKS = Set.of("database", "heartbeat", "listener", "recovery", "sweep");
    private static final String LISTENERS =
            "select pid from pg_stat_activity where application_name = 'agentbus-listener'"
                    + " and datname = current_database() and query like 'LISTEN%'";

    @TempDir
    Path home;

    @Test
    void a_listener_cut_off_twenty_times_is_back_each_time_and_no_job_waits_for_it(TestDatabase database) {
        TestJobs jobs = new TestJobs(database.jdbc());
        try (TestFleet fleet = TestFleet.of(home, Duration.ofMillis(20), "ann", "bob");
                TestBus bus = start(database.url(), fleet, "agentbus.dispatch.sweep-ms", "60000")) {
            await().until(() -> listeners(database).size() == 1);
            List<Long> recoveries = new ArrayList<>();
            for (int round = 1; round <= 20; round++) {
                jobs.enqueueMany(1, fleet.names());
                int before = listeners(database).get(0);
                database.jdbc().queryForList("select pg_terminate_backend(?)", before);
                long cut = System.nanoTime();
                jobs.enqueueMany(1, fleet.names());
                await().pollInterval(Duration.ofMillis(10))
                        .until(() -> listeners(database), now -> now.size() == 1 && now.get(0) != before);
                recoveries.add((System.nanoTime() - cut) / 1_000_000);
            }
            jobs.awaitSucceeded(80);
            UUID after = jobs.enqueue("ann");
            jobs.awaitState(after, "succeeded");
            assertEquals(1, listeners(database).size());
            assertEquals(1, bus.exchanges("sweep-queue"), "a sweep helped");
            LOG.info("Listening again after {} ms", recoveries);
        }
    }

    @Test
    void a_bus_whose_database_is_down_says_so_and_goes_on_by_itself() throws Exception {
        try (StoppableServer server = new StoppableServer(home);
                TestFleet fleet = TestFleet.of(home, Duration.ofMillis(200), "ann", "bob", "cid");
                TestBus bus = start(server.url(), fleet, "agentbus.database.connect-timeout-ms", "1000")) {
            // The close of an agent can fail in the outage; the agent does not retry, and its timeout ends the attempt.
            // An outage of over a minute, as on a slow machine, adds two minutes, but the hard timeout holds.
            server.jdbc()
                    .execute("update job_types"
                            + " set timeout_seconds = 5, hard_timeout_seconds = 15, backoff_seconds = 0.5");
            assertEquals(Set.of(), awaitDown(bus, Set.of()));
            // Enqueued while the lanes are stopped. Otherwise a slow machine has done all jobs before the outage.
            server.jdbc().execute("update agents set paused_at = now(), paused_reason = 'not yet'");
            for (int i = 0; i < 60; i++) {
                new TestJobs(server.jdbc()).enqueue(fleet.names().get(i % 3));
            }
            server.jdbc().execute("update agents set paused_at = null, paused_reason = null");
            await().until(() -> new TestJobs(server.jdbc()).count("succeeded") >= 3);

            try (LogCapture log = new LogCapture()) {
                server.stop();
                awaitDown(bus, CHECKS);
                assertEquals(503, health(bus, "/ready").statusCode());
                await().during(OUTAGE)
                        .atMost(OUTAGE.plusSeconds(30))
                        .pollInterval(Duration.ofSeconds(2))
                        .until(() -> health(bus, "/live").statusCode() == 200);
                assertEquals(CHECKS, down(bus));
                assertQuiet(log.lines());
            }

            server.start();
            long up = System.nanoTime();
            TestJobs jobs = new TestJobs(server.jdbc());
            long before = jobs.count("succeeded");
            await().atMost(Duration.ofSeconds(60))
                    .pollInterval(Duration.ofMillis(50))
                    .until(() -> jobs.count("succeeded") > before);
            long flowing = (System.nanoTime() - up) / 1_000_000;
            awaitDown(bus, Set.of());
            LOG.info(
                    "Jobs flow {} ms after the database is up; ready after {} ms",
                    flowing,
                    (System.nanoTime() - up) / 1_000_000);
            assertEquals(200, health(bus, "/ready").statusCode());
            jobs.awaitSucceeded(60);
        }
    }

    /** An outage is logged once, and neither at every sweep nor with sixty lines of stack trace. */
    private static void assertQuiet(List<String> lines) {
        List<String> loud = lines.stream()
                .filter(line -> line.startsWith("WARN") || line.startsWith("ERROR"))
                // The simulated agents log too; their lines are not the bus's.
                .filter(line -> !line.contains("agentbus.demo"))
                .toList();
        assertFalse(loud.isEmpty(), "the outage was not said");
        assertTrue(loud.size() <= 30, () -> loud.size() + " lines:\n" + String.join("\n", loud));
        assertFalse(loud.stream().anyMatch(line -> line.contains("Message History")), loud::toString);
    }

    private static List<Integer> listeners(TestDatabase database) {
        return database.jdbc().queryForList(LISTENERS, Integer.class);
    }

    private static Set<String> awaitDown(TestBus bus, Set<String> expected) {
        return await().atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(100))
                .until(() -> down(bus), expected::equals);
    }

    private static Set<String> down(TestBus bus) throws Exception {
        Set<String> down = new TreeSet<>();
        HttpResponse<String> answer = health(bus, "/ready");
        for (JsonNode check : Json.read(answer.body()).path("checks")) {
            if (!check.path("status").asText().equals("UP")) {
                down.add(check.path("name").asText());
            }
        }
        return down;
    }

    private static HttpResponse<String> health(TestBus bus, String kind) throws Exception {
        return bus.call("GET", "/observe/health" + kind, null, null);
    }

    private TestBus start(String url, TestFleet fleet, String... settings) {
        String[] all = new String[settings.length + 2];
        System.arraycopy(settings, 0, all, 0, settings.length);
        all[settings.length] = "agentbus.agents.dir";
        all[settings.length + 1] = fleet.directory();
        return TestBus.start(url, fleet.gateway(), home, all);
    }
}
