package agentbus.db;

import agentbus.settings.SecretFile;
import java.nio.file.Files;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The two roles of the embedded server: a superuser that only makes the role and the database of the bus, and the role of
 * the bus, which owns that database and is no superuser.
 *
 * <p>Earlier versions had one role, which was the superuser. {@link #prepare} divides it.
 */
final class ServerRoles {
    /** The role and the database of the bus. */
    static final String NAME = "agentbus";

    /** The superuser. */
    static final String SUPERUSER = "agentbus_superuser";

    private static final Logger LOG = LoggerFactory.getLogger(ServerRoles.class);
    private static final String HOST = "127.0.0.1";
    /** Chosen: a connection on loopback took over 5 s on a machine with 20 times more work than processors. */
    private static final Duration CONNECT = Duration.ofSeconds(30);
    /** Renames the superuser of earlier versions, because no session can rename its own role. */
    private static final String RENAMER = "agentbus_renamer";

    /** SQLSTATE invalid_password. */
    private static final String REFUSED = "28P01";

    /** Gives the statement of a name and a password. */
    private static final String WITH_PASSWORD = "select format(?, ?::text, ?::text)";

    /** Gives the bus what the superuser owns in its database. */
    private static final String HAND_OVER = "agentbus/db/hand-over.sql";

    /** Makes the role of the bus, with the name and the password that format() fills in. */
    private static final String MAKE_ROLE = "create role %I login createdb password %L in role pg_read_all_settings";

    private final ServerFiles files;
    private final String password;

    /**
     * The roles of one server.
     *
     * @param files the server's files, with the passwords
     */
    ServerRoles(ServerFiles files) {
        this.files = files;
        this.password = files.password();
    }

    /**
     * The address of the bus's database, as its role.
     *
     * @param port the server's port
     * @return the address
     */
    DatabaseAddress bus(int port) {
        return address(port, NAME, NAME, password);
    }

    /**
     * Opens a session that a server of this data directory allows: as the superuser, or as the role of the bus if only
     * that one is known.
     *
     * @param port the server's port
     * @return a session in the maintenance database; the caller closes it
     * @throws SQLException if the server cannot be reached, or allows neither
     */
    Connection session(int port) throws SQLException {
        Optional<Connection> superuser = superuserSession(port);
        return superuser.isPresent() ? superuser.get() : connect(address(port, "postgres", NAME, password));
    }

    /**
     * Makes the role and the database of the bus, if they are missing, and takes the rights of a superuser from a role of
     * an earlier version. Each step may be repeated, because a process can be killed in between.
     *
     * @param port the server's port
     * @throws SQLException if a statement fails
     * @throws agentbus.settings.StartFailure if the superuser's password cannot be kept
     */
    void prepare(int port) throws SQLException {
        Optional<Connection> session = superuserSession(port);
        if (session.isEmpty() && divide(port)) {
            session = superuserSession(port);
        }
        if (session.isEmpty()) {
            LOG.warn(
                    "The superuser's password in {} is missing or wrong; the bus does not need it",
                    files.superuserPasswordFile());
            return;
        }
        try (Connection connection = session.get();
                Statement statement = connection.createStatement()) {
            statement.execute("drop role if exists " + RENAMER);
            if (missing(statement, "select from pg_roles where rolname = 'agentbus'")) {
                statement.execute(withPassword(connection, MAKE_ROLE, NAME, password));
            }
            if (missing(statement, "select from pg_database where datname = 'agentbus'")) {
                statement.execute("create database agentbus owner agentbus");
                // The superuser owns nothing in it yet.
                return;
            }
        }
        try (Connection connection = connect(superuser(port, NAME));
                Statement statement = connection.createStatement()) {
            statement.execute(Migrations.resource(HAND_OVER).orElseThrow());
        }
    }

    /**
     * Makes a superuser of the role of an earlier version, and a new role for the bus.
     *
     * @return false if the role of the bus is no superuser already
     */
    private boolean divide(int port) throws SQLException {
        try (Connection connection = connect(address(port, "postgres", NAME, password));
                Statement statement = connection.createStatement()) {
            if (missing(statement, "select from pg_roles where rolname = current_user and rolsuper")) {
                return false;
            }
            statement.execute("drop role if exists " + RENAMER);
            statement.execute(withPassword(
                    connection, "create role %I superuser login password %L", RENAMER, files.superuserPassword()));
        }
        try (Connection connection = connect(address(port, "postgres", RENAMER, files.superuserPassword()));
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("alter role agentbus rename to agentbus_superuser");
            statement.execute(
                    withPassword(connection, "alter role %I password %L", SUPERUSER, files.superuserPassword()));
            statement.execute(withPassword(connection, MAKE_ROLE, NAME, password));
            for (String name : new String[] {"agentbus", "agentbus_bench"}) {
                if (!missing(statement, "select from pg_database where datname = '" + name + "'")) {
                    statement.execute("alter database " + name + " owner to agentbus");
                }
            }
            connection.commit();
        }
        LOG.info("The role {} of the embedded Postgres is no superuser any more", NAME);
        return true;
    }

    /** A session of the superuser in the maintenance database; empty if its password is not known here or is wrong. */
    private Optional<Connection> superuserSession(int port) throws SQLException {
        if (!Files.exists(files.superuserPasswordFile())) {
            return Optional.empty();
        }
        try {
            return Optional.of(connect(superuser(port, "postgres")));
        } catch (SQLException e) {
            if (REFUSED.equals(e.getSQLState())) {
                // The server gives the same answer for a role that it does not have.
                return Optional.empty();
            }
            throw e;
        }
    }

    private DatabaseAddress superuser(int port, String database) {
        return address(port, database, SUPERUSER, SecretFile.read(files.superuserPasswordFile()));
    }

    private static DatabaseAddress address(int port, String database, String user, String password) {
        return new DatabaseAddress(HOST, port, database, user, password, Map.of());
    }

    private static Connection connect(DatabaseAddress address) throws SQLException {
        return Database.unpooled(address, CONNECT).getConnection();
    }

    private static boolean missing(Statement statement, String sql) throws SQLException {
        try (ResultSet row = statement.executeQuery(sql)) {
            return !row.next();
        }
    }

    private static String withPassword(Connection connection, String format, String role, String password)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(WITH_PASSWORD)) {
            statement.setString(1, format);
            statement.setString(2, role);
            statement.setString(3, password);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }
}
