package agentbus.start;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Where processes listen, as the kernel of Linux tells it ({@code proc(5)}). */
final class ListeningSockets {
    private static final String LISTEN = "0A";
    private static final Set<String> LOOPBACK =
            Set.of("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F");

    private ListeningSockets() {}

    /**
     * The listening TCP sockets of processes that can be reached from elsewhere.
     *
     * @param pids the processes
     * @return addresses and ports in the kernel's hex notation; none when all are on loopback
     */
    static Set<String> beyondLoopback(List<Long> pids) throws IOException {
        return of(pids, false);
    }

    /** All of them, to know that there was something to look at. */
    static Set<String> all(List<Long> pids) throws IOException {
        return of(pids, true);
    }

    private static Set<String> of(List<Long> pids, boolean loopbackToo) throws IOException {
        Set<String> inodes = new HashSet<>();
        for (long pid : pids) {
            inodes.addAll(socketsOf(pid));
        }
        Set<String> found = new TreeSet<>();
        for (String table : List.of("tcp", "tcp6")) {
            for (String line : Files.readAllLines(Path.of("/proc/net", table))) {
                String[] columns = line.strip().split("\\s+");
                if (columns[3].equals(LISTEN) && inodes.contains(columns[9])) {
                    String host = columns[1].split(":")[0];
                    if (loopbackToo || !LOOPBACK.contains(host)) {
                        found.add(columns[1]);
                    }
                }
            }
        }
        return found;
    }

    private static Set<String> socketsOf(long pid) throws IOException {
        Set<String> inodes = new HashSet<>();
        try (Stream<Path> descriptors = Files.list(Path.of("/proc", Long.toString(pid), "fd"))) {
            for (Path descriptor : descriptors.toList()) {
                String target = target(descriptor);
                if (target.startsWith("socket:[")) {
                    inodes.add(target.substring("socket:[".length(), target.length() - 1));
                }
            }
        }
        return inodes;
    }

    private static String target(Path descriptor) throws IOException {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (java.nio.file.NoSuchFileException closedMeanwhile) {
            return "";
        }
    }
}
