package agentbus.backup;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** An installation whose bus has worked, anew for each test: its commands, its work, and a name for an export. */
@ExtendWith(PostgresExtension.class)
abstract class FilledInstallation {
    @TempDir
    Path directory;

    final TestDatabase database;
    Installation bus;
    Work work;
    Path file;

    FilledInstallation(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void fill() throws IOException {
        bus = new Installation(directory.resolve("home"), database.url());
        work = Work.fill(database, bus.settings());
        file = directory.resolve("bus.zip");
    }
}
