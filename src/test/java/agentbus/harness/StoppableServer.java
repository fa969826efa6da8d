package agentbus.harness;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.springframework.jdbc.core.JdbcTemplate;

/** A Postgres of one test, which can be stopped and started again on the same port with the same data. */
public final class StoppableServer implements AutoCloseable {
    private final Path data;
    private int port;
    private EmbeddedPostgres running;

    /**
     * Starts a server.
     *
     * @param directory a directory of the test; the data goes to {@code data} in it
     */
    public StoppableServer(Path directory) {
        data = directory.resolve("data");
        start();
    }

    /** Starts it again. */
    public void start() {
        try {
            EmbeddedPostgres.Builder builder = EmbeddedPostgres.builder()
                    .setDataDirectory(data)
                    .setCleanDataDirectory(false)
                    .setPGStartupWait(Duration.ofSeconds(30));
            if (port != 0) {
                builder.setPort(port);
            }
            running = builder.start();
            port = running.getPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Stops it; connections are cut. */
    public void stop() {
        try {
            running.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The address as {@code DATABASE_URL} takes it. */
    public String url() {
        return "postgresql://postgres@127.0.0.1:" + port + "/postgres";
    }

    /** Statements in the schema; a connection of its own for each. */
    public JdbcTemplate jdbc() {
        return new JdbcTemplate(running.getDatabase("postgres", "postgres", Map.of("currentSchema", "agentbus")));
    }

    @Override
    public void close() {
        stop();
    }
}
