package agentbus.backup;

import agentbus.db.Database;
import agentbus.settings.ProgramFiles;
import agentbus.settings.SecretFile;
import agentbus.settings.StartFailure;
import agentbus.settings.Version;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.postgresql.copy.CopyOut;

/**
 * Writes every table of a database into one file. All tables are read in one repeatable-read transaction, so the file
 * shows the database at one moment, whatever running buses do meanwhile; they only cannot change the schema.
 *
 * <p>The file is a zip archive: {@code manifest.json}, one {@code tables/<name>.copy} for each table in the text format
 * of COPY, and {@code SHA256SUMS} for {@code sha256sum -c}. Rows are streamed, so memory does not grow with the tables.
 */
final class Export {
    /** The name of the manifest in the file. */
    static final String MANIFEST = "manifest.json";
    /** The name of the checksums in the file. */
    static final String SUMS = "SHA256SUMS";

    /** Chosen: a migration that changes the schema between two looks is rare, and three in a row have another cause. */
    private static final int TRIES = 3;
    /** Chosen: large writes to the file; small beside the heap. */
    private static final int BUFFER = 1 << 16;

    private final Database database;
    private final ProgramFiles files;

    /**
     * Exports of one database.
     *
     * @param database the database
     * @param files holds the statements
     */
    Export(Database database, ProgramFiles files) {
        this.database = database;
        this.files = files;
    }

    /**
     * A written export.
     *
     * @param manifest its manifest
     * @param fileBytes the size of the file
     */
    record Written(Manifest manifest, long fileBytes) {}

    /**
     * Writes an export.
     *
     * @param file the file to write; must not exist
     * @return what was written
     * @throws StartFailure if the file cannot be written, or the database has no whole schema of a bus; nothing is left
     *     under the file's name then
     */
    Written write(Path file) {
        try (DraftFile draft = DraftFile.begin(file);
                BackupSql sql = new BackupSql(database.unpooled(), files)) {
            Manifest manifest = write(draft, sql);
            draft.publish();
            return new Written(manifest, draft.written());
        } catch (IOException e) {
            throw new StartFailure(
                    "cannot write " + file + ": " + SecretFile.reason(e) + "; nothing is left of it, and the "
                            + database + " is unchanged",
                    e);
        } catch (SQLException e) {
            throw BackupSql.failure("cannot export the " + database, e);
        }
    }

    private Manifest write(DraftFile draft, BackupSql sql) throws SQLException, IOException {
        requireSchema(sql);
        JsonNode tables = begin(sql);
        JsonNode snapshot = sql.json("snapshot");
        if (!snapshot.path("migrations").isArray()) {
            throw new StartFailure("the " + database + " has no applied migration, so there is nothing to export");
        }
        ZipOutputStream zip = new ZipOutputStream(new BufferedOutputStream(draft.out(), BUFFER));
        // Chosen: the lowest level halves the time of the export and costs a third more bytes than the default.
        zip.setLevel(Deflater.BEST_SPEED);
        Map<String, String> sums = new LinkedHashMap<>();
        List<Manifest.Table> written = new ArrayList<>();
        for (JsonNode table : tables) {
            Manifest.Table each = write(zip, sql, table);
            written.add(each);
            sums.put(each.entry(), each.sha256());
        }
        Manifest manifest = Manifest.of(Version.withCommit(), snapshot, written);
        sql.connection().rollback();
        String json = manifest.json();
        sums.put(MANIFEST, Sha256.hex(json));
        text(zip, MANIFEST, json);
        StringBuilder lines = new StringBuilder();
        sums.forEach((name, sum) -> lines.append(sum).append("  ").append(name).append('\n'));
        text(zip, SUMS, lines.toString());
        zip.finish();
        zip.flush();
        return manifest;
    }

    private void requireSchema(BackupSql sql) throws SQLException {
        JsonNode found = sql.json("occupied");
        String mark = found.path("mark").asText("");
        if (mark.startsWith(Restore.MARK)) {
            throw new StartFailure(
                    "the " + database + " holds no whole bus (" + mark + "), so there is nothing to export");
        }
        if (found.path("objects").asLong() == 0) {
            throw new StartFailure("the " + database + " has no schema " + Database.SCHEMA
                    + ", so no bus has run on it; is it the database of the bus?");
        }
    }

    /**
     * Begins the snapshot. The tables are locked before it, so that no migration changes them between the list and the
     * last row.
     */
    private JsonNode begin(BackupSql sql) throws SQLException {
        Connection connection = sql.connection();
        for (int attempt = 1; ; attempt++) {
            JsonNode before = sql.json("tables");
            connection.setAutoCommit(false);
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            connection.setReadOnly(true);
            sql.execute(before.path("lock").asText());
            JsonNode now = sql.json("tables");
            if (now.equals(before)) {
                return now.path("tables");
            }
            connection.rollback();
            connection.setReadOnly(false);
            connection.setAutoCommit(true);
            if (attempt == TRIES) {
                throw new StartFailure("the schema of the " + database
                        + " changes: a bus migrates it just now; try again in a minute");
            }
        }
    }

    private Manifest.Table write(ZipOutputStream zip, BackupSql sql, JsonNode table) throws SQLException, IOException {
        List<String> columns = new ArrayList<>();
        table.path("columns").forEach(column -> columns.add(column.asText()));
        String name = table.path("name").asText();
        zip.putNextEntry(new ZipEntry("tables/" + name + ".copy"));
        RowSum sum = copy(sql, table.path("copy").asText(), zip);
        zip.closeEntry();
        return new Manifest.Table(name, columns, sum.rows(), sum.bytes(), sum.sha256Hex(), sum.rowSum());
    }

    /**
     * Reads all rows of a table.
     *
     * @param sql the connection
     * @param statement the COPY that writes the rows
     * @param out gets the rows
     * @return the sum of the rows
     */
    static RowSum copy(BackupSql sql, String statement, OutputStream out) throws SQLException, IOException {
        RowSum sum = new RowSum();
        CopyOut rows = sql.copy().copyOut(statement);
        try {
            for (byte[] row = rows.readFromCopy(); row != null; row = rows.readFromCopy()) {
                sum.add(row, out);
            }
            return sum;
        } finally {
            if (rows.isActive()) {
                rows.cancelCopy();
            }
        }
    }

    private static void text(ZipOutputStream zip, String name, String text) throws IOException {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(text.getBytes(StandardCharsets.UTF_8));
        zip.closeEntry();
    }
}
