package agentbus.db;

import agentbus.settings.StartFailure;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.sql.DataSource;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.ColumnMapRowMapper;
import org.springframework.jdbc.core.JdbcTemplate;

/** The few statements that run outside of routes; each is a file of its own with {@code ?} parameters. */
public final class Statements {
    private final JdbcTemplate jdbc;
    private final Map<String, String> texts = new ConcurrentHashMap<>();

    /**
     * Statements on one database.
     *
     * @param dataSource its connections
     */
    public Statements(DataSource dataSource) {
        this.jdbc = new JdbcTemplate(dataSource);
    }

    /**
     * Runs a statement for its one value.
     *
     * @return the value as text; empty for a function that returns nothing
     * @throws StartFailure when the database refuses
     */
    public String text(String file, Object... parameters) {
        try {
            return jdbc.queryForObject(read(file), String.class, parameters);
        } catch (DataAccessException refused) {
            throw new StartFailure(file + ": " + refused.getMostSpecificCause().getMessage(), refused);
        }
    }

    /**
     * Runs a statement for its rows.
     *
     * @param file the statement
     * @param parameters its parameters; an array of text is an array of text
     * @return each row's values by column
     * @throws DataAccessException when the database refuses or does not answer
     */
    public List<Map<String, Object>> rows(String file, Object... parameters) {
        return jdbc.query(
                texts.computeIfAbsent(file, Statements::read),
                statement -> {
                    for (int i = 0; i < parameters.length; i++) {
                        statement.setObject(i + 1, parameters[i]);
                    }
                },
                new ColumnMapRowMapper());
    }

    private static String read(String file) {
        try (InputStream in = Statements.class.getClassLoader().getResourceAsStream(file)) {
            if (in == null) {
                throw new IllegalStateException(file + " is not on the classpath.");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
