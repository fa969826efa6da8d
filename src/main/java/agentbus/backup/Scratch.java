package agentbus.backup;

import agentbus.db.Cleanup;
import agentbus.db.Database;
import agentbus.db.Trees;
import agentbus.settings.ProgramFiles;
import agentbus.settings.SecretFile;
import agentbus.settings.ServerKey;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * The database of one drill, which is empty at first and gone in the end: {@value #NAME} on the server of the bus, or an
 * own Postgres in a directory of its own.
 */
final class Scratch implements AutoCloseable {
    /** The name of the database on the server of the bus. */
    static final String NAME = "agentbus_restore_drill";

    /** SQLSTATE object_in_use. */
    private static final String IN_USE = "55006";

    /** Chosen: twenty tries in two seconds; a server whose files are gone writes no new ones after that. */
    private static final int TRIES = 20;
    /** Chosen: see {@link #TRIES}. */
    private static final Duration PAUSE = Duration.ofMillis(100);

    /** Where the scratch database is. */
    enum Place {
        /** On the server of the bus, if its role may create databases, otherwise on an own Postgres. */
        AUTO,
        /** On the server of the bus. */
        SERVER,
        /** On an own Postgres that is started for the drill. */
        OWN
    }

    private final Path directory;
    private final Map<String, String> access;
    private final Database database;
    private final Cleanup cleanup;

    private Scratch(Path directory, Map<String, String> access, Database database, Cleanup cleanup) {
        this.directory = directory;
        this.access = access;
        this.database = database;
        this.cleanup = cleanup;
    }

    /**
     * Makes an empty database.
     *
     * @param live the database of the bus
     * @param settings the settings of the bus
     * @param files holds the statements
     * @param place where to make it
     * @return the open database
     * @throws StartFailure if it cannot be made, or another drill runs
     */
    static Scratch make(Database live, Settings settings, ProgramFiles files, Place place) {
        Cleanup cleanup = new Cleanup("end the drill");
        try {
            return make(live, settings, files, place, cleanup);
        } catch (RuntimeException failed) {
            try {
                cleanup.close();
            } catch (RuntimeException left) {
                failed.addSuppressed(left);
            }
            throw failed;
        }
    }

    private static Scratch make(Database live, Settings settings, ProgramFiles files, Place place, Cleanup cleanup) {
        Path directory = directory("agentbus-drill-", cleanup);
        BackupSql server = place == Place.OWN ? null : server(live, files, place);
        Map<String, String> access = new HashMap<>();
        access.put("agentbus.data.dir", directory.resolve("data").toString());
        access.put("agentbus.database.embedded-binaries-dir", binaries(settings).toString());
        if (server != null) {
            cleanup.add(() -> drop(server));
            access.put("agentbus.database.url", live.url(NAME));
            access.put("agentbus.database.user", live.user());
            access.put("agentbus.database.password", live.password());
        }
        Database database = Database.open(Settings.load(directory, Map.of(), access));
        cleanup.add(database::close);
        return new Scratch(directory, access, database, cleanup);
    }

    /**
     * Makes a temporary directory.
     *
     * @param prefix the beginning of its name
     * @param cleanup removes it with everything in it
     * @return the directory, for its owner only
     * @throws StartFailure if the temporary directory of the machine takes none
     */
    static Path directory(String prefix, Cleanup cleanup) {
        try {
            Path directory = Files.createTempDirectory(prefix);
            cleanup.add(() -> delete(directory));
            return directory;
        } catch (IOException e) {
            throw new StartFailure(
                    "cannot make a directory in " + System.getProperty("java.io.tmpdir") + ": " + SecretFile.reason(e),
                    e);
        }
    }

    /** The database. */
    Database database() {
        return database;
    }

    /**
     * The settings of a bus on the database: it dispatches nothing, knows no gateway, agent or route of the installation,
     * and answers at a free port.
     *
     * @param source the checkout whose statements the program uses; empty for those in the jar
     * @return the settings
     */
    Settings busSettings(String source) {
        Map<String, String> all = new HashMap<>(access);
        Path agents = directory.resolve("agents");
        try {
            Files.createDirectories(agents);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        all.put("agentbus.agents.dir", agents.toString());
        all.put("agentbus.source.dir", source);
        all.put("agentbus.dispatch.enabled", "false");
        all.put("agentbus.orders.enabled", "false");
        all.put("agentbus.console.enabled", "false");
        all.put("agentbus.http.host", "127.0.0.1");
        all.put("agentbus.http.port", "0");
        // Port 9 takes no calls, so that the drill's bus cannot reach a gateway of the real one.
        all.put("agentbus.gateway.url", "http://127.0.0.1:9");
        return Settings.load(directory, Map.of(), all);
    }

    /** The directory of the drill's own files. */
    Path directory() {
        return directory;
    }

    /**
     * The variables of a bus on the database: only the server key of this installation.
     *
     * @param settings the settings of the installation
     * @param environment the environment's variables
     * @return the variables
     */
    static Map<String, String> busEnvironment(Settings settings, Map<String, String> environment) throws IOException {
        String given = environment.getOrDefault(ServerKey.VARIABLE, "").strip();
        return Map.of(
                ServerKey.VARIABLE,
                given.isEmpty()
                        ? Files.readString(settings.dataDirectory().resolve(ServerKey.FILE))
                                .strip()
                        : given);
    }

    /** Drops the database, and removes the directory. */
    @Override
    public void close() {
        cleanup.close();
    }

    private static BackupSql server(Database live, ProgramFiles files, Place place) {
        try {
            BackupSql server = new BackupSql(live.unpooled(), files);
            try {
                if (!"true".equals(server.value("may-create-databases"))) {
                    server.close();
                    if (place == Place.AUTO) {
                        return null;
                    }
                    throw new StartFailure("the role " + live.user() + " may not create the database " + NAME
                            + " for the drill; as a superuser run: alter role " + live.user()
                            + " createdb; or drill with --scratch own");
                }
                server.run("drop-scratch");
                server.run("create-scratch");
                return server;
            } catch (SQLException | RuntimeException failed) {
                server.close();
                throw failed;
            }
        } catch (SQLException e) {
            if (IN_USE.equals(e.getSQLState())) {
                throw new StartFailure(
                        "another drill runs on this server: its database " + NAME + " is in use; wait until it has"
                                + " ended",
                        e);
            }
            throw BackupSql.failure("cannot make the database " + NAME + " for the drill", e);
        }
    }

    private static void drop(BackupSql server) {
        try (server) {
            server.run("drop-own-scratch");
        } catch (SQLException e) {
            throw BackupSql.failure("cannot drop the database " + NAME + " of the drill; drop it by hand", e);
        }
    }

    private static Path binaries(Settings settings) {
        return settings.path("agentbus.database.embedded-binaries-dir")
                .orElse(settings.dataDirectory().resolve("postgres-binaries"));
    }

    /** Removes a directory and everything in it, also when another thread or a server still writes into it. */
    private static void delete(Path directory) {
        for (int attempt = 1; Files.exists(directory); attempt++) {
            try {
                Trees.delete(directory);
            } catch (IOException e) {
                if (attempt == TRIES) {
                    throw new StartFailure(
                            "cannot remove " + directory + " of the drill (" + e.getMessage() + "); remove it by hand",
                            e);
                }
                LockSupport.parkNanos(PAUSE.toNanos());
            }
        }
    }
}
