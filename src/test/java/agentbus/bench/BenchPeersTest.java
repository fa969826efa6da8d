package agentbus.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The bus beside its peers. Only {@code -Pgrowth} runs it, because it installs the peers from npm and Maven Central. */
@ExtendWith(NeedsNode.class)
class BenchPeersTest extends BenchRuns {
    private static final List<String> SIDES = List.of("agentbus", "graphile-worker", "db-scheduler");

    BenchPeersTest(TestDatabase database) {
        super(database);
    }

    @Test
    void every_side_does_the_same_work_in_turn_and_the_bus_is_compared_with_each_peer() throws Exception {
        List<JsonNode> lines = bench("peers", "--rounds", "2", "--jobs", "40", "--warm-up", "10", "--seconds", "1");

        assertEquals(7, lines.size());
        assertEquals(
                List.of("agentbus", "graphile-worker", "db-scheduler", "graphile-worker", "db-scheduler", "agentbus"),
                lines.subList(0, 6).stream()
                        .map(line -> line.at("/figures/side").asText())
                        .toList());
        for (JsonNode turn : lines.subList(0, 6)) {
            assertEquals(40, turn.at("/figures/jobs").asInt());
            assertEquals(20, turn.at("/figures/jobsAt20").asInt());
            assertEquals(200, turn.at("/figures/jobsAt200").asInt());
            assertTrue(turn.at("/figures/drainJobsPerSecond").asInt() > 0);
            assertTrue(turn.at("/figures/p50MsAt20").asDouble() > 0);
        }
        JsonNode comparison = lines.get(6).at("/figures/comparison");
        comparison.forEach(measure -> {
            SIDES.forEach(
                    side -> assertTrue(measure.at("/sides/" + side + "/median").asDouble() > 0));
            SIDES.subList(1, 3)
                    .forEach(peer -> assertTrue(measure.at("/ratios/" + peer).has("median")));
        });
        assertEquals(
                Set.of("drainJobsPerSecond", "cpuMicrosPerJob", "p50MsAt20", "p99MsAt20", "p50MsAt200", "p99MsAt200"),
                new TreeSet<>(
                        comparison.properties().stream().map(Map.Entry::getKey).toList()));
        assertTrue(err.toString(StandardCharsets.UTF_8).contains("agentbus / db-scheduler"));
    }
}
