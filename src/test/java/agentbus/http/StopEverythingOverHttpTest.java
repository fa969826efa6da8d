package agentbus.http;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.demo.AgentScript;
import agentbus.demo.Outcome;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The operator stops everything while the gateway, its model and the listener are down, and starts it again. */
@ExtendWith(PostgresExtension.class)
class StopEverythingOverHttpTest {
    /** A second on an idle machine, and time for a busy one. */
    private static final Duration SOON = Duration.ofSeconds(10);

    @TempDir
    Path home;

    private static JsonNode act(TestBus bus, String path, String body) throws Exception {
        var answer = bus.call("POST", path, bus.operatorToken(), body);
        assertEquals(200, answer.statusCode(), answer.body());
        return Json.read(answer.body());
    }

    @Test
    void a_stop_needs_only_http_and_the_database_and_outlives_a_restart(TestDatabase database) throws Exception {
        TestJobs jobs = new TestJobs(database.jdbc());
        // A model that never answers: its runs report nothing and end nothing.
        Map<String, AgentScript> silent = Map.of("ann", AgentScript.always(new Outcome.Ignore()));
        try (TestFleet fleet = new TestFleet(home, 1, silent, options -> options)) {
            String[] settings = {
                "agentbus.agents.dir",
                fleet.directory(),
                "agentbus.dispatch.recover-ms",
                "200",
                "agentbus.metrics.queue-seconds",
                "1"
            };
            UUID job;
            try (TestBus bus = TestBus.start(database, fleet.gateway(), home, settings)) {
                job = jobs.enqueue("ann");
                jobs.awaitState(job, "running");
                fleet.gateway().crash();
                database.jdbc()
                        .queryForList("select pg_terminate_backend(pid) from pg_stat_activity"
                                + " where application_name = 'agentbus-listener' and datname = current_database()");

                long began = System.nanoTime();
                JsonNode stopped =
                        act(bus, "/v1/pauses/stop-everything", "{\"reason\": \"agents write to production\"}");

                Duration took = Duration.ofNanos(System.nanoTime() - began);
                assertTrue(took.compareTo(SOON) < 0, () -> "the stop took " + took);
                assertEquals(job.toString(), stopped.at("/running/0/jobId").asText());
                assertEquals("ann", stopped.at("/running/0/targetAgent").asText());
                assertEquals(1, stopped.get("aborting").asInt());
                assertEquals("queued", jobs.job(job).get("state"));
                fleet.gateway().restart();
            }
            try (TestBus bus = TestBus.start(database, fleet.gateway(), home, settings)) {
                await().until(() -> bus.exchanges("recover-jobs") >= 2 && bus.exchanges("sweep-queue") >= 1);
                assertEquals("queued", jobs.job(job).get("state"));
                assertEquals(1, jobs.attempts(job).size());
                assertEquals(0, jobs.job(job).get("attempt_count"));
                await().until(() -> bus.call("GET", "/observe/metrics", null, null)
                        .body()
                        .contains("agentbus_paused{kind=\"everything\",namespace=\"default\"} 1"));
                JsonNode pause = Json.read(
                        bus.call("GET", "/v1/pauses", bus.operatorToken(), null).body());
                assertEquals("stopped", pause.at("/pauses/0/status").asText());

                act(bus, "/v1/pauses/resume", "{\"kind\": \"everything\", \"reason\": \"the cause is removed\"}");

                jobs.awaitState(job, "running");
                assertEquals(2, jobs.attempts(job).size());
            }
        }
    }
}
