package agentbus.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A real gateway that is killed during its runs. */
@Tag("real-gateway")
@ExtendWith(PostgresExtension.class)
class GatewayCrashTest {
    /** The gateway may resume a run within two minutes; then follows another attempt. */
    private static final Duration RECOVERED = Duration.ofMinutes(5);

    @TempDir
    Path home;

    @Test
    void a_gateway_killed_under_its_runs_loses_no_job(TestDatabase database) throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        try (RealFleet fleet = new RealFleet(database, home, "crash", told -> new Move.Think(go, Move.complete()))) {
            List<UUID> jobs = new ArrayList<>();
            for (String agent : List.of("devops", "research", "security", "design")) {
                jobs.add(fleet.enqueue(agent));
            }
            jobs.add(fleet.enqueue("devops"));
            RealFleet.waiting("four runs are under way")
                    .until(() -> fleet.model().thinking() == 4);

            Instant killed = Instant.now();
            fleet.gateway().kill();
            RealFleet.waiting("the model's callers are gone")
                    .until(() -> fleet.model().thinking() == 0);
            go.countDown();
            fleet.gateway().start();
            fleet.awaitReady();
            RealFleet.say(
                    "the gateway was back %d ms after it was killed",
                    Duration.between(killed, Instant.now()).toMillis());

            for (UUID job : jobs) {
                Awaitility.await(job + " is closed")
                        .atMost(RECOVERED)
                        .pollInterval(Duration.ofMillis(100))
                        .until(() -> fleet.state(job), "succeeded"::equals);
            }
            RealFleet.say(
                    "five jobs, all closed %d ms after the kill",
                    Duration.between(killed, Instant.now()).toMillis());
            for (UUID job : jobs) {
                List<Map<String, Object>> attempts = fleet.attempts(job).stream()
                        .filter(attempt -> !attempt.get("status").equals("undelivered"))
                        .toList();
                assertTrue(attempts.size() <= 2, attempts::toString);
                RealFleet.say(
                        "  attempts: %s; the model was asked %d times",
                        attempts.stream()
                                .map(attempt -> attempt.get("status") + " " + attempt.get("error"))
                                .toList(),
                        fleet.model().told().stream()
                                .filter(told -> told.jobId().equals(job))
                                .count());
            }
            assertEquals(
                    0, fleet.jdbc().queryForObject("select count(*) from jobs where ended_at is null", Long.class));
        }
    }
}
