package agentbus.harness;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.util.Map;
import org.springframework.dao.PessimisticLockingFailureException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.namedparam.NamedParameterJdbcTemplate;

/** A database with the schema, for one test class. */
public final class TestDatabase implements AutoCloseable {
    /**
     * Chosen: eight pages a table, so that the dead rows of some tests change neither plans nor numbers of pages. A
     * table outside of the list that refers to one in it takes the truncate, too, which Postgres then refuses.
     */
    private static final String EMPTY =
            """
            do $$
            declare
              emptied regclass[] := string_to_array('%1$s', ', ');
              filled regclass;
            begin
              lock table %1$s in access exclusive mode;
              if exists (
                select
                from unnest(emptied) id
                where pg_relation_size(id) > 65536
              ) or exists (
                select
                from pg_constraint
                where contype = 'f' and confrelid = any (emptied) and conrelid <> all (emptied)
              ) then
                truncate %1$s;
              else
                for filled in
                  select id
                  from unnest(emptied) id
                  where pg_relation_size(id) > 0
                loop
                  execute 'delete from ' || filled;
                end loop;
              end if;
            end
            $$""";

    private final int port;
    private final String name;
    private final JdbcTemplate admin;
    private final HikariDataSource pool;
    private final HikariDataSource emptying;

    TestDatabase(int port, String name, JdbcTemplate admin) {
        this.port = port;
        this.name = name;
        this.admin = admin;
        // Allows a truncate.
        this.pool = pool("agentbus.emptying=on", 20);
        // Neither an audit trigger nor a foreign key acts on an emptying. Its own connection, because a change of the
        // role on a test's connection would drop all its plans.
        this.emptying = pool("session_replication_role=replica", 1);
    }

    private HikariDataSource pool(String option, int size) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl("jdbc:postgresql://127.0.0.1:" + port + "/" + name
                + "?currentSchema=agentbus&ApplicationName=test&options=-c%20" + option);
        config.setUsername("postgres");
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(0);
        return new HikariDataSource(config);
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

    /**
     * Empties all tables, also that of the agents, except the namespaces and their settings and the fact that the
     * migrations themselves write.
     */
    public void clear() {
        truncate("jobs, job_dependencies, job_attempts, events, subscriptions, audit_log, agents,"
                + " dispatcher_heartbeats, access_tokens, standing_orders, standing_order_runs, refusals, run_aborts, agent_bytes,"
                + " cascades, sweep_failures, lane_marks, pauses, job_ends, bulk_actions,"
                + " console_sessions, questions, questions_history, phases, phase_sign_offs, stopped_routes,"
                + " ideas, opportunities, opportunity_reviews, reports,"
                + " memory_candidates, memories, memory_words, memory_uses, memory_injections, memory_reviews,"
                + " idle_runs, idle_cadences, vaults, vault_notes");
        jdbc().execute("delete from gateways where gateway <> 'default'");
        jdbc().execute("update gateways set failures = 0, held_until = null, hold_reason = null, max_in_flight = 7,"
                + " url = null, form = 'mapped', state = 'unknown', state_reason = null, checked_at = null, seen_at = null,"
                + " seen_by = null, version = null, boot_id = null, booted_at = null, run_end_seconds = 300");
        jdbc().execute("delete from bus_facts where name <> 'memory_words_made_by'");
    }

    /**
     * Empties tables while a bus may be running. A statement of the bus locks the same tables in another order, so
     * Postgres may end this one as a deadlock victim; it is then repeated, as the bus repeats its calls.
     *
     * <p>It waits for other transactions as a truncate does, but deletes the rows as long as all tables are small: a
     * truncate writes new files for each table and index and ends all plans, which takes longer than a short test.
     *
     * @param tables the names of the tables, joined by commas, with all tables that refer to them
     */
    public void truncate(String tables) {
        for (int tries = 1; ; tries++) {
            try {
                new JdbcTemplate(emptying).execute(EMPTY.formatted(tables));
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
     * and make a thousand proposals of each kind a day.
     *
     * @param acceptsByAgent each agent's accepted subjects
     */
    public void agents(Map<String, String[]> acceptsByAgent) {
        acceptsByAgent.forEach((agent, accepts) -> jdbc().update(
                        "insert into agents (namespace, agent_id, accepts, may_enqueue_to, emits, budgets)"
                                + " values ('default', ?, ?, array['*', ?], '{#}', '{\"ideas\": 1000,"
                                + " \"opportunities\": 1000, \"memoryCandidates\": 1000}')"
                                + " on conflict (namespace, agent_id) do update set accepts = excluded.accepts, enabled = true",
                        agent,
                        accepts,
                        agent));
    }

    @Override
    public void close() {
        pool.close();
        emptying.close();
        admin.execute("drop database if exists " + name + " with (force)");
    }
}
