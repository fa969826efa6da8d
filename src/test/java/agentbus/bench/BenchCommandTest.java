package agentbus.bench;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.Main;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** A drain and the timing of claims, and a bench that is stopped or refused; {@link BenchKindsTest} has the other kinds. */
class BenchCommandTest extends BenchRuns {
    BenchCommandTest(TestDatabase database) {
        super(database);
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
    void a_claim_is_timed_for_each_size_of_history() throws Exception {
        List<JsonNode> lines = bench("claim", "--history", "200", "--backlog", "100", "--rounds", "1");
        assertEquals(
                List.of(0, 20, 200),
                lines.stream().map(line -> line.at("/figures/history").asInt()).toList());
        lines.forEach(line -> assertTrue(line.at("/figures/p50Ms").asDouble() > 0));
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
    void calls_are_not_measured_without_a_launcher() {
        source = home;
        BenchFailure refused = assertThrows(BenchFailure.class, () -> bench("call"));
        assertEquals(
                "there is no launcher " + home.resolve("agentbus") + "; start the bench with ./agentbus bench call",
                refused.getMessage());
        assertEquals(List.of(), databases());
    }

    @Test
    void another_database_is_refused() {
        BenchFailure refused = assertThrows(
                BenchFailure.class, () -> bench("start", "--set", "agentbus.database.url=" + database.url()));
        assertEquals(
                "--set agentbus.database.url names a database, and the bench has its own; name its server in DATABASE_URL",
                refused.getMessage());
    }

    @Test
    void a_result_shows_no_value_of_a_property() {
        assertEquals(
                "-Djavax.net.ssl.trustStorePassword=…",
                BenchCommand.withoutValue("-Djavax.net.ssl.trustStorePassword=secret"));
        assertEquals("-XX:+UseSerialGC", BenchCommand.withoutValue("-XX:+UseSerialGC"));
    }

    @Test
    void a_number_out_of_range_is_refused_by_name() {
        BenchFailure refused = assertThrows(BenchFailure.class, () -> bench("drain", "--jobs", "0"));
        assertEquals("--jobs is 0; it must be a whole number from 1 to 1000000", refused.getMessage());
        assertThrows(CommandLine.ParameterException.class, () -> bench("faster"));
        assertThrows(CommandLine.ParameterException.class, this::bench);
    }
}
