package agentbus.backup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.settings.ServerKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/**
 * An export and a drill of a large database. The ordinary build has 2,000 jobs and 20,000 events; {@code ./mvnw verify
 * -Pgrowth} has 100,000 jobs and 1,000,000 events, and an export of these takes less than a minute.
 */
@ExtendWith(PostgresExtension.class)
class BackupSizeTest {
    private static final Logger LOG = LoggerFactory.getLogger(BackupSizeTest.class);
    private static final int JOBS = Integer.getInteger("backup.jobs", 2_000);
    private static final Duration LIMIT = Duration.ofMinutes(1);

    @TempDir
    private Path directory;

    private final TestDatabase database;

    BackupSizeTest(TestDatabase database) {
        this.database = database;
    }

    @Test
    void a_year_of_a_small_fleet_is_exported_in_a_minute_and_is_restored_compared_and_started()
            throws IOException, SQLException {
        Installation bus = new Installation(directory.resolve("home"), database.url());
        String sql = new ClassPathResource("backup/fill.sql").getContentAsString(StandardCharsets.UTF_8);
        try (Connection connection = database.jdbc().getDataSource().getConnection()) {
            JdbcTemplate jdbc = new JdbcTemplate(new SingleConnectionDataSource(connection, true));
            jdbc.queryForObject("select set_config('fill.jobs', ?, false)", String.class, Integer.toString(JOBS));
            jdbc.execute(sql);
        }
        database.jdbc()
                .queryForObject(
                        "select agree_on_server_key(?)",
                        String.class,
                        ServerKey.load(bus.settings().dataDirectory(), Map.of()).fingerprint());
        Path file = directory.resolve("bus.zip");

        long began = System.nanoTime();
        String exported = bus.run("export", file.toString()).done();
        Duration took = Duration.ofNanos(System.nanoTime() - began);
        String drilled = bus.run("restore-drill", file.toString()).done();

        LOG.info("{} jobs: {}{}", JOBS, exported, drilled);
        assertTrue(took.compareTo(LIMIT) < 0, () -> "the export took " + took);
        assertEquals(JOBS, new EditedExport(file).rows("jobs").size(), "the export has each job");
    }
}
