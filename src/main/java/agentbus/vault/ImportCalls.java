package agentbus.vault;

import agentbus.calls.Problems;
import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.contract.Problem;
import agentbus.db.Database;
import agentbus.db.Operator;
import agentbus.settings.ProgramFiles;
import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.postgresql.util.PSQLException;

/**
 * Makes the calls of operations that edits become. Each passes the checks of the contract, as every other call of a
 * person does, and is a transaction of its own.
 */
final class ImportCalls implements AutoCloseable {
    private static final String FOLDER = "sql/statements/import-vault/";

    private final Connection connection;
    private final ProgramFiles files;
    private final Contract contract;
    private final String actor;
    private final Problems problems = new Problems();

    /**
     * What a call does, or would do.
     *
     * @param does the call in words that continue "would"
     * @param shows its fields and texts, for people
     * @param done what it has made, in words
     */
    record Outcome(String does, List<String> shows, String done) {}

    /**
     * Opens a connection of its own.
     *
     * @param database the database
     * @param files holds the statements
     * @param contract checks the calls
     * @param actor the person who imports
     * @throws StartFailure when the database does not answer
     */
    ImportCalls(Database database, ProgramFiles files, Contract contract, String actor) {
        this.files = files;
        this.contract = contract;
        this.actor = actor;
        try {
            this.connection = database.unpooled().getConnection();
            connection.setAutoCommit(false);
        } catch (SQLException e) {
            throw new StartFailure("cannot open the " + database + ": " + e.getMessage(), e);
        }
    }

    /**
     * Tries the call of an edit, and undoes it: every refusal of the real call is one of this.
     *
     * @param vault the vault
     * @param edit as {@code vault_import_call} takes it
     * @return what the call would do
     * @throws Problem when it is refused, or the database fails
     */
    Outcome attempt(UUID vault, ObjectNode edit) {
        return run(vault, edit, false);
    }

    /**
     * Makes the call of an edit.
     *
     * @param vault the vault
     * @param edit as {@code vault_import_call} takes it
     * @return what the call has done
     * @throws Problem when it is refused, or the database fails; nothing is changed then
     */
    Outcome make(UUID vault, ObjectNode edit) {
        return run(vault, edit, true);
    }

    private Outcome run(UUID vault, ObjectNode edit, boolean commit) {
        ObjectNode principal = Operator.principal(actor);
        try {
            try {
                JsonNode call = json("call", principal, vault.toString(), edit);
                Operation operation = contract.operation(call.path("operation").asText());
                ObjectNode input =
                        operation.check(((ObjectNode) call.path("input")).deepCopy(), UnaryOperator.identity());
                operation.special().phase().ifPresent(phase -> principal.put("phase", phase));
                ObjectNode checked = Json.object().put("operation", operation.id());
                checked.set("input", input);
                String done = text("apply", principal, checked);
                if (commit) {
                    connection.commit();
                }
                return new Outcome(
                        call.path("does").asText(), PlanText.of(call.path("input"), call.path("before")), done);
            } finally {
                connection.rollback();
            }
        } catch (SQLException failed) {
            if (failed instanceof PSQLException refused
                    && String.valueOf(refused.getSQLState()).startsWith("AB")) {
                throw problems.of(refused);
            }
            // The refusal of its line: calls of earlier lines are made already, and the list must tell of them.
            throw Problem.of(500, "internal", "the database fails: " + failed.getMessage())
                    .causedBy(failed);
        }
    }

    private JsonNode json(String name, Object... parameters) throws SQLException {
        try {
            return Json.read(text(name, parameters));
        } catch (JsonProcessingException otherServer) {
            throw new IllegalStateException("Postgres does not write such JSON", otherServer);
        }
    }

    private String text(String name, Object... parameters) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(files.text(FOLDER + name + ".sql"))) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setString(i + 1, parameters[i].toString());
            }
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw new StartFailure("cannot close the connection of the import: " + e.getMessage(), e);
        }
    }
}
