package agentbus.backup;

import agentbus.harness.TestDatabase;
import agentbus.settings.ServerKey;
import agentbus.settings.Settings;
import java.util.List;
import java.util.Map;
import org.springframework.jdbc.core.JdbcTemplate;

/** A bus's database with work in two namespaces: a job that has ended, one at work, two that are due, a waiting one. */
final class Work {
    static final String OPERATOR = "{\"kind\": \"operator\", \"name\": \"anna\"}";

    private final JdbcTemplate jdbc;

    private Work(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * Fills a database.
     *
     * @param database the database, which is emptied first
     * @param settings name the data directory, which gets a server key
     */
    static Work fill(TestDatabase database, Settings settings) {
        database.clear();
        database.truncate("restore_drills");
        database.agents(Map.of("devops", new String[] {"infra.check"}));
        Work work = new Work(database.jdbc());
        work.jdbc.update("insert into namespaces values ('other') on conflict do nothing");
        work.jdbc.update(
                "insert into agents (namespace, agent_id, accepts) values ('other', 'devops', '{infra.check}')");
        ServerKey key = ServerKey.load(settings.dataDirectory(), Map.of());
        work.jdbc.queryForObject("select agree_on_server_key(?)", String.class, key.fingerprint());
        String done = work.enqueue("default", "tab\t, line\n, \\N, ü and 🚌");
        work.claim();
        work.jdbc.queryForObject(
                "select complete_job(authenticate_attempt((select live_attempt from jobs where job_id = ?::uuid)),"
                        + " jsonb_build_object('jobId', ?, 'summary', 'done'))",
                String.class,
                done,
                done);
        work.enqueue("default", "at work");
        work.claim();
        String due = work.enqueue("default", "due");
        work.enqueue("other", "due elsewhere");
        work.call(
                "enqueue_job",
                """
                {"targetAgent": "devops", "subject": "infra.check", "dependsOn": ["%s"]}"""
                        .formatted(due));
        return work;
    }

    JdbcTemplate jdbc() {
        return jdbc;
    }

    String enqueue(String namespace, String note) {
        return jdbc.queryForObject(
                "select enqueue_job(?::jsonb, jsonb_build_object('namespace', ?, 'targetAgent', 'devops', 'subject',"
                        + " 'infra.check', 'payload', jsonb_build_object('note', ?))) #>> '{job,jobId}'",
                String.class,
                OPERATOR,
                namespace,
                note);
    }

    void call(String function, String input) {
        jdbc.queryForObject("select " + function + "(?::jsonb, ?::jsonb)::text", String.class, OPERATOR, input);
    }

    /** The id of the job that is at work. */
    String atWork() {
        return jdbc.queryForObject("select job_id::text from jobs where state in ('leased', 'running')", String.class);
    }

    /** Every table with its number of rows. */
    List<String> counts() {
        return counts(jdbc);
    }

    static List<String> counts(JdbcTemplate jdbc) {
        return jdbc.queryForList(
                "select relname || ' ' || (xpath('/row/n/text()', query_to_xml(format('select count(*) as n from %I',"
                        + " relname), false, true, '')))[1] from pg_class where relkind = 'r'"
                        + " and relnamespace = 'agentbus'::regnamespace and relname <> 'flyway_schema_history' order by 1",
                String.class);
    }

    private void claim() {
        jdbc.queryForList("select claim_for_dispatch('dispatcher-1', 50, 600000)::text", String.class);
    }
}
