package agentbus.db;

import agentbus.settings.StartFailure;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.sql.SQLException;
import javax.net.ssl.SSLException;

/** Turns a driver's connection error into one line with the cause and the address. */
final class ConnectFailure {
    private ConnectFailure() {}

    /**
     * Explains a failed connection.
     *
     * @param address the address of the database
     * @param source the origin of the address, such as a settings file
     * @param e the driver's exception
     * @return a failure whose message holds no secret
     */
    static StartFailure of(DatabaseAddress address, String source, SQLException e) {
        return new StartFailure("cannot open the " + address + " (" + source + "): " + why(address, e), e);
    }

    private static String why(DatabaseAddress address, SQLException e) {
        String state = e.getSQLState() == null ? "" : e.getSQLState();
        switch (state) {
            case "28P01":
                return "the server refuses the password of " + address.user();
            case "3D000":
                return "there is no such database; run: createdb " + address.name();
            case "42501":
                return address.user() + " may not connect to it";
            case "53300":
                return "the server has no connection left; raise its max_connections or lower"
                        + " agentbus.database.pool-size";
            case "57P03":
                return "the server is starting up or shutting down; try again in a moment";
            default:
                break;
        }
        // The driver uses the same SQLSTATE for a server without TLS, so the message decides.
        if ("08004".equals(state)
                && address.password().isEmpty()
                && String.valueOf(e.getMessage()).contains("password")) {
            return "the server asks for a password and none is given";
        }
        // The driver has no SQLSTATE of its own for this either.
        if (String.valueOf(e.getMessage()).contains("targetServerType: primary")) {
            return "the server only reads; name the primary, or see default_transaction_read_only";
        }
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnknownHostException) {
                return "the host name cannot be resolved";
            }
            if (cause instanceof SSLException) {
                return "TLS failed: " + cause.getMessage() + "; see the URL's sslmode";
            }
            if (cause instanceof NoRouteToHostException) {
                return "there is no route to the host";
            }
            if (cause instanceof SocketTimeoutException) {
                return "no answer in time";
            }
            if (cause instanceof ConnectException) {
                return String.valueOf(cause.getMessage()).contains("timed out")
                        ? "no answer in time"
                        : "connection refused; is Postgres running there?";
            }
        }
        if (String.valueOf(e.getMessage()).contains("timed out")) {
            return "no answer in time";
        }
        return hide(String.valueOf(e.getMessage()), address);
    }

    /** Masks the password, although neither driver nor server is known to repeat it. */
    private static String hide(String message, DatabaseAddress address) {
        return address.password().isEmpty() ? message : message.replace(address.password(), "***");
    }
}
