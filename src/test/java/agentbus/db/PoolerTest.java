package agentbus.db;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import agentbus.settings.StartFailure;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** A database behind PgBouncer. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PoolerTest {
    private Optional<String> program;
    private Path home;
    private Database server;

    @BeforeAll
    void start(@TempDir Path directory) throws IOException {
        program = Stream.of("/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer")
                .filter(file -> Files.isExecutable(Path.of(file)))
                .findFirst();
        assumeTrue(program.isPresent(), "pgbouncer is not installed");
        home = directory;
        // PgBouncer does not run as root, and another user has to read its files.
        Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwxrwxrwx"));
        server = Database.open(Sandbox.settings(home));
    }

    @AfterAll
    void stop() {
        if (server != null) {
            server.close();
        }
    }

    @Test
    void a_pool_in_transaction_mode_is_refused_by_name_and_no_lock_stays_behind() throws Exception {
        try (Pooler pooler = new Pooler("transaction")) {
            String told = assertThrows(StartFailure.class, () -> Database.open(Sandbox.given(home, pooler.url()))
                            .close())
                    .getMessage();
            assertTrue(told.startsWith("a connection pooler in transaction mode answers for the database"), told);
            assertTrue(told.contains("the address of Postgres itself or of a pool in session mode"), told);
            assertEquals("0", ask(server, "select count(*) from pg_locks where locktype = 'advisory'"));
            assertEquals(
                    "\"$user\", public",
                    ask(pooler, "show search_path"),
                    "the refused start has set up a session that others use");
        }
    }

    @Test
    void a_pool_in_session_mode_serves_the_migration_the_pool_and_the_listener() throws Exception {
        try (Pooler pooler = new Pooler("session")) {
            try (Database database = Database.open(Sandbox.given(home, pooler.url()))) {
                assertEquals(2, new Migrations(database, "classpath:migrations/first").run());
                assertEquals("agentbus", ask(database, "show search_path"));
                assertEquals("20s", ask(database, "show statement_timeout"));
                // Beyond the number of uses after which the driver names its statements.
                for (int i = 0; i < 12; i++) {
                    assertEquals("0", ask(database, "select count(*) from things"));
                }
            }
            await("nothing of it stays with the pooler")
                    .until(() -> ask(server, "select count(*) from pg_locks where locktype = 'advisory'")
                            .equals("0"));
        }
    }

    private static String ask(Database database, String sql) throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            return ask(connection, sql);
        }
    }

    private static String ask(Pooler pooler, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:" + pooler.url())) {
            return ask(connection, sql);
        }
    }

    private static String ask(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                var row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    /** A running PgBouncer in front of the server. */
    private final class Pooler implements AutoCloseable {
        private final int port;
        private final Process process;

        Pooler(String mode) throws IOException {
            try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                port = free.getLocalPort();
            }
            Path users = Files.writeString(home.resolve("users.txt"), "\"agentbus\" \"" + server.password() + "\"\n");
            Path configuration = Files.writeString(
                    home.resolve(mode + ".ini"),
                    """
                    [databases]
                    agentbus = host=127.0.0.1 port=%d
                    [pgbouncer]
                    listen_addr = 127.0.0.1
                    listen_port = %d
                    unix_socket_dir =
                    auth_type = scram-sha-256
                    auth_file = %s
                    pool_mode = %s
                    """
                            .formatted(server.port(), port, users, mode));
            List<String> command = new ArrayList<>(List.of(program.orElseThrow()));
            if (System.getProperty("user.name").equals("root")) {
                command.addAll(List.of("--user", "nobody"));
            }
            command.add(configuration.toString());
            process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(home.resolve(mode + ".log").toFile())
                    .start();
            await("PgBouncer listens").until(this::listens);
        }

        String url() {
            return "postgresql://127.0.0.1:" + port + "/agentbus?user=agentbus&password=" + server.password();
        }

        private boolean listens() {
            try (Socket connected = new Socket("127.0.0.1", port)) {
                return connected.isConnected();
            } catch (IOException notYet) {
                return false;
            }
        }

        @Override
        public void close() {
            process.destroyForcibly();
            await("PgBouncer has ended").until(() -> !process.isAlive());
        }
    }
}
