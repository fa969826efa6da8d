package agentbus.dispatch;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.demo.AdmittedRun;
import agentbus.demo.AgentScript;
import agentbus.demo.Outcome;
import agentbus.demo.RunEnd;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.Timestamp;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A whole bus whose gateway reports the ends of its runs and aborts some. */
@ExtendWith(PostgresExtension.class)
class RunsTest {
    /** Chosen: five of each are over in seconds, and their median is no outlier of a busy machine. */
    private static final int ARRIVALS = 5;

    private static final String IDLE_ORDER =
            """
            [{"name": "devops-idle", "agent": "devops", "cron": "0 0 3 * * ?", "zone": "UTC", "words": "every night",
              "purpose": "think", "instructions": "Think.", "session": "isolated", "catchUp": "skip", "catchUpCap": 1,
              "staggerSeconds": 60, "overlap": "skip", "graceSeconds": 300, "timeoutSeconds": 1200, "jobType": "idle",
              "priority": 1, "preCheck": "idle", "startedBy": "bus", "definitionHash": "1"}]""";

    @TempDir
    Path home;

    private TestJobs jobs;

    @BeforeEach
    void empty(TestDatabase database) {
        database.clear();
        jobs = new TestJobs(database.jdbc());
    }

    private TestFleet fleet(Outcome outcome) {
        return new TestFleet(home, 1, Map.of("ann", AgentScript.always(outcome)), options -> options);
    }

    private static String gatewayToken(TestBus bus) throws IOException, InterruptedException {
        HttpResponse<String> answer = bus.call("POST", "/v1/gateways/default/token", bus.operatorToken(), null);
        String token = Json.read(answer.body()).path("token").asText();
        assertTrue(token.startsWith("abg_"), answer.body());
        return token;
    }

    /** Reports the end of a run, as the gateway's plugin does. */
    private static void report(TestBus bus, String token, AdmittedRun run, RunEnd end) {
        JsonNode body = Json.object()
                .put("sessionKey", run.sessionKey())
                .put("agentId", run.agentId())
                .put("success", end == RunEnd.OK)
                .put("durationMs", 1);
        try {
            HttpResponse<String> answer = bus.call("POST", "/v1/gateway/run-ended", token, body.toString());
            assertEquals(200, answer.statusCode(), answer.body());
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void a_run_that_ends_without_closing_is_known_in_seconds_tried_once_more_and_then_blocked(TestDatabase database)
            throws Exception {
        try (TestFleet fleet = fleet(new Outcome.Forget(Duration.ofMillis(50)));
                TestBus bus =
                        TestBus.start(database, fleet.gateway(), home, "agentbus.agents.dir", fleet.directory())) {
            String token = gatewayToken(bus);
            fleet.gateway().plugin((run, end) -> report(bus, token, run, end));

            UUID job = jobs.enqueue("ann");

            jobs.awaitState(job, "blocked");
            List<Map<String, Object>> attempts = jobs.attempts(job);
            assertEquals(2, attempts.size());
            for (Map<String, Object> attempt : attempts) {
                assertEquals("failed", attempt.get("status"));
                assertTrue(attempt.get("error").toString().startsWith("ended_without_closing"));
                long known = ((Timestamp) attempt.get("finished_at")).getTime()
                        - ((Timestamp) attempt.get("run_ended_at")).getTime();
                // One second of grace and half a second to the next look; the rest is for a slow machine.
                assertTrue(known >= 1000 && known < 10_000, known + " ms");
            }
            String second = attempts.get(1).get("prompt").toString();
            assertTrue(second.contains("ended_without_closing: the run ended its turn"), second);
            assertEquals(
                    List.of("job.ended_without_closing", "job.ended_without_closing", "job.needs_operator"),
                    database.jdbc()
                            .queryForList(
                                    "select topic from events where topic in ('job.ended_without_closing',"
                                            + " 'job.needs_operator') order by seq",
                                    String.class));
        }
    }

    @Test
    void a_run_that_closes_its_job_and_then_ends_is_no_news(TestDatabase database) throws Exception {
        try (TestFleet fleet = fleet(new Outcome.Complete(Duration.ofMillis(50), "done"));
                TestBus bus =
                        TestBus.start(database, fleet.gateway(), home, "agentbus.agents.dir", fleet.directory())) {
            String token = gatewayToken(bus);
            fleet.gateway().plugin((run, end) -> report(bus, token, run, end));

            UUID job = jobs.enqueue("ann");

            jobs.awaitState(job, "succeeded");
            await().until(() -> jobs.attempts(job).get(0).get("run_ended_at") != null);
            assertEquals("succeeded", jobs.attempts(job).get(0).get("status"));
        }
    }

    @Test
    void a_token_of_another_kind_may_not_report_runs_and_a_gateways_may_nothing_else(TestDatabase database)
            throws Exception {
        try (TestBus bus = TestBus.start(database, null, home)) {
            String token = gatewayToken(bus);
            String body = "{\"bootId\":\"b\",\"version\":\"v\"}";
            assertEquals(
                    200, bus.call("POST", "/v1/gateway/started", token, body).statusCode());
            assertEquals(
                    403,
                    bus.call("POST", "/v1/gateway/started", bus.operatorToken(), body)
                            .statusCode());
            assertEquals(403, bus.call("GET", "/v1/jobs", token, null).statusCode());
            String newer = gatewayToken(bus);
            assertNotEquals(token, newer);
            assertEquals(
                    200, bus.call("POST", "/v1/gateway/started", newer, body).statusCode());
            assertEquals(
                    401,
                    bus.call("POST", "/v1/gateway/started", token, body).statusCode(),
                    "the use of the newer token revokes the older one");
        }
    }

    @Test
    void cancelling_a_job_stops_its_run_at_the_gateway(TestDatabase database) throws Exception {
        try (GatewaySocket gateway = new GatewaySocket(
                        "operator-token-of-tests", "\"ok\":true,\"payload\":{\"status\":\"aborted\"}");
                TestBus bus = TestBus.start(
                        database,
                        null,
                        home,
                        "agentbus.gateway.url",
                        gateway.url().toString(),
                        "agentbus.gateway.token",
                        TestBus.HOOK_TOKEN,
                        "agentbus.gateway.operator-token",
                        "operator-token-of-tests")) {
            UUID job = jobs.enqueue("devops", "{\"subject\": \"infra.check\"}");
            jobs.awaitState(job, "running");

            bus.call("POST", "/v1/jobs/" + job + "/cancel", bus.operatorToken(), "{\"reason\": \"not wanted\"}");

            await().until(
                            () -> database.jdbc().queryForList("select outcome from run_aborts", String.class),
                            List.of("aborted")::equals);
            assertEquals(
                    List.of("agent:devops:job:" + job),
                    gateway.requests().stream()
                            .filter(request -> request.path("method").asText().equals("sessions.abort"))
                            .map(request -> request.at("/params/key").asText())
                            .toList());
            assertTrue(health(bus).at("/problems").isEmpty(), health(bus)::toString);
        }
    }

    @Test
    void work_begins_beside_an_idle_run_as_soon_as_without_one_and_the_idle_run_is_aborted(TestDatabase database)
            throws Exception {
        try (GatewaySocket gateway = new GatewaySocket(
                        "operator-token-of-tests", "\"ok\":true,\"payload\":{\"status\":\"aborted\"}");
                TestBus bus = TestBus.start(
                        database,
                        null,
                        home,
                        "agentbus.gateway.url",
                        gateway.url().toString(),
                        "agentbus.gateway.token",
                        TestBus.HOOK_TOKEN,
                        "agentbus.gateway.operator-token",
                        "operator-token-of-tests",
                        "agentbus.phase",
                        "5")) {
            database.jdbc()
                    .queryForObject("select sync_standing_orders('default', ?::jsonb)::text", String.class, IDLE_ORDER);
            List<Long> alone = new ArrayList<>();
            List<Long> beside = new ArrayList<>();
            UUID idle = null;
            for (int i = 0; i < ARRIVALS; i++) {
                alone.add(arrival(bus));
                String answer = bus.call(
                                "POST",
                                "/v1/standing-orders/devops-idle/run",
                                bus.operatorToken(),
                                "{\"reason\": \"measured\", \"force\": true}")
                        .body();
                idle = UUID.fromString(Json.read(answer).at("/run/jobId").asText());
                jobs.awaitState(idle, "running");
                beside.add(arrival(bus));
                database.jdbc()
                        .update(
                                "update idle_runs set stop_asked_at = stop_asked_at - idle_grace() where ended_at is null");
                jobs.awaitState(idle, "cancelled");
            }
            String figures =
                    "milliseconds from enqueue to admission: alone " + alone + ", beside an idle run " + beside;
            Collections.sort(alone);
            Collections.sort(beside);
            assertTrue(beside.get(ARRIVALS / 2) - alone.get(ARRIVALS / 2) <= 1000, figures);
            await().until(
                            () -> database.jdbc()
                                    .queryForList(
                                            "select distinct outcome from run_aborts where why like 'work arrived%'",
                                            String.class),
                            List.of("aborted")::equals);
            assertEquals(
                    ARRIVALS,
                    database.jdbc()
                            .queryForObject(
                                    "select count(*)::int from standing_order_runs where status = 'skipped' and summary like"
                                            + " 'stopped after % s, because work arrived for devops (job %'",
                                    Integer.class));
        }
    }

    /** Enqueues a job of devops, waits for its admission and ends it; returns the milliseconds between. */
    private long arrival(TestBus bus) throws Exception {
        UUID job = jobs.enqueue("devops", "{\"subject\": \"infra.check\"}");
        jobs.awaitState(job, "running");
        long took = ((Timestamp) jobs.attempts(job).get(0).get("admitted_at")).getTime()
                - ((Timestamp) jobs.job(job).get("created_at")).getTime();
        bus.call("POST", "/v1/jobs/" + job + "/cancel", bus.operatorToken(), "{\"reason\": \"measured\"}");
        return took;
    }

    @Test
    void a_wrong_operator_token_shows_in_health_before_a_run_has_to_be_stopped(TestDatabase database) throws Exception {
        try (GatewaySocket gateway = new GatewaySocket("the-token-in-force", "");
                TestBus bus = TestBus.start(
                        database,
                        null,
                        home,
                        "agentbus.gateway.url",
                        gateway.url().toString(),
                        "agentbus.gateway.token",
                        TestBus.HOOK_TOKEN,
                        "agentbus.gateway.operator-token",
                        "another-operator-token",
                        "agentbus.gateway.health-seconds",
                        "1")) {
            await().until(() -> health(bus).at("/problems").toString(), said -> said.contains("operator token"));
            String problem = health(bus).at("/problems/0").asText();
            assertTrue(
                    problem.startsWith("gateway default does not accept the operator token, so cancelled runs go on"
                            + " (it refused connect: INVALID_REQUEST unauthorized"),
                    problem);
            assertTrue(problem.contains("gateway.auth.token"), problem);
            assertFalse(problem.contains("another-operator-token"), problem);
        }
    }

    private static JsonNode health(TestBus bus) throws Exception {
        return Json.read(
                bus.call("GET", "/v1/health", bus.operatorToken(), null).body());
    }
}
