package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The gate of phase 4: only rows of the memory lane meet its criteria. */
class GateOfMemoryTest extends PhaseGates {
    private static final String CANDIDATE = "00000000-0000-4000-8000-00000000000c";

    private MemoryRows rows;

    @BeforeEach
    void phaseFour() {
        rows = new MemoryRows(bus);
        onFor(4, 80);
    }

    private String promoted(String author, Object... columns) {
        Object[] all = java.util.Arrays.copyOf(
                new Object[] {"source_agent", author, "candidate_id", CANDIDATE}, 4 + columns.length);
        System.arraycopy(columns, 0, all, 4, columns.length);
        return rows.memory(all);
    }

    private void closed(String memory, int hoursAgo) {
        String at = rows.ago("hours => " + hoursAgo);
        rows.review(
                memory,
                "overdue",
                "created_at",
                at,
                "closed_at",
                at,
                "closed_by",
                "operator:anna",
                "outcome",
                "confirmed");
    }

    @Test
    void without_rows_nothing_is_met() {
        assertEquals(
                Map.of(
                        "memories_promoted", "not_met",
                        "memories_in_prompts", "not_measured",
                        "memories_reviewed", "not_measured",
                        "phase_before", "not_met",
                        "time_without_breach", "met"),
                statuses(gate(4)));
    }

    @Test
    void what_the_fleet_remembered_since_the_phase_is_on_meets_it_with_a_sample_each() {
        String first = promoted("research", "created_at", rows.ago("hours => 70"));
        promoted("devops", "created_at", rows.ago("hours => 60"));
        promoted("coordinator", "created_at", rows.ago("hours => 50"));
        promoted("coordinator");
        rows.injection(first, UUID.randomUUID().toString(), "created_at", rows.ago("hours => 5"));
        String attempt = UUID.randomUUID().toString();
        rows.injection(first, attempt);
        rows.injection(promoted("devops"), attempt, "rank", 2);
        closed(first, 3);
        for (String phase : List.of("1", "2", "3")) {
            bus.ask("sign_off_phase", "phase", phase, "person", "Anna", "reason", "r", "despite", "d");
        }

        JsonNode gate = gate(4);

        assertEquals("met", gate.get("status").asText(), gate::toPrettyString);
        assertCriterion(4, "memories_promoted", "met", "5 memories of 3 roles of coordinator, devops, research");
        assertCriterion(4, "memories_in_prompts", "met", "2 prompts with memories, at most 2 in one, and 80 tokens");
        assertCriterion(4, "memories_reviewed", "met", "1 review was closed, the last one at .*");
    }

    @Test
    void memories_of_people_new_versions_and_those_before_the_phase_show_nothing_about_the_fleet() {
        promoted("devops");
        promoted("anna");
        promoted("coordinator", "created_at", rows.ago("hours => 81"));
        promoted("coordinator", "version", 2, "supersedes", CANDIDATE);
        rows.memory("source_agent", "coordinator");
        promoted("research", "namespace", other());

        assertCriterion(4, "memories_promoted", "not_met", "1 memory of 1 role of devops");
    }

    private String other() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        return "other";
    }

    @Test
    void a_prompt_with_eleven_memories_is_named() {
        String attempt = UUID.randomUUID().toString();
        for (int rank = 1; rank <= 11; rank++) {
            rows.injection(UUID.randomUUID().toString(), attempt, "rank", rank);
        }
        rows.injection(UUID.randomUUID().toString(), UUID.randomUUID().toString());

        assertCriterion(
                4,
                "memories_in_prompts",
                "not_met",
                "the prompt of attempt " + attempt + " of job \\S+ had 11 memories");
    }

    @Test
    void a_confirmed_memory_counts_as_reviewed_when_it_was_due() {
        String memory = rows.memory();
        bus.ask("confirm_memory", "memoryId", memory, "notes", "It still holds, as the last import shows.");
        assertCriterion(4, "memories_reviewed", "not_measured", "no review of a memory was closed in this time");

        bus.jdbc().update("update memories set next_review_at = now() - interval '1 minute'");
        bus.ask("confirm_memory", "memoryId", memory, "notes", "It still holds, as the last import shows.");
        assertCriterion(4, "memories_reviewed", "met", "1 review was closed, the last one at .*");
    }

    @Test
    void an_old_open_review_or_a_review_date_long_past_is_named_although_others_were_closed() {
        String memory = rows.memory();
        closed(memory, 5);
        assertCriterion(4, "memories_reviewed", "met", ".*");

        String overdue = rows.memory("next_review_at", rows.ago("hours => 73"));
        assertCriterion(4, "memories_reviewed", "not_met", "the review date \\S+ of memory " + overdue + " has passed");

        String open = rows.review(memory, "conflict", "created_at", rows.ago("hours => 73"));
        assertCriterion(
                4,
                "memories_reviewed",
                "not_met",
                "review " + open + " \\(conflict\\) of memory " + memory + " is open since \\S+");
    }
}
