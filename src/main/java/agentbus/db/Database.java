package agentbus.db;

import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.postgresql.PGProperty;
import org.postgresql.ds.PGSimpleDataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The database of one process: an external Postgres or an embedded one in the data directory, with a connection pool.
 *
 * <p>All processes on one data directory share the embedded server; the last one stops it. No JVM shutdown hook
 * closes the database: callers close it, after all its users.
 */
public final class Database implements AutoCloseable {
    /** The schema of all agentbus tables and functions, and the whole search path of pooled connections. */
    public static final String SCHEMA = "agentbus";

    /** Chosen: no statement of the bus takes 20 s on a healthy server. */
    private static final Duration STATEMENT_LIMIT = Duration.ofSeconds(20);
    /** Chosen: 5 s, so that a forgotten transaction that holds a lock cannot block the whole pool. */
    private static final Duration LOCK_LIMIT = Duration.ofSeconds(5);

    /**
     * Chosen: a connection used within the last 30 s is not validated again. An idle bus uses each of its connections a
     * few times a minute, and with 12 s a seventh of its queries were validations. A call on a connection that broke
     * within that time fails and says so, as it does within any such time, and the connection is not used again.
     */
    private static final Duration TRUSTED = Duration.ofSeconds(30);

    private static final Logger LOG = LoggerFactory.getLogger(Database.class);
    private static final String URL_KEY = "agentbus.database.url";
    private static final int LEAST_MAJOR = 15;

    private final DatabaseAddress address;
    private final Duration connectTimeout;
    private final HikariDataSource pool;
    private final EmbeddedServer embedded;

    private Database(DatabaseAddress address, Settings settings, EmbeddedServer embedded) {
        this.address = address;
        this.embedded = embedded;
        this.connectTimeout = connectTimeout(settings);
        this.pool = embedded == null ? check(settings.source(URL_KEY), settings) : pool(settings);
    }

    /**
     * Opens the database of {@code agentbus.database.url}, or the embedded one if that is empty.
     *
     * @param settings the {@code agentbus.database.} settings and the data directory
     * @return an open, reachable database of a supported version; its schema may still be missing, see
     *     {@link Migrations}
     * @throws StartFailure if the URL is malformed, the server cannot be reached or is too old, refuses the user or has
     *     no such database, or if the embedded server does not start
     */
    public static Database open(Settings settings) {
        String url = settings.text(URL_KEY);
        if (!url.isEmpty()) {
            return new Database(address(url, settings), settings, null);
        }
        EmbeddedServer server = EmbeddedServer.open(settings);
        try {
            return new Database(server.address(), settings, server);
        } catch (RuntimeException e) {
            server.close();
            throw e;
        }
    }

    /**
     * Checks the database's URL without connecting.
     *
     * @param settings the {@code agentbus.database.} settings
     * @throws StartFailure if the URL is malformed
     */
    public static void requireAddress(Settings settings) {
        String url = settings.text(URL_KEY);
        if (!url.isEmpty()) {
            address(url, settings);
        }
    }

    /**
     * The connection pool, named {@code agentbus}; its connections search only the schema {@link #SCHEMA}.
     *
     * @return the same pool each time; callers close the connections that they take
     */
    public DataSource dataSource() {
        return pool;
    }

    /**
     * Connections outside the pool and without its statement timeout, for migrations and long-lived connections.
     *
     * @return a source of new connections; callers close them
     */
    public DataSource unpooled() {
        return sessions();
    }

    /** As {@link #unpooled()}, for callers that set more in each session. */
    Sessions sessions() {
        return new Sessions(driver(address, connectTimeout));
    }

    /**
     * Connections outside the pool with a time limit for every answer, for a listener that must notice a dead
     * connection.
     *
     * @param limit how long a connect, and then each answer, may take; rounded up to whole seconds
     * @return a source of new connections; callers close them
     */
    public DataSource unpooled(Duration limit) {
        PGSimpleDataSource source = driver(address, limit);
        source.setSocketTimeout(wholeSeconds(limit));
        return new Sessions(source);
    }

    /**
     * The server's host.
     *
     * @return a host name or address
     */
    public String host() {
        return address.host();
    }

    /**
     * The server's port.
     *
     * @return a TCP port
     */
    public int port() {
        return address.port();
    }

    /**
     * The database's name.
     *
     * @return the name
     */
    public String name() {
        return address.name();
    }

    /**
     * The URL of a database on the same server, for another process. It has no user and no password, because it may be
     * logged or stand on a command line.
     *
     * @param database the database's name: letters, digits and underscores
     * @return such as {@code postgresql://127.0.0.1:5432/bus?sslmode=require}
     */
    public String url(String database) {
        String parameters = address.parameters().entrySet().stream()
                .map(parameter -> parameter.getKey() + "=" + encode(parameter.getValue()))
                .sorted()
                .collect(Collectors.joining("&"));
        return "postgresql://" + address.authority() + "/" + database + (parameters.isEmpty() ? "" : "?" + parameters);
    }

    /**
     * The role of the connections.
     *
     * @return the role's name
     */
    public String user() {
        return address.user();
    }

    /**
     * The role's password, for connections made elsewhere. Never log it.
     *
     * @return the password, possibly empty
     */
    public String password() {
        return address.password();
    }

    /** Closes the pool, and stops the embedded server if this was its last process. */
    @Override
    public void close() {
        try {
            pool.close();
        } finally {
            if (embedded != null) {
                embedded.close();
            }
        }
    }

    /** The address and the role, without the password. */
    @Override
    public String toString() {
        return (embedded == null ? "" : "own ") + address;
    }

    /**
     * Refuses servers older than Postgres 15, which lack features that the schema needs.
     *
     * @param version the server's {@code server_version_num}, such as 150004
     * @param address the server's address
     */
    static void requireVersion(int version, DatabaseAddress address) {
        if (version / 10_000 < LEAST_MAJOR) {
            throw new StartFailure("the server of the " + address + " is Postgres " + version / 10_000
                    + "; agentbus needs " + LEAST_MAJOR + " or newer");
        }
    }

    static DataSource unpooled(DatabaseAddress address, Duration timeout) {
        return new Sessions(driver(address, timeout));
    }

    /** Connections as the driver opens them, without the session's setup. */
    private static PGSimpleDataSource driver(DatabaseAddress address, Duration timeout) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        List<DatabaseAddress.Server> servers = address.servers();
        source.setServerNames(servers.stream().map(DatabaseAddress.Server::host).toArray(String[]::new));
        source.setPortNumbers(
                servers.stream().mapToInt(DatabaseAddress.Server::port).toArray());
        source.setDatabaseName(address.name());
        Properties properties = properties(address, timeout);
        for (String key : properties.stringPropertyNames()) {
            try {
                source.setProperty(key, properties.getProperty(key));
            } catch (SQLException e) {
                throw new StartFailure("the driver refuses the URL's parameter " + key + ": " + e.getMessage(), e);
            }
        }
        return source;
    }

    private static DatabaseAddress address(String url, Settings settings) {
        try {
            return DatabaseAddress.parse(
                    url, settings.text("agentbus.database.user"), settings.text("agentbus.database.password"));
        } catch (IllegalArgumentException e) {
            // Settings.invalid would quote the value, and a malformed URL cannot be masked reliably.
            throw new StartFailure(URL_KEY + " (" + settings.source(URL_KEY) + ") " + e.getMessage());
        }
    }

    private static Duration connectTimeout(Settings settings) {
        return settings.duration("agentbus.database.connect-timeout-ms");
    }

    private static Properties properties(DatabaseAddress address, Duration timeout) {
        Properties properties = new Properties();
        String seconds = String.valueOf(wholeSeconds(timeout));
        properties.setProperty(PGProperty.CONNECT_TIMEOUT.getName(), seconds);
        // Covers a server that accepts the connection and then stays silent.
        properties.setProperty(PGProperty.LOGIN_TIMEOUT.getName(), seconds);
        properties.setProperty(PGProperty.TCP_KEEP_ALIVE.getName(), "true");
        properties.setProperty(PGProperty.APPLICATION_NAME.getName(), "agentbus");
        // No connection to a standby or a former primary, where every change would be refused.
        properties.setProperty(PGProperty.TARGET_SERVER_TYPE.getName(), "primary");
        address.parameters().forEach(properties::setProperty);
        // The session's setup sets the search path, whatever the URL names.
        properties.remove(PGProperty.CURRENT_SCHEMA.getName());
        properties.setProperty(PGProperty.USER.getName(), address.user());
        properties.setProperty(PGProperty.PASSWORD.getName(), address.password());
        return properties;
    }

    /** In a URL a blank is %20, because a plus sign stays a plus sign there. */
    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private static int wholeSeconds(Duration time) {
        return (int) Math.max(1, (time.toMillis() + 999) / 1000);
    }

    /** Connects before the pool does, because the pool reports a timeout in place of the cause. */
    private HikariDataSource check(String source, Settings settings) {
        try (Connection connection = driver(address, connectTimeout).getConnection()) {
            requireVersion(version(connection), address);
            if (PoolerCheck.sharesSessions(connection, driver(address, connectTimeout))) {
                throw new StartFailure("a connection pooler in transaction mode answers for the " + address + " ("
                        + source + "); agentbus needs sessions of its own, for locks, time limits and notifications,"
                        + " so give it the address of Postgres itself or of a pool in session mode");
            }
        } catch (SQLException e) {
            throw ConnectFailure.of(address, source, e);
        }
        LOG.info("Using the {}", address);
        return pool(settings);
    }

    private static int version(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                var row = statement.executeQuery("select current_setting('server_version_num')::int")) {
            row.next();
            return row.getInt(1);
        }
    }

    private HikariDataSource pool(Settings settings) {
        // HikariCP has no method for the time without validation, only this system property.
        System.setProperty("com.zaxxer.hikari.aliveBypassWindowMs", Long.toString(TRUSTED.toMillis()));
        HikariConfig config = new HikariConfig();
        config.setPoolName("agentbus");
        config.setDataSource(pooled(settings));
        config.setMaximumPoolSize(settings.integer("agentbus.database.pool-size"));
        config.setMinimumIdle(2);
        config.setConnectionTimeout(connectTimeout.toMillis());
        config.setValidationTimeout(Math.min(connectTimeout.toMillis(), 3_000));
        config.setKeepaliveTime(Duration.ofMinutes(2).toMillis());
        config.setInitializationFailTimeout(-1);
        config.setExceptionOverride(new ReadOnlyServer());
        return new HikariDataSource(config);
    }

    private DataSource pooled(Settings settings) {
        PGSimpleDataSource source = driver(address, connectTimeout);
        if (!address.parameters().containsKey(PGProperty.SOCKET_TIMEOUT.getName())) {
            source.setSocketTimeout((int)
                    settings.duration("agentbus.database.socket-timeout-ms").toSeconds());
        }
        Sessions sessions = new Sessions(source);
        // With the default socket timeout the server cancels a statement before the client gives up on it. Otherwise an
        // abandoned statement would keep its locks.
        Map.of("statement_timeout", STATEMENT_LIMIT, "lock_timeout", LOCK_LIMIT).forEach((name, limit) -> {
            if (!address.setsInOptions(name)) {
                sessions.with(name, Long.toString(limit.toMillis()));
            }
        });
        return sessions;
    }
}
