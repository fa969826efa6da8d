package agentbus.sql;

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
import java.sql.Connection;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** Actions on all jobs that match a filter. */
@ExtendWith(PostgresExtension.class)
class BulkActionsTest {
    /** Two batches and a bit. */
    private static final int MANY = 1100;

    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    /** Inserts jobs of devops, each with a dedupe key of its own. */
    private void insert(String state, int count) {
        bus.jdbc()
                .update(
                        """
                        insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds,
                          hard_timeout_seconds, ended_at, run_after, last_error, dedupe_key)
                        select 'default', 'devops', 'reactive', 'infra.check', ?, 600, 600,
                          case when ? in ('dead', 'failed') then now() end, now() + interval '1 hour', 'no such host',
                          ? || n
                        from generate_series(1, ?) n""",
                        state,
                        state,
                        state,
                        count);
    }

    private static ObjectNode action(String operation, ObjectNode filter, Object... more) {
        ObjectNode input = json(more).put("operation", operation).put("reason", "the source is back");
        input.set("filter", filter);
        return input;
    }

    private JsonNode start(String operation, ObjectNode filter, Object... more) {
        return bus.call("start_bulk_action", operator(), action(operation, filter, more));
    }

    private JsonNode preview(String operation, ObjectNode filter) {
        ObjectNode input = action(operation, filter);
        input.remove("reason");
        return bus.call("preview_bulk_action", operator(), input);
    }

    private boolean batch() {
        return bus.jdbc().queryForObject("select run_bulk_batch()", Boolean.class);
    }

    private JsonNode get(JsonNode bulk) {
        return bus.ask("get_bulk_action", "bulkId", bulk.get("bulkId").asText());
    }

    private JsonNode finish(JsonNode bulk) {
        for (int batches = 0; get(bulk).get("status").asText().equals("running"); batches++) {
            assertTrue(batches < 100, "the action ends");
            bus.jdbc().update("update bulk_actions set next_batch_at = now() where status = 'running'");
            batch();
        }
        return get(bulk);
    }

    private static String result(JsonNode bulk) {
        return bulk.get("status").asText() + " " + bulk.get("done").asInt() + " done, "
                + bulk.get("skipped").asInt() + " skipped, "
                + bulk.get("failed").asInt() + " failed";
    }

    @Test
    void a_preview_counts_and_shows_samples_and_changes_nothing() {
        insert("dead", 7);
        insert("queued", 3);

        JsonNode preview = preview("redrive", json("targetAgent", "devops"));

        assertEquals(7, preview.get("count").asInt());
        assertFalse(preview.get("countCapped").asBoolean());
        assertEquals(5, preview.get("samples").size());
        assertEquals("dead", preview.at("/samples/0/state").asText());
        assertFalse(preview.at("/samples/0").has("payload"));
        assertEquals("[\"failed\",\"dead\"]", preview.get("fits").toString());
        assertEquals(7, bus.count("jobs where state = 'dead'"));
        assertEquals(
                0,
                preview("redrive", json("targetAgent", "research")).get("count").asInt());
    }

    @Test
    void a_preview_of_very_many_jobs_counts_ten_thousand() {
        insert("dead", 10_000);
        assertFalse(preview("dismiss", json("all", true)).get("countCapped").asBoolean());

        insert("failed", 1);
        JsonNode preview = preview("redrive", json("all", true));

        assertEquals(10_000, preview.get("count").asInt());
        assertTrue(preview.get("countCapped").asBoolean());
    }

    @Test
    void all_matching_jobs_are_redriven_in_batches_and_the_audit_log_names_the_action() {
        insert("dead", MANY);
        insert("queued", 10);
        JsonNode bulk = start("redrive", json("state", "dead,failed", "text", "such host"));
        insert("dead", 0);
        String later = bus.dead();

        assertEquals(MANY, bulk.get("total").asInt());
        assertEquals("running", bulk.get("status").asText());
        assertTrue(batch());
        assertEquals("running 500 done, 0 skipped, 0 failed", result(get(bulk)));
        JsonNode done = finish(bulk);

        assertEquals("done " + MANY + " done, 0 skipped, 0 failed", result(done));
        assertTrue(done.has("endedAt"));
        assertEquals(0, done.get("sampleOfFailures").size());
        assertEquals("dead", bus.state(later), "jobs that arrived later are left alone");
        assertEquals(MANY, bus.count("jobs where redrives = 1"));
        assertEquals(MANY, bus.count("events where topic = 'job.redriven'"));
        assertEquals(
                MANY,
                bus.count(
                        "audit_log where action = 'job.queued' and actor = 'operator:anna' and why = ?",
                        "the source is back (bulk action " + bulk.get("bulkId").asText() + ")"));
        assertEquals(2, bus.count("audit_log where table_name = 'bulk_actions'"), "its begin and its end");
        assertFalse(batch());
    }

    @Test
    void a_job_that_leaves_the_filter_before_its_turn_is_left_alone_and_one_that_enters_it_is_taken() {
        insert("dead", 3);
        List<String> jobs = bus.jdbc().queryForList("select job_id::text from jobs order by seq", String.class);
        String enters = bus.leased("maxAttempts", 1).job();
        JsonNode bulk = start("dismiss", json("subject", "infra.check"));

        bus.ask("redrive_job", "jobId", jobs.get(1), "reason", "mine");
        bus.ask("kill_job", "jobId", enters, "reason", "mine");

        assertEquals("done 3 done, 0 skipped, 0 failed", result(finish(bulk)));
        assertEquals("queued", bus.state(jobs.get(1)));
        assertEquals("cancelled", bus.state(enters));
    }

    @Test
    void a_job_that_cannot_be_changed_counts_with_its_reason_and_stops_nothing() {
        insert("dead", 30);
        bus.jdbc().update("update jobs set state = 'queued', ended_at = null where dedupe_key in ('dead1', 'dead2')");
        bus.jdbc()
                .update(
                        """
                        insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds,
                          hard_timeout_seconds, ended_at, dedupe_key)
                        select 'default', 'devops', 'reactive', 'infra.check', 'dead', 600, 600, now(), 'dead1'
                        from generate_series(1, 25)""");

        JsonNode done = finish(start("redrive", json("all", true)));

        assertEquals("done 28 done, 0 skipped, 25 failed", result(done));
        assertEquals(20, done.get("sampleOfFailures").size());
        assertTrue(
                done.at("/sampleOfFailures/0/detail").asText().contains("dedupe key dead1"),
                () -> done.get("sampleOfFailures").toString());
        assertTrue(done.at("/sampleOfFailures/0/jobId").asText().matches("[0-9a-f-]{36}"));
    }

    @Test
    void a_start_of_many_jobs_counts_and_takes_those_alone_that_wait_for_a_time() {
        insert("queued", 2);
        Attempt timed = bus.running();
        bus.block(timed, "at", "2100-01-01T00:00:00Z");
        bus.block(bus.running());
        bus.ask("cancel_job", "jobId", replan(), "reason", "not needed");
        bus.enqueue();

        assertEquals(3, preview("retry_now", json("all", true)).get("count").asInt());
        JsonNode bulk = start("retry_now", json("all", true));
        assertEquals(3, bulk.get("total").asInt());
        assertEquals("done 3 done, 0 skipped, 0 failed", result(finish(bulk)));
        assertEquals("queued", bus.state(timed.job()));
    }

    private String replan() {
        return bus.jdbc()
                .queryForObject(
                        "select job_id::text from jobs where subject = 'blocked.replan' and state = 'queued'",
                        String.class);
    }

    @Test
    void a_question_that_ends_with_its_job_is_skipped_when_its_slice_comes() {
        // The newest come first: the block, 150 others, and the question to the coordinator last.
        bus.block(bus.running());
        String question = replan();
        insert("queued", 150);
        bus.jdbc().update("update jobs set seq = default where state = 'blocked'");

        JsonNode done = finish(start("cancel", json("all", true)));

        assertEquals("done 151 done, 1 skipped, 0 failed", result(done));
        assertEquals("cancelled", bus.state(question));
        assertEquals(
                "no job is blocked any more as it was when this was asked",
                bus.column(question, "last_error", String.class));
    }

    @Test
    void a_stopped_action_moves_no_further_job() {
        insert("dead", MANY);
        JsonNode bulk = start("dismiss", json("all", true));
        batch();
        String id = bulk.get("bulkId").asText();

        JsonNode stopped = bus.ask("stop_bulk_action", "bulkId", id, "reason", "wrong filter");

        assertEquals("stopped 500 done, 0 skipped, 0 failed", result(stopped));
        assertEquals("operator:anna", stopped.get("stoppedBy").asText());
        assertEquals("wrong filter", stopped.get("stopReason").asText());
        assertFalse(batch());
        assertFalse(bus.ask("stop_bulk_action", "bulkId", id, "reason", "again")
                .get("changed")
                .asBoolean());
        assertEquals(MANY - 500, bus.count("jobs where state = 'dead'"));
        JsonNode done = finish(start("dismiss", json("all", true)));
        assertEquals("done 600 done, 0 skipped, 0 failed", result(done));
        assertEquals(
                "409 wrong_state bulkId",
                refusal(() -> bus.ask(
                                "stop_bulk_action", "bulkId", done.get("bulkId").asText(), "reason", "x"))
                        .brief());
    }

    @ParameterizedTest
    @CsvSource({
        "cancel, queued, cancelled",
        "kill, queued, dead",
        "dismiss, dead, cancelled",
        "redrive, failed, queued",
        "retry_now, queued, queued",
        "set_priority, queued, queued",
        "reassign, queued, queued"
    })
    void every_operation_moves_every_job(String operation, String from, String to) {
        bus.jdbc().update("update agents set accepts = accepts || '{infra.check}' where agent_id = 'research'");
        insert(from, 20);
        ObjectNode more = json();
        if (operation.equals("set_priority")) {
            more.put("priority", 7);
        } else if (operation.equals("reassign")) {
            more.put("targetAgent", "research");
        }
        ObjectNode input = action(operation, json("all", true));
        input.setAll(more);

        JsonNode done = finish(bus.call("start_bulk_action", operator(), input));

        assertEquals("done 20 done, 0 skipped, 0 failed", result(done));
        assertEquals(20, bus.count("jobs where state = ?", to));
        assertEquals(operation.equals("set_priority") ? 20 : 0, bus.count("jobs where priority = 7"));
        assertEquals(operation.equals("reassign") ? 20 : 0, bus.count("jobs where target_agent = 'research'"));
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
    }

    @Test
    void a_cancelled_flow_takes_its_tree_along_and_asks_the_coordinator_nothing() {
        String root = bus.enqueue("flowKey", "release", "delaySeconds", 60);
        String child = bus.enqueue("parentJobId", root, "delaySeconds", 60);
        String last = root;
        for (int i = 0; i < 20; i++) {
            last = bus.enqueue("flowKey", "release", "dependsOn", List.of(last));
        }
        String outside = bus.enqueue("flowKey", "other", "dependsOn", List.of(last));
        Attempt running = bus.running("flowKey", "release");

        JsonNode done = finish(start("cancel", json("flowKey", "release")));
        bus.finishCascades();

        assertEquals("done 23 done, 0 skipped, 0 failed", result(done));
        assertEquals(0, bus.count("jobs where flow_key = 'release' and state <> 'cancelled'"));
        assertEquals("cancelled", bus.state(child));
        assertEquals("blocked", bus.state(outside));
        assertEquals(1, bus.count("jobs where subject = 'blocked.replan'"));
        assertEquals("stale_attempt", bus.complete(running).at("/problem/code").asText());
        assertEquals(1, bus.count("run_aborts"));
    }

    @Test
    void a_job_that_another_call_holds_is_tried_again_and_given_up_after_a_while() throws Exception {
        insert("dead", 3);
        String held = bus.jdbc().queryForObject("select max(job_id::text) from jobs", String.class);
        JsonNode bulk = start("redrive", json("all", true));
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine holder = Machine.on(new SingleConnectionDataSource(connection, true));
            holder.jdbc().queryForList("select from jobs where job_id = ?::uuid for update", held);

            batch();
            assertEquals("running 2 done, 0 skipped, 0 failed", result(get(bulk)));
            assertEquals(1, get(bulk).get("waiting").asInt());
            connection.rollback();
            connection.setAutoCommit(true);
        }
        assertEquals("done 3 done, 0 skipped, 0 failed", result(finish(bulk)));

        bus.jdbc().update("update jobs set state = 'cancelled', ended_at = now()");
        insert("failed", 2);
        held = bus.jdbc().queryForObject("select max(job_id::text) from jobs where state = 'failed'", String.class);
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine.on(new SingleConnectionDataSource(connection, true))
                    .jdbc()
                    .queryForList("select from jobs where job_id = ?::uuid for update", held);
            JsonNode done = finish(start("redrive", json("all", true)));
            assertEquals("done 1 done, 0 skipped, 1 failed", result(done));
            assertTrue(done.at("/sampleOfFailures/0/detail").asText().contains("another call held"));
            connection.rollback();
            connection.setAutoCommit(true);
        }
    }

    @Test
    void two_nodes_at_once_move_each_job_once() throws Exception {
        insert("dead", MANY);
        JsonNode bulk = start("redrive", json("all", true));

        Race.won(2, node -> () -> {
            while (get(bulk).get("status").asText().equals("running")) {
                batch();
            }
            return node;
        });

        assertEquals("done " + MANY + " done, 0 skipped, 0 failed", result(get(bulk)));
        assertEquals(MANY, bus.count("jobs where redrives = 1"));
    }

    @Test
    void a_batch_that_fails_as_a_whole_rests_with_its_error_and_the_other_actions_go_on() {
        insert("dead", 2);
        JsonNode broken = start("redrive", json("all", true));
        bus.jdbc().update("update bulk_actions set filter = '{\"since\": \"no time\"}'");
        JsonNode good = start("dismiss", json("all", true));

        while (batch()) {}

        assertTrue(get(broken).get("trouble").asText().contains("no time"));
        assertEquals("done 2 done, 0 skipped, 0 failed", result(get(good)));
        assertEquals(
                1,
                bus.count("bulk_actions where status = 'running' and next_batch_at > now() + interval '30 seconds'"));
    }

    @Test
    void a_repeated_key_gives_the_same_action_and_another_action_cannot_have_it() {
        insert("dead", 2);
        JsonNode first = start("redrive", json("all", true), "idempotencyKey", "k");
        assertFalse(first.has("changed"));

        JsonNode again = start("redrive", json("all", true), "idempotencyKey", "k");

        assertEquals(first.get("bulkId"), again.get("bulkId"));
        assertFalse(again.get("changed").asBoolean());
        assertEquals(1, bus.count("bulk_actions"));
        Refusal other = refusal(() -> start("dismiss", json("all", true), "idempotencyKey", "k"));
        assertEquals("409 dedupe_conflict idempotencyKey", other.brief());
        assertTrue(other.message().contains("operator:anna"), other::message);
    }

    @Test
    void a_second_person_sees_what_is_under_way() {
        insert("dead", 2);
        JsonNode first = start("redrive", json("all", true));

        assertEquals(first.get("bulkId"), preview("dismiss", json("all", true)).at("/underWay/0/bulkId"));
        JsonNode second = start("dismiss", json("all", true));

        assertEquals("operator:anna", second.at("/underWay/0/by").asText());
        finish(first);
        assertEquals("done 0 done, 0 skipped, 0 failed", result(finish(second)));
    }

    @Test
    void a_wrong_action_is_refused_before_it_begins() {
        insert("dead", 1);

        assertEquals(
                "422 invalid_field filter",
                refusal(() -> start("redrive", json())).brief());
        Refusal state = refusal(() -> start("redrive", json("state", "queued,succeeded")));
        assertEquals("422 invalid_field filter.state", state.brief());
        assertTrue(state.expected().contains("failed, dead"), state::expected);
        assertEquals(
                "422 invalid_field filter.state",
                refusal(() -> start("redrive", json("state", "deaf"))).brief());
        assertEquals(
                "422 invalid_field priority",
                refusal(() -> start("set_priority", json("all", true))).brief());
        assertEquals(
                "422 invalid_field priority",
                refusal(() -> start("redrive", json("all", true), "priority", 1))
                        .brief());
        assertEquals(
                "422 invalid_field targetAgent",
                refusal(() -> start("reassign", json("all", true))).brief());
        assertEquals(
                "422 unknown_agent targetAgent",
                refusal(() -> start("reassign", json("all", true), "targetAgent", "nobody"))
                        .brief());
        bus.jdbc().update("update agents set enabled = false where agent_id = 'research'");
        assertEquals(
                "422 agent_disabled targetAgent",
                refusal(() -> start("reassign", json("all", true), "targetAgent", "research"))
                        .brief());
        assertEquals(0, bus.count("bulk_actions"));
    }
}
