package agentbus.console.browser;

import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Standing orders whose slots of the last day have every outcome. The slots are settled at their own times, as the
 * routes would have settled them.
 */
final class OrderDay {
    private static final Duration DAY = Duration.ofDays(1);
    /** Within the grace of the orders, and later than the minute that a slot may take. */
    private static final Duration LATE = Duration.ofMinutes(4);

    private final Operations bus;
    private final TestDatabase database;
    private final Fleet fleet;
    private final Instant now = Instant.now();

    /**
     * One order and its day.
     *
     * @param name the order
     * @param agent its agent
     * @param schedule in plain words
     * @param hours between two slots
     * @param subject the order's purpose
     * @param outcomes one letter for each slot of the last day, oldest first; the last letter stands for the rest.
     *     c completed, n no work, b blocked, f failed, l late and completed, m missed, s skipped because the run before
     *     was still under way
     */
    private record Order(String name, String agent, String schedule, int hours, String subject, String outcomes) {
        char outcome(int slot) {
            return outcomes.charAt(Math.min(slot, outcomes.length() - 1));
        }
    }

    OrderDay(Operations bus, TestDatabase database, Fleet fleet) {
        this.bus = bus;
        this.database = database;
        this.fleet = fleet;
    }

    void fill() {
        List<Order> orders = List.of(
                new Order(
                        "devops-health-check",
                        "devops",
                        "every hour",
                        1,
                        "All hosts answer.",
                        "ccccncccccnlcccccccccc"),
                new Order(
                        "audit-lease-reaper",
                        "auditor",
                        "every 2 hours",
                        2,
                        "No lease is left behind.",
                        "nnnnnnncnnnn"),
                new Order(
                        "coord-backlog-rebalance",
                        "coordinator",
                        "every 2 hours",
                        2,
                        "The backlog fits.",
                        "ccmmmmccnc"),
                new Order("security-dependency-scan", "security", "every 4 hours", 4, "No known hole.", "cncfff"),
                new Order("research-scan", "research", "every 3 hours", 3, Hostile.text(400), "ccscclcc"),
                new Order("publisher-daily-digest", "publisher", "every day at 07:00", 24, "The digest is out.", "c"));
        Instant from = now.minus(DAY).truncatedTo(ChronoUnit.HOURS);
        run(
                "select sync_standing_orders('default', ?::jsonb, ?::timestamptz)",
                orders.stream().map(this::definition).toList().toString(),
                from.minus(DAY).toString());
        for (Order order : orders) {
            plan(order, from);
        }
        for (Order order : orders) {
            live(order, from);
        }
        database.jdbc()
                .update("update standing_order_runs set finished_at = started_at + interval '40 seconds'"
                        + " where finished_at is not null and started_at is not null");
    }

    private ObjectNode definition(Order order) {
        ObjectNode definition = Operations.json(
                "name",
                order.name(),
                "agent",
                order.agent(),
                "cron",
                "0 0 0/" + order.hours() + " * * ?",
                "zone",
                "UTC",
                "words",
                order.schedule(),
                "purpose",
                order.subject(),
                "instructions",
                "Screen, and say what you have seen. " + Hostile.MARKUP,
                "session",
                "isolated",
                "catchUp",
                "skip",
                "catchUpCap",
                3,
                "staggerSeconds",
                60,
                "overlap",
                "skip",
                "graceSeconds",
                600,
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
        return definition.put(
                "definitionHash", Integer.toHexString(definition.toString().hashCode()));
    }

    private void plan(Order order, Instant from) {
        List<Instant> slots = new ArrayList<>();
        for (Instant slot = from; slot.isBefore(now.plus(DAY)); slot = slot.plus(Duration.ofHours(order.hours()))) {
            slots.add(slot);
        }
        run(
                "select plan_slots('default', ?, (select cron from standing_orders where order_name = ?), 'UTC',"
                        + " (select planned_until from standing_orders where order_name = ?), ?::timestamptz[], ?::timestamptz)",
                order.name(),
                order.name(),
                order.name(),
                slots.stream().map(Instant::toString).collect(Collectors.joining(",", "{", "}")),
                now.plus(DAY).toString());
    }

    private void live(Order order, Instant from) {
        Work open = null;
        int number = 0;
        for (Instant slot = from; slot.isBefore(now); slot = slot.plus(Duration.ofHours(order.hours()))) {
            char outcome = order.outcome(number);
            boolean followedBySkip = order.outcome(number + 1) == 's';
            number++;
            if (outcome == 'm') {
                continue;
            }
            settle(order, outcome == 'l' ? slot.plus(LATE) : slot.plusSeconds(2));
            if (outcome == 's') {
                fleet.complete(open, "The run before took longer than its hours.");
                open = null;
                continue;
            }
            Work work = claim(order.agent());
            if (followedBySkip) {
                open = work;
            } else {
                close(work, outcome);
            }
        }
    }

    private void settle(Order order, Instant at) {
        if (at.isBefore(now)) {
            run("select settle_standing_orders('default', ?, ?::timestamptz)", order.name(), at.toString());
        }
    }

    private Work claim(String agent) {
        JsonNode job = bus.call("claimJobs", "targetAgent", agent, "leaseSeconds", 3600)
                .at("/jobs/0");
        if (job.isMissingNode()) {
            throw new IllegalStateException("no slot of " + agent + " has started");
        }
        Work work =
                new Work(job.path("jobId").asText(), job.path("attemptToken").asText());
        bus.callAs(work.token(), "markRunningJob", "jobId", work.jobId());
        return work;
    }

    private void close(Work work, char outcome) {
        switch (outcome) {
            case 'n' ->
                bus.callAs(
                        work.token(),
                        "completeJob",
                        "jobId",
                        work.jobId(),
                        "summary",
                        "Nothing to do.",
                        "outcome",
                        "no_work",
                        "evidence",
                        Map.of("hosts", 12, "read", Hostile.MARKUP));
            case 'f' ->
                bus.callAs(
                        work.token(),
                        "failJob",
                        "jobId",
                        work.jobId(),
                        "error",
                        "The registry of advisories answers 503.",
                        "retry",
                        false);
            case 'b' -> fleet.block(work, "The key of web-1 has run out.", "person", "anna");
            default -> fleet.complete(work, "All 12 hosts answer.");
        }
    }

    private void run(String sql, Object... arguments) {
        database.jdbc().query(sql, row -> {}, arguments);
    }
}
