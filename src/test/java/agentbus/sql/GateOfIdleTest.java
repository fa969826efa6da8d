package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The gate of phase 5: two weeks of idle thinking within its budgets, and a vault that agrees with the database. */
class GateOfIdleTest extends PhaseGates {
    private IdleRows rows;

    @BeforeEach
    void phaseFive() {
        rows = new IdleRows(bus);
        onFor(5, 15 * 24);
    }

    private void vault(String directory, String more) {
        bus.jdbc()
                .update(
                        "insert into vaults (namespace, directory, exported_at, notes, verified_at, differences)"
                                + " values ('default', ?, now() - interval '5 hours', 12, now() - interval '4 hours', 0)",
                        directory);
        if (!more.isEmpty()) {
            bus.jdbc().update("update vaults set " + more + " where directory = ?", directory);
        }
    }

    @Test
    void without_rows_nothing_is_met() {
        assertEquals(
                Map.of(
                        "idle_under_budget", "not_measured",
                        "vault_agrees", "not_measured",
                        "phase_before", "not_met",
                        "time_without_breach", "met"),
                statuses(gate(5)));
    }

    @Test
    void two_weeks_within_the_budgets_and_a_verified_vault_meet_it() {
        for (int day = 1; day <= 13; day++) {
            rows.run(day, "tokens", 90_000, "cost_usd", 0.9);
        }
        rows.run(1, "agent_id", "devops", "tokens", 200_000, "seconds", 1200);
        rows.run(2, "began_at", null, "seconds", 0, "outcome", "stopped");
        vault("vault", "");
        for (String phase : List.of("1", "2", "3", "4")) {
            bus.ask("sign_off_phase", "phase", phase, "person", "Anna", "reason", "r", "despite", "d");
        }

        JsonNode gate = gate(5);

        assertEquals("met", gate.get("status").asText(), gate::toPrettyString);
        assertEquals(336, gate.get("demandedHours").asInt());
        assertCriterion(
                5,
                "idle_under_budget",
                "met",
                "14 idle runs of 2 agents, 1370000 tokens, and each day within its budget");
        assertCriterion(5, "vault_agrees", "met", "12 notes in 1 vault, verified at \\S+");
    }

    @Test
    void a_day_that_spent_too_many_runs_minutes_tokens_or_dollars_is_named() {
        rows.run(1, "tokens", 200_001);
        assertCriterion(
                5,
                "idle_under_budget",
                "not_met",
                "agent research has spent 200001 of 200000 tokens on \\d{4}-\\d\\d-\\d\\d");
        bus.jdbc().update("update idle_runs set tokens = null, cost_usd = 2.01");
        assertCriterion(5, "idle_under_budget", "not_met", "agent research has spent 2.01 of 2 dollars on \\S+");
        bus.jdbc().update("update idle_runs set cost_usd = 2, seconds = 2400 + 60");
        assertCriterion(5, "idle_under_budget", "met", ".*");
        bus.jdbc().update("update idle_runs set seconds = 2400 + 67");
        assertCriterion(5, "idle_under_budget", "not_met", "agent research has spent 41.1 of 40 minutes on \\S+");
        bus.jdbc().update("update agents set idle_budget = '{\"minutes\": 60, \"runs\": 1}'");
        assertCriterion(5, "idle_under_budget", "not_met", "agent research has spent 41.1 of 40 minutes on \\S+");
        bus.jdbc().update("update idle_runs set budget = budget || '{\"minutes\": 60, \"runs\": 1}'");
        assertCriterion(5, "idle_under_budget", "met", ".*");
        rows.run(1, "budget", Machine.json("runs", 1, "minutes", 60, "tokens", 200_000, "dollars", 2));
        assertCriterion(5, "idle_under_budget", "not_met", "agent research has spent 2 of 1 runs on \\S+");
    }

    @Test
    void runs_by_hand_which_no_budget_stops_are_counted_apart() {
        rows.run(1, "by_hand", true, "tokens", 900_000);
        assertCriterion(
                5,
                "idle_under_budget",
                "not_measured",
                "no idle run has begun in this time \\(1 run by hand not counted\\)");
        rows.run(1, "tokens", 1000);
        assertCriterion(
                5,
                "idle_under_budget",
                "met",
                "1 idle run of 1 agent, 1000 tokens, and each day within its budget \\(1 run by hand not counted\\)");
    }

    @Test
    void runs_of_another_namespace_and_those_before_the_phase_do_not_count() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        rows.run(1, "namespace", "other", "tokens", 900_000);
        rows.run(16, "tokens", 900_000);

        assertCriterion(5, "idle_under_budget", "not_measured", "no idle run has begun in this time");
    }

    @Test
    void a_vault_that_differs_is_not_verified_or_was_not_exported_is_named() {
        vault("good", "");
        vault("bad", "differences = 3");
        assertCriterion(5, "vault_agrees", "not_met", "vault bad has 3 differences since \\S+");
        bus.jdbc()
                .update(
                        "update vaults set differences = 0, verified_at = now() - interval '50 hours' where directory = 'bad'");
        assertCriterion(5, "vault_agrees", "not_met", "vault bad was last verified at \\S+");
        bus.jdbc().update("update vaults set verified_at = null where directory = 'bad'");
        assertCriterion(5, "vault_agrees", "not_met", "vault bad was never verified");
        bus.jdbc()
                .update("update vaults set export_error = 'the folder is read-only', export_failed_at = now()"
                        + " where directory = 'bad'");
        assertCriterion(
                5, "vault_agrees", "not_met", "the last export of vault bad has failed: the folder is read-only");
        bus.jdbc()
                .update(
                        "update vaults set exported_at = now() - interval '20 days', export_failed_at = now() - interval '20 days'"
                                + " where directory = 'bad'");
        assertCriterion(5, "vault_agrees", "met", ".*");
    }

    @Test
    void a_vault_that_was_replaced_in_its_place_is_not_judged() {
        vault("vault", "differences = 3, exported_at = now() - interval '6 hours'");
        assertCriterion(5, "vault_agrees", "not_met", "vault vault has 3 differences since .*");

        bus.jdbc()
                .update("insert into vaults (namespace, directory, exported_at, notes, verified_at, differences)"
                        + " values ('default', 'vault', now() - interval '1 hour', 12, now(), 0)");

        assertCriterion(5, "vault_agrees", "met", "12 notes in 1 vault, .*");
    }
}
