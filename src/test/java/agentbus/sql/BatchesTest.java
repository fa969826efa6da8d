package agentbus.sql;

import static agentbus.sql.Machine.D1;
import static agentbus.sql.Machine.D2;
import static agentbus.sql.Machine.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Several calls in one statement do what as many statements would, and leave alone what is not ordinary. */
@ExtendWith(PostgresExtension.class)
class BatchesTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().update("update agents set max_concurrency = 20");
        bus.jdbc().update("update gateways set max_in_flight = 100");
    }

    private List<Attempt> claimed(int count) {
        IntStream.range(0, count).forEach(n -> bus.enqueue());
        return bus.claim(D1, count).stream().map(Attempt::of).toList();
    }

    private static String[] ids(List<Attempt> attempts) {
        return attempts.stream().map(Attempt::id).toArray(String[]::new);
    }

    private static String[] each(int count, String value) {
        return IntStream.range(0, count).mapToObj(n -> value + n).toArray(String[]::new);
    }

    /** Prompts by attempt. */
    private Map<String, String> keep(String dispatcher, List<Attempt> attempts, String prompt) {
        int n = attempts.size();
        Map<String, String> kept = new HashMap<>();
        bus.jdbc()
                .query(
                        "select * from keep_prompts(?, ?::uuid[], ?::text[], ?::text[], ?::text[], ?::text[])",
                        row -> {
                            kept.put(row.getString(1), row.getString(2));
                        },
                        dispatcher,
                        ids(attempts),
                        each(n, prompt),
                        each(n, "hash"),
                        each(n, "template"),
                        IntStream.range(0, n).mapToObj(i -> "0a").toArray(String[]::new));
        return kept;
    }

    private Map<String, JsonNode> admit(List<Attempt> attempts) {
        Map<String, JsonNode> answers = new HashMap<>();
        bus.jdbc()
                .query(
                        "select * from hooks_admitted(?, ?::uuid[], ?::text[], ?::text[])",
                        row -> {
                            answers.put(row.getString(1), Machine.parse(row.getString(2)));
                        },
                        D1,
                        ids(attempts),
                        each(attempts.size(), "run-"),
                        each(attempts.size(), "session-"));
        return answers;
    }

    private Map<Integer, JsonNode> complete(List<Attempt> attempts, List<ObjectNode> inputs) {
        Map<Integer, JsonNode> answers = new HashMap<>();
        bus.jdbc()
                .query(
                        "select * from complete_jobs(?::uuid[], ?::jsonb[])",
                        row -> {
                            answers.put(row.getInt(1), Machine.parse(row.getString(2)));
                        },
                        ids(attempts),
                        inputs.stream().map(ObjectNode::toString).toArray(String[]::new));
        return answers;
    }

    private static ObjectNode close(Attempt attempt, Object... more) {
        ObjectNode input = json("jobId", attempt.job(), "summary", "done with " + attempt.job());
        return input.setAll(json(more));
    }

    @Test
    void prompts_are_kept_for_what_the_dispatcher_holds_and_the_first_stays() {
        List<Attempt> attempts = claimed(3);
        assertEquals(3, keep(D1, attempts, "first-").size());
        assertEquals(
                "first-1", keep(D1, attempts, "second-").get(attempts.get(1).id()));
        assertEquals(Map.of(), keep(D2, attempts, "other-"));
        assertEquals(2, bus.ofAttempt(attempts.get(0), "deliveries", Integer.class));
        assertEquals(0, bus.count("job_attempts where token_hash is distinct from '\\x0a'"));
    }

    @Test
    void admissions_make_the_runs_the_agents_with_an_audit_row_for_each() {
        List<Attempt> attempts = claimed(3);
        Map<String, JsonNode> answers = admit(attempts);
        for (int i = 0; i < 3; i++) {
            Attempt attempt = attempts.get(i);
            assertTrue(answers.get(attempt.id()).get("applied").asBoolean());
            assertTrue(answers.get(attempt.id()).get("waitedMs").asInt() >= 0);
            assertEquals("running", bus.state(attempt.job()));
            assertEquals("run-" + i, bus.column(attempt.job(), "run_id", String.class));
            assertEquals("agent:devops", bus.column(attempt.job(), "lease_owner", String.class));
            assertEquals("running", bus.ofAttempt(attempt, "status", String.class));
            assertTrue(
                    bus.audit(attempt.job()).toString().contains("job.running"),
                    bus.audit(attempt.job()).toString());
        }
    }

    @Test
    void an_admission_of_a_job_that_is_closed_already_keeps_the_runs_id_alone() {
        List<Attempt> attempts = claimed(2);
        bus.complete(attempts.get(0));
        Map<String, JsonNode> answers = admit(attempts);
        assertFalse(answers.get(attempts.get(0).id()).get("applied").asBoolean());
        assertEquals("succeeded", bus.state(attempts.get(0).job()));
        assertEquals("run-0", bus.ofAttempt(attempts.get(0), "run_id", String.class));
        assertEquals("running", bus.state(attempts.get(1).job()));
    }

    /** What the row of an attempt says of its run and its end. */
    private List<String> noted(Attempt attempt) {
        return bus.jdbc()
                .queryForObject(
                        """
                        select array[a.status, a.run_id, (a.admitted_at is not null)::text, j.state,
                          (select count(*) from run_aborts r where r.attempt_id = a.attempt_id)::text,
                          (select failures from gateways g where g.gateway = a.gateway)::text]
                        from job_attempts a
                        join jobs j using (job_id)
                        where a.attempt_id = ?::uuid""",
                        (row, n) -> List.of((String[]) row.getArray(1).getArray()),
                        attempt.id());
    }

    private void endEach(List<Attempt> attempts) {
        bus.complete(attempts.get(0));
        bus.fail(attempts.get(1));
        bus.block(attempts.get(2));
        bus.ask("cancel_job", "jobId", attempts.get(3).job(), "reason", "not wanted any more");
        bus.say(attempts.get(4), "report_progress", "note", "half done");
        // Holds the gateway, which an admission takes back.
        bus.undelivered(attempts.get(6), null);
    }

    @Test
    void admissions_after_the_agents_first_call_do_together_what_each_does_alone() {
        List<Attempt> together = claimed(7);
        List<Attempt> alone = claimed(7);
        endEach(together);
        endEach(alone);

        Map<String, JsonNode> answers = admit(together);
        for (int i = 0; i < alone.size(); i++) {
            JsonNode one = bus.one(
                    "select hook_admitted(?, ?::uuid, ?, ?)", D1, alone.get(i).id(), "run-" + i, "session-" + i);
            JsonNode other = answers.get(together.get(i).id());
            assertEquals(one.get("applied"), other.get("applied"), one + " " + other);
            assertEquals(one.get("outcome"), other.get("outcome"));
            assertEquals(noted(alone.get(i)), noted(together.get(i)));
        }
        assertEquals(List.of("cancelled", "run-3", "true", "cancelled", "1", "0"), noted(together.get(3)));
    }

    @Test
    void an_admission_after_the_end_of_its_attempt_ends_the_hold_of_the_gateway() {
        List<Attempt> attempts = claimed(2);
        attempts.forEach(attempt -> bus.undelivered(attempt, null));

        Map<String, JsonNode> answers = admit(attempts);

        assertEquals(2, answers.size());
        assertEquals(List.of("undelivered", "run-1", "true", "queued", "0", "0"), noted(attempts.get(1)));
    }

    @Test
    void plain_closes_go_together_and_answer_as_one_alone_does() {
        List<Attempt> attempts = claimed(3);
        admit(attempts);
        JsonNode alone = bus.say(
                attempts.get(2), "complete_job", "jobId", attempts.get(2).job(), "summary", "alone");
        List<ObjectNode> inputs = List.of(close(attempts.get(0)), close(attempts.get(1), "usage", json("tokens", 7)));

        Map<Integer, JsonNode> answers = complete(attempts.subList(0, 2), inputs);

        ObjectNode expected = alone.deepCopy();
        ((ObjectNode) expected.get("job")).put("jobId", attempts.get(0).job());
        assertEquals(expected, answers.get(1));
        for (int i = 0; i < 2; i++) {
            Attempt attempt = attempts.get(i);
            assertEquals("succeeded", bus.state(attempt.job()));
            assertEquals("succeeded", bus.ofAttempt(attempt, "status", String.class));
            assertTrue(bus.topics(attempt.job()).contains("job.succeeded"));
            assertEquals(
                    1,
                    bus.count(
                            "audit_log where row_id = ? and action = 'job.succeeded'"
                                    + " and actor = 'attempt:devops' and why = ?",
                            attempt.job(),
                            "done with " + attempt.job()));
        }
        // The same close again, alone, is given the same answer.
        assertEquals(answers.get(2), bus.call("complete_job", bus.principal(attempts.get(1)), inputs.get(1)));
    }

    @Test
    void a_close_that_is_not_plain_is_left_alone_and_does_not_disturb_the_others() {
        List<Attempt> attempts = claimed(5);
        admit(attempts);
        String dependent = bus.enqueue("dependsOn", List.of(attempts.get(0).job()));
        bus.complete(attempts.get(1));
        List<ObjectNode> inputs = List.of(
                close(attempts.get(0)),
                close(attempts.get(1)),
                close(attempts.get(2), "events", List.of(json("topic", "infra.checked"))),
                // The token of another job.
                close(attempts.get(4)),
                close(attempts.get(4)));

        Map<Integer, JsonNode> answers = complete(attempts, inputs);

        assertEquals(List.of(5), List.copyOf(answers.keySet()));
        assertEquals("running", bus.state(attempts.get(0).job()));
        assertEquals("running", bus.state(attempts.get(2).job()));
        assertEquals("running", bus.state(attempts.get(3).job()));
        assertEquals("succeeded", bus.state(attempts.get(4).job()));
        bus.complete(attempts.get(0));
        assertEquals("queued", bus.state(dependent));
    }

    @Test
    void a_claim_passes_over_what_somebody_has_locked() throws Exception {
        List<String> jobs = IntStream.range(0, 3).mapToObj(n -> bus.enqueue()).toList();
        try (var connection = bus.jdbc().getDataSource().getConnection();
                var statement = connection.prepareStatement("select from jobs where job_id = ?::uuid for update")) {
            connection.setAutoCommit(false);
            statement.setString(1, jobs.get(0));
            statement.execute();
            assertEquals(List.of(jobs.get(1)), bus.claimedIds(1));
            connection.rollback();
            connection.setAutoCommit(true);
        }
        assertEquals(List.of(jobs.get(0), jobs.get(2)), bus.claimedIds(5));
    }
}
