package agentbus.bench;

import agentbus.db.Database;
import agentbus.db.Migrations;
import agentbus.settings.Settings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * The database {@code agentbus_bench}, which the bench creates and drops. It is on the server that DATABASE_URL names,
 * or on a Postgres in the bench's directory. The bench touches no other database and refuses an existing {@code
 * agentbus_bench}.
 */
final class BenchDatabase implements AutoCloseable {
    private static final String NAME = "agentbus_bench";

    private static final String PROGRAMS = "agentbus.database.embedded-binaries-dir";

    private final Database server;
    private final Database database;
    private final BenchSql admin;
    private final BenchSql sql;
    private final Map<String, String> access;

    private BenchDatabase(Database server, Database database, BenchSql admin, Map<String, String> access) {
        this.server = server;
        this.database = database;
        this.admin = admin;
        this.sql = new BenchSql(database.dataSource());
        this.access = access;
    }

    /**
     * Creates the database with its schema.
     *
     * @param home the installation's directory, where the Postgres programs may be unpacked already
     * @param directory the bench's directory, for a Postgres of its own
     * @param environment may hold DATABASE_URL
     * @return the database
     * @throws BenchFailure when the database exists already, or the role may not create databases
     */
    static BenchDatabase create(Path home, Path directory, Map<String, String> environment) {
        Map<String, String> own = new HashMap<>();
        own.put("agentbus.data.dir", directory.toString());
        own.put(PROGRAMS, unpacked(home).toString());
        Settings settings = Settings.load(home, environment, own);
        Database server = Database.open(settings);
        BenchSql admin = new BenchSql(server.unpooled());
        try {
            admin.run("create-database");
        } catch (BenchFailure refused) {
            uninterrupted(server::close);
            throw new BenchFailure(
                    "cannot make the database " + NAME + " on the server of the " + server
                            + "; the bench needs it: let the role create databases, and drop the database if a"
                            + " killed bench has left it (" + refused.getMessage() + ")",
                    refused);
        }
        Map<String, String> access = Map.of(
                "agentbus.database.url", server.url(NAME),
                "agentbus.database.user", server.user(),
                "agentbus.database.password", server.password());
        try {
            Map<String, String> inner = new HashMap<>(own);
            inner.putAll(access);
            Database database = Database.open(Settings.load(home, Map.of(), inner));
            new Migrations(database).run();
            return new BenchDatabase(server, database, admin, access);
        } catch (RuntimeException failed) {
            uninterrupted(() -> drop(admin, server));
            throw failed;
        }
    }

    /**
     * The setting with the directory of an own Postgres's programs.
     *
     * @param home the installation's directory, where they may be unpacked already
     * @param directory the bench's directory, for programs that are not
     * @return the setting
     */
    static Map<String, String> programs(Path home, Path directory) {
        Path unpacked = unpacked(home);
        return Map.of(
                PROGRAMS, (Files.isDirectory(unpacked) ? unpacked : directory.resolve("postgres-binaries")).toString());
    }

    private static Path unpacked(Path home) {
        return home.resolve("data/postgres-binaries");
    }

    /**
     * Stops a Postgres that a killed bus has left.
     *
     * @param settings the bus's data directory, and no URL of a database
     */
    static void stopServer(Settings settings) {
        if (Files.exists(settings.dataDirectory().resolve("postgres/postmaster.pid"))) {
            // The last process on the directory stops the server.
            uninterrupted(() -> Database.open(settings).close());
        }
    }

    private static void drop(BenchSql admin, Database server) {
        try {
            admin.run("drop-database");
        } finally {
            server.close();
        }
    }

    /** Closes without the interrupt that has stopped the bench, because it would cut the close short. */
    private static void uninterrupted(Runnable close) {
        boolean interrupted = Thread.interrupted();
        try {
            close.run();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** The statements of the bench, on its database. */
    BenchSql sql() {
        return sql;
    }

    /** The statements of the bench, on its database and without a limit of time. */
    BenchSql unlimited() {
        return new BenchSql(database.unpooled());
    }

    /** The bench's database itself. */
    Database database() {
        return database;
    }

    /** The settings with which another process reaches the database, including the password. */
    Map<String, String> access() {
        return access;
    }

    /**
     * The server's version and durability settings; {@code backend} is the process id of the connection that answered.
     */
    Map<String, Object> server() {
        return sql.row("server");
    }

    /** The database's transactions so far. The query runs in another database, so that it does not count itself. */
    long transactions() {
        return admin.number("transactions");
    }

    /** Drops the database and closes the connections; an embedded server stops. */
    @Override
    public void close() {
        uninterrupted(() -> {
            database.close();
            drop(admin, server);
        });
    }
}
