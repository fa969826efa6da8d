package agentbus.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The latency of hook calls, the cost of an idle bus and the time of a start. Only {@code -Pgrowth} runs them, because
 * they start five buses in processes of their own.
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
                            "--enqueue",
                            door)
                    .get(0)
                    .at("/figures");
            assertEquals(10, figures.at("/count").asInt());
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
}
