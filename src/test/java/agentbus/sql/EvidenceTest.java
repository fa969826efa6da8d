package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.operator;
import static agentbus.sql.Machine.refusal;
import static agentbus.sql.Proposals.opportunity;
import static agentbus.sql.Proposals.page;
import static agentbus.sql.Proposals.with;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The bar of an opportunity: every part is there, and its evidence names things that exist. */
@ExtendWith(PostgresExtension.class)
class EvidenceTest {
    private static final String NOTHING = "0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10";

    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    @Test
    void a_job_an_event_a_slot_and_a_page_are_evidence_and_each_counts_once() {
        String job = bus.enqueue();
        String event = bus.ask("emit_event", "topic", "infra.checked", "payload", json())
                .at("/event/eventId")
                .asText();
        String slot = bus.jdbc()
                .queryForObject(
                        "insert into standing_order_runs (namespace, agent_id, order_name, scheduled_for)"
                                + " values ('default', 'devops', 'morning', now()) returning run_id::text",
                        String.class);

        JsonNode kept = create(
                        json("kind", "job", "id", job.toUpperCase(java.util.Locale.ROOT), "note", "it failed"),
                        json("kind", "job", "id", job),
                        json("kind", "event", "id", event),
                        json("kind", "slot", "id", slot),
                        page())
                .at("/opportunity/evidence");

        assertEquals(4, kept.size());
        assertEquals(json("kind", "job", "id", job, "note", "it failed"), kept.get(0));
        assertEquals("url", kept.at("/3/kind").asText());
    }

    @Test
    void a_job_in_history_is_evidence_too() {
        Attempt attempt = bus.running();
        bus.complete(attempt);
        bus.jdbc().update("update jobs set ended_at = now() - interval '400 days'");
        bus.one("select retire_finished_work(30, 100, '{\"part\": \"jobs\"}')");

        assertEquals(
                1,
                create(json("kind", "job", "id", attempt.job()))
                        .at("/opportunity/evidenceCount")
                        .asInt());
    }

    @Test
    void an_id_that_names_nothing_here_is_refused_with_the_entry() {
        Refusal unknown = refusal(() -> create(page(), json("kind", "job", "id", NOTHING)));

        assertEquals("422 unknown_evidence evidence[1].id", unknown.brief());
        assertEquals(
                "evidence[1] names job " + NOTHING + ", and namespace default has none with this id",
                unknown.message());
        assertEquals(
                "422 unknown_evidence evidence[0].id",
                refusal(() -> create(json("kind", "memory", "id", NOTHING))).brief());
    }

    @Test
    void a_job_of_another_namespace_is_no_evidence() {
        bus.jdbc().update("insert into namespaces (namespace) values ('other') on conflict do nothing");
        bus.jdbc()
                .update("insert into gateways (namespace, gateway) values ('other', 'default') on conflict do nothing");
        bus.jdbc()
                .update(
                        "insert into agents (namespace, agent_id, accepts) values ('other', 'devops', '{infra.check}')");
        String job = bus.enqueue("namespace", "other");

        assertEquals(
                "422 unknown_evidence evidence[0].id",
                refusal(() -> create(json("kind", "job", "id", job))).brief());
    }

    @Test
    void a_page_needs_its_address_and_the_time_when_it_was_looked_at() {
        assertEquals(
                "422 invalid_field evidence[0].lookedAt",
                refusal(() -> create(with(page(), "lookedAt", null))).brief());
        Refusal future = refusal(() -> create(with(page(), "lookedAt", "2999-01-01T00:00:00Z")));
        assertEquals("422 invalid_field evidence[0].lookedAt", future.brief());
        assertTrue(future.message().endsWith("which is in the future"), future.message());
        assertEquals(
                "422 invalid_field evidence[0]",
                refusal(() -> create(with(page(), "id", NOTHING))).brief());
        assertEquals(
                "422 invalid_field evidence[0]",
                refusal(() -> create(json("kind", "job"))).brief());
    }

    @Test
    void what_is_missing_is_said_in_one_sentence_that_offers_an_idea() {
        Refusal below = refusal(() -> bus.call(
                "create_opportunity",
                operator(),
                opportunity("whyNow", null, "ownerCandidate", null, "evidence", List.of())));

        assertEquals("422 below_bar whyNow", below.brief());
        assertTrue(below.message().contains("whyNow"), below.message());
        assertTrue(below.message().contains("ownerCandidate"), below.message());
        assertTrue(below.message().contains("at least one job, event or slot of this bus by its id"), below.message());
        assertTrue(
                below.detail().get("expected").asText().contains("create-idea"),
                below.detail().toString());
        assertEquals(0, bus.count("opportunities"));
    }

    @Test
    void the_job_of_the_call_does_not_lift_a_proposal_over_the_bar_nor_that_of_ones_own_idea() {
        bus.jdbc().update("update agents set budgets = '{\"ideas\": 5, \"opportunities\": 5}'");
        Attempt first = bus.running();
        ObjectNode own = json("kind", "job", "id", first.job());
        ObjectNode whole = opportunity("evidence", List.of(own));

        Refusal refused = refusal(() -> bus.call("create_opportunity", bus.principal(first), whole));

        assertEquals("422 below_bar evidence", refused.brief());
        assertTrue(refused.message().endsWith("; the job of the call is no evidence"), refused.message());
        String idea = bus.call("create_idea", bus.principal(first), Proposals.idea("evidence", List.of(own)))
                .at("/idea/ideaId")
                .asText();
        bus.complete(first);
        ObjectNode promotion = opportunity().put("ideaId", idea);
        promotion.remove(List.of("theme", "title", "evidence"));
        assertEquals(
                "422 below_bar evidence",
                refusal(() -> bus.call("promote_idea_to_opportunity", bus.principal(bus.running()), promotion))
                        .brief());
        assertTrue(
                bus.call("promote_idea_to_opportunity", operator(), promotion)
                        .get("created")
                        .asBoolean(),
                "for another it is evidence");
    }

    @Test
    void an_owner_that_does_not_exist_or_is_disabled_is_refused() {
        Refusal unknown =
                refusal(() -> bus.call("create_opportunity", operator(), opportunity("ownerCandidate", "nobody")));
        bus.jdbc().update("update agents set enabled = false where agent_id = 'devops'");

        assertEquals("422 unknown_agent ownerCandidate", unknown.brief());
        assertEquals(
                "422 agent_disabled ownerCandidate",
                refusal(() -> bus.call("create_opportunity", operator(), opportunity()))
                        .brief());
    }

    private JsonNode create(Object... evidence) {
        return bus.call("create_opportunity", operator(), opportunity("evidence", List.of(evidence)));
    }
}
