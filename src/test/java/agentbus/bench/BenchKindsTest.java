package agentbus.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.Main;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The latency of hook calls, the cost of an idle bus, the time of a start and of a call, and what grows under a load.
 * Only {@code -Pgrowth} runs them, because they start a dozen buses in processes of their own.
 */
class BenchKindsTest extends BenchRuns {
    private static final int HALF_AN_HOUR = 1800;

    private static final String TABLES =
            "select schemaname || '.' || tablename from pg_tables order by schemaname, tablename";

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
        assertEquals(1, lines.get(0).at("/figures/coldSeconds").asInt());
        assertTrue(lines.get(1).at("/figures/firstHookMedianSeconds").asDouble() > 0);
        for (String start : List.of("newDatabase", "existingDatabase")) {
            assertTrue(lines.get(2).at("/figures/" + start + "MedianSeconds").asDouble() > 0, start);
            assertTrue(lines.get(2).at("/figures/" + start + "SlowestSeconds").asDouble() > 0, start);
        }
    }

    @Test
    void a_start_on_its_own_postgres_leaves_the_installations_database_alone() throws Exception {
        Files.writeString(home.resolve("agentbus.properties"), "agentbus.database.url=" + database.url() + "\n");
        List<String> before = database.jdbc().queryForList(TABLES, String.class);

        bench("start", "--rounds", "1");

        assertEquals(before, database.jdbc().queryForList(TABLES, String.class));
        assertEquals(
                0,
                database.jdbc()
                        .queryForObject("select count(*) from agents where agent_id = 'bench-1'", Integer.class));
    }

    @Test
    void a_call_of_the_command_line_is_told_beside_a_bare_jvm() throws Exception {
        // Not the launcher of this tree, which would build it.
        launcher("exec '%s' %s -cp '%s' %s \"$@\""
                .formatted(Child.java(), SHORT_LIFE, System.getProperty("java.class.path"), Main.class.getName()));

        JsonNode figures = bench("call", "--rounds", "2").get(0).at("/figures");

        assertEquals(2, figures.at("/calls").asInt());
        for (String call : List.of("bareJvm", "help", "listJobs")) {
            assertTrue(figures.at("/" + call + "FastestMs").asDouble() > 0, call);
            assertTrue(figures.at("/" + call + "SlowestMs").asDouble() > 0, call);
        }
        assertTrue(figures.at("/listJobsToBareJvm").asDouble() > 0);
    }

    @Test
    void a_call_that_fails_ends_the_measurement_with_its_words() throws Exception {
        launcher("echo \"no such thing\" >&2\nexit 3");

        BenchFailure failed = assertThrows(BenchFailure.class, () -> bench("call"));

        assertTrue(
                failed.getMessage().endsWith("list-jobs ended with exit status 3: no such thing\n"),
                failed.getMessage());
    }

    /** Makes the bench call a launcher with these lines of shell. */
    private void launcher(String lines) throws IOException {
        source = home;
        Path launcher = Files.writeString(home.resolve("agentbus"), "#!/bin/sh\n" + lines + "\n");
        assertTrue(launcher.toFile().setExecutable(true));
    }

    @Test
    void a_soak_tells_what_grows_and_how_fast() throws Exception {
        int seconds = Integer.getInteger("soak.seconds", 10);
        int rate = seconds < HALF_AN_HOUR ? 5 : 1;
        JsonNode figures = bench(
                        "soak",
                        "--seconds",
                        Integer.toString(seconds),
                        "--rate",
                        Integer.toString(rate),
                        "--set",
                        "agentbus.phase=5")
                .get(0)
                .at("/figures");
        String table = err.toString(StandardCharsets.UTF_8);
        System.out.println(table);
        for (String measure : List.of("residentMb", "threads", "connections", "deadRows", "jobs", "tablesMb")) {
            assertTrue(figures.at("/" + measure).has("slopePerHour"), measure);
            assertTrue(table.contains(measure), measure);
        }
        assertEquals(3600 * rate, figures.at("/jobs/slopePerHour").asDouble(), 1200 * rate);
        assertEquals(seconds * rate, figures.at("/jobs/last").asInt(), seconds * rate / 5);
        if (seconds >= HALF_AN_HOUR) {
            // In the second half all code is compiled and the pool is filled. Four times the spread of a slope without
            // growth.
            assertTrue(figures.at("/residentMb/slopePerHour").asDouble() < 60, table);
            assertTrue(figures.at("/threads/slopePerHour").asDouble() < 20, table);
            // The pool, the listeners, the bench, and the workers of autovacuum.
            assertTrue(figures.at("/connections/most").asDouble() <= 20, table);
            // Autovacuum looks once a minute, and a small table with much traffic is past its threshold by then.
            assertTrue(figures.at("/deadOfAutovacuum/last").asDouble() <= 10, table);
        }
    }
}
