package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The gates of the phases judge all jobs that came into trouble, and only jobs of the fleet. */
class PhaseGateOutcomesTest extends PhaseGates {
    /** A job that lost its attempt and became a dead letter. */
    private String lostForGood() {
        String job = lost().job();
        bus.ask("kill_job", "jobId", job, "reason", "it never comes back");
        return job;
    }

    @Test
    void one_lost_job_that_came_back_does_not_hide_another_that_did_not() {
        threeGoodDays();
        String dead = lostForGood();
        String why = "1 of 2 jobs that lost their attempt failed or became a dead letter";
        assertCriterion(1, "losses_recover", "not_met", why);
        bus.ask("dismiss_job", "jobId", dead, "reason", "its cause is known");
        assertCriterion(1, "losses_recover", "not_met", why);
        assertEquals(dead, criterion(1, "losses_recover").at("/seen/sample").asText());
    }

    @Test
    void a_redrive_that_succeeds_mends_a_loss() {
        threeGoodDays();
        String dead = lostForGood();
        bus.ask("redrive_job", "jobId", dead, "reason", "the host is back");
        assertCriterion(
                1, "losses_recover", "not_measured", "1 of 2 jobs that lost their attempt succeeded afterwards");
        bus.makeDue(dead);
        Attempt again = bus.claim();
        bus.admitted(again);
        bus.complete(again);
        assertCriterion(1, "losses_recover", "met", "2 of 2 jobs that lost their attempt succeeded afterwards");
    }

    @Test
    void a_cancel_is_no_loss_and_neither_is_a_drill_that_was_broken_off() {
        threeGoodDays();
        String cancelled = lost().job();
        assertCriterion(
                1, "losses_recover", "not_measured", "1 of 2 jobs that lost their attempt succeeded afterwards");
        bus.ask("cancel_job", "jobId", cancelled, "reason", "no longer wanted");
        bus.jdbc().update("update jobs set subject = 'week-one.loss' where job_id = ?::uuid", lostForGood());

        assertCriterion(1, "losses_recover", "met", "1 of 1 job that lost its attempt succeeded afterwards");
    }

    @Test
    void one_block_that_went_on_does_not_hide_another_that_did_not() {
        threeGoodDays();
        Attempt blocked = bus.running();
        bus.block(blocked);
        assertCriterion(1, "blocks_recover", "not_measured", "1 of 2 blocks went on");

        bus.ask("kill_job", "jobId", blocked.job(), "reason", "r");
        bus.ask("dismiss_job", "jobId", blocked.job(), "reason", "r");
        assertCriterion(1, "blocks_recover", "not_met", "1 of 2 blocks ended in a failure or a dead letter");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void drills_and_cancelled_jobs_alone_leave_nothing_to_judge(boolean cancelled) {
        onFor(2, 80);
        if (cancelled) {
            bus.ask("cancel_job", "jobId", bus.enqueue(), "reason", "not wanted");
        } else {
            String drill = bus.running().job();
            bus.jdbc()
                    .update(
                            "update jobs set subject = 'week-one.end-to-end', state = 'succeeded', ended_at = now()"
                                    + " where job_id = ?::uuid",
                            drill);
        }

        assertCriterion(1, "dead_letters_explained", "not_measured", "no job has ended in this time");
        assertCriterion(2, "no_new_failure", "not_measured", "no job has ended in this time");
    }

    @Test
    void drills_that_were_broken_off_do_not_add_an_agent_to_the_fleet() {
        onFor(2, 80);
        bus.ask("begin_week_one", "reason", "drill");

        assertCriterion(2, "every_agent_order", "not_met", "0 of 3 agents; not yet: coordinator, devops, research");
        assertCriterion(2, "every_agent_job", "not_met", "0 of 3 agents; not yet: coordinator, devops, research");
    }
}
