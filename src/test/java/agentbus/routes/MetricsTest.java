package agentbus.routes;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.demo.AgentScript;
import agentbus.demo.Fault;
import agentbus.demo.Outcome;
import agentbus.harness.PostgresExtension;
import agentbus.harness.StoppableServer;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The metrics at /observe/metrics: they exist, they are correct, and reading them runs no query. */
@ExtendWith(PostgresExtension.class)
class MetricsTest {
    @TempDir
    Path home;

    @Test
    void what_happens_to_jobs_is_counted(TestDatabase database) throws Exception {
        TestJobs jobs = new TestJobs(database.jdbc());
        Map<String, AgentScript> scripts = new HashMap<>(TestFleet.each(Duration.ZERO, "ann"));
        scripts.put("mute", AgentScript.always(new Outcome.Ignore()));
        scripts.put(
                "waits",
                AgentScript.inOrder(
                        new Outcome.Block(Duration.ZERO, "not yet", Map.of("at", "PT1S")),
                        new Outcome.Complete(Duration.ZERO, "done")));
        try (TestFleet fleet = new TestFleet(home, 1, scripts, options -> options);
                TestBus bus = start(database.url(), fleet)) {
            fleet.gateway().failNext(1, Fault.answer(502, "{}"));
            jobs.awaitState(jobs.enqueue("ann"), "succeeded");
            // Its agent is silent for longer than the job's timeout.
            UUID dead = jobs.enqueue("mute", "{\"timeoutSeconds\": 1, \"maxAttempts\": 1}");
            jobs.awaitState(dead, "dead");
            jobs.awaitState(jobs.enqueue("waits"), "succeeded");
            jobs.enqueue("ann", "{\"delaySeconds\": 3600}");

            // The depth dates from the last measurement, and a close may be counted before its admission.
            await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> assertCounted(scrape(bus)));
        }
    }

    private static void assertCounted(String text) {
        assertSample(text, "agentbus_hook_calls_total{agent=\"ann\",outcome=\"undelivered\"}", 1);
        assertSample(text, "agentbus_hook_calls_total{agent=\"ann\",outcome=\"admitted\"}", 1);
        assertSample(text, "agentbus_hook_calls_total{agent=\"mute\",outcome=\"admitted\"}", 1);
        assertSample(text, "agentbus_jobs_moved_total{agent=\"ann\",cause=\"closed\",to=\"succeeded\"}", 1);
        assertSample(text, "agentbus_jobs_moved_total{agent=\"ann\",cause=\"undelivered\",to=\"queued\"}", 1);
        assertSample(text, "agentbus_jobs_moved_total{agent=\"mute\",cause=\"lease_lost\",to=\"dead\"}", 1);
        assertSample(text, "agentbus_jobs_moved_total{agent=\"waits\",cause=\"unblocked\",to=\"queued\"}", 1);
        assertSample(text, "agentbus_api_calls_total{operation=\"completeJob\",status=\"200\"}", 2);
        assertSample(text, "agentbus_dispatch_latency_seconds_count", 4);
        assertSample(text, "agentbus_jobs{agent=\"mute\",namespace=\"default\",state=\"dead\"}", 1);
        assertSample(text, "agentbus_jobs{agent=\"ann\",namespace=\"default\",state=\"queued\"}", 1);
        String age = "agentbus_oldest_seconds{agent=\"mute\",namespace=\"default\",state=\"dead\"}";
        assertTrue(text.contains(age), age);
    }

    @Test
    void a_scrape_asks_the_database_nothing() throws Exception {
        try (StoppableServer server = new StoppableServer(home);
                TestFleet fleet = TestFleet.of(home, Duration.ZERO, "ann");
                TestBus bus = start(server.url(), fleet)) {
            new TestJobs(server.jdbc()).enqueue("ann", "{\"delaySeconds\": 3600}");
            String depth = "agentbus_jobs{agent=\"ann\",namespace=\"default\",state=\"queued\"}";
            await().atMost(Duration.ofSeconds(60)).until(() -> scrape(bus).contains(depth));

            server.stop();
            long began = System.nanoTime();
            assertSample(scrape(bus), depth, 1);
            long took = (System.nanoTime() - began) / 1_000_000;
            // Chosen: far below the timeout of a connection.
            assertTrue(took < 2_000, took + " ms");
            server.start();
        }
    }

    private static String scrape(TestBus bus) throws Exception {
        HttpResponse<String> answer = bus.call("GET", "/observe/metrics", null, null);
        assertEquals(200, answer.statusCode(), answer.body());
        return answer.body();
    }

    private static void assertSample(String text, String series, double value) {
        List<String> lines =
                text.lines().filter(line -> line.startsWith(series + " ")).toList();
        assertEquals(
                1,
                lines.size(),
                () -> series + " is not among\n"
                        + text.lines()
                                .filter(line -> line.startsWith("agentbus_"))
                                .toList());
        assertEquals(value, Double.parseDouble(lines.get(0).substring(series.length() + 1)), series);
    }

    private TestBus start(String url, TestFleet fleet) {
        return TestBus.start(
                url,
                fleet.gateway(),
                home,
                "agentbus.agents.dir",
                fleet.directory(),
                "agentbus.metrics.queue-seconds",
                "1");
    }
}
