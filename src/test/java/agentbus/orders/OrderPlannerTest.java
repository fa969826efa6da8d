package agentbus.orders;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OrderPlannerTest {
    private final OrderPlanner planner = new OrderPlanner(Duration.ofHours(1));

    private static JsonNode row(String cron, String plannedUntil) throws Exception {
        return Json.object()
                .put("namespace", "default")
                .put("order", "x")
                .put("cron", cron)
                .put("zone", "UTC")
                .put("plannedUntil", plannedUntil)
                .put("now", "2026-11-24T10:00:00+00:00");
    }

    @Test
    void every_slot_of_the_window_is_written_and_five_at_least() throws Exception {
        Map<String, Object> often = planner.slots(row("0 0/10 * * * ?", "2026-11-24T10:00:00.123456+00:00"));
        assertEquals(6, ((String[]) often.get("slots")).length);
        assertEquals("2026-11-24T11:00:00Z", often.get("until"));
        assertEquals("2026-11-24T10:00:00.123456+00:00", often.get("from"), "as it was read");

        Map<String, Object> weekly = planner.slots(row("0 0 9 ? * MON", "2026-11-24T10:00:00+00:00"));
        assertArrayEquals(
                new String[] {
                    "2026-11-30T09:00:00Z",
                    "2026-12-07T09:00:00Z",
                    "2026-12-14T09:00:00Z",
                    "2026-12-21T09:00:00Z",
                    "2026-12-28T09:00:00Z"
                },
                (String[]) weekly.get("slots"));
        assertEquals("2026-12-28T09:00:00Z", weekly.get("until"));
    }

    @Test
    void what_is_written_is_not_written_again() throws Exception {
        Map<String, Object> none = planner.slots(row("0 0 9 ? * MON", "2026-12-28T09:00:00+00:00"));
        assertEquals(0, ((String[]) none.get("slots")).length);
        assertEquals("2026-12-28T09:00:00Z", none.get("until"), "never back");
    }

    @Test
    void an_order_is_written_when_it_has_a_new_slot_or_half_of_the_window_has_passed() throws Exception {
        assertEquals(
                true,
                planner.slots(row("0 0 9 ? * MON", "2026-12-21T09:00:00+00:00")).get("due"));
        assertEquals(
                false,
                planner.slots(row("0 0 9 ? * MON", "2026-12-28T09:00:00+00:00")).get("due"));
        String over = "0 0 9 1 1 ? 2026";
        assertEquals(
                false, planner.slots(row(over, "2026-11-24T10:30:00+00:00")).get("due"));
        assertEquals(true, planner.slots(row(over, "2026-11-24T10:29:59+00:00")).get("due"));
    }

    @Test
    void the_slots_of_an_outage_are_written_too_in_pieces() throws Exception {
        Map<String, Object> first = planner.slots(row("0 0/5 * * * ?", "2026-10-24T10:00:00+00:00"));
        assertEquals(5_000, ((String[]) first.get("slots")).length);
        String until = (String) first.get("until");
        assertEquals("2026-11-10T18:40:00Z", until);
        Map<String, Object> second = planner.slots(row("0 0/5 * * * ?", until));
        // 31 days and one hour ahead, with 288 slots a day.
        assertEquals(31 * 288 + 12 - 5_000, ((String[]) second.get("slots")).length);
    }

    @Test
    void a_gap_ends_now() throws Exception {
        Map<String, Object> gap = planner.gap(row("0 0/10 * * * ?", "2026-11-24T09:30:00+00:00"));
        assertArrayEquals(
                new String[] {"2026-11-24T09:40:00Z", "2026-11-24T09:50:00Z", "2026-11-24T10:00:00Z"},
                (String[]) gap.get("slots"));
        assertEquals("2026-11-24T10:00:00Z", gap.get("until"));
        assertEquals(
                0,
                ((String[]) planner.gap(row("0 0/10 * * * ?", "2026-11-25T00:00:00+00:00"))
                                .get("slots"))
                        .length);
    }
}
