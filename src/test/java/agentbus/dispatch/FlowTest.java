package agentbus.dispatch;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.demo.Fault;
import agentbus.demo.GatewayLedger.StartedRun;
import agentbus.demo.RunEnd;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import java.nio.file.Path;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Many jobs at once: the limits of concurrency, and a crash of the gateway. */
@ExtendWith(PostgresExtension.class)
class FlowTest {
    private static final int GATEWAY_CAP = 7;

    private final TestDatabase database;
    private final TestJobs jobs;

    @TempDir
    Path home;

    private TestFleet fleet;
    private TestBus bus;

    FlowTest(TestDatabase database) {
        this.database = database;
        this.jobs = new TestJobs(database.jdbc());
    }

    @BeforeEach
    void clear() {
        database.clear();
    }

    @AfterEach
    void stop() {
        bus.close();
        fleet.close();
    }

    @Test
    void an_agent_may_close_before_its_admission_is_written() {
        fleet = TestFleet.of(home, Duration.ZERO, "ann");
        start();
        fleet.gateway().failNext(1, Fault.delayAnswer(Duration.ofSeconds(5)));
        UUID early = jobs.enqueue("ann");
        jobs.awaitState(early, "succeeded");
        assertNull(jobs.job(early).get("run_id"), "the admission is written already");
        // The lane is free although the hook call still waits for its answer.
        UUID next = jobs.enqueue("ann");
        jobs.awaitState(next, "succeeded");

        await().until(() -> jobs.attempts(early).get(0).get("run_id") != null);
        Map<String, Object> attempt = jobs.attempts(early).get(0);
        assertEquals("succeeded", attempt.get("status"));
        assertEquals("succeeded", jobs.job(early).get("state"));
        assertEquals(1, jobs.attempts(early).size());
        assertEquals(2, fleet.gateway().ledger().runsStarted());
    }

    @Test
    void no_agent_gets_two_jobs_at_once_and_no_gateway_more_than_seven() {
        String[] names = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
        // Long enough for the runs of one claim to overlap.
        fleet = TestFleet.of(home, Duration.ofMillis(500), names);
        start();
        jobs.enqueueMany(8, List.of(names));
        jobs.awaitSucceeded(80);

        assertEquals(80, fleet.gateway().ledger().runsStarted());
        assertEquals(0, fleet.gateway().ledger().answers(503), "a hook found no free place");
        for (String name : names) {
            assertEquals(1, fleet.agents().maxWorking(name));
            assertEquals(1, mostAtOnce(run -> run.agentId().equals(name)));
        }
        assertTrue(mostAtOnce(run -> true) <= GATEWAY_CAP, "the gateway had more than its cap");
        assertTrue(fleet.gateway().ledger().maxConcurrent() >= GATEWAY_CAP, "the cap was never reached");
    }

    @Test
    void a_gateway_that_crashes_under_its_runs_costs_an_attempt_and_loses_no_job() {
        fleet = TestFleet.of(home, Duration.ofMillis(400), "a", "b", "c", "d");
        start();
        database.jdbc().execute("update job_types set backoff_seconds = 0.2");
        List<UUID> all = new ArrayList<>();
        for (String name : fleet.names()) {
            for (int i = 0; i < 3; i++) {
                all.add(jobs.enqueue(name, "{\"timeoutSeconds\": 6}"));
            }
        }
        await().until(() -> fleet.gateway().ledger().running() >= 3);
        fleet.gateway().crash();
        fleet.gateway().restart();

        jobs.awaitSucceeded(all.size());
        // Only killed runs used up an attempt; hook calls that did not reach the gateway did not.
        for (UUID job : all) {
            Map<String, Object> row = jobs.job(job);
            long timedOut = jobs.attempts(job).stream()
                    .filter(attempt -> attempt.get("status").equals("timed_out"))
                    .count();
            assertTrue(timedOut <= 1, row::toString);
            assertEquals(1 + timedOut, ((Number) row.get("attempt_count")).longValue(), row::toString);
        }
        long silent = database.jdbc()
                .queryForObject("select count(*) from job_attempts where error like 'lease ran out%'", Long.class);
        // Counted late, because a run that was just starting dies a moment after the others. A run whose close was
        // already under way when it was killed has succeeded.
        long killed = fleet.gateway().ledger().runsEnded(RunEnd.KILLED);
        assertTrue(silent >= 1 && silent <= killed, silent + " of " + killed);
    }

    /** The most jobs at once, each counted from its run's start at the gateway to its close in the database. */
    private int mostAtOnce(Predicate<StartedRun> which) {
        record Change(Instant at, int by) {}
        List<Change> changes = new ArrayList<>();
        for (StartedRun run :
                fleet.gateway().ledger().runs().stream().filter(which).toList()) {
            Timestamp ended = (Timestamp) jobs.job(UUID.fromString(run.jobId())).get("ended_at");
            changes.add(new Change(run.startedAt(), 1));
            changes.add(new Change(ended.toInstant(), -1));
        }
        changes.sort((a, b) -> a.at().equals(b.at()) ? a.by() - b.by() : a.at().compareTo(b.at()));
        int now = 0;
        int most = 0;
        for (Change change : changes) {
            now += change.by();
            most = Math.max(most, now);
        }
        return most;
    }

    private void start() {
        bus = TestBus.start(database, fleet.gateway(), home, "agentbus.agents.dir", fleet.directory());
    }
}
