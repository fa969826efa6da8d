package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.operator;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The handles of an operator on one job. */
@ExtendWith(PostgresExtension.class)
class JobHandlesTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private JsonNode handle(String operation, String job, Object... more) {
        var input = json(more).put("jobId", job);
        if (!input.has("reason")) {
            input.put("reason", "because");
        }
        return bus.call(operation, operator(), input);
    }

    private Refusal refused(String operation, String job, Object... more) {
        return refusal(() -> handle(operation, job, more));
    }

    private String why(String job, String action) {
        return bus.jdbc()
                .queryForObject(
                        "select actor || ': ' || why from audit_log where row_id = ? and action = ?",
                        String.class,
                        job,
                        action);
    }

    private void unchanged(JsonNode answer, String act) {
        assertFalse(answer.get("changed").asBoolean());
        assertEquals(act, answer.at("/lastAct/act").asText());
        assertEquals("operator:anna", answer.at("/lastAct/by").asText());
        assertTrue(answer.at("/lastAct").has("at"));
    }

    // ------------------------------------------------------------------------------------------- retry-now

    @Test
    void a_delayed_job_starts_now_and_a_repetition_changes_nothing() {
        String job = bus.enqueue("delaySeconds", 3600);
        assertEquals(List.of(), bus.claimedIds(5));

        assertEquals(
                "queued",
                handle("retry_now", job, "reason", "do not wait").get("state").asText());
        unchanged(handle("retry_now", job), "started early");

        assertEquals("operator:anna: do not wait", why(job, "job.started_early"));
        assertEquals(1, bus.count("audit_log where action = 'job.started_early'"));
        assertEquals(List.of(job), bus.claimedIds(5));
    }

    @Test
    void a_block_until_a_time_ends_now_and_the_prompt_learns_why() {
        Attempt attempt = bus.running();
        bus.block(attempt, "at", "2100-01-01T00:00:00Z");

        JsonNode job = handle("retry_now", attempt.job(), "reason", "the login is there");

        assertEquals("queued", job.get("state").asText());
        assertEquals(
                "the wait until 2100-01-01T00:00:00Z was ended early: the login is there",
                job.get("answer").asText());
        assertEquals("operator:anna", job.get("answeredBy").asText());
        assertEquals("job.unblocked", bus.topics(attempt.job()).get(2));
    }

    @Test
    void only_a_job_that_waits_for_its_time_can_be_started_now() {
        Attempt blocked = bus.running();
        bus.block(blocked);
        Attempt replan = bus.claim();
        String waiting = bus.enqueue("dependsOn", List.of(replan.job()));

        assertTrue(refused("retry_now", blocked.job()).expected().contains("unblock-job"));
        assertEquals("409 wrong_state jobId", refused("retry_now", waiting).brief());
        assertEquals("409 wrong_state jobId", refused("retry_now", replan.job()).brief());
        assertTrue(refused("retry_now", bus.dead()).expected().contains("redrive-job"));
    }

    // ------------------------------------------------------------------------------------------------ kill

    @Test
    void a_killed_run_is_stopped_and_its_late_close_is_stale() {
        Attempt attempt = bus.running();
        String dependent = bus.enqueue("dependsOn", List.of(attempt.job()));

        JsonNode job = handle("kill_job", attempt.job(), "reason", "it loops");

        assertEquals("dead", job.get("state").asText());
        assertEquals("it loops", job.get("lastError").asText());
        assertEquals("cancelled", bus.ofAttempt(attempt, "status", String.class));
        assertEquals(1, bus.count("run_aborts where attempt_id = ?::uuid", attempt.id()));
        assertEquals("stale_attempt", bus.complete(attempt).at("/problem/code").asText());
        assertEquals("dead", bus.state(attempt.job()));
        assertEquals("blocked", bus.state(dependent));
        unchanged(handle("kill_job", attempt.job()), "killed");
        assertEquals(List.of("job.enqueued", "job.dead", "job.late_report"), bus.topics(attempt.job()));
    }

    @Test
    void a_job_that_has_not_begun_or_is_blocked_can_be_killed_and_an_ended_one_cannot() {
        Attempt done = bus.running();
        bus.complete(done);
        Attempt blocked = bus.running();
        bus.block(blocked);
        String queued = bus.enqueue("delaySeconds", 60);
        String waiting = bus.enqueue("dependsOn", List.of(queued));

        for (String job : List.of(waiting, queued, blocked.job())) {
            assertEquals("dead", handle("kill_job", job).get("state").asText());
        }

        assertEquals("409 wrong_state jobId", refused("kill_job", done.job()).brief());
        assertEquals(
                0,
                bus.count("jobs where subject = 'blocked.replan' and state = 'queued'"),
                "the question is withdrawn");
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
    }

    @Test
    void a_job_that_was_killed_while_it_waited_waits_again_after_a_redrive() {
        String first = bus.enqueue("delaySeconds", 60);
        String waiting = bus.enqueue("dependsOn", List.of(first));
        handle("kill_job", waiting);

        bus.ask("redrive_job", "jobId", waiting, "reason", "after all");

        assertEquals("waiting", bus.state(waiting));
        handle("retry_now", first);
        bus.complete(bus.claim());
        assertEquals("queued", bus.state(waiting));
    }

    @Test
    void a_dependency_that_ended_while_the_job_was_dead_counts_after_the_redrive() {
        String good = bus.enqueue();
        Attempt goodAttempt = bus.claim();
        String afterGood = bus.enqueue("dependsOn", List.of(good));
        Attempt bad = bus.running();
        String afterBad = bus.enqueue("dependsOn", List.of(bad.job()));
        handle("kill_job", afterGood);
        handle("kill_job", afterBad);
        bus.admitted(goodAttempt);
        bus.complete(goodAttempt);
        bus.fail(bad, "retry", false);

        bus.ask("redrive_job", "jobId", afterGood, "reason", "after all");
        bus.ask("redrive_job", "jobId", afterBad, "reason", "after all");

        assertEquals("queued", bus.state(afterGood));
        assertEquals("blocked", bus.state(afterBad));
        assertEquals(bad.job(), bus.column(afterBad, "blocked_on_job", String.class));
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
    }

    // -------------------------------------------------------------------------------------------- priority

    @Test
    void a_job_with_a_higher_priority_is_claimed_first() {
        String dead = bus.dead();
        bus.enqueue();
        String urgent = bus.enqueue();

        assertEquals(
                900,
                handle("set_priority", urgent, "priority", 900).get("priority").asInt());
        unchanged(handle("set_priority", urgent, "priority", 900), "priority set");

        assertEquals(List.of(urgent), bus.claimedIds(1));
        assertEquals("operator:anna: because", why(urgent, "job.priority_set"));
        assertEquals(
                "409 wrong_state jobId",
                refused("set_priority", dead, "priority", 1).brief());
    }

    // -------------------------------------------------------------------------------------------- reassign

    private void both() {
        bus.jdbc()
                .update("update agents set accepts = '{infra.check,research.packet}' where agent_id <> 'coordinator'");
    }

    @Test
    void a_job_goes_to_an_agent_that_accepts_its_subject() {
        both();
        bus.jdbc()
                .update(
                        "update agents set model = agent_id || '-model', timeout_seconds = 100 where agent_id = 'devops'");
        bus.jdbc().update("update agents set model = 'big', timeout_seconds = 20000 where agent_id = 'research'");
        String queued = bus.enqueue();
        String own = bus.enqueue("model", "own", "timeoutSeconds", 77);
        // The claim mark of the new lane is younger than the jobs.
        bus.jdbc().queryForList("select mark_claims()");

        JsonNode job = handle("reassign_job", queued, "targetAgent", "research", "reason", "devops is away");
        handle("reassign_job", own, "targetAgent", "research");

        assertEquals("research", job.get("targetAgent").asText());
        assertEquals("big", job.get("model").asText());
        assertEquals(20000, job.get("timeoutSeconds").asInt());
        assertEquals(20000, job.get("hardTimeoutSeconds").asInt());
        assertEquals("own", bus.column(own, "model", String.class));
        assertEquals(77, bus.column(own, "timeout_seconds", Integer.class));
        unchanged(handle("reassign_job", queued, "targetAgent", "research"), "reassigned");
        assertEquals("operator:anna: devops is away", why(queued, "job.reassigned"));
        assertEquals(List.of("job.enqueued", "job.reassigned"), bus.topics(queued));
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
        assertEquals(List.of(queued, own), bus.claimedIds(5));
    }

    @Test
    void waiting_blocked_failed_and_dead_jobs_can_be_reassigned_and_jobs_at_work_cannot() {
        both();
        Attempt running = bus.running();
        Attempt leased = bus.leased();
        Attempt done = bus.running();
        bus.complete(done);
        Attempt failed = bus.running();
        bus.fail(failed, "retry", false);
        String dead = bus.dead();
        Attempt blocked = bus.running();
        bus.block(blocked);
        String waiting = bus.enqueue("dependsOn", List.of(running.job()));

        for (String job : List.of(failed.job(), dead, blocked.job(), waiting)) {
            String state = bus.state(job);
            handle("reassign_job", job, "targetAgent", "research");
            assertEquals("research", bus.column(job, "target_agent", String.class));
            assertEquals(state, bus.state(job));
        }
        for (Attempt attempt : List.of(running, leased, done)) {
            assertEquals(
                    "409 wrong_state jobId",
                    refused("reassign_job", attempt.job(), "targetAgent", "research")
                            .brief());
        }
        bus.ask("unblock_job", "jobId", blocked.job(), "answer", "go on");
        assertEquals(
                0,
                bus.count("jobs where subject = 'blocked.replan' and state = 'queued'"),
                "the question is withdrawn");
    }

    @Test
    void an_agent_that_does_not_fit_gets_no_job() {
        String job = bus.enqueue("dedupeKey", "k", "trust", "untrusted");

        assertEquals(
                "422 subject_not_accepted targetAgent",
                refused("reassign_job", job, "targetAgent", "research").brief());
        assertEquals(
                "422 unknown_agent targetAgent",
                refused("reassign_job", job, "targetAgent", "nobody").brief());
        both();
        bus.jdbc().update("update agents set reads = 'trusted' where agent_id = 'research'");
        assertEquals(
                "422 untrusted_input targetAgent",
                refused("reassign_job", job, "targetAgent", "research").brief());
        bus.jdbc().update("update agents set reads = 'untrusted', enabled = false where agent_id = 'research'");
        assertEquals(
                "422 agent_disabled targetAgent",
                refused("reassign_job", job, "targetAgent", "research").brief());
        bus.jdbc().update("update agents set enabled = true where agent_id = 'research'");
        bus.ask("enqueue_job", "targetAgent", "research", "subject", "infra.check", "dedupeKey", "k");
        assertEquals(
                "409 dedupe_conflict targetAgent",
                refused("reassign_job", job, "targetAgent", "research").brief());
        assertEquals("devops", bus.column(job, "target_agent", String.class));
    }

    // --------------------------------------------------------------------------------------------- dismiss

    @Test
    void a_dead_letter_is_dismissed_once_and_keeps_its_error() {
        String dead = bus.dead();

        assertEquals("cancelled", handle("dismiss_job", dead).get("state").asText());
        unchanged(handle("dismiss_job", dead), "dismissed");

        assertEquals("it broke", bus.column(dead, "last_error", String.class));
        assertEquals(
                "409 wrong_state jobId", refused("dismiss_job", bus.enqueue()).brief());
    }

    // ------------------------------------------------------------------------------------------- attempts

    @Test
    void an_extended_attempt_outlives_its_lease_and_its_hard_timeout() {
        Attempt attempt = bus.running();

        JsonNode job = handle("extend_attempt", attempt.job(), "seconds", 500_000, "reason", "slow build");

        assertTrue(bus.jdbc()
                .queryForObject(
                        "select leased_until > now() + interval '499000 seconds' and hard_deadline >= leased_until from jobs",
                        Boolean.class));
        assertTrue(job.has("leasedUntil"));
        unchanged(handle("extend_attempt", attempt.job(), "seconds", 60), "extended");
        assertEquals("operator:anna: slow build", why(attempt.job(), "job.extended"));
        // A renewal does not shorten the extension without being asked to.
        bus.say(attempt, "report_progress", "percent", 5);
        assertTrue(bus.jdbc()
                .queryForObject("select leased_until > now() + interval '499000 seconds' from jobs", Boolean.class));
        bus.complete(attempt);
        assertEquals(
                "409 wrong_state jobId",
                refused("extend_attempt", attempt.job(), "seconds", 60).brief());
        assertEquals(
                "409 wrong_state jobId",
                refused("extend_attempt", bus.leased().job(), "seconds", 60).brief());
    }

    @Test
    void an_ended_attempt_is_stopped_counts_and_is_retried_by_the_policy_of_its_job() {
        Attempt attempt = bus.running("maxAttempts", 2);

        JsonNode job = handle("end_attempt", attempt.job(), "attemptNo", 1, "reason", "it hangs");

        assertEquals("queued", job.get("state").asText());
        assertEquals(1, job.get("attemptCount").asInt());
        assertEquals("it hangs", job.get("lastError").asText());
        assertTrue(bus.jdbc().queryForObject("select run_after > now() from jobs", Boolean.class));
        assertEquals("cancelled", bus.ofAttempt(attempt, "status", String.class));
        assertEquals(1, bus.count("run_aborts"));
        assertEquals("stale_attempt", bus.complete(attempt).at("/problem/code").asText());

        // A repeated call does not reach the next attempt.
        bus.makeDue(attempt.job());
        Attempt second = bus.claim();
        assertFalse(handle("end_attempt", attempt.job(), "attemptNo", 1)
                .get("changed")
                .asBoolean());
        assertEquals("leased", bus.state(attempt.job()));
        assertEquals(
                "422 invalid_field attemptNo",
                refused("end_attempt", attempt.job(), "attemptNo", 3).brief());

        assertEquals("dead", handle("end_attempt", second.job()).get("state").asText());
        assertEquals(
                "409 wrong_state jobId",
                refused("end_attempt", second.job(), "reason", "another").brief());
    }

    @ParameterizedTest
    @ValueSource(strings = {"kill_job", "end_attempt", "cancel_job"})
    void of_an_operator_and_an_agent_who_act_at_once_one_wins_and_the_other_learns_it(String operation)
            throws Exception {
        for (int round = 0; round < 8; round++) {
            Attempt attempt = bus.running("maxAttempts", 1);
            List<Race.End<JsonNode>> ends =
                    Race.of(2, i -> () -> i == 0 ? bus.complete(attempt) : handle(operation, attempt.job()));

            boolean completed = !ends.get(0).result().has("problem");
            assertEquals(completed, ends.get(1).thrown() != null, () -> ends.toString());
            assertEquals(
                    completed ? "succeeded" : operation.equals("cancel_job") ? "cancelled" : "dead",
                    bus.state(attempt.job()));
        }
    }

    // ------------------------------------------------------------------------------------------- refusals

    @Test
    void the_second_of_two_people_learns_who_did_what() {
        String job = bus.dead();
        bus.ask("redrive_job", "jobId", job, "reason", "web-1 is back");

        Refusal second = refusal(() -> bus.call(
                "redrive_job", json("kind", "operator", "name", "bert"), json("jobId", job, "reason", "me too")));

        assertTrue(
                second.message()
                        .matches(
                                "job " + job + " is queued and cannot be redriven; it was redriven by operator:anna at "
                                        + "20[0-9T:-]+Z \\(web-1 is back\\)"),
                second::message);
        handle("kill_job", job, "reason", "no");
        bus.ask("dismiss_job", "jobId", job, "reason", "enough");
        assertTrue(refused("retry_now", job).message().contains("it was dismissed by operator:anna"));
    }

    @Test
    void a_job_of_another_namespace_is_not_known() {
        bus.jdbc().update("insert into namespaces (namespace) values ('handles') on conflict do nothing");
        String job = bus.enqueue();
        for (String operation : List.of(
                "retry_now",
                "kill_job",
                "set_priority",
                "reassign_job",
                "dismiss_job",
                "extend_attempt",
                "end_attempt")) {
            assertEquals(
                    "404 unknown_job jobId",
                    refused(
                                    operation,
                                    job,
                                    "namespace",
                                    "handles",
                                    "priority",
                                    1,
                                    "targetAgent",
                                    "devops",
                                    "seconds",
                                    60)
                            .brief());
        }
        assertEquals("queued", bus.state(job));
    }
}
