package agentbus.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What the bus finds for the sets of the project: the half for tuning, the other half, and a set of another company on
 * which nothing was tuned. The aims of the lane are a recall and a nothing-rate of 0.9, which docs/memory-evaluation.md
 * reports as missed; the bounds here stop a change that loses what is reached.
 */
@ExtendWith(PostgresExtension.class)
class MemoryEvaluationTest {
    private final TestDatabase database;

    MemoryEvaluationTest(TestDatabase database) {
        this.database = database;
    }

    /** Chosen: the bounds are one or two jobs below what was measured. */
    @ParameterizedTest
    @CsvSource({"tune, 0.81, 0.75", "report, 0.72, 0.73", "other, 0.76, 0.78"})
    void jobs_get_the_memories_that_matter_to_them_and_others_get_none(
            String name, double leastRecall, double leastNothing) {
        database.clear();
        Settings settings = Settings.load(Path.of(""), Map.of(), Map.of());
        MemoryReport report = new MemoryReport(
                new MemoryEvaluation(database.jdbc().getDataSource(), new ProgramFiles(settings), settings)
                        .run(MemorySet.read(Path.of("src/test/resources/memory", name + ".jsonl"))));
        Scores total = report.total();
        assertEquals(0, total.forbiddenRate(), () -> String.join("\n", report.misses()));
        assertTrue(total.recall5().orElseThrow() >= leastRecall, total::toString);
        assertTrue(total.nothingRate().orElseThrow() >= leastNothing, total::toString);
        assertTrue(total.tokensMax() <= 600, total::toString);
    }
}
