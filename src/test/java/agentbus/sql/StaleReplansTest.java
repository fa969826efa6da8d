package agentbus.sql;

import static agentbus.sql.Machine.refusal;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.sql.Connection;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Jobs of the coordinator about blocks that are over. */
@ExtendWith(PostgresExtension.class)
class StaleReplansTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private String replan(String about) {
        return bus.jdbc()
                .queryForObject(
                        "select job_id::text from jobs where subject = 'blocked.replan' and parent_job_id = ?::uuid"
                                + " order by seq limit 1",
                        String.class,
                        about);
    }

    private List<String> cancelled() {
        bus.jdbc().queryForList("select audit_bus(now())");
        return bus.jdbc()
                .queryForList(
                        "select job_id::text from jobs where subject = 'blocked.replan' and state = 'cancelled'"
                                + " order by seq",
                        String.class);
    }

    /** Ends the block of a job while another call has locked the replan job about it. */
    private void unblockPast(TestDatabase database, String job, String replan) throws Exception {
        try (Connection other = database.jdbc().getDataSource().getConnection()) {
            other.setAutoCommit(false);
            try (var lock = other.createStatement()) {
                lock.execute("select from jobs where job_id = '" + replan + "' for no key update");
            }
            bus.ask("unblock_job", "jobId", job, "answer", "here it is");
            other.rollback();
        }
        assertEquals("queued", bus.state(replan), "passed over");
    }

    @Test
    void a_replan_job_that_was_locked_is_cancelled_later(TestDatabase database) throws Exception {
        Attempt attempt = bus.running();
        bus.block(attempt, "person", "anna");
        String replan = replan(attempt.job());
        assertEquals(List.of(), cancelled(), "its job is blocked");

        unblockPast(database, attempt.job(), replan);

        assertEquals(List.of(replan), cancelled());
    }

    @Test
    void of_two_replan_jobs_about_one_job_the_newer_one_stays(TestDatabase database) throws Exception {
        Attempt attempt = bus.running();
        bus.block(attempt, "person", "anna");
        String replan = replan(attempt.job());
        unblockPast(database, attempt.job(), replan);
        bus.jdbc().update("update jobs set run_after = now() + interval '1 hour' where job_id = ?::uuid", replan);
        Attempt again = bus.claim();
        bus.admitted(again);
        bus.block(again, "person", "bert");

        assertEquals(List.of(replan), cancelled());
        assertEquals(1, bus.count("jobs where subject = 'blocked.replan' and state = 'queued'"));
    }

    @Test
    void a_question_to_the_coordinator_about_several_jobs_goes_to_no_other_agent() {
        String dead = bus.dead();
        for (int i = 0; i < 3; i++) {
            bus.enqueue("dependsOn", List.of(dead));
        }
        bus.jdbc().update("update agents set accepts = '{*}'");
        String replan = bus.jdbc()
                .queryForObject("select job_id::text from jobs where subject = 'blocked.replan'", String.class);

        assertEquals(
                "422 subject_not_accepted targetAgent",
                refusal(() -> bus.ask("reassign_job", "jobId", replan, "targetAgent", "research", "reason", "x"))
                        .brief());
        bus.ask(
                "start_bulk_action",
                "operation",
                "reassign",
                "filter",
                Machine.json("targetAgent", "coordinator"),
                "targetAgent",
                "research",
                "reason",
                "all of them");
        bus.jdbc().queryForObject("select run_bulk_batch()", Boolean.class);

        assertEquals("coordinator", bus.column(replan, "target_agent", String.class));
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
    }

    /** More than the ten rows that a loop in PL/pgSQL fetches at first. */
    private static final int QUESTIONS = 11;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "select drop_replans(array(select job_id from jobs where subject = 'infra.repair'),"
                        + " array(select job_id from jobs where state = 'dead'))",
                "select cancel_stale_replans()"
            })
    void a_job_that_joins_a_question_while_it_is_about_to_be_withdrawn_keeps_it(String withdraw, TestDatabase database)
            throws Exception {
        List<String> causes = Stream.generate(() -> bus.dead()).limit(QUESTIONS).toList();
        List<String> replans = causes.stream()
                .map(cause -> replan(bus.enqueue("subject", "infra.repair", "dependsOn", List.of(cause))))
                .toList();
        // As after the end of all blocks while another call had locked the questions.
        bus.jdbc().update("update jobs set state = 'queued', open_dependencies = 0 where subject = 'infra.repair'");
        bus.jdbc()
                .execute(
                        """
                        create function hold_up() returns trigger language plpgsql as
                        $$ begin perform pg_advisory_xact_lock(42); return new; end $$""");
        bus.jdbc()
                .execute("create trigger hold_up before update on jobs for each row when (old.job_id = '"
                        + replans.get(0) + "') execute function hold_up()");
        ExecutorService other = Executors.newSingleThreadExecutor();
        try (Connection holder = database.jdbc().getDataSource().getConnection()) {
            holder.setAutoCommit(false);
            try (var lock = holder.createStatement()) {
                lock.execute("select pg_advisory_xact_lock(42)");
            }
            Future<?> withdrawal = other.submit(() -> bus.jdbc().queryForList(withdraw));
            await().until(
                            () -> bus.count("pg_locks where locktype = 'advisory' and objid = 42 and not granted"),
                            count -> count == 1);

            bus.enqueue("subject", "infra.repair", "dependsOn", List.of(causes.get(QUESTIONS - 1)));

            holder.rollback();
            withdrawal.get(20, TimeUnit.SECONDS);
        } finally {
            other.shutdownNow();
            bus.jdbc().execute("drop function hold_up() cascade");
        }
        assertEquals("cancelled", bus.state(replans.get(0)));
        assertEquals("queued", bus.state(replans.get(QUESTIONS - 1)), "a job has joined it");
    }

    @Test
    void a_question_that_cannot_be_withdrawn_does_not_stop_the_others() {
        List<String> replans = Stream.of(bus.dead(), bus.dead())
                .map(cause -> replan(bus.enqueue("dependsOn", List.of(cause))))
                .toList();
        bus.jdbc()
                .update(
                        "update jobs set state = 'queued', open_dependencies = 0 where subject = 'infra.check' and state = 'blocked'");
        bus.jdbc()
                .execute(
                        """
                        create function break_it() returns trigger language plpgsql as
                        $$ begin raise exception 'broken row'; end $$""");
        try {
            bus.jdbc()
                    .execute("create trigger break_it before update on jobs for each row when (old.job_id = '"
                            + replans.get(0) + "') execute function break_it()");

            assertEquals(List.of(replans.get(1)), cancelled());
            assertTrue(bus.ask("health").get("problems").toString().contains("broken row"), "health names the error");
        } finally {
            bus.jdbc().execute("drop function break_it() cascade");
        }
        bus.jdbc().update("update sweep_failures set retry_at = now()");
        assertEquals(replans, cancelled());
        assertEquals(0, bus.count("sweep_failures"));
    }
}
