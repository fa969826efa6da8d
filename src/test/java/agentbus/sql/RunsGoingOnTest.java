package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** A run that goes on after its attempt keeps its place in the lane and on the gateway until its end is reported. */
@ExtendWith(PostgresExtension.class)
class RunsGoingOnTest {
    private Machine bus;
    private GatewayReports gateway;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        gateway = new GatewayReports(bus);
        bus.jdbc().update("update agents set max_concurrency = 1");
    }

    /** A job that its agent has closed, while the gateway has reported the start of the run and not its end. */
    private Attempt closed() {
        Attempt attempt = bus.running();
        gateway.started(attempt);
        bus.complete(attempt);
        return attempt;
    }

    private void passSeconds(int seconds) {
        bus.jdbc()
                .update(
                        "update job_attempts set finished_at = finished_at - make_interval(secs => ?)"
                                + " where finished_at is not null",
                        seconds);
    }

    private String nextMove(String job) {
        return bus.ask("get_job", "jobId", job).get("nextMove").asText();
    }

    private JsonNode lane(String agent) {
        for (JsonNode row : bus.ask("overview").get("agents")) {
            if (row.get("agentId").asText().equals(agent)) {
                return row;
            }
        }
        throw new AssertionError(agent);
    }

    @Test
    void the_next_job_of_the_agent_begins_when_the_run_has_ended_and_not_at_the_close() {
        Attempt attempt = closed();
        String next = bus.enqueue();

        assertEquals("succeeded", bus.state(attempt.job()));
        assertEquals(List.of(), bus.claimedIds(10));

        assertEquals(
                "over",
                gateway.ended(attempt, true, "durationMs", 0).get("outcome").asText());
        assertEquals(List.of(next), bus.claimedIds(10));
    }

    @Test
    void a_gateway_that_reports_no_runs_frees_the_lane_at_the_close() {
        Attempt attempt = bus.running();
        bus.complete(attempt);

        String next = bus.enqueue();

        assertEquals("the next claim", nextMove(next));
        assertEquals(List.of(next), bus.claimedIds(10));
    }

    @Test
    void a_close_that_comes_after_the_end_of_its_run_frees_the_lane_at_once() {
        Attempt attempt = bus.running();
        gateway.started(attempt);
        gateway.ended(attempt, true, "durationMs", 0);
        bus.complete(attempt);

        String next = bus.enqueue();

        assertEquals(List.of(next), bus.claimedIds(10));
    }

    @Test
    void a_start_that_is_reported_after_the_close_shuts_the_lane_too() {
        Attempt attempt = bus.running();
        bus.complete(attempt);
        gateway.started(attempt);
        String next = bus.enqueue();

        assertEquals(List.of(), bus.claimedIds(10));
        gateway.ended(attempt, true, "durationMs", 0);
        gateway.started(attempt);
        assertEquals(List.of(next), bus.claimedIds(10), "a start that is said again after the end changes nothing");
    }

    @ParameterizedTest
    @ValueSource(strings = {"failed", "blocked", "cancelled", "lost"})
    void every_end_of_an_attempt_leaves_the_place_to_its_run(String end) {
        Attempt attempt = bus.running();
        gateway.started(attempt);
        switch (end) {
            case "failed" -> bus.fail(attempt, "retryable", false);
            case "blocked" -> bus.block(attempt, "person", "anna");
            case "cancelled" -> bus.ask("cancel_job", "jobId", attempt.job(), "reason", "not needed");
            default -> {
                bus.expire(attempt.job());
                bus.recover();
            }
        }
        String next = bus.enqueue();

        assertFalse(bus.claimedIds(10).contains(next));
        assertTrue(nextMove(next).startsWith("lane full: 1 of 1, the run of job " + attempt.job()), nextMove(next));
        gateway.ended(attempt, false, "durationMs", 0);
        assertEquals(List.of(next), bus.claimedIds(10));
    }

    @Test
    void a_report_that_is_lost_holds_the_lane_for_the_limit_of_the_gateway_and_no_longer() {
        closed();
        String next = bus.enqueue();

        passSeconds(290);
        assertEquals(List.of(), bus.claimedIds(10));
        passSeconds(11);
        assertEquals("the next claim", nextMove(next));
        assertEquals(List.of(next), bus.claimedIds(10));
    }

    @Test
    void a_limit_of_0_frees_the_lane_at_the_close() {
        bus.jdbc()
                .queryForList(
                        "select configure_gateway_everywhere('default', 'default', 7, 'http://h:1', 'mapped', 0)");
        closed();
        String next = bus.enqueue();

        assertEquals(List.of(next), bus.claimedIds(10));

        // A node of the previous version does not know the limit, and must not change it.
        bus.jdbc().queryForList("select configure_gateway_everywhere('default', 'default', 7, 'http://h:1', 'mapped')");
        assertEquals(
                0,
                bus.jdbc()
                        .queryForObject(
                                "select run_end_seconds from gateways where gateway = 'default' and namespace = 'default'",
                                Integer.class));
    }

    @Test
    void a_restart_of_the_gateway_frees_the_places_of_its_runs_and_a_resumed_run_takes_its_place_again() {
        gateway.booted("boot-1");
        Attempt attempt = closed();
        String next = bus.enqueue();
        assertEquals(List.of(), bus.claimedIds(10));

        gateway.booted("boot-2");
        gateway.started(attempt);
        assertEquals(List.of(), bus.claimedIds(10), "the gateway has resumed the run");

        gateway.booted("boot-3");
        assertEquals(List.of(next), bus.claimedIds(10));
    }

    @Test
    void a_run_that_died_with_its_gateway_keeps_no_place_after_its_attempt() {
        gateway.booted("boot-1");
        Attempt attempt = bus.running();
        gateway.started(attempt);
        gateway.booted("boot-2");
        bus.expire(attempt.job());
        bus.recover();
        assertEquals("timed_out", bus.ofAttempt(attempt, "status", String.class));
        bus.makeDue(attempt.job());

        assertEquals(List.of(attempt.job()), bus.claimedIds(10));
    }

    @Test
    void a_hook_call_that_started_no_run_keeps_no_place() {
        Attempt attempt = bus.leased();
        // The report of an earlier run of the session, which the gateway has resumed.
        gateway.started(attempt);
        bus.undelivered(attempt, null);
        bus.makeDue(attempt.job());

        assertEquals(List.of(attempt.job()), bus.claimedIds(10));
    }

    @Test
    void a_lane_with_room_for_two_gives_the_other_place_away() {
        bus.jdbc().update("update agents set max_concurrency = 2");
        closed();
        String next = bus.enqueue();
        bus.enqueue();

        assertEquals(List.of(next), bus.claimedIds(10));
    }

    @Test
    void a_worker_that_pulls_finds_the_same_room() {
        Attempt attempt = closed();
        bus.enqueue();

        assertEquals(
                0, bus.ask("claim_jobs", "targetAgent", "devops").get("jobs").size());
        gateway.ended(attempt, true, "durationMs", 0);
        assertEquals(
                1, bus.ask("claim_jobs", "targetAgent", "devops").get("jobs").size());
    }

    @Test
    void the_run_fills_its_gateway_too_and_list_gateways_counts_it() {
        bus.jdbc().update("update gateways set max_in_flight = 1 where gateway = 'default'");
        Attempt attempt = closed();
        String other = bus.enqueue("targetAgent", "research", "subject", "research.packet");

        assertEquals(1, bus.ask("list_gateways").at("/gateways/0/inFlight").asInt());
        assertEquals("gateway default full: 1 of 1", nextMove(other));
        assertEquals(List.of(), bus.claimedIds(10));

        gateway.ended(attempt, true, "durationMs", 0);
        assertEquals(List.of(other), bus.claimedIds(10));
    }

    /** Gives the agent devops another gateway, as a change of its file does. */
    private void moveToWest() {
        bus.jdbc()
                .update("insert into gateways (namespace, gateway, max_in_flight) values ('default', 'west', 1)"
                        + " on conflict do nothing");
        bus.jdbc().update("update agents set gateway = 'west' where namespace = 'default' and agent_id = 'devops'");
    }

    @Test
    void an_agent_that_moves_to_another_gateway_still_waits_for_its_run_and_the_words_say_so() {
        Attempt attempt = closed();
        moveToWest();
        String next = bus.enqueue();

        assertEquals(List.of(), bus.claimedIds(10));
        assertTrue(nextMove(next).startsWith("lane full: 1 of 1, the run of job " + attempt.job()), nextMove(next));

        gateway.ended(attempt, true, "durationMs", 0);
        assertEquals("the next claim", nextMove(next));
        assertEquals(List.of(next), bus.claimedIds(10));
    }

    @Test
    void a_run_takes_the_place_of_its_own_gateway_and_not_of_the_one_to_which_its_agent_has_moved() {
        bus.jdbc().update("update agents set max_concurrency = 2");
        bus.jdbc().update("update gateways set max_in_flight = 1 where gateway = 'default'");
        Attempt attempt = closed();
        moveToWest();
        String ofWest = bus.enqueue();
        String ofDefault = bus.enqueue("targetAgent", "research", "subject", "research.packet");

        assertEquals("the next claim", nextMove(ofWest));
        assertEquals("gateway default full: 1 of 1", nextMove(ofDefault));
        assertEquals(List.of(ofWest), bus.claimedIds(10));

        gateway.ended(attempt, true, "durationMs", 0);
        assertEquals(List.of(ofDefault), bus.claimedIds(10));
    }

    private JsonNode pause() {
        bus.jdbc().execute("select sweep_pauses()");
        return bus.ask("list_pauses").at("/pauses/0");
    }

    @ParameterizedTest
    @CsvSource({"agent, devops", "job_type, reactive", "gateway, default", "everything, "})
    void a_drain_waits_for_the_run_and_not_longer_than_the_limit(String kind, String name) {
        Attempt attempt = closed();
        ObjectNode input = Machine.json("kind", kind, "reason", "an update");
        if (name != null) {
            input.put("name", name);
        }

        bus.call("drain", Machine.operator(), input);
        assertEquals("draining", pause().get("status").asText());
        assertEquals(1, pause().get("running").asInt());
        gateway.ended(attempt, true, "durationMs", 0);
        assertEquals("drained", pause().get("status").asText());

        bus.call("resume", Machine.operator(), input);
        closed();
        bus.call("drain", Machine.operator(), input);
        passSeconds(290);
        assertEquals("draining", pause().get("status").asText());
        passSeconds(11);
        assertEquals("drained", pause().get("status").asText());
    }

    @ParameterizedTest
    @CsvSource({"agent, research", "job_type, dev", "gateway, west"})
    void a_drain_does_not_wait_for_a_run_that_it_does_not_concern(String kind, String name) {
        closed();
        moveToWest();

        bus.ask("drain", "kind", kind, "name", name, "reason", "an update");

        assertEquals("drained", pause().get("status").asText());
    }

    @Test
    void the_waiting_job_the_ended_job_and_the_lane_name_the_run_and_the_last_moment() {
        Attempt attempt = closed();
        String next = bus.enqueue();

        String run =
                "the run of job " + attempt.job() + " still goes on after its attempt ended \\(succeeded\\) at \\S+Z;"
                        + " its place is free when gateway default reports the end of the run, at \\S+Z at the latest";
        assertTrue(nextMove(next).matches("lane full: 1 of 1, " + run), nextMove(next));
        assertTrue(nextMove(attempt.job()).matches(run), nextMove(attempt.job()));
        JsonNode lane = lane("devops");
        assertEquals("working", lane.get("status").asText());
        assertEquals("attempt " + attempt.id(), lane.get("statusFrom").asText());
        assertTrue(lane.get("waitsFor").asText().matches(run), lane::toString);
        assertTrue(bus.ask("get_job", "jobId", attempt.job()).at("/attempts/0").hasNonNull("runStartedAt"));

        gateway.ended(attempt, true, "durationMs", 0);
        assertEquals("", nextMove(attempt.job()));
        assertEquals("the next claim", nextMove(next));
        assertEquals("waiting", lane("devops").get("status").asText());
    }

    @Test
    void the_answer_to_a_close_says_nothing_of_the_run_that_closed() {
        Attempt attempt = bus.running();
        gateway.started(attempt);

        assertEquals("", bus.complete(attempt).at("/job/nextMove").asText());
    }

    @Test
    void a_dead_letter_keeps_its_next_move_while_its_run_goes_on() {
        Attempt attempt = bus.running("maxAttempts", 1);
        gateway.started(attempt);
        bus.fail(attempt);

        assertEquals("an operator: redrive-job or cancel-job", nextMove(attempt.job()));
    }

    @Test
    void the_run_of_another_agent_than_the_jobs_keeps_no_place() {
        Attempt attempt = bus.running();
        bus.call(
                "report_run_start",
                GatewayReports.gateway("default"),
                Machine.json("sessionKey", GatewayReports.session(attempt), "agentId", "research"));

        assertNull(bus.ofAttempt(attempt, "run_started_at", String.class));
    }

    @Test
    void the_agent_of_the_same_name_in_another_namespace_is_not_held_up() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        bus.jdbc()
                .update("insert into agents (namespace, agent_id, accepts, max_concurrency)"
                        + " values ('other', 'devops', '{infra.check}', 1)");
        closed();
        bus.enqueue();
        String others = bus.enqueue("namespace", "other");

        assertEquals(List.of(others), bus.claimedIds(10));
    }

    @Test
    void the_end_of_the_run_wakes_the_dispatchers() throws SQLException {
        Attempt attempt = closed();
        bus.enqueue();
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            Machine.on(new SingleConnectionDataSource(connection, true)).jdbc().execute("listen jobs_ready");

            gateway.ended(attempt, true, "durationMs", 0);

            assertEquals(
                    "",
                    connection
                            .unwrap(PGConnection.class)
                            .getNotifications(5_000)[0]
                            .getParameter());
            connection.createStatement().execute("unlisten *");
        }
    }

    @Test
    void thousands_of_runs_that_have_ended_cost_a_claim_nothing() throws SQLException {
        Attempt attempt = closed();
        gateway.ended(attempt, true, "durationMs", 0);
        bus.enqueue();
        bus.jdbc().execute("analyze jobs");
        bus.jdbc().execute("analyze job_attempts");
        long alone = pages();

        bus.jdbc().execute("alter table job_attempts disable trigger user");
        bus.jdbc()
                .update(
                        "insert into job_attempts (namespace, job_id, attempt_no, agent_id, status, dispatcher_id, gateway,"
                                + " admitted_at, run_started_at, run_ended_at, finished_at)"
                                + " select 'default', ?::uuid, n + 100, 'devops', 'succeeded', 'd', 'default',"
                                + " now(), now(), now(), now() from generate_series(1, 20000) n",
                        attempt.job());
        bus.jdbc().execute("alter table job_attempts enable trigger user");
        bus.jdbc().execute("vacuum analyze job_attempts");
        long beside = pages();

        assertTrue(beside <= alone + 10, alone + " pages alone, " + beside + " beside 20,000 runs that have ended");
        assertFalse(bus.claimedIds(1).isEmpty());
    }

    /** Pages that a claim of one job reads, in a transaction that is rolled back; the first call also plans. */
    private long pages() throws SQLException {
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine one = Machine.on(new SingleConnectionDataSource(connection, true));
            JsonNode plan = null;
            for (int i = 0; i < 2; i++) {
                plan = one.one("explain (analyze, buffers, format json) select claim_for_dispatch('d', 50, 1000)");
                connection.rollback();
            }
            connection.setAutoCommit(true);
            assertEquals(1, plan.at("/0/Plan/Actual Rows").asInt());
            return Machine.pagesOf(plan);
        }
    }
}
