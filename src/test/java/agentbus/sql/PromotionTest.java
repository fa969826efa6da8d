package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.operator;
import static agentbus.sql.Machine.refusal;
import static agentbus.sql.Proposals.idea;
import static agentbus.sql.Proposals.opportunity;
import static agentbus.sql.Proposals.page;
import static agentbus.sql.Proposals.with;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What becomes of an idea: others review it, it becomes an opportunity, or it is archived with the reason. */
@ExtendWith(PostgresExtension.class)
class PromotionTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().update("update agents set budgets = '{\"ideas\": 5, \"opportunities\": 1}'");
        bus.jdbc().update("update agents set may_triage = true where agent_id = 'coordinator'");
    }

    @Test
    void an_idea_becomes_an_opportunity_that_keeps_its_author_body_and_evidence() {
        String id = created(agent("research"), idea("evidence", List.of(page())));
        String job = bus.enqueue();

        JsonNode answer = promote(agent("devops"), id, "evidence", List.of(json("kind", "job", "id", job), page()));

        JsonNode made = answer.get("opportunity");
        assertTrue(answer.get("created").asBoolean());
        assertEquals("research", made.get("sourceAgent").asText());
        assertEquals("devops", made.get("promotedBy").asText());
        assertEquals("Cache the packages between builds", made.get("title").asText());
        assertEquals(2, made.get("evidence").size());
        assertEquals("url", made.at("/evidence/0/kind").asText());
        assertEquals("promoted_to_opportunity", answer.at("/idea/status").asText());
        assertEquals(made.get("opportunityId"), answer.at("/idea/opportunityId"));
        JsonNode shown = bus.ask(
                "get_opportunity", "opportunityId", made.get("opportunityId").asText());
        assertEquals(answer.get("idea"), shown.get("idea"));
        assertEquals(1, bus.count("events where topic = 'opportunity.created'"));
    }

    @Test
    void a_second_promotion_is_answered_with_the_same_opportunity() {
        String id = created(agent("research"), idea("evidence", List.of(page())));
        JsonNode first = promote(agent("devops"), id);

        JsonNode second = promote(operator(), id, "impactScore", 5);

        assertFalse(second.get("created").asBoolean(true));
        assertEquals(first.get("opportunity"), second.get("opportunity"));
        assertEquals("[\"impactScore\"]", second.get("differs").toString());
        assertEquals(1, bus.count("opportunities"));
    }

    @Test
    void the_bar_holds_for_an_idea_too() {
        String id = created(agent("research"), idea());

        Refusal below = refusal(() -> promote(agent("devops"), id, "whyNow", null));

        assertEquals("422 below_bar whyNow", below.brief());
        assertTrue(below.message().contains("evidence"), below.message());
        assertEquals("new", bus.ask("get_idea", "ideaId", id).get("status").asText());
    }

    @Test
    void a_promotion_uses_the_budget_of_the_agent_that_promotes_and_none_of_a_triager_or_a_person() {
        String first = created(agent("research"), idea("evidence", List.of(page())));
        String second = created(agent("research"), other("Rotate the keys of 2024"));
        String third = created(agent("research"), other("Ask three customers why they left"));
        promote(agent("devops"), first);

        assertEquals(
                "422 proposal_budget sourceAgent",
                refusal(() -> promote(agent("devops"), second, "whyNow", "Two keys leaked in April."))
                        .brief());
        assertTrue(promote(agent("coordinator"), second, "whyNow", "Two keys leaked in April.")
                .get("created")
                .asBoolean());
        JsonNode byPerson = promote(
                operator(), third, "whyNow", "Twice as many left in May.", "suggestedNextStep", "Write to them.");
        assertEquals("operator:anna", byPerson.at("/opportunity/promotedBy").asText());
        assertTrue(
                bus.call("create_opportunity", agent("research"), opportunity())
                        .get("created")
                        .asBoolean(),
                "the author's own budget is untouched");
    }

    @Test
    void a_triager_promotes_one_urgent_idea_a_day_and_its_own_ideas_within_its_budget() {
        String first = created(agent("research"), idea("evidence", List.of(page())));
        String second = created(agent("research"), other("Rotate the keys of 2024"));
        promote(agent("coordinator"), first, "urgencyScore", 5);

        assertEquals(
                "422 proposal_budget urgencyScore",
                refusal(() -> promote(agent("coordinator"), second, "urgencyScore", 5, "whyNow", "Two keys leaked."))
                        .brief());
        String own = created(agent("coordinator"), other("Ask three customers why they left"));
        assertEquals(
                "422 proposal_budget sourceAgent",
                refusal(() -> promote(agent("coordinator"), own, "whyNow", "Twice as many left in May."))
                        .brief());
    }

    @Test
    void a_triager_fills_no_theme_beyond_its_limit() {
        bus.jdbc()
                .update(
                        "insert into opportunities (namespace, source_agent, theme, title, why_now, if_nothing, evidence,"
                                + " impact, confidence, urgency, reversibility, owner_candidate, suggested_next_step)"
                                + " select 'default', 'research', 'build speed', 'T' || i, 'x' || i, 'y', '[]', 3, 3, 3, 'high',"
                                + " 'devops', 'z' from generate_series(1, open_of_theme()) i");
        String id = created(agent("research"), idea("evidence", List.of(page())));

        assertEquals(
                "422 open_limit theme",
                refusal(() -> promote(agent("coordinator"), id)).brief());
    }

    @Test
    void a_promoted_opportunity_is_open_for_the_agent_that_promoted_it() {
        bus.jdbc()
                .update("update agents set budgets = '{\"ideas\": 5, \"opportunities\": 5, \"openOpportunities\": 1}'");
        promote(agent("devops"), created(agent("research"), idea("evidence", List.of(page()))));
        String second = created(agent("research"), other("Rotate the keys of 2024"));

        assertTrue(
                bus.call("create_opportunity", agent("research"), opportunity())
                        .get("created")
                        .asBoolean(),
                "the author has none open");
        assertEquals(
                "422 open_limit sourceAgent",
                refusal(() -> promote(agent("devops"), second, "whyNow", "Two keys leaked in April."))
                        .brief());
    }

    @Test
    void an_idea_like_an_open_opportunity_is_not_promoted_beside_it() {
        String id = created(agent("research"), idea("evidence", List.of(page())));
        bus.call(
                "create_opportunity",
                operator(),
                opportunity("title", "Cache the packages between builds", "ifSimilar", "keep"));

        assertEquals(
                "422 near_duplicate title",
                refusal(() -> promote(agent("devops"), id)).brief());
    }

    @Test
    void a_key_that_another_opportunity_has_is_refused() {
        bus.call("create_opportunity", operator(), opportunity("dedupeKey", "k"));
        String id = created(agent("research"), idea("evidence", List.of(page())));

        assertEquals(
                "409 dedupe_conflict dedupeKey",
                refusal(() -> promote(operator(), id, "dedupeKey", "k")).brief());
    }

    @Test
    void a_review_keeps_an_idea_alive_and_nobody_reviews_their_own() {
        String id = created(agent("research"), idea());
        bus.jdbc().update("update ideas set touched_at = now() - interval '13 days'");

        JsonNode reviewed = act("review_idea", agent("devops"), id, "The numbers of May agree.");
        JsonNode again = act("review_idea", agent("devops"), id, "The numbers of May agree.");

        assertEquals("reviewed", reviewed.get("status").asText());
        assertEquals("agent:devops", reviewed.get("reviewedBy").asText());
        assertTrue(reviewed.get("changed").asBoolean());
        assertFalse(again.get("changed").asBoolean(true));
        assertEquals(0, bus.count("ideas where touched_at < now() - interval '1 day'"));
        assertEquals(
                1,
                bus.count("audit_log where action = 'idea.changed' and actor = 'agent:devops'"
                        + " and why = 'The numbers of May agree.'"));
        assertEquals(
                "403 forbidden ideaId",
                refusal(() -> act("review_idea", agent("research"), id, "I still like it."))
                        .brief());
    }

    @Test
    void an_idea_is_archived_by_its_author_a_triager_or_a_person_once() {
        String id = created(agent("research"), idea());

        assertEquals(
                "403 forbidden ideaId",
                refusal(() -> act("archive_idea", agent("devops"), id, "no")).brief());
        JsonNode archived = act("archive_idea", agent("coordinator"), id, "The service goes in June.");
        JsonNode again = act("archive_idea", operator(), id, "The service goes in June.");

        assertEquals("archived", archived.get("status").asText());
        assertFalse(again.get("changed").asBoolean(true));
        Refusal late = refusal(() -> act("archive_idea", operator(), id, "for another reason"));
        assertEquals("409 wrong_state ideaId", late.brief());
        assertTrue(late.message().contains("was archived by agent:coordinator at "), late.message());
        assertTrue(late.message().endsWith("The service goes in June."), late.message());
        assertEquals(
                "409 wrong_state ideaId",
                refusal(() -> promote(operator(), id, "evidence", List.of(page())))
                        .brief());
        assertEquals(
                "422 rejected_before title",
                refusal(() -> bus.call("create_idea", agent("devops"), idea())).brief());
        assertEquals(
                "archived",
                act("archive_idea", agent("research"), created(agent("research"), other("Mine")), "x")
                        .get("status")
                        .asText());
    }

    @Test
    void a_promoted_idea_is_neither_reviewed_nor_archived() {
        String id = created(agent("research"), idea("evidence", List.of(page())));
        promote(agent("devops"), id);

        Refusal refused = refusal(() -> act("review_idea", operator(), id, "late"));

        assertEquals("409 wrong_state ideaId", refused.brief());
        assertTrue(refused.message().contains("was promoted to opportunity "), refused.message());
        assertTrue(refused.message().contains(" by devops at "), refused.message());
        assertEquals(
                "409 wrong_state ideaId",
                refusal(() -> act("archive_idea", operator(), id, "late")).brief());
    }

    @Test
    void what_falls_below_the_bar_is_kept_as_an_idea_where_the_call_says_so() {
        JsonNode kept = bus.call(
                "create_opportunity",
                agent("research"),
                opportunity("reversibility", null, "evidence", List.of(), "belowBar", "idea"));

        assertTrue(kept.get("created").asBoolean());
        assertEquals(2, kept.get("belowBar").size());
        assertFalse(kept.has("opportunity"));
        assertEquals(
                "Test the restore of the nightly export", kept.at("/idea/title").asText());
        assertTrue(
                kept.at("/idea/body").asText().contains("Next step: Run one restore drill"),
                kept.at("/idea/body").asText());
        assertEquals(0, bus.count("opportunities"));
    }

    private String created(JsonNode by, ObjectNode input) {
        return bus.call("create_idea", by, input).at("/idea/ideaId").asText();
    }

    private static ObjectNode other(String title) {
        return idea("title", title, "body", title + ", because it is overdue.", "evidence", List.of(page()));
    }

    private JsonNode promote(ObjectNode by, String idea, Object... more) {
        ObjectNode input = opportunity();
        input.remove(List.of("theme", "title", "evidence"));
        return bus.call("promote_idea_to_opportunity", by, with(input, more).put("ideaId", idea));
    }

    private JsonNode act(String function, JsonNode by, String idea, String notes) {
        return bus.call(function, by, json("ideaId", idea, "notes", notes));
    }
}
