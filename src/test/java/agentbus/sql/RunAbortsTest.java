package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Runs that are to be stopped: which, when, and what is written when they cannot be. */
@ExtendWith(PostgresExtension.class)
class RunAbortsTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private List<JsonNode> claimAborts(String gateways, String withoutToken) {
        return bus
                .jdbc()
                .queryForList(
                        "select claim_aborts(string_to_array(?, ','), string_to_array(?, ','))::text",
                        String.class,
                        gateways,
                        withoutToken)
                .stream()
                .map(Machine::parse)
                .toList();
    }

    private List<JsonNode> claimAborts() {
        return claimAborts("default", "");
    }

    private String tried(Attempt attempt, String outcome) {
        return bus.jdbc()
                .queryForObject(
                        "select abort_tried(?::uuid, ?, 'connection refused')", String.class, attempt.id(), outcome);
    }

    private String outcome(Attempt attempt) {
        return bus.jdbc()
                .queryForObject(
                        "select coalesce(outcome, 'pending') from run_aborts where attempt_id = ?::uuid",
                        String.class,
                        attempt.id());
    }

    private void cancel(Attempt attempt) {
        bus.ask("cancel_job", "jobId", attempt.job(), "reason", "not wanted any more");
    }

    private void makeDue() {
        bus.jdbc().update("update run_aborts set next_try_at = now()");
    }

    @Test
    void a_cancelled_run_is_handed_out_once_to_be_stopped() {
        Attempt attempt = bus.running();
        cancel(attempt);

        List<JsonNode> aborts = claimAborts();

        assertEquals(1, aborts.size());
        assertEquals(attempt.id(), aborts.get(0).get("attemptId").asText());
        assertEquals("default", aborts.get(0).get("gateway").asText());
        assertEquals(
                "agent:devops:job:" + attempt.job(),
                aborts.get(0).get("sessionKey").asText());
        assertEquals(List.of(), claimAborts());
        assertEquals("aborted", tried(attempt, "aborted"));
        assertEquals("aborted", outcome(attempt));
        assertTrue(bus.topics(attempt.job()).contains("job.run_aborted"));
        assertEquals("done before", tried(attempt, "failed"));
    }

    @Test
    void a_run_that_timed_out_is_to_be_stopped() {
        Attempt silent = bus.running();
        bus.expire(silent.job());
        bus.recover();

        assertEquals(1, claimAborts().size());
    }

    @Test
    void a_run_that_closed_its_job_or_ended_by_itself_is_left_alone() {
        bus.complete(bus.running());
        bus.fail(bus.running("subject", "infra.repair"), "retry", false);
        Attempt ended = bus.running();
        bus.call(
                "report_run_end",
                Machine.json("kind", "gateway", "name", "default"),
                Machine.json("sessionKey", "agent:devops:job:" + ended.job(), "success", false));
        bus.block(bus.running());

        assertEquals(0, bus.count("run_aborts"));
    }

    @Test
    void what_was_never_sent_has_no_run_and_what_was_sent_may_have_one() {
        Attempt unsent = bus.leased();
        Attempt sent = bus.leased();
        bus.keepPrompt(Machine.D1, sent, "prompt");

        cancel(unsent);
        cancel(sent);

        assertEquals(
                List.of(sent.id()),
                claimAborts().stream().map(a -> a.get("attemptId").asText()).toList());
    }

    @Test
    void a_run_that_began_only_after_its_job_was_cancelled_is_stopped_then() {
        Attempt attempt = bus.leased();
        bus.keepPrompt(Machine.D1, attempt, "prompt");
        cancel(attempt);
        claimAborts();
        assertEquals("again", tried(attempt, "no_run"));
        bus.jdbc().update("update run_aborts set tries = 5");
        assertEquals("no_run", tried(attempt, "no_run"));

        bus.admitted(attempt);

        assertEquals(1, claimAborts().size());
    }

    @Test
    void a_gateway_that_knows_no_run_is_asked_again_only_while_one_may_begin() {
        Attempt young = bus.running();
        Attempt old = bus.running();
        bus.jdbc()
                .update(
                        "update job_attempts set admitted_at = now() - interval '2 minutes' where attempt_id = ?::uuid",
                        old.id());
        cancel(young);
        cancel(old);
        assertEquals(2, claimAborts().size());

        assertEquals("again", tried(young, "no_run"));
        assertEquals("no_run", tried(old, "no_run"));
    }

    @Test
    void a_worker_that_pulls_is_not_the_gateways_to_stop() {
        String job = bus.enqueue();
        bus.ask("claim_jobs", "targetAgent", "devops");
        bus.ask("cancel_job", "jobId", job, "reason", "x");

        assertEquals(0, bus.count("run_aborts"));
    }

    @Test
    void an_abort_that_would_meet_the_newer_run_is_not_handed_out() {
        Attempt zombie = bus.running();
        bus.expire(zombie.job());
        bus.recover();
        bus.makeDue(zombie.job());
        bus.admitted(bus.claim());

        assertEquals(List.of(), claimAborts());
        assertEquals("superseded", outcome(zombie));
    }

    @Test
    void an_abort_whose_run_has_ended_meanwhile_is_not_handed_out() {
        Attempt zombie = bus.running();
        cancel(zombie);
        bus.call(
                "report_run_end",
                Machine.json("kind", "gateway", "name", "default"),
                Machine.json("sessionKey", "agent:devops:job:" + zombie.job(), "success", true));

        assertEquals(List.of(), claimAborts());
        assertEquals("no_run", outcome(zombie));
    }

    @Test
    void without_an_operator_token_the_row_says_so_and_nothing_is_tried() {
        Attempt attempt = bus.running();
        cancel(attempt);

        assertEquals(List.of(), claimAborts("", "default"));
        assertEquals("no_operator_token", outcome(attempt));
        assertEquals(
                "no_operator_token",
                bus.ask("get_job", "jobId", attempt.job())
                        .at("/attempts/0/abort")
                        .asText());
    }

    @Test
    void a_node_leaves_the_aborts_of_gateways_it_does_not_know() {
        Attempt attempt = bus.running();
        cancel(attempt);

        assertEquals(List.of(), claimAborts("east", "west"));
        assertEquals("pending", outcome(attempt));
    }

    @Test
    void a_try_that_failed_is_repeated_and_the_fifth_is_the_last_and_is_told() {
        Attempt attempt = bus.running();
        cancel(attempt);
        for (int i = 1; i <= 4; i++) {
            assertEquals(1, claimAborts().size());
            assertEquals("again", tried(attempt, "failed"));
            assertEquals(List.of(), claimAborts(), "not at once");
            makeDue();
        }
        assertEquals(1, claimAborts().size());

        assertEquals("gave_up", tried(attempt, "failed"));

        assertEquals("gave_up", outcome(attempt));
        assertTrue(bus.topics(attempt.job()).contains("job.abort_failed"));
    }

    @Test
    void a_node_that_died_over_an_abort_leaves_it_to_another() {
        Attempt attempt = bus.running();
        cancel(attempt);
        claimAborts();
        makeDue();

        assertEquals(1, claimAborts().size());
    }

    @Test
    void an_abort_waits_for_a_gateway_that_is_down_but_not_for_ever() {
        Attempt attempt = bus.running();
        cancel(attempt);
        bus.jdbc().queryForList("select gateway_checked('n1', 'default', 'down', 'refused')");
        assertEquals(List.of(), claimAborts());
        assertEquals("pending", outcome(attempt));

        bus.jdbc().update("update run_aborts set requested_at = now() - interval '2 hours'");
        assertEquals(List.of(), claimAborts());
        assertEquals("gave_up", outcome(attempt));
        assertTrue(bus.topics(attempt.job()).contains("job.abort_failed"));
    }
}
