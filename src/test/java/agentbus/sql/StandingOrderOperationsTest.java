package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.operator;
import static agentbus.sql.Orders.HOUR;
import static agentbus.sql.Orders.T0;
import static agentbus.sql.Orders.hour;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.time.OffsetDateTime;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.function.Executable;

/** What people and agents do with standing orders. */
@ExtendWith(PostgresExtension.class)
class StandingOrderOperationsTest {
    private Machine bus;
    private Orders orders;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        orders = new Orders(bus);
    }

    private JsonNode run(String status) {
        return bus.ask(
                        "list_standing_order_runs",
                        "status",
                        status,
                        "from",
                        T0.toString(),
                        "to",
                        "2030-01-01T00:00:00Z")
                .at("/runs/0");
    }

    @Test
    void the_list_says_the_schedule_in_words_the_last_outcome_and_the_next_five_fires() {
        Instant future = Instant.parse("2040-01-01T00:00:00Z");
        orders.sync(future, Orders.order("check"), Orders.order("scan", "agent", "research"));
        orders.plan("check", HOUR, future.plus(HOUR.multipliedBy(6)));
        bus.ask("run_standing_order", "orderName", "check");
        orders.running();

        JsonNode check = bus.ask("list_standing_orders", "agentId", "devops").at("/orders/0");
        assertEquals("check", check.get("order").asText());
        assertEquals("every hour", check.get("schedule").asText());
        assertEquals("started", check.get("lastStatus").asText());
        assertEquals(5, check.get("nextFires").size());
        assertEquals(future.plus(HOUR), Orders.time(check.at("/nextFires/0")));
        assertEquals(2, bus.ask("list_standing_orders").get("orders").size());

        orders.sync(future, Orders.order("scan", "agent", "research"));
        assertEquals(1, bus.ask("list_standing_orders").get("orders").size());
        assertEquals(
                2,
                bus.ask("list_standing_orders", "includeRemoved", true)
                        .get("orders")
                        .size());
    }

    @Test
    void one_query_over_any_window_tells_all_eight_endings_apart() {
        orders.hourly(hour(9), Orders.order("check", "overlap", "skip"));
        orders.settle(hour(1));
        bus.complete(orders.running());
        orders.settle(hour(2));
        bus.say(
                orders.running(),
                "complete_job",
                "summary",
                "quiet",
                "outcome",
                "no_work",
                "evidence",
                json("hosts", 3));
        orders.settle(hour(3));
        bus.block(orders.running());
        bus.jdbc().update("update jobs set state = 'cancelled', ended_at = now() where subject = 'blocked.replan'");
        orders.settle(hour(4));
        bus.fail(orders.running(), "retry", false);
        orders.settle(hour(5));
        orders.settle(hour(6));
        bus.complete(orders.running());
        // Late by more than the grace, with a later slot that runs in its place; and that one goes on.
        orders.settle(hour(8));

        JsonNode calendar = bus.ask("standing_order_calendar", "from", hour(0).toString(), "to", hour(9).toString());
        assertEquals(2, calendar.get("orders").size());
        for (JsonNode line : calendar.get("orders")) {
            assertEquals(9, line.get("slots").asInt());
            assertEquals(2, line.get("completed").asInt());
            for (String ending :
                    new String[] {"noWork", "blocked", "failed", "skipped", "missed", "started", "expected"}) {
                assertEquals(1, line.get(ending).asInt(), ending);
            }
        }
        assertEquals("check", calendar.at("/orders/0/order").asText());
        assertEquals("(all)", calendar.at("/orders/1/order").asText());
        assertEquals(3, run("no_work").at("/evidence/hosts").asInt());
        assertEquals("no credentials", run("blocked").get("summary").asText());
        assertTrue(run("skipped").get("summary").asText().contains("was still under way"));
        assertTrue(run("missed").get("summary").asText().contains("a later slot runs in its place"));
        assertEquals("failed: it broke", run("failed").get("summary").asText());
    }

    @Test
    void a_window_says_whether_it_holds_more() {
        orders.hourly(hour(9), Orders.order("check"));
        JsonNode some =
                bus.ask("list_standing_order_runs", "from", T0.toString(), "to", hour(9).toString(), "limit", 4);
        assertEquals(4, some.get("runs").size());
        assertTrue(some.get("more").asBoolean());
        assertEquals(T0.plus(HOUR.multipliedBy(9)), Orders.time(some.at("/runs/0/scheduledFor")));
        assertFalse(bus.ask("list_standing_order_runs", "from", T0.toString(), "to", hour(9).toString())
                .get("more")
                .asBoolean());
        assertEquals(
                "to",
                refused(
                                422,
                                "invalid_field",
                                () -> bus.ask(
                                        "standing_order_calendar",
                                        "from",
                                        hour(2).toString(),
                                        "to",
                                        hour(1).toString()))
                        .detail()
                        .path("field")
                        .asText());
    }

    @Test
    void a_run_on_purpose_is_marked_and_only_one_is_under_way() {
        orders.sync(T0, Orders.order("check"));
        JsonNode made = bus.ask("run_standing_order", "orderName", "check").get("run");
        assertEquals("manual", made.get("triggerSource").asText());
        assertEquals("operator:anna", made.get("requestedBy").asText());
        refused(409, "run_under_way", () -> bus.ask("run_standing_order", "orderName", "check"));
        JsonNode forced = bus.ask("run_standing_order", "orderName", "check", "force", true)
                .get("run");
        assertEquals("started", forced.get("status").asText());
        bus.ask("cancel_job", "jobId", forced.get("jobId").asText(), "reason", "seen");
        bus.complete(orders.running());
        assertEquals("completed", run("completed").get("status").asText());
        bus.ask("run_standing_order", "orderName", "check");
        refused(404, "unknown_standing_order", () -> bus.ask("run_standing_order", "orderName", "chek"));
        orders.sync(T0);
        refused(409, "wrong_state", () -> bus.ask("run_standing_order", "orderName", "check"));
    }

    @Test
    void a_dry_run_shows_what_would_happen_and_changes_nothing() {
        orders.sync(T0, Orders.order("check", "preCheck", "backlog"));
        JsonNode shown = bus.ask("run_standing_order", "orderName", "check", "dryRun", true);
        assertEquals("look around", shown.get("instructions").asText());
        assertEquals(0, shown.at("/preCheckSays/noWork/blocked").asInt(-1));
        assertEquals(0, bus.count("standing_order_runs"));
        assertEquals(0, bus.count("jobs"));
    }

    @Test
    void a_dry_run_of_a_pre_check_that_breaks_shows_the_error_and_writes_nothing() {
        orders.sync(T0, Orders.order("check", "preCheck", "backlog"));
        long events = bus.count("events");
        bus.jdbc().execute("alter function precheck_backlog rename to precheck_backlog_away");
        try {
            JsonNode shown = bus.ask("run_standing_order", "orderName", "check", "dryRun", true);
            assertTrue(shown.at("/preCheckSays/error").asText().contains("precheck_backlog"), shown.toString());
        } finally {
            bus.jdbc().execute("alter function precheck_backlog_away rename to precheck_backlog");
        }
        assertEquals(events, bus.count("events"));
    }

    @Test
    void a_start_without_a_slot_that_is_said_twice_begins_one_run() {
        orders.sync(T0, Orders.order("check", "startedBy", "external"));
        JsonNode first = bus.call("start_standing_order", agent("devops"), json("orderName", "check"));
        JsonNode again = bus.call("start_standing_order", agent("devops"), json("orderName", "check"));

        assertEquals(first.at("/run/runId"), again.at("/run/runId"));
        assertEquals(1, bus.count("standing_order_runs"));
    }

    @Test
    void a_run_that_lives_elsewhere_takes_the_slot_that_is_due_and_ends_as_it_says() {
        orders.hourly(hour(3), Orders.order("check", "startedBy", "external"));
        JsonNode run = bus.call("start_standing_order", agent("devops"), json("orderName", "check"))
                .get("run");
        assertEquals("external", run.get("triggerSource").asText());
        assertEquals(T0.plus(HOUR.multipliedBy(3)), Orders.time(run.get("scheduledFor")));
        String id = run.get("runId").asText();
        refused(
                409,
                "slot_taken",
                () -> bus.ask(
                        "start_standing_order",
                        "orderName",
                        "check",
                        "scheduledFor",
                        run.get("scheduledFor").asText()));
        refused(
                404,
                "unknown_slot",
                () -> bus.ask("start_standing_order", "orderName", "check", "scheduledFor", "2026-01-05T00:17:00Z"));
        refused(
                422,
                "evidence_missing",
                () -> bus.ask("finish_standing_order", "runId", id, "status", "no_work", "summary", "quiet"));
        for (int i = 0; i < 2; i++) {
            assertEquals(
                    "no_work",
                    bus.call(
                                    "finish_standing_order",
                                    agent("devops"),
                                    json(
                                            "runId",
                                            id,
                                            "status",
                                            "no_work",
                                            "summary",
                                            "quiet",
                                            "evidence",
                                            json("n", 1)))
                            .at("/run/status")
                            .asText());
        }
        refused(
                409,
                "wrong_state",
                () -> bus.ask("finish_standing_order", "runId", id, "status", "failed", "summary", "no, it broke"));
        orders.settle(hour(4));
        assertEquals("missed 2, no_work 1", orders.counts("check"));
    }

    @Test
    void a_run_elsewhere_that_nobody_finishes_has_failed() {
        orders.sync(T0, Orders.order("check", "startedBy", "external"));
        bus.ask("start_standing_order", "orderName", "check", "timeoutSeconds", 1);
        bus.jdbc().queryForList("select end_overdue_slots(now() + interval '2 seconds')");
        assertTrue(run("failed").get("summary").asText().startsWith("started elsewhere and not finished by"));
    }

    @Test
    void nobody_speaks_for_another_agents_order_or_ends_a_run_that_has_a_job() {
        orders.sync(T0, Orders.order("check"));
        refused(
                403,
                "forbidden",
                () -> bus.call("start_standing_order", agent("research"), json("orderName", "check")));
        JsonNode run = bus.ask("run_standing_order", "orderName", "check").get("run");
        String id = run.get("runId").asText();
        refused(
                403,
                "forbidden",
                () -> bus.call(
                        "finish_standing_order",
                        agent("research"),
                        json("runId", id, "status", "failed", "summary", "x")));
        refused(
                409,
                "wrong_state",
                () -> bus.call(
                        "finish_standing_order", operator(), json("runId", id, "status", "failed", "summary", "x")));
        refused(
                404,
                "unknown_run",
                () -> bus.ask("finish_standing_order", "runId", bus.enqueue(), "status", "failed", "summary", "x"));
    }

    @Test
    void health_names_orders_that_miss_fail_or_are_silent() {
        Instant now = bus.jdbc()
                .queryForObject("select date_trunc('hour', now())", OffsetDateTime.class)
                .toInstant();
        orders.sync(now.minus(HOUR.multipliedBy(4)), Orders.order("quiet"), Orders.order("late", "catchUp", "skip"));
        bus.jdbc().update("update standing_orders set created_at = now() - interval '5 hours'");
        assertEquals("new", healthOf("quiet"));
        String from = orders.plannedUntil("late").toString();
        orders.plan(
                "late",
                "0 0 * * * ?",
                Instant.parse(from),
                now.plus(HOUR),
                now.minus(HOUR.multipliedBy(3)),
                now.plus(HOUR));
        orders.settle(now);
        assertEquals("missed", healthOf("late"));
        orders.plan(
                "quiet",
                "0 0 * * * ?",
                Instant.parse(from),
                now.plus(HOUR),
                now.minus(HOUR.multipliedBy(3)),
                now.minus(HOUR.multipliedBy(2)),
                now.plus(HOUR));
        assertEquals("silent", healthOf("quiet"));
        for (int i = 0; i < 2; i++) {
            bus.ask("run_standing_order", "orderName", "quiet");
            bus.fail(orders.running(), "retry", false);
        }
        assertEquals("failing", healthOf("quiet"));
        String problems = bus.ask("health").get("problems").toString();
        assertTrue(problems.contains("standing order quiet of agent devops has failed 2 times in a row"), problems);
        assertTrue(
                problems.contains("standing order late of agent devops has missed 1 slot within 24 hours"), problems);
        bus.ask("run_standing_order", "orderName", "quiet");
        bus.complete(orders.running());
        assertEquals("ok", healthOf("quiet"));
        assertEquals(2, bus.ask("health").get("runsFailed24h").asInt());
    }

    private String healthOf(String order) {
        return bus.jdbc()
                .queryForObject(
                        "select health from standing_order_health_summary_v where order_name = ?", String.class, order);
    }

    private static Refusal refused(int status, String code, Executable call) {
        Refusal refusal = Machine.refusal(call);
        assertEquals(status, refusal.status(), refusal.message());
        assertEquals(code, refusal.code());
        return refusal;
    }
}
