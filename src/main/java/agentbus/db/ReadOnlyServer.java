package agentbus.db;

import com.zaxxer.hikari.SQLExceptionOverride;
import java.sql.SQLException;

/**
 * Removes a connection from the pool when its server refuses a change because it only reads. After a failover such a
 * connection leads to the former primary, and the next one leads to the new primary.
 */
final class ReadOnlyServer implements SQLExceptionOverride {
    /** SQLSTATE read_only_sql_transaction. */
    private static final String READ_ONLY = "25006";

    @java.lang.Override
    public Override adjudicate(SQLException failure) {
        return READ_ONLY.equals(failure.getSQLState()) ? Override.MUST_EVICT : Override.CONTINUE_EVICT;
    }
}
