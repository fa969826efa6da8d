package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(PostgresExtension.class)
class DatabaseHealthTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private List<String> worries() {
        // Of the whole server, where other tests are at work: not what they hold open.
        return bus.jdbc()
                .queryForList(
                        "select watch from database_health_v where worry and watch <> 'oldest_transaction' order by watch",
                        String.class);
    }

    @Test
    void a_sound_queue_worries_nobody_and_every_watch_has_its_row() throws Exception {
        bus.enqueue();
        assertEquals(List.of(), worries());
        String query = Files.readString(Path.of("sql/statements/health/database.sql"));
        assertEquals(11, bus.jdbc().queryForList(query).size());
    }

    @Test
    void a_lost_lease_and_a_held_gateway_are_seen() {
        Attempt attempt = bus.running();
        bus.expire(attempt.job());
        bus.jdbc().update("update gateways set held_until = now() + interval '1 minute', hold_reason = 'HTTP 503'");
        bus.jdbc().update("update jobs set created_at = created_at - interval '1 day'");
        assertEquals(List.of("expired_leases", "gateways_held"), worries());
    }

    @Test
    void a_snapshot_that_is_held_open_is_seen_with_its_pid() throws Exception {
        try (var connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            connection.setTransactionIsolation(java.sql.Connection.TRANSACTION_REPEATABLE_READ);
            int pid;
            try (var row = connection.createStatement().executeQuery("select pg_backend_pid()")) {
                row.next();
                pid = row.getInt(1);
            }
            String seen = bus.jdbc()
                    .queryForObject(
                            "select string_agg(pid::text, ' ') from pg_stat_activity where backend_xmin is not null",
                            String.class);
            assertTrue(seen.contains(Integer.toString(pid)), seen);
            assertTrue(bus.jdbc()
                    .queryForObject(
                            "select value >= 0 and detail like 'pid %' from database_health_v where watch = 'oldest_transaction'",
                            Boolean.class));
            connection.rollback();
            connection.setAutoCommit(true);
        }
    }

    /** A finished job that ended so many days ago. */
    private String ended(int days, Object... more) {
        Attempt attempt = bus.running(more);
        bus.complete(attempt);
        bus.jdbc().execute("alter table jobs disable trigger user");
        bus.jdbc()
                .update(
                        "update jobs set ended_at = now() - make_interval(days => ?) where job_id = ?::uuid",
                        days,
                        attempt.job());
        bus.jdbc().execute("alter table jobs enable trigger user");
        return attempt.job();
    }

    @Test
    void finished_work_that_retirement_leaves_behind_is_seen() {
        ended(61);
        assertEquals(List.of("not_retired"), worries());
    }

    @Test
    void finished_work_that_retirement_keeps_for_a_slot_or_a_later_job_worries_nobody() {
        String job = ended(70);
        bus.jdbc()
                .update(
                        "insert into standing_order_runs (namespace, agent_id, order_name, scheduled_for, status, job_id,"
                                + " started_at, finished_at) select 'default', 'devops', 'weekly', t, 'completed',"
                                + " ?::uuid, t, t from (select now() - interval '70 days') s (t)",
                        job);
        String first = ended(70);
        bus.enqueue("dependsOn", List.of(first), "delaySeconds", 3600);
        bus.one("select retire_finished_work(30, 100, '{\"part\": \"jobs\"}')");
        assertEquals(3, bus.count("jobs"), "retirement keeps both");
        assertEquals(List.of(), worries());

        ended(61);
        assertEquals(List.of("not_retired"), worries());
    }
}
