package agentbus.sql;

import static agentbus.sql.Decisions.coordinator;
import static agentbus.sql.Decisions.person;
import static agentbus.sql.Decisions.scout;
import static agentbus.sql.Decisions.tracker;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.operator;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@ExtendWith(PostgresExtension.class)
class TriageTest {
    private Machine bus;
    private Decisions lane;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        lane = Decisions.of(bus);
    }

    @Test
    void each_decision_is_a_review_with_who_and_why_and_an_audit_row() {
        String opportunity = lane.opportunity();

        lane.triage(tracker(), opportunity, "triaged", "  Goes with the import.\r\n");
        JsonNode answer = lane.triage(coordinator(), opportunity, "accepted", "Three Mondays are enough.");

        assertEquals("accepted", answer.get("status").asText());
        assertEquals("agent:coordinator", answer.get("decidedBy").asText());
        assertTrue(answer.get("changed").asBoolean());
        assertEquals("Goes with the import.", answer.at("/reviews/0/notes").asText());
        assertEquals("agent:research", answer.at("/reviews/0/reviewer").asText());
        assertEquals("accepted", answer.at("/reviews/1/decision").asText());
        assertEquals(
                1,
                bus.count("audit_log where action = 'opportunity.changed' and actor = 'agent:coordinator'"
                        + " and why = 'Three Mondays are enough.' and detail ->> 'status' = 'accepted'"));
        assertEquals(
                List.of("accepted"),
                bus.jdbc()
                        .queryForList(
                                "select payload ->> 'decision' from events where topic = 'opportunity.decided'",
                                String.class),
                "to set a status triaged is no decision to tell of");
    }

    @ParameterizedTest
    @CsvSource({
        "new,      triaged accepted rejected parked",
        "triaged,  triaged accepted rejected parked",
        "accepted, rejected parked",
        "parked,   triaged rejected parked",
        "rejected, ''",
        "merged,   ''",
        "converted_to_job, ''"
    })
    void a_decision_must_fit_the_status(String status, String allowed) {
        for (String decision : List.of("triaged", "accepted", "rejected", "parked")) {
            String opportunity = in(status);
            if (List.of(allowed.split(" ")).contains(decision)) {
                decide(opportunity, decision);
                assertEquals(decision, lane.status(opportunity));
            } else {
                Refusal refused = refusal(() -> decide(opportunity, decision));
                assertEquals("409 wrong_state opportunityId", refused.brief(), status + " to " + decision);
                assertEquals(status, lane.status(opportunity));
            }
        }
    }

    private JsonNode decide(String opportunity, String decision) {
        return decision.equals("parked")
                ? lane.park(operator(), opportunity, "Another reason.", 3)
                : lane.triage(operator(), opportunity, decision, "Another reason.");
    }

    /** An opportunity with this status, by the operations. */
    private String in(String status) {
        bus.jdbc().update("update jobs set state = 'cancelled', ended_at = now() where job_type = 'proactive'");
        String opportunity = lane.opportunity();
        switch (status) {
            case "new" -> {}
            case "parked" -> lane.park(operator(), opportunity, "Later.", 2);
            case "merged" -> lane.merge(operator(), opportunity, lane.opportunity(), "The same.");
            case "converted_to_job" -> lane.convert(operator(), opportunity);
            default -> lane.triage(operator(), opportunity, status, "First.");
        }
        return opportunity;
    }

    @Test
    void the_second_of_two_people_reads_who_was_first_and_why() {
        String opportunity = lane.opportunity();
        lane.triage(person("bert"), opportunity, "rejected", "We tried it in May.", "reviewer", "Bert Lind");

        Refusal refused = refusal(() -> lane.triage(operator(), opportunity, "accepted", "Good."));

        assertTrue(
                refused.message()
                        .matches("opportunity \\S+ was rejected by operator:bert \\(Bert Lind\\) at \\S+Z:"
                                + " We tried it in May\\."),
                refused.message());
        assertEquals("an opportunity that is new or triaged; triage a parked one first", refused.expected());
        assertEquals(1, lane.reviews(opportunity));
    }

    @Test
    void of_two_decisions_at_once_one_wins() throws InterruptedException {
        String opportunity = lane.opportunity();

        List<Race.End<JsonNode>> ends = Race.of(
                8,
                i -> () ->
                        lane.triage(person("p" + i), opportunity, i % 2 == 0 ? "accepted" : "rejected", "Reason " + i));

        // An accepted opportunity may still be rejected, so the winners are one decision or this sequence.
        List<String> decisions =
                bus.jdbc().queryForList("select decision from opportunity_reviews order by seq", String.class);
        assertTrue(
                List.of(List.of("rejected"), List.of("accepted", "rejected")).contains(decisions),
                decisions.toString());
        assertEquals(
                decisions.size(), ends.stream().filter(e -> e.thrown() == null).count());
    }

    @Test
    void a_repeated_call_changes_nothing_and_answers_the_same() {
        String opportunity = lane.opportunity();
        String until = lane.rows.ago("days => -3");
        lane.triage(operator(), opportunity, "parked", "After the release.", "until", until);
        long audited = bus.count("audit_log");

        JsonNode again = lane.triage(person("bert"), opportunity, "parked", "After the release.", "until", until);

        assertFalse(again.get("changed").asBoolean());
        assertEquals("operator:anna", again.get("decidedBy").asText());
        assertEquals(1, lane.reviews(opportunity));
        assertEquals(audited, bus.count("audit_log"));
        assertEquals(1, bus.count("events where topic = 'opportunity.decided'"));
    }

    @Test
    void the_tracker_may_triage_and_park_and_only_those_who_may_convert_accept_and_reject() {
        String opportunity = lane.opportunity();

        lane.triage(tracker(), opportunity, "triaged", "With the import.");
        lane.park(tracker(), opportunity, "After the release.", 5);
        lane.triage(tracker(), opportunity, "triaged", "It is released.");
        Refusal refused = refusal(() -> lane.triage(tracker(), opportunity, "rejected", "No."));
        assertEquals("403 forbidden decision", refused.brief());
        assertEquals("agent research may not set an opportunity to rejected", refused.message());
        assertEquals("an operator or one of: coordinator (mayConvert in agent.yaml)", refused.expected());
        assertEquals(
                "an operator or one of: coordinator, research (mayTriage in agent.yaml)",
                refusal(() -> lane.triage(scout(), opportunity, "triaged", "Mine."))
                        .expected());

        bus.jdbc().update("update agents set enabled = false where agent_id = 'coordinator'");
        Refusal disabled = refusal(() -> lane.triage(coordinator(), opportunity, "accepted", "Good."));
        assertEquals("agent coordinator may not set an opportunity to accepted: it is disabled", disabled.message());
        assertEquals("an operator (mayConvert in agent.yaml)", disabled.expected());
        assertEquals("triaged", lane.status(opportunity));
    }

    @Test
    void the_right_to_triage_undoes_no_acceptance() {
        String opportunity = lane.opportunity();
        lane.triage(operator(), opportunity, "accepted", "Worth a day.");

        Refusal refused = refusal(() -> lane.park(tracker(), opportunity, "Later.", 5));

        assertEquals("403 forbidden decision", refused.brief());
        assertEquals("agent research may not set an accepted opportunity to parked", refused.message());
        assertEquals(
                "403 forbidden opportunityId",
                refusal(() -> lane.merge(tracker(), opportunity, lane.opportunity(), "The same."))
                        .brief());
        assertEquals("accepted", lane.status(opportunity));
        lane.park(coordinator(), opportunity, "After the release.", 5);
        assertEquals("parked", lane.status(opportunity));
    }

    @Test
    void an_agent_decides_in_its_own_name() {
        String opportunity = lane.opportunity();

        assertEquals(
                "403 forbidden reviewer",
                refusal(() -> lane.triage(coordinator(), opportunity, "accepted", "Good.", "reviewer", "research"))
                        .brief());
        lane.triage(coordinator(), opportunity, "accepted", "Good.", "reviewer", "coordinator");
        assertEquals(
                "agent:coordinator",
                lane.get(opportunity).at("/reviews/0/reviewer").asText());
    }

    @Test
    void an_opportunity_is_parked_until_a_date_to_come_and_for_a_year_at_most() {
        String opportunity = lane.opportunity();
        Map<String, String> wrong = Map.of(
                "", "an opportunity is parked until a date",
                "2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z is not in the future",
                "2100-01-01T00:00:00Z", "2100-01-01T00:00:00Z is more than a year ahead");

        wrong.forEach((until, message) -> {
            Object[] more = until.isEmpty() ? new Object[0] : new Object[] {"until", until};
            Refusal refused = refusal(() -> lane.triage(operator(), opportunity, "parked", "Later.", more));
            assertEquals("422 invalid_field until", refused.brief());
            assertEquals(message, refused.message());
        });
        assertEquals(
                "until belongs to the decision parked, not to rejected",
                refusal(() -> lane.triage(
                                operator(), opportunity, "rejected", "No.", "until", lane.rows.ago("days => -3")))
                        .message());
    }

    @Test
    void an_opportunity_of_another_namespace_is_unknown() {
        ObjectNode elsewhere = json("kind", "operator", "name", "anna", "namespace", "elsewhere");
        bus.jdbc().update("insert into namespaces (namespace) values ('elsewhere') on conflict do nothing");
        String opportunity = lane.opportunity();

        assertEquals(
                "404 unknown_opportunity opportunityId",
                refusal(() -> lane.triage(elsewhere, opportunity, "rejected", "No."))
                        .brief());
        assertEquals(
                "404 unknown_opportunity into",
                refusal(() -> lane.merge(
                                operator(), opportunity, lane.opportunity("namespace", "elsewhere"), "The same."))
                        .brief());
        assertEquals("new", lane.status(opportunity));
    }

    @Test
    void nothing_is_decided_while_the_phase_is_off_and_reads_go_on() {
        String opportunity = lane.opportunity();
        bus.jdbc().queryForList("select note_phase('default', 2, 'node-1')");
        ObjectNode anna = operator().put("phase", 3);

        assertEquals(
                "409 phase_off",
                refusal(() -> lane.triage(anna, opportunity, "rejected", "No.")).brief());
        assertEquals(
                "409 phase_off", refusal(() -> lane.convert(anna, opportunity)).brief());
        assertEquals(
                "409 phase_off",
                refusal(() -> lane.merge(anna, opportunity, lane.opportunity(), "The same."))
                        .brief());
        assertEquals("new", lane.get(opportunity).get("status").asText());
    }
}
