package agentbus.db;

import agentbus.settings.StartFailure;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationInfoService;
import org.flywaydb.core.api.MigrationVersion;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.postgresql.util.ServerErrorMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Migrates the schema to the state that this build needs. Each numbered migration runs once; functions and views run
 * whenever they change.
 *
 * <p>Functions are created without a check of their bodies, so they may call each other and the views in any order.
 * When all views exist, the server checks the body of every function, unless it has checked the last applied script.
 *
 * <p>A start that finds the mark of its own scripts reads no script, see {@link SchemaMark}.
 *
 * <p>Any number of nodes may migrate at once. A database that a newer build has migrated stays unchanged, because an
 * older node must not replace newer functions and views.
 */
public final class Migrations {
    private static final Logger LOG = LoggerFactory.getLogger(Migrations.class);
    private static final String CLASSPATH = "classpath:";
    private static final String HISTORY = "flyway_schema_history";

    private static final List<String> TABLES_AND_FUNCTIONS =
            List.of(CLASSPATH + "sql/migrations", CLASSPATH + "sql/functions");

    /**
     * Views are created after the functions, because a view needs the functions that it calls. Functions need the views
     * only when they run.
     */
    private static final List<String> VIEWS = List.of(CLASSPATH + "sql/views");

    /** Chosen: the letters "agentbus" as a number, which no other program uses for a lock in this database. */
    private static final long LOCK = 0x6167656e74627573L;

    /** SQLSTATE deadlock_detected. Each script runs in one transaction, so the victim has changed nothing. */
    private static final String DEADLOCK = "40P01";

    /** Chosen: a deadlock is rare, and ten in a row have another cause. */
    private static final int TRIES = 10;

    /** Checked before Flyway runs, because Flyway repeats a forbidden statement for ten seconds. */
    private static final String MAY_NOT =
            """
            select case
                when to_regnamespace('agentbus') is null
                    then not has_database_privilege(current_database(), 'create')
                else not has_schema_privilege(to_regnamespace('agentbus')::oid, 'create')
            end
            """;

    /** Checks the syntax, names and types of each body, which {@code check_function_bodies = off} has put off. */
    private static final String CHECK_BODIES =
            """
            select case l.lanname when 'sql' then fmgr_sql_validator(p.oid) else plpgsql_validator(p.oid) end
            from pg_proc p join pg_language l on l.oid = p.prolang
            where p.pronamespace = to_regnamespace('agentbus') and l.lanname in ('sql', 'plpgsql')
            """;

    /**
     * Whether scripts were applied after the last check of the bodies. The comment of the history table keeps the last
     * checked script, so that a start repeats a check that a killed process has not made.
     */
    private static final String UNCHECKED =
            """
            select 'bodies checked up to ' || max(installed_rank)
              is distinct from obj_description('agentbus.flyway_schema_history'::regclass, 'pg_class')
            from agentbus.flyway_schema_history
            """;

    private static final String MARK_CHECKED =
            """
            do $$
            begin
              execute format('comment on table agentbus.flyway_schema_history is %L',
                'bodies checked up to ' || (select max(installed_rank) from agentbus.flyway_schema_history));
            end
            $$
            """;

    /** The mark that a restore leaves until it has finished, see {@code sql/statements/backup/mark.sql}. */
    private static final String UNFINISHED =
            """
            select (select mark from obj_description(to_regnamespace('agentbus')::oid, 'pg_namespace') as mark
              where mark like 'agentbus restore unfinished:%')
            """;

    private final Database database;
    private final DataSource connections;
    private final List<String> locations;
    private final List<String> views;

    /** The name of this migration's sessions, unlike that of every other migration. */
    private final String program =
            "agentbus-migration-" + UUID.randomUUID().toString().substring(0, 8);

    /**
     * The migrations of this build.
     *
     * @param database the database to migrate
     */
    public Migrations(Database database) {
        this(database, TABLES_AND_FUNCTIONS, VIEWS);
    }

    /**
     * Migrations from other locations.
     *
     * @param database the database to migrate
     * @param locations the locations of the scripts, such as {@code classpath:sql/migrations}
     */
    public Migrations(Database database, String... locations) {
        this(database, List.of(locations), List.of());
    }

    private Migrations(Database database, List<String> locations, List<String> views) {
        this.database = database;
        this.connections = database.sessions().with("application_name", program);
        this.locations = locations;
        this.views = views;
    }

    /**
     * Applies the missing scripts.
     *
     * @return the number of applied scripts; 0 if the schema is up to date or belongs to a newer build
     * @throws StartFailure if the user may not create the schema; if a script fails, or meets a deadlock in each of
     *     several tries (the message names its file, and the line of a mistake); if an applied migration has been
     *     edited or removed since; or if the database is older than the first release
     */
    public int run() {
        return run(false);
    }

    /**
     * Applies the missing scripts to a database whose restore has not finished.
     *
     * @return the number of applied scripts
     * @throws StartFailure as {@link #run}
     */
    public int runRestored() {
        return run(true);
    }

    /**
     * Whether this build has a migration, so that it can make the schema of a database whose newest one this is.
     *
     * @param version the migration's number, such as {@code 0016}
     * @return false for a migration of a newer build
     */
    public boolean knows(String version) {
        return Arrays.stream(flyway(locations).load().info().all())
                .anyMatch(info -> info.getResolvedChecksum() != null
                        && info.getVersion() != null
                        && info.getVersion().compareTo(MigrationVersion.fromVersion(version)) == 0);
    }

    /**
     * Applies the numbered migrations up to one, without functions and views. An export of that version fills such a
     * schema.
     *
     * @param version the number of the last migration
     * @throws StartFailure if a script fails
     */
    public void runUpTo(String version) {
        try {
            flyway(locations.subList(0, 1)).target(version).group(true).load().migrate();
        } catch (FlywayException e) {
            throw ScriptFailure.explain(e, database);
        }
    }

    /**
     * Checks that the database has every script of this build, unchanged.
     *
     * @throws StartFailure if one is missing or differs
     */
    public void validate() {
        try {
            flyway(Stream.concat(locations.stream(), views.stream()).toList())
                    .load()
                    .validate();
        } catch (FlywayException e) {
            throw ScriptFailure.explain(e, database);
        }
    }

    /** No node uses a database whose restore has not finished, so it is alone there. */
    private int run(boolean alone) {
        // Flyway's lock covers the migration, but not the check of the versions before it.
        try (LockWatch watch = new LockWatch(database.unpooled(), program, "The migration of the " + database);
                Connection connection = connections.getConnection();
                Statement statement = connection.createStatement()) {
            watch.start();
            statement.execute("select pg_advisory_lock(" + LOCK + ")");
            requirePermission(statement);
            if (!alone) {
                requireFinishedRestore(statement);
            }
            return migrateBesideOthers(statement, alone);
        } catch (SQLException e) {
            throw new StartFailure("cannot migrate the " + database + ": " + e.getMessage(), e);
        }
    }

    private FluentConfiguration flyway(List<String> locations) {
        return Flyway.configure(Migrations.class.getClassLoader())
                .dataSource(connections)
                .schemas(Database.SCHEMA)
                .defaultSchema(Database.SCHEMA)
                .createSchemas(true)
                .table(HISTORY)
                .locations(locations.toArray(String[]::new))
                .initSql("set check_function_bodies = off")
                .validateOnMigrate(true)
                // Ignores scripts of the other pass, and of functions and views that were removed or renamed.
                .ignoreMigrationPatterns("*:missing", "*:future")
                .validateMigrationNaming(true)
                // Functions may contain ${…}, which is not for Flyway.
                .placeholderReplacement(false)
                .cleanDisabled(true)
                .skipDefaultResolvers(true)
                .resolvers(new WholeScripts(script -> text(script).orElseThrow()))
                .loggers("slf4j");
    }

    /**
     * Retries after a deadlock: running nodes lock the same tables in another order, and the server may abort the
     * migration.
     */
    private int migrateBesideOthers(Statement statement, boolean alone) throws SQLException {
        for (int attempt = 1; ; attempt++) {
            try {
                return migrate(statement, alone);
            } catch (StartFailure failure) {
                SQLException sql = ScriptFailure.find(failure, SQLException.class);
                if (attempt == TRIES || sql == null || !DEADLOCK.equals(sql.getSQLState())) {
                    throw failure;
                }
                LOG.warn("{}; retrying", failure.getMessage());
            }
        }
    }

    private int migrate(Statement statement, boolean alone) throws SQLException {
        SchemaMark mark = new SchemaMark(Stream.concat(locations.stream(), views.stream())
                .map(location -> location.substring(CLASSPATH.length()))
                .toList());
        if (mark.fits(statement) && !unchecked(statement)) {
            return 0;
        }
        try {
            MigrationInfoService info = flyway(
                            Stream.concat(locations.stream(), views.stream()).toList())
                    .load()
                    .info();
            refuseFolded(info.all());
            Optional<MigrationInfo> newer = AppliedScripts.newer(info.all());
            if (newer.isPresent()) {
                LOG.info(
                        "Left the schema alone: a newer agentbus has brought it to version {}",
                        newer.get().getVersion());
                return 0;
            }
            AppliedScripts.refuseEdited(info.all(), database);
            int applied = info.pending().length == 0 ? 0 : apply(alone || isNew(info));
            if (unchecked(statement)) {
                checkBodies(statement, info.all());
                statement.execute(MARK_CHECKED);
            }
            mark.write(statement);
            return applied;
        } catch (FlywayException e) {
            throw ScriptFailure.explain(e, database);
        }
    }

    /** Whether no script was applied yet. Flyway notes the creation of the schema as if it were one. */
    private static boolean isNew(MigrationInfoService info) {
        return Arrays.stream(info.applied()).allMatch(each -> each.getType().isSynthetic());
    }

    /**
     * Applies the missing scripts. In a schema that no node uses, the tables and functions are one transaction and the
     * views another. Otherwise each script is a transaction of its own, so that no node waits for the locks of several.
     */
    private int apply(boolean alone) {
        int applied = 0;
        for (List<String> pass : List.of(locations, views)) {
            if (!pass.isEmpty()) {
                applied += flyway(pass).group(alone).load().migrate().migrationsExecuted;
            }
        }
        LOG.info("Applied {} scripts to the schema {}", applied, Database.SCHEMA);
        return applied;
    }

    private static boolean unchecked(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery(UNCHECKED)) {
            row.next();
            return row.getBoolean(1);
        }
    }

    /**
     * Checks the function bodies. A faulty script is already applied, so its record is deleted, and the next start
     * applies and checks it again.
     */
    private void checkBodies(Statement statement, MigrationInfo[] scripts) throws SQLException {
        try {
            statement.execute("set check_function_bodies = on");
            statement.execute(CHECK_BODIES);
        } catch (SQLException e) {
            ServerErrorMessage server = ScriptFailure.server(e);
            String body = server == null ? null : server.getInternalQuery();
            String script = body == null ? null : scriptOf(body, scripts);
            if (body == null) {
                throw e;
            }
            if (script == null) {
                LOG.warn(
                        "A function that no script of this build has does not fit the schema: {}", server.getMessage());
                return;
            }
            try (PreparedStatement forget = statement
                    .getConnection()
                    .prepareStatement("delete from " + Database.SCHEMA + "." + HISTORY + " where script = ?")) {
                forget.setString(1, script);
                forget.executeUpdate();
            }
            String text = text(script).orElseThrow();
            int line = ScriptFailure.lineOf(text, text.indexOf(body) + Math.max(server.getInternalPosition() - 1, 0));
            throw new StartFailure(
                    script + ", line " + line + ": " + server.getMessage() + "; the " + database
                            + " has it, and the next start applies the mended script",
                    e);
        }
    }

    /** The script that contains a function with this body; null if there is none. */
    private String scriptOf(String body, MigrationInfo[] scripts) {
        return Arrays.stream(scripts)
                .map(MigrationInfo::getScript)
                .filter(script ->
                        text(script).filter(text -> text.contains(body)).isPresent())
                .findFirst()
                .orElse(null);
    }

    /** The text of a script of this build. */
    private Optional<String> text(String script) {
        return Stream.concat(locations.stream(), views.stream())
                .map(location -> location.substring(CLASSPATH.length()) + "/" + script)
                .flatMap(resource -> resource(resource).stream())
                .findFirst();
    }

    /** The text of a file of this build. */
    static Optional<String> resource(String name) {
        try (InputStream in = Migrations.class.getClassLoader().getResourceAsStream(name)) {
            return in == null ? Optional.empty() : Optional.of(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Refuses a database into which a restore has copied nothing yet, or not everything. */
    private void requireFinishedRestore(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery(UNFINISHED)) {
            row.next();
            String mark = row.getString(1);
            if (mark != null) {
                throw new StartFailure("the " + database + " holds no whole bus (" + mark
                        + "); run agentbus restore again, or give it up: drop schema " + Database.SCHEMA
                        + " cascade");
            }
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

    /**
     * Refuses a database from before the first release, which knows a number of this build's migrations under another
     * name. Its longer history would otherwise look like that of a newer build.
     */
    private void refuseFolded(MigrationInfo[] all) {
        Optional<MigrationInfo> folded = Arrays.stream(all)
                .filter(info -> info.isVersioned() && !info.getType().isSynthetic())
                // The number is applied and exists in this build, but under another name.
                .filter(info -> info.getAppliedChecksum() != null && info.getResolvedChecksum() != null)
                .filter(info -> text(info.getScript()).isEmpty())
                .findFirst();
        if (folded.isPresent()) {
            throw new StartFailure("the " + database + " has a history of migrations from before the first release ("
                    + folded.get().getScript() + ") that was folded into a new one since; it cannot be brought forward."
                    + " Start with an empty database or data directory, or give up what is in this one:"
                    + " drop schema " + Database.SCHEMA + " cascade");
        }
    }
}
