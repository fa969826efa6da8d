package agentbus.db;

import agentbus.settings.ProgramFiles;
import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.postgresql.util.PSQLException;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.ColumnMapRowMapper;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.PreparedStatementCallback;
import org.springframework.jdbc.core.RowCallbackHandler;

/** Runs SQL statements outside of routes. Each statement is a file on the class path with {@code ?} parameters. */
public final class Statements {
    /** The beginning of the SQL states with which the SQL function {@code refuse} refuses a call. */
    private static final String REFUSAL = "AB";
    /** Chosen: one round trip for many rows, and a few hundred kilobytes of them. */
    private static final int FETCHED = 200;

    private final JdbcTemplate jdbc;
    private final ProgramFiles files;

    /**
     * Statements for one database.
     *
     * @param dataSource the database's connections
     * @param files holds the statements
     */
    public Statements(DataSource dataSource, ProgramFiles files) {
        this.jdbc = new JdbcTemplate(dataSource);
        this.files = files;
    }

    /**
     * Runs a statement that returns one value.
     *
     * @param file the statement's path on the class path
     * @param parameters its parameters, in order
     * @return the value as text; empty for a function that returns void
     * @throws StartFailure when the statement fails; the message is a function's refusal, or else the file and the
     *     database's reason
     */
    public String text(String file, Object... parameters) {
        try {
            return jdbc.queryForObject(files.text(file), String.class, parameters);
        } catch (DataAccessException refused) {
            throw new StartFailure(reason(file, refused.getMostSpecificCause()), refused);
        }
    }

    /**
     * Runs a statement that returns one JSON value.
     *
     * @param file the statement's path on the class path
     * @param parameters its parameters, in order
     * @return the value
     * @throws StartFailure when the statement fails, as {@link #text}
     */
    public JsonNode json(String file, Object... parameters) {
        return parsed(text(file, parameters));
    }

    private static JsonNode parsed(String json) {
        try {
            return Json.read(json);
        } catch (JsonProcessingException otherServer) {
            throw new IllegalStateException("Postgres does not write such JSON", otherServer);
        }
    }

    /** Leaves out the server's context, which names lines of PL/pgSQL, and the detail of a refusal, which is JSON. */
    private static String reason(String file, Throwable cause) {
        if (cause instanceof PSQLException failed && failed.getServerErrorMessage() != null) {
            String message = String.valueOf(failed.getServerErrorMessage().getMessage());
            return String.valueOf(failed.getSQLState()).startsWith(REFUSAL) ? message : file + ": " + message;
        }
        return file + ": " + cause.getMessage();
    }

    /**
     * Runs a statement that returns rows.
     *
     * @param file the statement's path on the class path
     * @param parameters its parameters, in order; a {@code String[]} becomes a {@code text[]}
     * @return the rows, each with its values by column name
     * @throws DataAccessException when the statement fails or the database does not answer
     */
    public List<Map<String, Object>> rows(String file, Object... parameters) {
        return query(files.text(file), parameters);
    }

    /**
     * Runs a statement that returns one JSON value in each row, and hands over the rows one by one. Within a transaction
     * only some of them are in memory at once.
     *
     * @param file the statement's path on the class path
     * @param reader gets each value, in order
     * @param parameters its parameters, in order
     * @throws DataAccessException when the statement fails or the database does not answer
     */
    public void each(String file, Consumer<JsonNode> reader, Object... parameters) {
        jdbc.query(
                connection -> {
                    PreparedStatement statement = connection.prepareStatement(files.text(file));
                    statement.setFetchSize(FETCHED);
                    for (int i = 0; i < parameters.length; i++) {
                        statement.setObject(i + 1, parameters[i]);
                    }
                    return statement;
                },
                (RowCallbackHandler) row -> reader.accept(parsed(row.getString(1))));
    }

    /**
     * Runs the statements of a file in one transaction and one round trip, and returns the one value of the last. The
     * ones before it set up the transaction, for example with a time limit.
     *
     * @param file the path of the statements on the class path, separated by semicolons
     * @param parameters the parameters of all of them, in order
     * @return the value of the last statement as text
     * @throws DataAccessException when one of the statements fails or the database does not answer; then none has had an
     *     effect
     */
    public String lastText(String file, Object... parameters) {
        return jdbc.execute(files.text(file), (PreparedStatementCallback<String>) statements -> {
            for (int i = 0; i < parameters.length; i++) {
                statements.setObject(i + 1, parameters[i]);
            }
            statements.execute();
            String value = null;
            do {
                try (ResultSet rows = statements.getResultSet()) {
                    value = rows.next() ? rows.getString(1) : null;
                }
            } while (statements.getMoreResults());
            return value;
        });
    }

    /**
     * Reads the text of a statement that is a template. The caller keeps it, so that a change needs a new start.
     *
     * @param file the statement's path on the class path
     * @return its text
     */
    public String template(String file) {
        return files.keptText(file);
    }

    /**
     * Runs a statement of a given text and returns its rows.
     *
     * @param sql the statement's text, made only of texts from files
     * @param parameters its parameters, in order; a {@code String[]} becomes a {@code text[]}
     * @return the rows, each with its values by column name
     * @throws DataAccessException when the statement fails or the database does not answer
     */
    public List<Map<String, Object>> query(String sql, Object... parameters) {
        return jdbc.query(
                sql,
                statement -> {
                    for (int i = 0; i < parameters.length; i++) {
                        statement.setObject(i + 1, parameters[i]);
                    }
                },
                new ColumnMapRowMapper());
    }
}
