package agentbus.sql;

import static agentbus.sql.Decisions.scout;
import static agentbus.sql.Decisions.tracker;
import static agentbus.sql.Machine.operator;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(PostgresExtension.class)
class MergeTest {
    private Machine bus;
    private Decisions lane;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        lane = Decisions.of(bus);
    }

    @Test
    void the_one_that_remains_takes_over_the_evidence_and_names_nothing_twice() {
        String one = lane.opportunity("title", "Retry the import");
        String other = lane.opportunity("title", "Repeat the import");
        String third = lane.opportunity("title", "Retry the import");

        JsonNode merged = lane.merge(tracker(), other, one, "The same cause.");
        lane.merge(tracker(), third, one, "The same title.");

        assertEquals("merged", merged.get("status").asText());
        assertEquals(one, merged.get("mergedInto").asText());
        assertEquals(2, merged.at("/into/evidence").size());
        JsonNode remains = lane.get(one);
        assertEquals("new", remains.get("status").asText());
        assertEquals(2, remains.get("evidence").size(), "the third has the evidence of the first");
        JsonNode review = lane.get(other).at("/reviews/0");
        assertEquals("merged", review.get("decision").asText());
        assertEquals("agent:research", review.get("reviewer").asText());
        assertEquals("The same cause.", review.get("notes").asText());
        assertEquals(
                1,
                bus.count(
                        "events where topic = 'opportunity.decided' and payload ->> 'into' = ?"
                                + " and payload ->> 'opportunityId' = ?",
                        one,
                        other));
    }

    @Test
    void a_repeated_merge_changes_nothing() {
        String one = lane.opportunity();
        String other = lane.opportunity("title", "Another");
        lane.merge(operator(), other, one, "The same.");
        long audited = bus.count("audit_log");

        JsonNode again = lane.merge(operator(), other, one, "Once more.");

        assertFalse(again.get("changed").asBoolean());
        assertEquals(1, lane.reviews(other));
        assertEquals(audited, bus.count("audit_log"));
    }

    @Test
    void one_that_is_decided_for_good_is_neither_merged_nor_merged_into() {
        String rejected = lane.opportunity();
        lane.triage(operator(), rejected, "rejected", "We tried it in May.");
        String one = lane.opportunity();
        String gone = lane.opportunity();
        lane.merge(operator(), gone, one, "The same.");
        String other = lane.opportunity();

        assertEquals(
                "409 wrong_state opportunityId",
                refusal(() -> lane.merge(operator(), rejected, other, "The same."))
                        .brief());
        Refusal refused = refusal(() -> lane.merge(operator(), other, rejected, "The same."));
        assertEquals("409 wrong_state into", refused.brief());
        assertTrue(refused.message().contains("was rejected by operator:anna"), refused.message());
        assertTrue(refusal(() -> lane.merge(operator(), other, gone, "The same."))
                .expected()
                .startsWith("for example " + one + ", or an opportunity that is not"));
        assertEquals(
                "422 invalid_field into",
                refusal(() -> lane.merge(operator(), other, other, "The same.")).brief());
        assertEquals("new", lane.status(other));
    }

    @Test
    void nothing_is_merged_into_one_that_is_parked_or_would_have_too_much_evidence() {
        String parked = lane.opportunity();
        lane.park(operator(), parked, "After the release.", 5);
        String full = lane.opportunity();
        bus.jdbc()
                .update(
                        "update opportunities set evidence = (select jsonb_agg(jsonb_build_object('kind', 'url', 'url',"
                                + " 'https://example.org/' || i)) from generate_series(1, 50) i) where opportunity_id = ?::uuid",
                        full);
        String other = lane.opportunity();

        Refusal refused = refusal(() -> lane.merge(operator(), other, parked, "The same."));
        assertEquals("409 wrong_state into", refused.brief());
        assertTrue(refused.message().contains("is parked until "), refused.message());
        Refusal many = refusal(() -> lane.merge(operator(), other, full, "The same."));
        assertEquals("422 invalid_field into", many.brief());
        assertEquals("opportunity " + full + " would have more than 50 pieces of evidence", many.message());
        assertEquals("new", lane.status(other));
        assertEquals(50, lane.get(full).get("evidence").size());
    }

    @Test
    void only_those_who_may_triage_merge() {
        String one = lane.opportunity();
        String other = lane.opportunity();

        Refusal refused = refusal(() -> lane.merge(scout(), other, one, "The same."));

        assertEquals("403 forbidden opportunityId", refused.brief());
        assertEquals("agent devops may not merge opportunities", refused.message());
    }

    @Test
    void two_merges_in_opposite_directions_leave_one_opportunity() throws InterruptedException {
        String one = lane.opportunity();
        String other = lane.opportunity();

        List<Race.End<JsonNode>> ends = Race.of(
                2,
                i -> () -> i == 0
                        ? lane.merge(operator(), one, other, "The same.")
                        : lane.merge(operator(), other, one, "The same."));

        assertEquals(1, ends.stream().filter(e -> e.thrown() == null).count());
        assertEquals(1, bus.count("opportunities where status = 'merged'"));
        assertEquals(1, bus.count("opportunities where status = 'new'"));
    }
}
