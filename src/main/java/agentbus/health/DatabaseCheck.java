package agentbus.health;

import java.net.SocketTimeoutException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import javax.sql.DataSource;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/**
 * A readiness check that is down when calls would fail: the pool has no connection to a database that answers, the
 * database only reads, or another session's lock keeps every change waiting.
 */
public final class DatabaseCheck extends AbstractHealthCheck {
    /** Chosen: three times as long as the look waits for a lock, so that it can still say whose lock that is. */
    private static final int PATIENCE_MS = 3000;

    private final DataSource dataSource;
    private final String where;
    private final String trouble;

    /**
     * A check of one pool.
     *
     * @param dataSource the pool
     * @param where the database's address, without secrets
     * @param trouble the text of {@code sql/statements/health/write-trouble.sql}
     */
    public DatabaseCheck(DataSource dataSource, String where, String trouble) {
        super("agentbus", "database");
        this.dataSource = dataSource;
        this.where = where;
        this.trouble = trouble;
    }

    @Override
    public boolean isLiveness() {
        return false;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        builder.detail("where", where);
        try (Connection connection = dataSource.getConnection()) {
            // For a database that does not answer; the pool takes the limit back.
            connection.setNetworkTimeout(Runnable::run, PATIENCE_MS);
            checkWrites(connection, builder);
        } catch (SQLException unreachable) {
            builder.message("The database at " + where + " " + reason(unreachable))
                    .down();
        }
    }

    private static String reason(SQLException unreachable) {
        return unreachable.getCause() instanceof SocketTimeoutException
                ? "does not answer within " + PATIENCE_MS + " ms."
                : "cannot be reached: "
                        + String.valueOf(unreachable.getMessage())
                                .lines()
                                .findFirst()
                                .orElse("");
    }

    private void checkWrites(Connection connection, HealthCheckResultBuilder builder) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(trouble)) {
            row.next();
            String why = row.getString(1);
            if (why == null) {
                builder.up();
            } else {
                builder.message("Calls that change anything fail: " + why).down();
            }
        }
    }
}
