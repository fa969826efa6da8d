package chaos;

import agentbus.harness.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.springframework.jdbc.core.JdbcTemplate;

/** A queue in a database of its own, worked on through the functions that dispatcher and door call. */
final class Queue implements AutoCloseable {
    private static final int AGENTS = 10;
    private static final String AGENT = "'agent-' || (1 + n % " + AGENTS + ")";

    private final TestDatabase database;
    private final Connection connection;

    /** An empty queue with ten agents that have room. */
    Queue(TestDatabase database) throws SQLException {
        this.database = database;
        JdbcTemplate jdbc = database.jdbc();
        jdbc.update("insert into agents (namespace, agent_id, accepts, max_concurrency)" + " select 'default', " + AGENT
                + ", '{work}', 50 from generate_series(1, " + AGENTS + ") n");
        jdbc.update("update gateways set max_in_flight = 1000");
        connection = jdbc.getDataSource().getConnection();
    }

    JdbcTemplate jdbc() {
        return database.jdbc();
    }

    /** Inserts finished jobs with their attempt, event and audit row, and queued jobs. */
    void fill(int finished, int queued) {
        JdbcTemplate jdbc = database.jdbc();
        for (String table : List.of("jobs", "events", "audit_log")) {
            jdbc.execute("alter table " + table + " disable trigger user");
        }
        jdbc.update(
                "insert into jobs (namespace, target_agent, job_type, subject, state, attempt_no, attempt_count, ended_at,"
                        + " created_at, timeout_seconds, hard_timeout_seconds, payload, summary) select 'default', "
                        + AGENT
                        + ", 'reactive', 'work', 'succeeded', 1, 1, now() - interval '40 days' - n * interval '1 second',"
                        + " now() - interval '41 days' - n * interval '1 second', 600, 600, '{\"host\": \"web-1\"}',"
                        + " 'done as asked' from generate_series(1, ?) n",
                finished);
        jdbc.update(
                "insert into job_attempts (namespace, job_id, attempt_no, dispatcher_id, status, started_at, finished_at,"
                        + " prompt) select namespace, job_id, 1, 'd', 'succeeded', ended_at, ended_at, repeat('what to do ', 50)"
                        + " from jobs where state = 'succeeded'");
        jdbc.update(
                "insert into events (namespace, topic, source_agent, source_job_id, created_at)"
                        + " select namespace, 'job.succeeded', target_agent, job_id, ended_at from jobs where state = 'succeeded'");
        jdbc.update(
                "insert into audit_log (namespace, actor, action, table_name, row_id, created_at)"
                        + " select namespace, 'a', 'job.succeeded', 'jobs', job_id::text, ended_at from jobs where state = 'succeeded'");
        enqueue(queued);
        for (String table : List.of("jobs", "events", "audit_log")) {
            jdbc.execute("alter table " + table + " enable trigger user");
        }
        jdbc.execute("vacuum analyze");
    }

    /** Queues jobs; the triggers that are on run. */
    void enqueue(int count) {
        database.jdbc()
                .update(
                        "insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds,"
                                + " hard_timeout_seconds) select 'default', " + AGENT
                                + ", 'reactive', 'work', 'queued', 600, 600 from generate_series(1, ?) n",
                        count);
    }

    /** Inserts finished jobs alone, queued jobs and queued jobs of the agent "paused", without triggers and checks of keys. */
    void fillFast(int finished, int queued, int paused) throws SQLException {
        String columns = "insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds,"
                + " hard_timeout_seconds, ended_at, created_at) select 'default', ";
        String old = "now() - interval '40 days' - n * interval '1 second'";
        try (Connection fast = database.jdbc().getDataSource().getConnection();
                Statement statement = fast.createStatement()) {
            statement.execute("set session_replication_role = replica");
            statement.execute(columns + AGENT + ", 'reactive', 'work', 'succeeded', 600, 600, " + old + ", " + old
                    + " from generate_series(1, " + finished + ") n");
            statement.execute(columns + AGENT + ", 'reactive', 'work', 'queued', 600, 600, null, now()"
                    + " from generate_series(1, " + queued + ") n");
            statement.execute(columns + "'paused', 'reactive', 'work', 'queued', 600, 600, null, now()"
                    + " from generate_series(1, " + paused + ") n");
            statement.execute("reset session_replication_role");
            statement.execute("vacuum analyze");
        }
    }

    /** Takes so many jobs through all states in batches of 200, each step a transaction. */
    void move(int count) {
        JdbcTemplate jdbc = database.jdbc();
        for (int done = 0; done < count; done += 200) {
            enqueue(Math.min(200, count - done));
            jdbc.update(
                    "update jobs set state = 'leased', live_attempt = new_id(), leased_until = now() + interval '1 hour'"
                            + " where state = 'queued'");
            jdbc.update("update jobs set state = 'running' where state = 'leased'");
            jdbc.update("update jobs set state = 'succeeded', ended_at = now() where state = 'running'");
        }
    }

    /** Inserts a blocked parent with so many queued children, and returns its id. */
    String family(int children) {
        String parent = database.jdbc()
                .queryForObject(
                        "insert into jobs (namespace, target_agent, job_type, subject, state, blocked_reason, timeout_seconds,"
                                + " hard_timeout_seconds) values ('default', 'agent-1', 'reactive', 'work', 'blocked', 'waits',"
                                + " 600, 600) returning job_id::text",
                        String.class);
        database.jdbc()
                .update(
                        "insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds,"
                                + " hard_timeout_seconds, parent_job_id) select 'default', " + AGENT
                                + ", 'reactive', 'work', 'queued', 600, 600, ?::uuid from generate_series(1, ?) n",
                        parent,
                        children);
        database.jdbc().execute("vacuum analyze");
        return parent;
    }

    /** Inserts one queued job, and so many that wait for its success. */
    void dependents(int count) {
        String first = database.jdbc()
                .queryForObject(
                        "insert into jobs (namespace, target_agent, job_type, subject, state, priority, timeout_seconds,"
                                + " hard_timeout_seconds) values ('default', 'agent-1', 'reactive', 'work', 'queued', 900, 600,"
                                + " 600) returning job_id::text",
                        String.class);
        enqueue(20);
        database.jdbc()
                .update(
                        "with waiting as (insert into jobs (namespace, target_agent, job_type, subject, state, open_dependencies,"
                                + " timeout_seconds, hard_timeout_seconds) select 'default', " + AGENT
                                + ", 'reactive', 'work', 'waiting', 1, 600, 600 from generate_series(1, ?) n returning job_id)"
                                + " insert into job_dependencies (namespace, job_id, depends_on)"
                                + " select 'default', job_id, ?::uuid from waiting",
                        count,
                        first);
        database.jdbc().execute("vacuum analyze");
    }

    /** Runs the recovery that a node runs every {@code agentbus.dispatch.recover-ms}. */
    void sweep() {
        database.jdbc().queryForList("select recover()");
    }

    /** The time of one claim in nanoseconds; the claim is rolled back. */
    long claim(int limit) throws SQLException {
        connection.setAutoCommit(false);
        try {
            long began = System.nanoTime();
            int claimed = claimed(limit).size();
            long took = System.nanoTime() - began;
            if (claimed != limit) {
                throw new IllegalStateException("claimed " + claimed + " of " + limit);
            }
            return took;
        } finally {
            connection.rollback();
            connection.setAutoCommit(true);
        }
    }

    /** Takes so many jobs from enqueue to close, each step a transaction; returns the time in nanoseconds. */
    long work(int count) throws SQLException {
        long began = System.nanoTime();
        enqueue(count);
        List<String[]> claimed = claimed(count);
        try (PreparedStatement admit = connection.prepareStatement("select hook_admitted('d', ?::uuid, 'r', 's')");
                PreparedStatement close = connection.prepareStatement(
                        "select complete_job(authenticate_attempt(?::uuid), jsonb_build_object('jobId', ?, 'summary', 'done'))")) {
            for (String[] job : claimed) {
                admit.setString(1, job[1]);
                admit.executeQuery().close();
            }
            for (String[] job : claimed) {
                close.setString(1, job[1]);
                close.setString(2, job[0]);
                close.executeQuery().close();
            }
        }
        return System.nanoTime() - began;
    }

    private List<String[]> claimed(int limit) throws SQLException {
        List<String[]> claimed = new ArrayList<>();
        try (PreparedStatement claim = connection.prepareStatement(
                "select c ->> 'jobId', c ->> 'attemptId' from claim_for_dispatch('d', ?, 60000) c")) {
            claim.setInt(1, limit);
            try (ResultSet rows = claim.executeQuery()) {
                while (rows.next()) {
                    claimed.add(new String[] {rows.getString(1), rows.getString(2)});
                }
            }
        }
        return claimed;
    }

    @Override
    public void close() throws SQLException {
        connection.close();
        database.close();
    }
}
