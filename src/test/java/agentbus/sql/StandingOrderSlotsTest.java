package agentbus.sql;

import static agentbus.sql.Orders.HOUR;
import static agentbus.sql.Orders.T0;
import static agentbus.sql.Orders.hour;
import static agentbus.sql.Orders.order;
import static agentbus.sql.Orders.time;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** Slots are written ahead of time, and each becomes one run with one job. */
@ExtendWith(PostgresExtension.class)
class StandingOrderSlotsTest {
    private static final String CRON = "0 0 * * * ?";
    private static final Instant ONE = T0.plus(HOUR);
    private static final Instant TWO = ONE.plus(HOUR);
    private static final Instant THREE = TWO.plus(HOUR);

    private Machine bus;
    private Orders orders;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        orders = new Orders(bus);
    }

    @Test
    void slots_are_written_as_expected_before_they_are_due() {
        orders.sync(T0, order("patrol"));

        assertEquals(2, orders.plan("patrol", CRON, T0, TWO, ONE, TWO));

        assertEquals(List.of("05 01:00 expected", "05 02:00 expected"), orders.ledger("patrol"));
        assertEquals("devops", orders.of("patrol", ONE, "agent_id"));
        assertEquals(TWO, orders.plannedUntil("patrol"));
        assertEquals(List.of(), orders.settle(T0));
    }

    @Test
    void two_nodes_that_plan_the_same_write_it_once() {
        orders.sync(T0, order("patrol"));
        orders.plan("patrol", CRON, T0, TWO, ONE, TWO);

        assertEquals(0, orders.plan("patrol", CRON, T0, THREE, ONE, TWO, THREE), "worked out from before");

        assertEquals(TWO, orders.plannedUntil("patrol"), "or what lies between would be skipped one day");
        assertEquals(1, orders.plan("patrol", CRON, TWO, THREE, THREE));
        assertEquals(3, orders.ledger("patrol").size());
    }

    @Test
    void two_nodes_that_plan_at_the_same_moment_write_it_once() throws Exception {
        orders.sync(T0, order("patrol"));

        List<Integer> written = Race.won(4, node -> () -> orders.plan("patrol", CRON, T0, THREE, ONE, TWO, THREE));

        assertEquals(3, written.stream().mapToInt(Integer::intValue).sum());
        assertEquals(3, written.stream().mapToInt(Integer::intValue).max().orElseThrow(), "all of them by one");
        assertEquals(3, orders.ledger("patrol").size());
    }

    @Test
    void a_plan_that_would_leave_a_hole_is_not_written() {
        orders.sync(T0, order("patrol"));

        assertEquals(0, orders.plan("patrol", CRON, TWO, THREE, THREE));

        assertEquals(T0, orders.plannedUntil("patrol"));
        assertEquals(List.of(), orders.ledger("patrol"));
    }

    @Test
    void a_plan_by_another_schedule_is_not_written() {
        orders.sync(T0, order("patrol"));

        assertEquals(0, orders.plan("patrol", "0 30 * * * ?", T0, TWO, ONE));
        bus.jdbc().update("update standing_orders set zone = 'Europe/Berlin'");
        assertEquals(0, orders.plan("patrol", CRON, T0, TWO, ONE));
        assertEquals(0, orders.plan("nobody", CRON, T0, TWO, ONE));

        assertEquals(List.of(), orders.ledger("patrol"));
    }

    @Test
    void a_slot_that_has_a_row_keeps_it() {
        orders.hourly(TWO, order("patrol"));
        orders.settle(hour(1));
        String job = orders.of("patrol", ONE, "job_id");
        bus.jdbc().update("update standing_orders set planned_until = ?::timestamptz", T0.toString());

        assertEquals(1, orders.plan("patrol", CRON, T0, THREE, ONE, TWO, THREE));

        assertEquals(job, orders.of("patrol", ONE, "job_id"));
        assertEquals("started", orders.of("patrol", ONE, "status"));
    }

    @Test
    void a_due_slot_is_started_with_its_job() {
        orders.hourly(
                TWO,
                order(
                        "patrol",
                        "session",
                        "session:patrol",
                        "timeoutSeconds",
                        900,
                        "priority",
                        700,
                        "jobType",
                        "recovery"));

        List<JsonNode> settled = orders.settle(hour(1));

        assertEquals(1, settled.size());
        JsonNode run = settled.get(0);
        assertEquals("started", run.get("status").asText());
        assertEquals(ONE, time(run.get("scheduledFor")));
        assertEquals(hour(1), time(run.get("startedAt")));
        JsonNode job = bus.ask("get_job", "jobId", run.get("jobId").asText());
        assertEquals("standing_order.patrol", job.get("subject").asText());
        assertEquals("devops", job.get("targetAgent").asText());
        assertEquals("recovery", job.get("jobType").asText());
        assertEquals(700, job.get("priority").asInt());
        assertEquals(900, job.get("timeoutSeconds").asInt());
        assertEquals("session:patrol", job.get("session").asText());
        String id = job.get("jobId").asText();
        assertEquals("look around", bus.column(id, "instructions", String.class));
        JsonNode payload = job.get("payload");
        assertEquals("patrol", payload.get("order").asText());
        assertEquals("see that all is well", payload.get("purpose").asText());
        assertEquals(ONE, time(payload.get("slot")));
        assertEquals("schedule", payload.get("trigger").asText());
        assertTrue(payload.has("lookedUntil"));
        assertTrue(payload.path("lastRun").isMissingNode(), "it is the first");
        assertEquals("expected", orders.of("patrol", TWO, "status"));
    }

    @Test
    void a_job_says_what_became_of_the_run_before() {
        orders.hourly(TWO, order("patrol"));
        orders.settle(hour(1));
        bus.complete(orders.running());

        orders.settle(hour(2));

        JsonNode payload = bus.claim().claimed().get("payload");
        assertEquals("completed", payload.at("/lastRun/status").asText());
        assertEquals("done", payload.at("/lastRun/summary").asText());
        assertEquals(ONE, time(payload.at("/lastRun/slot")));
        assertEquals(ONE, time(payload.get("lookedUntil")));
    }

    @Test
    void an_isolated_order_has_no_session_and_the_timeout_of_its_job_type() {
        orders.hourly(TWO, order("patrol"));

        String job = orders.settle(hour(1)).get(0).get("jobId").asText();

        assertNull(bus.column(job, "session", String.class));
        assertEquals(1800, bus.column(job, "timeout_seconds", Integer.class));
    }

    @Test
    void settling_again_changes_nothing() {
        orders.hourly(TWO, order("patrol"));
        orders.settle(hour(1));
        List<String> before = orders.ledger("patrol");

        assertEquals(List.of(), orders.settle(hour(1)));
        assertEquals(List.of(), orders.settle(hour(1).plusSeconds(1)));

        assertEquals(before, orders.ledger("patrol"));
        assertEquals(1, bus.count("jobs"));
    }

    @Test
    void one_order_alone_can_be_settled() {
        orders.hourly(TWO, order("patrol"), order("report"));

        bus.jdbc()
                .queryForList("select settle_standing_orders('default', 'report', ?::timestamptz)", hour(1).toString());

        assertEquals("expected", orders.of("patrol", ONE, "status"));
        assertEquals("started", orders.of("report", ONE, "status"));
    }

    @Test
    void a_node_killed_while_it_settles_leaves_the_slot_to_the_other() throws Exception {
        orders.hourly(TWO, order("patrol"));
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Orders killed = new Orders(Machine.on(new SingleConnectionDataSource(connection, true)));
            assertEquals(1, killed.settle(hour(1)).size());

            assertEquals(List.of(), orders.settle(hour(1)), "the other one is at it");
            connection.rollback();
            connection.setAutoCommit(true);
        }
        assertEquals("expected", orders.of("patrol", ONE, "status"));
        assertEquals(0, bus.count("jobs"));

        assertEquals(1, orders.settle(hour(1)).size());

        assertEquals("started", orders.of("patrol", ONE, "status"));
        assertEquals(1, bus.count("jobs"));
    }

    @Test
    void two_nodes_at_once_start_one_run_with_one_job() throws Exception {
        orders.hourly(TWO, order("patrol"));
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            new Orders(Machine.on(new SingleConnectionDataSource(connection, true))).settle(hour(1));
            assertEquals(List.of(), orders.settle(hour(1)));
            connection.commit();
            connection.setAutoCommit(true);
        }

        assertEquals(List.of(), orders.settle(hour(1)));
        assertEquals(1, bus.count("jobs"));
    }

    @Test
    void many_nodes_at_the_same_moment_start_each_order_once() throws Exception {
        orders.hourly(TWO, order("patrol"), order("report"), order("tidy"));

        List<List<JsonNode>> settled = Race.won(6, node -> () -> orders.settle(hour(1)));

        assertEquals(3, settled.stream().mapToInt(List::size).sum());
        assertEquals(3, bus.count("jobs"));
        assertEquals(3, bus.count("standing_order_runs where status = 'started'"));
    }

    @Test
    void an_order_that_cannot_be_settled_keeps_no_other_from_running_and_is_told_once_an_hour() {
        orders.hourly(TWO, order("broken"), order("patrol"));
        bus.jdbc().execute("alter table jobs add constraint not_today check (subject <> 'standing_order.broken')");
        try {
            assertEquals(1, orders.settle(hour(1)).size());
            orders.settle(hour(1).plusSeconds(10));
        } finally {
            bus.jdbc().execute("alter table jobs drop constraint not_today");
        }

        assertEquals("started", orders.of("patrol", ONE, "status"));
        assertEquals("expected", orders.of("broken", ONE, "status"));
        List<JsonNode> told = orders.told("standing_order.unsettled");
        assertEquals(1, told.size());
        assertEquals("broken", told.get(0).get("order").asText());
        assertTrue(told.get(0).get("error").asText().contains("not_today"));

        orders.settle(hour(1).plusSeconds(20));
        assertEquals("started", orders.of("broken", ONE, "status"), "tried again");
    }

    @Test
    void a_run_whose_job_is_refused_has_failed_and_says_why() {
        orders.hourly(TWO, order("patrol", "jobType", "nonsense"), order("report"));

        assertEquals(2, orders.settle(hour(1)).size());

        assertEquals("failed", orders.of("patrol", ONE, "status"));
        assertEquals(
                "its job could not be enqueued: there is no job type nonsense in namespace default",
                orders.of("patrol", ONE, "summary"));
        assertEquals("started", orders.of("report", ONE, "status"));
        assertEquals(1, bus.count("jobs"));
    }

    @Test
    void a_pre_check_that_breaks_is_told_and_the_agent_is_woken() {
        orders.hourly(TWO, order("patrol", "preCheck", "backlog"), order("report"));
        bus.jdbc().execute("alter function precheck_backlog rename to precheck_backlog_away");
        try {
            orders.settle(hour(1));
        } finally {
            bus.jdbc().execute("alter function precheck_backlog_away rename to precheck_backlog");
        }

        assertEquals("started", orders.of("patrol", ONE, "status"));
        assertEquals("started", orders.of("report", ONE, "status"));
        JsonNode told = orders.told("standing_order.pre_check_failed").get(0);
        assertEquals("patrol", told.get("order").asText());
        assertEquals("backlog", told.get("preCheck").asText());
        assertTrue(told.get("error").asText().contains("precheck_backlog"));
    }

    @Test
    void a_pre_check_that_finds_nothing_to_do_ends_the_run_with_its_evidence() {
        orders.hourly(TWO, order("patrol", "preCheck", "backlog"));

        orders.settle(hour(1));

        assertEquals(List.of("05 01:00 no_work", "05 02:00 expected"), orders.ledger("patrol"));
        assertEquals(0, bus.count("jobs"));
        JsonNode evidence = Machine.parse(orders.of("patrol", ONE, "evidence"));
        assertEquals(0, evidence.get("dead").asInt());
        assertTrue(evidence.has("lookedAt"));
    }

    @Test
    void a_pre_check_that_sees_work_wakes_the_agent() {
        orders.hourly(TWO, order("patrol", "preCheck", "backlog"));
        bus.dead();

        orders.settle(hour(1));

        assertEquals("started", orders.of("patrol", ONE, "status"));
    }

    @Test
    void a_pre_check_that_says_not_now_skips_the_slot_with_its_reason() {
        orders.hourly(TWO, order("patrol", "preCheck", "quiet-queue"));
        bus.enqueue();

        orders.settle(hour(1));

        assertEquals("skipped", orders.of("patrol", ONE, "status"));
        assertEquals("the queue is not quiet: 1 job is due or under way", orders.of("patrol", ONE, "summary"));
        assertNotEquals(null, orders.of("patrol", ONE, "finished_at"));
    }
}
