package routes.pgevent;

import com.impossibl.postgres.jdbc.PGDataSource;
import java.util.Objects;
import javax.sql.DataSource;

/**
 * Where to listen, and as whom.
 *
 * <p>A component holds this, so that no route's URI, and with it no log line, JMX name or health detail, has to carry a
 * password.
 *
 * @param host host name or address, not blank
 * @param port TCP port, 1 to 65535
 * @param database database name, not blank
 * @param user role to log in as, not blank
 * @param password its password; empty where the server asks for none
 */
public record ListenServer(String host, int port, String database, String user, String password) {

    /** The name under which listeners appear in {@code pg_stat_activity}. */
    public static final String APPLICATION_NAME = "agentbus-listener";

    private static final int NETWORK_TIMEOUT_MS = 5_000;

    /**
     * Checks each part.
     *
     * @throws IllegalArgumentException if a part is blank or the port is out of range
     * @throws NullPointerException if a part is null
     */
    public ListenServer {
        requireText("host", host);
        requireText("database", database);
        requireText("user", user);
        Objects.requireNonNull(password, "password");
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException("port is " + port + "; it must be 1 to 65535");
        }
    }

    /**
     * Makes a source of connections for listening. It pools nothing: each call for a connection opens one.
     *
     * @return a data source of the driver that camel-pgevent needs, to be kept out of the registry: the sql component
     *     would take a second {@code DataSource} there for an ambiguity
     */
    DataSource dataSource() {
        PGDataSource source = new PGDataSource();
        source.setServerName(host);
        source.setPortNumber(port);
        source.setDatabaseName(database);
        source.setUser(user);
        source.setPassword(password);
        source.setApplicationName(APPLICATION_NAME);
        // Unset, a close or a statement on a dead connection waits without end.
        source.setNetworkTimeout(NETWORK_TIMEOUT_MS);
        // It looks for connections that were never closed; ours have one owner, and its thread outlives failed
        // connects.
        source.setHousekeeper(false);
        return source;
    }

    /**
     * Names the place without the password.
     *
     * @return {@code user@host:port/database}
     */
    @Override
    public String toString() {
        return user + "@" + host + ":" + port + "/" + database;
    }

    private static void requireText(String name, String value) {
        if (Objects.requireNonNull(value, name).isBlank()) {
            throw new IllegalArgumentException(name + " is blank");
        }
    }
}
