package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.operator;
import static agentbus.sql.Machine.refusal;
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

/** Whom an agent may hand what, what it may say, whose child a job is, and what an agent may read. */
@ExtendWith(PostgresExtension.class)
class HandoffRulesTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        rules("devops", "[]", "{}");
    }

    private void rules(String agent, String handoffs, String emits) {
        bus.jdbc()
                .update(
                        "update agents set handoffs = ?::jsonb, emits = ?::text[] where agent_id = ?",
                        handoffs,
                        emits,
                        agent);
    }

    private Refusal refused(JsonNode who, Object... input) {
        return refusal(() -> bus.call("enqueue_job", who, json(input)));
    }

    private JsonNode handOn(JsonNode who, String target, String subject) {
        return bus.call("enqueue_job", who, json("targetAgent", target, "subject", subject));
    }

    @Test
    void work_for_an_agent_outside_the_handoffs_is_refused_in_every_way_of_asking() {
        rules("devops", "[{\"agent\": \"coordinator\"}, {\"agent\": \"research\", \"subjects\": [\"a.b\"]}]", "{}");
        Attempt attempt = bus.running();

        Refusal byToken = refused(agent("devops"), "targetAgent", "devops", "subject", "infra.check");
        Refusal byAttempt = refused(bus.principal(attempt), "targetAgent", "devops", "subject", "infra.check");
        Refusal byClose = refusal(() -> bus.say(
                attempt,
                "complete_job",
                "summary",
                "done",
                "followUps",
                List.of(
                        json("targetAgent", "coordinator", "subject", "plan.new"),
                        json("targetAgent", "devops", "subject", "infra.check"))));

        assertEquals("403 handoff_not_allowed targetAgent", byToken.brief());
        assertEquals("agent devops may not hand work to itself", byToken.message());
        assertEquals("one of: coordinator, research with the subject a.b", byToken.expected());
        assertEquals("403 handoff_not_allowed targetAgent", byAttempt.brief());
        assertEquals("403 handoff_not_allowed followUps[1].targetAgent", byClose.brief());
        assertEquals("running", bus.state(attempt.job()), "the close with a forbidden follow-up is undone");
        assertEquals(1, bus.count("jobs"));
    }

    @Test
    void an_agent_without_handoffs_is_told_what_it_may_do_instead() {
        Refusal refusal = refused(agent("devops"), "targetAgent", "research", "subject", "research.packet");

        assertEquals("agent devops may not hand work to agent research", refusal.message());
        assertEquals("no agent: emit an event, or say in the summary what should follow", refusal.expected());
    }

    @Test
    void a_handoff_may_be_for_some_subjects_and_job_types_only() {
        rules(
                "devops",
                "[{\"agent\": \"coordinator\", \"subjects\": [\"plan.new\"]},"
                        + " {\"agent\": \"*\", \"jobTypes\": [\"recovery\", \"dev\"]}]",
                "{}");

        handOn(agent("devops"), "coordinator", "plan.new");
        bus.call(
                "enqueue_job",
                agent("devops"),
                json("targetAgent", "research", "subject", "research.packet", "jobType", "recovery"));
        bus.call(
                "enqueue_job",
                agent("devops"),
                json("targetAgent", "research", "subject", "research.packet", "jobType", "dev.review"));
        Refusal subject = refused(agent("devops"), "targetAgent", "coordinator", "subject", "blocked.replan");
        Refusal type = refused(agent("devops"), "targetAgent", "research", "subject", "research.packet");
        Refusal self =
                refused(agent("devops"), "targetAgent", "devops", "subject", "infra.check", "jobType", "recovery");

        assertEquals("403 handoff_not_allowed jobType", type.brief());
        assertEquals("reactive", type.detail().get("value").asText());
        assertEquals("one of: every other agent with the job type recovery or dev", type.expected());
        assertEquals("403 handoff_not_allowed jobType", subject.brief(), "the star's entry is for every subject");
        assertEquals("403 handoff_not_allowed targetAgent", self.brief(), "a star is not oneself");
    }

    @Test
    void a_subject_outside_the_handoff_is_named_with_those_that_are_allowed() {
        rules("devops", "[{\"agent\": \"coordinator\", \"subjects\": [\"plan.new\", \"x.y\"]}]", "{}");

        Refusal refusal = refused(agent("devops"), "targetAgent", "coordinator", "subject", "blocked.replan");

        assertEquals("403 handoff_not_allowed subject", refusal.brief());
        assertEquals("blocked.replan", refusal.detail().get("value").asText());
        assertEquals("one of: coordinator with the subject plan.new or x.y", refusal.expected());
    }

    @Test
    void an_agent_hands_work_to_itself_only_where_its_handoffs_name_it() {
        rules("devops", "[{\"agent\": \"*\"}]", "{}");
        assertEquals(
                "403 handoff_not_allowed targetAgent",
                refused(agent("devops"), "targetAgent", "devops", "subject", "infra.check")
                        .brief());

        rules("devops", "[{\"agent\": \"*\"}, {\"agent\": \"devops\"}]", "{}");
        handOn(agent("devops"), "devops", "infra.check");
    }

    @Test
    void the_names_alone_count_where_an_older_node_wrote_the_agent() {
        bus.jdbc().update("update agents set handoffs = null, may_enqueue_to = '{research}' where agent_id = 'devops'");

        handOn(agent("devops"), "research", "research.packet");
        assertEquals(
                "403 handoff_not_allowed targetAgent",
                refused(agent("devops"), "targetAgent", "coordinator", "subject", "plan.new")
                        .brief());
    }

    @Test
    void operators_and_the_bus_itself_are_not_bound_by_an_agents_handoffs() {
        bus.enqueue("sourceAgent", "devops", "targetAgent", "research", "subject", "research.packet");
        bus.ask("emit_event", "topic", "any.thing", "sourceAgent", "devops");
        bus.jdbc().update("update jobs set run_after = now() + interval '1 day'");

        Attempt attempt = bus.running();
        bus.block(attempt, "person", "anna");

        assertEquals(1, bus.count("jobs where subject = 'blocked.replan' and asked_by = 'operator:bus'"));
    }

    @Test
    void a_topic_outside_emits_is_refused_and_a_pattern_may_allow_many() {
        rules("devops", "[]", "{infra.checked,incident.#}");
        Attempt attempt = bus.running();

        bus.call("emit_event", bus.principal(attempt), json("topic", "infra.checked"));
        bus.call("emit_event", agent("devops"), json("topic", "incident.note.recorded"));
        Refusal byToken = refusal(() -> bus.call("emit_event", agent("devops"), json("topic", "plan.updated")));
        Refusal byClose = refusal(() -> bus.say(
                attempt,
                "complete_job",
                "summary",
                "done",
                "events",
                List.of(json("topic", "infra.checked"), json("topic", "infra.checked.twice"))));
        rules("devops", "[]", "{}");
        Refusal none = refusal(() -> bus.call("emit_event", agent("devops"), json("topic", "infra.checked")));

        assertEquals("403 topic_not_allowed topic", byToken.brief());
        assertEquals("agent devops may not say plan.updated", byToken.message());
        assertEquals("one of: infra.checked, incident.#", byToken.expected());
        assertEquals("403 topic_not_allowed events[1].topic", byClose.brief());
        assertEquals("no topic: say it in the summary of the job", none.expected());
        assertEquals("running", bus.state(attempt.job()));
    }

    @Test
    void what_an_attempt_asks_for_is_part_of_its_own_job() {
        rules("devops", "[{\"agent\": \"research\"}]", "{}");
        String other = bus.enqueue("runAfter", "2100-01-01T00:00:00Z");
        Attempt attempt = bus.running();

        Refusal foreign = refused(
                bus.principal(attempt), "targetAgent", "research", "subject", "research.packet", "parentJobId", other);
        Refusal unknown = refused(
                bus.principal(attempt),
                "targetAgent",
                "research",
                "subject",
                "research.packet",
                "parentJobId",
                UUID.randomUUID());
        JsonNode own = handOn(bus.principal(attempt), "research", "research.packet");

        assertEquals("403 forbidden parentJobId", foreign.brief());
        assertEquals(attempt.job() + ", or no parentJobId", foreign.expected());
        assertEquals("403 forbidden parentJobId", unknown.brief());
        assertEquals(attempt.job(), own.at("/job/parentJobId").asText());
        assertEquals(1, own.at("/job/hops").asInt());
    }

    @Test
    void an_agents_token_names_as_parent_only_what_it_asked_for_or_works_on() {
        rules("devops", "[{\"agent\": \"research\"}]", "{}");
        String worksOn = bus.enqueue();
        String askedFor = bus.enqueue("sourceAgent", "devops", "targetAgent", "coordinator", "subject", "plan.new");
        String neither = bus.enqueue("targetAgent", "coordinator", "subject", "plan.new");

        for (String parent : List.of(worksOn, askedFor)) {
            bus.call(
                    "enqueue_job",
                    agent("devops"),
                    json("targetAgent", "research", "subject", "research.packet", "parentJobId", parent));
        }
        Refusal refusal = refused(
                agent("devops"), "targetAgent", "research", "subject", "research.packet", "parentJobId", neither);

        assertEquals("403 forbidden parentJobId", refusal.brief());
        assertEquals("agent devops neither asked for job " + neither + " nor works on it", refusal.message());
    }

    @Test
    void text_from_outside_does_not_reach_an_agent_that_reads_trusted_payloads_only() {
        bus.jdbc().update("update agents set reads = 'trusted' where agent_id = 'devops'");
        rules("research", "[{\"agent\": \"devops\"}]", "{}");
        Attempt outside = bus.running("targetAgent", "research", "subject", "research.packet", "trust", "untrusted");

        Refusal byOperator =
                refused(operator(), "targetAgent", "devops", "subject", "infra.check", "trust", "untrusted");
        Refusal byAttempt =
                refused(bus.principal(outside), "targetAgent", "devops", "subject", "infra.check", "trust", "trusted");

        assertEquals("422 untrusted_input targetAgent", byOperator.brief());
        assertEquals("422 untrusted_input targetAgent", byAttempt.brief(), "trust is not regained by saying so");
        bus.enqueue();
    }

    @Test
    void an_event_out_of_text_from_outside_wakes_no_agent_that_reads_trusted_payloads_only() {
        bus.jdbc().update("update agents set reads = 'trusted' where agent_id = 'devops'");
        bus.jdbc()
                .update("insert into subscriptions (namespace, topic_pattern, agent_id, subject)"
                        + " values ('default', 'packet.ready', 'devops', 'infra.check')");
        Attempt outside = bus.running("targetAgent", "research", "subject", "research.packet", "trust", "untrusted");

        bus.say(outside, "complete_job", "summary", "s", "events", List.of(json("topic", "packet.ready")));

        assertEquals(0, bus.count("jobs where target_agent = 'devops'"));
        assertTrue(bus.one("select payload from events where topic = 'agent.subscription_refused'")
                .get("reason")
                .asText()
                .contains("reads trusted payloads only"));
    }

    @Test
    void an_agent_is_shown_with_its_rules() {
        rules("devops", "[{\"agent\": \"research\", \"subjects\": [\"research.packet\"]}]", "{}");

        JsonNode shown = bus.ask("list_agents").at("/agents/1");

        assertEquals("devops", shown.get("agentId").asText());
        assertEquals("research.packet", shown.at("/handoffs/0/subjects/0").asText());
        assertEquals(20, shown.get("maxFollowUps").asInt());
        assertEquals("untrusted", shown.get("reads").asText());
    }
}
