package agentbus.sql;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** The number of console sessions that one token has at once. */
@ExtendWith(PostgresExtension.class)
class SessionCapTest {
    private static final String TOKEN = "sha256('token of the cap')";
    private static final String OPEN =
            "from console_sessions where token_hash = " + TOKEN + " and ended_at is null and ends_at > now()";

    private JdbcTemplate jdbc;
    private int most;

    @BeforeEach
    void fill(TestDatabase database) {
        jdbc = Machine.fresh(database).jdbc();
        jdbc.queryForList("select register_operator_token(" + TOKEN + ", 'cap')");
        most = jdbc.queryForObject("select console_sessions_of_token()", Integer.class);
        jdbc.update(
                "insert into console_sessions (session_hash, token_hash, namespace, ends_at, used_at)"
                        + " select sha256(('old ' || n)::bytea), " + TOKEN + ", 'default', now() + interval '1 hour',"
                        + " now() - n * interval '1 minute' from generate_series(1, ?) n",
                most);
    }

    @AfterEach
    void empty(TestDatabase database) {
        database.clear();
    }

    private static void login(JdbcTemplate jdbc, int number) {
        jdbc.queryForList(
                "select open_console_session(" + TOKEN + ", sha256(('new ' || ?)::bytea))::text", String.class, number);
    }

    @Test
    void a_login_counts_the_session_of_another_one_that_is_not_committed_yet() throws SQLException {
        CompletableFuture<Void> second;
        try (Connection first = jdbc.getDataSource().getConnection()) {
            first.setAutoCommit(false);
            login(new JdbcTemplate(new SingleConnectionDataSource(first, true)), 1);

            second = CompletableFuture.runAsync(() -> login(jdbc, 2));
            await().until(() -> second.isDone() || waiting() > 0);
            first.commit();
        }
        second.join();

        assertEquals(most, jdbc.queryForObject("select count(*) " + OPEN, Integer.class));
        assertEquals(List.of("old " + (most - 1), "old " + most), ended());
        assertEquals(
                2,
                jdbc.queryForObject(
                        "select count(*) from audit_log where action = 'session.ended'"
                                + " and why = 'a newer login took its place'",
                        Integer.class));
    }

    private int waiting() {
        return jdbc.queryForObject(
                "select count(*) from pg_locks where locktype = 'advisory' and not granted", Integer.class);
    }

    @Test
    void a_session_that_a_call_has_locked_counts() throws SQLException {
        try (Connection call = jdbc.getDataSource().getConnection()) {
            call.setAutoCommit(false);
            call.createStatement()
                    .execute("select from console_sessions where session_hash = sha256('old 1') for update");

            login(jdbc, 1);

            call.rollback();
        }

        assertEquals(most, jdbc.queryForObject("select count(*) " + OPEN, Integer.class));
        assertEquals(List.of("old " + most), ended());
    }

    /** The old sessions that have ended, the one used last first. */
    private List<String> ended() {
        return jdbc.queryForList(
                "select 'old ' || n from console_sessions join generate_series(1, ?) n"
                        + " on session_hash = sha256(('old ' || n)::bytea) where ended_at is not null order by n",
                String.class,
                most);
    }
}
