package routes.pgevent;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.postgresql.ds.PGSimpleDataSource;

/** A Postgres that can be stopped and started again with the same port and data. */
final class Server implements AutoCloseable {

    private final File data;
    private int port;
    private EmbeddedPostgres running;

    Server(Path directory) {
        data = directory.toFile();
        start();
    }

    void start() {
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

    void stop() {
        try {
            running.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    PGSimpleDataSource address() {
        return address(port, "postgres", "not-asked-for");
    }

    /** A data source for a server on this machine. */
    static PGSimpleDataSource address(int port, String user, String password) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setServerNames(new String[] {"localhost"});
        source.setPortNumbers(new int[] {port});
        source.setDatabaseName("postgres");
        source.setUser(user);
        source.setPassword(password);
        return source;
    }

    int port() {
        return port;
    }

    void notify(String channel, String payload) throws SQLException {
        query("select pg_notify(?, ?)", channel, payload);
    }

    /** Process ids of the server's sides of all listeners. */
    List<Integer> listenerPids() throws SQLException {
        return query("select pid::text from pg_stat_activity where application_name = ?", Listening.APPLICATION_NAME)
                .stream()
                .map(Integer::valueOf)
                .toList();
    }

    void terminateListeners() throws SQLException {
        query(
                "select pg_terminate_backend(pid)::text from pg_stat_activity where application_name = ?",
                Listening.APPLICATION_NAME);
    }

    void execute(String sql) throws SQLException {
        try (Connection connection = running.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    List<String> query(String sql, String... arguments) throws SQLException {
        try (Connection connection = running.getPostgresDatabase().getConnection();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < arguments.length; i++) {
                statement.setString(i + 1, arguments[i]);
            }
            List<String> rows = new ArrayList<>();
            try (ResultSet result = statement.executeQuery()) {
                while (result.next()) {
                    rows.add(result.getString(1));
                }
            }
            return rows;
        }
    }

    @Override
    public void close() {
        stop();
    }
}
