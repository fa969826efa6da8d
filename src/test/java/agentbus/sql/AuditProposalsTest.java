package agentbus.sql;

import static agentbus.sql.Machine.json;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the auditor finds in the proposals without a model: each finding fires once, and not below its threshold. */
@ExtendWith(PostgresExtension.class)
class AuditProposalsTest {
    private Machine bus;
    private ProposalRows rows;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        rows = new ProposalRows(bus);
    }

    /** Looks three times, as the nodes do; a finding is told once. Returns the payloads of one finding. */
    private List<JsonNode> found(String finding) {
        for (int i = 0; i < 3; i++) {
            bus.jdbc().queryForList("select audit_bus()");
        }
        assertEquals(0, bus.count("events where topic = 'audit.check_failed'"));
        return bus
                .jdbc()
                .queryForList(
                        "select payload::text from events where topic = ? order by seq",
                        String.class,
                        "audit.proposals." + finding)
                .stream()
                .map(Machine::parse)
                .toList();
    }

    private void refused(String agent, String code, int times) {
        bus.one(
                "select note_refusal(?::jsonb, 'createIdea', ?::jsonb)",
                json("kind", "attempt", "name", agent, "namespace", "default").toString(),
                json("code", code, "status", 409, "detail", "no", "count", times)
                        .toString());
    }

    @Test
    void an_agent_that_sends_many_proposals_in_an_hour_is_spam_whether_they_were_taken_or_not() {
        for (int i = 0; i < 4; i++) {
            rows.idea("title", "idea " + i);
            rows.opportunity("title", "opportunity " + i);
        }
        refused("research", "near_duplicate", 7);
        assertEquals(List.of(), found("spam"), "one below");

        refused("research", "proposal_budget", 1);

        List<JsonNode> spam = found("spam");
        assertEquals(1, spam.size());
        assertEquals("research", spam.get(0).get("agentId").asText());
        assertEquals(8, spam.get(0).get("proposed").asInt());
        assertEquals(8, spam.get(0).get("refused").asInt());
        assertEquals(7, spam.get(0).at("/refusedFor/near_duplicate").asInt());
    }

    @Test
    void proposals_of_yesterday_promotions_and_other_refusals_are_no_spam() {
        for (int i = 0; i < 16; i++) {
            rows.idea("title", "idea " + i, "created_at", rows.ago("hours => 2"));
            rows.opportunity("title", "opportunity " + i, "idea_id", rows.idea("source_agent", "devops"));
        }
        refused("research", "topic_not_allowed", 20);
        bus.jdbc().update("update ideas set created_at = now() - interval '2 hours'");

        assertEquals(List.of(), found("spam"));
    }

    @Test
    void opportunities_that_nobody_touches_for_two_weeks_are_stale_in_one_event() {
        rows.opportunity("touched_at", rows.ago("days => 13"));
        rows.opportunity("touched_at", rows.ago("days => 20"), "status", "parked", "parked_until", "2100-01-01");
        assertEquals(List.of(), found("stale"), "young, or parked until a date");

        String oldest = rows.opportunity("touched_at", rows.ago("days => 30"), "status", "accepted");
        String old = rows.opportunity("touched_at", rows.ago("days => 15"));

        List<JsonNode> stale = found("stale");
        assertEquals(1, stale.size());
        assertEquals(2, stale.get(0).get("stale").asInt());
        assertEquals(30, stale.get(0).get("oldestDays").asInt());
        assertEquals(oldest, stale.get(0).at("/opportunities/0").asText());
        assertEquals(old, stale.get(0).at("/opportunities/1").asText());
    }

    @Test
    void nothing_is_called_stale_while_the_phase_is_off_because_nobody_could_decide_it() {
        rows.opportunity("touched_at", rows.ago("days => 30"));
        bus.jdbc().queryForObject("select note_phase('default', 2, 'host-7')", String.class);

        assertEquals(List.of(), found("stale"));
    }

    @Test
    void open_proposals_of_a_theme_on_the_same_evidence_are_duplicates_until_one_ends() {
        rows.opportunity("evidence", Machine.parse(ProposalRows.PAGE));
        rows.opportunity("evidence", Machine.parse(ProposalRows.PAGE), "theme", "growth");
        rows.opportunity("evidence", Machine.parse(ProposalRows.PAGE), "namespace", other());
        rows.idea("evidence", Machine.parse(ProposalRows.PAGE));
        rows.idea();
        rows.idea("title", "without evidence");
        String ended = rows.ago("hours => 1");
        rows.opportunity("evidence", Machine.parse(ProposalRows.PAGE), "status", "rejected", "ended_at", ended);
        assertEquals(List.of(), found("duplicate"));

        String second = rows.opportunity(
                "evidence", Machine.parse(ProposalRows.PAGE), "source_agent", "devops", "title", "Other words");

        JsonNode duplicate = found("duplicate").get(0);
        assertEquals("opportunity", duplicate.get("kind").asText());
        assertEquals(2, duplicate.get("alike").asInt());
        assertEquals(second, duplicate.at("/proposals/0").asText());
        assertEquals("[\"devops\",\"research\"]", duplicate.get("agents").toString());
        assertEquals("url:https://example.org/a", duplicate.at("/evidence/0").asText());
        assertEquals(1, found("duplicate").size(), "told once");

        rows.opportunity("evidence", Machine.parse(ProposalRows.PAGE), "title", "A third one");
        assertEquals(2, found("duplicate").size(), "told again when another joins");
    }

    private String other() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        return "other";
    }

    @Test
    void five_opportunities_of_low_confidence_in_a_row_are_a_streak_that_a_better_one_ends() {
        List<String> ids = new ArrayList<>();
        for (int i = 5; i > 1; i--) {
            ids.add(rows.opportunity("confidence", 2, "created_at", rows.ago("hours => " + i)));
        }
        rows.opportunity("source_agent", "devops", "confidence", 1);
        assertEquals(List.of(), found("low_confidence_streak"), "four, and one of another agent");

        ids.add(rows.opportunity("confidence", 1, "created_at", rows.ago("hours => 1")));
        JsonNode streak = found("low_confidence_streak").get(0);
        assertEquals("research", streak.get("agentId").asText());
        assertEquals(ids.get(4), streak.at("/opportunities/0").asText(), "the newest first");
        assertEquals(2, streak.get("highestConfidence").asInt());

        rows.opportunity("confidence", 2);
        assertEquals(1, found("low_confidence_streak").size(), "the same streak");
        rows.opportunity("confidence", 3, "created_at", rows.ago("secs => -1"));
        for (int i = 2; i < 7; i++) {
            rows.opportunity("confidence", 1, "created_at", rows.ago("secs => -" + i));
        }
        assertEquals(2, found("low_confidence_streak").size(), "a second streak");
    }

    @Test
    void an_agent_that_goes_on_after_two_refusals_of_its_budget_abuses_it() {
        refused("research", "proposal_budget", 2);
        refused("devops", "near_duplicate", 3);
        assertEquals(List.of(), found("budget_abuse"));

        refused("research", "open_limit", 1);

        JsonNode abuse = found("budget_abuse").get(0);
        assertEquals("research", abuse.get("agentId").asText());
        assertEquals(3, abuse.get("refused").asInt());
        assertEquals(1, found("budget_abuse").size());
    }

    @Test
    void refusals_of_the_day_before_are_no_abuse_of_today() {
        refused("research", "proposal_budget", 9);
        bus.jdbc().update("update refusals set minute = date_trunc('day', now(), 'UTC') - interval '1 minute'");

        assertEquals(List.of(), found("budget_abuse"));
    }

    @Test
    void a_conversion_whose_job_is_there_is_in_order_also_when_it_has_gone_to_history() {
        String job = bus.enqueue();
        String opportunity = rows.converted(job, 1);
        bus.jdbc()
                .update(
                        "update jobs set correlation_key = 'opportunity:' || ? where job_id = ?::uuid",
                        opportunity,
                        job);
        assertEquals(List.of(), found("orphaned_conversion"));

        bus.ask("cancel_job", "jobId", job, "reason", "no longer wanted");
        bus.jdbc().execute("alter table jobs disable trigger user");
        bus.jdbc().update("update jobs set ended_at = now() - interval '31 days'");
        bus.jdbc().execute("alter table jobs enable trigger user");
        String place = null;
        do {
            JsonNode next = bus.one("select retire_finished_work(30, 100, ?::jsonb)", place)
                    .get("next");
            place = next.isNull() ? null : next.toString();
        } while (place != null);

        assertEquals(1, bus.count("jobs_history"));
        assertEquals(List.of(), found("orphaned_conversion"));
    }

    @ParameterizedTest
    @CsvSource({"true, its job belongs to nothing", "false, its job does not exist"})
    void a_conversion_without_its_job_is_orphaned(boolean exists, String why) {
        String opportunity = rows.converted(exists ? bus.enqueue() : "00000000-0000-4000-8000-000000000009", 1);

        List<JsonNode> orphans = found("orphaned_conversion");
        assertEquals(1, orphans.size());
        assertEquals(opportunity, orphans.get(0).get("opportunityId").asText());
        assertEquals(why, orphans.get(0).get("why").asText());
    }
}
