package agentbus.sql;

import static agentbus.sql.Machine.json;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.sql.Connection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/**
 * Whoever needs several jobs takes the older first, or passes over what is taken: here somebody holds an older job and then
 * takes the newer, as a cancel of the two does, while another call is at work on the newer.
 */
@ExtendWith(PostgresExtension.class)
class LockOrderTest {
    private Machine bus;

    @BeforeEach
    void start(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    @Test
    void a_delivery_given_up_takes_an_older_job_that_waits_for_it_first() throws Exception {
        Attempt parent = bus.running();
        Attempt child = bus.leased("maxAttempts", 1);
        bus.block(parent, "jobId", child.job());
        bus.jdbc()
                .update(
                        "update job_attempts set started_at = now() - interval '1 day' where attempt_id = ?::uuid",
                        child.id());

        whileTaken(parent.job(), child.job(), () -> bus.unknown(Machine.D1, child));

        assertEquals("dead", bus.state(child.job()));
        assertEquals("queued", bus.state(parent.job()));
    }

    @Test
    void a_close_takes_an_older_job_that_its_follow_up_depends_on_first() throws Exception {
        String older = bus.enqueue("delaySeconds", 60);
        Attempt attempt = bus.running();
        var followUp = json("targetAgent", "devops", "subject", "infra.check", "dependsOn", List.of(older));

        whileTaken(
                older,
                attempt.job(),
                () -> bus.say(attempt, "complete_job", "summary", "done", "followUps", List.of(followUp)));

        assertEquals("succeeded", bus.state(attempt.job()));
    }

    @Test
    void an_unblock_does_not_wait_for_what_depends_on_the_replan_job_it_cancels() throws Exception {
        Attempt attempt = bus.running();
        bus.block(attempt);
        String replan = bus.jdbc()
                .queryForObject("select job_id::text from jobs where subject = 'blocked.replan'", String.class);
        String dependent = bus.enqueue("dependsOn", List.of(replan));

        whileTaken(dependent, attempt.job(), () -> bus.ask("unblock_job", "jobId", attempt.job(), "answer", "go on"));

        assertEquals("queued", bus.state(attempt.job()));
        assertEquals("waiting", bus.state(dependent));
    }

    @Test
    void a_restart_of_a_gateway_takes_no_attempt_before_the_jobs_for_which_it_waits() throws Exception {
        GatewayReports gateway = new GatewayReports(bus);
        gateway.booted("boot-1");
        Attempt goesOn = bus.running();
        gateway.started(goesOn);
        bus.fail(goesOn);
        bus.makeDue(goesOn.job());
        bus.admitted(bus.claim());
        bus.jdbc()
                .update(
                        "update job_attempts set created_at = now() - interval '1 hour' where attempt_id = ?::uuid",
                        goesOn.id());

        whileTaken(
                goesOn.job(),
                holder -> new GatewayReports(holder).ended(goesOn, true, "durationMs", 60_000),
                () -> gateway.booted("boot-2"));

        assertNotNull(bus.ofAttempt(goesOn, "run_ended_at", String.class));
        assertEquals(1, bus.count("job_attempts where interrupted_at is not null"));
    }

    /** Takes the first job, lets the call go as far as it can, takes the second, and lets go of both. */
    private void whileTaken(String first, String second, Runnable call) throws Exception {
        whileTaken(first, holder -> take(holder, second), call);
    }

    private void whileTaken(String first, Consumer<Machine> then, Runnable call) throws Exception {
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine holder = Machine.on(new SingleConnectionDataSource(connection, true));
            take(holder, first);
            CompletableFuture<Void> answer = CompletableFuture.runAsync(call);
            await().until(() -> answer.isDone()
                    || bus.count("pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
                            == 1);
            then.accept(holder);
            connection.commit();
            connection.setAutoCommit(true);
            answer.get(60, TimeUnit.SECONDS);
        }
    }

    private static void take(Machine holder, String job) {
        holder.jdbc().queryForList("select from jobs where job_id = ?::uuid for no key update", job);
    }
}
