package agentbus.sql;

import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(PostgresExtension.class)
class OutagesTest {
    private static final String D1 = Machine.D1;

    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private void lastRecovery(String ago) {
        bus.recover();
        bus.jdbc().update("update bus_facts set value = (now() - ?::interval)::text where name = 'last_recovery'", ago);
    }

    @Test
    void after_an_outage_agents_at_work_get_time_to_speak_up() {
        Attempt attempt = bus.running();
        bus.say(attempt, "renew_job_lease", "leaseSeconds", 300);
        lastRecovery("10 minutes");
        bus.expire(attempt.job());

        assertEquals(List.of(), bus.recover());

        assertEquals("running", bus.state(attempt.job()));
        assertEquals("succeeded", bus.complete(attempt).at("/job/state").asText());
    }

    @Test
    void an_outage_does_not_move_the_hard_timeout() {
        Attempt attempt = bus.running();
        lastRecovery("10 minutes");
        bus.expire(attempt.job());
        bus.jdbc().update("update jobs set hard_deadline = now() - interval '1 second'");

        assertEquals(1, bus.recover().size());
    }

    @Test
    void a_lease_that_runs_out_while_the_bus_is_there_is_not_forgiven() {
        Attempt attempt = bus.running();
        lastRecovery("5 seconds");
        bus.expire(attempt.job());

        assertEquals(1, bus.recover().size());
        assertEquals("queued", bus.state(attempt.job()));
    }

    @Test
    void a_call_is_not_repeated_past_the_gateways_memory_for_keys() {
        Attempt attempt = bus.leased();
        bus.keepPrompt(D1, attempt, "hello");
        bus.jdbc().update("update jobs set leased_until = now() - interval '5 minutes'");

        assertEquals(List.of(), bus.claim(D1, 10));
        bus.recover();

        assertEquals("queued", bus.state(attempt.job()));
        assertEquals("timed_out", bus.jdbc().queryForObject("select status from job_attempts", String.class));
    }

    @Test
    void a_claim_that_was_never_sent_costs_no_attempt_however_late_it_is_found() {
        Attempt attempt = bus.leased();
        bus.jdbc().update("update jobs set leased_until = now() - interval '5 minutes'");

        bus.recover();

        assertEquals("queued", bus.state(attempt.job()));
        assertEquals(0, bus.jdbc().queryForObject("select attempt_count from jobs", Integer.class));
        assertEquals("undelivered", bus.jdbc().queryForObject("select status from job_attempts", String.class));
    }

    @Test
    void a_refusal_that_is_old_news_stops_no_lane() {
        Attempt attempt = bus.running();

        assertEquals("false", bus.refused(attempt).get("applied").asText());

        assertEquals(0, bus.count("agents where paused_at is not null"));
    }

    @Test
    void what_came_from_outside_stays_untrusted_through_any_number_of_hands() {
        Attempt attempt = bus.running("trust", "untrusted");

        bus.say(
                attempt,
                "complete_job",
                "summary",
                "done",
                "followUps",
                List.of(Machine.json("targetAgent", "devops", "subject", "infra.check", "trust", "trusted")));

        assertEquals(2, bus.count("jobs where trust = 'untrusted'"));
    }

    @Test
    void a_block_until_a_time_that_is_past_is_refused() {
        Attempt attempt = bus.running();

        assertEquals(
                "422 invalid_field unblock.at",
                refusal(() -> bus.block(attempt, "at", "2020-01-01T00:00:00Z")).brief());
        assertEquals("running", bus.state(attempt.job()));
    }
}
