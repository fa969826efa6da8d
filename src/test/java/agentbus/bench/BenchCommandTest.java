package agentbus.bench;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
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
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import picocli.CommandLine;

/** That each bench measures something, and says it so that a program can read it; how fast it was is none of a test's business. */
@ExtendWith(PostgresExtension.class)
class BenchCommandTest {

    /** Cheap starts: nothing here runs long enough for the optimizing compiler or a parallel collector. */
    private static final String SHORT_LIFE = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final TestDatabase database;

    BenchCommandTest(TestDatabase database) {
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

    private List<JsonNode> bench(String... args) throws Exception {
        BenchCommand command = new BenchCommand(
                Main.class,
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                Map.of("DATABASE_URL", database.url(), "AGENTBUS_HOME", System.getProperty("user.dir")));
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

    private List<String> databases() {
        return database.jdbc()
                .queryForList("select datname from pg_database where datname = 'agentbus_bench'", String.class);
    }

    @Test
    void a_drain_closes_every_job_once_and_tells_each_round_and_their_median() throws Exception {
        List<JsonNode> lines = bench("drain", "--jobs", "40", "--rounds", "2", "--agents", "2", "--json");
        assertEquals(3, lines.size());
        for (JsonNode round : lines.subList(0, 2)) {
            assertEquals(40, round.at("/figures/done").asInt());
            assertEquals(40, round.at("/figures/attempts").asInt());
            assertEquals(40, round.at("/figures/gateway/closed").asInt());
            assertEquals(0, round.at("/figures/gateway/closesRefused").asInt());
            assertTrue(round.at("/figures/jobsPerSecond").asInt() > 0);
        }
        assertTrue(lines.get(2).at("/figures/jobsPerSecond").asInt() > 0);
        assertEquals("", err.toString(StandardCharsets.UTF_8));
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
    void a_claim_is_timed_for_each_size_of_history() throws Exception {
        List<JsonNode> lines = bench("claim", "--history", "200", "--backlog", "100", "--rounds", "1");
        assertEquals(
                List.of(0, 20, 200),
                lines.stream().map(line -> line.at("/figures/history").asInt()).toList());
        lines.forEach(line -> assertTrue(line.at("/figures/p50Ms").asDouble() > 0));
    }

    @Test
    void what_an_idle_bus_costs_and_how_long_a_start_takes_is_told() throws Exception {
        List<JsonNode> lines = bench("idle", "start", "--seconds", "1", "--rounds", "1");
        assertTrue(lines.get(0).at("/figures").has("queriesPerSecond"));
        assertTrue(lines.get(0).at("/figures/residentMb").asInt() != 0);
        assertTrue(lines.get(1).at("/figures/medianSeconds").asDouble() > 0);
    }

    @Test
    void a_bench_that_is_stopped_takes_its_database_and_its_processes_along() throws Exception {
        ProcessBuilder bench = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Dagentbus.server-options=" + SHORT_LIFE,
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "bench",
                "idle",
                "--seconds",
                "600");
        bench.environment().put("DATABASE_URL", database.url());
        bench.environment().put("AGENTBUS_HOME", System.getProperty("user.dir"));
        bench.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD);
        Process process = bench.start();
        try {
            await().atMost(60, TimeUnit.SECONDS).until(() -> !databases().isEmpty());
            List<ProcessHandle> children = process.descendants().toList();

            process.destroy();

            assertTrue(process.waitFor(60, TimeUnit.SECONDS), "it ends");
            assertEquals(List.of(), databases());
            assertTrue(children.stream().noneMatch(ProcessHandle::isAlive));
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void a_database_of_the_benchs_name_is_somebody_elses_and_left_alone() {
        database.jdbc().execute("create database agentbus_bench");
        try {
            BenchFailure refused = assertThrows(BenchFailure.class, () -> bench("claim", "--history", "0"));
            assertTrue(refused.getMessage().contains("cannot make the database agentbus_bench"), refused.getMessage());
            assertEquals(1, databases().size());
        } finally {
            database.jdbc().execute("drop database agentbus_bench");
        }
    }

    @Test
    void a_number_out_of_range_is_refused_by_name() {
        BenchFailure refused = assertThrows(BenchFailure.class, () -> bench("drain", "--jobs", "0"));
        assertEquals("--jobs is 0; it must be a whole number from 1 to 1000000", refused.getMessage());
        assertThrows(CommandLine.ParameterException.class, () -> bench("faster"));
        assertThrows(CommandLine.ParameterException.class, this::bench);
    }
}
