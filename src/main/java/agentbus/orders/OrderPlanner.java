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

/** Computes the slots that the database has to hold. */
public final class OrderPlanner {
    /** Chosen: {@code list-standing-orders} shows the next five slots. */
    private static final int AT_LEAST = 5;
    /**
     * Chosen: limits one statement. After a year without the bus, an order that runs every five minutes has 100,000
     * missing slots; they are written in portions.
     */
    private static final int AT_MOST = 5_000;

    private final Duration ahead;

    /**
     * A planner.
     *
     * @param ahead the length of the window from now on for which slots are written
     */
    public OrderPlanner(Duration ahead) {
        this.ahead = ahead;
    }

    /**
     * Computes the missing slots of an order: all slots up to the end of the window, and at least the next five.
     *
     * @param row a row of {@code standing_orders_to_plan}, whose only column is {@code order}, JSON
     * @return the parameters of {@code plan_slots}, and due, whether they have to be written now
     * @throws JsonProcessingException when the column is not JSON
     */
    public Map<String, Object> slots(@Body Map<String, Object> row) throws JsonProcessingException {
        return slots(Json.read(String.valueOf(row.get("order"))));
    }

    /**
     * Computes the missing slots of an order: all slots up to the end of the window, and at least the next five.
     *
     * @param row namespace, order, cron, zone, plannedUntil and now
     * @return the parameters of {@code plan_slots}, of which slots is an array of ISO timestamps; and due, whether they
     *     have to be written now
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
        Map<String, Object> parameters = parameters(row, slots, more || last.isAfter(until) ? last : until);
        // Without a new slot only the time up to which all slots are written would change.
        parameters.put("due", !slots.isEmpty() || from.isBefore(now.plus(ahead.dividedBy(2))));
        return parameters;
    }

    /**
     * Computes the missing slots of an order up to now. Call it before the order's schedule changes.
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
        // Copied as text, because the database compares this time with its own value to the microsecond.
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
