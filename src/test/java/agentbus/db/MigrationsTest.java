package agentbus.db;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.LogCapture;
import agentbus.settings.StartFailure;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MigrationsTest {
    private Path home;
    private Database server;
    private Database database;

    @BeforeAll
    void start(@TempDir Path directory) {
        home = directory;
        server = Database.open(Sandbox.settings(home));
    }

    @AfterAll
    void stop() {
        server.close();
    }

    @BeforeEach
    void make_a_database() throws SQLException {
        String name = "test_" + UUID.randomUUID().toString().replace("-", "");
        execute(server, "create database " + name);
        database = open(name, "agentbus", server.password());
    }

    @AfterEach
    void close_the_database() {
        database.close();
    }

    @Test
    void the_first_run_makes_the_schema_and_the_second_finds_nothing_to_do() throws SQLException {
        assertEquals(2, migrations("first").run());
        assertEquals("agentbus", ask("select schemaname from pg_tables where tablename = 'things'"));
        assertEquals(0, migrations("first").run());
    }

    @Test
    void a_start_with_the_scripts_of_the_last_one_does_not_compare_them_again() throws SQLException {
        migrations("first").run();
        // The checksum of no script, so that a comparison refuses it.
        execute(database, "update agentbus.flyway_schema_history set checksum = 1 where version = '0001'");
        assertFailure("first", "V0001__things.sql has been edited since it was applied to the database test_");
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            new SchemaMark(List.of("migrations/first")).write(statement);
        }
        assertEquals(0, migrations("first").run());

        assertFailure("edited", "V0001__things.sql has been edited since it was applied to the database test_");
    }

    @Test
    void a_script_whose_application_was_forgotten_is_applied_again() throws SQLException {
        migrations("first").run();
        execute(database, "delete from agentbus.flyway_schema_history where version is null");

        assertEquals(1, migrations("first").run());
    }

    @Test
    void a_newer_build_adds_its_migration_and_replaces_the_functions() throws SQLException {
        migrations("first").run();
        assertEquals(2, migrations("second").run());
        assertEquals("2", ask("select count_things()"));
    }

    @Test
    void an_older_build_leaves_a_newer_schema_and_its_functions_alone() throws SQLException {
        migrations("second").run();
        assertEquals(0, migrations("first").run());
        assertEquals("2", ask("select count_things()"));
    }

    @Test
    void nodes_that_start_together_migrate_once() throws Exception {
        ExecutorService nodes = Executors.newFixedThreadPool(3);
        try {
            Callable<Integer> node = () -> migrations("second").run();
            int applied = 0;
            for (Future<Integer> result :
                    nodes.invokeAll(Stream.generate(() -> node).limit(3).toList())) {
                applied += result.get();
            }
            assertEquals(3, applied);
        } finally {
            nodes.shutdownNow();
        }
    }

    @Test
    void a_migration_that_meets_working_nodes_in_a_deadlock_is_tried_again() throws Exception {
        besideAWorkingNode((node, migration) -> {
            // This one has waited longer, so Postgres ends it as the deadlock victim.
            try (Statement statement = node.createStatement()) {
                statement.execute("insert into agentbus.left_things values (1)");
            }
            node.commit();
            assertEquals(1, migration.get());
        });
        assertEquals("1", ask("select count(*) from agentbus.right_things where name is null"));
    }

    @Test
    void a_start_that_waits_for_a_lock_says_for_whose() throws Exception {
        migrations("meeting-before").run();
        ExecutorService node = Executors.newSingleThreadExecutor();
        try (LogCapture log = new LogCapture();
                Connection holder = database.unpooled().getConnection();
                Statement statement = holder.createStatement()) {
            statement.execute("set application_name = 'report'");
            holder.setAutoCommit(false);
            statement.execute("lock agentbus.left_things");
            String pid = ask(holder, "select pg_backend_pid()");
            Future<Integer> migration = node.submit(() -> migrations("meeting").run());
            await().atMost(Duration.ofSeconds(30)).until(() -> log.lines().stream()
                    .anyMatch(line -> line.contains("waits for a lock of session " + pid + " (report at 127.0.0.1"
                            + " as agentbus, idle in transaction since ")));
            holder.rollback();
            assertEquals(1, migration.get());
        } finally {
            node.shutdownNow();
        }
    }

    @Test
    void a_check_that_a_killed_process_has_not_made_is_made_by_the_next() throws SQLException {
        migrations("first").run();
        execute(
                database,
                "set check_function_bodies = off; create or replace function agentbus.count_things() returns int"
                        + " language sql as 'select no_such_column from agentbus.things'");
        assertEquals(0, migrations("first").run());

        // As if the process had ended after the scripts and before the check.
        execute(database, "comment on table agentbus.flyway_schema_history is null");
        try (LogCapture log = new LogCapture()) {
            assertEquals(0, migrations("first").run());
            assertTrue(
                    log.lines().stream().anyMatch(line -> line.contains("column \"no_such_column\" does not exist")),
                    () -> String.join("\n", log.lines()));
        }
    }

    @Test
    void an_edited_migration_is_named() {
        migrations("first").run();
        assertFailure("edited", "V0001__things.sql has been edited since it was applied to the database test_");
    }

    @Test
    void a_database_from_before_its_migrations_were_folded_is_refused_with_a_way_out() {
        migrations("second").run();
        assertFailure("folded", "history of migrations from before the first release (V0001__things.sql)");
        assertFailure("folded", "Start with an empty database or data directory");
    }

    @Test
    void functions_may_call_functions_that_are_made_after_them() throws SQLException {
        assertEquals(3, migrations("any-order").run());
        assertEquals("3", ask("select a_calls_b()"));
        assertEquals(0, migrations("any-order").run());
    }

    @Test
    void a_function_that_calls_one_that_is_missing_is_told_with_file_and_line() {
        assertFailure("missing-function", "R__caller.sql, line 5: function no_such_function() does not exist");
    }

    @Test
    void a_function_whose_script_is_gone_does_not_stop_an_upgrade() throws SQLException {
        migrations("first").run();
        execute(
                database,
                "set check_function_bodies = off; create function agentbus.left_over() returns int language sql"
                        + " as 'select no_such_column from agentbus.things'");

        assertEquals(2, migrations("second").run());
        assertEquals("2", ask("select count_things()"));
    }

    @Test
    void a_removed_migration_is_named() {
        migrations("second").run();
        assertFailure("less", "V0001__things.sql was applied to the database test_");
    }

    @Test
    void a_failing_migration_is_told_with_file_and_line_and_leaves_nothing() throws SQLException {
        assertFailure(
                "failing", "V0002__broken.sql, line 7: type \"no_such_type\" does not exist; nothing of this script");
        assertEquals("0", ask("select count(*) from pg_tables where tablename = 'sound'"));
    }

    @Test
    void scripts_of_a_new_schema_are_one_transaction_at_each_try() throws SQLException {
        for (int start = 1; start <= 2; start++) {
            assertFailure("failing-last", "V0003__broken.sql, line 3: type \"no_such_type\" does not exist");
            assertEquals("0", ask("select count(*) from pg_tables where tablename = 'things'"));
            assertEquals("0", ask("select count(*) from agentbus.flyway_schema_history where type = 'SQL'"));
        }
    }

    @Test
    void in_a_schema_that_nodes_use_each_script_is_a_transaction_of_its_own() throws SQLException {
        migrations("first").run();
        assertFailure("failing-last", "V0003__broken.sql, line 3: type \"no_such_type\" does not exist");
        assertEquals("2", ask("select max(version)::int from agentbus.flyway_schema_history"));
    }

    @Test
    void a_script_that_fails_without_a_mistake_runs_once_as_a_whole_and_is_named() throws SQLException {
        migrations("first").run();
        execute(database, "create sequence agentbus.tries");
        assertFailure("dividing", "V0002__dividing.sql: division by zero; nothing of this script was applied");
        assertEquals("1", ask("select last_value from agentbus.tries"));
    }

    @Test
    void a_cancelled_migration_is_named_and_runs_once() throws Exception {
        besideAWorkingNode((node, migration) -> {
            ask("select pg_cancel_backend(pid) from pg_locks where not granted");
            Throwable failed = assertThrows(ExecutionException.class, () -> migration.get(30, TimeUnit.SECONDS))
                    .getCause();
            assertTrue(failed.getMessage().contains("V0002__both.sql: canceling statement"), failed.getMessage());
        });
    }

    @Test
    void a_failing_function_is_told_with_file_and_line() {
        assertFailure("failing-function", "R__placeholder.sql, line 6: syntax error at or near \"retrun\"");
        assertFailure("failing-function", "R__placeholder.sql, line 6: syntax error at or near \"retrun\"");
    }

    @Test
    void a_user_who_may_not_make_the_schema_is_told_what_to_run() throws Exception {
        Sandbox.asSuperuser(home, server.port(), "create role guest_" + database.name() + " login password 'hidden'");
        String guest = "guest_" + database.name();
        try (Database asGuest = open(database.name(), guest, "hidden")) {
            Migrations migrations = new Migrations(asGuest, "classpath:migrations/first");
            String message = assertThrows(StartFailure.class, migrations::run).getMessage();
            assertTrue(
                    message.startsWith(
                            guest + " may not make or fill the schema agentbus in the database " + database.name()),
                    message);
            assertFalse(message.contains("hidden"), message);

            Sandbox.asSuperuser(home, server.port(), "grant " + guest + " to " + database.user() + " with set true");
            execute(database, "create schema if not exists agentbus; alter schema agentbus owner to " + guest);
            assertTrue(message.endsWith("alter schema agentbus owner to " + guest), message);
            assertEquals(2, migrations.run());
        }
    }

    /** What a test does while a migration has locked one table and waits for another, which a node has changed. */
    private interface Meeting {
        void run(Connection node, Future<Integer> migration) throws Exception;
    }

    private void besideAWorkingNode(Meeting meeting) throws Exception {
        migrations("meeting-before").run();
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try (Connection node = database.unpooled().getConnection();
                Statement statement = node.createStatement()) {
            node.setAutoCommit(false);
            statement.execute("insert into agentbus.right_things values (1)");
            Future<Integer> migration =
                    thread.submit(() -> migrations("meeting").run());
            await("it has the first table and waits for the second")
                    .until(() -> ask("select count(*) from pg_locks where not granted"), "1"::equals);
            meeting.run(node, migration);
        } finally {
            thread.shutdownNow();
        }
    }

    private void assertFailure(String folder, String expected) {
        String message =
                assertThrows(StartFailure.class, () -> migrations(folder).run()).getMessage();
        assertTrue(message.contains(expected), message);
        assertFalse(message.contains("\n"), message);
    }

    private Migrations migrations(String folder) {
        return new Migrations(database, "classpath:migrations/" + folder);
    }

    private Database open(String name, String user, String password) {
        return Database.open(Sandbox.given(
                home, "postgresql://" + user + ":" + password + "@127.0.0.1:" + server.port() + "/" + name));
    }

    private String ask(String sql) throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
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

    private static void execute(Database on, String sql) throws SQLException {
        try (Connection connection = on.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
