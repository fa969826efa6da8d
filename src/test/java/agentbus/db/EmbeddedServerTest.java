package agentbus.db;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedServerTest {
    /** The data directory of a first start that has ended. A copy saves a test the seconds of {@code initdb}. */
    private static Path started;

    @TempDir
    Path home;

    private Process other;

    @BeforeAll
    static void startOnce(@TempDir Path earlier) {
        Database.open(Sandbox.settings(earlier)).close();
        started = earlier.resolve("data");
    }

    @AfterEach
    void stop_whatever_is_left() throws Exception {
        if (other != null) {
            other.destroyForcibly().waitFor();
        }
        // Stops a server that a test left behind, by opening and closing it.
        if (Files.exists(cluster().resolve(PostmasterPid.FILE))) {
            open().close();
        }
    }

    /** Gives the test's home a server that has run before. */
    private void startedBefore() throws IOException {
        Path data = home.resolve("data");
        try (Stream<Path> files = Files.walk(started)) {
            for (Path file : files.toList()) {
                Files.copy(file, data.resolve(started.relativize(file)), StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
    }

    @Test
    void its_data_survives_a_restart_and_the_rights_of_a_volume() throws Exception {
        startedBefore();
        try (Database database = open()) {
            execute(database, "create table public.kept as select 42 as answer");
        }
        // As Kubernetes leaves the directory with fsGroup.
        Files.setPosixFilePermissions(cluster(), PosixFilePermissions.fromString("rwxrwx---"));
        try (Database database = open()) {
            assertEquals("42", ask(database, "select answer from public.kept"));
        }
    }

    @Test
    void it_does_not_outlive_a_normal_stop() throws Exception {
        startedBefore();
        Database database = open();
        database.close();
        assertThrows(ConnectException.class, () -> connect(database.port()));
        assertFalse(Files.exists(cluster().resolve(PostmasterPid.FILE)));
    }

    @Test
    void it_writes_safely_to_disk_and_listens_on_loopback_only() throws Exception {
        startedBefore();
        try (Database database = open()) {
            assertEquals("on", ask(database, "show fsync"));
            assertEquals("127.0.0.1", ask(database, "show listen_addresses"));
            assertEquals("", ask(database, "show unix_socket_directories"));
            assertEquals("127.0.0.1", database.host());
        }
    }

    @Test
    void it_asks_for_a_password_that_only_the_owner_can_read() throws IOException {
        try (Database database = open()) {
            String url = "jdbc:postgresql://127.0.0.1:" + database.port() + "/agentbus";
            SQLException e =
                    assertThrows(SQLException.class, () -> DriverManager.getConnection(url, "agentbus", "guessed"));
            assertEquals("28P01", e.getSQLState());
            for (String name : new String[] {"postgres.password", "postgres-superuser.password", "postgres.log"}) {
                assertEquals(
                        PosixFilePermissions.fromString("rw-------"),
                        Files.getPosixFilePermissions(home.resolve("data").resolve(name)),
                        name);
            }
        }
    }

    @Test
    void its_role_is_no_superuser_and_owns_its_database() throws SQLException {
        try (Database database = open()) {
            assertEquals("off", ask(database, "show is_superuser"));
            assertThrows(SQLException.class, () -> execute(database, "copy (select 1) to program 'true'"));
            execute(database, "create schema mine; create table mine.one (id int)");
            assertEquals(
                    "agentbus",
                    ask(database, "select pg_get_userbyid(datdba) from pg_database where datname = 'agentbus'"));
        }
    }

    @Test
    void the_role_of_an_earlier_version_loses_the_rights_of_a_superuser_and_keeps_all_it_had() throws Exception {
        ServerFiles files = ServerFiles.in(home.resolve("data"));
        files.password();
        ServerPrograms programs = new ServerPrograms(PostgresBinaries.unpack(Sandbox.settings(home), files), files);
        programs.initialise("agentbus", files.passwordFile(), Duration.ofSeconds(60));
        int port = programs.freePort();
        assertEquals(0, programs.start(port, Duration.ofSeconds(60)).waitFor());
        String url = "jdbc:postgresql://127.0.0.1:" + port + "/";
        try (Connection connection = DriverManager.getConnection(url + "postgres", "agentbus", files.password());
                Statement statement = connection.createStatement()) {
            statement.execute("create database agentbus");
        }
        try (Connection connection = DriverManager.getConnection(url + "agentbus", "agentbus", files.password());
                Statement statement = connection.createStatement()) {
            statement.execute(
                    """
                    create schema agentbus;
                    create table agentbus.kept (id int generated always as identity, code serial, answer int);
                    insert into agentbus.kept (answer) values (42);
                    create view agentbus.seen as select answer from agentbus.kept;
                    create function agentbus.ask() returns int language sql as 'select answer from agentbus.kept';
                    create domain agentbus.small as int;
                    """);
        }
        // The server keeps running, as after a kill of the earlier version.
        for (int start = 0; start < 2; start++) {
            try (Database database = open()) {
                assertEquals("off", ask(database, "show is_superuser"));
                assertEquals("42", ask(database, "select agentbus.ask() from agentbus.seen"));
                execute(database, "alter table agentbus.kept add column more_" + start + " int");
                execute(database, "create or replace function agentbus.ask() returns int language sql as 'select 42'");
                execute(database, "alter domain agentbus.small rename to small_" + start);
                execute(database, "alter domain agentbus.small_" + start + " rename to small");
                assertEquals(
                        "agentbus_superuser",
                        ask(database, "select string_agg(rolname, ' ') from pg_roles where rolsuper"));
            }
        }
        // A backup of an earlier version has no password of the superuser.
        Files.delete(home.resolve("data/postgres-superuser.password"));
        try (Database database = open()) {
            assertEquals("42", ask(database, "select agentbus.ask()"));
        }
    }

    @Test
    void its_log_keeps_statements_and_values_to_itself() throws Exception {
        startedBefore();
        try (Database database = open()) {
            execute(database, "create table public.named (name text primary key)");
            execute(database, "insert into public.named values ('confidential')");
            assertThrows(
                    SQLException.class, () -> execute(database, "insert into public.named values ('confidential')"));
        }
        String log = Files.readString(home.resolve("data/postgres.log"));
        assertTrue(log.contains("duplicate key"), log);
        assertFalse(log.contains("confidential"), log);
    }

    @Test
    void two_on_one_directory_share_the_server_and_the_last_one_stops_it() throws Exception {
        startedBefore();
        Database first = open();
        Database second = open();
        assertEquals(first.port(), second.port());
        first.close();
        assertEquals("1", ask(second, "select 1"));
        second.close();
        assertThrows(ConnectException.class, () -> connect(second.port()));
    }

    @Test
    void a_process_that_leaves_does_not_stop_the_server_of_another_process() throws Exception {
        startedBefore();
        int port = startOther();
        try (Database database = open()) {
            assertEquals(port, database.port());
        }
        connect(port);
        try (Database database = open()) {
            other.getOutputStream().close();
            assertTrue(other.waitFor(20, TimeUnit.SECONDS));
            assertEquals("1", ask(database, "select 1"));
        }
        assertThrows(ConnectException.class, () -> connect(port));
    }

    @Test
    void a_server_left_by_a_killed_process_is_adopted_and_stopped_in_the_end() throws Exception {
        startedBefore();
        int port = startOther();
        other.destroyForcibly().waitFor();
        connect(port);
        try (Database database = open()) {
            assertEquals(port, database.port());
        }
        assertThrows(ConnectException.class, () -> connect(port));
    }

    @Test
    void a_killed_server_is_started_again_with_what_was_committed() throws Exception {
        startedBefore();
        Database before = open();
        execute(before, "create table public.kept as select 7 as answer");
        ProcessHandle server = ProcessHandle.of(
                        PostmasterPid.read(cluster()).orElseThrow().pid())
                .orElseThrow();
        server.destroyForcibly();
        await().until(() -> !PostmasterPid.read(cluster()).orElseThrow().alive(cluster()));
        try (Database database = open()) {
            assertNotEquals(before.port(), database.port());
            assertEquals("7", ask(database, "select answer from public.kept"));
            before.close();
        }
    }

    @Test
    void a_process_id_that_now_belongs_to_another_program_is_cleared_away() throws Exception {
        startedBefore();
        Files.writeString(
                cluster().resolve(PostmasterPid.FILE),
                ProcessHandle.current().pid() + "\n" + cluster() + "\n1\n1\n\n127.0.0.1\n1 1\nready\n");
        try (Database database = open()) {
            assertEquals("1", ask(database, "select 1"));
        }
    }

    @Test
    void data_of_another_major_version_is_refused_with_both_versions() throws Exception {
        startedBefore();
        Files.writeString(cluster().resolve("PG_VERSION"), "17\n");
        assertFailure("is of Postgres 17 and this build runs Postgres 18");
    }

    @Test
    void data_without_its_password_is_refused() throws Exception {
        startedBefore();
        Files.delete(home.resolve("data/postgres.password"));
        assertFailure("postgres.password is missing");
    }

    @Test
    void a_directory_that_is_no_cluster_is_refused() throws Exception {
        Files.createDirectories(cluster());
        Files.writeString(home.resolve("data/postgres.password"), "x");
        assertFailure("is no Postgres data directory");
    }

    @Test
    void a_server_that_cannot_start_is_told_with_its_own_last_words() throws Exception {
        startedBefore();
        Files.writeString(cluster().resolve("postgresql.conf"), "no_such_setting = 1\n");
        assertFailure(": FATAL:  configuration file");
    }

    @Test
    void a_data_directory_that_cannot_be_made_is_told() throws Exception {
        Files.writeString(home.resolve("data"), "in the way");
        assertFailure("cannot make the directory " + home.resolve("data"));
    }

    @Test
    void a_data_directory_that_a_shell_would_misread_is_refused() {
        String message = assertThrows(
                        StartFailure.class, () -> Database.open(Sandbox.settings(home, "agentbus.data.dir", "a$b"))
                                .close())
                .getMessage();
        assertTrue(message.contains("set agentbus.data.dir to another one"), message);
    }

    @Test
    void two_first_starts_at_once_make_one_server() throws Exception {
        CompletableFuture<Database> first = CompletableFuture.supplyAsync(this::open);
        CompletableFuture<Database> second = CompletableFuture.supplyAsync(this::open);
        try (Database a = first.get(60, TimeUnit.SECONDS);
                Database b = second.get(60, TimeUnit.SECONDS)) {
            assertEquals(a.port(), b.port());
        }
    }

    @Test
    void its_programs_can_be_unpacked_ahead_of_the_start() throws Exception {
        UnpackPostgres.unpack(Settings.load(home, Map.of(), Map.of()));
        try (var directories = Files.list(home.resolve("data/postgres-binaries"))) {
            assertTrue(Files.isExecutable(
                    directories.findFirst().orElseThrow().resolve("bin").resolve("postgres")));
        }
        assertFalse(Files.exists(cluster()));
    }

    @Test
    void its_programs_are_not_unpacked_where_a_database_is_given() {
        UnpackPostgres.unpack(Sandbox.given(home, "postgresql://h/d"));
        assertFalse(Files.exists(home.resolve("data")));
    }

    private Database open() {
        return Database.open(Sandbox.settings(home));
    }

    private Path cluster() {
        return home.resolve("data/postgres");
    }

    private int startOther() throws IOException {
        other = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        HoldDatabase.class.getName(),
                        home.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(other.getInputStream(), StandardCharsets.UTF_8));
        return Integer.parseInt(lines.readLine());
    }

    private void assertFailure(String expected) {
        String message = assertThrows(StartFailure.class, () -> open().close()).getMessage();
        assertTrue(message.contains(expected), message);
    }

    private static void connect(int port) throws IOException {
        new Socket("127.0.0.1", port).close();
    }

    private static String ask(Database database, String sql) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement();
                var row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    private static void execute(Database database, String sql) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
