package agentbus.sql;

import static agentbus.sql.Candidates.lesson;
import static agentbus.sql.Candidates.seen;
import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.operator;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** How memory candidates end without becoming a memory. */
@ExtendWith(PostgresExtension.class)
class MemoryCandidateEndsTest {
    private Machine bus;
    private MemoryRows rows;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        rows = new MemoryRows(bus);
    }

    private JsonNode reject(JsonNode principal, String candidate, String notes) {
        return bus.call("reject_memory_candidate", principal, json("candidateId", candidate, "notes", notes));
    }

    private int expire() {
        return bus.jdbc().queryForObject("select expire_candidates(500)", Integer.class);
    }

    private String old(Object... columns) {
        String candidate = rows.candidate(columns);
        bus.jdbc()
                .update(
                        "update memory_candidates set updated_at = now() - interval '31 days' where candidate_id = ?::uuid",
                        candidate);
        return candidate;
    }

    private String status(String candidate) {
        return bus.ask("get_memory_candidate", "candidateId", candidate)
                .get("status")
                .asText();
    }

    @Test
    void a_rejection_has_its_reason_and_the_same_again_changes_nothing() {
        String candidate = rows.candidate();

        JsonNode rejected = reject(operator(), candidate, "One incident.");
        JsonNode again = reject(operator(), candidate, "One incident.");

        assertEquals("rejected", rejected.get("status").asText());
        assertEquals("operator:anna", rejected.get("decidedBy").asText());
        assertEquals("One incident.", rejected.get("notes").asText());
        assertTrue(rejected.get("changed").asBoolean());
        assertFalse(again.get("changed").asBoolean(true));
        assertEquals(1, bus.count("audit_log where action = 'memory_candidate.changed' and why = 'One incident.'"));
        Refusal other = refusal(() -> reject(operator(), candidate, "Another reason."));
        assertEquals("409 wrong_state candidateId", other.brief());
        assertTrue(other.message().contains("was rejected by operator:anna at"), other.message());
    }

    @Test
    void the_author_the_owner_who_may_promote_and_a_curator_reject_and_no_other_agent_does() {
        bus.jdbc().update("update agents set may_promote = 'shared' where agent_id = 'coordinator'");
        reject(agent("research"), rows.candidate(), "I was wrong.");
        reject(agent("coordinator"), rows.candidate(), "Too small.");

        assertEquals(
                "403 forbidden candidateId",
                refusal(() -> reject(agent("devops"), rows.candidate(), "No.")).brief());
        String forDevops = rows.candidate("visibility", "role", "owner_agent", "devops");
        assertEquals(
                "403 forbidden candidateId",
                refusal(() -> reject(agent("devops"), forDevops, "Not mine.")).brief());
        bus.jdbc().update("update agents set may_promote = 'own' where agent_id = 'devops'");
        assertEquals(
                "rejected",
                reject(agent("devops"), forDevops, "Not mine.").get("status").asText());
        assertEquals(
                "404 unknown_memory_candidate candidateId",
                refusal(() -> reject(
                                agent("coordinator"),
                                rows.candidate("visibility", "private", "owner_agent", "research"),
                                "No."))
                        .brief());
    }

    @Test
    void people_clear_the_lane_while_its_phase_is_off_and_agents_do_not() {
        String candidate = rows.candidate();
        bus.jdbc().queryForObject("select note_phase('default', 3, 'node')", String.class);

        assertEquals(
                409,
                refusal(() -> reject(agent("research"), candidate, "I was wrong."))
                        .status());
        assertEquals(
                "rejected",
                reject(operator(), candidate, "Polluted.").get("status").asText());
    }

    @Test
    void a_rejection_ends_the_review_of_the_conflict_with_it() {
        String candidate = rows.candidate();
        String memory = rows.memory();
        String review = rows.review(memory, "conflict", "candidate_id", candidate);
        String overdue = rows.review(memory, "overdue");

        reject(operator(), candidate, "The memory is right.");

        assertEquals(1, bus.count("memory_reviews where review_id = ?::uuid and outcome = 'rejected'", review));
        assertEquals(1, bus.count("memory_reviews where review_id = ?::uuid and closed_at is null", overdue));
    }

    @Test
    void a_candidate_that_nobody_decides_for_30_days_expires_and_says_so() {
        String fresh = rows.candidate();
        String left = old();
        String review = rows.review(rows.memory(), "conflict", "candidate_id", left);

        assertEquals(1, expire());

        assertEquals("new", status(fresh));
        assertEquals("expired", status(left));
        assertEquals(1, bus.count("memory_reviews where review_id = ?::uuid and outcome = 'withdrawn'", review));
        Refusal ended = refusal(() -> reject(operator(), left, "Too late."));
        assertEquals("409 wrong_state candidateId", ended.brief());
        assertTrue(ended.message().contains("nobody had decided it"), ended.message());
        assertEquals(0, expire());
    }

    @Test
    void a_source_that_a_second_agent_adds_begins_the_30_days_anew() {
        String job = seen(bus);
        String first = Candidates.id(bus.call("create_memory_candidate", agent("research"), lesson(job)));
        bus.jdbc().update("update memory_candidates set updated_at = now() - interval '31 days'");
        bus.call("create_memory_candidate", agent("devops"), lesson(seen(bus)));

        assertEquals(0, expire());
        assertEquals("new", status(first));
    }

    @Test
    void nothing_expires_while_the_phase_is_off_and_the_limit_holds_for_each_namespace() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        old();
        old();
        old("namespace", "other");

        assertEquals(2, bus.jdbc().queryForObject("select expire_candidates(1)", Integer.class));
        bus.jdbc().queryForObject("select note_phase('default', 3, 'node')", String.class);
        assertEquals(0, expire());
        bus.jdbc().queryForObject("select note_phase('default', 4, 'node')", String.class);
        assertEquals(1, expire());
    }
}
