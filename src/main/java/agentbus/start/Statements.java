package agentbus.start;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import javax.sql.DataSource;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;

/** The few statements that run outside of routes, at start and stop; each is a file of its own with {@code ?} parameters. */
final class Statements {
    private final JdbcTemplate jdbc;

    Statements(DataSource dataSource) {
        this.jdbc = new JdbcTemplate(dataSource);
    }

    /**
     * Runs a statement for its one value.
     *
     * @return the value as text; empty for a function that returns nothing
     * @throws StartFailure when the database refuses
     */
    String text(String file, Object... parameters) {
        try {
            return jdbc.queryForObject(read(file), String.class, parameters);
        } catch (DataAccessException refused) {
            throw new StartFailure(file + ": " + refused.getMostSpecificCause().getMessage(), refused);
        }
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
