package chaos;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.awaitility.Awaitility;
import org.springframework.jdbc.core.JdbcTemplate;

/** A Postgres with durable commits, unlike the servers of other tests, which can be ended as by a crash. */
final class ChaosServer implements AutoCloseable {
    private final Path data;
    private int port;
    private EmbeddedPostgres running;

    /** Starts a server with its data in a directory of the test. */
    ChaosServer(Path directory) {
        data = directory.resolve("data");
        start();
    }

    /** Starts it, or starts it again after a crash; returns when it takes statements. */
    void start() {
        try {
            EmbeddedPostgres.Builder builder = EmbeddedPostgres.builder()
                    .setDataDirectory(data)
                    .setCleanDataDirectory(false)
                    .setPGStartupWait(Duration.ofSeconds(60))
                    .setServerConfig("listen_addresses", "127.0.0.1")
                    .setServerConfig("max_connections", "150")
                    // The tests prove that an acknowledged commit survives a crash.
                    .setServerConfig("synchronous_commit", "on")
                    .setServerConfig("wal_level", "minimal")
                    .setServerConfig("max_wal_senders", "0")
                    .setServerConfig("min_wal_size", "32MB")
                    .setServerConfig("max_wal_size", "64MB");
            if (port != 0) {
                builder.setPort(port);
            }
            running = builder.start();
            port = running.getPort();
        } catch (IOException e) {
            throw new UncheckedIOException("the Postgres of the chaos does not start", e);
        }
    }

    /** Ends the server as {@code pg_ctl stop -m immediate} does: clients get no notice, and the next start recovers. */
    void crash() {
        ProcessHandle postmaster = postmaster();
        signal(postmaster.pid(), "QUIT");
        Awaitility.await("the server has ended")
                .atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> !postmaster.isAlive());
        release();
    }

    /** Frees the resources of a server that has ended. */
    void release() {
        try {
            running.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether the server's main process is there. */
    boolean isAlive() {
        try {
            return Files.exists(data.resolve("postmaster.pid")) && postmaster().isAlive();
        } catch (IllegalStateException gone) {
            return false;
        }
    }

    private ProcessHandle postmaster() {
        try {
            long pid = Long.parseLong(
                    Files.readAllLines(data.resolve("postmaster.pid")).get(0).strip());
            return ProcessHandle.of(pid).orElseThrow(() -> new IllegalStateException("no process " + pid));
        } catch (IOException e) {
            throw new IllegalStateException("no server in " + data, e);
        }
    }

    /** Where it listens, at 127.0.0.1. */
    int port() {
        return port;
    }

    /** Statements in the schema; a connection of its own for each. */
    JdbcTemplate jdbc() {
        JdbcTemplate jdbc =
                new JdbcTemplate(running.getDatabase("postgres", "postgres", Map.of("currentSchema", "agentbus")));
        jdbc.setQueryTimeout(20);
        return jdbc;
    }

    /** Sends a signal to a process that the test has started. */
    static void signal(long pid, String name) {
        try {
            Process kill = new ProcessBuilder("kill", "-" + name, Long.toString(pid)).start();
            if (kill.waitFor() != 0) {
                throw new IllegalStateException("no signal " + name + " for process " + pid);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        release();
    }
}
