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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What people stop, an idle run does not outlast, and its slot names the person. */
@ExtendWith(PostgresExtension.class)
class IdleStopsTest {
    private Machine bus;
    private Idle idle;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        idle = Idle.of(bus);
    }

    private void afterGrace() {
        idle.pass(11);
        bus.recover();
    }

    @ParameterizedTest
    @CsvSource({
        "pause, agent, research, true",
        "pause, agent, devops, false",
        "pause, gateway, default, true",
        "pause, everything,, true",
        "pause, job_type, idle, true",
        "pause, job_type, reactive, false",
        "drain, agent, research, true",
        "drain, everything,, true"
    })
    void a_pause_lets_running_jobs_go_on_and_asks_the_idle_run_that_it_covers_to_close(
            String act, String kind, String name, boolean covered) {
        Attempt thinking = idle.running("research");
        JsonNode pause = name == null
                ? bus.ask(act, "kind", kind, "reason", "maintenance")
                : bus.ask(act, "kind", kind, "name", name, "reason", "maintenance");
        assertTrue(pause.get("changed").asBoolean());

        String reason = idle.run(thinking.job(), "stop_reason");
        assertEquals(covered, reason != null && reason.endsWith(": maintenance"), reason);
        afterGrace();
        assertEquals(covered ? "cancelled" : "running", bus.state(thinking.job()));
        if (covered) {
            assertTrue(idle.slot(thinking.job()).startsWith("skipped: stopped after 0 s, because "));
            assertTrue(idle.slot(thinking.job()).contains("by operator:anna"), idle.slot(thinking.job()));
        }
    }

    @Test
    void a_drain_reports_its_end_when_the_idle_run_has_been_stopped() {
        idle.running("research");
        assertEquals(
                1,
                bus.ask("drain", "kind", "everything", "reason", "an upgrade")
                        .get("running")
                        .asInt());
        afterGrace();
        bus.jdbc().update("update run_aborts set done_at = now(), outcome = 'aborted'");
        bus.jdbc().execute("select sweep_pauses()");

        assertEquals(1, bus.count("events where topic = 'pause.drained'"));
    }

    @Test
    void a_paused_lane_begins_no_idle_run_and_the_queued_one_is_skipped_at_once() {
        String job = idle.queued("research");
        bus.ask("pause", "kind", "agent", "name", "research", "reason", "maintenance");

        assertEquals(List.of(), bus.claimedIds(50));
        bus.recover();
        assertEquals("cancelled", bus.state(job));
        assertTrue(
                idle.slot(job).matches("skipped: not begun, because agent research is paused by operator:anna .*"),
                idle.slot(job));
    }

    @Test
    void a_job_of_the_type_idle_that_is_queued_under_its_pause_waits_for_nobody() {
        bus.ask("pause", "kind", "job_type", "name", "idle", "reason", "too many ideas");
        String job = idle.queued("research");
        String work = bus.enqueue();

        assertEquals(List.of(work), bus.claimedIds(50));
        assertEquals(List.of(), bus.claimedIds(50));
        idle.pass(61);
        bus.recover();
        assertTrue(idle.slot(job).contains("job type idle is paused by operator:anna"), idle.slot(job));
    }

    @Test
    void stop_everything_ends_the_idle_run_for_good_and_other_runs_are_queued_again() {
        Attempt thinking = idle.running("research");
        Attempt work = bus.running();
        JsonNode stop = bus.ask("stop_everything", "reason", "agents write to production");

        assertEquals(2, stop.get("ended").asInt());
        assertEquals(0, stop.get("left").asInt());
        assertEquals("cancelled", bus.state(thinking.job()));
        assertEquals("queued", bus.state(work.job()));
        assertEquals(2, bus.count("run_aborts"));
        assertEquals("stopped", idle.run(thinking.job(), "outcome"));
        assertTrue(
                idle.slot(thinking.job())
                        .startsWith("skipped: stopped after 0 s, because everything is stopped by operator:anna"),
                idle.slot(thinking.job()));

        bus.ask("resume", "kind", "everything", "reason", "the cause is removed");
        assertEquals(List.of(work.job()), bus.claimedIds(50));
        assertEquals(List.of(), bus.claimedIds(50));
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
    }

    @Test
    void a_phase_that_goes_off_stops_the_idle_run_and_skips_the_queued_one() {
        bus.jdbc().update("update standing_orders set phase = 5");
        bus.jdbc().queryForObject("select note_phase('default', 5, 'host-7')", String.class);
        Attempt thinking = idle.running("research");
        String queued = idle.queued("devops");
        bus.jdbc().queryForObject("select note_phase('default', 4, 'host-7')", String.class);

        assertEquals("cancelled", bus.state(queued));
        assertTrue(
                idle.slot(queued).startsWith("skipped: not begun, because phase 5 (idle) is off since "),
                idle.slot(queued));
        assertTrue(bus.say(thinking, "renew_job_lease").has("closeNow"));
        afterGrace();
        assertEquals("cancelled", bus.state(thinking.job()));
        assertTrue(idle.slot(thinking.job()).startsWith("skipped: stopped after 0 s, because phase 5 (idle) is off"));
    }

    @Test
    void a_freeze_stops_no_run_that_has_begun() {
        Attempt thinking = idle.running("research");
        bus.ask("freeze", "kind", "agent", "name", "research", "reason", "look first");
        bus.ask("freeze", "kind", "phase", "name", "5", "reason", "look first");

        assertNull(idle.run(thinking.job(), "stop_reason"));
        bus.complete(thinking);
        assertEquals("completed: done", idle.slot(thinking.job()));
    }

    @Test
    void an_operator_who_cancels_or_kills_an_idle_job_makes_no_dead_letter() {
        Attempt cancelled = idle.running("research");
        bus.ask("cancel_job", "jobId", cancelled.job(), "reason", "not tonight");
        assertEquals("failed: cancelled: not tonight", idle.slot(cancelled.job()));
        assertEquals("failed", idle.run(cancelled.job(), "outcome"));

        Attempt killed = idle.running("research");
        bus.ask("kill_job", "jobId", killed.job(), "reason", "not tonight");
        assertEquals("cancelled", bus.state(killed.job()));
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
    }

    @Test
    void an_operator_cannot_make_an_idle_job_due() {
        String job = idle.queued("research");
        assertFalse(bus.ask("retry_now", "jobId", job, "reason", "now")
                .get("changed")
                .asBoolean());
        assertFalse(bus.jdbc().queryForObject("select is_due(j) from jobs j", Boolean.class));
        assertEquals(List.of(job), bus.claimedIds(50));
    }

    @Test
    void an_idle_job_stays_with_its_agent() {
        String job = idle.queued("research");
        Refusal refusal =
                refusal(() -> bus.ask("reassign_job", "jobId", job, "targetAgent", "devops", "reason", "he has time"));
        assertEquals("job " + job + " is idle thinking of agent research and cannot be reassigned", refusal.message());
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
    }

    @Test
    void a_stop_in_one_namespace_leaves_the_idle_runs_of_another_alone() {
        Attempt thinking = idle.running("research");
        bus.jdbc().queryForList("select ask_idle_to_stop('elsewhere', null, null, 'not here')::text", String.class);
        assertNull(idle.run(thinking.job(), "stop_reason"));
    }

    @Test
    void a_refused_hook_call_ends_the_idle_run_and_leaves_the_lane_open_for_work() {
        String job = idle.queued("research");
        JsonNode answer = bus.refused(bus.claim());

        assertTrue(answer.get("applied").asBoolean());
        assertFalse(answer.has("told"), answer.toString());
        assertEquals("cancelled", bus.state(job));
        assertEquals(
                "skipped: not begun, because the gateway took no hook call: HTTP 401: wrong hook token",
                idle.slot(job));
        assertEquals(0, bus.count("agents where paused_at is not null or refused_job is not null"));
        assertEquals(0, bus.count("events where topic = 'gateway.calls_refused'"));
        String work = bus.enqueue("targetAgent", "research", "subject", "research.packet");
        assertEquals(List.of(work), bus.claimedIds(50));
    }

    @Test
    void an_order_that_is_skipped_every_night_is_not_silent() {
        bus.jdbc().update("update standing_orders set created_at = now() - interval '30 days'");
        bus.jdbc()
                .update(
                        """
                        insert into standing_order_runs (namespace, agent_id, order_name, scheduled_for, trigger_source,
                          status, summary, finished_at)
                        select 'default', 'research', 'research-idle', now() - n * interval '1 day', 'schedule',
                          'skipped', 'job 1 is at work', now()
                        from generate_series(1, 20) n""");

        assertEquals(
                "new",
                bus.jdbc()
                        .queryForObject(
                                "select health from standing_order_health_summary_v where order_name = 'research-idle'",
                                String.class));
    }
}
