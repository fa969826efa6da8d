package agentbus.backup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.db.Database;
import agentbus.settings.Settings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.JdbcTemplate;

/** A bus on its own Postgres loses its data directory, and is back from an export that was made while it ran. */
class OwnPostgresBackupTest {
    @TempDir
    private Path home;

    @Test
    void a_bus_that_runs_is_exported_loses_its_database_and_is_back() throws Exception {
        Installation bus = new Installation(home, null);
        Path file = home.resolve("bus.zip");
        Files.createDirectories(home.resolve("agents/devops"));
        Files.writeString(
                home.resolve("agents/devops/agent.yaml"),
                """
                id: devops
                mission: Keeps the machines running.
                accepts: [infra.check]
                """);
        try (BusStarter.Started running = Installation.start(busSettings(bus), Map.of());
                Database database = Database.open(bus.settings())) {
            assertEquals(
                    1,
                    new JdbcTemplate(database.dataSource())
                            .queryForList("select enqueue_job('" + Work.OPERATOR
                                    + "', '{\"targetAgent\": \"devops\", \"subject\": \"infra.check\"}')::text")
                            .size());
            bus.run("export", file.toString()).done();
            String drilled = bus.run("restore-drill", "--scratch", "own").done();
            assertTrue(drilled.contains("The drill has passed"), drilled);
            assertTrue(running.url().startsWith("http://127.0.0.1:"));
        }

        Files.move(home.resolve("data/postgres"), home.resolve("lost"));
        String restored = bus.run("restore", file.toString()).done();

        assertTrue(restored.contains("1 of devops, the oldest due since"), restored);
        try (BusStarter.Started running = Installation.start(busSettings(bus), Map.of());
                Database database = Database.open(bus.settings())) {
            JdbcTemplate jdbc = new JdbcTemplate(database.dataSource());
            assertEquals(List.of("queued"), jdbc.queryForList("select state from jobs", String.class));
            assertEquals(
                    List.of("everything stop"),
                    jdbc.queryForList("select kind || ' ' || mode from pauses where ended_at is null", String.class));
            assertTrue(running.url().startsWith("http://127.0.0.1:"));
            String drilled = bus.run("restore-drill", "--scratch", "server").done();
            assertTrue(drilled.contains("The drill has passed"), drilled);
        }
    }

    private static Settings busSettings(Installation bus) {
        return Settings.load(
                bus.home(),
                Map.of(),
                Map.of(
                        "agentbus.http.port",
                        "0",
                        "agentbus.console.enabled",
                        "false",
                        "agentbus.database.embedded-binaries-dir",
                        Path.of("target", "postgres-binaries").toAbsolutePath().toString()));
    }
}
