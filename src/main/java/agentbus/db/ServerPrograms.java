package agentbus.db;

import agentbus.settings.StartFailure;
import io.zonky.test.db.postgres.util.LinuxUtils;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs {@code initdb} and {@code pg_ctl} for the embedded server; their output goes to the server's log. */
final class ServerPrograms {
    /**
     * The server listens on loopback TCP only, because others could write to the directory of a Unix socket. Statements
     * stay out of the log, because their values are users' data.
     */
    private static final String OPTIONS = " -c listen_addresses=127.0.0.1 -c unix_socket_directories="
            + " -c log_min_error_statement=panic -c log_error_verbosity=terse -c log_checkpoints=off";

    private final PostgresBinaries binaries;
    private final ServerFiles files;

    ServerPrograms(PostgresBinaries binaries, ServerFiles files) {
        this.binaries = binaries;
        this.files = files;
    }

    /** Creates the data directory under another name, and moves it into place when it is complete. */
    void initialise(String superuser, Path passwordFile, Duration patience) throws IOException {
        Path draft = files.cluster().resolveSibling("postgres.new");
        Trees.delete(draft);
        Process process = run(
                "initdb",
                "--pgdata=" + draft,
                "--username=" + superuser,
                "--pwfile=" + passwordFile,
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                // The builtin provider sorts and folds case alike on every machine, whatever its libraries.
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8");
        if (!exitedWell(process, patience)) {
            throw new StartFailure("cannot make a Postgres in " + files.cluster() + ": " + lastWords() + hint());
        }
        Files.move(draft, files.cluster(), StandardCopyOption.ATOMIC_MOVE);
    }

    /** Refuses data of another major version, which these programs cannot read. */
    void requireSameMajor() throws IOException {
        Path versionFile = files.cluster().resolve("PG_VERSION");
        if (!Files.exists(versionFile)) {
            throw new StartFailure(
                    files.cluster() + " is no Postgres data directory; move it away or set agentbus.data.dir");
        }
        String found = Files.readString(versionFile).strip();
        Process process = builder("postgres", "--version")
                .redirectOutput(ProcessBuilder.Redirect.PIPE)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String own = said.replaceFirst("(?s)\\D*(\\d+).*", "$1");
        if (!own.equals(found)) {
            throw new StartFailure("the data in " + files.cluster() + " is of Postgres " + found
                    + " and this build runs Postgres " + own
                    + "; carry it over with pg_dump and pg_restore, or go back to the build that wrote it");
        }
    }

    /**
     * Starts the server through {@code pg_ctl}, in its own session, so that Ctrl-C does not stop the server before the
     * bus.
     *
     * @return the {@code pg_ctl} process, which ends when the server is ready or has failed
     */
    Process start(int port, Duration patience) throws IOException {
        return run(
                "pg_ctl",
                "start",
                "--pgdata=" + files.cluster(),
                "--log=" + files.log(),
                "--wait",
                "--timeout=" + patience.toSeconds(),
                "--options=-p " + port + OPTIONS);
    }

    /** Stops the server in mode fast: it closes open connections and rolls back their transactions. */
    void stop(Duration patience) throws IOException {
        Process process = run(
                "pg_ctl",
                "stop",
                "--pgdata=" + files.cluster(),
                "--mode=fast",
                "--wait",
                "--timeout=" + patience.toSeconds());
        if (!exitedWell(process, patience.plusSeconds(5))) {
            throw new IOException(lastWords());
        }
    }

    /** A port that is free at the moment. */
    int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** The last error in the server's log. */
    String lastWords() throws IOException {
        // Paths in the log may be in any character set.
        List<String> lines = Files.exists(files.log())
                ? new String(Files.readAllBytes(files.log()), StandardCharsets.UTF_8)
                        .lines()
                        .toList()
                : List.of();
        String last = "";
        for (String line : lines.subList(Math.max(0, lines.size() - 20), lines.size())) {
            // pg_ctl's own line says only that the server did not start.
            if (line.matches(".*(FATAL|PANIC|LOG:  .*error|error:|could not|cannot).*")
                    && !line.startsWith("pg_ctl:")) {
                // Removes the line's time and process id.
                last = line.replaceFirst("^\\d.*?\\] ", "").strip();
            }
        }
        return last.isEmpty() ? "it gave no reason" : last;
    }

    private String hint() {
        return "; see " + files.log() + ", or set agentbus.database.url (or DATABASE_URL) to a server of yours";
    }

    private Process run(String program, String... arguments) throws IOException {
        return builder(program, arguments).start();
    }

    private ProcessBuilder builder(String program, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        if ("root".equals(System.getProperty("user.name"))) {
            // Postgres refuses to run as root; inside a new user namespace its user is not root.
            if (!LinuxUtils.isUnshareAvailable()) {
                throw new StartFailure("Postgres does not run as root, and this system does not allow unshare -U;"
                        + " start agentbus as another user" + hint().substring(hint().indexOf(", or")));
            }
            command.addAll(List.of("unshare", "-U"));
        }
        command.add(binaries.program(program));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        Map<String, String> environment = builder.environment();
        String path = environment.getOrDefault("PATH", "/usr/bin:/bin");
        // Clears the environment: it may hold secrets of the bus, and PGDATA or PGPORT would misconfigure the server.
        environment.clear();
        environment.putAll(Map.of("PATH", path, "LC_ALL", "C", "TZ", "UTC"));
        files.openLog();
        builder.redirectErrorStream(true);
        builder.redirectOutput(ProcessBuilder.Redirect.appendTo(files.log().toFile()));
        return builder;
    }

    private static boolean exitedWell(Process process, Duration patience) throws IOException {
        try {
            if (process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                return process.exitValue() == 0;
            }
            process.destroy();
            return false;
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
