package agentbus.sql;

import static agentbus.sql.Decisions.coordinator;
import static agentbus.sql.Decisions.person;
import static agentbus.sql.Decisions.tracker;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.operator;
import static agentbus.sql.Machine.refusal;
import static agentbus.sql.Proposals.opportunity;
import static agentbus.sql.Proposals.page;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@ExtendWith(PostgresExtension.class)
class ConvertTest {
    private Machine bus;
    private Decisions lane;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        lane = Decisions.of(bus);
    }

    private JsonNode job(String id) {
        return bus.ask("get_job", "jobId", id);
    }

    @Test
    void an_opportunity_becomes_a_job_of_its_owner_that_carries_the_proposal() {
        String opportunity = lane.opportunity("source_job_id", null);

        JsonNode answer = lane.convert(coordinator(), opportunity, "payload", json("limit", 3));

        assertTrue(answer.get("created").asBoolean());
        assertEquals("converted_to_job", answer.at("/opportunity/status").asText());
        assertEquals("agent:coordinator", answer.get("convertedBy").asText());
        assertEquals("open", answer.at("/cameOf/outcome").asText());
        JsonNode job = job(answer.get("jobId").asText());
        assertEquals("devops", job.get("targetAgent").asText());
        assertEquals("coordinator", job.get("sourceAgent").asText());
        assertEquals("proactive", job.get("jobType").asText());
        assertEquals(50, job.get("priority").asInt());
        assertEquals("opportunity:" + opportunity, job.get("correlationKey").asText());
        assertEquals("trusted", job.get("trust").asText());
        assertEquals(3, job.at("/payload/limit").asInt());
        assertEquals(opportunity, job.at("/payload/proposal/opportunityId").asText());
        assertEquals(
                "Add a retry.", job.at("/payload/proposal/suggestedNextStep").asText());
        assertEquals(1, job.at("/payload/proposal/evidence").size());
        JsonNode review = lane.get(opportunity).at("/reviews/0");
        assertEquals("converted_to_job", review.get("decision").asText());
        assertEquals("Worth it.", review.get("notes").asText());
        assertEquals(
                1,
                bus.count(
                        "events where topic = 'opportunity.converted' and source_agent = 'coordinator'"
                                + " and payload ->> 'jobId' = ?",
                        answer.get("jobId").asText()));
    }

    @Test
    void asked_again_the_answer_is_the_same_job_and_names_what_differs() {
        String opportunity = lane.opportunity();
        JsonNode first = lane.convert(person("bert"), opportunity, "convertedBy", "Bert Lind");

        JsonNode again = lane.convert(operator(), opportunity, "priority", 7);

        assertFalse(again.get("created").asBoolean());
        assertEquals(first.get("jobId"), again.get("jobId"));
        assertEquals("operator:bert (Bert Lind)", again.get("convertedBy").asText());
        assertEquals("[\"priority\"]", again.get("differs").toString());
        assertEquals(1, bus.count("jobs"));
        assertEquals(1, lane.reviews(opportunity));
        assertEquals(1, bus.count("events where topic = 'opportunity.converted'"));
    }

    @Test
    void of_many_who_convert_at_once_one_wins_and_all_read_who_was_first() throws InterruptedException {
        String opportunity = lane.opportunity();

        List<JsonNode> answers = Race.won(10, i -> () -> lane.convert(person("p" + i), opportunity));

        assertEquals(
                1, answers.stream().filter(a -> a.get("created").asBoolean()).count());
        Set<String> firsts =
                answers.stream().map(a -> a.get("convertedBy").asText()).collect(Collectors.toSet());
        assertEquals(1, firsts.size(), firsts.toString());
        assertEquals(1, bus.count("jobs"));
        assertEquals(1, lane.reviews(opportunity));
    }

    @Test
    void a_conversion_and_a_rejection_at_once_leave_one_of_both() throws InterruptedException {
        for (int round = 0; round < 3; round++) {
            String opportunity = lane.opportunity();
            List<Race.End<JsonNode>> ends = Race.of(
                    2,
                    i -> () -> i == 0
                            ? lane.convert(person("bert"), opportunity)
                            : lane.triage(operator(), opportunity, "rejected", "No."));

            assertEquals(1, ends.stream().filter(e -> e.thrown() == null).count());
            assertEquals(1, lane.reviews(opportunity));
            assertEquals(
                    lane.status(opportunity).equals("rejected") ? 0 : 1,
                    bus.count("jobs where correlation_key = ?", "opportunity:" + opportunity));
        }
    }

    @ParameterizedTest
    @CsvSource({"triaged, true", "accepted, true", "rejected, false", "parked, false"})
    void one_that_is_rejected_or_parked_is_not_converted(String status, boolean converted) {
        String opportunity = lane.opportunity();
        if (status.equals("parked")) {
            lane.park(operator(), opportunity, "After the release.", 5);
        } else {
            lane.triage(operator(), opportunity, status, "A reason.");
        }
        if (converted) {
            assertTrue(lane.convert(operator(), opportunity).get("created").asBoolean());
            return;
        }

        Refusal refused = refusal(() -> lane.convert(operator(), opportunity));

        assertEquals("409 wrong_state opportunityId", refused.brief());
        assertTrue(refused.message().contains("operator:anna"), refused.message());
        assertEquals(status, lane.status(opportunity));
        assertEquals(0, bus.count("jobs"));
    }

    @Test
    void only_those_who_may_convert_do_and_agents_make_proactive_jobs_only() {
        String opportunity = lane.opportunity();

        assertEquals(
                "403 forbidden opportunityId",
                refusal(() -> lane.convert(tracker(), opportunity)).brief());
        Refusal reactive = refusal(() -> lane.convert(coordinator(), opportunity, "jobType", "reactive"));
        assertEquals("403 forbidden jobType", reactive.brief());
        assertEquals("new", lane.status(opportunity));

        JsonNode answer = lane.convert(operator(), opportunity, "jobType", "reactive");
        assertEquals(
                "reactive", job(answer.get("jobId").asText()).get("jobType").asText());
    }

    @ParameterizedTest
    @CsvSource({"source_agent, proposed", "promoted_by, promoted"})
    void an_agent_does_not_decide_about_a_proposal_that_it_has_made_or_promoted(String column, String act) {
        String opportunity = lane.opportunity(column, "coordinator");

        Refusal refused = refusal(() -> lane.convert(coordinator(), opportunity));

        assertEquals("403 forbidden opportunityId", refused.brief());
        assertEquals(
                "agent coordinator has " + act + " opportunity " + opportunity + " itself and may not convert it",
                refused.message());
        for (String decision : List.of("accepted", "rejected")) {
            assertEquals(
                    "403 forbidden decision",
                    refusal(() -> lane.triage(coordinator(), opportunity, decision, "It is mine."))
                            .brief());
        }
        lane.triage(coordinator(), opportunity, "triaged", "Goes with the import.");
        assertEquals("triaged", lane.status(opportunity));
        assertTrue(lane.convert(operator(), opportunity).get("created").asBoolean());
    }

    @Test
    void what_enqueueing_refuses_converting_refuses_and_the_opportunity_stays() {
        String opportunity = lane.opportunity();

        assertEquals(
                "422 subject_not_accepted subject",
                refusal(() -> lane.convert(operator(), opportunity, "subject", "infra.unknown"))
                        .brief());
        assertEquals(
                "422 unknown_agent targetAgent",
                refusal(() -> lane.convert(operator(), opportunity, "targetAgent", "nobody"))
                        .brief());
        bus.jdbc().update("update agents set may_enqueue_to = '{research}' where agent_id = 'coordinator'");
        assertEquals(
                "403 handoff_not_allowed targetAgent",
                refusal(() -> lane.convert(coordinator(), opportunity)).brief());
        bus.jdbc().update("update agents set enabled = false where agent_id = 'devops'");
        assertEquals(
                "422 agent_disabled targetAgent",
                refusal(() -> lane.convert(operator(), opportunity)).brief());
        assertEquals("new", lane.status(opportunity));
        assertEquals(0, lane.reviews(opportunity));
    }

    @Test
    void a_proposal_out_of_untrusted_work_makes_an_untrusted_job_whoever_converts_it() {
        Attempt outside = bus.running("trust", "untrusted");
        String opportunity = lane.opportunity("source_job_id", null);
        lane.merge(operator(), lane.opportunity("source_job_id", outside.job()), opportunity, "The same.");
        String lost = lane.opportunity();

        for (String id : List.of(opportunity, lost)) {
            assertEquals(
                    "untrusted",
                    job(lane.convert(operator(), id).get("jobId").asText())
                            .get("trust")
                            .asText());
        }
        bus.jdbc().update("update agents set reads = 'trusted' where agent_id = 'devops'");
        assertEquals(
                "422 untrusted_input targetAgent",
                refusal(() -> lane.convert(operator(), lane.opportunity("source_job_id", outside.job())))
                        .brief());
    }

    @Test
    void evidence_that_an_untrusted_attempt_adds_makes_the_job_untrusted() {
        bus.jdbc().update("update agents set budgets = '{\"ideas\": 5, \"opportunities\": 5}'");
        String opportunity = bus.call("create_opportunity", operator(), opportunity())
                .at("/opportunity/opportunityId")
                .asText();
        JsonNode outside = bus.principal(bus.running("trust", "untrusted"));

        JsonNode merged = bus.call(
                "create_opportunity",
                outside,
                opportunity("ifSimilar", "merge", "evidence", List.of(page().put("url", "https://example.org/other"))));

        assertEquals(outside.get("jobId"), merged.at("/opportunity/evidence/1/addedJob"), merged.toString());
        assertEquals("untrusted", trustOfJob(opportunity));
    }

    @Test
    void an_idea_out_of_untrusted_work_makes_the_job_untrusted_through_two_merges() {
        String idea = lane.rows.idea(
                "source_job_id", bus.running("trust", "untrusted").job());
        String first = lane.opportunity("source_job_id", null, "idea_id", idea);
        String second = lane.opportunity("source_job_id", null);
        String last = lane.opportunity("source_job_id", null);
        lane.merge(operator(), first, second, "The same.");
        lane.merge(operator(), second, last, "The same.");

        assertEquals("untrusted", trustOfJob(last));
        assertEquals("trusted", trustOfJob(lane.opportunity("source_job_id", null)));
    }

    private String trustOfJob(String opportunity) {
        return job(lane.convert(operator(), opportunity).get("jobId").asText())
                .get("trust")
                .asText();
    }

    @Test
    void no_more_proactive_jobs_are_alive_than_the_limit_and_the_refusal_names_them() {
        List<String> alive = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            alive.add(lane.convert(operator(), lane.opportunity()).get("jobId").asText());
        }
        String opportunity = lane.opportunity();

        Refusal refused = refusal(() -> lane.convert(operator(), opportunity));

        assertEquals("422 proactive_limit jobType", refused.brief());
        assertTrue(
                refused.message()
                        .startsWith("at most 3 proactive jobs may be alive at once, and these are: " + alive.get(0)
                                + " (devops, infra.check, queued), " + alive.get(1)),
                refused.message());
        assertEquals("new", lane.status(opportunity));

        bus.ask("cancel_job", "jobId", alive.get(0), "reason", "worth less");
        assertTrue(lane.convert(operator(), opportunity).get("created").asBoolean());
    }

    @Test
    void the_limit_binds_the_enqueues_of_agents_too_but_not_orders_operators_or_other_namespaces() {
        bus.jdbc()
                .update("insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds,"
                        + " hard_timeout_seconds, asked_by) select 'default', 'devops', 'proactive', 'standing_order.scan', 'queued', 1, 1,"
                        + " 'operator:standing-order' from generate_series(1, 5)");
        for (int i = 0; i < 3; i++) {
            bus.enqueue("jobType", "proactive");
        }
        bus.enqueue("jobType", "proactive");

        assertEquals(
                "422 proactive_limit jobType",
                refusal(() -> bus.call(
                                "enqueue_job",
                                coordinator(),
                                json("targetAgent", "devops", "subject", "infra.check", "jobType", "proactive")))
                        .brief());
        bus.call("enqueue_job", coordinator(), json("targetAgent", "devops", "subject", "infra.check"));
        assertEquals(1, bus.count("jobs where source_agent = 'coordinator'"));
    }

    @Test
    void many_conversions_at_once_stay_within_the_limit() throws InterruptedException {
        List<String> opportunities = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            opportunities.add(lane.opportunity("title", "Proposal " + i));
        }

        List<Race.End<JsonNode>> ends = Race.of(12, i -> () -> lane.convert(person("p" + i), opportunities.get(i)));

        assertEquals(3, ends.stream().filter(e -> e.thrown() == null).count());
        assertEquals(3, bus.count("jobs"));
        assertEquals(9, bus.count("opportunities where status = 'new'"));
    }

    @Test
    void what_came_of_it_is_on_the_opportunity() {
        String opportunity = lane.opportunity();
        String job = lane.convert(operator(), opportunity).get("jobId").asText();
        Attempt attempt = bus.claim();
        bus.admitted(attempt);
        assertEquals(job, attempt.job());
        bus.complete(attempt);

        JsonNode cameOf = lane.get(opportunity).get("cameOf");

        assertEquals("hit", cameOf.get("outcome").asText());
        assertEquals("done", cameOf.get("summary").asText());
        assertEquals(job, lane.convert(operator(), opportunity).get("jobId").asText());
    }
}
