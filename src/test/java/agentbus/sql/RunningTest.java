package agentbus.sql;

import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(PostgresExtension.class)
class RunningTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private int leaseSeconds(String job) {
        return bus.column(job, "round(extract(epoch from leased_until - updated_at))", Integer.class);
    }

    @Test
    void a_renewal_moves_the_lease_and_from_then_on_silence_counts() {
        Attempt attempt = bus.running();
        assertEquals(1800, leaseSeconds(attempt.job()));
        assertFalse(bus.column(attempt.job(), "keeps_lease", Boolean.class));

        JsonNode brief = bus.say(attempt, "renew_job_lease", "leaseSeconds", 60);

        assertEquals("running", brief.get("state").asText());
        assertEquals(60, leaseSeconds(attempt.job()));
        assertTrue(bus.column(attempt.job(), "keeps_lease", Boolean.class));
        bus.say(attempt, "renew_job_lease");
        assertEquals(300, leaseSeconds(attempt.job()));
    }

    @Test
    void progress_does_not_shorten_a_longer_promise() {
        Attempt attempt = bus.running();
        bus.say(attempt, "renew_job_lease", "leaseSeconds", 1500);

        bus.say(attempt, "report_progress", "line", "still at it");

        assertTrue(leaseSeconds(attempt.job()) > 1400);
    }

    @Test
    void progress_is_a_renewal_that_can_be_read_back() {
        Attempt attempt = bus.running();

        bus.say(attempt, "report_progress", "percent", 40, "line", "reading the logs");

        JsonNode status = bus.ask("get_job", "jobId", attempt.job()).get("status");
        assertEquals(40, status.get("percent").asInt());
        assertEquals("reading the logs", status.get("line").asText());
        assertTrue(status.has("at"));
        assertEquals(300, leaseSeconds(attempt.job()));
        bus.say(attempt, "renew_job_lease");
        assertEquals(
                40,
                bus.ask("get_job", "jobId", attempt.job()).at("/status/percent").asInt());
    }

    @Test
    void no_renewal_reaches_past_the_hard_deadline() {
        Attempt attempt = bus.running();
        bus.jdbc().update("update jobs set hard_deadline = now() + interval '100 seconds'");

        bus.say(attempt, "renew_job_lease", "leaseSeconds", 3600);

        assertTrue(bus.column(attempt.job(), "leased_until = hard_deadline", Boolean.class));
    }

    @Test
    void no_timeout_reaches_past_the_hard_deadline() {
        Attempt attempt = bus.leased();
        bus.jdbc().update("update jobs set timeout_seconds = 50000, hard_timeout_seconds = 100");

        bus.admitted(attempt);

        assertEquals(100, leaseSeconds(attempt.job()));
    }

    @Test
    void an_agent_with_a_long_timeout_has_a_hard_timeout_that_fits_it() {
        bus.jdbc().update("update agents set timeout_seconds = 50000 where agent_id = 'devops'");

        String job = bus.enqueue();

        assertEquals(50_000, bus.column(job, "timeout_seconds", Integer.class));
        assertEquals(50_000, bus.column(job, "hard_timeout_seconds", Integer.class));
    }

    @Test
    void an_agent_that_speaks_before_its_admission_is_written_is_running() {
        Attempt attempt = bus.leased();

        bus.say(attempt, "renew_job_lease", "leaseSeconds", 60);
        assertEquals("running", bus.state(attempt.job()));
        assertEquals("running", bus.ofAttempt(attempt, "status", String.class));

        bus.admitted(attempt);
        assertEquals(60, leaseSeconds(attempt.job()), "the agent's own promise stands");
        assertEquals("run-1", bus.column(attempt.job(), "run_id", String.class));
    }

    @Test
    void an_agent_may_mark_its_job_running_twice() {
        Attempt attempt = bus.leased();

        bus.say(attempt, "mark_running_job", "runId", "r-9", "sessionKey", "s-9");
        JsonNode again = bus.say(attempt, "mark_running_job");

        assertEquals("running", again.get("state").asText());
        assertEquals("r-9", bus.column(attempt.job(), "run_id", String.class));
        assertEquals("s-9", bus.ofAttempt(attempt, "session_key", String.class));
        assertFalse(bus.column(attempt.job(), "keeps_lease", Boolean.class));
    }

    @Test
    void a_run_that_never_renewed_may_be_silent_until_the_jobs_timeout() {
        Attempt attempt = bus.running("timeoutSeconds", 600);
        assertEquals(0, bus.recover().size());
        assertEquals(600, leaseSeconds(attempt.job()));

        bus.expire(attempt.job());
        JsonNode moved = bus.recover().get(0);

        assertEquals("lease_lost", moved.get("what").asText());
        assertEquals("queued", bus.state(attempt.job()));
        assertEquals("timed_out", bus.ofAttempt(attempt, "status", String.class));
        assertEquals("lease ran out: no word for 600 seconds", bus.column(attempt.job(), "last_error", String.class));
        assertEquals(List.of("job.enqueued", "job.lease_lost", "job.retried"), bus.topics(attempt.job()));
    }

    @Test
    void silence_after_a_renewal_ends_the_attempt() {
        Attempt attempt = bus.running();
        bus.say(attempt, "renew_job_lease", "leaseSeconds", 60);
        bus.expire(attempt.job());

        bus.recover();

        assertEquals("queued", bus.state(attempt.job()));
        assertEquals(
                "lease ran out: the agent had renewed it and then fell silent",
                bus.column(attempt.job(), "last_error", String.class));
        assertFalse(bus.column(attempt.job(), "keeps_lease", Boolean.class));
    }

    @Test
    void the_hard_timeout_ends_what_renews_for_ever() {
        Attempt attempt = bus.running();
        bus.jdbc().update("update jobs set hard_deadline = now() - interval '1 second'");
        bus.say(attempt, "renew_job_lease", "leaseSeconds", 3600);

        bus.recover();

        assertEquals("queued", bus.state(attempt.job()));
        assertEquals(
                "hard timeout: still running 14400 seconds after it began",
                bus.column(attempt.job(), "last_error", String.class));
    }

    @Test
    void the_last_attempt_that_times_out_is_dead() {
        Attempt attempt = bus.running("maxAttempts", 1);
        bus.expire(attempt.job());

        bus.recover();

        assertEquals("dead", bus.state(attempt.job()));
    }

    @Test
    void a_sweep_ends_no_more_than_its_limit() {
        bus.running();
        bus.running();
        bus.jdbc().update("update jobs set leased_until = now() - interval '1 second'");

        assertEquals(1, bus.ask("requeue_expired", "limit", 1).get("jobs").size());
        assertEquals(1, bus.ask("requeue_expired").get("jobs").size());
        assertEquals(0, bus.ask("requeue_expired").get("jobs").size());
        assertEquals(2, bus.count("audit_log where action = 'job.queued' and actor = 'operator:anna'"));
    }

    @Test
    void two_sweeps_at_once_end_each_attempt_once() throws Exception {
        for (int i = 0; i < 5; i++) {
            bus.running();
        }
        bus.jdbc().update("update jobs set leased_until = now() - interval '1 second'");

        Race.won(4, i -> bus::recover);

        assertEquals(5, bus.count("events where topic = 'job.lease_lost'"));
        assertEquals(5, bus.count("job_attempts where status = 'timed_out'"));
        assertEquals(5, bus.count("audit_log where action = 'job.queued' and actor = 'dispatcher:sweep'"));
    }

    @Test
    void a_stale_attempt_cannot_renew() {
        Attempt attempt = bus.running();
        bus.expire(attempt.job());
        bus.recover();

        for (String function : List.of("renew_job_lease", "report_progress", "mark_running_job")) {
            assertEquals(
                    "stale_attempt",
                    bus.say(attempt, function).at("/problem/code").asText());
        }
        assertEquals("queued", bus.state(attempt.job()));
    }

    @Test
    void a_token_of_another_job_cannot_renew() {
        Attempt one = bus.running();
        Attempt other = bus.running();

        Refusal refusal =
                refusal(() -> bus.call("renew_job_lease", bus.principal(one), Machine.json("jobId", other.job())));

        assertEquals("403 wrong_attempt jobId", refusal.brief());
        assertEquals(one.job(), refusal.expected());
    }
}
