package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Standing orders and their ledger, at times that the test names. */
final class Orders {
    /** Midnight of a day that is past, so that what is due on the ledger is due for the clock of the database as well. */
    static final Instant T0 = Instant.parse("2026-01-05T00:00:00Z");

    static final Duration HOUR = Duration.ofHours(1);
    static final Duration DAY = Duration.ofDays(1);

    private final Machine bus;

    Orders(Machine bus) {
        this.bus = bus;
    }

    /** So many hours after the beginning, and a few seconds, as a trigger or a sweep would come. */
    static Instant hour(int hours) {
        return T0.plus(HOUR.multipliedBy(hours)).plusSeconds(5);
    }

    /** An hourly order of devops unless told otherwise. */
    static ObjectNode order(String name, Object... more) {
        ObjectNode order = Machine.json(
                "name",
                name,
                "agent",
                "devops",
                "cron",
                "0 0 * * * ?",
                "zone",
                "UTC",
                "words",
                "every hour",
                "purpose",
                "see that all is well",
                "instructions",
                "look around",
                "session",
                "isolated",
                "catchUp",
                "latest",
                "catchUpCap",
                3,
                "staggerSeconds",
                60,
                "overlap",
                "skip",
                "graceSeconds",
                300,
                "timeoutSeconds",
                0,
                "jobType",
                "scheduled",
                "priority",
                100,
                "preCheck",
                "",
                "startedBy",
                "bus");
        order.setAll(Machine.json(more));
        return order.put("definitionHash", Integer.toHexString(order.toString().hashCode()));
    }

    /** Makes these the orders that the route files have. */
    JsonNode sync(Instant at, ObjectNode... orders) {
        return bus.one(
                "select sync_standing_orders('default', ?::jsonb, ?::timestamptz)",
                List.of(orders).toString(),
                at.toString());
    }

    int plan(String name, String cron, Instant from, Instant until, Instant... slots) {
        return bus.jdbc()
                .queryForObject(
                        "select plan_slots('default', ?, ?, 'UTC', ?::timestamptz, ?::timestamptz[], ?::timestamptz)",
                        Integer.class,
                        name,
                        cron,
                        from.toString(),
                        Stream.of(slots).map(Instant::toString).collect(Collectors.joining(",", "{", "}")),
                        until.toString());
    }

    /** Writes the slots from where they are written up to, one each period, counted from the beginning. */
    int plan(String name, Duration period, Instant until) {
        Instant from = plannedUntil(name);
        List<Instant> slots = new ArrayList<>();
        for (Instant slot = T0; !slot.isAfter(until); slot = slot.plus(period)) {
            if (slot.isAfter(from)) {
                slots.add(slot);
            }
        }
        String cron =
                bus.jdbc().queryForObject("select cron from standing_orders where order_name = ?", String.class, name);
        return plan(name, cron, from, until, slots.toArray(Instant[]::new));
    }

    /** An order that is new at the beginning, with its slots up to then. */
    void hourly(Instant until, ObjectNode... orders) {
        sync(T0, orders);
        for (ObjectNode order : orders) {
            plan(order.get("name").asText(), HOUR, until);
        }
    }

    Instant plannedUntil(String name) {
        return bus.jdbc()
                .queryForObject(
                        "select planned_until from standing_orders where order_name = ?",
                        java.time.OffsetDateTime.class,
                        name)
                .toInstant();
    }

    List<JsonNode> settle(Instant at) {
        return bus
                .jdbc()
                .queryForList(
                        "select settle_standing_orders('default', null, ?::timestamptz)::text",
                        String.class,
                        at.toString())
                .stream()
                .map(Machine::parse)
                .toList();
    }

    /** Settles every so often, each run that begins being completed before the next time. */
    void settleAndComplete(Instant from, Duration every, Instant until) {
        for (Instant at = from; !at.isAfter(until); at = at.plus(every)) {
            settle(at);
            for (JsonNode claimed : bus.claim(Machine.D1, 50)) {
                Attempt attempt = Attempt.of(claimed);
                bus.admitted(attempt);
                bus.complete(attempt);
            }
        }
    }

    /** Claims the one job that is due and has it admitted. */
    Attempt running() {
        Attempt attempt = bus.claim();
        bus.admitted(attempt);
        return attempt;
    }

    /** Day, time and status of each slot, with the trigger where it is not the schedule; oldest first. */
    List<String> ledger(String name) {
        return bus.jdbc()
                .queryForList(
                        """
                        select to_char(scheduled_for at time zone 'UTC', 'DD HH24:MI') || ' ' || status
                          || case when trigger_source <> 'schedule' then ' ' || trigger_source else '' end
                        from standing_order_runs where order_name = ? order by scheduled_for""",
                        String.class,
                        name);
    }

    /** Statuses with how many slots have each. */
    String counts(String name) {
        return bus.jdbc()
                .queryForObject(
                        """
                        select string_agg(status || ' ' || slots, ', ' order by status)
                        from (select status, count(*) as slots from standing_order_runs where order_name = ? group by status) s""",
                        String.class,
                        name);
    }

    /** Summaries of the slots with this status, each once. */
    List<String> summaries(String name, String status) {
        return bus.jdbc()
                .queryForList(
                        "select distinct summary from standing_order_runs where order_name = ? and status = ?",
                        String.class,
                        name,
                        status);
    }

    /** One column of the slot, as text. */
    String of(String name, Instant slot, String column) {
        return bus.jdbc()
                .queryForObject(
                        "select " + column + "::text from standing_order_runs"
                                + " where order_name = ? and scheduled_for = ?::timestamptz",
                        String.class,
                        name,
                        slot.toString());
    }

    /** What the events of a topic say, oldest first. */
    List<JsonNode> told(String topic) {
        return bus
                .jdbc()
                .queryForList("select payload::text from events where topic = ? order by seq", String.class, topic)
                .stream()
                .map(Machine::parse)
                .toList();
    }

    static Instant time(JsonNode node) {
        return java.time.OffsetDateTime.parse(node.asText()).toInstant();
    }

    /** Nothing whose time has come is left without an end or a run. */
    void assertAllSettled(Instant at) {
        assertEquals(
                0,
                bus.count(
                        "standing_order_runs where status = 'expected' and scheduled_for <= ?::timestamptz",
                        at.toString()));
    }
}
