package agentbus.start;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.TestBus;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The whole bus, its listener included, on a Postgres that refuses connections without TLS. */
class TlsTest {
    private static final String LISTENERS = "select a.pid from pg_stat_activity a join pg_stat_ssl s using (pid)"
            + " where a.application_name = 'agentbus-listener' and s.ssl";

    @TempDir
    static Path directory;

    private static TlsServer server;

    /** One for all tests, because one database has one server key. */
    private static Path home;

    @BeforeAll
    static void startServer() throws Exception {
        server = new TlsServer(directory);
        home = Files.createDirectory(directory.resolve("home"));
    }

    @AfterAll
    static void stopServer() throws Exception {
        server.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"?sslmode=require", "?sslmode=verify-full&sslrootcert=CERTIFICATE", ""})
    void a_notification_wakes_the_dispatcher_over_tls(String parameters) throws Exception {
        try (TestFleet fleet = TestFleet.of(home, Duration.ofMillis(20), "ann");
                TestBus bus = start(
                        parameters.replace("CERTIFICATE", server.certificate().toString()), fleet)) {
            await().until(() -> listeners().size() == 1);
            await().until(() -> bus.exchanges("sweep-queue") == 1);
            work();
            assertEquals(1, bus.exchanges("sweep-queue"), "a sweep helped");
            await().until(TlsTest::listenerConnected);
        }
        await().until(() -> listeners().isEmpty());
    }

    @Test
    void a_listener_over_tls_that_falls_silent_is_replaced() throws Exception {
        try (TestFleet fleet = TestFleet.of(home, Duration.ofMillis(20), "ann");
                TestBus bus = start("?sslmode=require", fleet)) {
            await().until(() -> listeners().size() == 1);
            int frozen = listeners().get(0);
            signal("STOP", frozen);
            try {
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> listeners().stream().anyMatch(pid -> pid != frozen));
                work();
                assertEquals(1, bus.exchanges("sweep-queue"), "a sweep helped");
            } finally {
                signal("CONT", frozen);
            }
            await().until(() -> listeners().size() == 1);
        }
    }

    @Test
    void a_server_that_is_not_the_one_it_should_be_is_refused() throws Exception {
        Path other = Files.createDirectory(directory.resolve("other"));
        TlsServer.certify(other);
        String told = failure("?sslmode=verify-full&sslrootcert=" + other.resolve("server.crt"));
        assertTrue(told.contains("TLS failed"), told);
    }

    @Test
    void a_plain_connection_is_refused_by_this_server() {
        String told = failure("?sslmode=disable");
        assertTrue(told.contains("pg_hba.conf") || told.contains("no encryption"), told);
    }

    private String failure(String parameters) {
        Map<String, String> settings = TestBus.settings(server.url(parameters), null);
        return assertThrows(
                        StartFailure.class,
                        () -> Bus.start(Settings.load(home, Map.of(), settings), Map.of(), List.of(), Map.of()))
                .getMessage();
    }

    private TestBus start(String parameters, TestFleet fleet) {
        return TestBus.start(
                server.url(parameters),
                fleet.gateway(),
                home,
                "agentbus.agents.dir",
                fleet.directory(),
                "agentbus.dispatch.wake",
                "listen",
                "agentbus.dispatch.sweep-ms",
                "60000");
    }

    private static void work() {
        TestJobs jobs = new TestJobs(server.busJdbc());
        UUID job = jobs.enqueue("ann");
        jobs.awaitState(job, "succeeded");
    }

    private static List<Integer> listeners() {
        return server.jdbc().queryForList(LISTENERS, Integer.class);
    }

    private static boolean listenerConnected() {
        return server.busJdbc()
                .queryForObject(
                        "select bool_and(listener_connected) from dispatcher_heartbeats where stopped_at is null",
                        Boolean.class);
    }

    private static void signal(String name, int pid) throws Exception {
        int status = new ProcessBuilder("kill", "-" + name, Integer.toString(pid))
                .start()
                .waitFor();
        assertEquals(0, status);
    }
}
