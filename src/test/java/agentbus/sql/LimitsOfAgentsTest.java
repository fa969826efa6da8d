package agentbus.sql;

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
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** How much one job may give rise to, that work does not go in circles, and what is kept of refused calls. */
@ExtendWith(PostgresExtension.class)
class LimitsOfAgentsTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private JsonNode handOn(Attempt attempt, String target, String subject, Object... more) {
        ObjectNode input = json("targetAgent", target, "subject", subject);
        input.setAll(json(more));
        return bus.call("enqueue_job", bus.principal(attempt), input);
    }

    private Attempt handOver(Attempt from, String target, String subject) {
        handOn(from, target, subject);
        bus.complete(from);
        Attempt next = bus.claim();
        bus.admitted(next);
        return next;
    }

    private void most(int followUps) {
        bus.jdbc().update("update agents set max_follow_ups = ? where agent_id = 'devops'", followUps);
    }

    @Test
    void a_job_gives_rise_to_so_many_jobs_over_all_its_attempts() {
        most(3);
        Attempt first = bus.running();
        handOn(first, "research", "research.packet");
        handOn(first, "research", "research.packet");
        bus.fail(first, "retryAfterSeconds", 0);
        bus.jdbc().update("update jobs set run_after = now() + interval '1 day' where target_agent = 'research'");
        Attempt second = bus.claim();
        handOn(second, "research", "research.packet");

        Refusal byCall = refusal(() -> handOn(second, "research", "research.packet"));
        Refusal byClose = refusal(() -> bus.say(
                second,
                "complete_job",
                "summary",
                "s",
                "followUps",
                List.of(json("targetAgent", "research", "subject", "research.packet"))));

        assertEquals("422 follow_up_limit targetAgent", byCall.brief());
        assertEquals("at most 3 jobs out of one job; put what remains into one of them", byCall.expected());
        assertEquals("422 follow_up_limit followUps[0].targetAgent", byClose.brief());
        bus.complete(second);
        assertEquals(4, bus.count("jobs"));
    }

    @Test
    void asking_again_for_a_follow_up_that_is_there_is_no_further_one() {
        most(1);
        Attempt attempt = bus.running();
        handOn(attempt, "research", "research.packet", "dedupeKey", "k");

        assertFalse(handOn(attempt, "research", "research.packet", "dedupeKey", "k")
                .get("created")
                .asBoolean());
    }

    @Test
    void what_the_bus_and_operators_make_of_a_job_does_not_count() {
        most(1);
        bus.jdbc()
                .update("insert into subscriptions (namespace, topic_pattern, agent_id, subject)"
                        + " values ('default', 'a.b', 'research', 'research.packet')");
        Attempt attempt = bus.running();
        bus.enqueue("parentJobId", attempt.job());
        bus.call("emit_event", bus.principal(attempt), json("topic", "a.b"));
        assertEquals(2, bus.count("jobs where parent_job_id is not null"));

        handOn(attempt, "research", "research.packet", "dedupeKey", "event:of-my-own");
        assertEquals(
                "422 follow_up_limit targetAgent",
                refusal(() -> handOn(attempt, "research", "research.packet", "dedupeKey", "event:x"))
                        .brief());
    }

    @Test
    void two_calls_of_one_attempt_at_the_same_time_do_not_slip_past_the_limit() throws Exception {
        most(4);
        Attempt attempt = bus.running();

        List<Race.End<JsonNode>> ends = Race.of(8, i -> () -> handOn(attempt, "research", "research.packet"));

        assertEquals(4, ends.stream().filter(end -> end.thrown() == null).count());
        assertEquals(4, bus.count("jobs where parent_job_id is not null"));
    }

    @Test
    void a_job_says_so_many_events_over_all_its_attempts() {
        Attempt attempt = bus.running();
        List<ObjectNode> events =
                IntStream.range(0, 50).mapToObj(i -> json("topic", "a.b")).toList();
        for (int i = 0; i < 49; i++) {
            bus.call("emit_event", bus.principal(attempt), json("topic", "a.b"));
        }
        bus.call("emit_event", bus.principal(attempt), json("topic", "a.b", "dedupeKey", "last"));
        bus.call("emit_event", bus.principal(attempt), json("topic", "a.b", "dedupeKey", "last"));

        Refusal refusal = refusal(() -> bus.call("emit_event", bus.principal(attempt), json("topic", "a.c")));
        assertEquals("422 event_limit topic", refusal.brief());
        assertEquals(
                "422 event_limit events[0].topic",
                refusal(() -> bus.say(attempt, "complete_job", "summary", "s", "events", events))
                        .brief());
        bus.complete(attempt);

        Attempt other = bus.running();
        assertEquals(
                50,
                bus.say(other, "complete_job", "summary", "s", "events", events)
                        .get("events")
                        .size(),
                "one full close is allowed");
    }

    @Test
    void work_that_goes_from_agent_to_agent_and_back_is_stopped_and_the_rest_goes_on() {
        Attempt attempt = bus.running();
        for (int round = 0; round < 2; round++) {
            attempt = handOver(attempt, "research", "research.packet");
            attempt = handOver(attempt, "devops", "infra.check");
        }
        attempt = handOver(attempt, "research", "research.packet");
        Attempt last = attempt;

        Refusal refusal = refusal(() -> handOn(last, "devops", "infra.check"));

        assertEquals("422 handoff_loop targetAgent", refusal.brief());
        assertEquals(
                "the work goes in circles: devops infra.check -> research research.packet -> devops infra.check"
                        + " -> research research.packet -> devops infra.check -> research research.packet"
                        + " -> devops infra.check",
                refusal.message());
        handOn(last, "devops", "infra.repair");
        handOn(last, "coordinator", "plan.new");
        bus.complete(last);
        assertEquals("succeeded", bus.state(last.job()));
    }

    @Test
    void an_operator_may_ask_for_the_same_once_more() {
        String job = bus.enqueue();
        for (int i = 0; i < 5; i++) {
            job = bus.enqueue("parentJobId", job);
        }
        assertEquals(5, bus.column(job, "hops", Integer.class));
    }

    @Test
    void a_block_asks_the_coordinator_however_often_it_was_asked_in_the_chain() {
        String job = bus.enqueue();
        for (int i = 0; i < 4; i++) {
            job = bus.enqueue("targetAgent", "coordinator", "subject", "blocked.replan", "parentJobId", job);
        }
        bus.jdbc().update("update jobs set run_after = now() + interval '1 day'");
        Attempt attempt = bus.running("parentJobId", job);

        bus.block(attempt, "person", "anna");

        assertEquals(1, bus.count("jobs where parent_job_id = ?::uuid and subject = 'blocked.replan'", attempt.job()));
    }

    @Test
    void refused_calls_of_an_agent_are_audit_rows_up_to_a_few_and_numbers_past_them() {
        Attempt attempt = bus.running();
        ObjectNode problem = json(
                "status", 403, "code", "topic_not_allowed", "detail", "no", "field", "topic", "value", "v".repeat(500));
        for (int i = 0; i < 40; i++) {
            assertTrue(
                    note(json("attemptId", attempt.id()), problem).get("noted").asBoolean());
        }
        note(agent("research"), problem);

        // The clock may have gone on to the next minute in between, once.
        long rows = bus.count("audit_log where action = 'call.refused' and actor = 'attempt:devops'");
        assertTrue(rows == 5 || rows == 10, rows + " rows");
        assertEquals(
                40,
                bus.jdbc()
                        .queryForObject(
                                "select sum(refused)::int from refusals where actor = 'attempt:devops'",
                                Integer.class));
        JsonNode row = bus.one(
                "select to_jsonb(a) from audit_log a where action = 'call.refused' and actor = 'attempt:devops' limit 1");
        assertEquals(attempt.job(), row.get("row_id").asText());
        assertEquals("emitEvent", row.at("/detail/operation").asText());
        assertEquals(200, row.at("/detail/value").asText().length());
        assertEquals(
                1,
                bus.count(
                        "audit_log where action = 'call.refused' and actor = 'agent:research' and row_id = 'research'"));
    }

    private JsonNode note(JsonNode who, JsonNode problem) {
        return bus.one("select note_refusal(?::jsonb, 'emitEvent', ?::jsonb)", who.toString(), problem.toString());
    }

    @Test
    void nothing_is_kept_of_operators_and_of_tokens_that_nobody_has() {
        ObjectNode problem = json("status", 403, "code", "forbidden", "detail", "no");
        List<JsonNode> others = new ArrayList<>(List.of(operator(), json("tokenHash", "00".repeat(32))));
        others.add(json("attemptId", "0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10"));

        others.forEach(who -> assertFalse(note(who, problem).get("noted").asBoolean()));

        assertEquals(0, bus.count("refusals"));
        assertEquals(0, bus.count("audit_log where action = 'call.refused'"));
    }

    @Test
    void old_numbers_of_refusals_are_forgotten() {
        note(agent("devops"), json("status", 403, "code", "forbidden", "detail", "no"));
        bus.jdbc().update("update refusals set minute = minute - interval '31 days'");

        note(agent("devops"), json("status", 429, "code", "too_many_calls", "detail", "no", "count", 700));

        assertEquals(
                700L, bus.jdbc().queryForObject("select refused from refusals", Long.class), "one row, the new one");
    }
}
