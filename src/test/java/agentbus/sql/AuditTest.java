package agentbus.sql;

import static agentbus.sql.Machine.sqlState;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.ConnectionCallback;

@ExtendWith(PostgresExtension.class)
class AuditTest {
    private static final List<String> STATES =
            List.of("waiting", "queued", "leased", "running", "succeeded", "blocked", "failed", "dead", "cancelled");

    /** The picture in ARCHITECTURE, as a table. */
    private static final Map<String, Set<String>> LEGAL = Map.of(
            "waiting", Set.of("queued", "blocked", "dead", "cancelled"),
            "queued", Set.of("leased", "dead", "cancelled"),
            "leased", Set.of("running", "queued", "succeeded", "blocked", "failed", "dead", "cancelled"),
            "running", Set.of("queued", "succeeded", "blocked", "failed", "dead", "cancelled"),
            "blocked", Set.of("queued", "waiting", "dead", "cancelled"),
            "failed", Set.of("queued"),
            "dead", Set.of("queued", "waiting", "cancelled"),
            "succeeded", Set.of(),
            "cancelled", Set.of());

    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    /** A job in a state, by hand, with whatever the constraints ask of that state. */
    private String jobIn(String state) {
        return bus.jdbc()
                .queryForObject(
                        "insert into jobs (namespace, target_agent, job_type, subject, timeout_seconds, hard_timeout_seconds, state, "
                                + columns(", ")
                                + ") values ('default', 'devops', 'reactive', 'infra.check', 1, 1, ?, "
                                + values(state)
                                + ") returning job_id",
                        String.class,
                        state);
    }

    private String move(String job, String state) {
        return "update jobs set state = '" + state + "', (" + columns(", ") + ") = row(" + values(state)
                + ") where job_id = '" + job + "'";
    }

    private static String columns(String separator) {
        return String.join(
                separator, "live_attempt", "leased_until", "blocked_reason", "ended_at", "open_dependencies");
    }

    private static String values(String state) {
        boolean live = state.equals("leased") || state.equals("running");
        boolean ended = Set.of("succeeded", "failed", "dead", "cancelled").contains(state);
        return String.join(
                ", ",
                live ? "gen_random_uuid()" : "null",
                live ? "now()" : "null::timestamptz",
                state.equals("blocked") ? "'by hand'" : "null",
                ended ? "now()" : "null::timestamptz",
                state.equals("waiting") ? "1" : "0");
    }

    @Test
    void the_table_refuses_every_transition_that_the_state_machine_does_not_have() {
        List<String> wrong = new ArrayList<>();
        for (String from : STATES) {
            for (String to : STATES) {
                if (from.equals(to)) {
                    continue;
                }
                String job = jobIn(from);
                String state = "done";
                try {
                    bus.jdbc().update(move(job, to));
                } catch (DataAccessException e) {
                    state = ((java.sql.SQLException) e.getMostSpecificCause()).getSQLState();
                }
                if (!state.equals(LEGAL.get(from).contains(to) ? "done" : "AB409")) {
                    wrong.add(from + " to " + to + ": " + state);
                }
                bus.jdbc().execute("truncate jobs cascade");
            }
        }
        assertEquals(List.of(), wrong);
    }

    @ParameterizedTest
    @ValueSource(strings = {"events", "audit_log", "jobs cascade", "standing_order_runs", "events_history"})
    void no_table_of_work_or_of_its_record_can_be_truncated(String table) {
        bus.enqueue();
        bus.jdbc().execute((ConnectionCallback<Void>) connection -> {
            try (Statement statement = connection.createStatement()) {
                // The setting with which the tests empty a database.
                statement.execute("set agentbus.emptying = off");
                SQLException refused = assertThrows(SQLException.class, () -> statement.execute("truncate " + table));
                assertEquals("AB403", refused.getSQLState());
                statement.execute("set agentbus.emptying = on");
            }
            return null;
        });
        assertEquals(1, bus.count("jobs"));
    }

    @Test
    void a_change_by_hand_is_audited_under_the_role_that_made_it() {
        String job = bus.enqueue();
        bus.jdbc().update(move(job, "cancelled"));

        assertEquals(
                List.of("operator:anna job.enqueued", "postgres:postgres job.cancelled"),
                bus.jdbc()
                        .queryForList(
                                "select actor || ' ' || action from audit_log where row_id = ? order by audit_id",
                                String.class,
                                job));
        assertEquals(List.of("job.enqueued", "job.cancelled"), bus.topics(job));
    }

    @Test
    void every_change_of_state_says_who_and_why() {
        Attempt attempt = bus.leased();
        bus.admitted(attempt);
        bus.block(attempt, "at", "2100-01-01T00:00:00Z");
        bus.ask("unblock_job", "jobId", attempt.job(), "answer", "in the vault");
        Attempt second = bus.claim();
        bus.say(second, "fail_job", "error", "no route");
        bus.makeDue(attempt.job());
        Attempt third = bus.claim();
        bus.say(third, "complete_job", "summary", "all is well");

        assertEquals(
                List.of(
                        "operator:anna job.enqueued -",
                        "dispatcher:dispatcher-1 job.leased claimed",
                        "dispatcher:dispatcher-1 job.running admitted by the gateway",
                        "attempt:devops job.blocked no credentials",
                        "operator:anna job.queued in the vault",
                        "dispatcher:dispatcher-1 job.leased claimed",
                        "attempt:devops job.queued no route",
                        "dispatcher:dispatcher-1 job.leased claimed",
                        "attempt:devops job.succeeded all is well"),
                bus.jdbc()
                        .queryForList(
                                "select actor || ' ' || action || ' ' || coalesce(why, '-') from audit_log where row_id = ?"
                                        + " order by audit_id",
                                String.class,
                                attempt.job()));
        assertEquals(
                List.of("leased running", "running blocked"),
                bus.jdbc()
                        .queryForList(
                                "select detail ->> 'from' || ' ' || (detail ->> 'to') from audit_log where row_id = ?"
                                        + " and action in ('job.running', 'job.blocked') order by audit_id",
                                String.class,
                                attempt.job()));
    }

    @Test
    void the_actor_of_one_call_does_not_leak_into_the_next_of_its_connection() {
        String job = bus.enqueue();
        assertEquals("postgres:postgres", bus.jdbc().queryForObject("select current_actor()", String.class));
        bus.jdbc().update(move(job, "cancelled"));
        assertEquals(0, bus.count("audit_log where action = 'job.cancelled' and why is not null"));
    }

    @Test
    void constraints_hold_whoever_writes() {
        Set<String> states = new TreeSet<>();
        String job = bus.enqueue();
        String where = " where job_id = '" + job + "'";
        for (String change : List.of(
                "state = 'leased'",
                "leased_until = now()",
                "live_attempt = gen_random_uuid()",
                "blocked_reason = 'x'",
                "ended_at = now()",
                "priority = 0",
                "priority = 1001",
                "attempt_count = -1",
                "open_dependencies = -1",
                "trust = 'half'",
                "delivery = 'mail'")) {
            states.add(sqlState(() -> bus.jdbc().update("update jobs set " + change + where)));
        }
        states.add(sqlState(() -> bus.jdbc()
                .update("insert into job_dependencies (namespace, job_id, depends_on) values ('default', '" + job
                        + "', '" + job + "')")));
        states.add(sqlState(() -> bus.jdbc().update("update agents set paused_at = now()")));
        states.add(sqlState(
                () -> bus.jdbc().update("insert into events (namespace, topic) values ('default', 'Not A Topic')")));
        states.add(
                sqlState(
                        () -> bus.jdbc()
                                .update(
                                        "insert into subscriptions (namespace, topic_pattern, agent_id, subject) values ('default', 'a*', 'devops', 's')")));
        assertEquals(Set.of("23514"), states);
    }

    @Test
    void a_job_has_one_live_attempt_and_one_of_each_number() {
        Attempt attempt = bus.running();
        assertEquals("23505", sqlState(() -> bus.jdbc()
                .update(
                        "insert into job_attempts (namespace, job_id, attempt_no, dispatcher_id) values ('default', ?::uuid, 2, 'x')",
                        attempt.job())));
        assertEquals("23505", sqlState(() -> bus.jdbc()
                .update(
                        "insert into job_attempts (namespace, job_id, attempt_no, dispatcher_id, status, finished_at)"
                                + " values ('default', ?::uuid, 1, 'x', 'failed', now())",
                        attempt.job())));
        assertEquals("23514", sqlState(() -> bus.jdbc().update("update job_attempts set finished_at = now()")));
    }

    @Test
    void ids_are_uuids_of_version_7_and_sort_as_they_were_made() {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            ids.add(bus.jdbc().queryForObject("select new_id()::text", String.class));
        }
        for (String id : ids) {
            assertEquals(7, UUID.fromString(id).version());
            assertEquals(2, UUID.fromString(id).variant());
        }
        assertEquals(new TreeSet<>(ids).stream().toList(), ids);
        long made = Long.parseLong(ids.get(199).replace("-", "").substring(0, 12), 16);
        long now =
                bus.jdbc().queryForObject("select (extract(epoch from clock_timestamp()) * 1000)::bigint", Long.class);
        assertTrue(now - made < 60_000 && made <= now, () -> made + " beside " + now);
    }

    @Test
    void one_statement_sends_one_notification() throws Exception {
        try (var connection = bus.jdbc().getDataSource().getConnection()) {
            connection.createStatement().execute("listen jobs_ready");
            bus.jdbc()
                    .update(
                            "insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds, hard_timeout_seconds)"
                                    + " select 'default', 'devops', 'reactive', 'infra.check', 'queued', 1, 1 from generate_series(1, 50)");
            var notifications =
                    connection.unwrap(org.postgresql.PGConnection.class).getNotifications(5_000);
            assertEquals(1, notifications.length);
            connection.createStatement().execute("unlisten *");
        }
    }
}
