package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** What the live stream of the console finds out about changes. */
@ExtendWith(PostgresExtension.class)
class ConsoleChangesTest {
    private Machine bus;
    private String since;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        since = null;
        look();
    }

    private JsonNode look() {
        JsonNode answer = bus.one("select console_changes(?::jsonb)", since);
        since = answer.path("since").toString();
        return answer.path("changes");
    }

    private static void change(JdbcTemplate jdbc, String table) {
        jdbc.update(
                "insert into audit_log (namespace, actor, action, table_name, row_id) values ('default', 'test', 'x', ?, 'r')",
                table);
    }

    @Test
    void each_change_is_told_once_with_its_namespace_and_kinds() {
        assertEquals("{}", look().toString());
        bus.enqueue();
        assertEquals("{\"default\":[\"agents\",\"audit\",\"events\",\"jobs\"]}", look().toString());
        assertEquals("{}", look().toString());
        change(bus.jdbc(), "standing_orders");
        assertEquals("{\"default\":[\"audit\",\"orders\"]}", look().toString());
        assertEquals("{}", look().toString());
    }

    @Test
    void proposals_memories_reports_and_anomalies_are_told_by_kinds_of_their_own() {
        change(bus.jdbc(), "ideas");
        assertEquals("{\"default\":[\"audit\",\"proposals\"]}", look().toString());
        change(bus.jdbc(), "opportunities");
        change(bus.jdbc(), "reports");
        assertEquals("{\"default\":[\"audit\",\"proposals\",\"reports\"]}", look().toString());
        change(bus.jdbc(), "memories");
        change(bus.jdbc(), "memory_candidates");
        change(bus.jdbc(), "memory_reviews");
        assertEquals("{\"default\":[\"audit\",\"memories\"]}", look().toString());
        bus.ask("emit_event", "topic", "ops.anomaly", "payload", java.util.Map.of("what", "The disk fills up."));
        assertEquals("{\"default\":[\"anomalies\",\"events\"]}", look().toString());
    }

    @Test
    void a_change_that_is_committed_after_a_later_one_is_told_as_well() throws SQLException {
        try (Connection slow = bus.jdbc().getDataSource().getConnection()) {
            slow.setAutoCommit(false);
            change(new JdbcTemplate(new SingleConnectionDataSource(slow, true)), "gateways");
            change(bus.jdbc(), "agents");
            assertEquals("{\"default\":[\"agents\",\"audit\"]}", look().toString());
            assertEquals("{}", look().toString());

            slow.commit();
            slow.setAutoCommit(true);
        }
        assertEquals("{\"default\":[\"agents\",\"audit\",\"gateways\"]}", look().toString());
        assertEquals("{}", look().toString());
    }

    @Test
    void a_change_that_is_rolled_back_is_none() throws SQLException {
        try (Connection failing = bus.jdbc().getDataSource().getConnection()) {
            failing.setAutoCommit(false);
            change(new JdbcTemplate(new SingleConnectionDataSource(failing, true)), "gateways");
            failing.rollback();
            failing.setAutoCommit(true);
        }
        assertEquals("{}", look().toString());
    }

    @Test
    void a_look_reads_few_rows_also_behind_a_transaction_that_stays_open() throws SQLException {
        try (Connection open = bus.jdbc().getDataSource().getConnection();
                Statement statement = open.createStatement()) {
            open.setAutoCommit(false);
            statement.execute("select pg_current_xact_id()");
            for (int i = 0; i < 3; i++) {
                bus.jdbc()
                        .update("insert into audit_log (namespace, actor, action, table_name, row_id)"
                                + " select 'default', 'test', 'x', 'agents', 'r' from generate_series(1, 6000)");
                assertEquals("{\"default\":[\"agents\",\"audit\"]}", look().toString());
            }
            open.rollback();
            open.setAutoCommit(true);
        }
        long behind = bus.one("select ?::jsonb", since).path("audit").asLong();
        long newest = bus.jdbc().queryForObject("select max(audit_id) from audit_log", Long.class);
        assertTrue(newest - behind <= 6_000, behind + " of " + newest);
    }

    @Test
    void the_cost_of_a_look_does_not_grow_with_the_audit_log() {
        bus.jdbc()
                .update("insert into audit_log (namespace, actor, action, table_name, row_id)"
                        + " select 'default', 'test', 'x', 'agents', 'r' from generate_series(1, 50000)");
        bus.jdbc().execute("vacuum analyze audit_log");
        look();
        look();
        change(bus.jdbc(), "agents");

        JsonNode plan = bus.one("explain (analyze, buffers, format json) select console_changes('" + since + "')");

        long pages = Machine.pagesOf(plan);
        assertTrue(pages < 100, pages + " pages");
        assertEquals("{\"default\":[\"agents\",\"audit\"]}", look().toString());
    }
}
