package agentbus.sql;

import static agentbus.sql.Candidates.lesson;
import static agentbus.sql.Candidates.ref;
import static agentbus.sql.Candidates.seen;
import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.operator;
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

/** The trust of a candidate, which the bus sets from the rows that it rests on. */
@ExtendWith(PostgresExtension.class)
class MemoryTrustTest {
    private Machine bus;
    private String job;
    private int candidates;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        job = seen(bus);
    }

    /** A candidate of the caller with these sources beside a trusted job. */
    private JsonNode candidate(JsonNode principal, ObjectNode... more) {
        List<ObjectNode> refs = new java.util.ArrayList<>(List.of(ref("job", job)));
        refs.addAll(List.of(more));
        return bus.call(
                        "create_memory_candidate",
                        principal,
                        lesson(job, "subjectKey", "s" + candidates++, "sourceRefs", refs))
                .get("candidate");
    }

    private static void assertUntrusted(String because, JsonNode candidate) {
        assertEquals("untrusted", candidate.get("trust").asText(), candidate.toString());
        assertEquals(because, candidate.get("trustReason").asText());
    }

    private void assertTrusted(JsonNode candidate) {
        assertEquals("trusted", candidate.get("trust").asText(), candidate.toString());
        assertFalse(candidate.has("trustReason"));
    }

    private String untrustedJob() {
        return bus.enqueue("trust", "untrusted");
    }

    private void retire(String id) {
        bus.jdbc()
                .update(
                        "insert into jobs_history select (jsonb_populate_record(null::jobs_history, to_jsonb(j)"
                                + " || jsonb_build_object('retired_at', now()))).* from jobs j where job_id = ?::uuid",
                        id);
        bus.jdbc().update("delete from job_attempts where job_id = ?::uuid", id);
        bus.jdbc().update("delete from jobs where job_id = ?::uuid", id);
    }

    @Test
    void sources_of_the_ledger_are_trusted_and_the_writer_has_no_say() {
        String slotless =
                bus.ask("emit_event", "topic", "team.note").at("/event/eventId").asText();
        JsonNode candidate = candidate(agent("research"), ref("event", slotless));

        assertTrusted(candidate);
        assertTrue(bus.count("jobs where job_id = ?::uuid and trust = 'trusted'", job) == 1);
    }

    @Test
    void a_page_is_from_outside() {
        assertUntrusted(
                "the page https://example.org/report is from outside", candidate(agent("research"), Proposals.page()));
        assertUntrusted("the page https://example.org/report is from outside", candidate(operator(), Proposals.page()));
    }

    @Test
    void a_route_may_pass_on_text_from_outside_and_so_its_candidates_are_untrusted() {
        assertUntrusted(
                "it was proposed by route:chat, which may pass on text from outside",
                candidate(json("kind", "operator", "name", "route:chat")));
    }

    @Test
    void an_untrusted_job_taints_what_rests_on_it_also_from_history() {
        String outside = untrustedJob();
        assertUntrusted("job " + outside + " is untrusted", candidate(agent("research"), ref("job", outside)));

        String retired = untrustedJob();
        retire(retired);
        retire(job);
        assertUntrusted("job " + retired + " is untrusted", candidate(agent("research"), ref("job", retired)));
    }

    @Test
    void an_attempt_at_an_untrusted_job_writes_untrusted_candidates_whatever_they_rest_on() {
        Attempt attempt = bus.running("trust", "untrusted");

        String because = "it was proposed in job " + attempt.job() + ", which is untrusted";
        assertUntrusted(because, candidate(bus.principal(attempt)));
        assertUntrusted(because, candidate(agent("devops")));
        assertTrusted(candidate(agent("research")));
        bus.complete(attempt);
        assertTrusted(candidate(agent("devops")));
    }

    @Test
    void an_event_of_an_untrusted_job_is_untrusted() {
        Attempt attempt = bus.running("trust", "untrusted");
        String event = bus.call("emit_event", bus.principal(attempt), json("topic", "team.note"))
                .at("/event/eventId")
                .asText();

        assertUntrusted(
                "event " + event + " belongs to job " + attempt.job() + ", which is untrusted",
                candidate(agent("research"), ref("event", event)));
    }

    @Test
    void a_slot_whose_job_is_untrusted_is_untrusted() {
        String outside = untrustedJob();
        String slot = bus.jdbc()
                .queryForObject(
                        "insert into standing_order_runs (namespace, agent_id, order_name, scheduled_for, status, job_id)"
                                + " values ('default', 'devops', 'devops-check', now(), 'started', ?::uuid)"
                                + " returning run_id::text",
                        String.class,
                        outside);

        assertUntrusted(
                "slot " + slot + " belongs to job " + outside + ", which is untrusted",
                candidate(agent("research"), ref("slot", slot)));
    }

    @Test
    void a_question_that_a_route_answered_is_untrusted_and_one_that_a_person_answered_is_not() {
        String byRoute = bus.ask("ask", "question", "Which region?")
                .at("/question/questionId")
                .asText();
        String byPerson = bus.ask("ask", "question", "Which zone?")
                .at("/question/questionId")
                .asText();
        bus.call(
                "answer_question",
                json("kind", "operator", "name", "route:chat"),
                json("questionId", byRoute, "answer", "the north"));
        bus.ask("answer_question", "questionId", byPerson, "answer", "the south");

        assertUntrusted(
                "the answer to question " + byRoute + " came by operator:route:chat",
                candidate(agent("research"), ref("question", byRoute)));
        assertTrusted(candidate(agent("research"), ref("question", byPerson)));
        assertUntrusted(
                "the answer to question " + byRoute + " came by operator:route:chat",
                candidate(agent("research"), ref("event", answered(byRoute))));
        assertTrusted(candidate(agent("research"), ref("event", answered(byPerson))));
    }

    private String answered(String question) {
        return bus.jdbc()
                .queryForObject(
                        "select event_id::text from events where topic = 'question.answered'"
                                + " and payload ->> 'questionId' = ?",
                        String.class,
                        question);
    }

    private String opportunity(int number, ObjectNode evidence) {
        Proposal text = Proposal.good().get(number);
        return bus.call(
                        "create_opportunity",
                        operator(),
                        Proposals.opportunity(
                                "title",
                                text.title(),
                                "whyNow",
                                text.whyNow(),
                                "ifNothing",
                                text.ifNothing(),
                                "evidence",
                                List.of(evidence)))
                .at("/opportunity/opportunityId")
                .asText();
    }

    @Test
    void an_opportunity_passes_on_the_trust_of_its_evidence_and_of_what_was_merged_into_it() {
        String page = "the page https://example.org/report is from outside";
        String clean = opportunity(0, ref("job", job));
        String read = opportunity(1, Proposals.page());
        String outside = untrustedJob();
        String onJob = opportunity(2, ref("job", outside));
        assertTrusted(candidate(agent("research"), ref("opportunity", clean)));
        assertUntrusted(
                "opportunity " + read + " rests on this: " + page,
                candidate(agent("research"), ref("opportunity", read)));
        assertUntrusted(
                "opportunity " + onJob + " rests on this: job " + outside + " is untrusted",
                candidate(agent("research"), ref("opportunity", onJob)));

        bus.jdbc()
                .update(
                        "update opportunities set status = 'merged', merged_into = ?::uuid, ended_at = now(), decided_by ="
                                + " 'operator:anna', decided_at = now() where opportunity_id = ?::uuid",
                        clean,
                        read);
        assertUntrusted(
                "opportunity " + clean + " rests on this: " + page,
                candidate(agent("research"), ref("opportunity", clean)));
    }

    @Test
    void an_opportunity_passes_on_the_trust_of_the_evidence_of_its_idea() {
        String clean = opportunity(0, ref("job", job));
        bus.call("create_idea", operator(), Proposals.idea("evidence", List.of(Proposals.page())));
        assertTrusted(candidate(agent("research"), ref("opportunity", clean)));

        bus.jdbc().update("update opportunities set idea_id = (select idea_id from ideas)");

        assertUntrusted(
                "opportunity " + clean + " rests on this: the page https://example.org/report is from outside",
                candidate(agent("research"), ref("opportunity", clean)));
    }

    @Test
    void an_untrusted_memory_or_opportunity_passes_its_trust_on() {
        String memory = new MemoryRows(bus).memory("trust", "untrusted");
        Attempt attempt = bus.running("jobType", "proactive", "trust", "untrusted");
        String opportunity = bus.call("create_opportunity", bus.principal(attempt), Proposals.opportunity())
                .at("/opportunity/opportunityId")
                .asText();
        bus.complete(attempt);

        assertUntrusted("memory " + memory + " is untrusted", candidate(agent("research"), ref("memory", memory)));
        assertUntrusted(
                "opportunity " + opportunity + " is untrusted",
                candidate(agent("research"), ref("opportunity", opportunity)));
    }

    @Test
    void the_first_reason_is_named_and_the_candidate_can_be_found_by_its_trust() {
        String outside = untrustedJob();
        JsonNode candidate = candidate(agent("research"), ref("job", outside), Proposals.page());

        assertUntrusted("job " + outside + " is untrusted", candidate);
        assertEquals(
                List.of(candidate.get("candidateId").asText()),
                bus.ask("list_memory_candidates", "trust", "untrusted").findValuesAsText("candidateId"));
    }
}
