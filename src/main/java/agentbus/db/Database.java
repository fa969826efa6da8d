package agentbus.db;

import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.postgresql.PGProperty;
import org.postgresql.ds.PGSimpleDataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The database of one process: a given Postgres, or one of its own in the data directory, and a pool of connections to it.
 *
 * <p>The own server is shared by all processes on one data directory, and stops with the last of them. Close the database
 * after everything that uses it: nothing here hooks into the end of the JVM, so that the order stays the caller's.
 */
public final class Database implements AutoCloseable {
    /** The schema that holds everything of agentbus; connections of the pool look nowhere else. */
    public static final String SCHEMA = "agentbus";

    /** No statement of the bus takes this long on a server that is well. */
    private static final Duration STATEMENT_LIMIT = Duration.ofSeconds(20);
    /** Somebody's forgotten transaction must not use up the pool. */
    private static final Duration LOCK_LIMIT = Duration.ofSeconds(5);

    /**
     * A connection that served within this time is taken to be well; the pool asks the others first, which would double the
     * queries of a bus that has nothing to do: its slowest regular look but one comes every 10 s.
     */
    private static final Duration TRUSTED = Duration.ofSeconds(12);

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
     * Opens the database that {@code agentbus.database.url} names, or the own one if that is empty.
     *
     * @param settings the {@code agentbus.database.} settings and the data directory
     * @return an open database, reachable and new enough; its schema may not be there yet, see {@link Migrations}
     * @throws StartFailure if the URL is malformed, the server cannot be reached or is too old, refuses the user or has no
     *     such database, or if the own server cannot be started
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
     * The pool, named {@code agentbus}, whose connections have the schema as their search path.
     *
     * @return the same object each time; connections must be closed by whoever takes them
     */
    public DataSource dataSource() {
        return pool;
    }

    /**
     * Connections of their own, outside the pool and without its limit on how long a statement may take: for migrations and
     * for what holds a connection for long.
     *
     * @return a source whose connections must be closed by whoever takes them
     */
    public DataSource unpooled() {
        return unpooled(address, connectTimeout);
    }

    /**
     * Where the server is.
     *
     * @return a host name or address
     */
    public String host() {
        return address.host();
    }

    /**
     * Where the server listens.
     *
     * @return a TCP port
     */
    public int port() {
        return address.port();
    }

    /**
     * Which of the server's databases this is.
     *
     * @return its name
     */
    public String name() {
        return address.name();
    }

    /**
     * The URL of a database on the same server, for another process. User and password are not in it: they do not belong
     * on a command line or into a log.
     *
     * @param database the database's name, plain letters, digits and underscores
     * @return such as {@code postgresql://127.0.0.1:5432/bus?sslmode=require}
     */
    public String url(String database) {
        String host = address.host().contains(":") ? "[" + address.host() + "]" : address.host();
        String parameters = address.parameters().entrySet().stream()
                .map(parameter ->
                        parameter.getKey() + "=" + URLEncoder.encode(parameter.getValue(), StandardCharsets.UTF_8))
                .sorted()
                .collect(Collectors.joining("&"));
        return "postgresql://" + host + ":" + address.port() + "/" + database
                + (parameters.isEmpty() ? "" : "?" + parameters);
    }

    /**
     * As whom to connect.
     *
     * @return a role
     */
    public String user() {
        return address.user();
    }

    /**
     * The user's password, for connections that do not come from here. Never log it.
     *
     * @return the password, possibly empty
     */
    public String password() {
        return address.password();
    }

    /** Closes the pool; if this was the last process on the own server, stops that too. */
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

    /** Where and as whom, without the password. */
    @Override
    public String toString() {
        return (embedded == null ? "" : "own ") + address;
    }

    /**
     * Refuses servers that lack what the schema needs.
     *
     * @param version the server's {@code server_version_num}, such as 150004
     * @param address where it is
     */
    static void requireVersion(int version, DatabaseAddress address) {
        if (version / 10_000 < LEAST_MAJOR) {
            throw new StartFailure("the server of the " + address + " is Postgres " + version / 10_000
                    + "; agentbus needs " + LEAST_MAJOR + " or newer");
        }
    }

    static PGSimpleDataSource unpooled(DatabaseAddress address, Duration timeout) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setServerNames(new String[] {address.host()});
        source.setPortNumbers(new int[] {address.port()});
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
            // Not Settings.invalid: a URL too broken to be taken apart is too broken to be masked with certainty.
            throw new StartFailure(URL_KEY + " (" + settings.source(URL_KEY) + ") " + e.getMessage());
        }
    }

    private static Duration connectTimeout(Settings settings) {
        return settings.duration("agentbus.database.connect-timeout-ms", 250, 60_000);
    }

    private static Properties properties(DatabaseAddress address, Duration timeout) {
        Properties properties = new Properties();
        String seconds = String.valueOf(Math.max(1, (timeout.toMillis() + 999) / 1000));
        properties.setProperty(PGProperty.CONNECT_TIMEOUT.getName(), seconds);
        // Covers a server that takes the connection and then says nothing.
        properties.setProperty(PGProperty.LOGIN_TIMEOUT.getName(), seconds);
        properties.setProperty(PGProperty.TCP_KEEP_ALIVE.getName(), "true");
        properties.setProperty(PGProperty.APPLICATION_NAME.getName(), "agentbus");
        address.parameters().forEach(properties::setProperty);
        properties.setProperty(PGProperty.CURRENT_SCHEMA.getName(), SCHEMA);
        properties.setProperty(PGProperty.USER.getName(), address.user());
        properties.setProperty(PGProperty.PASSWORD.getName(), address.password());
        return properties;
    }

    /**
     * Whether the URL insists on TLS.
     *
     * @return true for sslmode require, verify-ca and verify-full, and for ssl=true
     */
    public boolean requiresTls() {
        String mode = address.parameters().getOrDefault("sslmode", "");
        return List.of("require", "verify-ca", "verify-full").contains(mode)
                || "true".equals(address.parameters().get("ssl"));
    }

    /** One connection before the pool's, because the pool hides the reason of a failure behind its own timeout. */
    private HikariDataSource check(String source, Settings settings) {
        try (Connection connection = unpooled().getConnection();
                var statement = connection.createStatement();
                var row = statement.executeQuery("select current_setting('server_version_num')::int")) {
            row.next();
            requireVersion(row.getInt(1), address);
        } catch (SQLException e) {
            throw ConnectFailure.of(address, source, e);
        }
        LOG.info("Using the {}", address);
        return pool(settings);
    }

    private HikariDataSource pool(Settings settings) {
        // The pool has no setting for it but this one of the process.
        System.setProperty("com.zaxxer.hikari.aliveBypassWindowMs", Long.toString(TRUSTED.toMillis()));
        HikariConfig config = new HikariConfig();
        config.setPoolName("agentbus");
        config.setDataSource(pooled(settings));
        config.setMaximumPoolSize(settings.integer("agentbus.database.pool-size", 4, 200));
        config.setMinimumIdle(2);
        config.setConnectionTimeout(connectTimeout.toMillis());
        config.setValidationTimeout(Math.min(connectTimeout.toMillis(), 3_000));
        config.setKeepaliveTime(Duration.ofMinutes(2).toMillis());
        config.setInitializationFailTimeout(-1);
        return new HikariDataSource(config);
    }

    private DataSource pooled(Settings settings) {
        PGSimpleDataSource source = unpooled(address, connectTimeout);
        // The server gives up before the client does: a statement whose client has gone must not go on and hold its
        // locks.
        source.setOptions(
                "-c statement_timeout=" + STATEMENT_LIMIT.toMillis() + " -c lock_timeout=" + LOCK_LIMIT.toMillis());
        source.setSocketTimeout((int) settings.duration("agentbus.database.socket-timeout-ms", 1_000, 3_600_000)
                .toSeconds());
        return source;
    }
}
