package agentbus.db;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DatabaseTest {
    private Path home;
    private Database server;

    @BeforeAll
    void start(@TempDir Path directory) {
        home = directory;
        server = Database.open(Sandbox.settings(home));
    }

    @AfterAll
    void stop() {
        server.close();
    }

    @Test
    void a_given_url_is_used_with_its_escaped_credentials() throws Exception {
        Sandbox.asSuperuser(home, server.port(), "create role \"a@b\" login password 'p/:@%ü'");
        String url = "postgres://a%40b:p%2F%3A%40%25%C3%BC@127.0.0.1:" + server.port() + "/agentbus?sslmode=disable";
        try (Database database = Database.open(Sandbox.given(home, url))) {
            assertEquals("a@b", ask(database, "select current_user"));
            assertEquals("127.0.0.1", database.host());
            assertEquals(server.port(), database.port());
            assertEquals("agentbus", database.name());
            assertEquals("a@b", database.user());
            assertEquals("p/:@%ü", database.password());
            assertFalse(database.toString().contains("p/:"), database.toString());
        }
    }

    @Test
    void of_several_servers_the_one_that_answers_is_used() throws Exception {
        String url = url("agentbus", server.password(), "agentbus").replace("127.0.0.1:", "127.0.0.1:1,127.0.0.1:");
        // The driver remembers for ten seconds that a server only reads, as another test has made this one do.
        url += "?hostRecheckSeconds=0";
        try (Database database = Database.open(Sandbox.given(home, url))) {
            assertEquals("agentbus", ask(database, "select current_database()"));
            assertTrue(
                    database.url("other").startsWith("postgresql://127.0.0.1:1,127.0.0.1:" + server.port() + "/other"),
                    database.url("other"));
        }
    }

    @Test
    void connections_carry_the_programs_name_and_look_in_its_schema_only() throws SQLException {
        assertEquals("agentbus", ask(server, "show application_name"));
        assertEquals("agentbus", ask(server, "show search_path"));
    }

    @Test
    void the_parameters_of_the_url_reach_every_connection() throws SQLException {
        String options = "?options=-c%20work_mem%3D77MB%20-c%20lock_timeout%3D3s&currentSchema=elsewhere";
        try (Database database = Database.open(
                Sandbox.given(home, url("agentbus", server.password(), "agentbus") + options + "&socketTimeout=7"))) {
            for (DataSource source :
                    List.of(database.dataSource(), database.unpooled(), database.unpooled(Duration.ofSeconds(5)))) {
                assertEquals("77MB", ask(source, "show work_mem"));
                assertEquals("3s", ask(source, "show lock_timeout"));
                assertEquals("agentbus", ask(source, "show search_path"));
                assertEquals("UTC", ask(source, "show timezone"));
                assertEquals("off", ask(source, "show jit"));
            }
            assertEquals("20s", ask(database, "show statement_timeout"));
            try (Connection connection = database.dataSource().getConnection()) {
                assertEquals(7_000, connection.getNetworkTimeout());
            }
            // The address for another process, as the bench starts them.
            try (Database other = Database.open(Sandbox.given(
                    home,
                    database.url("agentbus"),
                    "agentbus.database.user",
                    "agentbus",
                    "agentbus.database.password",
                    server.password()))) {
                assertEquals("77MB", ask(other, "show work_mem"));
            }
        }
    }

    @Test
    void user_and_password_may_come_from_the_settings() throws SQLException {
        String url = "postgresql://127.0.0.1:" + server.port() + "/agentbus";
        Settings settings = Settings.load(
                home, Map.of("DATABASE_URL", url, "PGUSER", "agentbus", "PGPASSWORD", server.password()), Map.of());
        try (Database database = Database.open(settings)) {
            assertEquals("agentbus", ask(database, "select current_user"));
        }
    }

    @Test
    void a_server_that_only_reads_is_refused_in_words() throws SQLException {
        execute("create database standby");
        execute("alter database standby set default_transaction_read_only = on");

        assertFailure(
                url("agentbus", server.password(), "standby"),
                "the server only reads; name the primary, or see default_transaction_read_only");
    }

    @Test
    void a_connection_that_leads_to_a_server_that_only_reads_is_thrown_away() throws SQLException {
        execute("create database switched");
        try (Database database = Database.open(Sandbox.given(home, url("agentbus", server.password(), "switched")))) {
            try (Connection connection = database.dataSource().getConnection();
                    Statement statement = connection.createStatement()) {
                statement.execute("set session characteristics as transaction read only");
                assertThrows(SQLException.class, () -> statement.execute("create table refused (id int)"));
                assertTrue(connection.isClosed());
            }
            try (Connection connection = database.dataSource().getConnection();
                    Statement statement = connection.createStatement()) {
                statement.execute("create temp table taken (id int)");
            }
        }
    }

    @Test
    void a_wrong_password_is_told_without_repeating_it() {
        assertFailure(
                url("agentbus", "hidden", "agentbus"),
                "cannot open the database agentbus at 127.0.0.1:" + server.port() + " as agentbus (command line): "
                        + "the server refuses the password of agentbus");
    }

    @Test
    void a_missing_password_is_told() {
        assertFailure(
                "postgresql://agentbus@127.0.0.1:" + server.port() + "/agentbus",
                "the server asks for a password and none is given");
    }

    @Test
    void a_missing_database_is_told_with_the_way_to_make_it() {
        assertFailure(
                url("agentbus", server.password(), "elsewhere"), "there is no such database; run: createdb elsewhere");
    }

    @Test
    void a_database_that_the_user_may_not_enter_is_told() throws Exception {
        Sandbox.asSuperuser(home, server.port(), "create role outsider login password 'hidden'");
        execute("create database closed");
        execute("revoke connect on database closed from public");
        assertFailure(url("outsider", "hidden", "closed"), "outsider may not connect to it");
    }

    @Test
    void a_port_where_nobody_listens_is_told() throws Exception {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        assertFailure(
                "postgresql://u:hidden@127.0.0.1:" + port + "/d",
                "cannot open the database d at 127.0.0.1:" + port
                        + " as u (command line): connection refused; is Postgres running there?");
    }

    @Test
    void a_host_that_does_not_exist_is_told() {
        assertFailure("postgresql://u:hidden@nowhere.invalid/d", "the host name cannot be resolved");
    }

    @Test
    void a_server_that_says_nothing_is_given_up_in_time() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertFailure("postgresql://u:hidden@127.0.0.1:" + silent.getLocalPort() + "/d", "no answer in time");
        }
    }

    @Test
    void a_server_without_tls_is_told_where_tls_is_asked_for() {
        assertFailure(url("agentbus", server.password(), "agentbus") + "?sslmode=require", "SSL");
    }

    @Test
    void a_malformed_url_is_told_with_where_it_came_from() {
        assertFailure(
                "mysql://u:hidden@h/d",
                "agentbus.database.url (command line) must look like postgresql://user:password@host:5432/database");
    }

    @Test
    void an_old_server_is_refused_with_both_versions() {
        DatabaseAddress address = new DatabaseAddress("h", 5432, "d", "u", "", Map.of());
        String message = assertThrows(StartFailure.class, () -> Database.requireVersion(140_012, address))
                .getMessage();
        assertEquals("the server of the database d at h:5432 as u is Postgres 14; agentbus needs 15 or newer", message);
        assertDoesNotThrow(() -> Database.requireVersion(150_000, address));
    }

    private void assertFailure(String url, String expected) {
        Settings settings = Sandbox.given(home, url, "agentbus.database.connect-timeout-ms", "1000");
        String message = assertThrows(
                        StartFailure.class, () -> Database.open(settings).close())
                .getMessage();
        assertTrue(message.contains(expected), message);
        assertFalse(message.contains("hidden") || message.contains(server.password()), message);
        assertFalse(message.contains("\n"), message);
    }

    private String url(String user, String password, String name) {
        return "postgresql://" + user + ":" + password + "@127.0.0.1:" + server.port() + "/" + name;
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = server.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static String ask(Database database, String sql) throws SQLException {
        return ask(database.dataSource(), sql);
    }

    private static String ask(DataSource source, String sql) throws SQLException {
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement();
                var row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }
}
