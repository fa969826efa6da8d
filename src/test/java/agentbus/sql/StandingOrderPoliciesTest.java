package agentbus.sql;

import static agentbus.sql.Orders.HOUR;
import static agentbus.sql.Orders.T0;
import static agentbus.sql.Orders.hour;
import static agentbus.sql.Orders.order;
import static agentbus.sql.Orders.time;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** What becomes of slots that came while nothing ran, or while a run was under way. */
@ExtendWith(PostgresExtension.class)
class StandingOrderPoliciesTest {
    /** Ten minutes past the hour: the slot of the hour is late as well. */
    private static final Instant BACK = hour(72).plusSeconds(600);

    private Machine bus;
    private Orders orders;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        orders = new Orders(bus);
    }

    private void afterThreeDays(String catchUp) {
        orders.sync(
                T0,
                order("hourly", "catchUp", catchUp),
                order("daily", "catchUp", catchUp, "cron", "0 0 0 * * ?", "words", "every day"));
        orders.plan("hourly", HOUR, hour(80));
        orders.plan("daily", Orders.DAY, hour(80));
        orders.settle(BACK);
    }

    private void assertMissed(String order, int slots, Instant first, Instant last) {
        List<JsonNode> told = orders.told("standing_order.missed").stream()
                .filter(e -> e.get("order").asText().equals(order))
                .toList();
        assertEquals(1, told.size(), "once for all of them");
        assertEquals(slots, told.get(0).get("slots").asInt());
        assertEquals(first, time(told.get(0).get("first")));
        assertEquals(last, time(told.get(0).get("last")));
    }

    private Instant notBefore(String order, int hours) {
        return Instant.ofEpochSecond(Long.parseLong(
                orders.of(order, T0.plus(HOUR.multipliedBy(hours)), "extract(epoch from not_before)::bigint")));
    }

    @Test
    void after_three_days_an_order_that_skips_has_missed_every_slot() {
        afterThreeDays("skip");

        assertEquals("expected 8, missed 72", orders.counts("hourly"));
        assertEquals("missed 3", orders.counts("daily"));
        assertMissed("hourly", 72, T0.plus(HOUR), T0.plus(HOUR.multipliedBy(72)));
        assertMissed("daily", 3, T0.plus(Orders.DAY), T0.plus(Orders.DAY.multipliedBy(3)));
        assertEquals(0, bus.count("jobs"));
        orders.assertAllSettled(BACK);
    }

    @Test
    void after_three_days_the_latest_slot_is_caught_up_one_order_after_the_other() {
        afterThreeDays("latest");

        assertEquals("missed 2, started 1", orders.counts("daily"), "first by name");
        assertEquals("expected 9, missed 71", orders.counts("hourly"), "its turn comes");
        assertMissed("hourly", 71, T0.plus(HOUR), T0.plus(HOUR.multipliedBy(71)));

        orders.settleAndComplete(BACK.plusSeconds(10), Duration.ofSeconds(10), BACK.plusSeconds(50));
        assertEquals("expected 9, missed 71", orders.counts("hourly"));
        orders.settleAndComplete(BACK.plusSeconds(60), Duration.ofSeconds(10), BACK.plusSeconds(60));

        assertEquals("completed 1, expected 8, missed 71", orders.counts("hourly"));
        assertTrue(orders.ledger("hourly").contains("08 00:00 completed catch_up"));
        assertEquals(2, orders.told("standing_order.missed").size(), "and not told again");
        orders.assertAllSettled(BACK.plusSeconds(60));
    }

    @Test
    void after_three_days_all_are_caught_up_to_the_cap_each_in_its_turn() {
        afterThreeDays("all");

        assertMissed("hourly", 69, T0.plus(HOUR), T0.plus(HOUR.multipliedBy(69)));
        assertEquals("expected 2, started 1", orders.counts("daily"));
        assertEquals("expected 11, missed 69", orders.counts("hourly"));
        assertEquals(
                6,
                bus.count("(select distinct not_before from standing_order_runs where trigger_source = 'catch_up') t"));
        assertEquals(
                300,
                bus.jdbc()
                        .queryForObject(
                                "select extract(epoch from max(not_before) - min(not_before))::int from standing_order_runs",
                                Integer.class));

        Instant end = BACK.plusSeconds(400);
        orders.settleAndComplete(BACK, Duration.ofSeconds(20), end);

        assertEquals("completed 3", orders.counts("daily"));
        assertEquals("completed 3, expected 8, missed 69", orders.counts("hourly"));
        orders.assertAllSettled(end);
    }

    @Test
    void catch_up_runs_of_one_order_are_one_at_a_time() {
        orders.hourly(hour(3), order("patrol", "catchUp", "all", "staggerSeconds", 0));
        orders.settle(hour(3).plusSeconds(600));
        assertEquals(
                List.of("05 01:00 started catch_up", "05 02:00 expected catch_up", "05 03:00 expected catch_up"),
                orders.ledger("patrol"));

        bus.complete(orders.running());
        orders.settle(hour(3).plusSeconds(610));

        assertEquals("completed 1, expected 1, started 1", orders.counts("patrol"));
    }

    @Test
    void a_slot_on_time_runs_in_place_of_the_late_ones() {
        orders.hourly(hour(3), order("patrol"));

        orders.settle(hour(3));

        assertEquals(List.of("05 01:00 missed", "05 02:00 missed", "05 03:00 started"), orders.ledger("patrol"));
    }

    @Test
    void a_slot_on_time_is_not_skipped_for_one_that_is_caught_up() {
        orders.hourly(hour(3), order("patrol", "catchUp", "all", "staggerSeconds", 0));

        orders.settle(hour(3));
        assertEquals(
                List.of("05 01:00 expected catch_up", "05 02:00 expected catch_up", "05 03:00 started"),
                orders.ledger("patrol"));

        orders.settleAndComplete(hour(3), Duration.ofSeconds(10), hour(3).plusSeconds(60));
        assertEquals("completed 3", orders.counts("patrol"));
    }

    @Test
    void a_slot_held_since_before_is_no_later_slot() {
        orders.hourly(hour(6), order("patrol", "overlap", "queue"));
        orders.settle(hour(1));
        orders.settle(hour(2));
        bus.complete(orders.running());

        orders.settle(hour(5).plusSeconds(600));

        assertEquals(
                List.of(
                        "05 01:00 completed",
                        "05 02:00 started",
                        "05 03:00 missed",
                        "05 04:00 missed",
                        "05 05:00 expected catch_up",
                        "05 06:00 expected"),
                orders.ledger("patrol").stream().limit(6).toList());
    }

    @Test
    void two_nodes_that_settle_different_orders_give_different_turns() throws Exception {
        orders.hourly(hour(1), order("patrol"), order("report"));
        Instant late = hour(1).plusSeconds(600);
        CompletableFuture<List<JsonNode>> other;
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine first = Machine.on(new SingleConnectionDataSource(connection, true));
            first.jdbc()
                    .queryForList(
                            "select settle_standing_orders('default', 'patrol', ?::timestamptz)", late.toString());
            other = CompletableFuture.supplyAsync(() -> orders.settle(late));
            await().until(() ->
                    bus.count("pg_stat_activity where datname = current_database()" + " and wait_event = 'advisory'")
                            == 1);
            connection.commit();
            connection.setAutoCommit(true);
        }
        other.get(20, TimeUnit.SECONDS);

        assertEquals(late, notBefore("patrol", 1));
        assertEquals(late.plusSeconds(60), notBefore("report", 1));
    }

    @Test
    void slots_that_overlap_are_skipped() {
        orders.hourly(hour(3), order("patrol"));
        orders.settle(hour(1));
        orders.settle(hour(2));
        orders.settle(hour(3));

        assertEquals(List.of("05 01:00 started", "05 02:00 skipped", "05 03:00 skipped"), orders.ledger("patrol"));
        assertEquals(
                List.of("the run of 2026-01-05T01:00:00Z was still under way"), orders.summaries("patrol", "skipped"));
    }

    @Test
    void slots_that_overlap_are_folded_into_one_that_is_not_late_when_its_turn_comes() {
        orders.hourly(hour(4), order("patrol", "overlap", "coalesce"));
        orders.settle(hour(1));
        orders.settle(hour(2));
        orders.settle(hour(3));
        assertEquals("expected 2, skipped 1, started 1", orders.counts("patrol"));
        bus.complete(orders.running());

        orders.settle(hour(3).plusSeconds(1800));

        assertEquals(
                List.of("05 01:00 completed", "05 02:00 skipped", "05 03:00 started", "05 04:00 expected"),
                orders.ledger("patrol"));
        assertEquals(0, orders.told("standing_order.missed").size());
    }

    @Test
    void slots_that_overlap_wait_in_line_up_to_the_cap() {
        orders.hourly(hour(4), order("patrol", "overlap", "queue", "catchUpCap", 2));
        orders.settle(hour(1));
        orders.settle(hour(2));
        orders.settle(hour(3));
        orders.settle(hour(4));
        assertEquals("expected 2, skipped 1, started 1", orders.counts("patrol"));

        orders.settleAndComplete(hour(4).plusSeconds(1000), Duration.ofSeconds(10), hour(4).plusSeconds(1050));

        assertEquals(
                List.of("05 01:00 completed", "05 02:00 completed", "05 03:00 completed", "05 04:00 skipped"),
                orders.ledger("patrol"));
    }

    @Test
    void a_run_on_purpose_is_under_way_as_any() {
        orders.hourly(hour(2), order("patrol"));
        bus.ask("run_standing_order", "orderName", "patrol");

        orders.settle(hour(1));

        assertEquals("skipped", orders.of("patrol", T0.plus(HOUR), "status"));
        assertEquals(
                "409 run_under_way orderName",
                Machine.refusal(() -> bus.ask("run_standing_order", "orderName", "patrol"))
                        .brief());
    }

    @Test
    void a_blocked_run_holds_nothing_up() {
        orders.hourly(hour(2), order("patrol"));
        orders.settle(hour(1));
        bus.block(orders.running(), "at", "2100-01-01T00:00:00Z");

        orders.settle(hour(2));

        assertEquals(List.of("05 01:00 blocked", "05 02:00 started"), orders.ledger("patrol"));
    }

    @Test
    void a_clock_that_jumps_ahead_and_back_loses_and_doubles_no_slot() {
        orders.hourly(hour(2), order("patrol"));
        orders.settleAndComplete(hour(1), HOUR, hour(2));
        orders.plan("patrol", HOUR, hour(3));
        orders.settleAndComplete(hour(2).minusSeconds(3000), HOUR, hour(2).minusSeconds(3000));
        orders.plan("patrol", HOUR, hour(2));

        orders.settleAndComplete(hour(2), HOUR, hour(3));

        assertEquals(
                List.of("05 01:00 completed", "05 02:00 completed", "05 03:00 completed"), orders.ledger("patrol"));
        assertEquals(3, bus.count("jobs"));
    }
}
