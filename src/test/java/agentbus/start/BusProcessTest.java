package agentbus.start;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.demo.AgentScript;
import agentbus.demo.Fault;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Real processes that are killed, frozen and stopped with jobs in hand. */
@ExtendWith(PostgresExtension.class)
class BusProcessTest {
    private static final Logger LOG = LoggerFactory.getLogger(BusProcessTest.class);

    private final TestDatabase database;
    private final TestJobs jobs;

    @TempDir
    Path home;

    private TestFleet fleet;

    BusProcessTest(TestDatabase database) {
        this.database = database;
        this.jobs = new TestJobs(database.jdbc());
    }

    @BeforeEach
    void clear() {
        database.clear();
        Map<String, AgentScript> scripts =
                new HashMap<>(TestFleet.each(Duration.ofSeconds(1), "running", "unknown", "later"));
        // Still at work when the next process takes over.
        scripts.putAll(TestFleet.each(Duration.ofSeconds(20), "held"));
        fleet = new TestFleet(home, 5, scripts, options -> options);
    }

    @AfterEach
    void stopFleet() {
        fleet.close();
    }

    @Test
    void jobs_of_a_killed_process_are_finished_by_the_next_with_their_own_attempts() throws Exception {
        // The prompts name the door of the process that is killed; the next one opens the same.
        String port = freePort();
        fleet.gateway().fault(request -> request.agentId().equals("unknown"), Fault.cutConnection());
        fleet.gateway().fault(request -> request.agentId().equals("held"), Fault.delayAnswer(Duration.ofSeconds(60)));
        try (BusProcess first = start("agentbus.http.port", port, "agentbus.dispatch.deliveries", "2")) {
            List<UUID> running = enqueue("running", 2);
            UUID unknown = jobs.enqueue("unknown");
            running.forEach(job -> jobs.awaitState(job, "running"));
            await().until(() ->
                    jobs.attempts(unknown).stream().anyMatch(attempt -> attempt.get("unknown_since") != null));
            List<UUID> held = enqueue("held", 2);
            // Both deliveries are out: what is claimed now is not sent.
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> fleet.gateway().ledger().runsStarted("held") == 2);
            List<UUID> later = enqueue("later", 3);
            later.forEach(job -> jobs.awaitState(job, "leased"));

            first.signal("KILL");
            first.awaitEnd(Duration.ofSeconds(30));
            fleet.gateway().clearFaults();
            long killed = System.nanoTime();
            try (BusProcess second = start("agentbus.http.port", port)) {
                long up = System.nanoTime();
                jobs.awaitSucceeded(8);
                LOG.info(
                        "The next process ran {} ms after the kill; all jobs ended {} ms later",
                        (up - killed) / 1_000_000,
                        (System.nanoTime() - up) / 1_000_000);
                assertTrue(second.pid() != first.pid());
            }
            Stream.of(running, List.of(unknown), held, later)
                    .flatMap(List::stream)
                    .forEach(job -> assertEquals(1, jobs.attempts(job).size(), "attempts of " + job));
            for (UUID job : later) {
                assertEquals(1, jobs.attempts(job).get(0).get("adoptions"));
                assertEquals(1, jobs.attempts(job).get(0).get("deliveries"));
            }
            for (UUID job : held) {
                assertEquals(1, jobs.attempts(job).get(0).get("adoptions"));
                assertEquals(2, jobs.attempts(job).get(0).get("deliveries"));
            }
            assertEquals(8, fleet.gateway().ledger().runsStarted(), "each job ran once");
        }
    }

    @Test
    void a_process_frozen_beyond_its_lease_sends_nothing_that_it_has_lost() throws Exception {
        fleet.gateway().failNext(1, Fault.delayAnswer(Duration.ofSeconds(2)));
        try (BusProcess frozen = start("agentbus.dispatch.deliveries", "1")) {
            List<UUID> all = enqueue("later", 5);
            all.forEach(job -> jobs.awaitState(job, "leased"));
            await().until(() -> fleet.gateway().ledger().runsStarted() == 1);
            frozen.signal("STOP");
            try (TestBus other =
                    TestBus.start(database, fleet.gateway(), home, "agentbus.agents.dir", fleet.directory())) {
                await().until(() -> other.exchanges("call-hook") >= 5);
                await().until(() -> fleet.gateway().ledger().requestsReceived() == 6);
                frozen.signal("CONT");
                await("the frozen one sees what it has lost")
                        .atMost(Duration.ofSeconds(60))
                        .until(() -> frozen.log()
                                        .lines()
                                        .filter(line -> line.contains("is no longer ours; nothing was sent"))
                                        .count()
                                == 4);
                jobs.awaitSucceeded(5);
                assertEquals(6, fleet.gateway().ledger().requestsReceived());
                assertEquals(5, fleet.gateway().ledger().runsStarted());
                all.forEach(job -> assertEquals(1, jobs.attempts(job).size()));
                // It is as good as before.
                jobs.enqueueMany(10, List.of("later", "running"));
                jobs.awaitSucceeded(25);
                assertEquals(25, fleet.gateway().ledger().runsStarted());
            }
        }
    }

    @Test
    void a_process_that_is_told_to_stop_ends_in_time_and_leaves_its_claims_to_others() throws Exception {
        fleet.gateway().fault(request -> true, Fault.delayAnswer(Duration.ofMillis(900)));
        try (BusProcess leaving = start(
                "agentbus.dispatch.deliveries",
                "1",
                "agentbus.stop.drain-seconds",
                "2",
                "agentbus.gateway.max-in-flight",
                "20")) {
            for (String agent : fleet.names()) {
                enqueue(agent, 5);
            }
            await().until(() -> fleet.gateway().ledger().requestsReceived() >= 2);
            leaving.signal("TERM");
            Duration took = leaving.awaitEnd(Duration.ofSeconds(60));
            LOG.info("Stopped {} ms after SIGTERM with a drain of 2 s", took.toMillis());
            // The drain of 2 s, and room for a machine that is busy; without a limit it would be the answers' minutes.
            assertTrue(took.compareTo(Duration.ofSeconds(30)) < 0, took::toString);
            Map<String, Object> row = database.jdbc().queryForMap("select * from dispatcher_heartbeats");
            assertNotNull(row.get("stopped_at"));
            assertEquals(0, row.get("leases_owned"));
            assertEquals(0, count("select count(*) from jobs where state = 'leased' and leased_until > now()"));
            assertFalse(leaving.log().contains("ERROR"), leaving.log());
        }
        fleet.gateway().clearFaults();
        try (TestBus next = TestBus.start(
                database,
                fleet.gateway(),
                home,
                "agentbus.agents.dir",
                fleet.directory(),
                "agentbus.gateway.max-in-flight",
                "20")) {
            // Whoever ran has told a door that is closed; the rest is finished by the next one.
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> count("select count(*) from jobs where state in ('queued', 'leased')") == 0);
            assertTrue(next.bus().dispatches());
        }
        assertEquals(20, fleet.gateway().ledger().runsStarted(), "each job ran once");
        assertEquals(20, count("select count(*) from job_attempts"));
    }

    private Map<String, String> ownPostgres() {
        return Map.of(
                "agentbus.http.port",
                "0",
                "agentbus.agents.dir",
                fleet.directory(),
                // Those of the program are for its own agents.
                "agentbus.orders.enabled",
                "false",
                "agentbus.database.embedded-binaries-dir",
                Path.of("target", "postgres-binaries").toAbsolutePath().toString());
    }

    @Test
    void a_process_that_is_told_to_stop_during_its_start_takes_its_postgres_with_it() throws Exception {
        Path pidFile = home.resolve("data/postgres/postmaster.pid");
        try (BusProcess starting = BusProcess.begin(home, ownPostgres())) {
            await("its Postgres begins to start")
                    .pollInterval(Duration.ofMillis(2))
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> Files.exists(pidFile) && Files.size(pidFile) > 0);
            ProcessHandle postgres = ProcessHandle.of(
                            Long.parseLong(Files.readAllLines(pidFile).get(0)))
                    .orElseThrow();
            starting.signal("TERM");
            starting.awaitEnd(Duration.ofSeconds(60));
            await("its Postgres has ended").until(() -> !postgres.isAlive());
            assertFalse(Files.exists(pidFile));
        }
    }

    @Test
    void a_process_with_a_postgres_of_its_own_leaves_no_process_behind() throws Exception {
        try (BusProcess own = BusProcess.start(home, ownPostgres())) {
            Path pidFile = home.resolve("data/postgres/postmaster.pid");
            ProcessHandle postgres = ProcessHandle.of(
                            Long.parseLong(Files.readAllLines(pidFile).get(0)))
                    .orElseThrow();
            assertTrue(postgres.isAlive());
            // Not INT, which a process started in the background of a script ignores.
            own.signal("TERM");
            LOG.info(
                    "Stopped {} ms after SIGTERM, its Postgres too",
                    own.awaitEnd(Duration.ofSeconds(60)).toMillis());
            // The server's parent reaps it a moment after its end.
            await("its Postgres has ended").until(() -> !postgres.isAlive());
            assertFalse(own.family().stream().anyMatch(ProcessHandle::isAlive), "a process is left");
            assertFalse(Files.exists(pidFile));
        }
    }

    private List<UUID> enqueue(String agent, int count) {
        return Stream.generate(() -> jobs.enqueue(agent)).limit(count).toList();
    }

    private long count(String sql) {
        return database.jdbc().queryForObject(sql, Long.class);
    }

    private BusProcess start(String... settings) throws IOException {
        Map<String, String> all = new HashMap<>(TestBus.settings(database.url(), fleet.gateway(), settings));
        all.put("agentbus.agents.dir", fleet.directory());
        // What a dead process held is to be taken over while its agents are still at work.
        all.put("agentbus.dispatch.lease-ms", "5000");
        return BusProcess.start(home, all);
    }

    private static String freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0)) {
            return Integer.toString(probe.getLocalPort());
        }
    }
}
