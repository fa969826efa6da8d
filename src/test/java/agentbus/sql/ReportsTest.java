package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Orders.DAY;
import static agentbus.sql.Orders.T0;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A report is composed once for its period, never changes, and reaches the publisher's job as its payload. */
@ExtendWith(PostgresExtension.class)
class ReportsTest {
    private static final String FROM = "2026-01-05T18:30:00Z";
    private static final String TO = "2026-01-06T18:30:00Z";

    private Machine bus;
    private Orders orders;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        database.agents(Map.of("publisher", new String[] {"digest.publish"}));
        orders = new Orders(bus);
    }

    private JsonNode compose(String kind) {
        return bus.ask("compose_report", "kind", kind, "from", FROM, "to", TO);
    }

    private Refusal refusal(ObjectNode principal, Object... input) {
        return Machine.refusal(() -> bus.call("compose_report", principal, json(input)));
    }

    @Test
    void a_report_is_composed_once_for_its_period() {
        JsonNode first = compose("daily_digest");
        bus.dead();
        JsonNode second = compose("daily_digest");

        assertEquals(first, second);
        assertEquals(1, bus.count("reports"));
        assertEquals(1, bus.count("events where topic = 'digest.composed'"));
        assertEquals(1, bus.count("audit_log where action = 'report.added' and actor = 'operator:anna'"));
    }

    @Test
    void callers_at_the_same_moment_get_the_same_report() throws InterruptedException {
        List<String> ids =
                Race.won(6, i -> () -> compose("weekly_report").get("reportId").asText());

        assertEquals(1, new HashSet<>(ids).size(), ids::toString);
        assertEquals(1, bus.count("reports"));
        assertEquals(1, bus.count("events where topic = 'digest.composed'"));
    }

    @Test
    void without_times_the_period_is_a_day_or_a_week_up_to_the_last_whole_minute() {
        JsonNode daily = bus.ask("compose_report", "kind", "ideas_digest");
        JsonNode weekly = bus.ask("compose_report", "kind", "weekly_bets");

        assertEquals(Duration.ofDays(1), period(daily));
        assertEquals(Duration.ofDays(7), period(weekly));
        assertEquals(0, time(daily, "to").getEpochSecond() % 60);
    }

    private static Instant time(JsonNode report, String field) {
        return java.time.OffsetDateTime.parse(report.get(field).asText()).toInstant();
    }

    private static Duration period(JsonNode report) {
        return Duration.between(time(report, "from"), time(report, "to"));
    }

    @Test
    void the_job_of_an_order_gets_the_report_of_its_slot() {
        orders.sync(T0, digest("ideas_digest"));
        orders.plan("digest", DAY, T0.plus(DAY));
        orders.settle(T0.plus(DAY).plusSeconds(5));

        JsonNode report = bus.ask("list_reports").at("/reports/0");
        JsonNode job = bus.one("select jsonb_build_object('payload', payload, 'trust', trust, 'id', job_id) from jobs");
        JsonNode handed = job.at("/payload/report");
        JsonNode whole =
                bus.ask("get_report", "reportId", report.get("reportId").asText());
        assertEquals(T0, time(report, "from"));
        assertEquals(T0.plus(DAY), time(report, "to"));
        assertEquals(job.get("id"), report.get("jobId"));
        assertEquals(report.get("reportId"), handed.get("reportId"));
        assertEquals(whole.get("markdown"), handed.get("markdown"));
        assertEquals("untrusted", job.get("trust").asText(), "it quotes other agents");
        assertEquals("digest", job.at("/payload/order").asText());
    }

    private static ObjectNode digest(String kind) {
        return Orders.order("digest", "agent", "publisher", "report", kind);
    }

    @Test
    void an_order_without_a_report_has_none_and_its_job_stays_trusted() {
        orders.sync(T0, digest(""));
        orders.plan("digest", DAY, T0.plus(DAY));
        orders.settle(T0.plus(DAY).plusSeconds(5));

        assertEquals(0, bus.count("reports"));
        assertEquals(1, bus.count("jobs where trust = 'trusted' and payload -> 'report' is null"));
    }

    @Test
    void two_nodes_that_settle_a_slot_make_one_report() throws InterruptedException {
        orders.sync(T0, digest("daily_digest"));
        orders.plan("digest", DAY, T0.plus(DAY));

        Race.won(4, i -> () -> orders.settle(T0.plus(DAY).plusSeconds(5)));

        assertEquals(1, bus.count("reports"));
        assertEquals(1, bus.count("jobs"));
    }

    @Test
    void no_time_falls_between_the_reports_of_an_order() {
        orders.sync(T0, digest("daily_digest"));
        orders.plan("digest", DAY, T0.plus(DAY.multipliedBy(4)));
        orders.settle(T0.plus(DAY).plusSeconds(5));
        bus.complete(orders.running());
        compose("daily_digest");

        orders.settle(T0.plus(DAY.multipliedBy(4)).plusSeconds(5));

        JsonNode newest = bus.ask("list_reports").at("/reports/0");
        assertEquals(
                T0.plus(DAY),
                time(newest, "from"),
                "the bus stood still for three days, and a call is no report of the order");
        assertEquals(T0.plus(DAY.multipliedBy(4)), time(newest, "to"));
    }

    @Test
    void a_report_whose_job_failed_has_told_nobody_so_the_next_one_begins_where_it_began() {
        orders.sync(T0, digest("daily_digest"));
        orders.plan("digest", DAY, T0.plus(DAY.multipliedBy(2)));
        orders.settle(T0.plus(DAY).plusSeconds(5));
        bus.say(orders.running(), "fail_job", "error", "the mail is down", "retry", false);

        orders.settle(T0.plus(DAY.multipliedBy(2)).plusSeconds(5));

        JsonNode newest = bus.ask("list_reports").at("/reports/0");
        assertEquals(T0.plus(DAY.multipliedBy(2)), time(newest, "to"));
        assertEquals(T0, time(newest, "from"));
    }

    @Test
    void after_a_long_stop_a_report_reaches_back_seven_periods_and_not_one() {
        orders.sync(T0, digest("daily_digest"));
        orders.plan("digest", DAY, T0.plus(DAY.multipliedBy(13)));
        orders.settle(T0.plus(DAY).plusSeconds(5));
        bus.complete(orders.running());

        orders.settle(T0.plus(DAY.multipliedBy(13)).plusSeconds(5));

        assertEquals(T0.plus(DAY.multipliedBy(6)), time(bus.ask("list_reports").at("/reports/0"), "from"));
    }

    @Test
    void a_report_that_a_call_composed_for_the_time_of_a_slot_goes_to_its_job_and_counts_as_told() {
        JsonNode called = bus.ask(
                "compose_report",
                "kind",
                "daily_digest",
                "from",
                T0.toString(),
                "to",
                T0.plus(DAY).toString());
        orders.sync(T0, digest("daily_digest"));
        orders.plan("digest", DAY, T0.plus(DAY));

        orders.settle(T0.plus(DAY).plusSeconds(5));

        String job = bus.jdbc().queryForObject("select job_id::text from jobs", String.class);
        JsonNode report = bus.ask("list_reports").at("/reports/0");
        assertEquals(called.get("reportId"), report.get("reportId"));
        assertEquals(job, report.path("jobId").asText());
        assertEquals(1, bus.count("audit_log where action = 'report.changed' and detail ->> 'job_id' = ?", job));
        assertEquals(1, bus.count("events where topic = 'digest.composed'"));
    }

    @Test
    void a_report_that_cannot_be_composed_does_not_stop_its_order() {
        orders.sync(T0, digest("daily_digest"));
        orders.plan("digest", DAY, T0.plus(DAY));
        bus.jdbc().execute("alter function report_title(text) rename to report_title_gone");
        try {
            orders.settle(T0.plus(DAY).plusSeconds(5));
        } finally {
            bus.jdbc().execute("alter function report_title_gone(text) rename to report_title");
        }

        assertEquals(1, bus.count("jobs where payload -> 'report' is null"));
        assertEquals(
                1, bus.count("events where topic = 'digest.failed' and payload ->> 'error' like '%report_title%'"));
        assertEquals(0, bus.count("reports"));
    }

    @Test
    void only_people_and_the_publisher_compose_and_every_agent_reads() {
        Refusal refused = refusal(agent("research"), "kind", "daily_digest");
        assertEquals(403, refused.status());
        assertEquals("agent research may not compose reports", refused.message());

        JsonNode report =
                bus.call("compose_report", agent("publisher"), json("kind", "daily_digest", "from", FROM, "to", TO));
        assertEquals("agent:publisher", report.get("createdBy").asText());
        assertEquals(
                report,
                bus.call(
                        "get_report",
                        agent("research"),
                        json("reportId", report.get("reportId").asText())));
    }

    @Test
    void a_period_that_makes_no_sense_is_refused() {
        ObjectNode anna = Machine.operator();
        assertTrue(refusal(anna, "kind", "daily_digest", "to", "2999-01-01T00:00:00Z")
                .message()
                .startsWith("the period ends at 2999-01-01T00:00:00Z, which is to come"));
        assertEquals(
                422,
                refusal(anna, "kind", "daily_digest", "from", TO, "to", FROM).status());
        assertEquals(
                422,
                refusal(anna, "kind", "daily_digest", "from", "2025-01-01T00:00:00Z", "to", TO)
                        .status());
    }

    @Test
    void a_report_on_proposals_is_refused_while_its_phase_is_off_and_the_digest_of_the_day_is_not() {
        bus.jdbc().queryForObject("select note_phase('default', 2, 'host-7')", String.class);
        try {
            Refusal refused = refusal(Machine.operator(), "kind", "ideas_digest");
            assertEquals("409 phase_off", refused.status() + " " + refused.code());
            compose("daily_digest");
            assertEquals(1, bus.ask("list_reports").get("reports").size());
        } finally {
            bus.jdbc().update("delete from phases");
        }
    }

    @Test
    void reports_are_listed_by_kind_and_page() {
        for (String kind : List.of("daily_digest", "ideas_digest", "weekly_report")) {
            compose(kind);
        }

        JsonNode page = bus.ask("list_reports", "limit", 2);
        JsonNode rest =
                bus.ask("list_reports", "limit", 2, "before", page.get("next").asLong());
        assertEquals(
                List.of("weekly_report", "ideas_digest"), page.get("reports").findValuesAsText("kind"));
        assertEquals(List.of("daily_digest"), rest.get("reports").findValuesAsText("kind"));
        assertFalse(rest.has("next"));
        assertFalse(page.at("/reports/0").has("markdown"));
        assertEquals(
                1,
                bus.ask("list_reports", "kind", "ideas_digest").get("reports").size());
    }

    @Test
    void a_report_of_another_namespace_is_unknown_here() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        JsonNode other =
                bus.ask("compose_report", "namespace", "other", "kind", "daily_digest", "from", FROM, "to", TO);

        assertEquals("other", other.get("namespace").asText());
        assertTrue(other.get("markdown").asText().startsWith("**Daily digest** of other, "), other::toString);
        assertEquals(0, bus.ask("list_reports").get("reports").size());
        Refusal unknown = Machine.refusal(
                () -> bus.ask("get_report", "reportId", other.get("reportId").asText()));
        assertEquals("404 unknown_report", unknown.status() + " " + unknown.code());
    }
}
