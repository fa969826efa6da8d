package agentbus.sql;

import static agentbus.sql.Machine.D1;
import static agentbus.sql.Machine.D2;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
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

@ExtendWith(PostgresExtension.class)
class DeliveryTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private double heldFor() {
        return bus.jdbc()
                .queryForObject(
                        "select coalesce(extract(epoch from held_until - updated_at), 0) from gateways where namespace = 'default'",
                        Double.class);
    }

    private int failures() {
        return bus.jdbc().queryForObject("select failures from gateways where namespace = 'default'", Integer.class);
    }

    private void assertBetween(double low, double high, double actual) {
        assertTrue(low <= actual && actual <= high, actual + " is not in " + low + " to " + high);
    }

    private String outcome(JsonNode answer) {
        return answer.get("outcome").asText() + " " + answer.get("applied").asBoolean();
    }

    @Test
    void admission_makes_the_run_the_agents() {
        Attempt attempt = bus.leased("timeoutSeconds", 600);

        JsonNode answer = bus.admitted(attempt);

        assertEquals("admitted true", outcome(answer));
        assertEquals("running", answer.at("/job/state").asText());
        assertTrue(answer.get("waitedMs").asInt() >= 0);
        assertEquals("agent:devops", bus.column(attempt.job(), "lease_owner", String.class));
        assertEquals("run-1", bus.column(attempt.job(), "run_id", String.class));
        assertEquals("session-1", bus.column(attempt.job(), "session_key", String.class));
        assertEquals("running", bus.ofAttempt(attempt, "status", String.class));
        assertNotNull(bus.ofAttempt(attempt, "admitted_at", String.class));
        assertEquals(
                "600 14400",
                bus.jdbc()
                        .queryForObject(
                                "select extract(epoch from leased_until - updated_at)::int || ' '"
                                        + " || extract(epoch from hard_deadline - updated_at)::int from jobs",
                                String.class));
    }

    @Test
    void an_admission_said_twice_changes_nothing_more() {
        Attempt attempt = bus.running();
        String before = bus.column(attempt.job(), "hard_deadline", String.class);

        assertEquals("admitted true", outcome(bus.admitted(attempt)));
        assertEquals(before, bus.column(attempt.job(), "hard_deadline", String.class));
    }

    @Test
    void an_admission_that_comes_after_the_close_only_keeps_the_run() {
        Attempt attempt = bus.leased();
        bus.complete(attempt);

        JsonNode answer = bus.admitted(attempt);

        assertEquals("admitted false", outcome(answer));
        assertEquals("succeeded", bus.state(attempt.job()));
        assertEquals("run-1", bus.ofAttempt(attempt, "run_id", String.class));
        assertEquals("succeeded", bus.ofAttempt(attempt, "status", String.class));
    }

    @Test
    void a_hook_that_was_not_reached_gives_the_attempt_back_and_holds_the_gateway() {
        Attempt attempt = bus.leased();

        JsonNode answer = bus.undelivered(attempt, null);

        assertEquals("undelivered true", outcome(answer));
        assertEquals("queued", bus.state(attempt.job()));
        assertEquals(0, bus.column(attempt.job(), "attempt_count", Integer.class));
        assertEquals(1, bus.column(attempt.job(), "attempt_no", Integer.class));
        assertEquals(1, bus.column(attempt.job(), "delivery_failures", Integer.class));
        assertEquals("undelivered", bus.ofAttempt(attempt, "status", String.class));
        assertEquals("HTTP 503", bus.column(attempt.job(), "last_error", String.class));
        assertBetween(0.69, 1.01, heldFor());
        assertEquals(List.of(), bus.claimedIds(10));
        assertEquals(List.of("job.enqueued", "job.undelivered"), bus.topics(attempt.job()));

        bus.makeDue(attempt.job());
        Attempt next = bus.claim();
        assertNotEquals(attempt.id(), next.id());
        assertEquals(2, next.claimed().get("attemptNo").asInt());
        assertEquals(1, next.claimed().get("attemptCount").asInt());
    }

    @Test
    void the_wait_after_an_undelivered_hook_doubles_to_a_minute() {
        Attempt attempt = bus.leased();
        for (int i = 0; i < 9; i++) {
            bus.undelivered(attempt, null);
            double wait = bus.jdbc()
                    .queryForObject("select extract(epoch from run_after - updated_at) from jobs", Double.class);
            double full = Math.min(60, Math.pow(2, i));
            assertBetween(0.69 * full, full + 0.01, wait);
            bus.makeDue(attempt.job());
            attempt = bus.claim();
        }
        assertEquals(1, bus.column(attempt.job(), "attempt_count", Integer.class));
    }

    @Test
    void a_gateway_is_held_for_as_long_as_it_asked() {
        bus.undelivered(bus.leased(), 120);

        assertBetween(119.9, 120.1, heldFor());
        assertEquals(
                "HTTP 503",
                bus.jdbc()
                        .queryForObject("select hold_reason from gateways where namespace = 'default'", String.class));
    }

    @Test
    void retry_after_is_taken_within_reason() {
        bus.undelivered(bus.leased(), 100_000);
        assertBetween(299.9, 300.1, heldFor());
    }

    @Test
    void the_hold_doubles_with_each_failure_in_a_row_and_an_admission_ends_it() {
        Attempt attempt = bus.leased();
        for (int i = 0; i < 7; i++) {
            bus.undelivered(attempt, null);
            double full = Math.min(30, Math.pow(2, i));
            assertBetween(0.69 * full, full + 0.01, heldFor());
            assertEquals(i + 1, failures());
            bus.makeDue(attempt.job());
            attempt = bus.claim();
        }

        bus.admitted(attempt);
        assertEquals(0, failures());
        assertEquals(0, heldFor());
        assertEquals(0, bus.column(attempt.job(), "delivery_failures", Integer.class));
    }

    @Test
    void calls_that_fail_together_are_one_failure_and_do_not_shorten_the_hold() {
        Attempt first = bus.leased();
        Attempt second = bus.leased();
        Attempt third = bus.leased();

        bus.undelivered(first, 120);
        bus.undelivered(second, null);
        bus.undelivered(third, null);

        assertEquals(1, failures());
        assertBetween(119, 120.1, heldFor());
    }

    @Test
    void an_unknown_outcome_keeps_the_attempt_for_whoever_claims_next() {
        Attempt attempt = bus.leased();
        bus.keepPrompt(D1, attempt, "one prompt");

        JsonNode answer = bus.unknown(D1, attempt);

        assertEquals("unknown true", outcome(answer));
        assertEquals("leased", bus.state(attempt.job()));
        assertNull(bus.column(attempt.job(), "lease_owner", String.class));
        assertNotNull(bus.ofAttempt(attempt, "unknown_since", String.class));
        assertEquals(1, bus.column(attempt.job(), "attempt_count", Integer.class));
        assertEquals(0, failures());
        assertEquals(List.of(), bus.claimedIds(10));

        bus.expire(attempt.job());
        bus.recover();
        assertEquals("leased", bus.state(attempt.job()));
        Attempt again = Attempt.of(bus.claim(D2, 10).get(0));
        assertEquals(attempt.id(), again.id());
        assertEquals("one prompt", bus.keepPrompt(D2, again, "another prompt"));
        assertEquals(2, bus.ofAttempt(attempt, "deliveries", Integer.class));

        bus.admitted(again);
        assertEquals("running", bus.state(attempt.job()));
        assertNull(bus.ofAttempt(attempt, "unknown_since", String.class));
    }

    @Test
    void an_unknown_outcome_past_the_jobs_timeout_has_timed_out() {
        Attempt attempt = bus.leased();
        bus.jdbc().update("update job_attempts set started_at = now() - interval '1801 seconds'");

        JsonNode answer = bus.unknown(D1, attempt);

        assertEquals("timed_out true", outcome(answer));
        assertEquals("queued", bus.state(attempt.job()));
        assertEquals("timed_out", bus.ofAttempt(attempt, "status", String.class));
        assertEquals(1, bus.column(attempt.job(), "attempt_count", Integer.class));
    }

    @Test
    void a_delivery_that_nobody_repeats_ends_at_the_jobs_timeout() {
        Attempt attempt = bus.leased();
        bus.unknown(D1, attempt);
        bus.ask("pause_agent", "agentId", "devops", "reason", "x");
        bus.expire(attempt.job());
        assertEquals(0, bus.recover().size());

        bus.jdbc().update("update job_attempts set started_at = now() - interval '1801 seconds'");
        assertEquals(1, bus.recover().size());
        assertEquals("queued", bus.state(attempt.job()));
    }

    @Test
    void undelivered_after_unknown_stays_unknown() {
        Attempt attempt = bus.leased();
        bus.unknown(D1, attempt);
        bus.expire(attempt.job());
        bus.claim(D1, 10);

        assertEquals("unknown true", outcome(bus.undelivered(attempt, null)));

        assertEquals("leased", bus.state(attempt.job()));
        assertEquals(attempt.id(), bus.column(attempt.job(), "live_attempt", String.class));
        assertEquals(1, failures(), "the gateway is held all the same");
    }

    @Test
    void refused_after_unknown_stops_the_lane_but_keeps_the_attempt() {
        Attempt attempt = bus.leased();
        bus.unknown(D1, attempt);
        bus.expire(attempt.job());
        bus.claim(D1, 10);

        bus.refused(attempt);

        assertEquals("leased", bus.state(attempt.job()));
        assertTrue(bus.ask("list_agents").toString().contains("wrong hook token"));
        bus.complete(attempt);
        assertEquals("succeeded", bus.state(attempt.job()), "the run that the first call started may still report");
    }

    @Test
    void a_refused_call_stops_the_lane_with_the_reason() {
        Attempt attempt = bus.leased();

        assertEquals("refused true", outcome(bus.refused(attempt)));

        assertEquals("queued", bus.state(attempt.job()));
        assertEquals(0, bus.column(attempt.job(), "attempt_count", Integer.class));
        var agent = bus.jdbc().queryForMap("select * from agents where agent_id = 'devops'");
        assertEquals("HTTP 401: wrong hook token", agent.get("paused_reason"));
        assertEquals("dispatcher", agent.get("paused_by"));
        assertNotNull(agent.get("paused_until"), "the lane tries again by itself");
        bus.makeDue(attempt.job());
        assertEquals(List.of(), bus.claimedIds(10));

        bus.ask("resume_agent", "agentId", "devops");
        assertEquals(List.of(attempt.job()), bus.claimedIds(10));
    }

    @Test
    void only_the_dispatcher_that_holds_the_attempt_may_say_what_came_of_it() {
        Attempt attempt = bus.leased();
        bus.expire(attempt.job());
        bus.claim(D2, 10);

        assertEquals("undelivered false", outcome(bus.undelivered(attempt, null)));
        assertEquals("unknown false", outcome(bus.unknown(D1, attempt)));

        assertEquals("leased", bus.state(attempt.job()));
        assertEquals(D2, bus.column(attempt.job(), "lease_owner", String.class));
    }

    @Test
    void an_admission_counts_whoever_reports_it() {
        Attempt attempt = bus.leased();
        bus.expire(attempt.job());
        bus.claim(D2, 10);

        assertEquals("admitted true", outcome(bus.admitted(attempt)));
        assertEquals("running", bus.state(attempt.job()));
    }

    @Test
    void bad_news_about_a_closed_job_changes_nothing() {
        Attempt attempt = bus.leased();
        bus.complete(attempt);

        assertFalse(bus.undelivered(attempt, null).get("applied").asBoolean());
        assertFalse(bus.unknown(D1, attempt).get("applied").asBoolean());
        bus.refused(attempt);
        assertEquals("succeeded", bus.state(attempt.job()));
        assertEquals("succeeded", bus.ofAttempt(attempt, "status", String.class));
    }

    @Test
    void the_first_prompt_stays_and_each_call_is_counted() {
        Attempt attempt = bus.leased();

        assertEquals("first", bus.keepPrompt(D1, attempt, "first"));
        assertEquals("first", bus.keepPrompt(D1, attempt, "second"));
        assertEquals(2, bus.ofAttempt(attempt, "deliveries", Integer.class));
        assertEquals("hash", bus.ofAttempt(attempt, "prompt_hash", String.class));
    }

    @Test
    void a_dispatcher_that_no_longer_holds_the_attempt_must_send_nothing() {
        Attempt attempt = bus.leased();

        assertNull(bus.keepPrompt(D2, attempt, "foreign"));
        bus.admitted(attempt);
        assertNull(bus.keepPrompt(D1, attempt, "late"));
        bus.complete(attempt);
        assertNull(bus.keepPrompt(D1, attempt, "later"));
        assertEquals(0, bus.ofAttempt(attempt, "deliveries", Integer.class));
        assertNull(bus.ofAttempt(attempt, "prompt", String.class));
    }

    @Test
    void a_dispatchers_beat_renews_what_it_has_in_hand_and_nothing_else() {
        Attempt held = bus.leased();
        Attempt lost = bus.leased();
        bus.jdbc().update("update jobs set leased_until = now() + interval '1 second'");

        JsonNode answer = bus.one(
                "select dispatcher_heartbeat(?, ?::jsonb)",
                D1,
                Machine.json(
                                "host",
                                "h",
                                "pid",
                                1,
                                "version",
                                "1",
                                "wakeSource",
                                "listen",
                                "beatSeconds",
                                2,
                                "leaseMs",
                                60_000,
                                "sweepAgeMs",
                                10,
                                "attempts",
                                List.of(held.id()))
                        .toString());

        assertEquals(1, answer.get("leasesOwned").asInt());
        assertEquals(1, answer.get("busyAgents").asInt());
        assertEquals(
                List.of(held.job()),
                bus.jdbc()
                        .queryForList(
                                "select job_id from jobs where leased_until > now() + interval '30 seconds'",
                                String.class));
        assertEquals("leased", bus.state(lost.job()));
    }

    @Test
    void a_dispatcher_that_stops_frees_what_it_did_not_deliver() {
        Attempt undelivered = bus.leased();
        Attempt running = bus.running();

        bus.jdbc().queryForList("select dispatcher_stopped(?)", D1);

        assertEquals(
                List.of(undelivered.job()),
                bus.claim(D2, 10).stream().map(j -> j.get("jobId").asText()).toList());
        assertEquals("running", bus.state(running.job()));
    }
}
