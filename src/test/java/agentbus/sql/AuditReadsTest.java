package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The list of the audit log: its filters, its pages and the bound of one call. */
@ExtendWith(PostgresExtension.class)
class AuditReadsTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        bus.jdbc().execute("truncate audit_log, audit_log_history");
    }

    private List<JsonNode> rows(Object... input) {
        List<JsonNode> rows = new ArrayList<>();
        bus.ask("list_audit", input).get("rows").forEach(rows::add);
        return rows;
    }

    private static List<String> actions(List<JsonNode> rows) {
        return rows.stream().map(row -> row.get("action").asText()).toList();
    }

    /** Audit rows of other namespaces or of a dispatcher, one a second, the newest at the given time. */
    private void fill(int count, String actor, String action, String table, String newest) {
        bus.jdbc()
                .update(
                        """
                        insert into audit_log (namespace, actor, action, table_name, row_id, created_at)
                        select 'default', ?, ?, ?, 'row-' || n, ?::timestamptz - (? - n) * interval '1 second'
                        from generate_series(1, ?) n""",
                        actor,
                        action,
                        table,
                        newest,
                        count,
                        count);
    }

    /** Moves every audit row to history, as the retention does. */
    private void retireAll() {
        bus.jdbc()
                .execute(
                        """
                        begin;
                        set local agentbus.retention = 'on';
                        with gone as (delete from audit_log returning *)
                        insert into audit_log_history (audit_id, namespace, actor, action, table_name, row_id, why, detail, created_at)
                        select audit_id, namespace, actor, action, table_name, row_id, why, detail, created_at from gone;
                        commit""");
    }

    @Test
    void a_row_says_who_did_what_to_which_row_and_why() {
        bus.ask("pause_agent", "agentId", "devops", "reason", "maintenance of web-1");

        List<JsonNode> rows = rows("table", "agents");

        assertEquals(1, rows.size());
        JsonNode row = rows.get(0);
        assertEquals("operator:anna", row.get("actor").asText());
        assertEquals("agent.paused", row.get("action").asText());
        assertEquals("agents", row.get("table").asText());
        assertEquals("devops", row.get("rowId").asText());
        assertEquals("maintenance of web-1", row.get("why").asText());
        assertTrue(row.get("detail").isObject());
        assertTrue(row.hasNonNull("at") && row.get("auditId").isNumber());
    }

    @Test
    void each_filter_narrows_the_list() {
        fill(3, "dispatcher:node-1", "job.leased", "jobs", "2026-01-01T00:00:00Z");
        fill(2, "operator:anna", "job.cancelled", "jobs", "2026-01-02T00:00:00Z");
        fill(1, "operator:anna", "agent.paused", "agents", "2026-01-03T00:00:00Z");
        bus.jdbc()
                .update("insert into audit_log (namespace, actor, action, table_name, row_id)"
                        + " values ('other', 'operator:anna', 'agent.paused', 'agents', 'row-1')");

        assertEquals(6, rows().size());
        assertEquals(1, rows("namespace", "other").size());
        assertEquals(3, rows("actor", "operator:anna").size());
        assertEquals(2, rows("actor", "operator:anna", "table", "jobs").size());
        assertEquals(3, rows("action", "job.leased").size());
        assertEquals(1, rows("action", "agent.paused", "actor", "operator:anna").size());
        assertEquals(
                0, rows("action", "agent.paused", "actor", "dispatcher:node-1").size());
        assertEquals(1, rows("table", "agents").size());
        assertEquals(5, rows("table", "jobs").size());
        assertEquals(3, rows("rowId", "row-1").size());
        assertEquals(1, rows("rowId", "row-1", "table", "agents").size());
        assertEquals(1, rows("rowId", "row-1", "actor", "dispatcher:node-1").size());
        assertEquals(3, rows("since", "2026-01-01T23:00:00Z").size());
        assertEquals(3, rows("until", "2026-01-01T23:00:00Z").size());
        assertEquals(
                2,
                rows("since", "2026-01-01T23:00:00Z", "until", "2026-01-02T23:00:00Z")
                        .size());
        assertEquals(
                1,
                rows("actor", "operator:anna", "since", "2026-01-02T23:00:00+01:00")
                        .size());
    }

    @Test
    void the_rows_of_a_job_are_those_of_the_job_and_of_its_attempts() {
        Attempt attempt = bus.running();
        bus.complete(attempt);
        bus.complete(bus.running());
        bus.jdbc()
                .update(
                        "insert into audit_log (namespace, actor, action, table_name, row_id)"
                                + " values ('default', 'dispatcher:d', 'run_abort.added', 'run_aborts', ?)",
                        attempt.id());

        List<String> expected =
                List.of("run_abort.added", "job.succeeded", "job.running", "job.leased", "job.enqueued");
        assertEquals(expected, actions(rows("jobId", attempt.job())));
        assertEquals(expected, actions(rows("jobId", attempt.job().toUpperCase(java.util.Locale.ROOT))));
        assertEquals(List.of("run_abort.added"), actions(rows("jobId", attempt.job(), "table", "run_aborts")));
        assertEquals(List.of("job.leased"), actions(rows("jobId", attempt.job(), "action", "job.leased")));
        retireAll();
        assertEquals(expected, actions(rows("jobId", attempt.job())));
        assertEquals(0, rows("jobId", "0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10").size());
    }

    @Test
    void pages_follow_each_other_through_rows_of_one_moment_and_into_history() {
        fill(30, "operator:anna", "job.cancelled", "jobs", "2026-01-01T00:00:00Z");
        retireAll();
        bus.jdbc()
                .update("insert into audit_log (namespace, actor, action, table_name, row_id, created_at)"
                        + " select 'default', 'operator:anna', 'job.cancelled', 'jobs', 'same-' || n, '2026-01-02T00:00:00Z'"
                        + " from generate_series(1, 25) n");

        List<Long> ids = new ArrayList<>();
        Long before = null;
        do {
            JsonNode page = before == null
                    ? bus.ask("list_audit", "limit", 10, "actor", "operator:anna")
                    : bus.ask("list_audit", "limit", 10, "actor", "operator:anna", "before", before);
            page.get("rows").forEach(row -> ids.add(row.get("auditId").asLong()));
            before = page.hasNonNull("next") ? page.get("next").asLong() : null;
            // A new row neither shifts nor repeats the rows of the following pages.
            fill(1, "operator:anna", "job.cancelled", "jobs", "2026-01-03T00:00:00Z");
        } while (before != null);

        assertEquals(55, ids.size());
        assertEquals(55, ids.stream().distinct().count());
    }

    @Test
    void a_search_that_no_index_serves_stops_and_says_how_far_it_came() {
        fill(1, "operator:anna", "job.cancelled", "jobs", "2026-01-01T00:00:00Z");
        fill(10_010, "attempt:devops", "job.succeeded", "jobs", "2026-02-01T00:00:00Z");

        JsonNode first = bus.ask("list_audit", "table", "jobs", "actor", "attempt:devops", "action", "job.cancelled");

        // Few rows have the action, so the search goes by it and ends.
        assertEquals(0, first.get("rows").size());
        assertFalse(first.has("searchedTo"));

        fill(10_010, "dispatcher:d", "job.cancelled", "jobs", "2026-02-01T00:00:00Z");
        JsonNode second = bus.ask("list_audit", "actor", "attempt:devops", "action", "job.cancelled");
        assertEquals(0, second.get("rows").size());
        assertEquals("2026-01-31T21:13:21+00:00", second.get("searchedTo").asText());
        JsonNode third = bus.ask(
                "list_audit",
                "actor",
                "attempt:devops",
                "action",
                "job.cancelled",
                "before",
                second.get("next").asLong());
        assertFalse(third.has("searchedTo"));
        assertFalse(third.has("next"));
    }

    @Test
    void what_cannot_be_searched_is_refused() {
        assertEquals(
                "422 invalid_field until",
                refusal(() -> rows("since", "2026-01-02T00:00:00Z", "until", "2026-01-02T01:00:00+01:00"))
                        .brief());
        Refusal gone = refusal(() -> rows("before", 99));
        assertEquals("422 invalid_field before", gone.brief());
        assertEquals("there is no audit row 99 in namespace default", gone.message());
        fill(1, "operator:anna", "agent.paused", "agents", "2026-01-01T00:00:00Z");
        long id = rows().get(0).get("auditId").asLong();
        assertEquals(
                "422 invalid_field before",
                refusal(() -> rows("namespace", "other", "before", id)).brief());
        assertEquals(
                "403 forbidden namespace",
                refusal(() -> bus.call("list_audit", agent("devops"), json("namespace", "other")))
                        .brief());
    }

    @Test
    void a_large_detail_is_cut_and_a_page_stays_within_its_bytes() {
        bus.jdbc()
                .update(
                        """
                        insert into audit_log (namespace, actor, action, table_name, row_id, why, detail)
                        select 'default', 'operator:anna', 'agent.changed', 'agents', 'devops', repeat('w', 5000),
                          jsonb_build_object('mission', repeat('x', 5000), 'enabled', true)
                        from generate_series(1, 500)""");

        JsonNode page = bus.ask("list_audit", "limit", 500, "answerBytes", 100_000);

        JsonNode row = page.get("rows").get(0);
        assertEquals(1001, row.get("why").asText().length());
        assertEquals(201, row.at("/detail/mission").asText().length());
        assertTrue(row.at("/detail/enabled").asBoolean());
        assertTrue(page.toString().length() < 110_000);
        assertTrue(page.hasNonNull("next") && !page.has("searchedTo"));
    }
}
