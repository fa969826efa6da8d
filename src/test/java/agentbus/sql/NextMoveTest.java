package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A queued job that is due says what holds it, so that nobody has to guess which limit it waits for. */
@ExtendWith(PostgresExtension.class)
class NextMoveTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().update("update agents set max_concurrency = 1");
    }

    private String nextMove(String job) {
        return bus.ask("get_job", "jobId", job).get("nextMove").asText();
    }

    private void dispatcher(String id) {
        bus.jdbc()
                .update(
                        "insert into dispatcher_heartbeats (dispatcher_id, host, pid, version, wake_source, beat_seconds)"
                                + " values (?, 'here', 1, '1', 'poll', 1000)",
                        id);
    }

    @Test
    void a_job_behind_a_full_lane_names_the_job_at_work_and_since_when() {
        Attempt attempt = bus.running();

        String move = nextMove(bus.enqueue());

        assertTrue(move.matches("lane full: 1 of 1, job " + attempt.job() + " since \\S+Z"), move);
    }

    @Test
    void a_lease_that_has_run_out_fills_no_lane() {
        Attempt attempt = bus.running();
        String job = bus.enqueue();
        bus.expire(attempt.job());

        assertEquals("the next claim", nextMove(job));
    }

    @Test
    void a_job_behind_a_full_gateway_says_so() {
        bus.jdbc().update("update gateways set max_in_flight = 1 where gateway = 'default'");
        bus.running();

        String job = bus.enqueue("targetAgent", "research", "subject", "research.packet");

        assertEquals("gateway default full: 1 of 1", nextMove(job));
    }

    @Test
    void a_job_behind_a_held_gateway_says_until_when_and_why() {
        bus.jdbc()
                .update("update gateways set held_until = '2100-01-01T00:00:00Z', hold_reason = 'not reached'"
                        + " where gateway = 'default'");

        assertEquals("gateway default held until 2100-01-01T00:00:00Z: not reached", nextMove(bus.enqueue()));
    }

    @Test
    void a_bus_whose_dispatchers_have_all_died_says_so() {
        String job = bus.enqueue();
        dispatcher("one");
        assertEquals("the next claim", nextMove(job));

        bus.jdbc().update("update dispatcher_heartbeats set last_seen = now() - interval '2 hours'");
        assertEquals("no dispatcher is alive", nextMove(job));

        dispatcher("two");
        assertEquals("the next claim", nextMove(job));
    }

    @Test
    void a_list_says_the_same_of_each_job_as_the_job_itself() {
        bus.running();
        bus.enqueue();
        bus.enqueue("delaySeconds", 60);
        bus.enqueue("targetAgent", "research", "subject", "research.packet");
        bus.ask("pause_agent", "agentId", "coordinator", "reason", "later");
        bus.enqueue("targetAgent", "coordinator", "subject", "plan.new");

        JsonNode jobs = bus.ask("list_jobs").get("jobs");

        assertEquals(5, jobs.size());
        for (JsonNode job : jobs) {
            assertEquals(
                    nextMove(job.get("jobId").asText()), job.get("nextMove").asText());
        }
    }
}
