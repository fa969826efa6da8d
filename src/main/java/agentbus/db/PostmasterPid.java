package agentbus.db;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a Postgres server writes into its data directory while it runs, and leaves behind when it is killed.
 *
 * @param pid the server's process
 * @param port where it listens; 0 if it has not said so yet
 * @param status {@code starting}, {@code ready}, {@code stopping}, or empty if it has not said so yet
 */
record PostmasterPid(long pid, int port, String status) {
    static final String FILE = "postmaster.pid";

    /**
     * Reads the file.
     *
     * @param cluster the server's data directory
     * @return nothing if there is no such file, or it is empty or half written
     * @throws IOException if it is there and cannot be read
     */
    static Optional<PostmasterPid> read(Path cluster) throws IOException {
        List<String> lines;
        try {
            lines = Files.readAllLines(cluster.resolve(FILE));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        try {
            long pid = Long.parseLong(line(lines, 0));
            String port = line(lines, 3);
            return Optional.of(new PostmasterPid(pid, port.isEmpty() ? 0 : Integer.parseInt(port), line(lines, 7)));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    /**
     * Whether a server on that directory still runs under this id; after a crash the id may be another program's.
     *
     * @param cluster the server's data directory
     * @return false only if that is certain
     */
    boolean alive(Path cluster) {
        return ProcessHandle.of(pid)
                .filter(ProcessHandle::isAlive)
                .map(process -> process.info()
                        .commandLine()
                        .map(command -> command.contains(cluster.toString()))
                        // A zombie has no command line, and neither has what some systems do not show.
                        .orElse(process.info().startInstant().isPresent() && !zombie()))
                .orElse(false);
    }

    /**
     * Whether the file stands in the way of a start although no server is behind it: the id is another program's by now, or
     * that of a dead process nobody has buried. Postgres itself takes either for a living server.
     *
     * @param cluster the server's data directory
     * @return false when there is no such process, which Postgres sees itself, and while any process of the dead server lives
     */
    boolean inTheWay(Path cluster) {
        return ProcessHandle.of(pid).isPresent() && !alive(cluster) && !hasOrphans(cluster);
    }

    /** Server processes work in the data directory; where there is no /proc, Postgres has to find them without help. */
    private static boolean hasOrphans(Path cluster) {
        try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
            Path directory = cluster.toRealPath();
            return processes.anyMatch(process -> worksIn(process, directory));
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean worksIn(Path process, Path directory) {
        try {
            return Files.readSymbolicLink(process.resolve("cwd")).equals(directory);
        } catch (IOException | SecurityException notAProcessOrNotOurs) {
            return false;
        }
    }

    boolean ready() {
        return status.equals("ready");
    }

    private boolean zombie() {
        try {
            return Files.readString(Path.of("/proc", String.valueOf(pid), "stat"))
                    .matches("(?s).*\\) [ZX] .*");
        } catch (IOException e) {
            return false;
        }
    }

    private static String line(List<String> lines, int index) {
        return index < lines.size() ? lines.get(index).strip() : "";
    }
}
