package agentbus.backup;

import agentbus.settings.ProgramFiles;
import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

/** The statements of the backup on one connection, so that several of them share a snapshot or a transaction. */
final class BackupSql implements AutoCloseable {
    private static final String FOLDER = "sql/statements/backup/";

    private final Connection connection;
    private final ProgramFiles files;

    /**
     * A connection of its own.
     *
     * @param source opens the connection
     * @param files holds the statements
     * @throws SQLException if the connection cannot be opened
     */
    BackupSql(DataSource source, ProgramFiles files) throws SQLException {
        this.connection = source.getConnection();
        this.files = files;
        try {
            run("session");
        } catch (SQLException | RuntimeException failed) {
            connection.close();
            throw failed;
        }
    }

    /** The connection itself, for its transaction. */
    Connection connection() {
        return connection;
    }

    /** The driver's COPY on this connection. */
    CopyManager copy() throws SQLException {
        return connection.unwrap(PGConnection.class).getCopyAPI();
    }

    /**
     * Runs a statement of a file without parameters, and drops what it returns.
     *
     * @param name the file's name without its ending
     */
    void run(String name) throws SQLException {
        execute(text(name));
    }

    /**
     * Runs a statement that an earlier statement has made from the catalog, with every name quoted.
     *
     * @param sql the statement
     */
    void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /**
     * The value of a statement's only row.
     *
     * @param name the file's name without its ending
     * @param parameters its parameters; a {@code String[]} becomes a {@code text[]}
     * @return the value as text; null for the value null and for no row
     */
    String value(String name, Object... parameters) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(text(name))) {
            for (int i = 0; i < parameters.length; i++) {
                Object parameter = parameters[i];
                if (parameter instanceof String[] several) {
                    statement.setArray(i + 1, connection.createArrayOf("text", several));
                } else {
                    statement.setObject(i + 1, parameter);
                }
            }
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? row.getString(1) : null;
            }
        }
    }

    /** The value of a statement's only row as JSON; a missing node for the value null and for no row. */
    JsonNode json(String name, Object... parameters) throws SQLException {
        String value = value(name, parameters);
        try {
            return value == null ? Json.object().path("") : Json.read(value);
        } catch (JsonProcessingException otherServer) {
            throw new IllegalStateException("Postgres does not write such JSON", otherServer);
        }
    }

    /** The failure of a statement, in the server's words. */
    static StartFailure failure(String what, SQLException e) {
        return new StartFailure(what + ": " + e.getMessage(), e);
    }

    private String text(String name) {
        return files.text(FOLDER + name + ".sql");
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
