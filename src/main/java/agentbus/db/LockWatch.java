package agentbus.db;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs which sessions keep the migration waiting for a lock: that of another start, or a table's. */
final class LockWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LockWatch.class);

    /** Chosen: a migration beside others usually waits for less than a second. */
    private static final Duration FIRST = Duration.ofSeconds(2);

    /** Chosen: often enough to show that the start is alive. */
    private static final Duration AGAIN = Duration.ofSeconds(15);

    /** Columns that only a superuser may see of other roles' sessions are null. */
    private static final String HOLDERS =
            """
            select distinct
              holder.pid,
              coalesce(nullif(s.application_name, ''), 'a program without a name') as program,
              coalesce(host(s.client_addr), 'the server itself') as address,
              coalesce(s.usename::text, 'an unknown role') as role,
              coalesce(s.state, 'unknown') as state,
              coalesce(to_char(s.state_change at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'unknown') as since
            from pg_stat_activity waiter
            cross join lateral unnest(pg_blocking_pids(waiter.pid)) as holder (pid)
            left join pg_stat_activity s on s.pid = holder.pid
            where waiter.application_name = ?
              and waiter.wait_event_type = 'Lock'
            """;

    private final DataSource connections;
    private final String program;
    private final String what;
    private final CountDownLatch ended = new CountDownLatch(1);

    /**
     * A watch that has not begun.
     *
     * @param connections opens the watch's own connection, after the first 2 s
     * @param program the {@code application_name} of the sessions that may wait
     * @param what the work of those sessions, for the log
     */
    LockWatch(DataSource connections, String program, String what) {
        this.connections = connections;
        this.program = program;
        this.what = what;
    }

    /** Starts to watch, in a thread of its own. */
    void start() {
        Thread thread = new Thread(this::watch, "lock-watch");
        thread.setDaemon(true);
        thread.start();
    }

    /** Ends the watch. */
    @Override
    public void close() {
        ended.countDown();
    }

    private void watch() {
        try {
            if (ended.await(FIRST.toMillis(), TimeUnit.MILLISECONDS)) {
                return;
            }
            try (Connection connection = connections.getConnection()) {
                do {
                    tell(connection);
                } while (!ended.await(AGAIN.toMillis(), TimeUnit.MILLISECONDS));
            }
        } catch (SQLException failed) {
            LOG.warn("Cannot tell what {} waits for: {}", what, failed.getMessage());
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private void tell(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(HOLDERS)) {
            statement.setString(1, program);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    LOG.warn(
                            "{} waits for a lock of session {} ({} at {} as {}, {} since {}); it goes on when that session"
                                    + " releases the lock. To end that session: select pg_terminate_backend({})",
                            what,
                            row.getInt("pid"),
                            row.getString("program"),
                            row.getString("address"),
                            row.getString("role"),
                            row.getString("state"),
                            row.getString("since"),
                            row.getInt("pid"));
                }
            }
        }
    }
}
