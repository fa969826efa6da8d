package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** How often proposals were accepted and their jobs succeeded, and what follows for their author. */
@ExtendWith(PostgresExtension.class)
class HitRatesTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc()
                .update(
                        "update agents set budgets = '{\"ideas\": 4, \"opportunities\": 5}' where agent_id = 'research'");
    }

    /** Opportunities of research with a status, made {@code daysAgo}; one with a job is converted to it. */
    private void opportunities(int count, String theme, String status, int daysAgo, String job) {
        bus.jdbc()
                .update(
                        "insert into opportunities (namespace, source_agent, theme, title, why_now, if_nothing, evidence, impact,"
                                + " confidence, urgency, reversibility, owner_candidate, suggested_next_step, status, ended_at,"
                                + " converted_job_id, created_at) select 'default', 'research', ?, 'Title ' || i, 'now', 'nothing',"
                                + " '[]', 3, 3, 3, 'high', 'devops', 'step', ?, case when ? in ('rejected', 'converted_to_job')"
                                + " then now() end, ?::uuid, now() - make_interval(days => ?) from generate_series(1, ?) i",
                        theme,
                        status,
                        status,
                        job,
                        daysAgo,
                        count);
    }

    private void ideas(int count, String theme, String status, int daysAgo, String notes) {
        bus.jdbc()
                .update(
                        "insert into ideas (namespace, source_agent, theme, title, body, status, ended_at, reviewed_at, notes,"
                                + " created_at) select 'default', 'research', ?, 'Idea ' || i, 'body', ?,"
                                + " case ? when 'archived' then now() end, case ? when 'archived' then now() end,"
                                + " ?, now() - make_interval(days => ?) from generate_series(1, ?) i",
                        theme,
                        status,
                        status,
                        status,
                        notes,
                        daysAgo,
                        count);
    }

    @Test
    void the_acceptance_of_an_author_costs_the_same_after_thousands_of_ideas_that_grew_old() {
        ideas(5_000, "old", "archived", 20, null);
        bus.jdbc().update("update ideas set reviewed_at = null");
        ideas(3, "no", "archived", 1, "not now");
        bus.jdbc().execute("vacuum analyze ideas");
        JsonNode plan =
                bus.one("explain (analyze, buffers, format json) select * from acceptance_of('default', 'research')");
        long pages = Machine.pagesOf(plan);
        assertTrue(pages < 100, pages + " pages");
        assertEquals(
                3,
                bus.jdbc().queryForObject("select o_decided from acceptance_of('default', 'research')", Integer.class));
    }

    private String succeeded() {
        Attempt attempt = bus.running();
        bus.complete(attempt);
        return attempt.job();
    }

    private String rates(String theme) {
        return bus.jdbc()
                .queryForObject(
                        "select concat_ws(' ', made, decided, accepted, rejected, hits, misses, acceptance_rate, hit_rate)"
                                + " from hit_rates('default') where source_agent = 'research' and theme is not distinct from ?",
                        String.class,
                        theme);
    }

    private BigDecimal factor() {
        return bus.jdbc().queryForObject("select author_factor('default', 'research')", BigDecimal.class);
    }

    private JsonNode budget() {
        return bus.one("select proposal_budget('default', 'research')");
    }

    private JsonNode told() {
        return bus.one("select own_proposals('default', 'research')");
    }

    @Test
    void the_rates_count_what_became_of_each_proposal_by_theme_and_over_all_themes() {
        opportunities(1, "speed", "converted_to_job", 1, succeeded());
        opportunities(1, "speed", "converted_to_job", 1, bus.dead());
        opportunities(1, "speed", "converted_to_job", 1, bus.enqueue());
        opportunities(2, "speed", "rejected", 1, null);
        opportunities(3, "speed", "new", 1, null);
        opportunities(1, "safety", "accepted", 1, null);
        ideas(4, "safety", "archived", 1, null);
        ideas(1, "safety", "new", 1, null);

        assertEquals("8 5 3 2 1 1 0.60 0.50", rates("speed"));
        assertEquals("6 5 1 4 0 0 0.20", rates("safety"));
        assertEquals("14 10 4 6 1 1 0.40 0.50", rates(null));
    }

    @Test
    void an_idea_that_the_bus_has_archived_is_not_decided() {
        ideas(2, "speed", "archived", 1, null);
        bus.jdbc().update("update ideas set reviewed_at = null where title = 'Idea 1'");
        ideas(1, "safety", "new", 30, null);
        bus.jdbc().update("update ideas set touched_at = now() - interval '30 days' where status = 'new'");
        bus.one("select sweep_proposals()");

        assertEquals("3 1 0 1 0 0 0.00", rates(null));
        assertEquals(1, told().path("decided").asInt());
    }

    @Test
    void a_promoted_idea_is_counted_once_by_its_opportunity() {
        opportunities(1, "speed", "accepted", 1, null);
        ideas(1, "speed", "new", 1, null);
        bus.jdbc()
                .update(
                        "update ideas set status = 'promoted_to_opportunity', ended_at = now(), opportunity_id = (select opportunity_id from opportunities)");

        assertEquals("1 1 1 0 0 0 1.00", rates(null));
    }

    @Test
    void a_job_that_has_gone_to_history_is_still_a_hit() {
        opportunities(1, "speed", "converted_to_job", 1, succeeded());
        bus.jdbc()
                .update(
                        "update jobs set created_at = now() - interval '40 days', updated_at = now() - interval '40 days',"
                                + " ended_at = now() - interval '40 days'");
        bus.one("select retire_finished_work(30, 100, '{\"part\": \"jobs\"}')");

        assertEquals(1, bus.count("jobs_history"));
        assertEquals("1 1 1 0 1 0 1.00 1.00", rates("speed"));
    }

    @Test
    void another_namespace_and_another_author_have_rates_of_their_own() {
        bus.jdbc().update("insert into namespaces (namespace) values ('hit-rates') on conflict do nothing");
        opportunities(6, "speed", "rejected", 1, null);
        bus.jdbc().update("update opportunities set namespace = 'hit-rates' where title in ('Title 1', 'Title 2')");
        bus.jdbc().update("update opportunities set source_agent = 'devops' where title = 'Title 3'");

        assertEquals("3 3 0 3 0 0 0.00", rates("speed"));
        assertEquals(1, bus.count("hit_rates('hit-rates') where theme = 'speed' and made = 2"));
    }

    @Test
    void the_rates_are_listed_by_author_and_theme_and_health_has_those_of_each_author() {
        assertFalse(bus.ask("health").has("proposalRates"));
        opportunities(19, "speed", "rejected", 1, null);
        opportunities(1, "safety", "accepted", 1, null);
        bus.jdbc().update("update opportunities set source_agent = 'devops' where title = 'Title 7'");
        opportunities(1, "speed", "rejected", 1, null);

        JsonNode all = bus.ask("list_proposal_rates").path("rates");
        assertEquals(
                List.of("devops", "devops speed", "research true", "research safety", "research speed"), rows(all));
        assertEquals(0.05, all.at("/2/acceptanceRate").asDouble(), all.toString());
        assertFalse(all.at("/2").has("hitRate"), all.toString());
        assertEquals(
                List.of("research speed"),
                rows(bus.ask("list_proposal_rates", "sourceAgent", "research", "theme", " Speed ")
                        .path("rates")));
        JsonNode cut = bus.ask("list_proposal_rates", "limit", 2);
        assertEquals(List.of("devops", "devops speed"), rows(cut.path("rates")));
        assertEquals(3, cut.path("leftOut").asInt());
        assertEquals(List.of("devops", "research true"), rows(bus.ask("health").path("proposalRates")));
    }

    @Test
    void health_counts_the_proposals_of_a_month_and_the_list_counts_all_that_are_kept() {
        opportunities(3, "speed", "rejected", 40, null);
        opportunities(1, "speed", "accepted", 20, null);

        JsonNode health = bus.ask("health").path("proposalRates");
        JsonNode list = bus.ask("list_proposal_rates").path("rates");
        assertEquals(1, health.at("/0/made").asInt(), health::toString);
        assertEquals(4, list.at("/0/made").asInt(), list::toString);
    }

    /** Author, theme and whether the budget is half, of each row. */
    private static List<String> rows(JsonNode rates) {
        List<String> rows = new ArrayList<>();
        rates.forEach(row -> rows.add(
                (row.path("sourceAgent").asText() + " " + row.path("theme").asText()).strip()
                        + (row.path("halfBudget").asBoolean() ? " true" : "")));
        return rows;
    }

    @Test
    void the_factor_of_an_author_moves_when_enough_is_decided() {
        assertEquals(new BigDecimal("1.0"), factor());
        opportunities(4, "speed", "rejected", 1, null);
        assertEquals(new BigDecimal("1.0"), factor(), "four decisions say nothing yet");
        opportunities(1, "speed", "rejected", 1, null);
        assertEquals(new BigDecimal("0.70"), factor());
        opportunities(5, "speed", "accepted", 0, null);
        assertEquals(new BigDecimal("1.00"), factor());
        opportunities(20, "speed", "accepted", 0, null);
        assertEquals(new BigDecimal("1.30"), factor(), "the last twenty count");
    }

    @Test
    void jobs_that_failed_take_half_of_the_factor_back() {
        for (int i = 0; i < 5; i++) {
            opportunities(1, "speed", "converted_to_job", 1, bus.dead());
        }

        assertEquals(new BigDecimal("1.00"), factor());
    }

    @Test
    void an_agent_of_whose_last_twenty_hardly_one_was_accepted_has_half_its_budget_until_it_is_better() {
        opportunities(18, "speed", "rejected", 3, null);
        opportunities(1, "speed", "accepted", 2, null);
        assertEquals(5, budget().at("/opportunities/budget").asInt(), "nineteen are not twenty");

        ideas(1, "speed", "archived", 2, null);
        JsonNode half = budget();
        assertEquals(2, half.at("/opportunities/budget").asInt(), half.toString());
        assertEquals(2, half.at("/ideas/budget").asInt(), half.toString());
        assertEquals(1, half.at("/urgent/budget").asInt(), "a budget of one stays one");
        assertEquals(10, half.at("/openOpportunities/budget").asInt(), half.toString());
        assertEquals(
                "because only 1 of its last 20 decided proposals was accepted; the whole comes back when 2 of them are",
                half.path("half").asText());

        opportunities(1, "speed", "accepted", 1, null);
        assertEquals(5, budget().at("/opportunities/budget").asInt());
        assertFalse(budget().has("half"));
    }

    @Test
    void an_agent_is_told_of_its_last_ten_decided_proposals_with_the_notes_of_the_rejections() {
        opportunities(3, "speed", "rejected", 9, null);
        opportunities(4, "speed", "accepted", 5, null);
        opportunities(1, "speed", "converted_to_job", 4, succeeded());
        opportunities(1, "safety", "rejected", 3, null);
        ideas(1, "safety", "archived", 2, "seen before");
        ideas(1, "safety", "archived", 1, null);
        opportunities(2, "speed", "new", 0, null);
        bus.jdbc()
                .update("insert into opportunity_reviews (namespace, opportunity_id, reviewer, decision, notes)"
                        + " select 'default', opportunity_id, 'operator:anna', decision, notes from opportunities,"
                        + " (values ('rejected', 'too costly'), ('triaged', 'look again'), ('rejected', 'x' || repeat('y', 999)))"
                        + " r (decision, notes) where theme = 'safety'");

        JsonNode told = told();
        assertEquals(10, told.path("decided").asInt(), told.toString());
        assertEquals(5, told.path("accepted").asInt(), told.toString());
        assertEquals(1, told.path("hits").asInt(), told.toString());
        assertEquals(0, told.path("misses").asInt(), told.toString());
        assertEquals(5, told.path("rejected").size(), told.toString());
        assertEquals("idea", told.at("/rejected/0/kind").asText());
        assertFalse(told.at("/rejected/0").has("notes"), told.toString());
        assertEquals("seen before", told.at("/rejected/1/notes").asText());
        assertTrue(told.at("/rejected/2/notes").asText().startsWith("xyyy"), "the newest rejection counts");
        assertEquals(200, told.at("/rejected/2/notes").asText().length());
    }

    @Test
    void a_proactive_or_idle_job_carries_the_proposals_of_its_agent_and_no_other_job_does() {
        for (String type : List.of("proactive", "reactive", "dev.review")) {
            bus.enqueue("targetAgent", "research", "subject", "research.packet", "jobType", type);
        }

        List<JsonNode> claimed = bus.claim(Machine.D1, 50);

        assertEquals(3, claimed.size());
        claimed.forEach(job ->
                assertEquals(job.path("jobType").asText().equals("proactive"), job.has("proposals"), job.toString()));
        JsonNode proposals = claimed.stream()
                .filter(job -> job.has("proposals"))
                .findFirst()
                .orElseThrow()
                .path("proposals");
        assertEquals(4, proposals.at("/ideas/left").asInt(), proposals.toString());
        assertEquals(
                Boolean.TRUE,
                bus.jdbc()
                        .queryForObject(
                                "select tells_of_proposals('idle') and tells_of_proposals('idle.dream')",
                                Boolean.class));
    }

    @Test
    void a_worker_that_pulls_a_proactive_job_gets_them_too() {
        bus.enqueue("targetAgent", "research", "subject", "research.packet", "jobType", "proactive");

        JsonNode job = bus.ask("claim_jobs", "targetAgent", "research").at("/jobs/0");

        assertEquals(5, job.at("/proposals/opportunities/left").asInt(), job.toString());
    }

    @Test
    void a_proactive_job_carries_none_while_the_phase_is_off_or_without_a_budget() {
        bus.enqueue("jobType", "proactive");
        bus.jdbc().update("update agents set budgets = '{\"ideas\": 0}' where agent_id = 'devops'");
        assertFalse(bus.claim(Machine.D1, 1).get(0).has("proposals"));

        bus.enqueue("targetAgent", "research", "subject", "research.packet", "jobType", "proactive");
        bus.jdbc().queryForObject("select note_phase('default', 2, 'node')", String.class);
        assertFalse(bus.claim(Machine.D1, 1).get(0).has("proposals"));
    }
}
