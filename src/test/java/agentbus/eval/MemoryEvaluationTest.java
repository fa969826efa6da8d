package agentbus.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * What the bus finds for the half of the project's set on which nothing was tuned. The aims of the lane are a recall and a
 * nothing-rate of 0.9, which docs/memory-evaluation.md reports as missed; the bounds here stop a change that loses what is
 * reached.
 */
@ExtendWith(PostgresExtension.class)
class MemoryEvaluationTest {
    /** Chosen: two jobs below the measured recall. */
    private static final double LEAST_RECALL = 0.69;
    /** Chosen: one job below the measured rate. */
    private static final double LEAST_NOTHING = 0.73;

    private final TestDatabase database;

    MemoryEvaluationTest(TestDatabase database) {
        this.database = database;
    }

    @Test
    void jobs_get_the_memories_that_matter_to_them_and_others_get_none() {
        database.clear();
        Settings settings = Settings.load(Path.of(""), Map.of(), Map.of());
        MemoryReport report = new MemoryReport(
                new MemoryEvaluation(database.jdbc().getDataSource(), new ProgramFiles(settings), settings)
                        .run(MemorySet.read(Path.of("src/test/resources/memory/report.jsonl"))));
        Scores total = report.total();
        assertEquals(0, total.forbiddenRate(), () -> String.join("\n", report.misses()));
        assertTrue(total.recall5().orElseThrow() >= LEAST_RECALL, total::toString);
        assertTrue(total.nothingRate().orElseThrow() >= LEAST_NOTHING, total::toString);
        assertTrue(total.tokensMax() <= 600, total::toString);
    }
}
