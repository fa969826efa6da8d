package agentbus.db;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashSet;
import java.util.Set;
import javax.sql.DataSource;
import org.postgresql.PGConnection;

/** Recognizes a connection pooler in transaction mode, such as PgBouncer with {@code pool_mode=transaction}. */
final class PoolerCheck {
    /**
     * Chosen: a pooler gives its most recently used server connection first, so that the first round decides. The others
     * are for a pool that other programs use at the same time.
     */
    private static final int ROUNDS = 5;

    private PoolerCheck() {}

    /**
     * Whether two connections share server sessions. In transaction mode a pooler gives one server session to many
     * clients in turn; in session mode, and without a pooler, each client keeps a session of its own.
     *
     * @param connection an idle connection
     * @param source opens a second one, if a pooler answers the first
     * @return true if both connections have met the same server session
     * @throws SQLException if a connection fails
     */
    static boolean sharesSessions(Connection connection, DataSource source) throws SQLException {
        if (connection.unwrap(PGConnection.class).getBackendPID() == session(connection)) {
            // The id from the connect is the server's own; a pooler gives one that it has made up.
            return false;
        }
        try (Connection other = source.getConnection()) {
            Set<Integer> ours = new HashSet<>();
            Set<Integer> others = new HashSet<>();
            for (int round = 0; round < ROUNDS; round++) {
                ours.add(session(connection));
                others.add(session(other));
            }
            ours.retainAll(others);
            return !ours.isEmpty();
        }
    }

    private static int session(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                var row = statement.executeQuery("select pg_backend_pid()")) {
            row.next();
            return row.getInt(1);
        }
    }
}
