package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** The end of a job that moves many others commits at once; the others follow in batches. */
@ExtendWith(PostgresExtension.class)
class CascadesTest {
    /** Two batches and a bit. */
    private static final int MANY = 450;

    private Machine bus;
    private int batch;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        batch = bus.jdbc().queryForObject("select cascade_batch()", Integer.class);
    }

    /** Inserts waiting jobs that depend on a job. */
    private void dependents(String job, int count) {
        bus.jdbc()
                .update(
                        """
                        with made as (
                          insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds,
                            hard_timeout_seconds, open_dependencies)
                          select 'default', 'devops', 'reactive', 'infra.repair', 'waiting', 600, 600, 1
                          from generate_series(1, ?)
                          returning job_id)
                        insert into job_dependencies (namespace, job_id, depends_on)
                        select 'default', job_id, ?::uuid from made""",
                        count,
                        job);
    }

    /** Inserts queued jobs below a job. */
    private void children(String job, int count) {
        bus.jdbc()
                .update(
                        """
                        insert into jobs (namespace, target_agent, job_type, subject, state, timeout_seconds,
                          hard_timeout_seconds, parent_job_id)
                        select 'default', 'devops', 'reactive', 'infra.repair', 'queued', 600, 600, ?::uuid
                        from generate_series(1, ?)""",
                        job,
                        count);
    }

    private long repairs(String state) {
        return bus.count("jobs where subject = 'infra.repair' and state = ?", state);
    }

    private List<JsonNode> questions() {
        return bus
                .jdbc()
                .queryForList(
                        "select payload::text from jobs where subject = 'blocked.replan' order by seq", String.class)
                .stream()
                .map(Machine::parse)
                .toList();
    }

    @Test
    void a_success_moves_one_batch_at_once_and_the_others_behind_the_answer() {
        Attempt attempt = bus.running();
        dependents(attempt.job(), MANY);

        bus.complete(attempt);

        assertEquals("succeeded", bus.state(attempt.job()));
        assertEquals(batch, repairs("queued"));
        assertTrue(bus.cascade() > 1, "in batches");
        assertEquals(MANY, repairs("queued"));
        assertEquals(0, bus.count("job_dependencies where satisfied_at is null"));
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
    }

    @Test
    void a_failure_blocks_all_dependents_and_asks_the_coordinator_once() {
        Attempt attempt = bus.running();
        dependents(attempt.job(), MANY);

        bus.fail(attempt, "retry", false);
        bus.cascade();

        assertEquals(MANY, repairs("blocked"));
        assertEquals(1, questions().size());
        JsonNode question = questions().get(0);
        assertEquals(attempt.job(), question.get("failedDependency").asText());
        assertEquals(MANY, question.get("blockedJobs").asInt());
        assertEquals(20, question.get("jobIds").size());
        assertEquals(
                question.get("jobId").asText(), question.get("jobIds").get(0).asText());
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
    }

    @Test
    void jobs_that_are_enqueued_behind_a_failed_one_join_the_question() {
        String dead = bus.dead();
        List<String> blocked = List.of(
                bus.enqueue("dependsOn", List.of(dead)),
                bus.enqueue("dependsOn", List.of(dead)),
                bus.enqueue("dependsOn", List.of(dead)));

        assertEquals(1, questions().size());
        assertEquals(3, questions().get(0).get("blockedJobs").asInt());
        assertEquals(Machine.json("ids", blocked).get("ids"), questions().get(0).get("jobIds"));
    }

    @Test
    void the_question_stays_until_the_last_of_its_jobs_has_left_its_block() {
        String dead = bus.dead();
        String first = bus.enqueue("dependsOn", List.of(dead));
        String second = bus.enqueue("dependsOn", List.of(dead));

        bus.ask("unblock_job", "jobId", first, "answer", "go on");
        assertEquals(1, bus.count("jobs where subject = 'blocked.replan' and state = 'queued'"));

        bus.ask("cancel_job", "jobId", second, "reason", "no longer wanted");
        assertEquals(0, bus.count("jobs where subject = 'blocked.replan' and state = 'queued'"));
    }

    @Test
    void the_cancel_of_one_blocked_job_does_not_take_the_question_about_the_others_along() {
        String dead = bus.dead();
        String first = bus.enqueue("dependsOn", List.of(dead));
        bus.enqueue("dependsOn", List.of(dead));

        bus.ask("cancel_job", "jobId", first, "reason", "no longer wanted");

        assertEquals(1, bus.count("jobs where subject = 'blocked.replan' and state = 'queued'"));
    }

    @Test
    void a_job_that_fails_again_after_a_redrive_is_asked_about_again() {
        Attempt attempt = bus.running("maxAttempts", 1);
        dependents(attempt.job(), 2);
        bus.fail(attempt);
        Attempt question = bus.claim();
        bus.admitted(question);
        bus.ask("redrive_job", "jobId", attempt.job(), "reason", "try again");
        bus.complete(question);

        bus.fail(bus.claim());

        assertEquals(2, questions().size());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void all_jobs_blocked_on_a_job_leave_their_blocks_when_it_ends(boolean success) {
        Attempt attempt = bus.running();
        dependents(attempt.job(), MANY);
        bus.jdbc()
                .update(
                        "update jobs set state = 'blocked', blocked_on_job = ?::uuid, blocked_reason = 'x',"
                                + " open_dependencies = 0 where subject = 'infra.repair'",
                        attempt.job());
        bus.jdbc().update("delete from job_dependencies");

        if (success) {
            bus.complete(attempt);
        } else {
            bus.fail(attempt, "retry", false);
        }
        bus.cascade();

        assertEquals(MANY, repairs("queued"));
        assertEquals(List.of(), questions());
    }

    @Test
    void a_redrive_during_the_cascade_ends_it_and_the_next_end_begins_it_anew() {
        Attempt attempt = bus.running("maxAttempts", 1);
        dependents(attempt.job(), MANY);
        bus.fail(attempt);
        bus.ask("redrive_job", "jobId", attempt.job(), "reason", "again");

        bus.cascade();
        assertEquals(batch, repairs("blocked"), "the first batch");

        bus.complete(bus.claim());
        bus.cascade();
        assertEquals(MANY, repairs("queued"));
    }

    @Test
    void a_large_cancel_takes_the_whole_tree_along_and_asks_nobody() {
        String root = bus.enqueue();
        children(root, MANY);
        String child = bus.jdbc()
                .queryForObject("select max(job_id::text) from jobs where parent_job_id = ?::uuid", String.class, root);
        children(child, 3);
        dependents(child, 2);
        bus.jdbc().update("update jobs set parent_job_id = ?::uuid where state = 'waiting'", root);

        JsonNode answer = bus.ask("cancel_job", "jobId", root, "reason", "no longer wanted");

        assertEquals("cancelled", answer.get("state").asText());
        assertEquals(0, repairs("cancelled"), "the others follow");
        bus.cascade();
        assertEquals(MANY + 5, repairs("cancelled"));
        assertEquals(List.of(), questions());
        assertEquals(
                MANY + 5,
                bus.count("jobs where last_error = 'its parent was cancelled: no longer wanted'"),
                "with the reason");
        assertEquals(MANY + 6, bus.count("audit_log where action = 'job.cancelled' and actor = 'operator:anna'"));
    }

    @Test
    void a_large_cancel_by_an_agent_spares_its_own_job() {
        String root = bus.enqueue();
        Attempt own = Attempt.of(bus.claim(Machine.D1, 1).get(0));
        bus.admitted(own);
        String parent = bus.enqueue("sourceAgent", "devops");
        children(parent, MANY);
        bus.jdbc().update("update jobs set parent_job_id = ?::uuid where job_id = ?::uuid", parent, root);

        bus.call("cancel_job", bus.principal(own), Machine.json("jobId", parent, "reason", "x"));
        bus.cascade();

        assertEquals("running", bus.state(root));
        assertEquals(MANY, repairs("cancelled"));
    }

    @Test
    void a_dependent_that_another_call_holds_follows_later_and_holds_up_nobody() throws Exception {
        Attempt attempt = bus.running();
        dependents(attempt.job(), MANY);
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine.on(new SingleConnectionDataSource(connection, true))
                    .jdbc()
                    .queryForList("select from jobs where job_id = (select min(job_id::text)::uuid from jobs"
                            + " where state = 'waiting') for no key update");

            bus.complete(attempt);
            bus.cascade();

            assertEquals(MANY - 1, repairs("queued"));
            connection.commit();
            connection.setAutoCommit(true);
        }
        bus.finishCascades();
        assertEquals(MANY, repairs("queued"));
    }

    @Test
    void a_cascade_that_fails_is_told_of_and_holds_up_no_other() {
        makeBreak();
        try {
            Attempt broken = bus.running();
            Attempt sound = bus.running();
            dependents(broken.job(), MANY);
            dependents(sound.job(), MANY);
            bus.complete(broken);
            bus.complete(sound);
            breakLast("job_dependencies where depends_on = ?::uuid", broken.job());

            bus.cascade();

            assertEquals(1, bus.count("cascades"));
            assertEquals(
                    MANY,
                    bus.count(
                            "jobs j join job_dependencies d using (job_id) where d.depends_on = ?::uuid and j.state = 'queued'",
                            sound.job()));
            assertEquals(List.of("job.enqueued", "job.succeeded", "job.sweep_failed"), bus.topics(broken.job()));
            assertTrue(bus.ask("health").get("problems").toString().contains("broken row"), "health names the error");

            bus.jdbc().execute("drop trigger break_it on jobs");
            bus.finishCascades();
            assertEquals(2 * MANY, repairs("queued"));
            assertEquals(0, bus.count("sweep_failures"));
        } finally {
            bus.jdbc().execute("drop function break_it() cascade");
        }
    }

    @Test
    void a_cascade_that_succeeds_does_not_hide_the_failure_of_the_other_kind() {
        makeBreak();
        try {
            String job = bus.enqueue();
            dependents(job, MANY);
            children(job, MANY);
            bus.ask("cancel_job", "jobId", job, "reason", "no longer wanted");
            breakLast("jobs where parent_job_id = ?::uuid", job);

            bus.cascade();

            assertEquals(List.of("cancel"), bus.jdbc().queryForList("select kind from cascades", String.class));
            assertEquals(1, bus.count("sweep_failures"), "the release that succeeded forgot only its own");
        } finally {
            bus.jdbc().execute("drop function break_it() cascade");
        }
    }

    private void makeBreak() {
        bus.jdbc()
                .execute(
                        """
                        create function break_it() returns trigger language plpgsql as
                        $$ begin raise exception 'broken row'; end $$""");
    }

    /** Lets every update of the last of these jobs fail until break_it is dropped. */
    private void breakLast(String rows, String job) {
        bus.jdbc()
                .execute("create trigger break_it before update on jobs for each row when (old.job_id = '"
                        + bus.jdbc().queryForObject("select max(job_id::text) from " + rows, String.class, job)
                        + "') execute function break_it()");
    }
}
