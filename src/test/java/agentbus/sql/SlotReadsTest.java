package agentbus.sql;

import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The slots of a window in compact rows, with their lateness. */
@ExtendWith(PostgresExtension.class)
class SlotReadsTest {
    private static final String FROM = Orders.T0.toString();
    private static final String TO = Orders.T0.plus(Orders.DAY).toString();

    private Machine bus;
    private Orders orders;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        orders = new Orders(bus);
        bus.jdbc().execute("truncate standing_order_runs_history");
    }

    private JsonNode slots(Object... input) {
        return bus.ask("standing_order_slots", input);
    }

    private static List<String> brief(JsonNode order) {
        List<String> brief = new ArrayList<>();
        order.get("slots")
                .forEach(slot -> brief.add(slot.get(0).asText().substring(11, 16) + " "
                        + slot.get(1).asText()
                        + (slot.get(2).isNull() ? "" : " late " + slot.get(2).asInt())));
        return brief;
    }

    /** Slots of an order, one a minute, written by hand. */
    private void minutes(String table, String order, int count) {
        bus.jdbc()
                .update(
                        "insert into " + table
                                + " (run_id, namespace, agent_id, order_name, scheduled_for, trigger_source, status,"
                                + " summary, started_at, finished_at, created_at, updated_at)"
                                + " select gen_random_uuid(), 'default', 'devops', ?, ?::timestamptz + n * interval '1 minute', 'schedule',"
                                + " 'completed', 'x', ?::timestamptz + n * interval '1 minute', now(), now(), now()"
                                + " from generate_series(0, ?) n",
                        order,
                        FROM,
                        FROM,
                        count - 1);
    }

    @Test
    void each_slot_is_a_compact_row_with_its_job_and_how_late_it_began() {
        orders.hourly(Orders.hour(5), Orders.order("patrol"));
        orders.settle(Orders.hour(1));
        Attempt attempt = orders.running();
        bus.complete(attempt);
        bus.jdbc()
                .update(
                        "update standing_order_runs set started_at = scheduled_for + interval '400 seconds' where status = 'completed'");
        bus.jdbc()
                .update(
                        "update standing_order_runs set status = 'skipped', summary = 'x', finished_at = now()"
                                + " where scheduled_for = ?::timestamptz + interval '2 hours'",
                        FROM);

        JsonNode answer = slots("from", FROM, "to", TO);

        assertFalse(answer.get("more").asBoolean());
        assertEquals(1, answer.get("orders").size());
        JsonNode order = answer.get("orders").get(0);
        assertEquals("patrol", order.get("order").asText());
        assertEquals("devops", order.get("agentId").asText());
        assertEquals("every hour", order.get("schedule").asText());
        assertEquals(300, order.get("graceSeconds").asInt());
        List<String> brief = brief(order);
        assertEquals(List.of("01:00 completed late 400", "02:00 skipped"), brief.subList(0, 2));
        assertTrue(brief.get(2).matches("03:00 expected late \\d+"), brief::toString);
        assertEquals(attempt.job(), order.at("/slots/0/4").asText());
        assertTrue(order.at("/slots/1/4").isNull());
        assertEquals(order.get("slots").size(), order.get("total").asInt());
        assertEquals(order.get("slots").size() - 1, order.get("late").asInt());
    }

    @Test
    void orders_without_slots_and_slots_without_an_order_have_their_rows() {
        orders.hourly(Orders.hour(2), Orders.order("patrol"));
        minutes("standing_order_runs", "gone", 2);

        JsonNode answer = slots("from", FROM, "to", TO);
        assertEquals(List.of("gone", "patrol"), answer.get("orders").findValuesAsText("order"));
        assertFalse(answer.at("/orders/0").has("schedule"));

        JsonNode before = slots("from", Orders.T0.minus(Orders.DAY).toString(), "to", FROM);
        assertEquals(List.of("patrol"), before.get("orders").findValuesAsText("order"));
        assertEquals(0, before.at("/orders/0/slots").size());
    }

    @Test
    void filters_and_history_are_respected() {
        orders.hourly(Orders.hour(2), Orders.order("patrol"), Orders.order("digest", "agent", "research"));
        minutes("standing_order_runs_history", "old", 3);

        assertEquals(
                List.of("old", "patrol"),
                slots("from", FROM, "to", TO, "agentId", "devops").get("orders").findValuesAsText("order"));
        JsonNode one = slots("from", FROM, "to", TO, "order", "old");
        assertEquals(List.of("00:00 completed", "00:01 completed", "00:02 completed"), brief(one.at("/orders/0")));
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        assertEquals(
                0,
                slots("namespace", "other", "from", FROM, "to", TO)
                        .get("orders")
                        .size());
    }

    @Test
    void a_window_with_more_slots_shows_the_newest_and_from_when_on_it_is_complete() {
        minutes("standing_order_runs", "a", 3_000);
        minutes("standing_order_runs_history", "b", 3_000);

        JsonNode answer = slots(
                "from", FROM, "to", Orders.T0.plus(Orders.DAY.multipliedBy(3)).toString());

        assertTrue(answer.get("more").asBoolean());
        assertEquals(
                5_000,
                answer.at("/orders/0/slots").size()
                        + answer.at("/orders/1/slots").size());
        assertEquals(Orders.T0.plusSeconds(500 * 60), Orders.time(answer.get("completeFrom")));
    }

    @Test
    void a_window_is_bounded_and_goes_forward() {
        Refusal wide = refusal(() -> slots("from", "2026-01-01T00:00:00Z", "to", "2026-02-02T00:00:00Z"));
        assertEquals("422 invalid_field from", wide.brief());
        assertEquals("the window from 2026-01-01T00:00:00Z to 2026-02-02T00:00:00Z has 32 days", wide.message());
        assertEquals("a time at most 31 days before to", wide.expected());
        assertEquals(
                "422 invalid_field to",
                refusal(() -> slots("from", "2026-01-02T00:00:00Z", "to", "2026-01-02T00:30:00+01:00"))
                        .brief());
        assertEquals(
                0,
                slots("from", "2026-01-01T00:00:00Z", "to", "2026-02-01T00:00:00Z")
                        .get("orders")
                        .size());
    }
}
