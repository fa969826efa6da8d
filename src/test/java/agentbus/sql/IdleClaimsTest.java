package agentbus.sql;

import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Idle work takes no place: a claim takes it when nothing else is due, and work that arrives passes it. */
@ExtendWith(PostgresExtension.class)
class IdleClaimsTest {
    private Machine bus;
    private Idle idle;
    private GatewayReports gateway;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().update("update agents set max_concurrency = 1");
        idle = Idle.of(bus);
        gateway = new GatewayReports(bus);
    }

    private String research(Object... more) {
        return bus.enqueue(with(more, "targetAgent", "research", "subject", "research.packet"));
    }

    private static Object[] with(Object[] more, Object... defaults) {
        Object[] all = java.util.Arrays.copyOf(defaults, defaults.length + more.length);
        System.arraycopy(more, 0, all, defaults.length, more.length);
        return all;
    }

    private JsonNode lane(String agent) {
        for (JsonNode row : bus.ask("overview").get("agents")) {
            if (row.get("agentId").asText().equals(agent)) {
                return row;
            }
        }
        throw new AssertionError(agent);
    }

    private String nextMove(String job) {
        return bus.ask("get_job", "jobId", job).get("nextMove").asText();
    }

    @Test
    void a_quiet_claim_takes_an_idle_job_and_its_run_is_known() {
        String job = idle.queued("research");
        assertTrue(nextMove(job).startsWith("the next claim; given up at "), nextMove(job));
        assertEquals("false", bus.jdbc().queryForObject("select is_due(j)::text from jobs j", String.class));

        Attempt attempt = bus.claim();
        assertEquals(job, attempt.job());
        assertNull(idle.run(job, "began_at"));
        bus.admitted(attempt);

        assertEquals("running", bus.state(job));
        assertTrue(idle.run(job, "began_at") != null);
        bus.complete(attempt);
        assertEquals("completed", idle.run(job, "outcome"));
        assertEquals("completed: done", idle.slot(job));
    }

    @Test
    void a_claim_with_other_work_takes_no_idle_job_of_any_agent() {
        String idleJob = idle.queued("research");
        String work = bus.enqueue();

        assertEquals(List.of(work), bus.claimedIds(50));
        assertEquals(List.of(idleJob), bus.claimedIds(50));
    }

    @Test
    void work_that_arrives_is_claimed_beside_the_idle_run_which_is_asked_to_close() {
        Attempt thinking = idle.running("research");
        assertEquals("thinking", lane("research").get("status").asText());
        assertEquals(0, lane("research").get("live").asInt());

        String work = research();
        assertEquals("the next claim", nextMove(work));
        assertEquals(List.of(work), bus.claimedIds(50));

        String reason = "work arrived for research (job " + work + ")";
        assertEquals(reason, idle.run(thinking.job(), "stop_reason"));
        String told = bus.say(thinking, "renew_job_lease").get("closeNow").asText();
        assertTrue(
                told.startsWith(
                        "close job " + thinking.job() + " now, because " + reason + "; the run is stopped at 2"),
                told);
        assertEquals("working", lane("research").get("status").asText());
        assertFalse(bus.ask("get_job", "jobId", work).has("closeNow"));
    }

    @Test
    void every_answer_to_a_write_of_the_asked_run_says_close_now() {
        Attempt thinking = idle.running("research");
        JsonNode before = bus.say(thinking, "report_progress", "line", "reading");
        assertFalse(before.has("closeNow"), before.toString());
        research();
        bus.claimedIds(50);

        assertTrue(bus.say(thinking, "report_progress", "line", "reading").has("closeNow"));
        for (int repeated = 0; repeated < 2; repeated++) {
            JsonNode idea = bus.call(
                    "create_idea",
                    bus.principal(thinking),
                    Machine.json(
                            "theme",
                            "backups",
                            "title",
                            "Nobody reads the restore logs",
                            "body",
                            "They are long.",
                            "dedupeKey",
                            "logs"));
            assertTrue(idea.has("closeNow"), idea.toString());
            assertEquals(repeated == 0, idea.get("created").asBoolean());
        }
    }

    @Test
    void an_asked_run_that_closes_in_time_is_completed_and_its_words_stay() {
        Attempt thinking = idle.running("research");
        research();
        bus.claimedIds(50);

        bus.complete(thinking);
        idle.pass(60);
        bus.recover();

        assertEquals("completed", idle.run(thinking.job(), "outcome"));
        assertEquals("completed: done", idle.slot(thinking.job()));
        assertEquals(0, bus.count("run_aborts"));
    }

    @Test
    void an_asked_run_is_aborted_after_its_grace_and_its_slot_is_skipped() {
        Attempt thinking = idle.running("research");
        bus.jdbc().update("update job_attempts set admitted_at = admitted_at - interval '340 seconds'");
        String work = research();
        bus.claimedIds(50);

        idle.pass(9);
        bus.recover();
        assertEquals("running", bus.state(thinking.job()));

        idle.pass(2);
        List<JsonNode> moved = bus.recover();
        assertEquals("idle_stopped", moved.get(0).get("what").asText());
        assertEquals("cancelled", bus.state(thinking.job()));
        assertEquals("cancelled", bus.ofAttempt(thinking, "status", String.class));
        assertEquals(1, bus.count("run_aborts where attempt_id = ?::uuid", thinking.id()));
        assertEquals("stopped", idle.run(thinking.job(), "outcome"));
        int seconds = idle.secondsOver(340, thinking.job());
        assertEquals(
                "skipped: stopped after " + seconds + " s, because work arrived for research (job " + work + ")",
                idle.slot(thinking.job()));
        assertEquals(0, bus.count("events where topic in ('job.lease_lost', 'job.needs_operator')"));
        assertEquals(0, bus.count("jobs where state = 'dead'"));
    }

    @Test
    void a_stopped_run_that_the_gateway_has_not_ended_yet_holds_no_work_up_and_no_second_run_begins_there() {
        Attempt thinking = idle.running("devops");
        gateway.started(thinking);
        Attempt work = Attempt.of(claimed(bus.enqueue()));
        bus.admitted(work);
        idle.pass(11);
        bus.recover();
        bus.complete(work);

        String more = bus.enqueue();
        assertEquals("the next claim", nextMove(more));
        assertEquals(List.of(more), bus.claimedIds(50));

        String next = idle.queued("research");
        assertEquals(List.of(), bus.claimedIds(50));
        assertTrue(
                nextMove(next).startsWith("gateway default has an idle run of agent devops (job " + thinking.job()),
                nextMove(next));
        gateway.ended(thinking, false, "durationMs", 0);
        assertEquals(List.of(next), bus.claimedIds(50));
    }

    private JsonNode claimed(String job) {
        List<JsonNode> claimed = bus.claim(Machine.D1, 50);
        assertEquals(job, claimed.get(0).get("jobId").asText());
        return claimed.get(0);
    }

    @Test
    void an_agent_with_work_of_any_kind_begins_no_idle_run() {
        Attempt atWork = bus.running();
        String job = idle.queued("devops");

        assertEquals(List.of(), bus.claimedIds(50));
        assertTrue(nextMove(job).startsWith("job " + atWork.job() + " (infra.check) of agent devops is at work"));

        gateway.started(atWork);
        bus.complete(atWork);
        assertEquals(List.of(), bus.claimedIds(50));
        assertTrue(nextMove(job).startsWith("the run of job " + atWork.job() + " still goes on"), nextMove(job));

        gateway.ended(atWork, true, "durationMs", 0);
        assertEquals(List.of(job), bus.claimedIds(50));
    }

    @Test
    void a_gateway_has_one_idle_run_at_a_time_and_each_gateway_its_own() {
        bus.jdbc().update("insert into gateways (namespace, gateway) values ('default', 'second')");
        bus.jdbc().update("update agents set gateway = 'second' where agent_id = 'coordinator'");
        String research = idle.queued("research");
        String devops = idle.queued("devops");
        String coordinator = idle.queued("coordinator");

        assertEquals(List.of(research), bus.claimedIds(1), "a claim takes no more than it asks for");
        assertEquals(List.of(coordinator), bus.claimedIds(50));
        assertEquals(List.of(), bus.claimedIds(50));
        assertEquals("queued", bus.state(devops));
    }

    @Test
    void a_gateway_whose_reserve_is_used_up_begins_no_idle_run_and_stops_the_one_it_has() {
        bus.jdbc().update("update gateways set max_in_flight = 3");
        bus.jdbc().update("update agents set max_concurrency = 5");
        Attempt thinking = idle.running("research");
        Attempt first = bus.running();
        assertNull(idle.run(thinking.job(), "stop_reason"));

        Attempt second = bus.running();
        assertEquals(
                "work arrived for devops (job " + second.job()
                        + "): gateway default has room for 1 run, and an idle run needs room for 2",
                idle.run(thinking.job(), "stop_reason"));
        idle.pass(11);
        bus.recover();

        String next = idle.queued("research");
        assertEquals(List.of(), bus.claimedIds(50));
        assertTrue(nextMove(next).startsWith("gateway default has room for 1 run"), nextMove(next));
        bus.complete(first);
        assertEquals(List.of(next), bus.claimedIds(50));
    }

    @Test
    void a_gateway_with_one_place_thinks_while_it_is_empty() {
        bus.jdbc().update("update gateways set max_in_flight = 1");
        Attempt thinking = idle.running("research");
        String work = bus.enqueue();

        assertEquals(List.of(work), bus.claimedIds(50));
        assertTrue(idle.run(thinking.job(), "stop_reason").contains("has room for 0 runs"));
    }

    @Test
    void a_queued_idle_job_is_given_up_after_a_minute_and_its_slot_says_why() {
        Attempt atWork = bus.running();
        String job = idle.queued("devops");
        idle.pass(59);
        bus.recover();
        assertEquals("queued", bus.state(job));

        idle.pass(2);
        assertEquals(List.of(), bus.claimedIds(50), "an idle job that is given up is not claimed as due work");
        bus.recover();

        assertEquals("cancelled", bus.state(job));
        assertEquals("stopped", idle.run(job, "outcome"));
        assertTrue(
                idle.slot(job)
                        .matches("skipped: not begun, because it found no quiet moment until \\S+: job " + atWork.job()
                                + " \\(infra.check\\) of agent devops is at work"),
                idle.slot(job));
    }

    @Test
    void the_wall_clock_ends_a_run_without_a_retry_and_the_slot_has_failed() {
        Attempt thinking = idle.running("research");
        assertEquals(
                1200,
                bus.jdbc()
                        .queryForObject(
                                "select extract(epoch from hard_deadline - now())::int from jobs where live_attempt = ?::uuid",
                                Integer.class,
                                thinking.id()),
                1);
        bus.say(thinking, "renew_job_lease", "leaseSeconds", 3600);
        bus.jdbc().update("update jobs set hard_deadline = now() + interval '50 seconds' where job_type = 'idle'");
        assertTrue(bus.say(thinking, "renew_job_lease")
                .get("closeNow")
                .asText()
                .contains("because its time is nearly over"));

        bus.jdbc()
                .update("update jobs set hard_deadline = now() - interval '1 second',"
                        + " leased_until = now() - interval '1 second' where job_type = 'idle'");
        bus.recover();

        assertEquals("cancelled", bus.state(thinking.job()));
        assertEquals("timed_out", bus.ofAttempt(thinking, "status", String.class));
        assertEquals(1, bus.count("run_aborts"));
        assertEquals("failed", idle.run(thinking.job(), "outcome"));
        assertEquals(
                "failed: cancelled: hard timeout: still running 1200 seconds after it began",
                idle.slot(thinking.job()));
        assertEquals(0, bus.count("events where topic = 'job.lease_lost'"));
    }

    @Test
    void no_end_of_an_idle_attempt_is_a_retry_or_a_dead_letter() {
        Attempt failed = idle.running("research");
        bus.fail(failed);
        assertEquals("failed", bus.state(failed.job()));
        assertEquals("failed: failed: it broke", idle.slot(failed.job()));

        Attempt silent = idle.running("devops");
        gateway.ended(silent, true, "durationMs", 0);
        bus.jdbc().update("update job_attempts set run_ended_at = run_ended_at - interval '1 hour'");
        bus.jdbc().queryForList("select end_silent_runs()::text", String.class);
        assertEquals("failed", bus.state(silent.job()));
        assertTrue(idle.slot(silent.job()).startsWith("failed: failed: ended_without_closing"));

        String busy = idle.queued("research");
        Attempt undelivered = bus.claim();
        bus.undelivered(undelivered, null);
        assertEquals("cancelled", bus.state(busy));
        assertEquals("skipped: not begun, because the gateway took no hook call: HTTP 503", idle.slot(busy));
        bus.jdbc().update("update gateways set held_until = null, hold_reason = null");

        String unknown = idle.queued("research");
        Attempt lost = bus.claim();
        bus.unknown(Machine.D1, lost);
        bus.expire(unknown);
        assertEquals(List.of(), bus.claimedIds(50), "the hook call is not repeated");
        bus.recover();
        assertEquals("cancelled", bus.state(unknown));

        assertEquals(0, bus.count("jobs where state in ('queued', 'dead', 'blocked')"));
        Refusal refusal = refusal(() -> bus.ask("redrive_job", "jobId", failed.job(), "reason", "again"));
        assertEquals(
                "job " + failed.job() + " is idle thinking of agent research and cannot be redriven",
                refusal.message());
        bus.jdbc().execute("select audit_silent_ends(now())");
        assertEquals(0, bus.count("events where topic = 'audit.ended_without_closing'"));
    }

    @Test
    void a_question_ends_the_run_and_the_answer_waits_for_a_quiet_moment() {
        Attempt thinking = idle.running("research");
        bus.jdbc().update("update job_attempts set admitted_at = admitted_at - interval '100 seconds'");
        String question = bus.say(
                        thinking, "ask", "question", "May old packets go?", "why", "They are many", "kind", "question")
                .at("/question/questionId")
                .asText();
        assertEquals("blocked", bus.state(thinking.job()));
        assertEquals("completed", idle.run(thinking.job(), "outcome"));
        assertTrue(idle.slot(thinking.job()).startsWith("blocked"));

        Attempt work = Attempt.of(claimed(research()));
        bus.ask("answer_question", "questionId", question, "answer", "Yes.");
        assertEquals("queued", bus.state(thinking.job()));
        assertEquals(List.of(), bus.claimedIds(50));
        idle.pass(3600);
        bus.recover();
        assertEquals("queued", bus.state(thinking.job()));

        bus.complete(work);
        Attempt again = bus.claim();
        assertEquals(thinking.job(), again.job());
        assertNull(idle.run(again.job(), "outcome"));
        bus.admitted(again);
        bus.jdbc()
                .update(
                        "update job_attempts set admitted_at = admitted_at - interval '20 seconds' where attempt_id = ?::uuid",
                        again.id());
        bus.complete(again);
        idle.secondsOver(120, again.job());
        assertEquals("completed: done", idle.slot(again.job()));
    }

    @Test
    void an_answered_idle_job_that_finds_no_quiet_moment_for_a_day_is_given_up() {
        Attempt thinking = idle.running("research");
        String question = bus.say(
                        thinking, "ask", "question", "May old packets go?", "why", "They are many", "kind", "question")
                .at("/question/questionId")
                .asText();
        Attempt work = Attempt.of(claimed(research()));
        bus.ask("answer_question", "questionId", question, "answer", "Yes.");
        idle.pass(24 * 3600 + 1);
        bus.recover();

        assertEquals("cancelled", bus.state(thinking.job()));
        assertTrue(
                idle.slot(thinking.job())
                        .matches("skipped: stopped after 0 s, because it found no quiet moment until \\S+: job "
                                + work.job() + ".*"),
                idle.slot(thinking.job()));
    }

    @Test
    void a_worker_that_pulls_gets_an_idle_job_only_without_other_work() {
        bus.jdbc().update("update gateways set held_until = now() + interval '1 hour', hold_reason = 'HTTP 503'");
        String idleJob = idle.queued("research");
        String work = research();

        JsonNode first = bus.ask("claim_jobs", "targetAgent", "research", "limit", 5);
        assertEquals(1, first.get("jobs").size());
        assertEquals(work, first.at("/jobs/0/jobId").asText());
        assertEquals(
                0, bus.ask("claim_jobs", "targetAgent", "research").get("jobs").size());

        bus.complete(Attempt.of(first.at("/jobs/0")));
        JsonNode second = bus.ask("claim_jobs", "targetAgent", "research", "limit", 5);
        assertEquals(idleJob, second.at("/jobs/0/jobId").asText());
        research();
        assertEquals(
                1, bus.ask("claim_jobs", "targetAgent", "research").get("jobs").size());
        assertTrue(idle.run(idleJob, "stop_reason").startsWith("work arrived for research"));
        bus.complete(Attempt.of(second.at("/jobs/0")));
        assertEquals("completed", idle.run(idleJob, "outcome"));
        assertTrue(idle.run(idleJob, "began_at") != null);
    }

    @Test
    void idle_runs_are_seen_beside_the_runs_of_a_gateway_and_not_among_them() {
        Attempt thinking = idle.running("research");

        JsonNode row = bus.ask("list_gateways").at("/gateways/0");
        assertEquals(0, row.get("inFlight").asInt());
        assertEquals(1, row.get("idleRuns").asInt());
        assertEquals("thinking", lane("research").get("status").asText());
        assertEquals(
                "attempt " + thinking.id(), lane("research").get("statusFrom").asText());
        bus.complete(thinking);
        assertFalse(bus.ask("list_gateways").at("/gateways/0").has("idleRuns"));
        assertEquals("idle", lane("research").get("status").asText());
    }
}
