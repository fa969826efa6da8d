package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Two namespaces side by side: standing orders, gateways, the auditor and retention serve both. */
@ExtendWith(PostgresExtension.class)
class EveryNamespaceTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        bus.jdbc()
                .update(
                        "insert into agents (namespace, agent_id, accepts) values ('other', 'devops', '{infra.check}')");
    }

    /** Makes an hourly order known in a namespace, with one slot that is due. */
    private void dueOrder(String namespace, String startedBy) {
        Instant hourAgo = Instant.now().minus(Duration.ofHours(1)).truncatedTo(ChronoUnit.SECONDS);
        Instant due = Instant.now().minusSeconds(10).truncatedTo(ChronoUnit.SECONDS);
        bus.one(
                "select sync_standing_orders(?, ?::jsonb, ?::timestamptz)",
                namespace,
                List.of(Orders.order("patrol", "startedBy", startedBy)).toString(),
                hourAgo.toString());
        assertEquals(
                1,
                bus.jdbc()
                        .queryForObject(
                                """
                                select plan_slots(?, 'patrol', '0 0 * * * ?', 'UTC', ?::timestamptz,
                                  array[?::timestamptz], ?::timestamptz)""",
                                Integer.class,
                                namespace,
                                hourAgo.toString(),
                                due.toString(),
                                due.toString()));
    }

    private JsonNode only(String list, String function, Object... input) {
        JsonNode rows = bus.ask(function, input).get(list);
        assertEquals(1, rows.size(), rows::toString);
        return rows.get(0);
    }

    @Test
    void the_slots_of_every_namespace_are_planned_and_settled_and_each_sees_its_own() {
        dueOrder("default", "bus");
        dueOrder("other", "bus");

        assertEquals(
                List.of("default patrol", "other patrol"),
                bus.jdbc()
                        .queryForList(
                                "select (o ->> 'namespace') || ' ' || (o ->> 'order') from standing_orders_to_plan(null) o",
                                String.class));
        assertEquals(
                2,
                bus.jdbc()
                        .queryForList("select settle_standing_orders(null)", String.class)
                        .size());

        for (String namespace : List.of("default", "other")) {
            JsonNode slot = only("runs", "list_standing_order_runs", "namespace", namespace);
            assertEquals(namespace, slot.get("namespace").asText());
            assertEquals("started", slot.get("status").asText());
            JsonNode job = bus.ask(
                    "get_job",
                    "namespace",
                    namespace,
                    "jobId",
                    slot.get("jobId").asText());
            assertEquals(namespace, job.get("namespace").asText());
            assertEquals(
                    "started",
                    only("orders", "list_standing_orders", "namespace", namespace)
                            .get("lastStatus")
                            .asText());
            assertEquals(
                    1,
                    bus.ask("standing_order_calendar", "namespace", namespace)
                            .at("/orders/0/started")
                            .asInt());
            assertEquals(
                    1,
                    bus.ask("get_standing_order", "namespace", namespace, "orderName", "patrol")
                            .get("runs")
                            .size());
        }
    }

    @Test
    void orders_of_one_namespace_are_started_run_and_finished_by_its_own_callers() {
        dueOrder("other", "external");
        ObjectNode devops = agent("devops").put("namespace", "other");

        String run = bus.call("start_standing_order", devops, json("orderName", "patrol"))
                .at("/run/runId")
                .asText();
        assertEquals(
                "404 unknown_standing_order orderName",
                refusal(() -> bus.ask("run_standing_order", "orderName", "patrol"))
                        .brief());
        assertEquals(
                "404 unknown_run runId",
                refusal(() -> bus.ask("finish_standing_order", "runId", run, "status", "failed", "summary", "x"))
                        .brief());
        assertEquals(
                "completed",
                bus.call("finish_standing_order", devops, json("runId", run, "status", "completed", "summary", "done"))
                        .at("/run/status")
                        .asText());
        assertEquals(
                "other",
                bus.ask("run_standing_order", "namespace", "other", "orderName", "patrol")
                        .at("/run/namespace")
                        .asText());
    }

    @Test
    void runs_elsewhere_that_nobody_finishes_fail_in_every_namespace() {
        for (String namespace : List.of("default", "other")) {
            dueOrder(namespace, "external");
            bus.ask("start_standing_order", "namespace", namespace, "orderName", "patrol", "timeoutSeconds", 1);
        }

        assertEquals(
                2,
                bus.jdbc()
                        .queryForList("select end_overdue_slots(now() + interval '2 seconds')", String.class)
                        .size());
    }

    @Test
    void a_gateway_is_configured_in_every_namespace_and_each_keeps_its_share() {
        bus.jdbc().update("update gateways set max_in_flight = 3 where namespace = 'other' and gateway = 'default'");

        for (String gateway : List.of("default", "east")) {
            bus.jdbc()
                    .queryForList(
                            "select configure_gateway_everywhere('default', ?, 5, 'http://127.0.0.1:2', 'direct')",
                            gateway);
        }

        assertEquals(
                List.of(
                        "default default 5 direct",
                        "default east 5 direct",
                        "other default 3 direct",
                        "other east 5 direct"),
                bus.jdbc()
                        .queryForList(
                                """
                                select concat_ws(' ', namespace, gateway, max_in_flight, form) from gateways
                                where namespace in ('default', 'other') order by 1""",
                                String.class));
        assertEquals(
                List.of("default", "east"),
                bus.ask("list_gateways", "namespace", "other").findValuesAsText("name"));
    }

    @Test
    void a_new_namespace_has_the_gateways_of_the_first_one() {
        bus.jdbc().queryForList("select configure_gateway('default', 'east', 5, 'http://127.0.0.1:2', 'direct')");

        bus.jdbc().update("insert into namespaces values ('newest')");

        assertEquals(
                List.of("default 7 mapped", "east 5 direct"),
                bus.jdbc()
                        .queryForList(
                                """
                                select concat_ws(' ', gateway, max_in_flight, form) from gateways
                                where namespace = 'newest' order by 1""",
                                String.class));
    }

    @Test
    void a_gateways_token_of_one_namespace_reports_on_its_runs_alone() {
        Attempt attempt = bus.running();
        Attempt others = bus.running("namespace", "other");
        bus.ask("issue_gateway_token", "namespace", "other", "gateway", "default", "tokenHash", "aa".repeat(32));
        JsonNode gateway = bus.one("select authenticate(decode(?, 'hex'))", "aa".repeat(32));
        assertEquals("other", gateway.get("namespace").asText());

        for (Attempt each : List.of(attempt, others)) {
            JsonNode answer = bus.call(
                    "report_run_end",
                    gateway,
                    json("sessionKey", "agent:devops:job:" + each.job(), "success", false, "error", "it crashed"));
            assertEquals(each == others, answer.get("applied").asBoolean(), answer::toString);
        }

        assertEquals("running", bus.state(attempt.job()));
        assertEquals("queued", bus.state(others.job()));
        assertEquals(
                0,
                bus.call("report_gateway_start", gateway, json("bootId", "b", "version", "1"))
                        .get("runsInDoubt")
                        .asInt());
    }

    @Test
    void finished_work_of_every_namespace_goes_to_history_with_an_audit_row_in_its_own() {
        bus.complete(bus.running());
        bus.complete(bus.running("namespace", "other"));
        bus.jdbc().execute("alter table jobs disable trigger user");
        bus.jdbc().update("update jobs set ended_at = now() - interval '31 days'");
        bus.jdbc().execute("alter table jobs enable trigger user");

        String place = null;
        do {
            JsonNode next = bus.one("select retire_finished_work(30, 100, ?::jsonb)", place)
                    .get("next");
            place = next.isNull() ? null : next.toString();
        } while (place != null);

        assertEquals(0, bus.count("jobs"));
        for (String namespace : List.of("default", "other")) {
            assertEquals(
                    1,
                    bus.count(
                            "audit_log where action = 'history.moved' and row_id = 'jobs' and namespace = ?",
                            namespace));
        }
    }

    @Test
    void the_auditor_looks_into_every_namespace() {
        Attempt attempt = bus.running();
        Attempt others = bus.running("namespace", "other");
        bus.block(attempt, "person", "anna");
        bus.block(others, "person", "anna");
        bus.jdbc().update("update jobs set updated_at = now() - interval '11 minutes'");

        bus.jdbc().queryForList("select audit_bus()");

        assertEquals(
                List.of("default", "other"),
                bus.jdbc()
                        .queryForList(
                                "select namespace from events where topic = 'audit.stuck_job' order by 1",
                                String.class));
        String problems =
                bus.ask("health", "namespace", "other").get("problems").toString();
        assertEquals("[]", problems);
    }

    @Test
    void an_agent_is_paused_and_resumed_in_its_own_namespace() {
        bus.ask("pause_agent", "namespace", "other", "agentId", "devops", "reason", "maintenance");
        String job = bus.enqueue();
        String waiting = bus.enqueue("namespace", "other");

        assertEquals(List.of(job), bus.claimedIds(10));

        bus.ask("resume_agent", "namespace", "other", "agentId", "devops");
        assertEquals(List.of(waiting), bus.claimedIds(10));
    }

    @Test
    void the_proposals_of_every_namespace_are_audited_measured_and_judged_in_their_own() {
        ProposalRows rows = new ProposalRows(bus);
        bus.jdbc().queryForObject("select note_phase('default', 3, 'host-7')", String.class);
        rows.opportunity("touched_at", rows.ago("days => 15"));
        rows.opportunity("namespace", "other", "source_agent", "devops", "touched_at", rows.ago("days => 20"));
        rows.idea("namespace", "other", "source_agent", "devops", "created_at", rows.ago("secs => -1"));

        bus.jdbc().queryForList("select audit_bus()");

        assertEquals(
                List.of("default 15", "other 20"),
                bus.jdbc()
                        .queryForList(
                                "select namespace || ' ' || (payload ->> 'oldestDays') from events"
                                        + " where topic = 'audit.proposals.stale' order by 1",
                                String.class));
        assertEquals(
                List.of("default opportunity", "other idea", "other opportunity"),
                bus.jdbc()
                        .queryForList(
                                "select (labels ->> 'namespace') || ' ' || (labels ->> 'kind') from measured_proposals()"
                                        + " where metric = 'agentbus_proposals' order by 1",
                                String.class));
        for (String namespace : List.of("default", "other")) {
            assertEquals(
                    namespace.equals("other") ? "met" : "not_met",
                    bus.ask("phase_gate", "namespace", namespace, "phase", "3")
                            .at("/criteria/0/status")
                            .asText());
        }
    }

    @Test
    void the_proposals_of_every_namespace_and_their_reviews_are_kept_for_a_year_and_open_ones_for_ever() {
        ProposalRows rows = new ProposalRows(bus);
        for (String namespace : List.of("default", "other")) {
            for (int days : new int[] {364, 366}) {
                String ended = rows.ago("days => " + days);
                rows.idea("namespace", namespace, "status", "archived", "ended_at", ended);
                rows.opportunity("namespace", namespace, "status", "rejected", "ended_at", ended);
            }
            rows.idea("namespace", namespace, "created_at", rows.ago("days => 900"));
        }
        bus.jdbc()
                .update("insert into opportunity_reviews (namespace, opportunity_id, reviewer, decision, notes)"
                        + " select namespace, opportunity_id, 'operator:anna', 'rejected', 'no' from opportunities");
        rows.report("ideas_digest", 10, 1, 366 * 24);
        rows.report("ideas_digest", 10, 1, 364 * 24);

        String place = null;
        do {
            JsonNode next = bus.one("select retire_finished_work(30, 100, ?::jsonb)", place)
                    .get("next");
            place = next.isNull() ? null : next.toString();
        } while (place != null);

        assertEquals(4, bus.count("ideas"));
        assertEquals(2, bus.count("opportunities"));
        assertEquals(2, bus.count("opportunity_reviews"));
        assertEquals(1, bus.count("reports"));
    }
}
