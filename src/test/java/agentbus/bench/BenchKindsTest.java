package agentbus.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The latency of hook calls, the cost of an idle bus, the time of a start, and what grows under a load. Only {@code
 * -Pgrowth} runs them, because they start six buses in processes of their own.
 */
class BenchKindsTest extends BenchRuns {
    BenchKindsTest(TestDatabase database) {
        super(database);
    }

    @Test
    void a_latency_run_times_the_hook_of_every_job() throws Exception {
        for (String door : List.of("http", "sql")) {
            out.reset();
            JsonNode figures = bench(
                            "latency",
                            "--rate",
                            "10",
                            "--seconds",
                            "1",
                            "--warm-up",
                            "20",
                            "--agents",
                            "2",
                            "--cold",
                            "1",
                            "--enqueue",
                            door)
                    .get(0)
                    .at("/figures");
            assertEquals(10, figures.at("/count").asInt());
            assertEquals(1, figures.at("/coldSeconds").asInt());
            assertTrue(figures.at("/p50Ms").asDouble() > 0);
            assertTrue(figures.at("/p99Ms").asDouble() >= figures.at("/p50Ms").asDouble());
        }
    }

    @Test
    void what_an_idle_bus_costs_and_how_long_a_start_takes_is_told() throws Exception {
        List<JsonNode> lines = bench("idle", "start", "--seconds", "1", "--rounds", "1");
        assertTrue(lines.get(0).at("/figures").has("queriesPerSecond"));
        assertTrue(lines.get(0).at("/figures/residentMb").asInt() != 0);
        assertTrue(lines.get(1).at("/figures/medianSeconds").asDouble() > 0);
    }

    @Test
    void a_soak_tells_what_grows_and_how_fast() throws Exception {
        List<JsonNode> lines = bench("soak", "--seconds", "10", "--rate", "5");
        JsonNode figures = lines.get(0).at("/figures");
        for (String measure : List.of("residentMb", "threads", "connections", "deadRows", "jobs", "tablesMb")) {
            assertTrue(figures.at("/" + measure).has("slopePerHour"), measure);
            assertTrue(err.toString(StandardCharsets.UTF_8).contains(measure), measure);
        }
        // 5 jobs a second are 18,000 an hour.
        assertEquals(18_000, figures.at("/jobs/slopePerHour").asDouble(), 6_000);
        assertEquals(50, figures.at("/jobs/last").asInt(), 10);
    }
}
