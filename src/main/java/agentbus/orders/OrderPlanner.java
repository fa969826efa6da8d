package agentbus.orders;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.camel.Body;

/** Works out the slots that are to be written. */
public final class OrderPlanner {
    /** What {@code list-standing-orders} shows of the future. */
    private static final int AT_LEAST = 5;
    /** A year's gap of an order every five minutes is a hundred thousand slots: written in pieces. */
    private static final int AT_MOST = 5_000;

    private final Duration ahead;

    /**
     * A planner.
     *
     * @param ahead how far ahead slots are written
     */
    public OrderPlanner(Duration ahead) {
        this.ahead = ahead;
    }

    /**
     * The slots of an order that are not written yet: all up to the window's end, and five after now at least.
     *
     * @param row the row of {@code standing_orders_to_plan}, its one column {@code order}
     * @return the parameters of {@code plan_slots}
     * @throws JsonProcessingException never for a row of that function
     */
    public Map<String, Object> slots(@Body Map<String, Object> row) throws JsonProcessingException {
        return slots(Json.read(String.valueOf(row.get("order"))));
    }

    /**
     * The slots of an order that are not written yet: all up to the window's end, and five after now at least.
     *
     * @param row namespace, order, cron, zone, plannedUntil and now
     * @return the parameters of {@code plan_slots}; slots is an array of texts
     */
    public Map<String, Object> slots(JsonNode row) {
        Schedule schedule = schedule(row);
        Instant now = instant(row, "now");
        Instant from = instant(row, "plannedUntil");
        Instant until = now.plus(ahead);
        TreeSet<Instant> slots = new TreeSet<>(schedule.between(from, until, AT_MOST));
        if (slots.size() < AT_MOST) {
            schedule.next(now, AT_LEAST).stream()
                    .filter(slot -> slot.isAfter(from))
                    .forEach(slots::add);
        }
        Instant last = slots.isEmpty() ? until : slots.last();
        boolean more = slots.size() >= AT_MOST;
        return parameters(row, slots, more || last.isAfter(until) ? last : until);
    }

    /**
     * The slots of an order up to now that are not written yet: what is due by a schedule that is about to change.
     *
     * @param row namespace, order, cron, zone, plannedUntil and now
     * @return the parameters of {@code plan_slots}
     */
    public Map<String, Object> gap(JsonNode row) {
        Instant now = instant(row, "now");
        Instant from = instant(row, "plannedUntil");
        if (!from.isBefore(now)) {
            return parameters(row, List.of(), from);
        }
        return parameters(row, schedule(row).between(from, now), now);
    }

    private static Map<String, Object> parameters(JsonNode row, Iterable<Instant> slots, Instant until) {
        Map<String, Object> parameters = new LinkedHashMap<>();
        for (String field : List.of("namespace", "order", "cron", "zone")) {
            parameters.put(field, row.get(field).asText());
        }
        // As it was read: the database compares it with what it has, to the microsecond.
        String from = row.get("plannedUntil").asText();
        parameters.put("from", from);
        List<String> texts = new ArrayList<>();
        slots.forEach(slot -> texts.add(slot.toString()));
        parameters.put("slots", texts.toArray(String[]::new));
        Instant planned = OffsetDateTime.parse(from).toInstant();
        parameters.put("until", (until.isBefore(planned) ? planned : until).toString());
        return parameters;
    }

    private static Schedule schedule(JsonNode row) {
        return Schedule.of(row.get("cron").asText(), ZoneId.of(row.get("zone").asText()));
    }

    private static Instant instant(JsonNode row, String field) {
        return OffsetDateTime.parse(row.get(field).asText()).toInstant();
    }
}
