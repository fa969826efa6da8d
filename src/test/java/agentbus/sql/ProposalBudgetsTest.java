package agentbus.sql;

import static agentbus.sql.Machine.agent;
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
import org.postgresql.util.PSQLException;
import org.springframework.dao.DataAccessException;

/** How many proposals an agent may make a day, and how many opportunities may wait. */
@ExtendWith(PostgresExtension.class)
class ProposalBudgetsTest {
    /** Titles without a word in common, so that none is a near-duplicate of another. */
    private static final List<String> TITLES = List.of(
            "Rotate expired keys",
            "Shrink nightly image",
            "Drop unused index",
            "Measure login funnel",
            "Rewrite invoice letter",
            "Cache weather lookups",
            "Translate help pages",
            "Archive old tickets",
            "Split billing queue",
            "Warm standby region",
            "Print shorter labels",
            "Merge duplicate contacts");

    private TestDatabase database;
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        this.database = database;
        bus = Machine.fresh(database);
    }

    private void budgets(String agent, String budgets) {
        bus.jdbc().update("update agents set budgets = ?::jsonb where agent_id = ?", budgets, agent);
    }

    private JsonNode idea(String agent, int number) {
        String title = TITLES.get(number);
        return bus.call(
                "create_idea",
                agent(agent),
                Proposals.idea("theme", "theme " + number, "title", title, "body", title + " of " + number));
    }

    private JsonNode opportunity(String agent, int number, Object... more) {
        String title = TITLES.get(number);
        return bus.call(
                "create_opportunity",
                agent(agent),
                Proposals.with(
                        Proposals.opportunity(
                                "theme", "theme " + number, "title", title, "whyNow", title + " now: " + number),
                        more));
    }

    private static String id(JsonNode created) {
        return created.at("/opportunity/opportunityId").asText();
    }

    @Test
    void an_idea_above_the_budget_of_the_day_is_refused_with_what_was_sent_and_when_it_is_free_again() {
        budgets("research", "{\"ideas\": 2}");
        String first = idea("research", 0).at("/idea/ideaId").asText();
        String second = idea("research", 1).at("/idea/ideaId").asText();

        Refusal refused = refusal(() -> idea("research", 2));

        assertEquals(
                "agent research has sent 2 ideas today (UTC), and its budget is 2. It is free again at "
                        + bus.jdbc().queryForObject("select utc_text(budgets_free_at())", String.class)
                        + ". Sent today: "
                        + first + " (" + TITLES.get(0) + "), " + second + " (" + TITLES.get(1) + ")",
                refused.message());
        assertEquals("422 proposal_budget sourceAgent", refused.brief());
        assertEquals(2, bus.count("ideas"));
        assertEquals(
                0,
                bus.jdbc()
                        .queryForObject("select extract(epoch from budgets_free_at())::bigint % 86400", Integer.class),
                "midnight, UTC");
    }

    @Test
    void each_kind_and_each_agent_has_a_budget_of_its_own() {
        budgets("research", "{\"ideas\": 1, \"opportunities\": 1}");
        budgets("devops", "{\"ideas\": 1, \"opportunities\": 0}");
        idea("research", 0);
        opportunity("research", 1);
        idea("devops", 2);

        assertEquals(
                "422 proposal_budget sourceAgent",
                refusal(() -> opportunity("research", 3)).brief());
        assertTrue(refusal(() -> opportunity("devops", 3)).message().contains("is 0 or missing"));
    }

    @Test
    void an_agent_without_a_budget_may_make_none() {
        budgets("research", "{}");

        assertEquals(
                "agent research may send no ideas: ideas in the proposalBudget of its agent.yaml is 0 or missing",
                refusal(() -> idea("research", 0)).message());
    }

    @Test
    void the_proposals_of_yesterday_leave_the_budget_of_today_alone() {
        budgets("research", "{\"opportunities\": 1}");
        opportunity("research", 0);
        assertEquals(
                "422 proposal_budget sourceAgent",
                refusal(() -> opportunity("research", 1)).brief());
        bus.jdbc().update("update opportunities set created_at = date_trunc('day', now(), 'UTC') - interval '1 ms'");

        opportunity("research", 1);

        assertEquals(2, bus.count("opportunities"));
    }

    @Test
    void a_person_has_no_budget() {
        budgets("research", "{}");

        JsonNode created = bus.call("create_opportunity", operator(), Proposals.opportunity("sourceAgent", "research"));

        assertTrue(created.path("created").asBoolean(), created.toString());
    }

    @Test
    void a_repeated_proposal_is_answered_and_not_charged() {
        budgets("research", "{\"opportunities\": 1}");
        String first = id(opportunity("research", 0, "dedupeKey", "keys"));

        JsonNode again = opportunity("research", 0, "dedupeKey", "keys");

        assertEquals(first, id(again));
        assertFalse(again.path("created").asBoolean(), again.toString());
    }

    @Test
    void an_urgent_one_needs_confidence_and_only_one_a_day_is_urgent() {
        Refusal unsure = refusal(() -> opportunity("research", 0, "urgencyScore", 5, "confidenceScore", 2));
        assertEquals("422 invalid_field urgencyScore", unsure.brief());
        String urgent = id(opportunity("research", 0, "urgencyScore", 5, "confidenceScore", 3));

        Refusal second = refusal(() -> opportunity("research", 1, "urgencyScore", 5, "confidenceScore", 5));

        assertEquals("422 proposal_budget urgencyScore", second.brief());
        assertTrue(second.message().contains("has sent 1 urgent opportunity today"), second.message());
        assertTrue(second.message().contains(urgent), second.message());
        assertEquals("urgencyScore 4 or less", second.detail().path("expected").asText());
        opportunity("research", 1, "urgencyScore", 4, "confidenceScore", 5);
        budgets("devops", "{\"opportunities\": 5, \"urgent\": 0}");
        assertTrue(refusal(() -> opportunity("devops", 2, "urgencyScore", 5))
                .message()
                .contains("urgent in the proposalBudget"));
    }

    @Test
    void at_most_so_many_opportunities_of_an_agent_wait() {
        budgets("research", "{\"opportunities\": 100, \"openOpportunities\": 2}");
        String first = id(opportunity("research", 0));
        String second = id(opportunity("research", 1));

        Refusal refused = refusal(() -> opportunity("research", 2));

        assertEquals("422 open_limit sourceAgent", refused.brief());
        assertEquals(
                "agent research has 2 waiting opportunities (new, triaged or accepted), and at most 2 may wait at once: "
                        + first + " (" + TITLES.get(0) + "), " + second + " (" + TITLES.get(1) + ")",
                refused.message());
        bus.jdbc()
                .update(
                        "update opportunities set status = 'parked', parked_until = now() + interval '1 day' where opportunity_id = ?::uuid",
                        first);
        opportunity("research", 2);
        bus.jdbc().update("update opportunities set status = 'rejected', parked_until = null, ended_at = now()");
        opportunity("research", 3);
    }

    @Test
    void ten_opportunities_of_an_agent_may_be_open_when_its_file_says_nothing() {
        for (int i = 0; i < 10; i++) {
            opportunity("research", i);
        }

        assertEquals(
                "422 open_limit sourceAgent",
                refusal(() -> opportunity("research", 10)).brief());
    }

    @Test
    void at_most_five_opportunities_of_a_theme_are_open_whoever_made_them() {
        for (int i = 0; i < 5; i++) {
            opportunity(i % 2 == 0 ? "research" : "devops", i, "theme", "Billing");
        }

        Refusal refused = refusal(() -> opportunity("coordinator", 5, "theme", "billing"));

        assertEquals("422 open_limit theme", refused.brief());
        assertTrue(refused.message().startsWith("the theme billing has 5 waiting opportunities"), refused.message());
        assertTrue(refused.message().contains("(of devops)"), refused.message());
        assertFalse(refused.message().contains(TITLES.get(0)), "the words of other agents are no part of a refusal");
        opportunity("coordinator", 5);
    }

    @Test
    void half_a_budget_is_said_in_the_refusal_with_its_reason() {
        budgets("research", "{\"opportunities\": 3}");
        opportunity("research", 0);
        bus.jdbc()
                .update(
                        "insert into opportunities overriding user value select (jsonb_populate_record(o, jsonb_build_object('opportunity_id', new_id(),"
                                + " 'seq', 1000 + i, 'status', 'rejected', 'ended_at', now(), 'created_at', now() - interval '2 days'))).*"
                                + " from opportunities o, generate_series(1, 20) i");

        String refused = refusal(() -> opportunity("research", 1)).message();

        assertTrue(
                refused.contains("and its budget is 1. That is half of 3, because none of its last 20 decided proposals"
                        + " were accepted; the whole comes back when 2 of them are. It is free again at "),
                refused);
    }

    @Test
    void a_refusal_names_the_newest_of_many() {
        budgets("research", "{\"ideas\": 11}");
        for (int i = 0; i < 11; i++) {
            idea("research", i);
        }

        String refused = refusal(() -> idea("research", 11)).message();

        assertTrue(refused.endsWith(" and 1 earlier"), refused);
        assertFalse(refused.contains(TITLES.get(0)), refused);
        assertTrue(refused.contains(TITLES.get(10)), refused);
    }

    @Test
    void twenty_writers_at_once_do_not_pass_a_budget() throws Exception {
        budgets("research", "{\"ideas\": 3, \"opportunities\": 4, \"urgent\": 1}");

        List<Race.End<String>> ends = Race.of(20, i -> () -> {
            boolean idea = i % 2 == 0;
            String title = "x" + Integer.toString(i * 7919, 36) + " " + Integer.toString(i * 104729 + 5, 36);
            Machine own = new Machine(database.jdbc());
            return idea
                    ? own.call(
                                    "create_idea",
                                    agent("research"),
                                    Proposals.idea("theme", "t" + i, "title", title, "body", title.repeat(3)))
                            .toString()
                    : own.call(
                                    "create_opportunity",
                                    agent("research"),
                                    Proposals.opportunity(
                                            "theme",
                                            "t" + i,
                                            "title",
                                            title,
                                            "whyNow",
                                            title.repeat(3),
                                            "urgencyScore",
                                            5))
                            .toString();
        });

        assertEquals(3, bus.count("ideas"));
        assertEquals(1, bus.count("opportunities"), "all of them urgent");
        assertEquals(4, ends.stream().filter(end -> end.thrown() == null).count());
        for (Race.End<String> end : ends) {
            if (end.thrown() != null) {
                PSQLException cause = (PSQLException) ((DataAccessException) end.thrown()).getMostSpecificCause();
                assertEquals("AB422", cause.getSQLState(), cause.getMessage());
                assertTrue(cause.getServerErrorMessage().getDetail().contains("proposal_budget"), cause.getMessage());
            }
        }
    }

    @Test
    void twenty_writers_at_once_do_not_pass_the_limit_of_a_theme() throws Exception {
        Race.of(20, i -> () -> {
            String title = "y" + Integer.toString(i * 7919, 36) + " " + Integer.toString(i * 104729 + 5, 36);
            return new Machine(database.jdbc())
                    .call(
                            "create_opportunity",
                            agent(i % 2 == 0 ? "research" : "devops"),
                            Proposals.opportunity(
                                    "title", title, "whyNow", title.repeat(3), "ifNothing", title.repeat(2)));
        });

        assertEquals(5, bus.count("opportunities"));
    }
}
