package agentbus.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import javax.sql.DataSource;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;

/** The bench's statements: SQL files beside this class, with {@code ?} parameters. */
final class BenchSql {
    private final JdbcTemplate jdbc;

    /**
     * Statements on one database.
     *
     * @param source its connections
     */
    BenchSql(DataSource source) {
        this.jdbc = new JdbcTemplate(source);
    }

    /**
     * Runs a statement that returns nothing.
     *
     * @param name the file's name without its ending
     * @throws BenchFailure when the database refuses
     */
    void run(String name, Object... parameters) {
        try {
            if (parameters.length == 0) {
                jdbc.execute(read(name));
            } else {
                jdbc.update(read(name), parameters);
            }
        } catch (DataAccessException refused) {
            throw failure(name, refused);
        }
    }

    /**
     * Runs a statement for its one number.
     *
     * @param name the file's name without its ending
     * @return the number
     * @throws BenchFailure when the database refuses
     */
    long number(String name, Object... parameters) {
        return ((Number) row(name, parameters).values().iterator().next()).longValue();
    }

    /**
     * Runs a statement for its one row.
     *
     * @param name the file's name without its ending
     * @return the row's values by column
     * @throws BenchFailure when the database refuses
     */
    Map<String, Object> row(String name, Object... parameters) {
        try {
            return jdbc.queryForMap(read(name), parameters);
        } catch (DataAccessException refused) {
            throw failure(name, refused);
        }
    }

    private static BenchFailure failure(String name, DataAccessException refused) {
        return new BenchFailure(
                name + ".sql of the bench: " + refused.getMostSpecificCause().getMessage(), refused);
    }

    private static String read(String name) {
        try (InputStream in = BenchSql.class.getResourceAsStream(name + ".sql")) {
            if (in == null) {
                throw new IllegalStateException(name + ".sql is not on the classpath beside " + BenchSql.class);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
