package agentbus.eval;

import agentbus.db.Cleanup;
import agentbus.db.Database;
import agentbus.db.Migrations;
import agentbus.db.Trees;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import javax.sql.DataSource;

/**
 * An own Postgres with the schema in a temporary directory. It is gone when it is closed, also after Ctrl-C. The database
 * of the installation is never opened.
 */
final class ScratchServer implements AutoCloseable {
    private final Cleanup cleanup;
    private final Database database;

    private ScratchServer(Cleanup cleanup, Database database) {
        this.cleanup = cleanup;
        this.database = database;
    }

    /**
     * Starts the server and creates the schema.
     *
     * @param settings the settings of the installation, for the directory of the Postgres programs
     * @return the server
     * @throws StartFailure when it cannot start
     */
    static ScratchServer start(Settings settings) {
        Cleanup cleanup = new Cleanup("end the evaluation");
        try {
            Path directory = Files.createTempDirectory(prefix()).toRealPath();
            cleanup.add(() -> remove(directory));
            Path binaries = settings.path("agentbus.database.embedded-binaries-dir")
                    .orElse(settings.dataDirectory().resolve("postgres-binaries"));
            Database database = Database.open(Settings.load(
                    directory,
                    Map.of(),
                    Map.of(
                            "agentbus.data.dir", directory.resolve("data").toString(),
                            "agentbus.database.embedded-binaries-dir", binaries.toString())));
            cleanup.add(database::close);
            new Migrations(database).run();
            return new ScratchServer(cleanup, database);
        } catch (IOException e) {
            cleanup.close();
            throw new UncheckedIOException(e);
        } catch (RuntimeException failed) {
            cleanup.close();
            throw failed;
        }
    }

    /** The beginning of the directory's name, which says whose it is if a killed process has left it. */
    static String prefix() {
        return "agentbus-eval-" + ProcessHandle.current().pid() + "-";
    }

    /** Its connections. */
    DataSource dataSource() {
        return database.dataSource();
    }

    @Override
    public void close() {
        cleanup.close();
    }

    private static void remove(Path directory) {
        try {
            Trees.delete(directory);
        } catch (IOException e) {
            throw new StartFailure(
                    "cannot remove " + directory + " of the evaluation (" + e.getMessage() + "); remove it by hand", e);
        }
    }
}
