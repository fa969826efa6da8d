package agentbus.db;

import agentbus.settings.SecretFile;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An embedded Postgres. Its data is in {@code postgres} in the data directory and outlives the process.
 *
 * <p>The server listens on 127.0.0.1 only and asks for the password in {@code postgres.password}, mode 600. The bus's role
 * is no superuser, see {@link ServerRoles}.
 *
 * <p>All processes on one data directory share one server: the first starts it, the others find it, the last one stops
 * it. A server left behind by a killed process is found in the same way.
 */
final class EmbeddedServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedServer.class);
    /** Chosen: losing three free ports in a row to other processes is not chance. */
    private static final int ATTEMPTS = 3;
    /** Chosen: a start takes some hundred milliseconds, and a check only reads a small file. */
    private static final Duration STEP = Duration.ofMillis(10);
    /** Chosen: after some seconds of silence a person asks what the start waits for. */
    static final Duration SOON = Duration.ofSeconds(3);

    private final ServerPrograms programs;
    private final ServerFiles files;
    private final Duration patience;
    private final ServerRoles roles;
    private ServerUsers users;
    private DatabaseAddress address;

    private EmbeddedServer(ServerPrograms programs, ServerFiles files, Duration patience) {
        this.programs = programs;
        this.files = files;
        this.patience = patience;
        this.roles = new ServerRoles(files);
    }

    /**
     * Finds the running server or starts one. The first start creates the data directory and the database.
     *
     * @param settings the data directory and the {@code agentbus.database.embedded-} settings
     * @return a server that answers
     * @throws StartFailure if the server does not start, or its data belongs to another major version
     */
    static EmbeddedServer open(Settings settings) {
        Duration patience = settings.duration("agentbus.database.embedded-start-timeout-seconds");
        ServerFiles files = ServerFiles.in(settings.dataDirectory());
        PostgresBinaries binaries = PostgresBinaries.unpack(settings, files);
        ServerPrograms programs = new ServerPrograms(binaries, files);
        try {
            FileLock lock = ServerUsers.exclusively(files.lock(), patience.multipliedBy(2));
            try {
                EmbeddedServer server = new EmbeddedServer(programs, files, patience);
                server.findOrStart();
                return server;
            } finally {
                lock.acquiredBy().close();
            }
        } catch (IOException e) {
            throw new StartFailure("cannot start Postgres in " + files.cluster() + ": " + SecretFile.reason(e), e);
        }
    }

    /**
     * The address of the server.
     *
     * @return its database, as the role that owns it
     */
    DatabaseAddress address() {
        return address;
    }

    /** Leaves the server, and stops it if no other process uses it. */
    @Override
    public void close() {
        try {
            FileLock lock = ServerUsers.exclusively(files.lock(), patience);
            try {
                leave();
            } finally {
                lock.acquiredBy().close();
            }
        } catch (IOException | StartFailure e) {
            LOG.warn("The embedded Postgres in {} may still be running: {}", files.cluster(), e.getMessage());
        }
    }

    private void leave() throws IOException {
        users.close();
        if (users.others()) {
            LOG.info("Left the embedded Postgres running for the other processes on {}", files.cluster());
        } else if (PostmasterPid.read(files.cluster()).isPresent()) {
            programs.stop(patience);
        }
    }

    private void findOrStart() throws IOException {
        long begin = System.nanoTime();
        String how = "Found the embedded Postgres running";
        Optional<Integer> running = running();
        boolean found = running.isPresent();
        if (!found) {
            how = "Started the embedded Postgres";
            if (!Files.exists(files.cluster())) {
                files.superuserPassword();
                programs.initialise(ServerRoles.SUPERUSER, files.superuserPasswordFile(), patience);
            }
            programs.requireSameMajor();
            files.closeCluster();
            running = Optional.of(start());
        }
        try {
            users = ServerUsers.join(files.users());
            address = database(running.get());
        } catch (IOException | StartFailure e) {
            undo(found);
            throw e;
        }
        LOG.info("{} on port {} in {} ms", how, address.port(), (System.nanoTime() - begin) / 1_000_000);
    }

    /**
     * Leaves the server, or stops it when no process has joined it. The interrupt of this thread would make each read of a
     * file fail, so it is taken away first and set again at the end.
     */
    private void undo(boolean found) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            if (users != null) {
                leave();
            } else if (!found) {
                programs.stop(patience);
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Waits for a server that already runs on the data directory; removes the process id file of a dead one. */
    private Optional<Integer> running() throws IOException {
        long begin = System.nanoTime();
        long end = begin + patience.toNanos();
        boolean told = false;
        Optional<PostmasterPid> pid = PostmasterPid.read(files.cluster());
        while (pid.isPresent() && pid.get().alive(files.cluster())) {
            if (pid.get().ready() && ours(pid.get().port())) {
                return Optional.of(pid.get().port());
            }
            if (System.nanoTime() > end) {
                throw new StartFailure("the Postgres in " + files.cluster() + " (process "
                        + pid.get().pid()
                        + ") runs and does not answer on port " + pid.get().port() + "; see " + files.log()
                        + ", or stop that process and start again");
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new IOException("interrupted while the server was starting");
            }
            if (!told && System.nanoTime() > begin + SOON.toNanos()) {
                told = true;
                LOG.info(
                        "Waiting for the embedded Postgres (process {}), which is {}; see {}",
                        pid.get().pid(),
                        pid.get().ready() ? "not answering" : "starting, perhaps with recovery after a crash",
                        files.log());
            }
            LockSupport.parkNanos(STEP.toNanos());
            pid = PostmasterPid.read(files.cluster());
        }
        if (pid.isPresent()
                && pid.get().inTheWay(files.cluster())
                && Files.deleteIfExists(files.cluster().resolve(PostmasterPid.FILE))) {
            LOG.info("Removed the process id of a dead Postgres in {}", files.cluster());
        }
        return Optional.empty();
    }

    /** Checks the server's data directory, because its old port may now belong to another server. */
    private boolean ours(int port) {
        try (Connection connection = roles.session(port);
                Statement statement = connection.createStatement();
                var row = statement.executeQuery("select current_setting('data_directory')")) {
            row.next();
            return Path.of(row.getString(1)).toRealPath().equals(files.cluster().toRealPath());
        } catch (SQLException | IOException e) {
            LOG.debug("Not our Postgres on port {}: {}", port, e.getMessage());
            return false;
        }
    }

    /** Tries up to three times, because another process may take a free port first. */
    private int start() throws IOException {
        for (int attempt = 1; ; attempt++) {
            int port = programs.freePort();
            Process starting = programs.start(port, patience);
            if (awaitReady(starting, port)) {
                return port;
            }
            if (attempt == ATTEMPTS) {
                throw new StartFailure("cannot start Postgres in " + files.cluster() + ": " + programs.lastWords()
                        + "; see " + files.log());
            }
        }
    }

    private boolean awaitReady(Process starting, int port) throws IOException {
        try {
            while (!starting.waitFor(STEP.toMillis(), TimeUnit.MILLISECONDS)) {
                Optional<PostmasterPid> pid = PostmasterPid.read(files.cluster());
                if (pid.isPresent() && pid.get().ready() && pid.get().port() == port) {
                    return true;
                }
            }
            return starting.exitValue() == 0;
        } catch (InterruptedException | ClosedByInterruptException e) {
            // An interrupt that came while a file was read is still set, and would end the next look at it.
            Thread.interrupted();
            stopStarting(starting);
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the server was starting", e);
        }
    }

    /** Stops a server that pg_ctl is starting. Its process id is known a moment after the begin of the start. */
    private void stopStarting(Process starting) throws IOException {
        long end = System.nanoTime() + patience.toNanos();
        while (starting.isAlive() && PostmasterPid.read(files.cluster()).isEmpty() && System.nanoTime() < end) {
            LockSupport.parkNanos(STEP.toNanos());
        }
        if (PostmasterPid.read(files.cluster()).isPresent()) {
            programs.stop(patience);
        }
    }

    private DatabaseAddress database(int port) {
        try {
            roles.prepare(port);
            return roles.bus(port);
        } catch (SQLException e) {
            throw ConnectFailure.of(roles.bus(port), "the own server in " + files.cluster(), e);
        }
    }
}
