package agentbus.harness;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.util.Map;
import org.springframework.dao.PessimisticLockingFailureException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.namedparam.NamedParameterJdbcTemplate;

/** A database with the schema, for one test class. */
public final class TestDatabase implements AutoCloseable {
    private final int port;
    private final String name;
    private final JdbcTemplate admin;
    private final HikariDataSource pool;

    TestDatabase(int port, String name, JdbcTemplate admin) {
        this.port = port;
        this.name = name;
        this.admin = admin;
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(
                "jdbc:postgresql://127.0.0.1:" + port + "/" + name + "?currentSchema=agentbus&ApplicationName=test"
                        // Allows the truncate of clear().
                        + "&options=-c%20agentbus.emptying=on");
        config.setUsername("postgres");
        config.setMaximumPoolSize(20);
        config.setMinimumIdle(0);
        this.pool = new HikariDataSource(config);
    }

    /** The database's URL, for {@code DATABASE_URL}. */
    public String url() {
        return "postgresql://postgres@127.0.0.1:" + port + "/" + name;
    }

    /** Statements in the schema, with autocommit. */
    public JdbcTemplate jdbc() {
        return new JdbcTemplate(pool);
    }

    /** Statements with named parameters. */
    public NamedParameterJdbcTemplate named() {
        return new NamedParameterJdbcTemplate(pool);
    }

    /**
     * Ends all connections to this database except the test's own.
     *
     * @return the number of ended connections
     */
    public int terminateBackends() {
        return admin.queryForList(
                        "select pg_terminate_backend(pid) from pg_stat_activity"
                                + " where datname = ? and application_name <> 'test' and backend_type = 'client backend'",
                        name)
                .size();
    }

    /** Empties all tables, also that of the agents, except the namespaces and their settings. */
    public void clear() {
        truncate("jobs, job_dependencies, job_attempts, events, subscriptions, audit_log, agents,"
                + " dispatcher_heartbeats, access_tokens, standing_orders, standing_order_runs, refusals, run_aborts, agent_bytes,"
                + " cascades, sweep_failures, lane_marks, pauses, job_ends, bulk_actions,"
                + " console_sessions, questions, questions_history, phases, phase_sign_offs, stopped_routes,"
                + " ideas, opportunities, opportunity_reviews, reports");
        jdbc().execute("delete from gateways where gateway <> 'default'");
        jdbc().execute("update gateways set failures = 0, held_until = null, hold_reason = null, max_in_flight = 7,"
                + " url = null, form = 'mapped', state = 'unknown', state_reason = null, checked_at = null, seen_at = null,"
                + " seen_by = null, version = null, boot_id = null, booted_at = null, run_end_seconds = 300");
        jdbc().execute("delete from bus_facts");
    }

    /**
     * Empties tables while a bus may be running. A statement of the bus locks the same tables in another order, so
     * Postgres may roll the truncate back as a deadlock victim; it is then repeated, as the bus repeats its calls.
     *
     * @param tables the names of the tables, joined by commas
     */
    public void truncate(String tables) {
        for (int tries = 1; ; tries++) {
            try {
                jdbc().execute("truncate " + tables);
                return;
            } catch (PessimisticLockingFailureException deadlock) {
                if (tries == 20) {
                    throw deadlock;
                }
            }
        }
    }

    /**
     * Adds agents, as the files in agents/ do. Each may hand work to all agents and to itself, emit any topic,
     * and make a thousand proposals a day.
     *
     * @param acceptsByAgent each agent's accepted subjects
     */
    public void agents(Map<String, String[]> acceptsByAgent) {
        acceptsByAgent.forEach((agent, accepts) -> jdbc().update(
                        "insert into agents (namespace, agent_id, accepts, may_enqueue_to, emits, budgets)"
                                + " values ('default', ?, ?, array['*', ?], '{#}', '{\"ideas\": 1000, \"opportunities\": 1000}')"
                                + " on conflict (namespace, agent_id) do update set accepts = excluded.accepts, enabled = true",
                        agent,
                        accepts,
                        agent));
    }

    @Override
    public void close() {
        pool.close();
        admin.execute("drop database if exists " + name + " with (force)");
    }
}
