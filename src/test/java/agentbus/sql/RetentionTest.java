package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(PostgresExtension.class)
class RetentionTest {
    private static final int DAYS = 30;

    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc()
                .execute("truncate jobs_history, job_attempts_history, job_dependencies_history, events_history,"
                        + " audit_log_history, standing_order_runs_history");
    }

    /** Moves the timestamps of all jobs, events, audit rows and order runs back by the given days. */
    private void age(int days) {
        for (String triggered : List.of("jobs", "events", "audit_log", "standing_order_runs")) {
            bus.jdbc().execute("alter table " + triggered + " disable trigger user");
        }
        bus.jdbc()
                .update(
                        "update jobs set created_at = created_at - make_interval(days => ?),"
                                + " ended_at = ended_at - make_interval(days => ?)",
                        days,
                        days);
        bus.jdbc().update("update events set created_at = created_at - make_interval(days => ?)", days);
        bus.jdbc().update("update audit_log set created_at = created_at - make_interval(days => ?)", days);
        bus.jdbc()
                .update(
                        "update standing_order_runs set scheduled_for = scheduled_for - make_interval(days => ?),"
                                + " finished_at = finished_at - make_interval(days => ?)",
                        days,
                        days);
        for (String triggered : List.of("jobs", "events", "audit_log", "standing_order_runs")) {
            bus.jdbc().execute("alter table " + triggered + " enable trigger user");
        }
    }

    /** Runs the retention batch by batch until no batch is left; returns the number of batches. */
    private int retire(int limit) {
        String place = null;
        int calls = 0;
        do {
            JsonNode done = bus.one("select retire_finished_work(?, ?, ?::jsonb)", DAYS, limit, place);
            place = done.get("next").isNull() ? null : done.get("next").toString();
            calls++;
            assertTrue(calls < 1000, () -> "retention does not end: " + done);
        } while (place != null);
        return calls;
    }

    private String succeeded(Object... more) {
        Attempt attempt = bus.running(more);
        bus.complete(attempt);
        return attempt.job();
    }

    private JsonNode look(String job) {
        return bus.ask("get_job", "jobId", job);
    }

    @Test
    void a_finished_job_is_read_from_history_as_it_was() {
        String job = succeeded("payload", Machine.json("host", "web-1"), "flowKey", "f");
        age(31);
        JsonNode before = look(job);

        retire(100);

        assertEquals(0, bus.count("jobs"));
        assertEquals(0, bus.count("job_attempts"));
        assertEquals(0, bus.count("events"));
        JsonNode after = look(job);
        assertTrue(after.hasNonNull("retiredAt"));
        ((com.fasterxml.jackson.databind.node.ObjectNode) after).remove("retiredAt");
        assertEquals(before, after);
        assertEquals(4, bus.count("audit_log_history where row_id = ?", job));
        assertEquals(
                List.of("history.moved"),
                bus.jdbc().queryForList("select distinct action from audit_log", String.class),
                "the audit log holds only the move itself");
    }

    @Test
    void a_retired_job_cannot_be_changed_and_says_where_it_is() {
        Attempt attempt = bus.running();
        bus.fail(attempt, "retry", false);
        JsonNode principal = bus.principal(attempt);
        age(31);
        retire(100);

        for (String function : List.of("redrive_job", "cancel_job")) {
            Refusal refusal = Machine.refusal(() -> bus.ask(function, "jobId", attempt.job(), "reason", "again"));
            assertEquals("409 job_retired jobId", refusal.brief());
            assertTrue(refusal.message().contains("moved to history"), refusal::message);
        }
        assertEquals(
                "409 job_retired jobId",
                Machine.refusal(() -> bus.call(
                                "complete_job", principal, Machine.json("jobId", attempt.job(), "summary", "late")))
                        .brief());
    }

    @Test
    void what_is_young_or_not_over_or_dead_stays() {
        String young = succeeded();
        String dead = bus.dead("targetAgent", "research", "subject", "research.packet");
        String queued = bus.enqueue();
        age(29);
        retire(100);
        assertEquals(3, bus.count("jobs where job_id::text in (?, ?, ?)", young, queued, dead));

        age(2);
        retire(100);

        assertFalse(look(dead).has("retiredAt"));
        assertFalse(look(queued).has("retiredAt"));
        assertTrue(look(young).has("retiredAt"));
        assertEquals(0, bus.count("events where source_job_id = ?::uuid", young));
        assertTrue(
                bus.count("events where source_job_id = ?::uuid", dead) > 0,
                "a job that stays keeps all of its events");
        assertTrue(bus.count("audit_log where row_id = ?", queued) > 0);
    }

    @Test
    void what_a_living_job_refers_to_stays_until_that_one_can_go() {
        String parent = succeeded();
        String dependency = succeeded();
        String child = bus.enqueue("parentJobId", parent, "dependsOn", List.of(dependency));
        String grandchild = bus.enqueue("parentJobId", child);
        age(31);
        retire(100);
        assertEquals(4, bus.count("jobs"));

        bus.ask("cancel_job", "jobId", child, "reason", "not wanted");
        age(31);
        retire(100);

        assertEquals(0, bus.count("jobs"));
        assertEquals(parent, look(child).get("parentJobId").asText());
        assertEquals(dependency, look(child).at("/dependencies/0/dependsOn").asText());
        assertEquals("succeeded", look(child).at("/dependencies/0/state").asText());
        assertEquals("cancelled", look(grandchild).get("state").asText());
    }

    @Test
    void a_long_line_of_handoffs_goes_in_batches_smaller_than_itself() {
        String last = null;
        for (int i = 0; i < 12; i++) {
            last = last == null ? succeeded() : succeeded("parentJobId", last);
        }
        age(31);
        // A batch of 5 cuts the chain and leaves the older jobs to a later one. Each pass must still retire some jobs.
        int before = 12;
        while (before > 0) {
            retire(5);
            long left = bus.count("jobs");
            assertTrue(left < before, left + " of 12 jobs are left and none has gone");
            before = (int) left;
        }
        assertEquals(12, bus.count("jobs_history"));
        assertEquals(12, bus.count("job_attempts_history"));
    }

    @Test
    void batches_leave_nothing_out_and_take_nothing_twice() {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < 23; i++) {
            all.add(succeeded());
        }
        bus.jdbc().execute("alter table jobs disable trigger user");
        // All jobs end at the same moment, so the position between two batches needs more than the end time.
        bus.jdbc().update("update jobs set ended_at = date_trunc('day', ended_at)");
        bus.jdbc().execute("alter table jobs enable trigger user");
        age(32);

        int calls = retire(4);

        assertEquals(0, bus.count("jobs"));
        assertEquals(23, bus.count("jobs_history"));
        assertTrue(calls > 23 / 4, calls + " calls");
        all.forEach(job -> assertTrue(look(job).has("retiredAt")));
    }

    @Test
    void a_row_in_somebodys_hands_is_passed_over() throws Exception {
        String held = succeeded();
        String free = succeeded();
        age(31);
        try (var connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            try (var statement = connection.prepareStatement("select from jobs where job_id = ?::uuid for key share")) {
                statement.setString(1, held);
                statement.execute();
            }
            retire(100);
            connection.rollback();
            connection.setAutoCommit(true);
        }
        assertFalse(look(held).has("retiredAt"));
        assertTrue(look(free).has("retiredAt"));
    }

    @Test
    void one_node_at_a_time_retires() throws Exception {
        succeeded();
        age(31);
        try (var connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            connection.createStatement().execute("select retire_finished_work(30, 1)");
            assertTrue(bus.one("select retire_finished_work(30, 1)").get("next").isNull());
            connection.rollback();
            connection.setAutoCommit(true);
        }
        assertEquals(1, bus.count("jobs"));
    }

    @Test
    void a_column_that_came_later_comes_along() {
        bus.jdbc().execute("alter table jobs add column mood text");
        try {
            String job = succeeded();
            bus.jdbc().update("update jobs set mood = 'calm' where job_id = ?::uuid", job);
            age(31);
            retire(100);
            assertEquals(
                    "calm",
                    bus.jdbc()
                            .queryForObject("select mood from jobs_history where job_id = ?::uuid", String.class, job));
            assertTrue(look(job).has("retiredAt"));
        } finally {
            bus.jdbc().execute("alter table jobs drop column mood");
            bus.jdbc().execute("alter table jobs_history drop column mood");
        }
    }

    @Test
    void an_order_keeps_its_newest_runs_and_a_window_still_shows_the_old_ones() {
        bus.jdbc()
                .update(
                        "insert into standing_orders (namespace, order_name, agent_id, cron, words, purpose, instructions, definition_hash)"
                                + " values ('default', 'look', 'devops', '0 0 * * * ?', 'hourly', 'p', 'i', 'h')");
        bus.jdbc()
                .update(
                        "insert into standing_order_runs (namespace, agent_id, order_name, scheduled_for, status, finished_at, summary)"
                                + " select 'default', 'devops', 'look', now() - n * interval '1 hour', case when n = 70 then 'completed' else 'failed' end,"
                                + " now() - n * interval '1 hour', 's' from generate_series(1, 80) n");
        String job = succeeded();
        bus.jdbc()
                .update(
                        "update standing_order_runs set job_id = ?::uuid where scheduled_for < now() - interval '79 hours 30 minutes'",
                        job);
        age(40);

        retire(7);

        assertEquals(51, bus.count("standing_order_runs"), "the newest fifty and the completed one");
        assertEquals(29, bus.count("standing_order_runs_history"));
        assertTrue(look(job).has("retiredAt"), "a job can retire once its run has");
        JsonNode window = bus.ask("list_standing_order_runs", "from", "2000-01-01T00:00:00Z", "limit", 200);
        assertEquals(80, window.get("runs").size());
        assertEquals(
                80,
                bus.ask("standing_order_calendar", "from", "2000-01-01T00:00:00Z")
                        .at("/orders/0/slots")
                        .asInt());
    }

    @Test
    void a_dedupe_key_of_an_event_is_free_again_when_the_event_is_history() {
        bus.ask("emit_event", "topic", "site.down", "dedupeKey", "web-1");
        age(31);
        assertFalse(bus.ask("emit_event", "topic", "site.down", "dedupeKey", "web-1")
                .get("created")
                .asBoolean());
        retire(100);
        assertTrue(bus.ask("emit_event", "topic", "site.down", "dedupeKey", "web-1")
                .get("created")
                .asBoolean());
    }

    @Test
    void what_was_never_there_is_still_unknown() {
        assertEquals(
                "404 unknown_job jobId",
                Machine.refusal(() -> look(UUID.randomUUID().toString())).brief());
    }

    @Test
    void days_and_batches_out_of_range_are_refused() {
        assertEquals(
                422,
                Machine.refusal(() -> bus.one("select retire_finished_work(0, 100)"))
                        .status());
        assertEquals(
                422,
                Machine.refusal(() -> bus.one("select retire_finished_work(30, 0)"))
                        .status());
    }
}
