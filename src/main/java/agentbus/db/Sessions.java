package agentbus.db;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Map;
import java.util.TreeMap;
import javax.sql.DataSource;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/**
 * Opens connections to one database, and sets up the session of each: search path, time zone, time limits, and that the
 * server does not compile queries (see docs/performance.md, "Short statements").
 *
 * <p>A statement sets them after the connect. Parameters of the connect would not do, because a connection pooler refuses
 * those that it does not know, and because the parameter {@code options} belongs to the URL.
 */
final class Sessions extends DelegatingDataSource {
    private static final String SET_UP =
            "select set_config(name, value, false) from unnest(?::text[], ?::text[]) as setting (name, value)";

    private final Map<String, String> settings = new TreeMap<>();

    /**
     * Sessions with the schema of agentbus as their search path, in UTC. None lets the server compile a query: a plan
     * whose cost is estimated too high would be compiled for 15 ms or more in each run of a statement that takes 1 ms.
     *
     * @param driver opens the connections
     */
    Sessions(DataSource driver) {
        super(driver);
        with("search_path", Database.SCHEMA);
        with("TimeZone", "UTC");
        with("jit", "off");
    }

    /**
     * Sets one more server setting in each session.
     *
     * @param name the setting's name
     * @param value its value, in the server's own notation
     * @return this source
     */
    Sessions with(String name, String value) {
        settings.put(name, value);
        return this;
    }

    /** Opens a connection and sets up its session. */
    @Override
    public Connection getConnection() throws SQLException {
        Connection connection = super.getConnection();
        try (PreparedStatement statement = connection.prepareStatement(SET_UP)) {
            statement.setArray(1, array(connection, settings.keySet().toArray()));
            statement.setArray(2, array(connection, settings.values().toArray()));
            statement.execute();
            return connection;
        } catch (SQLException | RuntimeException failed) {
            connection.close();
            throw failed;
        }
    }

    /** Refused, because the URL and the settings name the user. */
    @Override
    public Connection getConnection(String user, String password) throws SQLException {
        throw new SQLException("the user of a connection is that of the URL");
    }

    private static java.sql.Array array(Connection connection, Object[] values) throws SQLException {
        return connection.createArrayOf("text", values);
    }
}
