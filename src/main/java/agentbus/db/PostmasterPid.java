package agentbus.db;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The content of {@code postmaster.pid}, which a running Postgres keeps in its data directory and a killed one leaves
 * behind.
 *
 * @param pid the server's process id
 * @param port its TCP port; 0 before it is known
 * @param status {@code starting}, {@code ready} or {@code stopping}; empty before it is known
 */
record PostmasterPid(long pid, int port, String status) {
    static final String FILE = "postmaster.pid";

    /**
     * Reads the file.
     *
     * @param cluster the server's data directory
     * @return empty if the file is missing, empty or half written
     * @throws IOException if the file exists and cannot be read
     */
    static Optional<PostmasterPid> read(Path cluster) throws IOException {
        List<String> lines;
        try {
            // Only numbers are needed, and the path in the file may be in any character set.
            lines = Files.readAllLines(cluster.resolve(FILE), StandardCharsets.ISO_8859_1);
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
     * Whether a server on this directory still runs under the process id. After a crash the id may belong to another
     * program.
     *
     * @param cluster the server's data directory
     * @return false only if the server is certainly gone
     */
    boolean alive(Path cluster) {
        return ProcessHandle.of(pid)
                .filter(ProcessHandle::isAlive)
                .map(process -> process.info()
                        .commandLine()
                        .map(command -> command.contains(cluster.toString()))
                        // A zombie has no command line; on some systems no process shows one.
                        .orElse(process.info().startInstant().isPresent() && !zombie()))
                .orElse(false);
    }

    /**
     * Whether the file of a dead server blocks a start: its process id now belongs to another program or to a zombie,
     * and Postgres takes either for a living server.
     *
     * @param cluster the server's data directory
     * @return false when no process has the id, because Postgres then starts without help; also false while any process
     *     of the dead server lives
     */
    boolean inTheWay(Path cluster) {
        return ProcessHandle.of(pid).isPresent() && !alive(cluster) && !hasOrphans(cluster);
    }

    /**
     * Whether a process works in the data directory. Without /proc the answer is always false, and Postgres has to
     * detect such processes.
     */
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
