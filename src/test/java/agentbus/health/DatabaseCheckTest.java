package agentbus.health;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import javax.sql.DataSource;
import org.apache.camel.health.HealthCheck;
import org.apache.camel.health.HealthCheck.State;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** The readiness check is down when a call would fail. */
@ExtendWith(PostgresExtension.class)
class DatabaseCheckTest {
    private static TestDatabase database;

    @BeforeAll
    static void start(TestDatabase given) {
        database = given;
    }

    private static String url() {
        return "jdbc:" + database.url().replace("postgres@", "") + "?user=postgres&currentSchema=agentbus";
    }

    private static Connection connect() throws SQLException {
        return DriverManager.getConnection(url());
    }

    private static HealthCheck.Result check(DataSource source) {
        return new DatabaseCheck(source, "here", "select write_trouble()").call(Map.of());
    }

    private static HealthCheck.Result check() throws SQLException {
        try (Connection connection = connect()) {
            return check(new SingleConnectionDataSource(connection, true));
        }
    }

    @Test
    void a_database_that_takes_changes_is_up() throws Exception {
        assertEquals(State.UP, check().getState());
    }

    @Test
    void a_database_that_only_reads_is_down() throws Exception {
        try (Connection connection = connect()) {
            connection.createStatement().execute("set default_transaction_read_only = on");

            HealthCheck.Result result = check(new SingleConnectionDataSource(connection, true));

            assertEquals(State.DOWN, result.getState());
            assertTrue(result.getMessage().orElse("").contains("only reads"), result::toString);
        }
    }

    @Test
    void a_database_that_does_not_answer_is_down_and_holds_up_no_probe() throws Exception {
        try (Connection connection = connect()) {
            HealthCheck.Result result = new DatabaseCheck(
                            new SingleConnectionDataSource(connection, true), "here", "select pg_sleep(20)::text")
                    .call(Map.of());

            assertEquals(State.DOWN, result.getState());
            assertEquals(
                    "The database at here does not answer within 3000 ms.",
                    result.getMessage().orElse(""));
            assertTrue(connection.isClosed(), "a connection with an answer to come must not be used again");
        }
    }

    @Test
    void the_limit_of_the_look_ends_with_it() throws Exception {
        try (HikariDataSource pool = new HikariDataSource()) {
            pool.setJdbcUrl(url());
            pool.setMaximumPoolSize(1);
            int before = networkTimeout(pool);

            assertEquals(State.UP, check(pool).getState());

            assertEquals(before, networkTimeout(pool));
        }
    }

    private static int networkTimeout(DataSource pool) throws SQLException {
        try (Connection connection = pool.getConnection()) {
            return connection.getNetworkTimeout();
        }
    }

    @Test
    void an_idle_transaction_in_front_of_a_strong_lock_is_down_and_named() throws Exception {
        try (Connection idle = connect();
                Connection waiting = connect()) {
            idle.setAutoCommit(false);
            idle.createStatement().execute("select count(*) from jobs");
            CompletableFuture<Void> lock = CompletableFuture.runAsync(() -> {
                try {
                    waiting.createStatement().execute("alter table jobs set (fillfactor = 85)");
                    waiting.createStatement().execute("begin; lock table jobs in access exclusive mode; commit");
                } catch (SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
            await().until(() -> database.jdbc()
                            .queryForObject(
                                    "select count(*) from pg_locks where relation = 'jobs'::regclass and not granted",
                                    Integer.class)
                    == 1);

            HealthCheck.Result result = check();

            assertEquals(State.DOWN, result.getState());
            String message = result.getMessage().orElse("");
            assertTrue(message.contains("waits for AccessExclusiveLock on jobs behind session"), message);
            assertTrue(message.contains("idle in transaction since"), message);
            idle.rollback();
            lock.join();
        }
        assertEquals(State.UP, check().getState());
    }
}
