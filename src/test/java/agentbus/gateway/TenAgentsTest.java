package agentbus.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Each agent is woken by a real gateway and closes its job, by both of its doors, and hands work on. */
@Tag("real-gateway")
@ExtendWith(PostgresExtension.class)
class TenAgentsTest {
    private static final Duration FLOW = Duration.ofSeconds(5);

    @TempDir
    static Path home;

    private static RealFleet fleet;

    @BeforeAll
    static void start(TestDatabase database) throws Exception {
        fleet = new RealFleet(database, home, "ten-agents", told -> Move.complete());
    }

    @AfterAll
    static void stop() {
        fleet.close();
    }

    @Test
    void each_of_the_ten_wakes_and_closes_its_job_by_curl() throws Exception {
        eachCloses(Move.complete(), "It's done.");
    }

    @Test
    void each_of_the_ten_wakes_and_closes_its_job_by_the_buss_tool() throws Exception {
        eachCloses(new Move.Tool("agentbus__complete", Map.of("summary", "Done by MCP.")), "Done by MCP.");
    }

    private static void eachCloses(Move move, String summary) throws Exception {
        fleet.model().script(told -> move);
        Instant begun = Instant.now();
        Map<String, UUID> jobs = new LinkedHashMap<>();
        for (String agent : RealFleet.AGENTS) {
            jobs.put(agent, fleet.enqueue(agent));
        }
        for (Map.Entry<String, UUID> each : jobs.entrySet()) {
            fleet.awaitState(each.getValue(), "succeeded");
            JsonNode attempts =
                    fleet.call("GET", "/v1/jobs/" + each.getValue(), null).path("attempts");
            assertEquals(1, attempts.size(), each::toString);
            assertEquals(summary, attempts.get(0).path("summary").asText());
            assertEquals(
                    each.getKey(),
                    fleet.model().told().stream()
                            .filter(told -> told.jobId().equals(each.getValue()))
                            .findFirst()
                            .orElseThrow()
                            .agent());
        }
        RealFleet.say(
                "ten jobs of ten agents, closed by %s, took %d ms",
                move.getClass().getSimpleName(),
                Duration.between(begun, Instant.now()).toMillis());
    }
}
