package agentbus.dispatch;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.demo.GatewayLedger;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Ten thousand jobs and two dispatchers without a leader. */
@ExtendWith(PostgresExtension.class)
class TwoDispatchersTest {
    private static final Logger LOG = LoggerFactory.getLogger(TwoDispatchersTest.class);
    private static final int AGENTS = 20;
    /** {@code -Pgrowth} has 10,000. */
    private static final int JOBS = Integer.getInteger("dispatch.jobs", 2_000);

    @Test
    void each_job_is_dispatched_once(TestDatabase database, @TempDir Path home) {
        String[] names = IntStream.range(0, AGENTS).mapToObj(i -> "agent-" + i).toArray(String[]::new);
        TestJobs jobs = new TestJobs(database.jdbc());
        try (TestFleet fleet = new TestFleet(
                        home, 50, TestFleet.each(Duration.ZERO, names), options -> options.withMaxRuns(10_000)
                                .withLedgerEntries(2 * JOBS));
                TestBus first = start(database, fleet, home);
                TestBus second = start(database, fleet, home)) {
            long began = System.nanoTime();
            jobs.enqueueMany(JOBS / AGENTS, fleet.names());
            await().atMost(Duration.ofSeconds(400))
                    .pollInterval(Duration.ofMillis(250))
                    .until(() -> jobs.count("succeeded") == JOBS);
            double seconds = (System.nanoTime() - began) / 1e9;
            LOG.info("{} jobs in {} s: {} a second", JOBS, seconds, Math.round(JOBS / seconds));

            // Counted at the gateway …
            GatewayLedger ledger = fleet.gateway().ledger();
            assertEquals(JOBS, ledger.runsStarted(), "runs");
            assertEquals(JOBS, ledger.requestsReceived(), "hook calls");
            Set<String> seen = new HashSet<>();
            ledger.runs().forEach(run -> seen.add(run.jobId()));
            assertEquals(JOBS, seen.size());
            // Simultaneous closes share a commit, so their jobs are closed before the last agent has its answer.
            await().until(() -> fleet.agents().callbacksSucceeded() == JOBS);
            assertEquals(0, fleet.agents().callbacksFailed());
            // … and in the database.
            assertEquals(
                    JOBS,
                    count(
                            database,
                            "select count(*) from job_attempts where status = 'succeeded' and deliveries = 1 and adoptions = 0"));
            assertEquals(JOBS, count(database, "select count(*) from job_attempts"));
            assertEquals(JOBS, count(database, "select count(*) from audit_log where action = 'job.succeeded'"));
            for (TestBus bus : new TestBus[] {first, second}) {
                long share = count(
                        database,
                        "select count(*) from job_attempts where dispatcher_id = '"
                                + bus.bus().dispatcherId() + "'");
                assertTrue(share > JOBS / 10, "a dispatcher had only " + share);
            }
        }
    }

    private static long count(TestDatabase database, String sql) {
        return database.jdbc().queryForObject(sql, Long.class);
    }

    private static TestBus start(TestDatabase database, TestFleet fleet, Path home) {
        return TestBus.start(
                database,
                fleet.gateway(),
                home,
                "agentbus.agents.dir",
                fleet.directory(),
                "agentbus.gateway.max-in-flight",
                "500",
                // The production values, because on a busy machine a heartbeat may be later than the tests' short lease
                // allows.
                "agentbus.dispatch.lease-ms",
                "12000",
                "agentbus.dispatch.beat-ms",
                "4000",
                "agentbus.dispatch.claim-batch",
                "100",
                "agentbus.dispatch.deliveries",
                "32",
                "agentbus.database.pool-size",
                "20");
    }
}
