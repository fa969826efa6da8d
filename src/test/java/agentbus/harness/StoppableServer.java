package agentbus.harness;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.springframework.jdbc.core.JdbcTemplate;

/** A Postgres of one test, which can be stopped and restarted on the same port with the same data. */
public final class StoppableServer implements AutoCloseable {
    private final Path data;
    private int port;
    private EmbeddedPostgres running;

    /**
     * Starts a server.
     *
     * @param directory a directory of the test; the data lies in {@code data} below it
     */
    public StoppableServer(Path directory) {
        data = directory.resolve("data");
        start();
    }

    /** Restarts the server. */
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

    /** Stops the server and closes its connections. */
    public void stop() {
        try {
            running.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The database's URL, for {@code DATABASE_URL}. */
    public String url() {
        return "postgresql://postgres@127.0.0.1:" + port + "/postgres";
    }

    /** Statements in the schema, each on a new connection. */
    public JdbcTemplate jdbc() {
        return new JdbcTemplate(running.getDatabase("postgres", "postgres", Map.of("currentSchema", "agentbus")));
    }

    @Override
    public void close() {
        stop();
    }
}
