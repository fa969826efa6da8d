package agentbus.dispatch;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.demo.AdmittedRun;
import agentbus.demo.AgentScript;
import agentbus.demo.CurlCommand;
import agentbus.demo.Fault;
import agentbus.demo.GatewayLedger.ReceivedRequest;
import agentbus.demo.PromptReader;
import agentbus.harness.LogCapture;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import java.nio.file.Path;
import java.sql.Timestamp;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The state of a job after each answer of a gateway, and after none. */
@ExtendWith(PostgresExtension.class)
class HookOutcomesTest {
    private static final String HTML = "<html>It works!</html>";

    private static TestDatabase database;
    private static TestFleet fleet;
    private static TestBus bus;
    private static TestJobs jobs;
    private static LogCapture log;

    @BeforeAll
    static void start(TestDatabase given, @TempDir Path home) throws Exception {
        database = given;
        jobs = new TestJobs(database.jdbc());
        log = new LogCapture();
        Map<String, AgentScript> scripts = new HashMap<>(TestFleet.each(Duration.ofMillis(50), "ann", "bob"));
        // Long enough for a repeated call to meet the run of the first call, also on a busy machine.
        scripts.putAll(TestFleet.each(Duration.ofSeconds(4), "slow"));
        fleet = new TestFleet(home, 1, scripts, options -> options);
        bus = TestBus.start(
                database,
                fleet.gateway(),
                home,
                "agentbus.agents.dir",
                fleet.directory(),
                "agentbus.gateway.answer-timeout-ms",
                "1000");
        // A check that comes between a fault and the claim would hold the job back before its hook call.
        bus.bus().camel().getRouteController().stopRoute("check-gateways");
    }

    @AfterAll
    static void stop() {
        try {
            bus.close();
            fleet.close();
        } finally {
            log.close();
        }
    }

    @BeforeEach
    void calm() {
        fleet.gateway().clearFaults();
        await().until(() -> fleet.gateway().ledger().running() == 0);
        database.truncate("run_aborts, standing_order_runs, jobs, job_dependencies, job_attempts, events, cascades,"
                + " sweep_failures");
        database.jdbc().execute("update gateways set failures = 0, held_until = null, hold_reason = null");
        open("ann");
    }

    @Test
    void a_200_of_the_gateway_makes_the_job_running_and_only_its_agent_ends_it() {
        UUID job = jobs.enqueue("slow");

        jobs.awaitState(job, "running");
        Map<String, Object> attempt = jobs.attempts(job).get(0);
        assertEquals("running", attempt.get("status"));
        assertEquals(
                fleet.gateway().ledger().runs().stream()
                        .filter(run -> run.jobId().equals(job.toString()))
                        .map(run -> run.runId())
                        .toList(),
                List.of(attempt.get("run_id")));
        assertEquals("agent:slow:job:" + job, attempt.get("session_key"));
        jobs.awaitState(job, "succeeded");
        assertEquals(1, requests(job).size());
    }

    static Stream<Arguments> not_started() {
        return Stream.of(
                Arguments.of(
                        new Fault.Answer(
                                503, Map.of("Retry-After", "1"), "{\"error\":{\"code\":\"gateway_unavailable\"}}"),
                        "503",
                        1.0),
                Arguments.of(Fault.answer(502, "{\"ok\":false}"), "502", null),
                Arguments.of(Fault.answer(408, "Request Timeout"), "408", null),
                Arguments.of(new Fault.Answer(429, Map.of("Retry-After", "2"), "Too Many Requests"), "429", 2.0),
                Arguments.of(
                        new Fault.Answer(429, Map.of("Retry-After", "Fri, 01 Jan 2027 00:00:00 GMT"), "Slow down"),
                        "429",
                        null));
    }

    @ParameterizedTest
    @MethodSource("not_started")
    void a_run_that_has_not_started_is_tried_again_and_costs_no_attempt(Fault fault, String reason, Double seconds) {
        fleet.gateway().fault(request -> true, fault);
        UUID job = jobs.enqueue("ann");

        Map<String, Object> hold = awaitHold();
        fleet.gateway().clearFaults();
        assertTrue(hold.get("hold_reason").toString().contains(reason), hold::toString);
        double held = ((Number) hold.get("seconds")).doubleValue();
        if (seconds == null) {
            assertTrue(held > 0.5 && held <= 30, hold::toString);
        } else {
            assertEquals(seconds, held);
        }
        jobs.awaitState(job, "succeeded");
        assertUndeliveredThenDone(job);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "503 | {\"ok\":false,\"error\":\"hook agent run did not start before admission timeout\"}",
                "409 | {\"ok\":false,\"error\":\"hook agent run was rejected because the target session changed\"}"
            })
    void a_busy_session_delays_its_own_job_and_holds_nobody_else(int status, String body) {
        fleet.gateway().failNext(1, Fault.answer(status, body));
        UUID job = jobs.enqueue("ann");

        jobs.awaitState(job, "succeeded");
        assertUndeliveredThenDone(job);
        assertEquals(
                0,
                database.jdbc()
                        .queryForObject("select count(*) from gateways where held_until is not null", Integer.class));
    }

    @ParameterizedTest
    @CsvSource({"200, running", "503, queued"})
    void an_outcome_that_postgres_rolls_back_as_a_deadlock_victim_is_written_at_once(int status, String state) {
        database.jdbc()
                .execute(
                        """
                        create sequence victims;
                        create function be_the_victim() returns trigger language plpgsql as $$
                        begin
                          if nextval('victims') = 1 then raise exception using errcode = 'deadlock_detected'; end if;
                          return new;
                        end $$;
                        create trigger be_the_victim before update of state on jobs for each row
                          when (old.state = 'leased' and new.state = '%s') execute function be_the_victim()"""
                                .formatted(state));
        try {
            // An admission is repeated by the batch of notes, every other outcome by the route note-outcome.
            if (status != 200) {
                fleet.gateway().failNext(1, Fault.answer(status, "Service Unavailable"));
            }
            // Slow, so that the outcome is repeated before the agent closes the job.
            UUID job = jobs.enqueue("slow");

            jobs.awaitState(job, "succeeded");

            assertTrue(database.jdbc().queryForObject("select last_value from victims", Long.class) > 1);
            assertEquals(status == 200 ? 1 : 2, requests(job).size(), "no call is repeated after its lease");
        } finally {
            database.jdbc().execute("drop function be_the_victim() cascade; drop sequence victims");
        }
    }

    @Test
    void a_gateway_that_is_down_is_tried_again_and_costs_no_attempt() {
        fleet.gateway().crash();
        UUID job = jobs.enqueue("ann");

        Map<String, Object> hold = awaitHold();
        fleet.gateway().restart();
        assertTrue(hold.get("hold_reason").toString().startsWith("gateway not reached"), hold::toString);
        jobs.awaitState(job, "succeeded");
        assertUndeliveredThenDone(job);
    }

    @Test
    void a_gateway_that_drains_gets_its_jobs_when_it_is_back() {
        fleet.gateway().drain();
        UUID job = jobs.enqueue("ann");

        Map<String, Object> hold = awaitHold();
        fleet.gateway().resume();
        assertTrue(hold.get("hold_reason").toString().contains("suspending or restarting"), hold::toString);
        jobs.awaitState(job, "succeeded");
        assertUndeliveredThenDone(job);
    }

    static Stream<Fault> refusals() {
        return Stream.of(
                Fault.answer(400, "{\"ok\":false,\"error\":\"message required\"}"),
                Fault.answer(401, "Unauthorized"),
                Fault.answer(404, "Not Found"),
                new Fault.Answer(405, Map.of("Allow", "GET"), "Method Not Allowed"),
                Fault.answer(413, "{\"ok\":false,\"error\":\"payload too large\"}"),
                new Fault.Answer(302, Map.of("Location", "http://127.0.0.1:9/elsewhere"), ""),
                new Fault.Answer(307, Map.of("Location", "http://127.0.0.1:9/elsewhere"), ""),
                Fault.answer(403, "Forbidden"),
                Fault.answer(200, HTML),
                Fault.answer(200, "{\"ok\":false}"),
                Fault.answer(200, "[]"));
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void a_call_that_is_refused_stops_that_lane_with_the_reason_and_no_other(Fault fault) {
        fleet.gateway().fault(request -> request.agentId().equals("ann"), fault);
        UUID refused = jobs.enqueue("ann");
        await().atMost(Duration.ofSeconds(60)).until(() -> lane("ann").get("paused_at") != null);
        UUID second = jobs.enqueue("ann");
        UUID other = jobs.enqueue("bob");
        jobs.awaitState(other, "succeeded");

        Map<String, Object> lane = lane("ann");
        Fault.Answer answer = (Fault.Answer) fault;
        assertEquals("dispatcher", lane.get("paused_by"));
        assertTrue(lane.get("paused_reason").toString().contains("answered " + answer.status()), lane::toString);
        assertTrue(lane.get("paused_reason").toString().contains(answer.body().strip()), lane::toString);
        Map<String, Object> row = jobs.job(refused);
        assertEquals("queued", row.get("state"));
        assertEquals(0, row.get("attempt_count"));
        assertEquals(lane.get("paused_reason"), row.get("last_error"));
        assertEquals("queued", jobs.job(second).get("state"));
        assertEquals(1, requests(refused).size() + requests(second).size());
        assertNull(database.jdbc().queryForObject("select held_until from gateways", Timestamp.class));

        fleet.gateway().clearFaults();
        open("ann");
        jobs.awaitState(refused, "succeeded");
        jobs.awaitState(second, "succeeded");
    }

    @Test
    void a_lane_that_a_refusal_stopped_goes_on_by_itself_when_its_time_has_come() {
        fleet.gateway().failNext(1, Fault.answer(404, "Not Found"));
        UUID job = jobs.enqueue("ann");
        await().until(() -> lane("ann").get("paused_until") != null);

        database.jdbc().update("update agents set paused_until = now() where agent_id = 'ann'");
        database.jdbc().update("update jobs set run_after = now() where job_id = ?", job);
        jobs.awaitState(job, "succeeded");
        assertNull(lane("ann").get("paused_at"));
    }

    @Test
    void a_job_that_alone_is_refused_is_set_aside_and_the_others_are_done() {
        database.jdbc().update("update agents set paused_at = now(), paused_reason = 'test' where agent_id = 'ann'");
        UUID poison = jobs.enqueue("ann");
        List<UUID> others = Stream.generate(() -> jobs.enqueue("ann")).limit(6).toList();
        fleet.gateway()
                .fault(
                        request -> request.idempotencyKey().startsWith(poison.toString()),
                        Fault.answer(413, "{\"ok\":false,\"error\":\"payload too large\"}"));
        open("ann");

        others.forEach(other -> jobs.awaitState(other, "succeeded"));
        await().atMost(Duration.ofSeconds(60)).until(() -> {
            database.jdbc().update("update jobs set run_after = now() where job_id = ? and state = 'queued'", poison);
            return jobs.job(poison).get("state").equals("blocked");
        });
        assertTrue(jobs.job(poison).get("blocked_reason").toString().contains("payload too large"));
        jobs.awaitState(jobs.enqueue("ann"), "succeeded");
    }

    static Stream<Arguments> unknowns() {
        return Stream.of(
                Arguments.of(Fault.answer(500, "{\"ok\":false,\"error\":\"boom\"}"), "500"),
                Arguments.of(Fault.answer(504, "Gateway Timeout"), "504"),
                Arguments.of(Fault.answer(204, ""), "204"),
                Arguments.of(Fault.answer(202, "{\"runId\":\"r-1\"}"), "202"),
                Arguments.of(Fault.answer(200, ""), "200"),
                Arguments.of(Fault.cutConnection(), "no answer"),
                Arguments.of(Fault.delayAnswer(Duration.ofSeconds(2)), "Timeout"),
                Arguments.of(Fault.refuseToRead(), "Timeout"),
                Arguments.of(
                        new Fault.Answer(500, Map.of("Content-Type", "text/plain; charset=bogus"), "Oops"),
                        "500: Oops"));
    }

    @ParameterizedTest
    @MethodSource("unknowns")
    void a_call_of_unknown_outcome_is_repeated_to_the_byte_and_admitted_once(Fault fault, String reason) {
        fleet.gateway().failNext(1, fault);
        long before = fleet.gateway().ledger().runsStarted();
        UUID job = jobs.enqueue("slow");

        await().pollInterval(Duration.ofMillis(10))
                .atMost(Duration.ofSeconds(60))
                .until(() -> !jobs.attempts(job).isEmpty()
                        && jobs.attempts(job).get(0).get("unknown_since") != null);
        Map<String, Object> unknown = jobs.attempts(job).get(0);
        assertTrue(unknown.get("error").toString().contains(reason), unknown::toString);

        jobs.awaitState(job, "succeeded");
        List<ReceivedRequest> requests = requests(job);
        // A gateway that does not read the request has not seen the key.
        assertEquals(fault instanceof Fault.RefuseToRead ? 1 : 2, requests.size(), requests::toString);
        assertEquals(
                1,
                requests.stream()
                        .map(ReceivedRequest::idempotencyKey)
                        .distinct()
                        .count());
        assertEquals(
                1, requests.stream().map(ReceivedRequest::bodySha256).distinct().count());
        List<Map<String, Object>> attempts = jobs.attempts(job);
        assertEquals(1, attempts.size());
        assertEquals(2, attempts.get(0).get("deliveries"));
        assertEquals("succeeded", attempts.get(0).get("status"));
        assertNull(attempts.get(0).get("unknown_since"));
        assertEquals(1, jobs.job(job).get("attempt_count"));
        assertEquals(before + 1, fleet.gateway().ledger().runsStarted());
    }

    @Test
    void a_refusal_after_an_unknown_outcome_does_not_begin_a_second_attempt() {
        fleet.gateway().failNext(1, Fault.cutConnection());
        fleet.gateway().failNext(1, Fault.answer(503, "{\"ok\":false}"));
        UUID job = jobs.enqueue("slow");

        jobs.awaitState(job, "succeeded");
        assertEquals(1, jobs.attempts(job).size());
        assertEquals(
                1,
                requests(job).stream()
                        .map(ReceivedRequest::idempotencyKey)
                        .distinct()
                        .count());
    }

    @Test
    void no_token_is_logged_or_kept_even_when_the_gateway_sends_it_back() throws Exception {
        fleet.gateway().failNext(1, Fault.answer(500, "{\"ok\":false}"));
        UUID job = jobs.enqueue("ann");
        jobs.awaitState(job, "succeeded");
        AdmittedRun run = fleet.runs().stream()
                .filter(one -> one.jobId().equals(job.toString()))
                .findFirst()
                .orElseThrow();
        String attemptToken = attemptToken(run);
        // A debugging proxy in the gateway's place echoes the request.
        fleet.gateway()
                .fault(
                        request -> request.agentId().equals("ann"),
                        Fault.answer(200, "Authorization: Bearer " + TestBus.HOOK_TOKEN));
        jobs.enqueue("ann");
        await().until(() -> lane("ann").get("paused_at") != null);

        String everything = String.join("\n", log.lines());
        assertFalse(everything.contains("Message History"), "Camel's own report of a failure was logged");
        assertTrue(everything.contains("lane of agent ann stops"), "the log was captured");
        assertTrue(attemptToken.length() > 20);
        String kept = database.jdbc()
                .queryForObject(
                        "select concat((select json_agg(a)::text from job_attempts a), (select json_agg(j)::text from jobs j),"
                                + " (select json_agg(e)::text from events e), (select json_agg(l)::text from audit_log l),"
                                + " (select json_agg(g)::text from gateways g), (select json_agg(a)::text from agents a))",
                        String.class);
        for (AdmittedRun one : fleet.runs()) {
            assertFalse(everything.contains(attemptToken(one)), "an attempt's token was logged");
            assertFalse(kept.contains(attemptToken(one)), "an attempt's token is at rest");
        }
        for (String secret : List.of(TestBus.HOOK_TOKEN, bus.operatorToken())) {
            assertFalse(everything.contains(secret), "a token was logged");
            assertFalse(kept.contains(secret), "a token is at rest");
        }
    }

    private static String attemptToken(AdmittedRun run) {
        CurlCommand close = new PromptReader().read(run.prompt()).commands().get(0);
        return close.header("Authorization").orElseThrow().substring("Bearer ".length());
    }

    private static void assertUndeliveredThenDone(UUID job) {
        List<Map<String, Object>> attempts = jobs.attempts(job);
        assertTrue(attempts.size() > 1, attempts::toString);
        for (Map<String, Object> attempt : attempts.subList(0, attempts.size() - 1)) {
            assertEquals("undelivered", attempt.get("status"));
        }
        assertEquals(1, jobs.job(job).get("attempt_count"));
        List<String> keys = requests(job).stream()
                .map(ReceivedRequest::idempotencyKey)
                .distinct()
                .collect(Collectors.toList());
        assertEquals(requests(job).size(), keys.size(), "each attempt has a key of its own");
        // The agent may close before its admission is noted.
        await().until(() -> database.jdbc().queryForObject("select held_until from gateways", Timestamp.class) == null);
    }

    private static Map<String, Object> awaitHold() {
        return await().atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(10))
                .until(
                        () -> database.jdbc()
                                .queryForMap("select hold_reason, extract(epoch from held_until - updated_at)"
                                        + "::double precision as seconds from gateways"),
                        hold -> hold.get("hold_reason") != null);
    }

    private static List<ReceivedRequest> requests(UUID job) {
        return fleet.gateway().ledger().requests().stream()
                .filter(request -> request.idempotencyKey().startsWith(job.toString()))
                .toList();
    }

    private static Map<String, Object> lane(String agent) {
        return database.jdbc().queryForMap("select * from agents where agent_id = ?", agent);
    }

    private static void open(String agent) {
        database.jdbc()
                .queryForList(
                        "select resume_agent('{\"kind\": \"operator\", \"name\": \"test\"}',"
                                + " jsonb_build_object('agentId', ?::text))::text",
                        agent);
    }
}
