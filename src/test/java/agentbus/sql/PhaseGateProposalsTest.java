package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The gate of phase 3: only rows of the proactive lane meet its criteria. */
class PhaseGateProposalsTest extends PhaseGates {
    private ProposalRows rows;

    @BeforeEach
    void phaseThree() {
        rows = new ProposalRows(bus);
        onFor(3, 80);
        bus.jdbc().update("update agents set budgets = '{\"ideas\": 2, \"opportunities\": 1}'");
    }

    @Test
    void without_rows_nothing_is_met() {
        assertEquals(
                Map.of(
                        "idea_surfaced", "not_met",
                        "opportunity_converted", "not_met",
                        "budgets_respected", "not_measured",
                        "digest_is_short", "not_measured",
                        "phase_before", "not_met",
                        "time_without_breach", "met"),
                statuses(gate(3)));
        assertEquals(72, gate(3).get("demandedHours").asInt());
    }

    @Test
    void what_the_fleet_did_since_the_phase_is_on_meets_it_with_a_sample_each() {
        String idea = rows.idea("created_at", rows.ago("hours => 60"));
        String opportunity = rows.converted(bus.enqueue(), 40);
        rows.report("ideas_digest", 400, 7, 30);
        String digest = rows.report("ideas_digest", 120, 3, 6);
        bus.ask("sign_off_phase", "phase", "1", "person", "Anna", "reason", "r", "despite", "d");
        bus.ask("sign_off_phase", "phase", "2", "person", "Anna", "reason", "r", "despite", "d");

        JsonNode gate = gate(3);

        assertEquals("met", gate.get("status").asText(), gate::toPrettyString);
        assertEquals(idea, criterion(3, "idea_surfaced").at("/seen/sample").asText());
        assertEquals(
                opportunity,
                criterion(3, "opportunity_converted").at("/seen/sample").asText());
        assertEquals(2, criterion(3, "budgets_respected").at("/seen/proposals").asInt());
        assertCriterion(3, "digest_is_short", "met", "2 digests, none above 400 words and 7 items");
        assertEquals(digest, criterion(3, "digest_is_short").at("/seen/sample").asText());
    }

    @Test
    void proposals_of_people_and_those_before_the_phase_do_not_count() {
        rows.idea("created_at", rows.ago("hours => 81"));
        rows.idea("source_agent", "anna", "source_job_id", null);
        rows.idea("source_job_id", null);
        rows.converted(bus.enqueue(), 81);
        rows.converted("00000000-0000-4000-8000-000000000009", 1);

        assertCriterion(3, "idea_surfaced", "not_met", "no agent has proposed an idea in this time");
        assertCriterion(
                3, "opportunity_converted", "not_met", "no opportunity of an agent has become a job in this time");
    }

    @Test
    void a_day_over_the_budget_is_named_and_a_promotion_and_a_full_budget_are_none() {
        String noon = "2026-11-20T12:00:00Z";
        bus.jdbc().update("update phases set changed_at = '2026-11-01'");
        rows.idea("created_at", rows.ago("hours => 1"));
        rows.idea("created_at", rows.ago("hours => 1"));
        rows.opportunity("created_at", rows.ago("hours => 1"));
        rows.opportunity("created_at", rows.ago("hours => 1"), "idea_id", rows.idea("source_agent", "devops"));
        for (int i = 0; i < 5; i++) {
            rows.idea("created_at", noon);
        }
        assertCriterion(3, "budgets_respected", "met", "5 proposals of agents since .*, none over a budget");

        rows.opportunity("created_at", rows.ago("hours => 1"));

        assertCriterion(
                3,
                "budgets_respected",
                "not_met",
                "agent research made 2 opportunities on \\d{4}-\\d\\d-\\d\\d, and its budget is 1");
    }

    @Test
    void one_long_digest_is_named() {
        rows.report("ideas_digest", 120, 3, 6);
        rows.report("daily_digest", 900, 30, 6);
        assertCriterion(3, "digest_is_short", "met", "1 digest, none above 120 words and 3 items");

        String tooLong = rows.report("ideas_digest", 401, 3, 30);
        assertCriterion(
                3,
                "digest_is_short",
                "not_met",
                "the digest up to .* has 401 words and 3 items; the limits are 400 and 7");
        assertEquals(tooLong, criterion(3, "digest_is_short").at("/seen/sample").asText());

        bus.jdbc().update("delete from reports where words > 400");
        rows.report("ideas_digest", 100, 8, 50);
        assertCriterion(3, "digest_is_short", "not_met", "the digest up to .* has 100 words and 8 items.*");
    }
}
