package agentbus.db;

import agentbus.settings.StartFailure;
import java.io.IOException;
import java.io.Reader;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationState;
import org.flywaydb.core.api.output.MigrateResult;
import org.flywaydb.core.api.resource.LoadableResource;
import org.flywaydb.core.internal.sqlscript.FlywaySqlScriptException;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings the schema to where this build needs it: numbered migrations once each, functions and views whenever they change.
 *
 * <p>Any number of nodes may do so at once. A database that a newer build has already migrated is left alone, functions and
 * views included: an older node started beside a newer one must not put old functions under its feet.
 */
public final class Migrations {
    private static final Logger LOG = LoggerFactory.getLogger(Migrations.class);
    private static final String[] LOCATIONS = {
        "classpath:sql/migrations", "classpath:sql/functions", "classpath:sql/views"
    };

    /** Any number will do that no other program takes for a lock in this database. */
    private static final long LOCK = 0x6167656e74627573L;

    /** SQLSTATE deadlock_detected. Each script is one transaction, so a script that met one has done nothing yet. */
    private static final String DEADLOCK = "40P01";

    /** Ours: a meeting is rare, and ten in a row mean something else. */
    private static final int TRIES = 10;

    /** In our own words, because Flyway tries for ten seconds what it may not do. */
    private static final String MAY_NOT =
            """
            select case
                when to_regnamespace('agentbus') is null
                    then not has_database_privilege(current_database(), 'create')
                else not has_schema_privilege(to_regnamespace('agentbus')::oid, 'create')
            end
            """;

    private final Database database;
    private final String[] locations;

    /**
     * The migrations of this build.
     *
     * @param database where to apply them
     */
    public Migrations(Database database) {
        this(database, LOCATIONS);
    }

    /**
     * Migrations from elsewhere.
     *
     * @param database where to apply them
     * @param locations such as {@code classpath:sql/migrations}
     */
    public Migrations(Database database, String... locations) {
        this.database = database;
        this.locations = locations.clone();
    }

    /**
     * Applies what is missing.
     *
     * @return how many scripts were applied, 0 if the schema was as it should be or is a newer build's
     * @throws StartFailure if the user may not make the schema, if a migration fails, a deadlock with working nodes after
     *     several tries included (names its file and line), or if one
     *     that was applied before has been edited or removed since
     */
    public int run() {
        // Flyway's own lock covers the migration, not the look at the versions before it.
        try (Connection connection = database.unpooled().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("select pg_advisory_lock(" + LOCK + ")");
            requirePermission(statement);
            return migrateBesideOthers();
        } catch (SQLException e) {
            throw new StartFailure("cannot migrate the " + database + ": " + e.getMessage(), e);
        }
    }

    private Flyway flyway() {
        return Flyway.configure(Migrations.class.getClassLoader())
                .dataSource(database.unpooled())
                .schemas(Database.SCHEMA)
                .defaultSchema(Database.SCHEMA)
                .createSchemas(true)
                .locations(locations)
                .validateOnMigrate(true)
                .validateMigrationNaming(true)
                // Functions may hold ${…} of their own.
                .placeholderReplacement(false)
                .cleanDisabled(true)
                .loggers("slf4j")
                .load();
    }

    /** Nodes that are at work lock the same tables in an order of their own, and the server may end us for it. */
    private int migrateBesideOthers() {
        for (int attempt = 1; ; attempt++) {
            try {
                return migrate(flyway());
            } catch (StartFailure failure) {
                SQLException sql = find(failure, SQLException.class);
                if (attempt == TRIES || sql == null || !DEADLOCK.equals(sql.getSQLState())) {
                    throw failure;
                }
                LOG.warn("{}; it is tried again", failure.getMessage());
            }
        }
    }

    private int migrate(Flyway flyway) {
        try {
            MigrationInfo[] all = flyway.info().all();
            Optional<MigrationInfo> newer = newer(all);
            if (newer.isPresent()) {
                LOG.info(
                        "Left the schema alone: a newer agentbus has brought it to version {}",
                        newer.get().getVersion());
                return 0;
            }
            refuseEdited(all);
            MigrateResult result = flyway.migrate();
            if (result.migrationsExecuted > 0) {
                LOG.info("Applied {} scripts to the schema {}", result.migrationsExecuted, Database.SCHEMA);
            }
            return result.migrationsExecuted;
        } catch (FlywayException e) {
            throw explain(e);
        }
    }

    private void requirePermission(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery(MAY_NOT)) {
            row.next();
            if (row.getBoolean(1)) {
                throw new StartFailure(
                        database.user() + " may not make or fill the schema " + Database.SCHEMA + " in the " + database
                                + "; as a superuser run there: create schema if not exists " + Database.SCHEMA
                                + "; alter schema " + Database.SCHEMA + " owner to " + database.user());
            }
        }
    }

    /** The newest migration that the database has and this build does not know. */
    private static Optional<MigrationInfo> newer(MigrationInfo[] all) {
        return Arrays.stream(all)
                .filter(info -> info.getState() == MigrationState.FUTURE_SUCCESS
                        || info.getState() == MigrationState.FUTURE_FAILED)
                .reduce((first, second) -> second);
    }

    /** Flyway would find these too, and would say so in many lines. */
    private void refuseEdited(MigrationInfo[] all) {
        String edited = Arrays.stream(all)
                .filter(info -> info.isVersioned() && !info.getType().isSynthetic() && !info.isChecksumMatching())
                .map(MigrationInfo::getScript)
                .collect(Collectors.joining(", "));
        if (!edited.isEmpty()) {
            throw new StartFailure(edited + " has been edited since it was applied to the " + database
                    + "; put it back as it was and add a new migration instead");
        }
        String removed = Arrays.stream(all)
                .filter(info -> info.isVersioned() && info.getState() == MigrationState.MISSING_SUCCESS)
                .map(MigrationInfo::getScript)
                .collect(Collectors.joining(", "));
        if (!removed.isEmpty()) {
            throw new StartFailure(
                    removed + " was applied to the " + database + " and is not in this build; put it back");
        }
    }

    private StartFailure explain(FlywayException e) {
        FlywaySqlScriptException script = find(e, FlywaySqlScriptException.class);
        SQLException sql = find(e, SQLException.class);
        if (script != null && script.getResource() != null) {
            return new StartFailure(
                    script.getResource().getRelativePath() + ", line " + line(script, sql) + ": " + said(sql)
                            + "; nothing of this script was applied to the " + database,
                    e);
        }
        return new StartFailure(
                "cannot migrate the " + database + ": " + (sql == null ? e.getMessage() : said(sql)), e);
    }

    /** Flyway counts to the statement, not always to its first character; the server from there to the error. */
    private static int line(FlywaySqlScriptException script, SQLException sql) {
        ServerErrorMessage server = server(sql);
        String statement = script.getStatement();
        if (server == null || server.getPosition() <= 0 || statement == null) {
            return script.getLineNumber();
        }
        String text = content(script);
        int begin = text.indexOf(statement);
        if (begin < 0) {
            return script.getLineNumber();
        }
        int end = begin + Math.min(server.getPosition() - 1, statement.length());
        return 1 + (int) text.substring(0, end).chars().filter(c -> c == '\n').count();
    }

    private static String content(FlywaySqlScriptException script) {
        if (!(script.getResource() instanceof LoadableResource resource)) {
            return "";
        }
        StringWriter text = new StringWriter();
        try (Reader reader = resource.read()) {
            reader.transferTo(text);
        } catch (IOException e) {
            // Then the line of the statement has to do.
            return "";
        }
        return text.toString();
    }

    private static String said(SQLException sql) {
        ServerErrorMessage server = server(sql);
        return server == null || server.getMessage() == null ? sql.getMessage() : server.getMessage();
    }

    private static ServerErrorMessage server(SQLException sql) {
        return sql instanceof PSQLException psql ? psql.getServerErrorMessage() : null;
    }

    private static <T extends Throwable> T find(Throwable e, Class<T> type) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return type.cast(cause);
            }
        }
        return null;
    }
}
