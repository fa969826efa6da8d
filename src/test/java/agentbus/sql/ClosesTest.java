package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(PostgresExtension.class)
class ClosesTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private JsonNode close(Attempt attempt, String how) {
        return switch (how) {
            case "complete_job" -> bus.complete(attempt);
            case "fail_job" -> bus.fail(attempt);
            default -> bus.block(attempt, "at", "2100-01-01T00:00:00Z");
        };
    }

    private static String code(JsonNode answer) {
        return answer.at("/problem/code").asText();
    }

    @Test
    void a_completed_job_has_its_result_follow_ups_and_events() {
        Attempt attempt = bus.running("flowKey", "f");

        JsonNode answer = bus.say(
                attempt,
                "complete_job",
                "summary",
                "web-1 is healthy",
                "result",
                json("load", 0.4, "note", null),
                "usage",
                json("tokens", 7),
                "followUps",
                List.of(
                        json("targetAgent", "research", "subject", "research.packet"),
                        json("targetAgent", "devops", "subject", "infra.repair")),
                "events",
                List.of(json("topic", "infra.checked", "payload", json("ok", true))));

        assertEquals("succeeded", answer.at("/job/state").asText());
        assertEquals("", answer.at("/job/nextMove").asText());
        JsonNode job = bus.ask("get_job", "jobId", attempt.job());
        assertEquals("web-1 is healthy", job.get("summary").asText());
        assertEquals(0.4, job.at("/result/load").asDouble());
        assertTrue(job.at("/result/note").isNull());
        assertTrue(job.has("endedAt"));
        assertEquals(7, job.at("/attempts/0/usage/tokens").asInt());
        assertEquals("succeeded", job.at("/attempts/0/status").asText());

        assertEquals(2, answer.get("followUps").size());
        String followUp = answer.at("/followUps/0").asText();
        assertEquals(attempt.job(), bus.column(followUp, "parent_job_id", String.class));
        assertEquals("devops", bus.column(followUp, "source_agent", String.class));
        assertEquals("f", bus.column(followUp, "flow_key", String.class));
        assertEquals(
                1,
                bus.count(
                        "events where topic = 'infra.checked' and source_agent = 'devops'"
                                + " and source_job_id = ?::uuid and event_id = ?::uuid",
                        attempt.job(),
                        answer.at("/events/0").asText()));
        assertEquals(List.of("job.enqueued", "job.succeeded", "infra.checked"), bus.topics(attempt.job()));
    }

    @Test
    void a_refused_follow_up_undoes_the_whole_close_and_names_its_place() {
        Attempt attempt = bus.running();
        JsonNode fine = json("targetAgent", "research", "subject", "research.packet");

        Refusal agent = refusal(() -> bus.say(
                attempt,
                "complete_job",
                "summary",
                "done",
                "followUps",
                List.of(fine, json("targetAgent", "nobody", "subject", "x"))));
        Refusal subject = refusal(() -> bus.say(
                attempt,
                "complete_job",
                "summary",
                "done",
                "followUps",
                List.of(json("targetAgent", "research", "subject", "x"))));
        Refusal source = refusal(() -> bus.say(
                attempt,
                "complete_job",
                "summary",
                "done",
                "followUps",
                List.of(
                        fine,
                        ((com.fasterxml.jackson.databind.node.ObjectNode) fine.deepCopy())
                                .put("sourceAgent", "research"))));
        Refusal topic = refusal(() -> bus.say(
                attempt,
                "complete_job",
                "summary",
                "done",
                "events",
                List.of(json("topic", "infra.checked"), json("topic", "job.succeeded"))));

        assertEquals("422 unknown_agent followUps[1].targetAgent", agent.brief());
        assertEquals("422 subject_not_accepted followUps[0].subject", subject.brief());
        assertEquals("403 forbidden followUps[1].sourceAgent", source.brief());
        assertEquals("422 invalid_field events[1].topic", topic.brief());
        assertEquals("running", bus.state(attempt.job()));
        assertEquals(1, bus.count("jobs"));
        assertEquals(0, bus.count("events where topic in ('infra.checked', 'job.succeeded')"));
        bus.complete(attempt);
        assertEquals("succeeded", bus.state(attempt.job()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"complete_job", "fail_job", "block_job"})
    void a_close_counts_even_before_the_admission_is_written(String how) {
        Attempt attempt = bus.leased();

        close(attempt, how);

        assertFalse(Set.of("leased", "running").contains(bus.state(attempt.job())));
        assertNull(bus.column(attempt.job(), "live_attempt", String.class));
    }

    @ParameterizedTest
    @ValueSource(strings = {"complete_job", "fail_job", "block_job"})
    void a_close_said_again_is_answered_the_same(String how) {
        Attempt attempt = bus.running();
        JsonNode first = close(attempt, how);
        long events = bus.count("events");
        List<String> audit = bus.audit(attempt.job());

        assertEquals(first, close(attempt, how));

        assertEquals(events, bus.count("events"));
        assertEquals(audit, bus.audit(attempt.job()));
    }

    @Test
    void a_close_with_follow_ups_said_again_makes_them_once() {
        Attempt attempt = bus.running();
        Object[] input = {
            "summary", "done", "followUps", List.of(json("targetAgent", "devops", "subject", "infra.check"))
        };

        JsonNode first = bus.say(attempt, "complete_job", input);
        assertEquals(first, bus.say(attempt, "complete_job", input));

        assertEquals(2, bus.count("jobs"));
    }

    @Test
    void the_same_close_from_many_connections_is_applied_once() throws Exception {
        Attempt attempt = bus.running();

        List<JsonNode> answers = Race.won(6, i -> () -> bus.complete(attempt));

        assertEquals(1, new HashSet<>(answers).size());
        assertEquals(1, bus.count("events where topic = 'job.succeeded'"));
    }

    @ParameterizedTest
    @CsvSource({"complete_job,fail_job", "fail_job,complete_job", "block_job,complete_job", "complete_job,block_job"})
    void another_close_of_an_ended_attempt_is_kept_but_not_applied(String first, String second) {
        Attempt attempt = bus.running();
        close(attempt, first);
        String state = bus.state(attempt.job());

        JsonNode answer = close(attempt, second);
        close(attempt, second);

        assertEquals("stale_attempt", code(answer));
        assertEquals(409, answer.at("/problem/status").asInt());
        assertEquals(state, bus.state(attempt.job()));
        assertEquals(1, bus.count("events where topic = 'job.late_report'"), "the same late report is kept once");
    }

    @Test
    void a_stale_attempt_cannot_close_a_job() {
        Attempt stale = bus.running();
        bus.expire(stale.job());
        bus.recover();
        bus.makeDue(stale.job());
        Attempt live = bus.claim();
        bus.admitted(live);

        JsonNode answer = bus.say(stale, "complete_job", "summary", "I was only slow");

        assertEquals("stale_attempt", code(answer));
        assertEquals("running", bus.state(stale.job()));
        assertEquals("timed_out", bus.ofAttempt(stale, "status", String.class));
        JsonNode report = bus.one("select payload from events where topic = 'job.late_report'");
        assertEquals("I was only slow", report.at("/report/summary").asText());
        assertEquals("completeJob", report.get("operation").asText());
        assertEquals(1, report.get("attemptNo").asInt());
        bus.complete(live);
        assertEquals("succeeded", bus.state(stale.job()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"complete_job", "fail_job", "block_job"})
    void a_token_of_another_job_is_refused(String function) {
        Attempt one = bus.running();
        Attempt other = bus.running();

        Refusal refusal = refusal(() -> bus.call(
                function, bus.principal(one), json("jobId", other.job(), "summary", "x", "error", "x", "reason", "x")));

        assertEquals("403 wrong_attempt jobId", refusal.brief());
        assertEquals("running", bus.state(other.job()));
    }

    @Test
    void a_failed_attempt_comes_back_after_the_backoff_of_its_type() {
        Attempt attempt = bus.running("maxAttempts", 12);
        for (int failures = 1; failures <= 10; failures++) {
            bus.fail(attempt);
            assertEquals("queued", bus.state(attempt.job()));
            assertEquals("it broke", bus.column(attempt.job(), "last_error", String.class));
            double wait = bus.column(attempt.job(), "extract(epoch from run_after - updated_at)", Double.class);
            double full = Math.min(900, 5 * Math.pow(2, failures - 1));
            assertTrue(0.69 * full <= wait && wait <= full + 0.01, wait + " after " + failures + " failures");
            bus.makeDue(attempt.job());
            attempt = bus.claim();
            bus.admitted(attempt);
        }
        assertEquals(11, bus.column(attempt.job(), "attempt_count", Integer.class));
    }

    @Test
    void backoff_is_drawn_by_chance_so_that_jobs_come_back_apart() {
        assertTrue(bus.jdbc()
                        .queryForObject(
                                "select count(distinct backoff('default', 'reactive', 3)) from generate_series(1, 50)",
                                Integer.class)
                > 1);
    }

    @ParameterizedTest
    @CsvSource({
        "reactive,5,900",
        "scheduled,30,900",
        "recovery,5,300",
        "delivery,10,3600",
        "proactive,60,3600",
        "dev,30,1800",
        "dev.review,30,1800"
    })
    void each_job_type_has_a_backoff_of_its_own(String type, double base, double cap) {
        for (int failures : new int[] {1, 2, 40}) {
            double full = Math.min(cap, base * Math.pow(2, failures - 1));
            double wait = bus.jdbc()
                    .queryForObject(
                            "select extract(epoch from backoff('default', ?, ?))", Double.class, type, failures);
            assertTrue(0.69 * full <= wait && wait <= full + 0.01, wait + " for " + type + " after " + failures);
        }
    }

    @Test
    void a_dev_type_with_a_row_of_its_own_uses_it() {
        bus.jdbc()
                .update(
                        "insert into job_types (namespace, job_type, max_attempts) values ('default', 'dev.review', 9)");
        try {
            assertEquals(9, bus.column(bus.enqueue("jobType", "dev.review"), "max_attempts", Integer.class));
            assertEquals(3, bus.column(bus.enqueue("jobType", "dev.other"), "max_attempts", Integer.class));
        } finally {
            bus.jdbc().update("delete from job_types where job_type = 'dev.review'");
        }
    }

    @Test
    void an_agent_may_say_when_to_try_again() {
        Attempt attempt = bus.running();

        bus.fail(attempt, "retryAfterSeconds", 7200, "result", json("tried", 1));

        assertEquals(
                7200, bus.column(attempt.job(), "round(extract(epoch from run_after - updated_at))", Integer.class));
        assertEquals(
                1,
                bus.ask("get_job", "jobId", attempt.job()).at("/result/tried").asInt());
        assertEquals("failed", bus.ofAttempt(attempt, "status", String.class));
        assertEquals("it broke", bus.ofAttempt(attempt, "error", String.class));
    }

    @Test
    void an_agent_may_say_never_again() {
        Attempt attempt = bus.running();

        JsonNode answer = bus.fail(attempt, "retry", false);

        assertEquals("failed", answer.at("/job/state").asText());
        assertEquals("failed", bus.state(attempt.job()));
        assertEquals(List.of("job.enqueued", "job.failed"), bus.topics(attempt.job()));
    }

    @Test
    void a_job_whose_attempts_are_used_up_is_dead() {
        Attempt attempt = bus.running("maxAttempts", 2);
        bus.fail(attempt);
        bus.makeDue(attempt.job());
        attempt = bus.claim();

        assertEquals("dead", bus.fail(attempt).at("/job/state").asText());

        assertEquals(
                "an operator: redrive-job or cancel-job",
                bus.ask("get_job", "jobId", attempt.job()).get("nextMove").asText());
        assertEquals(List.of("job.enqueued", "job.retried", "job.dead"), bus.topics(attempt.job()));
    }
}
