package routes.pgevent;

import java.net.SocketTimeoutException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import javax.sql.DataSource;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A connection that listens. One thread reads it; any thread may close it. */
class Listening {

    /** The name under which listeners appear in {@code pg_stat_activity}. */
    static final String APPLICATION_NAME = "agentbus-listener";

    private static final Logger LOG = LoggerFactory.getLogger(Listening.class);

    private final Connection connection;
    private final String channel;
    private final Duration answerLimit;

    private Listening(Connection connection, String channel, Duration answerLimit) {
        this.connection = connection;
        this.channel = channel;
        this.answerLimit = answerLimit;
    }

    /**
     * Connects and listens. Blocks while the data source connects, and then for at most two answers of the server.
     *
     * @param dataSource gives pgjdbc connections, or wrappers that unwrap to them
     * @param channel a checked channel name
     * @param answerLimit how long the server may take for each answer
     * @return an open connection, to be closed by the caller
     * @throws SQLException if the server cannot be reached or refuses; nothing is left open
     */
    static Listening open(DataSource dataSource, String channel, Duration answerLimit) throws SQLException {
        Listening listening = new Listening(dataSource.getConnection(), channel, answerLimit);
        try {
            listening.prepare();
            listening.listen();
            return listening;
        } catch (SQLException | RuntimeException e) {
            listening.close();
            throw e;
        }
    }

    private void prepare() throws SQLException {
        connection.setNetworkTimeout(Runnable::run, Math.toIntExact(answerLimit.toMillis()));
        // Postgres delivers no notification inside a transaction.
        connection.setAutoCommit(true);
        connection.setClientInfo("ApplicationName", APPLICATION_NAME);
    }

    private void listen() throws SQLException {
        try (Statement statement = connection.createStatement()) {
            // Quoted, so that a channel may be called "user"; a checked name holds no quotes.
            statement.execute("LISTEN \"" + channel + "\"");
        }
    }

    /**
     * Checks the connection by repeating LISTEN, which changes nothing. {@code pg_stat_activity} thus keeps showing
     * LISTEN as the query of this connection.
     *
     * @throws SQLException if the connection has ended, or the answer takes longer than the limit
     */
    void ping() throws SQLException {
        try {
            listen();
        } catch (SQLException e) {
            throw explained(e);
        }
    }

    /**
     * Waits for notifications.
     *
     * @param limit how long to wait for the first; at least 1 ms, because the driver takes 0 for "without a limit"
     * @return the payloads in the order they were sent; empty if none came
     * @throws SQLException if the connection has ended
     */
    List<String> heardWithin(Duration limit) throws SQLException {
        int timeoutMs = Math.toIntExact(Math.max(1, limit.toMillis()));
        try {
            PGNotification[] heard = connection.unwrap(PGConnection.class).getNotifications(timeoutMs);
            return Arrays.stream(heard).map(PGNotification::getParameter).toList();
        } catch (SQLException e) {
            throw explained(e);
        }
    }

    private SQLException explained(SQLException e) {
        return e.getCause() instanceof SocketTimeoutException
                ? new SQLTimeoutException("no answer within " + answerLimit.toSeconds() + " s", e)
                : new SQLException("the connection was closed: " + e.getMessage(), e.getSQLState(), e);
    }

    /** Closes the socket without waiting for the server; a thread that reads it fails at once. May be repeated. */
    void close() {
        try {
            connection.abort(Runnable::run);
            connection.close();
        } catch (SQLException e) {
            LOG.debug("A listener's connection did not close cleanly", e);
        }
    }
}
