package agentbus.sql;

import static agentbus.sql.Needs.assertSays;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What of the memories waits for a person: one item for each kind, when the curator has had its time. */
@ExtendWith(PostgresExtension.class)
class NeedsOfMemoryTest {
    private Machine bus;
    private MemoryRows rows;
    private Needs needs;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        rows = new MemoryRows(bus);
        needs = new Needs(bus);
        bus.jdbc().update("update agents set may_promote = 'shared' where agent_id = 'coordinator'");
    }

    private String daysAgo(int days) {
        return rows.ago("hours => " + (24 * days + 1));
    }

    @Test
    void a_memory_that_was_called_wrong_is_shown_after_a_day_and_the_person_ends_it() {
        String memory = rows.memory();
        rows.review(memory, "wrong", "created_at", rows.ago("hours => 23"), "detail", "The API has a new limit.");
        assertEquals(List.of(), needs.items(), "the curator has the first day");
        bus.jdbc().update("update memory_reviews set created_at = now() - interval '25 hours'");

        JsonNode item = needs.only();
        assertEquals("memory_wrong", item.get("kind").asText());
        assertEquals(memory, item.get("memoryId").asText());
        assertSays("The memory \"The importer needs the full month\" was called wrong: The API has a new limit.", item);
        needs.act(item, "It is wrong");

        assertEquals(1, bus.count("memories where status = 'wrong'"));
        assertEquals(List.of(), needs.items());
    }

    @Test
    void many_matters_of_one_kind_are_one_item_about_the_oldest() {
        for (int i = 0; i < 30; i++) {
            rows.review(rows.memory("title", "Memory number " + i), "wrong", "created_at", daysAgo(2));
            rows.review(rows.memory("title", "Old number " + i), "overdue", "created_at", daysAgo(8));
        }

        List<JsonNode> items = needs.items();
        assertEquals(2, items.size());
        assertSays(
                "Nobody has looked again at the memory \"Old number 0\" (and 29 more): An agent said so.",
                items.get(0));
        assertSays("The memory \"Memory number 0\" was called wrong (and 29 more): An agent said so.", items.get(1));
        needs.act(items.get(1), "It is right");
        assertSays(
                "The memory \"Memory number 1\" was called wrong (and 28 more): An agent said so.",
                needs.items().get(1));
    }

    @Test
    void a_candidate_about_the_matter_of_a_memory_is_to_replace_it_or_to_be_rejected() {
        String memory = rows.memory();
        String candidate = rows.candidate("body", "The importer takes single days since June.");
        rows.review(memory, "conflict", "created_at", daysAgo(1), "candidate_id", candidate);

        JsonNode item = needs.only();
        assertEquals("memory_conflict", item.get("kind").asText());
        assertSays(
                "A candidate of research is about the same matter as the memory \"The importer needs the full month\":"
                        + " The importer takes single days since June.",
                item);
        JsonNode replace = item.at("/actions/0");
        assertEquals("Replace the memory", replace.get("label").asText());
        assertEquals(memory, replace.at("/input/supersedesMemoryId").asText());
        needs.act(item, "Reject the candidate");

        assertEquals(1, bus.count("memory_reviews where outcome = 'rejected'"));
        assertEquals(List.of(), needs.items());
    }

    @Test
    void untrusted_candidates_wait_for_a_person_and_trusted_ones_for_the_curator() {
        rows.candidate("created_at", daysAgo(3));
        rows.candidate("trust", "untrusted", "trust_reason", "a page of the web is among its sources");
        assertEquals(List.of(), needs.items());
        bus.jdbc()
                .update("update memory_candidates set created_at = now() - interval '25 hours',"
                        + " updated_at = '2026-01-02T03:04:05Z' where trust = 'untrusted'");

        JsonNode item = needs.only();
        assertEquals("memory_candidate", item.get("kind").asText());
        assertSays("research would have the fleet remember: The importer needs the full month.", item);
        assertEquals(
                "It is no memory and expires at 2026-02-01T03:04:05Z. Only a person may promote it, because a page of"
                        + " the web is among its sources.",
                item.get("ifNobodyActs").asText());
        needs.act(item, "Reject");

        assertEquals(1, bus.count("memory_candidates where status = 'rejected'"));
        assertEquals(List.of(), needs.items());
    }

    @Test
    void candidates_that_no_enabled_agent_may_promote_wait_for_a_person_too() {
        rows.candidate("source_agent", "coordinator", "created_at", daysAgo(1), "title", "The curator has a lesson");
        rows.candidate("visibility", "private", "owner_agent", "research", "created_at", daysAgo(2));
        rows.candidate("visibility", "role", "owner_agent", "research", "created_at", daysAgo(2));
        rows.candidate("source_agent", "coordinator");

        JsonNode item = needs.only();
        assertSays("coordinator would have the fleet remember (and 1 more): The curator has a lesson.", item);
        assertTrue(
                item.get("ifNobodyActs")
                        .asText()
                        .endsWith("Only a person may promote it, because no enabled agent may promote the shared"
                                + " candidate of coordinator."),
                item::toPrettyString);
        needs.act(item, "Reject");
        assertTrue(needs.only()
                .get("ifNobodyActs")
                .asText()
                .endsWith("because no enabled agent may promote the private candidate of research."));

        bus.jdbc().update("update agents set may_promote = 'own' where agent_id = 'devops'");
        bus.jdbc().update("update memory_candidates set owner_agent = 'devops' where visibility = 'private'");
        assertEquals(List.of(), needs.items(), "devops promotes what is private of devops");
    }

    @Test
    void without_an_enabled_curator_every_candidate_waits_for_a_person() {
        rows.candidate("created_at", daysAgo(1));
        assertEquals(List.of(), needs.items());

        bus.jdbc().update("update agents set enabled = false where agent_id = 'coordinator'");

        assertSays("research would have the fleet remember: The importer needs the full month.", needs.only());
    }

    @Test
    void reviews_about_date_use_and_sources_are_shown_after_a_week() {
        String memory = rows.memory();
        rows.review(memory, "unused", "created_at", daysAgo(6));
        assertEquals(List.of(), needs.items());
        rows.review(memory, "overdue", "created_at", daysAgo(7));

        JsonNode item = needs.only();
        assertEquals("memory_review", item.get("kind").asText());
        needs.act(item, "End it");
        assertEquals(1, bus.count("memories where status = 'expired'"));
        assertEquals(0, bus.count("memory_reviews where closed_at is null"));
    }

    @Test
    void nothing_of_it_is_shown_while_phase_4_is_off() {
        rows.review(rows.memory(), "wrong", "created_at", daysAgo(2));
        rows.candidate(
                "trust",
                "untrusted",
                "created_at",
                daysAgo(2),
                "candidate_id",
                UUID.randomUUID().toString());
        assertEquals(2, needs.items().size());
        bus.jdbc().queryForObject("select note_phase('default', 3, 'host-7')", String.class);

        assertEquals(
                0,
                needs.items().stream()
                        .filter(i -> i.get("kind").asText().startsWith("memory"))
                        .count());
    }
}
