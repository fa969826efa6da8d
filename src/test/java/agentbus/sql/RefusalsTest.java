package agentbus.sql;

import static agentbus.sql.Machine.D1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.time.OffsetDateTime;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** Hook calls that start no run, without end: lanes that try again, and jobs that are set aside. */
@ExtendWith(PostgresExtension.class)
class RefusalsTest {
    private static final String NOT_FOUND = "gateway answered 404: Not Found";

    private Machine bus;
    private GatewayReports gateway;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().update("update agents set max_concurrency = 1");
        gateway = new GatewayReports(bus);
    }

    private JsonNode refused(Attempt attempt, String reason) {
        return bus.one("select hook_refused(?, ?::uuid, ?)", D1, attempt.id(), reason);
    }

    private JsonNode busy(Attempt attempt, int status) {
        return bus.one("select hook_busy(?, ?::uuid, 'session taken', ?)", D1, attempt.id(), status);
    }

    private String enqueueFor(String agent) {
        String subject = agent.equals("research") ? "research.packet" : "plan.new";
        return bus.enqueue("targetAgent", agent, "subject", subject);
    }

    /** Lets the time of all stops pass, but not the time that a refused job waits longer. */
    private void passStops() {
        bus.jdbc()
                .update(
                        "update agents set paused_until = now() - interval '1 millisecond' where paused_until is not null");
    }

    private void makeQueuedDue() {
        bus.jdbc().update("update jobs set run_after = now() where state = 'queued' and run_after > now()");
    }

    private double stopSeconds(String agent) {
        return bus.jdbc()
                .queryForObject(
                        "select extract(epoch from paused_until - paused_at) from agents where agent_id = ?",
                        Double.class,
                        agent);
    }

    private List<String> stopped() {
        return bus.jdbc()
                .queryForList(
                        "select agent_id from agents a where lane_paused(a) and paused_by = 'dispatcher' order by 1",
                        String.class);
    }

    @Test
    void a_lane_that_a_refusal_stopped_tries_again_by_itself_after_a_minute_and_then_longer() {
        Attempt attempt = bus.leased();
        for (double seconds : new double[] {60, 120, 240, 480, 900, 900}) {
            refused(attempt, NOT_FOUND);
            assertEquals(List.of("devops"), stopped());
            assertEquals(seconds, stopSeconds("devops"));
            assertEquals(List.of(), bus.claimedIds(10));
            passStops();
            makeQueuedDue();
            attempt = bus.claim();
        }
        bus.admitted(attempt);

        assertEquals(List.of(), stopped());
        assertEquals("running", bus.state(attempt.job()));
        assertEquals(1, bus.column(attempt.job(), "attempt_count", Integer.class), "refused attempts do not count");
        assertEquals(0, bus.count("agents where refusal_cause is not null or refusal_stops > 0"));
    }

    @Test
    void a_refused_job_waits_behind_its_lane_and_lets_another_job_show_whether_the_lane_works() {
        Attempt first = bus.leased("priority", 900);
        String other = bus.enqueue();

        refused(first, NOT_FOUND);

        assertEquals(List.of(), stopped(), "another job is tried before the lane stops");
        Attempt second = bus.claim();
        assertEquals(other, second.job());
        refused(second, NOT_FOUND);
        assertEquals(List.of("devops"), stopped());
        assertEquals(60, stopSeconds("devops"));
    }

    @Test
    void a_job_that_alone_is_refused_is_set_aside_and_the_lane_goes_on() {
        String poison = bus.enqueue("priority", 900);
        String reason = "gateway answered 413: payload too large";
        for (int i = 0; i < 2; i++) {
            bus.enqueue();
            makeQueuedDue();
            Attempt refused = bus.claim();
            assertEquals(poison, refused.job());
            refused(refused, reason);
            Attempt good = bus.claim();
            bus.admitted(good);
            bus.complete(good);
        }
        makeQueuedDue();
        Attempt third = bus.claim();
        bus.keepPrompt(D1, third, "a long prompt");
        refused(third, reason);

        assertEquals("blocked", bus.state(poison));
        assertTrue(bus.column(poison, "blocked_reason", String.class).contains(reason));
        assertEquals(0, bus.column(poison, "attempt_count", Integer.class));
        assertNull(bus.ofAttempt(third, "prompt", String.class));
        assertEquals(List.of(), stopped());
        assertEquals(0, bus.count("events where topic = 'gateway.calls_refused'"));
        assertEquals(1, bus.count("jobs where subject = 'blocked.replan'"), "the coordinator is asked");

        bus.ask("unblock_job", "jobId", poison, "answer", "try once more");
        bus.jdbc().update("update jobs set run_after = now() + interval '1 hour' where subject = 'blocked.replan'");
        refused(bus.claim(), reason);
        assertEquals("queued", bus.state(poison), "an unblocked job has all its tries again");
    }

    @Test
    void one_cause_is_told_once_however_many_lanes_and_tries_it_stops() {
        enqueueFor("research");
        enqueueFor("coordinator");
        bus.enqueue();
        int told = 0;
        for (int round = 0; round < 3; round++) {
            for (JsonNode claimed : bus.claim(D1, 10)) {
                told += refused(Attempt.of(claimed), "gateway answered 404: request 8f" + round + told)
                                .has("told")
                        ? 1
                        : 0;
            }
            assertEquals(3, stopped().size());
            passStops();
            makeQueuedDue();
        }

        assertEquals(1, told);
        assertEquals(1, bus.count("events where topic = 'gateway.calls_refused'"));
        assertEquals(0, bus.count("events where topic = 'agent.paused'"));
        JsonNode problems = bus.ask("health").get("problems");
        List<String> about = new java.util.ArrayList<>();
        problems.forEach(problem -> about.add(problem.asText()));
        about.removeIf(problem -> !problem.contains("404"));
        assertEquals(1, about.size(), about::toString);
        assertTrue(about.get(0).contains("coordinator, devops, research"), about::toString);
        assertTrue(about.get(0).contains("resume-gateway default"), about::toString);
    }

    @Test
    void another_cause_is_told_too() {
        Attempt attempt = bus.leased();
        assertTrue(refused(attempt, NOT_FOUND).has("told"));
        passStops();
        makeQueuedDue();
        assertTrue(refused(bus.claim(), "gateway answered 401: Unauthorized").has("told"));
    }

    @Test
    void one_call_resumes_every_lane_that_a_gateway_has_stopped_and_no_lane_of_a_person() {
        List<String> jobs = List.of(enqueueFor("research"), bus.enqueue());
        bus.claim(D1, 10).forEach(claimed -> refused(Attempt.of(claimed), NOT_FOUND));
        bus.ask("pause_agent", "agentId", "coordinator", "reason", "holiday");
        bus.jdbc().update("update gateways set held_until = now() + interval '5 minutes', hold_reason = 'x'");

        JsonNode answer = bus.ask("resume_gateway", "gateway", "default");

        assertEquals("[\"devops\",\"research\"]", answer.get("agents").toString());
        assertEquals(List.of(), stopped());
        assertEquals(1, bus.count("agents a where lane_paused(a)"));
        assertEquals(2, bus.count("audit_log where action = 'agent.resumed' and actor = 'operator:anna'"));
        assertEquals(
                jobs.stream().sorted().toList(),
                bus.claimedIds(10).stream().sorted().toList());
        assertEquals(
                404,
                Machine.refusal(() -> bus.ask("resume_gateway", "gateway", "nowhere"))
                        .status());
    }

    @Test
    void one_admission_opens_every_lane_with_the_same_cause() {
        enqueueFor("research");
        bus.enqueue();
        bus.claim(D1, 10).forEach(claimed -> refused(Attempt.of(claimed), NOT_FOUND));
        bus.jdbc()
                .update("update agents set paused_until = now() - interval '1 millisecond' where agent_id = 'devops'");
        makeQueuedDue();

        bus.admitted(bus.claim());

        assertEquals(List.of(), stopped());
        assertEquals(1, bus.count("events where topic = 'gateway.calls_accepted'"));
        assertEquals(1, bus.claimedIds(10).size());
    }

    @Test
    void a_late_admission_of_a_refused_attempt_opens_no_lane_and_moves_no_job() {
        Attempt attempt = bus.leased();
        refused(attempt, NOT_FOUND);
        var before = bus.column(attempt.job(), "run_after", OffsetDateTime.class);

        bus.admitted(attempt);

        assertEquals(List.of("devops"), stopped());
        assertEquals(before, bus.column(attempt.job(), "run_after", OffsetDateTime.class));
        assertEquals("queued", bus.state(attempt.job()));
    }

    @Test
    void an_admission_in_a_batch_opens_the_lane_too() {
        Attempt attempt = bus.leased();
        refused(attempt, NOT_FOUND);
        passStops();
        makeQueuedDue();
        Attempt again = bus.claim();

        bus.jdbc()
                .queryForList("select o_attempt from hooks_admitted(?, array[?::uuid], '{r}', '{s}')", D1, again.id());

        assertEquals(0, bus.count("agents where paused_at is not null or refusal_cause is not null"));
    }

    @Test
    void an_admission_opens_the_lane_after_its_agent_has_closed_too() {
        for (String admission : List.of(
                "select hook_admitted(?, ?::uuid, 'r', 's')",
                "select o_answer from hooks_admitted(?, array[?::uuid], '{r}', '{s}')")) {
            Attempt attempt = bus.leased();
            refused(attempt, NOT_FOUND);
            passStops();
            makeQueuedDue();
            Attempt again = bus.claim();
            bus.complete(again);

            bus.one(admission, D1, again.id());

            assertEquals(0, bus.count("agents where paused_at is not null or refusal_stops > 0"), admission);
        }
    }

    @Test
    void a_start_of_the_gateway_lets_its_lanes_try_at_once() {
        Attempt attempt = bus.leased();
        refused(attempt, NOT_FOUND);

        gateway.booted("boot-2");

        assertEquals(List.of(attempt.job()), bus.claimedIds(10));
        assertTrue(bus.ask("health").get("problems").toString().contains("404"), "nothing is proved yet");
    }

    @Test
    void a_gateway_that_becomes_ready_lets_its_lanes_try_at_once() {
        bus.one("select gateway_checked('n1', 'default', 'unknown', 'answered 404')");
        Attempt attempt = bus.leased();
        refused(attempt, NOT_FOUND);
        bus.one("select gateway_checked('n1', 'default', 'unknown', 'answered 404')");
        assertEquals(List.of(), bus.claimedIds(10));

        bus.one("select gateway_checked('n1', 'default', 'ready', null)");

        assertEquals(List.of(attempt.job()), bus.claimedIds(10));
    }

    @Test
    void the_next_move_of_a_job_in_a_stopped_lane_is_a_time_and_not_a_person() {
        Attempt attempt = bus.leased();
        refused(attempt, NOT_FOUND);
        makeQueuedDue();

        String nextMove =
                bus.ask("get_job", "jobId", attempt.job()).get("nextMove").asText();

        assertTrue(nextMove.startsWith("the next try at "), nextMove);
        assertTrue(nextMove.contains(NOT_FOUND), nextMove);
        assertEquals(0, bus.count("stuck_jobs_v"), "the cause is told once, and not again for each job");
    }

    @Test
    void a_session_that_is_taken_without_end_blocks_its_job_with_the_reason() {
        Attempt attempt = bus.leased();
        for (int i = 1; i < 10; i++) {
            bus.keepPrompt(D1, attempt, "a long prompt");
            busy(attempt, 409);
            assertEquals("queued", bus.state(attempt.job()));
            assertNull(bus.ofAttempt(attempt, "prompt", String.class), "an uncounted attempt keeps no prompt");
            bus.makeDue(attempt.job());
            attempt = bus.claim();
        }
        busy(attempt, 409);

        assertEquals("blocked", bus.state(attempt.job()));
        assertTrue(bus.column(attempt.job(), "blocked_reason", String.class)
                .contains("10 hook calls have started no run"));
        assertTrue(bus.column(attempt.job(), "blocked_reason", String.class).contains("session taken"));
        assertEquals(0, bus.column(attempt.job(), "attempt_count", Integer.class));
        assertEquals(0, bus.column(attempt.job(), "delivery_failures", Integer.class));
    }

    @Test
    void refused_jobs_become_due_without_a_look_at_the_queue_of_their_lane(TestDatabase database) throws Exception {
        Attempt attempt = bus.leased();
        bus.undelivered(attempt, null);
        bus.jdbc()
                .update(
                        "insert into jobs (namespace, target_agent, job_type, subject, state, run_after, timeout_seconds,"
                                + " hard_timeout_seconds) select 'default', 'devops', 'reactive', 'infra.repair', 'queued',"
                                + " now() + interval '1 hour', 600, 600 from generate_series(1, 5000)");
        // Entries of removed rows would be read, too.
        bus.jdbc().execute("vacuum analyze jobs");
        try (Connection connection = database.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine inTransaction = Machine.on(new SingleConnectionDataSource(connection, true));
            inTransaction.jdbc().queryForList("select make_refused_due('default', '{devops,research}')");

            assertTrue(inTransaction.count("jobs where job_id = ?::uuid and run_after <= now()", attempt.job()) == 1);
            long read = inTransaction
                    .jdbc()
                    .queryForObject(
                            "select sum(pg_stat_get_xact_tuples_returned(indexrelid)) from pg_index"
                                    + " where indrelid = 'jobs'::regclass",
                            Long.class);
            // The planner reads the ends of some indexes; the queue has 5,000 entries.
            assertTrue(read < 2500, read + " index entries read");
            connection.rollback();
        }
    }

    @Test
    void other_failures_before_a_taken_session_do_not_set_the_job_aside() {
        Attempt attempt = bus.leased();
        for (int i = 0; i < 12; i++) {
            bus.undelivered(attempt, null);
            bus.makeDue(attempt.job());
            attempt = bus.claim();
        }

        busy(attempt, 409);

        assertEquals("queued", bus.state(attempt.job()));
    }

    @Test
    void a_gateway_without_room_or_without_answer_blocks_a_job_only_when_others_go_through() {
        for (String how : List.of("503", "undelivered")) {
            Attempt attempt = bus.leased();
            for (int i = 1; i < 60; i++) {
                Attempt last = attempt;
                JsonNode answer = how.equals("503") ? busy(last, 503) : bus.undelivered(last, null);
                assertTrue(answer.get("applied").asBoolean());
                assertEquals("queued", bus.state(attempt.job()), how + " " + i);
                bus.makeDue(attempt.job());
                attempt = bus.claim();
            }
            String other = enqueueFor("research");
            bus.admitted(bus.claim());
            if (how.equals("503")) {
                busy(attempt, 503);
            } else {
                bus.undelivered(attempt, null);
            }

            assertEquals("blocked", bus.state(attempt.job()), how);
            bus.ask("cancel_job", "jobId", attempt.job(), "reason", "seen");
            bus.ask("cancel_job", "jobId", other, "reason", "seen");
            bus.jdbc().update("update jobs set state = 'cancelled', ended_at = now() where state = 'queued'");
            bus.jdbc().update("update gateways set held_until = null");
        }
    }

    @Test
    void an_operators_pause_takes_the_place_of_a_stop() {
        Attempt attempt = bus.leased();
        refused(attempt, NOT_FOUND);

        bus.ask("pause_agent", "agentId", "devops", "reason", "maintenance");
        gateway.booted("boot-2");

        assertEquals(List.of(), bus.claimedIds(10));
        assertFalse(bus.ask("health").get("problems").toString().contains("404"));
    }
}
