package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a gateway reports of its runs, and what the bus makes of it. */
@ExtendWith(PostgresExtension.class)
class RunEndsTest {
    private Machine bus;
    private GatewayReports gateway;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        gateway = new GatewayReports(bus);
    }

    private int sweep() {
        return bus.jdbc()
                .queryForList("select end_silent_runs()::text", String.class)
                .size();
    }

    /** Lets a second and more pass for a run whose end was reported. */
    private void passGrace() {
        bus.jdbc()
                .update("update job_attempts set run_ended_at = run_ended_at - interval '2 seconds'"
                        + " where run_ended_at is not null");
    }

    private void endWithoutClosing(Attempt attempt) {
        gateway.ended(attempt, true);
        passGrace();
        assertEquals(1, sweep());
    }

    private static String outcome(JsonNode answer) {
        return answer.get("outcome").asText() + " " + answer.get("applied").asBoolean();
    }

    @Test
    void a_run_that_ended_well_has_a_second_to_close_its_job() {
        Attempt attempt = bus.running();

        JsonNode answer = gateway.ended(attempt, true, "usage", Machine.json("tokens", 12));

        assertEquals("noted true", outcome(answer));
        assertEquals(attempt.job(), answer.get("jobId").asText());
        assertEquals(0, sweep());
        assertEquals("running", bus.state(attempt.job()));
        bus.complete(attempt);
        passGrace();
        assertEquals(0, sweep());
        assertEquals("succeeded", bus.state(attempt.job()));
        assertEquals("{\"tokens\": 12}", bus.ofAttempt(attempt, "usage", String.class));
    }

    @Test
    void a_run_that_ended_without_closing_is_tried_once_more_at_once_with_the_reason() {
        Attempt attempt = bus.running();

        endWithoutClosing(attempt);

        assertEquals("queued", bus.state(attempt.job()));
        assertEquals("failed", bus.ofAttempt(attempt, "status", String.class));
        assertTrue(bus.column(attempt.job(), "last_error", String.class).startsWith("ended_without_closing: "));
        assertTrue(bus.topics(attempt.job()).contains("job.ended_without_closing"));
        Attempt next = bus.claim();
        assertEquals(2, next.claimed().get("attemptNo").asInt());
        assertTrue(next.claimed().get("lastError").asText().startsWith("ended_without_closing: "));
    }

    @Test
    void the_second_run_in_a_row_that_ends_without_closing_blocks_the_job_for_the_coordinator() {
        Attempt first = bus.running();
        endWithoutClosing(first);
        Attempt second = bus.claim();
        bus.admitted(second);

        endWithoutClosing(second);

        assertEquals("blocked", bus.state(first.job()));
        assertTrue(bus.column(first.job(), "blocked_reason", String.class)
                .startsWith("2 runs in a row of agent devops ended without closing"));
        assertEquals("failed", bus.ofAttempt(second, "status", String.class));
        assertEquals(
                1,
                bus.count(
                        "jobs where target_agent = 'coordinator' and subject = 'blocked.replan' and parent_job_id = ?::uuid",
                        first.job()));
        bus.ask("unblock_job", "jobId", first.job(), "answer", "the proxy is mended");
        assertEquals(0, bus.column(first.job(), "ended_without_closing", Integer.class));
    }

    @Test
    void a_redrive_forgets_runs_that_ended_without_closing() {
        Attempt only = bus.running("maxAttempts", 1);
        endWithoutClosing(only);
        assertEquals("dead", bus.state(only.job()));

        bus.ask("redrive_job", "jobId", only.job(), "reason", "again");

        assertEquals(0, bus.column(only.job(), "ended_without_closing", Integer.class));
    }

    @Test
    void a_run_that_failed_ends_its_attempt_at_once_with_backoff() {
        Attempt attempt = bus.running();

        JsonNode answer = gateway.ended(attempt, false, "error", "model overloaded", "durationMs", 0);

        assertEquals("failed true", outcome(answer));
        assertEquals("queued", bus.state(attempt.job()));
        assertEquals(
                "the run ended with an error: model overloaded", bus.column(attempt.job(), "last_error", String.class));
        assertEquals(0, bus.column(attempt.job(), "ended_without_closing", Integer.class));
        assertEquals(List.of(), bus.claimedIds(10), "the backoff holds");
    }

    @Test
    void runs_that_keep_failing_end_dead_and_not_on_the_coordinators_desk() {
        Attempt attempt = bus.running("maxAttempts", 2);
        gateway.ended(attempt, false, "durationMs", 0);
        bus.makeDue(attempt.job());
        Attempt last = bus.claim();
        bus.admitted(last);

        gateway.ended(last, false, "durationMs", 0);

        assertEquals("dead", bus.state(attempt.job()));
        assertEquals(0, bus.count("jobs where target_agent = 'coordinator'"));
    }

    @Test
    void the_same_report_twice_changes_nothing_more() {
        Attempt attempt = bus.running();
        gateway.ended(attempt, true);
        passGrace();
        String before = bus.ofAttempt(attempt, "run_ended_at", String.class);

        assertEquals("noted false", outcome(gateway.ended(attempt, true)));
        assertEquals(before, bus.ofAttempt(attempt, "run_ended_at", String.class));

        sweep();
        assertEquals("over false", outcome(gateway.ended(attempt, true)));
        assertEquals(1, bus.column(attempt.job(), "ended_without_closing", Integer.class));
    }

    @Test
    void a_report_of_an_earlier_run_does_not_touch_the_newer_attempt() {
        Attempt zombie = bus.running();
        bus.jdbc().update("update job_attempts set created_at = now() - interval '1 hour'");
        bus.expire(zombie.job());
        bus.recover();
        bus.makeDue(zombie.job());
        Attempt newer = bus.claim();
        bus.admitted(newer);

        JsonNode answer = gateway.ended(zombie, false, "error", "aborted", "durationMs", 600_000);

        assertEquals("over false", outcome(answer));
        assertEquals(1, answer.get("attemptNo").asInt());
        assertEquals("running", bus.state(newer.job()));
        assertNull(bus.ofAttempt(newer, "run_ended_at", String.class));
        assertNotNull(bus.ofAttempt(zombie, "run_ended_at", String.class));
    }

    @Test
    void a_report_without_a_duration_does_not_touch_an_attempt_that_is_not_admitted() {
        Attempt attempt = bus.leased();

        assertEquals("ignored false", outcome(gateway.ended(attempt, false)));
        assertEquals("noted true", outcome(gateway.ended(attempt, true, "durationMs", 0)));
    }

    @Test
    void the_usage_that_the_close_itself_reported_stays() {
        Attempt attempt = bus.running();
        bus.say(attempt, "complete_job", "summary", "done", "usage", Machine.json("tokens", 1));

        JsonNode answer = gateway.ended(attempt, true, "durationMs", 0, "usage", Machine.json("tokens", 2));

        assertEquals("over false", outcome(answer));
        assertEquals("{\"tokens\": 1}", bus.ofAttempt(attempt, "usage", String.class));
    }

    @Test
    void a_close_that_said_nothing_of_usage_gets_the_gateways_count() {
        Attempt attempt = bus.running();
        bus.complete(attempt);

        gateway.ended(attempt, true, "durationMs", 0, "usage", Machine.json("tokens", 2));

        assertEquals("{\"tokens\": 2}", bus.ofAttempt(attempt, "usage", String.class));
    }

    @Test
    void a_gateway_has_no_say_over_the_runs_of_another() {
        Attempt attempt = bus.running();

        JsonNode answer = bus.call(
                "report_run_end",
                GatewayReports.gateway("east"),
                Machine.json("sessionKey", GatewayReports.session(attempt), "success", false, "error", "x"));

        assertEquals("ignored false", outcome(answer));
        assertEquals("running", bus.state(attempt.job()));
    }

    @Test
    void a_session_of_somebodys_own_is_ignored() {
        bus.running();
        for (String key :
                List.of("agent:devops:main", "job:", "agent:devops:job:nobody", "hook:x", "'; drop table jobs")) {
            JsonNode answer = bus.call(
                    "report_run_end",
                    GatewayReports.gateway("default"),
                    Machine.json("sessionKey", key, "success", false));
            assertEquals("ignored false", outcome(answer), key);
        }
    }

    @Test
    void a_standing_orders_own_session_is_known_by_its_newest_run() {
        Attempt attempt = bus.running();
        bus.jdbc().update("update jobs set session = 'session:Digest'");
        bus.jdbc().update("update gateways set form = 'direct'");

        JsonNode answer = bus.call(
                "report_run_end",
                GatewayReports.gateway("default"),
                Machine.json("sessionKey", "agent:devops:job:session:digest", "success", true));

        assertEquals("noted true", outcome(answer));
        assertEquals(attempt.job(), answer.get("jobId").asText());
    }

    @Test
    void a_close_that_is_under_way_when_the_grace_is_over_wins_or_loses_as_a_whole(TestDatabase database)
            throws Exception {
        Attempt attempt = bus.running();
        gateway.ended(attempt, true);
        passGrace();
        try (var connection = database.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine closing =
                    Machine.on(new org.springframework.jdbc.datasource.SingleConnectionDataSource(connection, true));
            closing.complete(attempt);
            assertEquals(0, sweep(), "the job is in the close's hands");
            connection.commit();
        }
        assertEquals(0, sweep());
        assertEquals("succeeded", bus.state(attempt.job()));
    }

    @Test
    void a_close_after_the_grace_is_a_late_report() {
        Attempt attempt = bus.running();
        endWithoutClosing(attempt);

        assertEquals("stale_attempt", bus.complete(attempt).at("/problem/code").asText());
    }

    @Test
    void a_run_that_begins_again_in_time_has_not_ended() {
        Attempt attempt = bus.running();
        gateway.ended(attempt, true);

        assertEquals("alive true", outcome(gateway.started(attempt)));

        passGrace();
        assertEquals(0, sweep());
        assertNull(bus.ofAttempt(attempt, "run_ended_at", String.class));
    }

    @Test
    void the_auditor_is_told_of_runs_that_ended_without_closing_but_not_of_those_that_died_with_their_gateway() {
        Attempt killed = bus.running("subject", "infra.repair");
        gateway.booted("boot-2");
        bus.expire(killed.job());
        bus.recover();
        Attempt silent = bus.running();
        endWithoutClosing(silent);

        bus.jdbc().queryForList("select audit_bus(now())");

        assertEquals(
                List.of(silent.job()),
                bus.jdbc()
                        .queryForList(
                                "select source_job_id::text from events where topic = 'audit.ended_without_closing'",
                                String.class));
    }

    private JsonNode report(String function, Attempt attempt, Object... more) {
        com.fasterxml.jackson.databind.node.ObjectNode report = Machine.json(more);
        report.put("sessionKey", "agent:main:job:" + attempt.job()).put("agentId", "main");
        return bus.call(function, GatewayReports.gateway("default"), report);
    }

    private String paused() {
        return bus.jdbc().queryForObject("select paused_reason from agents where agent_id = 'devops'", String.class);
    }

    @Test
    void a_run_of_another_agent_ends_the_attempt_and_stops_the_lane_with_the_reason() {
        Attempt attempt = bus.running();

        JsonNode answer = report("report_run_start", attempt);

        assertEquals("failed true", outcome(answer));
        assertEquals("stale_attempt", bus.complete(attempt).at("/problem/code").asText());
        assertEquals("queued", bus.state(attempt.job()));
        assertEquals(0, bus.column(attempt.job(), "attempt_count", Integer.class));
        assertTrue(paused().startsWith("the gateway ran agent main in place of agent devops"), paused());
        bus.makeDue(attempt.job());
        assertEquals(List.of(), bus.claimedIds(10), "no further work for the wrong agent");
        assertEquals(
                "agent:main:job:" + attempt.job(),
                bus.jdbc().queryForObject("select session_key from run_aborts where done_at is null", String.class));
        assertEquals(1, bus.count("events where topic = 'gateway.wrong_agent'"));
        assertTrue(bus.ask("health").get("problems").toString().contains("ran agent main"));

        assertEquals("over false", outcome(report("report_run_end", attempt, "success", true, "durationMs", 0)));
        bus.ask("resume_agent", "agentId", "devops");
        Attempt next = bus.claim();
        bus.admitted(next);
        assertEquals("alive false", outcome(gateway.started(next)));
        assertNull(paused());
    }

    @Test
    void a_run_of_another_agent_is_seen_before_its_admission_is_noted_and_by_its_end_alone() {
        Attempt leased = bus.leased();
        bus.keepPrompt(Machine.D1, leased, "a prompt");
        assertEquals("failed true", outcome(report("report_run_start", leased)));
        assertEquals("queued", bus.state(leased.job()));
        bus.ask("resume_agent", "agentId", "devops");
        bus.makeDue(leased.job());

        Attempt second = bus.claim();
        bus.admitted(second);
        assertEquals("failed true", outcome(report("report_run_end", second, "success", true, "durationMs", 0)));
        assertEquals("queued", bus.state(leased.job()));
        assertNotNull(paused());
    }

    @Test
    void a_job_that_another_agent_closed_before_the_report_stops_the_lane_all_the_same() {
        Attempt attempt = bus.running();
        bus.complete(attempt);

        report("report_run_end", attempt, "success", true, "durationMs", 0);

        assertEquals("succeeded", bus.state(attempt.job()));
        assertNotNull(paused());
        assertEquals(1, bus.count("events where topic = 'gateway.wrong_agent'"));
    }

    @Test
    void a_restart_of_the_gateway_lets_a_lane_with_the_wrong_agent_try_again() {
        Attempt attempt = bus.running();
        report("report_run_start", attempt);

        gateway.booted("boot-2");

        bus.makeDue(attempt.job());
        Attempt next = bus.claim();
        bus.admitted(next);
        assertNotNull(paused(), "an admission does not show which agent runs");
        assertEquals("failed true", outcome(report("report_run_start", next)));
        bus.makeDue(attempt.job());
        assertEquals(List.of(), bus.claimedIds(10));
        assertEquals(1, bus.count("events where topic = 'gateway.wrong_agent'"), "told once");
    }
}
