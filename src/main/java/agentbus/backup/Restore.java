package agentbus.backup;

import agentbus.db.Database;
import agentbus.db.Migrations;
import agentbus.db.Operator;
import agentbus.settings.ProgramFiles;
import agentbus.settings.SecretFile;
import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * Brings an export into an empty database.
 *
 * <p>The schema is migrated to the version of the export; one transaction copies all rows, reads them back and compares
 * them with the manifest; then newer migrations run. From the first change until the end the database carries a mark with
 * which no bus starts, so a restore that has failed or was killed cannot look like a restored one. One restore at a time
 * works on a database: it holds a lock until {@link #close}, and its mark has a UUID of its own.
 */
final class Restore implements AutoCloseable {
    /** The beginning of the mark; {@code mark.sql} and the migrations know it too. */
    static final String MARK = "agentbus restore unfinished:";

    private final Database database;
    private final ProgramFiles files;

    /** The connection with the lock of the restores; null before {@link #copy}. */
    private BackupSql lock;

    /** The mark of this restore without its beginning; null before {@link #copy}. */
    private String mark;

    /**
     * Restores into one database.
     *
     * @param database the database
     * @param files holds the statements
     */
    Restore(Database database, ProgramFiles files) {
        this.database = database;
        this.files = files;
    }

    /**
     * Copies an export into the database, up to the schema of this build. The mark stays until {@link #finish}.
     *
     * @param export an export that was verified
     * @throws StartFailure if the database is not empty, another restore works on it, the export is newer than this
     *     build, or a row is refused or reads otherwise than the export says
     */
    void copy(ExportFile export) {
        Manifest manifest = export.manifest();
        Migrations migrations = new Migrations(database);
        if (!migrations.knows(manifest.version())) {
            throw new StartFailure(export.path() + " is newer than this agentbus: it has the migration "
                    + manifest.version() + ", which this one does not know; restore it with agentbus "
                    + manifest.program() + " or newer");
        }
        lock(export);
        mark(export);
        try (BackupSql sql = new BackupSql(database.unpooled(), files)) {
            migrations.runUpTo(manifest.version());
            requireSameScripts(sql, manifest);
            sql.connection().setAutoCommit(false);
            fill(sql, export);
            sql.connection().commit();
            migrations.runRestored();
        } catch (SQLException | StartFailure e) {
            throw unfinished(e.getMessage(), e);
        } catch (IOException e) {
            throw unfinished(export.path() + " is damaged: " + SecretFile.reason(e), e);
        }
    }

    private StartFailure unfinished(String why, Exception e) {
        return new StartFailure(
                why + ". Nothing was restored: the " + database
                        + " carries the mark of an unfinished restore, so no bus starts on it; run the restore again",
                e);
    }

    private void lock(ExportFile export) {
        try {
            lock = new BackupSql(database.unpooled(), files);
            if (!"true".equals(lock.value("lock-restores"))) {
                throw new StartFailure(
                        "another restore into the " + database + " is under way; wait until it has ended");
            }
        } catch (SQLException e) {
            throw BackupSql.failure("cannot restore " + export.path() + " into the " + database, e);
        }
    }

    /** Marks an empty database, while no bus can begin to migrate it. */
    private void mark(ExportFile export) {
        try (BackupSql sql = new BackupSql(database.unpooled(), files)) {
            sql.run("lock-migrations");
            requireEmpty(sql);
            mark = export.path().getFileName() + " since " + Instant.now().truncatedTo(ChronoUnit.SECONDS)
                    + ", restore " + UUID.randomUUID();
            sql.value("set-mark", mark);
            sql.run("mark");
        } catch (SQLException e) {
            throw BackupSql.failure("cannot restore " + export.path() + " into the " + database, e);
        }
    }

    /**
     * Stops everything in the restored database and takes the mark away.
     *
     * @param reason the reason of the stop, for people
     * @param actor the operator who restores
     * @param serverKey the fingerprint of another server key that the database is to take; empty to keep its own
     * @return an array with {@code restored_work} of each namespace
     * @throws StartFailure if the database does not carry the mark of this restore
     */
    JsonNode finish(String reason, String actor, Optional<String> serverKey) {
        ObjectNode principal = Operator.principal(actor);
        ObjectNode input = Json.object().put("reason", reason);
        serverKey.ifPresent(fingerprint -> input.put("serverKey", fingerprint));
        try (BackupSql sql = new BackupSql(database.unpooled(), files)) {
            sql.connection().setAutoCommit(false);
            sql.value("set-mark", mark);
            // First, because the lock of the comment keeps the schema from being dropped until the commit.
            sql.run("unmark");
            JsonNode work = sql.json("begin-after-restore", principal.toString(), input.toString());
            sql.connection().commit();
            return work;
        } catch (SQLException e) {
            throw BackupSql.failure("cannot finish the restore into the " + database, e);
        }
    }

    /** Lets another restore work on the database. */
    @Override
    public void close() {
        if (lock == null) {
            return;
        }
        try {
            lock.close();
        } catch (SQLException e) {
            throw BackupSql.failure("cannot end the restore into the " + database, e);
        }
    }

    /** Refuses a database with anything in it, except what an unfinished restore has left. */
    private void requireEmpty(BackupSql sql) throws SQLException {
        JsonNode found = sql.json("occupied");
        if (found.path("mark").asText("").startsWith(MARK)) {
            sql.run("drop-unfinished");
            return;
        }
        if (found.path("objects").asLong() > 0) {
            throw new StartFailure("the " + database + " is not empty: " + held(sql) + "; a restore needs an empty"
                    + " database: make one (createdb) and name it in DATABASE_URL, or for the own Postgres stop all"
                    + " nodes and move data/postgres away");
        }
    }

    private static String held(BackupSql sql) throws SQLException {
        JsonNode holds;
        try {
            holds = sql.json("holds");
        } catch (SQLException noBus) {
            return "its schema " + Database.SCHEMA + " has objects that are not a bus's";
        }
        long jobs = holds.path("jobs").asLong();
        String said = "it holds a bus with " + (jobs > 10_000 ? "more than 10000" : jobs) + " jobs"
                + (holds.path("newest").isTextual()
                        ? ", and its newest audit row is of "
                                + holds.path("newest").asText()
                        : "");
        JsonNode node = holds.path("node");
        return node.isObject()
                ? said + ". A bus runs on it: node " + node.path("id").asText() + " was alive "
                        + node.path("seconds").asText() + " s ago"
                : said;
    }

    /** Compares the migrations, because an edited one could have made other tables. */
    private void requireSameScripts(BackupSql sql, Manifest manifest) throws SQLException {
        Map<String, Integer> here = new HashMap<>();
        sql.json("snapshot")
                .path("migrations")
                .forEach(each -> here.put(
                        each.path("version").asText(), each.path("checksum").asInt()));
        for (Manifest.Migration migration : manifest.migrations()) {
            Integer checksum = here.get(migration.version());
            if (checksum == null || checksum != migration.checksum()) {
                throw new StartFailure("the export was made with another " + migration.script()
                        + " than this agentbus has; restore it with agentbus " + manifest.program());
            }
        }
    }

    private void fill(BackupSql sql, ExportFile export) throws SQLException, IOException {
        JsonNode around = sql.json("prepare");
        for (JsonNode statement : around.path("before")) {
            sql.execute(statement.asText());
        }
        Manifest manifest = export.manifest();
        for (JsonNode table : sql.json("tables").path("tables")) {
            String name = table.path("name").asText();
            if (manifest.tables().stream().noneMatch(each -> each.name().equals(name))) {
                throw new StartFailure(export.path() + " is no whole export: it has no table " + name
                        + ", which the schema of version " + manifest.version() + " has");
            }
        }
        for (Manifest.Table table : manifest.tables()) {
            copy(sql, export, table);
        }
        for (JsonNode statement : around.path("after")) {
            try {
                sql.execute(statement.asText());
            } catch (SQLException e) {
                throw new StartFailure(
                        export.path() + " does not fit together: " + e.getMessage() + "; take another backup", e);
            }
        }
        for (Map.Entry<String, Long> sequence : manifest.sequences().entrySet()) {
            if (sql.value("set-sequence", sequence.getValue(), sequence.getKey()) == null) {
                throw new StartFailure(export.path() + " names a sequence that the schema of version "
                        + manifest.version() + " does not have: " + sequence.getKey());
            }
        }
        requireSameRows(sql, manifest, export.path().toString());
    }

    private static void copy(BackupSql sql, ExportFile export, Manifest.Table table) throws SQLException, IOException {
        String[] columns = table.columns().toArray(String[]::new);
        String statement = sql.value("copy-in", columns, table.name(), columns);
        if (statement == null) {
            throw new StartFailure(export.path() + " holds a table " + table.name() + " that the schema of version "
                    + export.manifest().version() + " does not have, or has with other columns");
        }
        try (InputStream rows = export.rows(table)) {
            sql.copy().copyIn(statement, rows);
        } catch (SQLException e) {
            throw new StartFailure(
                    export.path() + ": the database refuses a row of its table " + table.name() + ": " + e.getMessage(),
                    e);
        }
    }

    /**
     * Reads every table back and compares it with the manifest.
     *
     * @param sql the connection
     * @param manifest the manifest
     * @param file the file's name, for messages
     */
    private static void requireSameRows(BackupSql sql, Manifest manifest, String file)
            throws SQLException, IOException {
        Map<String, String> statements = new HashMap<>();
        sql.json("tables")
                .path("tables")
                .forEach(table -> statements.put(
                        table.path("name").asText(), table.path("copy").asText()));
        for (Manifest.Table table : manifest.tables()) {
            RowSum sum = Export.copy(sql, statements.get(table.name()), OutputStream.nullOutputStream());
            if (sum.rows() != table.rows() || !sum.rowSum().equals(table.rowSum())) {
                throw new StartFailure("the restored table " + table.name() + " differs from the manifest of " + file
                        + ": it has " + sum.rows() + " rows"
                        + (sum.rows() == table.rows() ? ", one of which reads otherwise" : ", not " + table.rows()));
            }
        }
        Map<String, Instant> newest = Manifest.newest(sql.json("snapshot").path("newest"));
        if (!newest.equals(manifest.newest())) {
            throw new StartFailure("the newest times of the restored tables differ from the manifest of " + file + ": "
                    + newest + ", not " + manifest.newest());
        }
    }
}
