package agentbus.settings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import agentbus.harness.LogCapture;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import agentbus.start.Bus;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Secrets that a process is given do not come out of it: not in its log, not in why it could not start. */
@ExtendWith(PostgresExtension.class)
class RedactionTest {
    private static final String PASSWORD = "p4ss-of-the-database";

    @Test
    void a_whole_job_leaves_no_secret_in_the_log(TestDatabase database, @TempDir Path home) throws IOException {
        try (LogCapture log = new LogCapture();
                TestFleet fleet = TestFleet.of(home, Duration.ZERO, "worker");
                TestBus bus = TestBus.start(
                        database.url().replace("postgres@", "postgres:" + PASSWORD + "@"),
                        fleet.gateway(),
                        home,
                        "agentbus.agents.dir",
                        fleet.directory())) {
            TestJobs jobs = new TestJobs(database.jdbc());
            jobs.awaitState(jobs.enqueue("worker"), "succeeded");

            String attemptToken = fleet.runs().get(0).message().replaceAll("(?s).*(abt_[A-Za-z0-9_.-]+).*", "$1");
            for (String secret : List.of(PASSWORD, TestBus.HOOK_TOKEN, bus.operatorToken(), attemptToken)) {
                log.lines().forEach(line -> assertFalse(line.contains(secret), line));
            }
        }
    }

    @Test
    void a_start_that_fails_does_not_say_the_password(@TempDir Path home) throws IOException {
        String closed;
        try (ServerSocket port = new ServerSocket(0)) {
            closed = Integer.toString(port.getLocalPort());
        }
        try (LogCapture log = new LogCapture()) {
            Map<String, String> settings = new HashMap<>();
            settings.put("agentbus.database.url", "postgresql://bus:" + PASSWORD + "@127.0.0.1:" + closed + "/bus");
            settings.put("agentbus.gateway.token", TestBus.HOOK_TOKEN);
            settings.put("agentbus.database.connect-timeout-ms", "250");

            StartFailure failure = assertThrows(
                    StartFailure.class,
                    () -> Bus.start(Settings.load(home, Map.of(), settings), Map.of(), List.of(), Map.of()));

            for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
                assertFalse(String.valueOf(cause.getMessage()).contains(PASSWORD), cause.toString());
            }
            assertEquals(
                    List.of(),
                    log.lines().stream()
                            .filter(line -> line.contains(PASSWORD) || line.contains(TestBus.HOOK_TOKEN))
                            .toList());
        }
    }
}
