package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.operator;
import static agentbus.sql.Machine.refusal;
import static agentbus.sql.Proposals.idea;
import static agentbus.sql.Proposals.opportunity;
import static agentbus.sql.Proposals.page;
import static agentbus.sql.Proposals.with;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** Nothing twice: what is there already, in other words too, and what was decided against, is held back. */
@ExtendWith(PostgresExtension.class)
class NearDuplicatesTest {
    private static final Path PAIRS = Path.of("src/test/resources/proposals/near-duplicates.csv");
    private static final String AT_WORK_OR_DONE = "nothing: its job is open or has succeeded, see get-opportunity; "
            + "or a title and text that say what is different";

    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().update("update agents set budgets = '{\"ideas\": 50, \"opportunities\": 50}'");
    }

    /** The figures of docs/adr/0022: a change of the formula or the threshold must not make them worse unseen. */
    @Test
    void of_the_labelled_pairs_most_duplicates_are_found_and_few_others_are_taken_for_one() throws IOException {
        Map<String, Long> found = Files.readAllLines(PAIRS).stream()
                .filter(line -> !line.startsWith("#"))
                .map(line -> line.split("\\|"))
                .filter(this::isNearDuplicate)
                .collect(Collectors.groupingBy(pair -> pair[0], Collectors.counting()));

        assertEquals(Map.of("same", 40L, "near", 4L), found);
    }

    private boolean isNearDuplicate(String[] pair) {
        return bus.jdbc()
                .queryForObject(
                        "select proposal_similarity(?, compared_body(?), ?, compared_body(?)) >= near_duplicate_from()",
                        Boolean.class,
                        pair[1],
                        pair[2],
                        pair[3],
                        pair[4]);
    }

    @Test
    void the_same_idea_of_another_agent_is_refused_with_the_older_ones_id_and_the_ways_that_are_left() {
        String older = id(bus.call("create_idea", agent("research"), idea()), "idea");

        Refusal again = refusal(() -> bus.call("create_idea", agent("devops"), rewordedIdea()));

        assertEquals("422 near_duplicate title", again.brief());
        assertTrue(again.message().startsWith("idea " + older + " of research says nearly the same"), again.message());
        assertTrue(again.expected().contains("ifSimilar merge"), again.expected());
        assertEquals(1, bus.count("ideas"));
    }

    @Test
    void with_merge_the_evidence_goes_to_the_older_one_with_the_name_of_who_brought_it() {
        String older = id(bus.call("create_idea", agent("research"), idea()), "idea");
        ObjectNode more = rewordedIdea().put("ifSimilar", "merge");
        more.putArray("evidence").add(page());

        JsonNode merged = bus.call("create_idea", agent("devops"), more);

        assertFalse(merged.get("created").asBoolean(true));
        assertTrue(merged.get("merged").asBoolean());
        assertEquals(older, id(merged, "idea"));
        assertEquals("devops", merged.at("/idea/evidence/0/addedBy").asText());
        Refusal known = refusal(() -> bus.call("create_idea", agent("devops"), more));
        assertEquals("422 near_duplicate evidence", known.brief());
        assertTrue(known.message().endsWith("has this evidence already"), known.message());
        assertEquals(1, bus.count("audit_log where action = 'idea.changed' and actor = 'agent:devops'"));
    }

    @Test
    void an_agent_without_a_budget_adds_no_evidence_and_nobody_keeps_their_own_idea_alive_with_it() {
        String older = id(bus.call("create_idea", agent("research"), idea()), "idea");
        bus.jdbc().update("update ideas set touched_at = now() - interval '13 days'");
        bus.jdbc().update("update agents set budgets = '{\"opportunities\": 5}' where agent_id = 'devops'");
        ObjectNode more = idea("ifSimilar", "merge");
        more.putArray("evidence").add(page());

        Refusal refused = refusal(() -> bus.call("create_idea", agent("devops"), more));

        assertEquals("422 proposal_budget sourceAgent", refused.brief());
        assertTrue(refused.message().startsWith("agent devops may send no ideas"), refused.message());
        bus.call("create_idea", agent("research"), more);
        assertEquals(
                1, bus.ask("get_idea", "ideaId", older).get("evidenceCount").asInt());
        assertEquals(1, bus.count("ideas where touched_at < now() - interval '12 days'"));
    }

    @Test
    void the_same_opportunity_is_refused_and_merged_in_the_same_way() {
        String older = id(bus.call("create_opportunity", agent("research"), opportunity()), "opportunity");
        ObjectNode second = opportunity();
        second.withArray("evidence").add(json("kind", "job", "id", bus.enqueue()));

        assertEquals(
                "422 near_duplicate title",
                refusal(() -> bus.call("create_opportunity", agent("devops"), second))
                        .brief());
        JsonNode merged = bus.call("create_opportunity", agent("devops"), with(second, "ifSimilar", "merge"));

        assertEquals(older, id(merged, "opportunity"));
        assertEquals(2, merged.at("/opportunity/evidenceCount").asInt());
        assertEquals(1, bus.count("opportunities"));
    }

    @Test
    void an_opportunity_like_an_open_idea_is_sent_to_the_promotion_of_that_idea() {
        String idea = id(
                bus.call(
                        "create_idea",
                        agent("research"),
                        idea("title", "Test the restore of the nightly export", "body", "Nobody has tried it.")),
                "idea");

        Refusal refused = refusal(() -> bus.call("create_opportunity", agent("devops"), opportunity()));

        assertTrue(refused.expected().startsWith("promote-idea-to-opportunity for idea " + idea), refused.expected());
    }

    @Test
    void what_is_worked_on_or_done_is_not_proposed_again_for_30_days_and_what_failed_may_be_at_once() {
        String older = id(bus.call("create_opportunity", operator(), opportunity()), "opportunity");
        Attempt attempt = bus.running();
        bus.jdbc()
                .update(
                        "update opportunities set status = 'converted_to_job', ended_at = now(), converted_job_id = ?::uuid"
                                + " where opportunity_id = ?::uuid",
                        attempt.job(),
                        older);

        Refusal working = refusal(() -> bus.call("create_opportunity", agent("devops"), opportunity()));
        assertTrue(working.message().endsWith("is converted to job"), working.message());
        assertEquals(AT_WORK_OR_DONE, working.expected());
        Refusal merging =
                refusal(() -> bus.call("create_opportunity", agent("devops"), opportunity("ifSimilar", "merge")));
        assertEquals("422 near_duplicate title", merging.brief());
        assertEquals(AT_WORK_OR_DONE, merging.expected());
        bus.complete(attempt);
        Refusal done = refusal(() -> bus.call("create_opportunity", agent("devops"), opportunity()));
        assertTrue(done.message().endsWith("is converted to job"), done.message());

        bus.jdbc().update("update opportunities set converted_job_id = ?::uuid", bus.dead());
        assertTrue(bus.call("create_opportunity", agent("devops"), opportunity())
                .get("created")
                .asBoolean());
        bus.jdbc().execute("delete from opportunities where status = 'new'");

        bus.jdbc().update("update opportunities set converted_job_id = ?::uuid", attempt.job());
        bus.jdbc().execute("update opportunities set ended_at = now() - interval '31 days'");
        assertTrue(bus.call("create_opportunity", agent("devops"), opportunity())
                .get("created")
                .asBoolean());
    }

    @Test
    void what_is_decided_while_a_merge_waits_for_it_gets_no_evidence_and_the_call_may_come_again() throws Exception {
        String older = id(bus.call("create_opportunity", agent("research"), opportunity()), "opportunity");
        ObjectNode more = opportunity("ifSimilar", "merge");
        more.withArray("evidence").add(json("kind", "job", "id", bus.enqueue()));

        CompletableFuture<Refusal> merge;
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine.on(new SingleConnectionDataSource(connection, true))
                    .call(
                            "triage_opportunity",
                            operator(),
                            json("opportunityId", older, "decision", "rejected", "notes", "The drills run already."));
            merge = CompletableFuture.supplyAsync(
                    () -> refusal(() -> bus.call("create_opportunity", agent("devops"), more)));
            await().until(() ->
                    bus.count("pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == 1);
            connection.commit();
            connection.setAutoCommit(true);
        }

        Refusal refused = merge.get(20, TimeUnit.SECONDS);
        assertEquals("422 near_duplicate title", refused.brief());
        assertTrue(refused.message().endsWith("has ended since this call began"), refused.message());
        assertTrue(refused.expected().startsWith("the same call again"), refused.expected());
        assertTrue(bus.call("create_opportunity", agent("devops"), more)
                .get("created")
                .asBoolean());
    }

    @Test
    void another_host_in_the_title_is_another_matter() {
        bus.call(
                "create_idea",
                operator(),
                idea("title", "Upgrade Postgres on db-1", "body", "It has had no security fixes since May."));

        assertTrue(bus.call(
                        "create_idea",
                        operator(),
                        idea("title", "Upgrade Postgres on db-2", "body", "It has had no security fixes since May."))
                .get("created")
                .asBoolean());
    }

    @Test
    void another_number_or_date_in_the_title_is_the_same_matter() {
        bus.call("create_idea", agent("research"), idea("title", "Builds take 40 minutes"));
        bus.call(
                "create_idea",
                agent("research"),
                idea("title", "The import of 2026-11-26 was late", "body", "It waits for the backup."));

        assertEquals(
                "422 near_duplicate title",
                refusal(() -> bus.call("create_idea", agent("devops"), idea("title", "Builds take 41 minutes")))
                        .brief());
        assertEquals(
                "422 near_duplicate title",
                refusal(() -> bus.call(
                                "create_idea",
                                agent("devops"),
                                idea(
                                        "title",
                                        "The import of 2026-11-27 was late",
                                        "body",
                                        "It waits for the backup of the night.")))
                        .brief());
    }

    @Test
    void a_person_may_keep_both_and_an_agent_may_not() {
        bus.call("create_idea", agent("research"), idea());

        assertEquals(
                "403 forbidden ifSimilar",
                refusal(() -> bus.call("create_idea", agent("devops"), idea("ifSimilar", "keep")))
                        .brief());
        assertTrue(bus.call("create_idea", operator(), idea("ifSimilar", "keep"))
                .get("created")
                .asBoolean());
    }

    @Test
    void what_was_rejected_is_refused_with_the_decision_for_30_days_unless_the_evidence_is_new() {
        rejected("We have a restore drill each Monday.");

        Refusal refused = refusal(() -> bus.call("create_opportunity", agent("devops"), opportunity()));

        assertEquals("422 rejected_before title", refused.brief());
        assertTrue(
                refused.message().startsWith("operator:anna has rejected the like, opportunity "), refused.message());
        assertTrue(refused.message().endsWith(": We have a restore drill each Monday."), refused.message());
        assertEquals(
                "422 rejected_before title",
                refusal(() -> bus.call(
                                "create_idea",
                                agent("devops"),
                                idea("theme", "release safety", "title", "Test a restore of the nightly export")))
                        .brief(),
                "an idea is no way round it");
        ObjectNode known = opportunity();
        known.withArray("evidence").add(json("kind", "job", "id", bus.enqueue()));
        assertTrue(bus.call("create_opportunity", agent("devops"), known)
                .get("created")
                .asBoolean());
    }

    @Test
    void the_job_that_proposes_is_no_new_evidence() {
        rejected("We have a restore drill each Monday.");
        Attempt attempt = bus.running();
        ObjectNode again = opportunity();
        again.withArray("evidence").add(json("kind", "job", "id", attempt.job()));

        assertEquals(
                "422 rejected_before title",
                refusal(() -> bus.call("create_opportunity", bus.principal(attempt), again))
                        .brief());
        String idea = id(bus.call("create_idea", operator(), idea()), "idea");
        ObjectNode more = idea("ifSimilar", "merge");
        more.putArray("evidence").add(json("kind", "job", "id", attempt.job()));
        assertEquals(
                "422 near_duplicate evidence",
                refusal(() -> bus.call("create_idea", bus.principal(attempt), more))
                        .brief());
        assertEquals(0, bus.ask("get_idea", "ideaId", idea).get("evidenceCount").asInt());
    }

    @Test
    void a_rejection_is_forgotten_after_30_days_and_holds_for_its_theme_only() {
        rejected("Not now.");
        assertTrue(bus.call(
                        "create_idea",
                        operator(),
                        idea(
                                "theme",
                                "cost",
                                "title",
                                "Test the restore of the weekly export",
                                "body",
                                "Another text."))
                .get("created")
                .asBoolean());
        bus.jdbc().update("delete from ideas");
        bus.jdbc().update("update opportunities set ended_at = now() - interval '31 days'");

        assertTrue(bus.call("create_opportunity", agent("devops"), opportunity())
                .get("created")
                .asBoolean());
    }

    @Test
    void proposals_of_another_namespace_are_not_compared() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        bus.call("create_idea", operator(), idea("namespace", "other"));

        assertTrue(bus.call("create_idea", operator(), idea()).get("created").asBoolean());
    }

    @Test
    void the_comparison_reads_only_the_beginning_of_a_long_body() {
        String body = "Half of each build waits for downloads that are the same every day. ".repeat(250);
        bus.call("create_idea", agent("research"), idea("body", body));

        assertEquals(
                "422 near_duplicate title",
                refusal(() -> bus.call("create_idea", agent("devops"), idea("body", body + "And more.")))
                        .brief());
    }

    private void rejected(String notes) {
        String id = id(bus.call("create_opportunity", agent("research"), opportunity()), "opportunity");
        bus.jdbc()
                .update(
                        "update opportunities set status = 'rejected', ended_at = now() where opportunity_id = ?::uuid",
                        id);
        bus.jdbc()
                .update(
                        "insert into opportunity_reviews (namespace, opportunity_id, reviewer, decision, notes)"
                                + " values ('default', ?::uuid, 'operator:anna', 'rejected', ?)",
                        id,
                        notes);
    }

    private static ObjectNode rewordedIdea() {
        return idea(
                "title",
                "Cache packages between the builds",
                "body",
                "Half of every build waits for downloads that are the same each day.");
    }

    private static String id(JsonNode answer, String kind) {
        return answer.at("/" + kind + "/" + kind + "Id").asText();
    }
}
