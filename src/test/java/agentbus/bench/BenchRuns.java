package agentbus.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.Main;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * Runs benches and reads their lines: each bench measures something, and says it so that a program can read it. How fast
 * it was is none of a test's business.
 */
@ExtendWith(PostgresExtension.class)
abstract class BenchRuns {
    /** Cheap starts: nothing here runs long enough for the optimizing compiler or a parallel collector. */
    static final String SHORT_LIFE = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

    final ByteArrayOutputStream out = new ByteArrayOutputStream();
    final ByteArrayOutputStream err = new ByteArrayOutputStream();
    final TestDatabase database;

    /** The directory with the launcher and the peers. */
    Path source = Path.of(System.getProperty("user.dir"));

    @TempDir
    Path home;

    BenchRuns(TestDatabase database) {
        this.database = database;
    }

    @BeforeAll
    static void giveTheBusesShortLives() {
        System.setProperty("agentbus.server-options", SHORT_LIFE);
    }

    @AfterAll
    static void takeTheOptionsBack() {
        System.clearProperty("agentbus.server-options");
    }

    final List<JsonNode> bench(String... args) throws Exception {
        BenchCommand command = new BenchCommand(
                Main.class,
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                Map.of(
                        "DATABASE_URL",
                        database.url(),
                        // As a release has it: a directory without agents or routes.
                        "AGENTBUS_HOME",
                        home.toString(),
                        "AGENTBUS_SOURCE_DIR",
                        source.toString()));
        new CommandLine(command.spec()).parseArgs(args);
        assertEquals(0, command.call());
        List<JsonNode> lines = new ArrayList<>();
        for (String line : out.toString(StandardCharsets.UTF_8).lines().toList()) {
            JsonNode result = Json.read(line);
            assertTrue(result.at("/machine/cores").asInt() > 0, line);
            assertFalse(result.at("/machine/postgres").asText().isEmpty(), line);
            assertFalse(result.at("/at").asText().isEmpty(), line);
            assertFalse(line.contains("hook-token"), line);
            lines.add(result);
        }
        assertTrue(databases().isEmpty(), "the bench's database is left behind");
        return lines;
    }

    final List<String> databases() {
        return database.jdbc()
                .queryForList("select datname from pg_database where datname = 'agentbus_bench'", String.class);
    }
}
