package agentbus.sql;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

@ExtendWith(PostgresExtension.class)
class DependenciesTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private String dependent(String... on) {
        return bus.enqueue("dependsOn", List.of(on), "subject", "infra.repair");
    }

    private int open(String job) {
        return bus.column(job, "open_dependencies", Integer.class);
    }

    /** Ends a running job in the given state. */
    private void end(Attempt attempt, String state) {
        switch (state) {
            case "failed" -> bus.fail(attempt, "retry", false);
            case "dead" -> {
                bus.jdbc().update("update jobs set max_attempts = 1 where job_id = ?::uuid", attempt.job());
                bus.fail(attempt);
            }
            case "cancelled" -> bus.ask("cancel_job", "jobId", attempt.job(), "reason", "no longer wanted");
            default -> bus.complete(attempt);
        }
        assertEquals(state, bus.state(attempt.job()));
    }

    @Test
    void a_fan_in_is_released_by_the_last_success() {
        Attempt a = bus.running();
        Attempt b = bus.running();
        String job = dependent(a.job(), b.job());
        assertEquals("waiting", bus.state(job));
        assertEquals(2, open(job));

        bus.complete(a);
        assertEquals("waiting", bus.state(job));
        assertEquals(1, open(job));

        bus.complete(b);
        assertEquals("queued", bus.state(job));
        assertEquals(0, open(job));
        assertEquals(List.of("job.enqueued", "job.ready"), bus.topics(job));
        assertEquals(List.of(job), bus.claimedIds(10));
    }

    @Test
    void a_dependency_that_has_succeeded_already_is_no_wait() {
        Attempt a = bus.running();
        bus.complete(a);

        String job = dependent(a.job());

        assertEquals("queued", bus.state(job));
        assertEquals(1, bus.count("job_dependencies where satisfied_at is not null"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"failed", "dead", "cancelled"})
    void a_dependency_that_ends_without_success_blocks_and_asks_the_coordinator(String state) {
        Attempt a = bus.running();
        String job = dependent(a.job());

        end(a, state);

        assertEquals("blocked", bus.state(job));
        assertBlockedBy(job, a.job(), state);
    }

    @ParameterizedTest
    @ValueSource(strings = {"failed", "dead", "cancelled"})
    void a_dependency_that_has_ended_without_success_blocks_at_once(String state) {
        Attempt a = bus.running();
        end(a, state);

        String job = dependent(a.job());

        assertBlockedBy(job, a.job(), state);
        assertEquals(List.of("job.enqueued", "job.blocked"), bus.topics(job));
    }

    private void assertBlockedBy(String job, String dependency, String state) {
        assertEquals("blocked", bus.state(job));
        assertEquals(dependency, bus.column(job, "blocked_on_job", String.class));
        assertEquals(
                "it depends on job " + dependency + " (infra.check), which has ended " + state,
                bus.column(job, "blocked_reason", String.class));
        var replan = bus.jdbc().queryForMap("select * from jobs where subject = 'blocked.replan'");
        assertEquals("coordinator", replan.get("target_agent"));
        assertEquals("recovery", replan.get("job_type"));
        assertEquals(500, replan.get("priority"));
        assertEquals(job, replan.get("parent_job_id").toString());
        assertEquals(
                dependency,
                Machine.parse(replan.get("payload").toString())
                        .get("failedDependency")
                        .asText());
        assertTrue(
                bus.ask("get_job", "jobId", job).get("nextMove").asText().contains("the coordinator"),
                "somebody is named who moves it");
    }

    @Test
    void a_dead_dependency_that_succeeds_after_a_redrive_releases_the_dependent() {
        String dependency = bus.dead();
        String job = dependent(dependency);
        assertEquals("blocked", bus.state(job));

        bus.ask("redrive_job", "jobId", dependency, "reason", "web-1 is back");
        assertEquals("blocked", bus.state(job));
        Attempt second = Attempt.of(bus.claim(Machine.D1, 50).stream()
                .filter(j -> j.get("jobId").asText().equals(dependency))
                .findFirst()
                .orElseThrow());
        bus.complete(second);

        assertEquals("queued", bus.state(job));
        assertEquals(0, open(job));
        assertNull(bus.column(job, "blocked_reason", String.class));
    }

    @Test
    void a_redrive_of_one_dead_dependency_does_not_stand_in_for_another_dead_one() {
        Attempt a = bus.running("maxAttempts", 1);
        Attempt b = bus.running("maxAttempts", 1);
        String job = dependent(a.job(), b.job());
        bus.fail(a);
        bus.fail(b);

        bus.jdbc().update("update agents set paused_at = now(), paused_reason = 'x' where agent_id = 'coordinator'");
        bus.ask("redrive_job", "jobId", a.job(), "reason", "again");
        bus.complete(bus.claim());

        assertEquals("blocked", bus.state(job));
        assertEquals(b.job(), bus.column(job, "blocked_on_job", String.class));
        assertTrue(bus.column(job, "blocked_reason", String.class).contains(b.job()));
        assertEquals(1, open(job));

        bus.ask("redrive_job", "jobId", b.job(), "reason", "again");
        bus.complete(bus.claim());
        assertEquals("queued", bus.state(job));
    }

    @Test
    void unblocking_waives_the_failed_dependency_and_waits_for_the_other() {
        Attempt a = bus.running("maxAttempts", 1);
        Attempt b = bus.running();
        String job = dependent(a.job(), b.job());
        bus.fail(a);
        assertEquals("blocked", bus.state(job));

        bus.ask("unblock_job", "jobId", job, "answer", "go without it");

        assertEquals("waiting", bus.state(job));
        assertEquals(1, open(job));
        assertEquals(1, bus.count("job_dependencies where waived_at is not null"));
        bus.complete(b);
        assertEquals("queued", bus.state(job));
        assertEquals("go without it", bus.column(job, "answer", String.class));
    }

    @Test
    void the_success_of_another_dependency_does_not_unblock() {
        Attempt a = bus.running("maxAttempts", 1);
        Attempt b = bus.running();
        String job = dependent(a.job(), b.job());
        bus.fail(a);

        bus.complete(b);

        assertEquals("blocked", bus.state(job));
        assertEquals(1, open(job));
        bus.ask("unblock_job", "jobId", job);
        assertEquals("queued", bus.state(job));
    }

    @Test
    void three_dependencies_that_finish_at_once_release_exactly_once() throws Exception {
        for (int round = 0; round < 10; round++) {
            List<Attempt> three = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                three.add(bus.running());
            }
            String job = dependent(three.stream().map(Attempt::job).toArray(String[]::new));

            Race.won(3, i -> () -> bus.complete(three.get(i)));

            assertEquals("queued", bus.state(job));
            assertEquals(0, open(job));
            assertEquals(List.of("job.enqueued", "job.queued"), bus.audit(job), "released exactly once");
            bus.ask("cancel_job", "jobId", job, "reason", "next round");
        }
    }

    @Test
    void a_success_at_the_moment_of_the_enqueue_is_not_missed() throws Exception {
        for (int round = 0; round < 15; round++) {
            Attempt a = bus.running();
            List<Object> ends = Race.won(2, i -> () -> i == 0 ? (Object) bus.complete(a) : dependent(a.job()));
            String job = (String) ends.get(1);
            assertEquals("queued", bus.state(job));
            assertEquals(0, open(job));
            bus.ask("cancel_job", "jobId", job, "reason", "next round");
        }
    }

    @Test
    void an_enqueue_waits_for_the_dependency_that_is_just_ending() throws Exception {
        Attempt a = bus.running();
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine.on(new SingleConnectionDataSource(connection, true)).complete(a);
            CompletableFuture<String> enqueue = CompletableFuture.supplyAsync(() -> dependent(a.job()));
            await().until(() ->
                    bus.count("pg_stat_activity where datname = current_database()" + " and wait_event_type = 'Lock'")
                            == 1);
            connection.commit();
            connection.setAutoCommit(true);
            assertEquals("queued", bus.state(enqueue.get(20, TimeUnit.SECONDS)));
        }
    }

    @Test
    void a_success_waits_for_the_enqueue_that_is_just_counting_on_it() throws Exception {
        Attempt a = bus.running();
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            String job =
                    Machine.on(new SingleConnectionDataSource(connection, true)).enqueue("dependsOn", List.of(a.job()));
            CompletableFuture<Object> complete = CompletableFuture.supplyAsync(() -> bus.complete(a));
            await().until(() ->
                    bus.count("pg_stat_activity where datname = current_database()" + " and wait_event_type = 'Lock'")
                            == 1);
            connection.commit();
            connection.setAutoCommit(true);
            assertNotNull(complete.get(20, TimeUnit.SECONDS));
            assertEquals("queued", bus.state(job));
        }
    }

    @Test
    void without_a_coordinator_that_can_take_it_an_operator_is_called() {
        bus.jdbc().update("update agents set enabled = false where agent_id = 'coordinator'");
        String dependency = bus.dead();

        String job = dependent(dependency);

        assertEquals(List.of("job.enqueued", "job.blocked", "job.needs_operator"), bus.topics(job));
        assertEquals(0, bus.count("jobs where subject = 'blocked.replan'"));
    }

    @Test
    void a_coordinator_that_does_not_take_replans_is_passed_over() {
        bus.jdbc().update("update agents set accepts = '{plan.new}' where agent_id = 'coordinator'");

        String job = dependent(bus.dead());

        assertTrue(bus.topics(job).contains("job.needs_operator"));
    }

    @Test
    void a_job_blocked_on_a_dead_dependency_is_shown_as_stuck() {
        String job = dependent(bus.dead());

        assertEquals(1, bus.count("stuck_jobs_v where job_id = ?::uuid", job));
    }
}
