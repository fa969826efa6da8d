package agentbus.sql;

import static agentbus.sql.Candidates.lesson;
import static agentbus.sql.Candidates.seen;
import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.operator;
import static agentbus.sql.Machine.refusal;
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

/** How many memory candidates an agent may make a day, and who is told of it. */
@ExtendWith(PostgresExtension.class)
class MemoryBudgetTest {
    private Machine bus;
    private String job;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        job = seen(bus);
        budgets("research", "{\"ideas\": 1, \"memoryCandidates\": 2}");
    }

    private void budgets(String agent, String budgets) {
        bus.jdbc().update("update agents set budgets = ?::jsonb where agent_id = ?", budgets, agent);
    }

    private JsonNode create(JsonNode principal, int number, Object... more) {
        return bus.call(
                "create_memory_candidate",
                principal,
                Proposals.with(lesson(job, "subjectKey", "service-" + number), more));
    }

    /** The same lesson as a call of propose. */
    private ObjectNode proposal(Object... more) {
        ObjectNode input = lesson(job);
        ObjectNode proposal = input.deepCopy();
        proposal.set("seen", input.get("evidence"));
        proposal.set("evidence", input.get("sourceRefs"));
        proposal.remove("sourceRefs");
        return Proposals.with(proposal.put("kind", "memory"), more);
    }

    @Test
    void an_agent_makes_as_many_candidates_a_day_as_its_file_says_and_then_learns_which() {
        String first = Candidates.id(create(agent("research"), 1));
        create(agent("research"), 2);

        Refusal over = refusal(() -> create(agent("research"), 3));

        assertEquals("422 proposal_budget sourceAgent", over.brief());
        assertTrue(over.message().contains("2 memory candidates today (UTC), and its budget is 2"), over.message());
        assertTrue(over.message().contains(first), over.message());
        assertEquals(2, bus.count("memory_candidates"));
        bus.jdbc().update("update memory_candidates set created_at = created_at - interval '1 day'");
        create(agent("research"), 3);
    }

    @Test
    void an_agent_without_a_number_makes_none_and_adds_no_sources_and_people_have_no_budget() {
        budgets("devops", "{\"ideas\": 5}");
        create(agent("research"), 1);
        String other = seen(bus);

        Refusal none = refusal(() -> create(agent("devops"), 2));
        assertEquals("422 proposal_budget sourceAgent", none.brief());
        assertTrue(none.message().contains("memoryCandidates in the proposalBudget"), none.message());
        assertEquals(
                "422 proposal_budget sourceAgent",
                refusal(() -> create(agent("devops"), 1, "sourceRefs", List.of(Candidates.ref("job", other))))
                        .brief());
        for (int n = 3; n < 9; n++) {
            create(operator(), n);
        }
    }

    @Test
    void what_comes_together_with_another_candidate_costs_nothing() {
        create(agent("research"), 1);
        create(agent("research"), 1);
        create(agent("research"), 1, "sourceRefs", List.of(Candidates.ref("job", seen(bus))));

        assertEquals(
                1,
                bus.one("select proposal_budget('default', 'research')")
                        .at("/memoryCandidates/used")
                        .asInt());
    }

    @Test
    void poor_ideas_do_not_halve_the_budget_of_candidates() {
        bus.jdbc()
                .update(
                        "insert into ideas (namespace, source_agent, theme, title, body, status, reviewed_by, reviewed_at,"
                                + " ended_at, notes) select 'default', 'research', 't' || n, 'title ' || n, 'b', 'archived',"
                                + " 'operator:anna', now(), now(), 'no' from generate_series(1, 30) n");
        assertTrue(bus.one("select proposal_budget('default', 'research')").has("half"));

        create(agent("research"), 1);
        create(agent("research"), 2);
    }

    @Test
    void calls_at_once_do_not_use_the_last_place_twice() throws Exception {
        create(agent("research"), 1);

        long refused = Race.of(
                        4,
                        n -> () -> bus.call(
                                "create_memory_candidate", agent("research"), lesson(job, "subjectKey", "caller-" + n)))
                .stream()
                .filter(end -> end.thrown() != null)
                .count();

        assertEquals(3, refused);
        assertEquals(2, bus.count("memory_candidates"));
    }

    @Test
    void propose_takes_a_candidate_and_answers_with_what_is_left() {
        JsonNode answer = bus.call("propose", agent("research"), proposal());

        assertTrue(answer.get("created").asBoolean());
        assertEquals(
                lesson(job).get("evidence").asText(),
                answer.at("/candidate/evidence").asText());
        assertEquals(job, answer.at("/candidate/sourceRefs/0/id").asText());
        assertEquals(1, answer.at("/budget/memoryCandidates/left").asInt());
    }

    @Test
    void propose_drops_no_words_and_says_what_a_candidate_needs() {
        Refusal theme = refusal(() -> bus.call("propose", agent("research"), proposal("theme", "caches")));
        assertEquals("400 unknown_field theme", theme.brief());
        assertEquals("the same words in body or seen, or kind idea", theme.expected());
        for (String field : List.of("candidateKind", "scope", "body", "seen", "evidence", "confidenceScore")) {
            assertEquals(
                    "400 missing_field " + field,
                    refusal(() -> bus.call("propose", agent("research"), proposal(field, null)))
                            .brief());
        }
        assertEquals(
                "400 unknown_field seen",
                refusal(() -> bus.call("propose", agent("research"), Proposals.idea("kind", "idea", "seen", "twice")))
                        .brief());
    }

    @Test
    void a_candidate_is_of_phase_4_and_an_idea_of_phase_3() {
        bus.jdbc().queryForObject("select note_phase('default', 3, 'node')", String.class);
        ObjectNode caller = agent("research").put("phase", 3);

        Refusal off = refusal(() -> bus.call("propose", caller, proposal()));
        assertEquals("409 phase_off", off.brief());
        assertTrue(off.message().contains("phase 4 (memory) is off"), off.message());
        JsonNode idea = bus.call("propose", caller, Proposals.idea("kind", "idea"));
        assertFalse(idea.get("budget").has("memoryCandidates"), idea.toString());
    }

    @Test
    void jobs_that_tell_of_proposals_or_look_for_memories_tell_of_candidates_and_no_other_job_does() {
        bus.enqueue("targetAgent", "research", "subject", "research.packet", "jobType", "proactive");
        bus.enqueue("targetAgent", "research", "subject", "research.packet");
        bus.enqueue(
                "targetAgent", "research", "subject", "standing_order.research-memory-extract", "jobType", "scheduled");
        bus.enqueue("targetAgent", "research", "subject", "standing_order.research-scan", "jobType", "scheduled");

        List<JsonNode> claimed = bus.claim(Machine.D1, 50);

        assertEquals(4, claimed.size());
        for (JsonNode told : claimed) {
            boolean tells = told.get("jobType").asText().equals("proactive")
                    || told.get("subject").asText().endsWith("-memory-extract");
            assertEquals(tells, told.has("candidates"), told.toString());
            assertEquals(told.get("jobType").asText().equals("proactive"), told.has("proposals"), told.toString());
            if (tells) {
                assertEquals(2, told.at("/candidates/left").asInt());
                assertTrue(told.at("/candidates/freeAt").isTextual());
            }
        }
    }

    @Test
    void no_job_tells_of_candidates_while_the_phase_is_off_or_without_a_budget() {
        budgets("devops", "{\"ideas\": 1}");
        bus.enqueue("jobType", "proactive");
        assertFalse(bus.claim(Machine.D1, 1).get(0).has("candidates"));

        bus.jdbc().queryForObject("select note_phase('default', 3, 'node')", String.class);
        bus.enqueue("targetAgent", "research", "subject", "research.packet", "jobType", "proactive");
        JsonNode job = bus.ask("claim_jobs", "targetAgent", "research").at("/jobs/0");
        assertTrue(job.has("proposals"), job.toString());
        assertFalse(job.has("candidates"), job.toString());
    }
}
