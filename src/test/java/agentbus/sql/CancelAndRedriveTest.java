package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(PostgresExtension.class)
class CancelAndRedriveTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private JsonNode cancel(String job, Object... more) {
        Object[] input =
                java.util.Arrays.copyOf(new Object[] {"jobId", job, "reason", "no longer wanted"}, 4 + more.length);
        System.arraycopy(more, 0, input, 4, more.length);
        return bus.ask("cancel_job", input);
    }

    @Test
    void a_job_in_any_state_that_has_not_ended_can_be_cancelled() {
        Attempt running = bus.running();
        Attempt leased = bus.leased();
        Attempt blocked = bus.running();
        bus.block(blocked, "at", "2100-01-01T00:00:00Z");
        String waiting = bus.enqueue("dependsOn", List.of(running.job()));
        String queued = bus.enqueue();

        for (String job : List.of(waiting, queued, leased.job(), running.job(), blocked.job())) {
            assertEquals("cancelled", cancel(job).get("state").asText());
            assertEquals("no longer wanted", bus.column(job, "last_error", String.class));
            assertEquals("409 wrong_state jobId", refusal(() -> cancel(job)).brief());
        }
        assertEquals(
                "404 unknown_job jobId",
                refusal(() -> cancel(UUID.randomUUID().toString())).brief());
    }

    @Test
    void a_dead_letter_can_be_dismissed_and_keeps_what_it_died_of() {
        Attempt attempt = bus.running("maxAttempts", 1);
        bus.say(attempt, "fail_job", "error", "no such host");
        assertEquals("dead", bus.column(attempt.job(), "state", String.class));

        assertEquals("cancelled", cancel(attempt.job()).get("state").asText());

        assertEquals("no such host", bus.column(attempt.job(), "last_error", String.class));
    }

    @Test
    void a_cancelled_job_takes_the_tree_below_it_along() {
        String root = bus.enqueue();
        Attempt child = bus.claim();
        bus.admitted(child);
        String grandchild = bus.enqueue("parentJobId", child.job());
        String below = bus.enqueue("parentJobId", grandchild);
        String beside = bus.enqueue();
        String waiting = bus.enqueue("parentJobId", root, "dependsOn", List.of(below));

        cancel(root);

        for (String job : List.of(root, grandchild, below, waiting)) {
            assertEquals("cancelled", bus.state(job));
        }
        assertEquals("queued", bus.state(beside));
        assertEquals(0, bus.count("jobs where subject = 'blocked.replan' and state <> 'cancelled'"));
        assertEquals("its parent was cancelled: no longer wanted", bus.column(below, "last_error", String.class));
    }

    @Test
    void the_children_may_be_spared() {
        String root = bus.enqueue();
        String child = bus.enqueue("parentJobId", root);

        cancel(root, "includeChildren", false);

        assertEquals("cancelled", bus.state(root));
        assertEquals("queued", bus.state(child));
    }

    @Test
    void the_token_of_a_cancelled_attempt_is_dead() {
        Attempt attempt = bus.running();

        cancel(attempt.job());

        assertEquals("cancelled", bus.ofAttempt(attempt, "status", String.class));
        assertNull(bus.column(attempt.job(), "leased_until", String.class));
        assertEquals("stale_attempt", bus.complete(attempt).at("/problem/code").asText());
        assertEquals("cancelled", bus.state(attempt.job()));
    }

    @Test
    void who_depends_on_a_cancelled_job_is_blocked() {
        String job = bus.enqueue("delaySeconds", 60);
        String dependent = bus.enqueue("dependsOn", List.of(job));

        cancel(job);

        assertEquals("blocked", bus.state(dependent));
    }

    @Test
    void those_who_may_cancel() {
        for (JsonNode who : List.of(agent("coordinator"), agent("devops"))) {
            String job = bus.enqueue("sourceAgent", "devops");
            bus.call("cancel_job", who, json("jobId", job, "reason", "x"));
            assertEquals("cancelled", bus.state(job));
        }
        String job = bus.enqueue();
        assertEquals(
                "403 forbidden jobId",
                refusal(() -> bus.call("cancel_job", agent("devops"), json("jobId", job, "reason", "x")))
                        .brief());
        assertEquals("queued", bus.state(job));
    }

    @Test
    void a_coordinator_that_cancels_what_it_was_asked_about_goes_on_working() {
        Attempt blocked = bus.running();
        String child = bus.enqueue("parentJobId", blocked.job(), "delaySeconds", 60);
        bus.block(blocked);
        Attempt replan = bus.claim();
        bus.admitted(replan);

        bus.call("cancel_job", bus.principal(replan), json("jobId", blocked.job(), "reason", "hopeless"));

        assertEquals("cancelled", bus.state(blocked.job()));
        assertEquals("cancelled", bus.state(child));
        assertEquals("running", bus.state(replan.job()));
        bus.complete(replan);
        assertEquals("succeeded", bus.state(replan.job()));
    }

    @Test
    void the_end_of_a_child_and_the_cancelling_of_its_parent_do_not_lock_each_other_out() throws Exception {
        for (int round = 0; round < 25; round++) {
            Attempt parent = bus.running();
            Attempt child = bus.running("parentJobId", parent.job());
            bus.block(parent, "jobId", child.job());

            List<Race.End<JsonNode>> ends = Race.of(2, i -> () -> i == 0 ? bus.complete(child) : cancel(parent.job()));

            for (Race.End<JsonNode> end : ends) {
                assertNull(end.thrown(), () -> "a deadlock: " + end.thrown());
            }
            assertEquals("cancelled", bus.state(parent.job()));
            assertTrue(List.of("cancelled", "succeeded").contains(bus.state(child.job())));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_dead_or_failed_job_gets_all_its_attempts_anew(boolean dead) {
        Attempt attempt = bus.running("maxAttempts", 1);
        bus.fail(attempt, "retry", dead);
        String job = attempt.job();
        assertEquals(dead ? "dead" : "failed", bus.state(job));

        bus.ask("redrive_job", "jobId", job, "reason", "web-1 is back");

        assertEquals("queued", bus.state(job));
        assertEquals(0, bus.column(job, "attempt_count", Integer.class));
        assertEquals(1, bus.column(job, "redrives", Integer.class));
        assertNull(bus.column(job, "ended_at", String.class));
        assertTrue(bus.topics(job).contains("job.redriven"));
        assertEquals(
                "web-1 is back",
                bus.jdbc().queryForObject("select why from audit_log where action = 'job.queued'", String.class));
        assertEquals(2, bus.claim().claimed().get("attemptNo").asInt(), "attempts go on being counted");
    }

    @Test
    void other_states_cannot_be_redriven() {
        Attempt done = bus.running();
        bus.complete(done);
        Attempt running = bus.running();
        String queued = bus.enqueue();
        String cancelled = bus.enqueue();
        cancel(cancelled);

        for (String job : List.of(done.job(), running.job(), queued, cancelled)) {
            assertEquals(
                    "409 wrong_state jobId",
                    refusal(() -> bus.ask("redrive_job", "jobId", job, "reason", "x"))
                            .brief());
        }
    }

    @Test
    void a_redrive_yields_to_a_live_job_with_its_dedupe_key() {
        String dead = bus.dead("dedupeKey", "k");
        String live = bus.enqueue("dedupeKey", "k");

        assertEquals(
                "409 dedupe_conflict jobId",
                refusal(() -> bus.ask("redrive_job", "jobId", dead, "reason", "x"))
                        .brief());

        assertEquals("dead", bus.state(dead));
        cancel(live);
        bus.ask("redrive_job", "jobId", dead, "reason", "x");
        assertEquals("queued", bus.state(dead));
    }
}
