package agentbus.health;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import javax.sql.DataSource;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/** A readiness check that is down when the pool has no connection to a database that answers. */
public final class DatabaseCheck extends AbstractHealthCheck {
    /** Chosen: below the usual timeouts of readiness probes. */
    private static final int VALID_SECONDS = 2;

    private final DataSource dataSource;
    private final String where;

    /**
     * A check of one pool.
     *
     * @param dataSource the pool
     * @param where the database's address, without secrets
     */
    public DatabaseCheck(DataSource dataSource, String where) {
        super("agentbus", "database");
        this.dataSource = dataSource;
        this.where = where;
    }

    @Override
    public boolean isLiveness() {
        return false;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        builder.detail("where", where);
        try (Connection connection = dataSource.getConnection()) {
            if (connection.isValid(VALID_SECONDS)) {
                builder.up();
            } else {
                builder.message("The database at " + where + " does not answer.")
                        .down();
            }
        } catch (SQLException unreachable) {
            builder.message("The database at " + where + " cannot be reached: "
                            + String.valueOf(unreachable.getMessage())
                                    .lines()
                                    .findFirst()
                                    .orElse(""))
                    .down();
        }
    }
}
