package agentbus.vault;

import agentbus.db.Database;
import agentbus.db.Operator;
import agentbus.db.Statements;
import agentbus.settings.ProgramFiles;
import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/**
 * The statements of the vault on one connection. It holds the lock of the vault, and between {@link #beginReading} and
 * {@link #endReading} it shows the database at one moment.
 */
final class Ledger implements AutoCloseable {
    private static final String FOLDER = "sql/statements/export-vault/";

    private static final String VERIFIED = "sql/statements/verify-vault/record-verification.sql";
    /** Chosen: large enough to save round trips, and small beside the heap. */
    private static final int BATCH = 500;

    /** Documented: the SQL states of an unknown function, table and schema. */
    private static final Set<String> NO_SCHEMA = Set.of("42883", "42P01", "3F000");

    private final String name;
    private final Connection connection;
    private final Statements statements;
    private final JsonNode principal;

    /**
     * What the database knows of a note.
     *
     * @param path its path
     * @param contentHash the hash of the text that the bus has written
     * @param editedHash the hash of an edited text; null for a note that nobody has edited
     * @param conflictPath where the newer projection is; null for none
     * @param tombstone whether its row is gone
     * @param inputHash what {@link Inputs#kept} has returned for its text; null for a note without inputs
     */
    record Kept(
            String path,
            String contentHash,
            String editedHash,
            String conflictPath,
            boolean tombstone,
            String inputHash) {}

    /**
     * Opens a connection of its own.
     *
     * @param database the database
     * @param files holds the statements
     * @param actor the person or route for which the vault is written, for the audit log
     * @throws StartFailure when the database does not answer
     */
    Ledger(Database database, ProgramFiles files, String actor) {
        this.name = database.toString();
        try {
            this.connection = database.unpooled().getConnection();
        } catch (SQLException e) {
            throw failure("cannot open the " + database, e);
        }
        this.statements = new Statements(new SingleConnectionDataSource(connection, true), files);
        this.principal = Operator.principal(actor);
    }

    /**
     * Begins an export and takes the lock of the vault.
     *
     * @param marker the vault that the folder names; null for a new one
     * @param namespace the namespace to show
     * @param directory the folder, for people
     * @param visibility the visibility with which it is exported; null to read only, which changes no row
     * @return the row of the vault
     * @throws StartFailure when the vault is of another bus or namespace, or is written at this moment
     */
    JsonNode begin(Marker marker, String namespace, String directory, String visibility) {
        try {
            return statements.json(
                    file("begin"),
                    principal.toString(),
                    marker == null ? null : marker.vaultId().toString(),
                    namespace,
                    directory,
                    visibility);
        } catch (StartFailure failed) {
            throw hasNoSchema(failed)
                    ? new StartFailure(
                            "the " + name
                                    + " has no schema of this version of agentbus; start the bus once, which brings it",
                            failed)
                    : failed;
        }
    }

    private static boolean hasNoSchema(StartFailure failed) {
        return failed.getCause() instanceof DataAccessException access
                && access.getMostSpecificCause() instanceof SQLException cause
                && NO_SCHEMA.contains(String.valueOf(cause.getSQLState()));
    }

    /** Begins to read at one moment. Nothing can be kept before {@link #endReading}. */
    void beginReading() {
        try {
            connection.setAutoCommit(false);
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            connection.setReadOnly(true);
        } catch (SQLException e) {
            throw failure("cannot read the ledger", e);
        }
    }

    /** Ends the reading, so that the results can be kept. */
    void endReading() {
        try {
            if (!connection.getAutoCommit()) {
                connection.rollback();
                connection.setReadOnly(false);
                connection.setAutoCommit(true);
            }
        } catch (SQLException e) {
            throw failure("cannot read the ledger", e);
        }
    }

    /** The notes of a vault, as the last export left them. */
    Map<NoteKey, Kept> notes(UUID vault) {
        Map<NoteKey, Kept> notes = new HashMap<>();
        statements.each(
                file("notes"),
                note -> notes.put(
                        new NoteKey(
                                note.path("kind").asText(), note.path("rowId").asText()),
                        new Kept(
                                note.path("path").asText(),
                                note.path("contentHash").asText(),
                                note.path("editedHash").asText(null),
                                note.path("conflictPath").asText(null),
                                note.path("tombstone").asBoolean(),
                                note.path("inputHash").asText(null))),
                vault.toString());
        return notes;
    }

    /** The rows that have a note, oldest first. */
    List<Entry> entries(String namespace, String visibility) {
        List<Entry> entries = new ArrayList<>();
        statements.each(file("entries"), row -> entries.add(Entry.of(row)), namespace, visibility);
        return entries;
    }

    /**
     * Reads the rows of one kind.
     *
     * @param statement the file of the statement, without its ending
     * @param reader gets each row
     * @param parameters its parameters
     */
    void each(String statement, Consumer<JsonNode> reader, Object... parameters) {
        statements.each(file(statement), reader, parameters);
    }

    /** Reads one value, such as the days that have notes. */
    JsonNode value(String statement, Object... parameters) {
        return statements.json(file(statement), parameters);
    }

    /** Keeps the state of notes, as {@code keep_vault_notes} takes it. */
    void keep(UUID vault, List<JsonNode> notes) {
        inBatches("keep-notes", vault, notes);
    }

    /** Forgets tombstones that a person has deleted. */
    void forget(UUID vault, List<JsonNode> notes) {
        inBatches("forget-notes", vault, notes);
    }

    private void inBatches(String statement, UUID vault, List<JsonNode> notes) {
        for (int from = 0; from < notes.size(); from += BATCH) {
            ArrayNode batch = Json.object().putArray("notes");
            batch.addAll(notes.subList(from, Math.min(from + BATCH, notes.size())));
            statements.text(file(statement), vault.toString(), batch.toString());
        }
    }

    /** Notes that an export has ended well. */
    JsonNode end(UUID vault, String visibility, double seconds, int written) {
        return statements.json(file("end"), principal.toString(), vault.toString(), visibility, seconds, written);
    }

    /**
     * Keeps what a verification has found.
     *
     * @param found as {@code record_vault_verification} takes it
     */
    void verified(UUID vault, JsonNode found) {
        statements.json(VERIFIED, principal.toString(), vault.toString(), found.toString());
    }

    /** Notes why an export has failed. */
    void fail(UUID vault, String reason) {
        statements.text(file("fail"), principal.toString(), vault.toString(), reason);
    }

    private static String file(String name) {
        return FOLDER + name + ".sql";
    }

    private static StartFailure failure(String what, SQLException e) {
        return new StartFailure(what + ": " + e.getMessage(), e);
    }

    /** Closes the connection, which gives the lock back. */
    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw failure("cannot close the connection of the vault", e);
        }
    }
}
