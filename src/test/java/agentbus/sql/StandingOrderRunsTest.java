package agentbus.sql;

import static agentbus.sql.Machine.refusal;
import static agentbus.sql.Orders.HOUR;
import static agentbus.sql.Orders.T0;
import static agentbus.sql.Orders.hour;
import static agentbus.sql.Orders.order;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A run follows its job, and an order its file, its agent and whoever starts it elsewhere. */
@ExtendWith(PostgresExtension.class)
class StandingOrderRunsTest {
    private static final Instant ONE = T0.plus(HOUR);
    private static final Instant TWO = ONE.plus(HOUR);

    private Machine bus;
    private Orders orders;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        orders = new Orders(bus);
    }

    private Attempt started() {
        orders.hourly(hour(6), order("patrol"));
        orders.settle(hour(1));
        return orders.running();
    }

    private void assertRun(String status, String summary) {
        assertEquals(status, orders.of("patrol", ONE, "status"));
        assertEquals(summary, orders.of("patrol", ONE, "summary"));
        if (status.equals("started")) {
            assertNull(orders.of("patrol", ONE, "finished_at"));
        } else {
            assertNotNull(orders.of("patrol", ONE, "finished_at"));
        }
    }

    @Test
    void a_run_is_completed_with_its_job() {
        bus.complete(started());
        assertRun("completed", "done");
    }

    @Test
    void a_run_without_work_ends_with_evidence() {
        bus.say(
                started(),
                "complete_job",
                "summary",
                "all quiet",
                "outcome",
                "no_work",
                "evidence",
                Map.of("looked", 7));
        assertRun("no_work", "all quiet");
        assertEquals("{\"looked\": 7}", orders.of("patrol", ONE, "evidence"));
    }

    @Test
    void no_work_without_evidence_is_refused_and_changes_nothing() {
        Attempt attempt = started();

        assertEquals(
                "422 evidence_missing evidence",
                refusal(() -> bus.say(attempt, "complete_job", "summary", "quiet", "outcome", "no_work"))
                        .brief());

        assertRun("started", null);
        assertEquals("running", bus.state(attempt.job()));
        assertNull(bus.column(attempt.job(), "outcome", String.class));
    }

    @Test
    void a_blocked_run_goes_on_when_its_job_does() {
        Attempt attempt = started();
        bus.block(attempt, "at", "2100-01-01T00:00:00Z");
        assertRun("blocked", "no credentials");

        bus.ask("unblock_job", "jobId", attempt.job());
        assertRun("started", null);

        bus.complete(orders.running());
        assertRun("completed", "done");
    }

    @Test
    void a_run_fails_for_good_with_its_job() {
        bus.fail(started(), "retry", false);
        assertRun("failed", "failed: it broke");
    }

    @Test
    void a_run_whose_job_is_tried_again_goes_on() {
        Attempt attempt = started();
        bus.fail(attempt);
        assertEquals("queued", bus.state(attempt.job()));
        assertRun("started", null);

        bus.makeDue(attempt.job());
        bus.complete(orders.running());
        assertRun("completed", "done");
    }

    @Test
    void a_run_whose_job_died_goes_on_when_it_is_redriven() {
        Attempt attempt = started();
        bus.jdbc().update("update jobs set max_attempts = 1");
        bus.fail(attempt);
        assertRun("failed", "dead: it broke");

        bus.ask("redrive_job", "jobId", attempt.job(), "reason", "mended");
        assertRun("started", null);

        bus.complete(orders.running());
        assertRun("completed", "done");
    }

    @Test
    void a_run_whose_job_is_cancelled_has_failed() {
        bus.ask("cancel_job", "jobId", started().job(), "reason", "not today");
        assertEquals("failed", orders.of("patrol", ONE, "status"));
        assertTrue(orders.of("patrol", ONE, "summary").startsWith("cancelled"));
    }

    @Test
    void a_job_with_such_a_subject_and_no_run_does_no_harm() {
        bus.complete(bus.running("subject", "standing_order.nobody"));
        assertEquals(0, bus.count("standing_order_runs"));
    }

    @Test
    void a_lane_that_the_bus_has_stopped_skips_no_slot() {
        orders.hourly(hour(6), order("patrol"));
        bus.jdbc()
                .update("update agents set paused_at = now(), paused_until = now() + interval '10 years',"
                        + " paused_by = 'dispatcher', paused_reason = 'HTTP 404: x', refusal_cause = 'HTTP 404'");

        orders.settle(hour(1));

        assertEquals("started", orders.of("patrol", ONE, "status"), "its job waits for the next try");
    }

    @Test
    void slots_of_a_paused_or_disabled_agent_are_skipped_with_the_reason() {
        orders.hourly(hour(6), order("patrol"));
        bus.jdbc().update("update agents set paused_at = now(), paused_reason = 'holiday', paused_by = 'anna'");
        orders.settle(hour(1));
        assertEquals("agent devops is paused: holiday", orders.of("patrol", ONE, "summary"));

        bus.jdbc().update("update agents set paused_until = ?::timestamptz", TWO.toString());
        orders.settle(hour(2));
        assertEquals("started", orders.of("patrol", TWO, "status"), "the pause has run out");

        bus.jdbc()
                .update(
                        "update agents set paused_at = null, paused_reason = null, paused_until = null, enabled = false");
        orders.settle(hour(3));
        assertEquals("agent devops is disabled", orders.of("patrol", TWO.plus(HOUR), "summary"));
    }

    @Test
    void other_instructions_keep_the_slots() {
        orders.hourly(hour(3), order("patrol"));
        orders.sync(hour(1), order("patrol", "instructions", "look twice"));

        assertEquals(3, orders.ledger("patrol").size());
        String job = orders.settle(hour(1)).get(0).get("jobId").asText();
        assertEquals("look twice", bus.column(job, "instructions", String.class));
    }

    @Test
    void another_schedule_or_agent_withdraws_what_is_not_due_and_keeps_the_past() {
        for (Object[] change :
                List.of(new Object[] {"cron", "0 30 * * * ?"}, new Object[] {"zone", "Europe/Berlin"}, new Object[] {
                    "agent", "research"
                })) {
            bus.jdbc().execute("truncate standing_orders, standing_order_runs");
            orders.hourly(hour(3), order("patrol"));
            orders.settle(hour(1));
            orders.sync(hour(1), order("patrol", change));

            assertEquals(List.of("05 01:00 started"), orders.ledger("patrol"));
            assertEquals(hour(1), orders.plannedUntil("patrol"));
            bus.ask("cancel_job", "jobId", orders.of("patrol", ONE, "job_id"), "reason", "next");
        }
    }

    @Test
    void a_removed_order_keeps_its_past_and_one_that_comes_back_has_no_slots_for_the_time_between() {
        orders.hourly(hour(6), order("patrol"));
        orders.settleAndComplete(hour(1), HOUR, hour(1));

        JsonNode synced = orders.sync(hour(2), order("watch"));
        assertEquals(List.of("05 01:00 completed", "05 02:00 expected"), orders.ledger("patrol"));
        assertEquals("[\"watch\"]", synced.get("written").toString());
        assertEquals("[\"patrol\"]", synced.get("removed").toString());
        assertEquals(
                List.of("standing_order.added", "standing_order.removed"),
                bus.jdbc()
                        .queryForList(
                                "select action from audit_log where row_id = 'patrol' order by audit_id",
                                String.class));

        orders.settle(hour(2));
        assertEquals("the order was removed before it ran", orders.of("patrol", TWO, "summary"));

        orders.sync(hour(4), order("patrol"), order("watch"));
        assertEquals(hour(4), orders.plannedUntil("patrol"));
        orders.plan("patrol", HOUR, hour(5));
        assertEquals(List.of("05 01:00 completed", "05 02:00 skipped", "05 05:00 expected"), orders.ledger("patrol"));
    }

    @Test
    void failing_is_told_from_the_second_failure_in_a_row() {
        orders.hourly(hour(6), order("patrol"));
        for (String end : List.of("fail", "complete", "fail", "fail", "fail")) {
            int runs = (int) bus.count("jobs") + 1;
            orders.settle(hour(runs));
            Attempt attempt = orders.running();
            if (end.equals("fail")) {
                bus.fail(attempt, "retry", false);
            } else {
                bus.complete(attempt);
            }
            assertEquals(
                    Math.max(0, runs - 3), orders.told("standing_order.failing").size());
        }
        JsonNode told = orders.told("standing_order.failing").get(1);
        assertEquals(3, told.get("failures").asInt());
        assertEquals("failed: it broke", told.get("lastError").asText());
    }

    @Test
    void failing_names_the_run_that_failed_and_not_one_under_way() {
        bus.fail(started(), "retry", false);
        orders.settle(hour(2));
        Attempt blocked = orders.running();
        bus.block(blocked, "at", "2100-01-01T00:00:00Z");
        orders.settle(hour(3));

        bus.ask("cancel_job", "jobId", blocked.job(), "reason", "no longer needed");

        JsonNode told = orders.told("standing_order.failing").get(0);
        assertEquals(TWO, Orders.time(told.get("lastSlot")));
        assertTrue(told.get("lastError").asText().startsWith("cancelled"));
    }

    @Test
    void a_slot_that_nobody_starts_elsewhere_is_missed() {
        orders.hourly(hour(1), order("patrol", "startedBy", "external"));
        orders.settle(hour(1));
        assertEquals("expected", orders.of("patrol", ONE, "status"));

        orders.settle(hour(1).plusSeconds(600));

        assertRun("missed", "nobody started it within 300 s");
        assertEquals(1, orders.told("standing_order.missed").size());
        assertEquals(0, bus.count("jobs"));
    }

    @Test
    void a_run_that_is_started_and_finished_elsewhere_takes_the_slot() {
        orders.hourly(hour(1), order("patrol", "startedBy", "external"));
        JsonNode run = bus.ask("start_standing_order", "orderName", "patrol").get("run");
        assertEquals("05 01:00 started external", orders.ledger("patrol").get(0));

        bus.ask(
                "finish_standing_order",
                "runId",
                run.get("runId").asText(),
                "status",
                "completed",
                "summary",
                "done there");

        assertRun("completed", "done there");
    }

    @Test
    void a_run_that_is_not_finished_elsewhere_by_its_deadline_has_failed() {
        orders.hourly(hour(1), order("patrol", "startedBy", "external"));
        bus.ask("start_standing_order", "orderName", "patrol", "timeoutSeconds", 60);
        assertEquals(0, bus.count("end_overdue_slots(now() + interval '50 seconds')"));

        assertEquals(1, bus.count("end_overdue_slots(now() + interval '61 seconds')"));

        assertEquals("failed", orders.of("patrol", ONE, "status"));
        assertTrue(orders.of("patrol", ONE, "summary").startsWith("started elsewhere and not finished by"));
    }
}
