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

/** What the bus finds for the half of the project's set on which nothing was tuned. */
@ExtendWith(PostgresExtension.class)
class MemoryEvaluationTest {
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
        String mistakes = String.join("\n", report.misses());
        assertEquals(0, total.forbiddenRate(), mistakes);
        assertTrue(total.recall5().orElseThrow() >= 0.9, () -> total + "\n" + mistakes);
        assertTrue(total.nothingRate().orElseThrow() >= 0.9, () -> total + "\n" + mistakes);
        assertTrue(total.tokensMax() <= 600, total::toString);
    }
}
