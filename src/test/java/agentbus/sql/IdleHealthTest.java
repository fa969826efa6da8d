package agentbus.sql;

import static agentbus.sql.Needs.assertSays;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What health, the gauges, the auditor and needs-me say about idle thinking, and its early starts. */
@ExtendWith(PostgresExtension.class)
class IdleHealthTest {
    private static final String ORDER = "research-idle";

    private Machine bus;
    private IdleRows rows;
    private Needs needs;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        rows = new IdleRows(bus);
        needs = new Needs(bus);
        bus.jdbc().update("update agents set idle_questions = '{What would change our mind?}'");
        new Orders(bus)
                .sync(
                        Instant.now(),
                        Orders.order(ORDER, "agent", "research", "jobType", "idle", "preCheck", "idle", "phase", 5));
    }

    private List<String> problems() {
        List<String> problems = new java.util.ArrayList<>();
        bus.ask("health").get("problems").forEach(problem -> problems.add(problem.asText()));
        return problems;
    }

    private void skippedSlots(int hours, String reason) {
        bus.jdbc()
                .update(
                        "insert into standing_order_runs (namespace, agent_id, order_name, scheduled_for, status, summary,"
                                + " finished_at) select 'default', 'research', ?, date_trunc('hour', now()) - make_interval(hours => h),"
                                + " 'skipped', ?, now() from generate_series(1, ?) h",
                        ORDER,
                        reason,
                        hours);
    }

    private void orderIsOld() {
        bus.jdbc().update("update standing_orders set created_at = now() - interval '30 days'");
    }

    @Test
    void a_run_that_goes_on_after_its_stop_is_a_problem_of_health_an_event_and_an_item_of_needs_me() {
        String job = rows.run(0, "ended_at", null, "stop_asked_at", rows.ago(0, 1), "stop_reason", "work arrived");
        assertEquals(List.of(), problems());
        bus.jdbc().update("update idle_runs set stop_asked_at = now() - interval '3 minutes'");

        assertEquals(1, problems().size());
        String problem = problems().get(0);
        assertTrue(
                problem.startsWith("the idle run of agent research on gateway default was asked to stop at "), problem);
        assertTrue(problem.endsWith(" and still goes on (job " + job + "): work arrived"), problem);
        for (int pass = 0; pass < 2; pass++) {
            bus.jdbc().queryForObject("select audit_bus()::text", String.class);
        }
        assertEquals(
                List.of("audit.idle.overstay"),
                bus.jdbc().queryForList("select topic from events where topic like 'audit.%'", String.class));
        assertEquals(
                0,
                bus.jdbc()
                        .queryForObject(
                                "select value from measured_health() where labels ->> 'check' = 'idle'"
                                        + " and labels ->> 'namespace' = 'default'",
                                Integer.class));
        assertSays(
                "The idle run of research on gateway default was asked to stop and still goes on: work arrived.",
                needs.only("idle_overstay/"
                        + bus.one("select to_json(idle_run_id) from idle_runs").asText()));

        bus.jdbc().update("update idle_runs set ended_at = now(), outcome = 'stopped'");
        assertEquals(List.of(), problems());
        assertEquals(List.of(), needs.items());
    }

    @Test
    void the_gauges_have_each_agent_with_its_runs_by_outcome_what_they_spent_their_yield_and_its_cadence() {
        rows.promoted(rows.run(1, "tokens", 1000, "cost_usd", 0.5, "settled_at", rows.ago(0, 0)));
        rows.run(2, "outcome", "no_work");
        rows.run(20);
        bus.jdbc().queryForObject("select settle_idle()::text", String.class);

        assertEquals(
                List.of(
                        "agentbus_idle_cadence research 1",
                        "agentbus_idle_cost_usd research 0.5",
                        "agentbus_idle_runs research completed 1",
                        "agentbus_idle_runs research failed 0",
                        "agentbus_idle_runs research no_work 1",
                        "agentbus_idle_runs research stopped 0",
                        "agentbus_idle_tokens research 1000",
                        "agentbus_idle_yield research 0.5"),
                bus.jdbc()
                        .queryForList(
                                "select concat_ws(' ', metric, labels ->> 'agent', labels ->> 'outcome', value) from measured_idle()"
                                        + " order by 1",
                                String.class));
        JsonNode shown = bus.ask("health").at("/idleYields/0");
        assertEquals("research", shown.get("agentId").asText());
        assertEquals(2, shown.get("runs").asInt());
        assertEquals(0.5, shown.get("yield").asDouble());
    }

    @Test
    void an_order_that_work_keeps_from_running_is_neither_silent_nor_waits_for_a_person() {
        orderIsOld();
        skippedSlots(40, "a job is due");

        assertEquals(List.of(), problems());
        assertEquals(List.of(), needs.items());
        assertEquals(
                "new", bus.jdbc().queryForObject("select health from standing_order_health_summary_v", String.class));
    }

    @Test
    void an_order_that_never_ran_for_two_weeks_is_reported_once_with_the_reason() {
        skippedSlots(40, "a job is due");
        bus.jdbc().queryForObject("select audit_idle_never_ran(now())", String.class);
        assertEquals(0, bus.count("events"), "the order is new");
        orderIsOld();
        for (int pass = 0; pass < 2; pass++) {
            bus.jdbc().queryForObject("select audit_idle_never_ran(now())", String.class);
        }
        JsonNode event = bus.one("select payload from events where topic = 'audit.idle.never_ran'");
        assertEquals("a job is due", event.get("mostOften").asText());
        assertEquals(40, event.get("skipped").asInt());
    }

    @Test
    void a_run_that_work_has_stopped_has_begun_although_its_slot_is_skipped() {
        orderIsOld();
        skippedSlots(40, "stopped after 340 s, because work arrived for research");
        String slot = bus.jdbc().queryForObject("select run_id::text from standing_order_runs limit 1", String.class);
        rows.run(0, "slot_id", slot, "outcome", "stopped");

        bus.jdbc().queryForObject("select audit_idle_never_ran(now())", String.class);

        assertEquals(0, bus.count("events"));
        JsonNode agent = bus.ask("idle_report").at("/agents/0");
        assertEquals(1, agent.get("runs").asInt());
        assertEquals(39, agent.get("skipped").asInt());
    }

    @Test
    void a_run_above_the_tokens_of_a_day_is_shown_until_the_next_one_and_the_person_disables_the_order() {
        rows.run(2, "tokens", 250_000, "settled_at", rows.ago(1, 0), "order_name", ORDER);
        JsonNode item = needs.only();
        assertEquals("idle_over_cap", item.get("kind").asText());
        assertSays(
                "The last idle run of research has spent 250000 tokens, and its budget of that day was 200000.", item);
        rows.run(1, "tokens", 50_000, "settled_at", rows.ago(0, 0), "order_name", ORDER);
        assertEquals(List.of(), needs.items());

        bus.jdbc().update("update idle_runs set tokens = 250000");
        for (String budget : List.of("{\"tokens\": 300000}", "{\"runs\": 0}", "{\"minutes\": 4}")) {
            bus.jdbc().update("update agents set idle_budget = ?::jsonb", budget);
            assertEquals(List.of(), needs.items(), "its next run may spend that, or there is none: " + budget);
        }
        bus.jdbc().update("update agents set idle_budget = '{}'");
        needs.act(needs.only(), "Disable the order");
        assertFalse(needs.ids().stream().anyMatch(id -> id.startsWith("idle_over_cap")));
    }

    @Test
    void an_agent_whose_thinking_nobody_wants_is_shown_at_the_lowest_cadence_with_the_numbers_of_now() {
        bus.jdbc()
                .update("insert into idle_cadences (namespace, agent_id, factor, reason)"
                        + " values ('default', 'research', 0.25, '0 of 9 outputs of 7 judged runs were wanted')");
        String job = rows.run(1);
        rows.run(2);
        assertEquals(List.of(), needs.items());
        bus.jdbc().update("update idle_cadences set factor = 0.125");
        assertSays(
                "Nobody wants what comes of the idle thinking of research: 0 of 0 outputs of 2 judged runs were wanted.",
                needs.only());
        rows.promoted(job);
        assertEquals(List.of(), needs.items(), "somebody wants it now");
        bus.jdbc().update("delete from ideas");
        bus.jdbc().queryForObject("select note_phase('default', 4, 'host-7')", String.class);
        assertEquals(
                List.of(),
                needs.ids().stream().filter(id -> id.startsWith("idle")).toList(),
                "while the phase is off nobody thinks");
    }

    private int started() {
        return bus.one("select settle_idle()::text").get("started").asInt();
    }

    /** The order's only slot to come is so many hours from now. */
    private void nextSlotIn(int hours) {
        bus.jdbc().update("delete from standing_order_runs where status = 'expected'");
        bus.jdbc()
                .update(
                        "insert into standing_order_runs (namespace, agent_id, order_name, scheduled_for, status)"
                                + " values ('default', 'research', ?, now() + make_interval(hours => ?), 'expected')",
                        ORDER,
                        hours);
    }

    @Test
    void a_good_agent_thinks_early_when_it_is_quiet_and_rested_and_its_next_slot_is_far() {
        nextSlotIn(12);
        assertEquals(0, started(), "its factor is 1");
        bus.jdbc()
                .update("insert into idle_cadences (namespace, agent_id, factor, reason)"
                        + " values ('default', 'research', 2, '5 of 5 outputs of 5 judged runs were wanted')");
        nextSlotIn(9);
        assertEquals(0, started(), "its next slot comes soon");
        nextSlotIn(12);
        String job = bus.enqueue("targetAgent", "research", "subject", "research.packet");
        assertEquals(0, started(), "work waits for it");
        bus.ask("cancel_job", "jobId", job, "reason", "not now");

        assertEquals(1, started());
        assertEquals(
                "dispatcher:idle it may think twice as often as its order says",
                bus.jdbc()
                        .queryForObject(
                                "select actor || ' ' || why from audit_log where table_name = 'idle_runs'",
                                String.class));
        assertEquals(
                "What would change our mind?",
                bus.one("select to_json(question) from idle_runs").asText());
        assertEquals(0, started(), "a run of it is under way");
        assertEquals(0, bus.count("idle_runs where by_hand"), "it has asked the gate");
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
    }

    @Test
    void nothing_starts_early_while_the_phase_is_frozen_or_the_order_is_disabled() {
        nextSlotIn(12);
        bus.jdbc()
                .update("insert into idle_cadences (namespace, agent_id, factor, reason)"
                        + " values ('default', 'research', 2, '5 of 5 outputs of 5 judged runs were wanted')");
        bus.ask("freeze", "kind", "phase", "name", "5", "reason", "too many ideas");
        assertEquals(0, started());
        bus.ask("unfreeze", "kind", "phase", "name", "5", "reason", "again");
        bus.ask("disable_standing_order", "orderName", ORDER, "reason", "no");
        assertEquals(0, started());
    }
}
