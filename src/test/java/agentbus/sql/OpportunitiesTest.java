package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.operator;
import static agentbus.sql.Machine.refusal;
import static agentbus.sql.Proposals.opportunity;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Opportunities: proposals that are ready for a decision, and the order in which they are decided. */
@ExtendWith(PostgresExtension.class)
class OpportunitiesTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().update("update agents set budgets = '{\"ideas\": 5, \"opportunities\": 5}'");
    }

    @Test
    void an_opportunity_is_kept_with_its_scores_its_rank_and_its_job() {
        Attempt attempt = bus.running("jobType", "proactive");

        JsonNode answer = bus.call("create_opportunity", bus.principal(attempt), opportunity());

        JsonNode made = answer.get("opportunity");
        assertTrue(answer.get("created").asBoolean());
        assertEquals("devops", made.get("sourceAgent").asText());
        assertEquals(attempt.job(), made.get("sourceJobId").asText());
        assertEquals(4, made.get("impactScore").asInt());
        assertEquals(10.8, made.get("rank").asDouble());
        assertEquals(0.9, made.at("/rankParts/urgencyFactor").asDouble());
        assertEquals(1.0, made.at("/rankParts/reversibilityFactor").asDouble());
        assertEquals(1.0, made.at("/rankParts/authorFactor").asDouble());
        assertTrue(bus.topics(attempt.job()).contains("opportunity.created"));
        assertFalse(bus.topics(attempt.job()).contains("opportunity.urgent"));
        assertEquals(1, bus.count("audit_log where action = 'opportunity.added' and actor = 'attempt:devops'"));
    }

    @Test
    void an_urgent_one_is_told_at_once() {
        bus.call("create_opportunity", operator(), opportunity("urgencyScore", 5));

        assertEquals(1, bus.count("events where topic = 'opportunity.urgent'"));
    }

    @Test
    void the_same_dedupe_key_returns_the_opportunity_that_is_there() {
        JsonNode first = bus.call("create_opportunity", agent("research"), opportunity("dedupeKey", "drill"));

        JsonNode again =
                bus.call("create_opportunity", agent("research"), opportunity("dedupeKey", "drill", "impactScore", 5));

        assertFalse(again.get("created").asBoolean(true));
        assertEquals(first.get("opportunity"), again.get("opportunity"));
        assertEquals("[\"impactScore\"]", again.get("differs").toString());
    }

    @Test
    void the_list_is_ranked_and_pages_go_on_behind_the_last_row() {
        insert("small", 1, 1, 5, "new");
        insert("equal, older", 3, 4, 3, "triaged");
        insert("equal, newer", 4, 3, 3, "accepted");
        insert("large", 5, 5, 1, "new");
        insert("parked", 5, 5, 5, "parked");
        insert("rejected", 5, 5, 5, "rejected");

        JsonNode first = bus.ask("list_opportunities", "limit", 2);
        JsonNode second = bus.ask(
                "list_opportunities", "limit", 2, "before", first.get("next").asLong());

        assertEquals(List.of("large", "equal, older"), titles(first));
        assertEquals(List.of("equal, newer", "small"), titles(second));
        assertFalse(second.has("next"));
        assertEquals(
                List.of("rejected", "parked"),
                titles(bus.ask("list_opportunities", "order", "newest", "status", "parked,rejected")));
        assertEquals(
                List.of("parked", "rejected"),
                titles(bus.ask("list_opportunities", "status", "parked,rejected")),
                "equal ranks, the older one first");
        assertEquals(
                "422 invalid_field before",
                refusal(() -> bus.ask("list_opportunities", "before", 999)).brief());
    }

    @Test
    void one_opportunity_is_shown_with_its_reviews_and_an_unknown_one_is_refused() {
        String id = bus.call("create_opportunity", operator(), opportunity())
                .at("/opportunity/opportunityId")
                .asText();
        bus.jdbc()
                .update(
                        "insert into opportunity_reviews (namespace, opportunity_id, reviewer, decision, notes)"
                                + " values ('default', ?::uuid, 'agent:project-tracker', 'triaged', 'worth a look')",
                        id);

        JsonNode shown = bus.ask("get_opportunity", "opportunityId", id);

        assertEquals("triaged", shown.at("/reviews/0/decision").asText());
        assertEquals("https://example.org/report", shown.at("/evidence/0/url").asText());
        assertFalse(shown.has("cameOf"));
        assertEquals(
                "404 unknown_opportunity opportunityId",
                refusal(() -> bus.ask("get_opportunity", "opportunityId", "0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10"))
                        .brief());
    }

    @Test
    void what_came_of_a_converted_one_is_read_from_its_job() {
        String id = bus.call("create_opportunity", operator(), opportunity())
                .at("/opportunity/opportunityId")
                .asText();
        Attempt attempt = bus.running();
        bus.jdbc()
                .update(
                        "update opportunities set status = 'converted_to_job', converted_job_id = ?::uuid, ended_at = now()"
                                + " where opportunity_id = ?::uuid",
                        attempt.job(),
                        id);

        assertEquals("open", cameOf(id).get("outcome").asText());
        bus.complete(attempt);
        JsonNode ended = cameOf(id);

        assertEquals("hit", ended.get("outcome").asText());
        assertEquals("succeeded", ended.get("state").asText());
        assertEquals("done", ended.get("summary").asText());
        assertTrue(ended.has("endedAt"));
    }

    private JsonNode cameOf(String id) {
        return bus.ask("get_opportunity", "opportunityId", id).get("cameOf");
    }

    private void insert(String title, int impact, int confidence, int urgency, String status) {
        bus.jdbc()
                .update(
                        "insert into opportunities (namespace, source_agent, theme, title, why_now, if_nothing, evidence,"
                                + " impact, confidence, urgency, reversibility, owner_candidate, suggested_next_step,"
                                + " status, parked_until, ended_at)"
                                + " values ('default', 'research', 't', ?, 'w', 'n', '[]', ?, ?, ?, 'high', 'devops', 's',"
                                + " ?, case when ? = 'parked' then now() end, case when ? = 'rejected' then now() end)",
                        title,
                        impact,
                        confidence,
                        urgency,
                        status,
                        status,
                        status);
    }

    private static List<String> titles(JsonNode list) {
        return StreamSupport.stream(list.get("opportunities").spliterator(), false)
                .map(row -> row.get("title").asText())
                .toList();
    }
}
