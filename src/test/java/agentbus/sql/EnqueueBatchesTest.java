package agentbus.sql;

import static agentbus.sql.Machine.json;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.text.Json;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.sql.Connection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** Several enqueues in one statement do what as many statements would, and leave alone what is not plain. */
@ExtendWith(PostgresExtension.class)
class EnqueueBatchesTest {
    private static final String ANNA = "abo_anna";
    private static final String RESEARCH = "aba_research";

    private Machine bus;

    @BeforeEach
    void start(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().update("update agents set may_enqueue_to = '{*}' where agent_id = 'research'");
        bus.jdbc().queryForList("select register_operator_token(?, 'anna')", (Object) Sha256.of(ANNA));
        token(RESEARCH, "agent", "research");
    }

    private void token(String token, String kind, String name) {
        bus.jdbc()
                .update(
                        "insert into access_tokens (token_hash, kind, name, namespace, created_at)"
                                + " values (?, ?, ?, 'default', clock_timestamp())",
                        Sha256.of(token),
                        kind,
                        name);
    }

    private record Call(String token, ObjectNode input) {
        String credential() {
            ObjectNode credential = json("tokenHash", Sha256.hex(token), "form", token.substring(0, 4));
            return credential
                    .set("allowed", Json.tree(List.of("operator", "agent", "attempt")))
                    .toString();
        }
    }

    private static Call call(String token, Object... more) {
        ObjectNode input = json("targetAgent", "devops", "subject", "infra.check");
        return new Call(token, input.setAll(json(more)));
    }

    /** The answers by place. */
    private static Map<Integer, JsonNode> together(Machine bus, List<Call> calls) {
        Map<Integer, JsonNode> answers = new TreeMap<>();
        bus.jdbc()
                .query(
                        "select * from enqueue_jobs(?::jsonb[], ?::jsonb[])",
                        row -> {
                            answers.put(row.getInt(1), Machine.parse(row.getString(2)));
                        },
                        calls.stream().map(Call::credential).toArray(String[]::new),
                        calls.stream().map(call -> call.input().toString()).toArray(String[]::new));
        return answers;
    }

    private Map<Integer, JsonNode> together(Call... calls) {
        return together(bus, List.of(calls));
    }

    private static JsonNode alone(Machine bus, Call call) {
        return bus.one(
                "select enqueue_job(principal_of(?::jsonb), ?::jsonb)",
                call.credential(),
                call.input().toString());
    }

    private static String id(JsonNode answer) {
        return answer.at("/job/jobId").asText();
    }

    /** The answer, and all that the call has written, without ids and times. */
    private String trace(JsonNode answer) {
        ObjectNode job = answer.deepCopy();
        ((ObjectNode) job.get("job")).remove(List.of("jobId", "seq", "createdAt", "updatedAt", "runAfter"));
        return String.join(
                        "\n",
                        bus.jdbc()
                                .queryForList(
                                        """
                                        select (to_jsonb(j) - '{job_id,seq,moved_xid,created_at,updated_at,run_after}'::text[])::text
                                          || (j.run_after > now() + interval '1 minute')
                                        from jobs j where job_id = ?::uuid
                                        union all
                                        select topic || coalesce(source_agent, '-') || payload_bytes || (payload - 'jobId')::text
                                        from events where source_job_id = ?::uuid
                                        union all
                                        select concat_ws(' ', actor, action, coalesce(why, '-'), detail::text)
                                        from audit_log where row_id = ?
                                        """,
                                        String.class,
                                        id(answer),
                                        id(answer),
                                        id(answer)))
                // The two calls may fall into different seconds.
                + "\n" + job.toString().replaceAll("due at [^\"]*", "due at its time");
    }

    @Test
    void calls_together_answer_and_write_what_each_does_alone() {
        bus.jdbc().update("update agents set model = 'm', timeout_seconds = 700 where agent_id = 'devops'");
        List<Call> calls = List.of(
                call(ANNA),
                call(RESEARCH, "payload", json("host", "web-1"), "priority", 900, "jobType", "dev.review"),
                call(ANNA, "trust", "untrusted", "flowKey", "f", "correlationKey", "c", "maxAttempts", 2),
                call(ANNA, "delaySeconds", 3600, "timeoutSeconds", 50_000, "model", "n", "thinking", "high"),
                call(RESEARCH, "namespace", "default", "subject", "infra.repair"),
                call(ANNA, "targetAgent", "research", "subject", "research.packet", "dedupeMode", "while_queued"));

        Map<Integer, JsonNode> answers = together(bus, calls);

        assertEquals(Set.of(1, 2, 3, 4, 5, 6), answers.keySet());
        for (int i = 0; i < calls.size(); i++) {
            assertEquals(trace(alone(bus, calls.get(i))), trace(answers.get(i + 1)));
        }
    }

    @Test
    void the_next_move_of_a_job_is_that_of_its_lane() {
        bus.jdbc().update("update agents set max_concurrency = 1 where agent_id = 'devops'");
        bus.running();

        Map<Integer, JsonNode> answers =
                together(call(ANNA), call(ANNA, "targetAgent", "research", "subject", "research.packet"));

        String full = alone(bus, call(ANNA)).at("/job/nextMove").asText();
        assertTrue(full.startsWith("lane full: 1 of 1"), full);
        assertEquals(full, answers.get(1).at("/job/nextMove").asText());
        assertEquals("the next claim", answers.get(2).at("/job/nextMove").asText());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'targetAgent':'nobody'}",
                "{'subject':'infra.other'}",
                "{'jobType':'unknown'}",
                "{'jobType':'proactive'}",
                "{'jobType':'idle'}",
                "{'namespace':'elsewhere'}",
                "{'targetAgent':'coordinator','subject':'plan.new','trust':'untrusted'}"
            })
    void a_call_that_may_be_refused_is_left_out_and_disturbs_no_other(String more) {
        bus.jdbc().update("update agents set reads = 'trusted' where agent_id = 'coordinator'");
        Call odd = new Call(ANNA, call(ANNA).input().setAll((ObjectNode) Machine.parse(more.replace('\'', '"'))));

        Map<Integer, JsonNode> answers = together(odd, call(RESEARCH), odd);

        assertEquals(Set.of(2), answers.keySet());
        assertEquals(1, bus.count("jobs"));
        assertEquals(1, bus.count("audit_log where action = 'job.enqueued'"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "update agents set may_enqueue_to = '{coordinator}' where agent_id = 'research'",
                "update agents set handoffs = '[{\"agent\": \"devops\"}]' where agent_id = 'research'",
                "update access_tokens set revoked_at = now() where kind = 'agent'",
                "update agents set enabled = false where agent_id = 'devops'",
                "insert into pauses (namespace, kind, name, mode, reason, paused_by)"
                        + " values ('default', 'agent', 'devops', 'freeze', 'r', 'anna')",
                "insert into subscriptions (namespace, agent_id, topic_pattern, subject)"
                        + " values ('default', 'coordinator', 'job.*', 'plan.new')"
            })
    void a_call_for_which_more_than_a_look_is_needed_is_left_out(String change) {
        bus.jdbc().update(change);

        assertEquals(Map.of(), together(call(RESEARCH)));
        assertEquals(0, bus.count("jobs"));
    }

    @Test
    void the_first_call_with_a_newer_token_runs_alone_and_ends_the_older_one() {
        token("aba_newer", "agent", "research");

        assertEquals(Set.of(1), together(call(RESEARCH), call("aba_newer")).keySet());
        alone(bus, call("aba_newer"));

        assertEquals(Set.of(2), together(call(RESEARCH), call("aba_newer")).keySet());
    }

    @Test
    void tokens_of_others_and_unknown_ones_are_left_out() {
        token("abv_viewer", "viewer", "v");
        token("abg_gateway", "gateway", "g");

        assertEquals(
                Map.of(), together(call("abv_viewer"), call("abg_gateway"), call("abo_unknown"), call("aba_unknown")));
    }

    @Test
    void of_calls_with_the_same_dedupe_key_one_makes_the_job_and_the_others_find_it() {
        Map<Integer, JsonNode> answers = together(
                call(ANNA, "dedupeKey", "b"),
                call(ANNA, "dedupeKey", "a"),
                call(RESEARCH, "dedupeKey", "b"),
                call(ANNA, "dedupeKey", "b", "targetAgent", "research", "subject", "research.packet"));

        assertEquals(Set.of(1, 2, 4), answers.keySet());
        JsonNode found = alone(bus, call(RESEARCH, "dedupeKey", "b"));
        assertFalse(found.get("created").asBoolean());
        assertEquals(id(answers.get(1)), id(found));
        // Also a key that a job had before.
        assertEquals(
                Set.of(1),
                together(call(ANNA), call(RESEARCH, "dedupeKey", "a")).keySet());
        assertEquals(4, bus.count("jobs"));
    }

    @Test
    void calls_without_keys_keep_their_order() {
        Map<Integer, JsonNode> answers = together(call(ANNA), call(RESEARCH), call(ANNA));

        assertTrue(answers.get(1).at("/job/seq").asLong()
                < answers.get(2).at("/job/seq").asLong());
        assertTrue(answers.get(2).at("/job/seq").asLong()
                < answers.get(3).at("/job/seq").asLong());
    }

    @Test
    void batches_with_the_same_keys_in_another_order_wait_and_end_in_no_deadlock() throws Exception {
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine holder = Machine.on(new SingleConnectionDataSource(connection, true));
            together(holder, List.of(call(ANNA, "dedupeKey", "a")));
            CompletableFuture<Map<Integer, JsonNode>> other = CompletableFuture.supplyAsync(
                    () -> together(call(ANNA, "dedupeKey", "b"), call(ANNA, "dedupeKey", "a")));
            await().until(() -> other.isDone()
                    || bus.count("pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
                            == 1);

            assertEquals(
                    Set.of(1),
                    together(holder, List.of(call(ANNA, "dedupeKey", "b"))).keySet());
            connection.commit();
            connection.setAutoCommit(true);

            assertEquals(Map.of(), other.get(60, TimeUnit.SECONDS));
        }
        assertEquals(2, bus.count("jobs"));
    }

    @Test
    void an_agent_that_is_frozen_while_a_batch_waits_gets_no_job() throws Exception {
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine holder = Machine.on(new SingleConnectionDataSource(connection, true));
            together(holder, List.of(call(ANNA, "dedupeKey", "a")));
            CompletableFuture<Refusal> other = CompletableFuture.supplyAsync(
                    () -> Machine.refusal(() -> together(call(ANNA), call(ANNA, "dedupeKey", "a"))));
            await().until(() -> other.isDone()
                    || bus.count("pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
                            == 1);
            bus.jdbc()
                    .update("insert into pauses (namespace, kind, name, mode, reason, paused_by)"
                            + " values ('default', 'agent', 'devops', 'freeze', 'r', 'anna')");
            connection.rollback();
            connection.setAutoCommit(true);

            assertEquals(
                    409, other.get(60, TimeUnit.SECONDS).status(), "the batch is undone, and each call runs alone");
        }
        assertEquals(0, bus.count("jobs"));
    }
}
