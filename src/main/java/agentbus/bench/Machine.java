package agentbus.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;

/** The machine and the server on which the figures were taken. */
final class Machine {
    private static final Path CPUS = Path.of("/proc/cpuinfo");

    private Machine() {}

    /**
     * Describes the hardware and the software on it.
     *
     * @param server the row of {@code server.sql}
     * @return cpu, cores, memoryMb, os, java, postgres, synchronousCommit, fsync, sharedBuffers, and load, the load
     *     average of the last minute, which shows whether others use the machine
     */
    static ObjectNode describe(Map<String, Object> server) {
        var system = ManagementFactory.getOperatingSystemMXBean();
        ObjectNode told = JsonNodeFactory.instance
                .objectNode()
                .put("cpu", cpu())
                .put("cores", Runtime.getRuntime().availableProcessors())
                .put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"))
                .put("java", System.getProperty("java.runtime.version"))
                .put("postgres", String.valueOf(server.get("version")))
                .put("synchronousCommit", String.valueOf(server.get("synchronous_commit")))
                .put("fsync", String.valueOf(server.get("fsync")))
                .put("sharedBuffers", String.valueOf(server.get("shared_buffers")))
                .put("load", Math.round(system.getSystemLoadAverage() * 100) / 100.0);
        if (system instanceof com.sun.management.OperatingSystemMXBean more) {
            told.put("memoryMb", more.getTotalMemorySize() / 1_048_576);
        }
        return told;
    }

    /** The processor's model name, or the architecture on systems that do not name a model. */
    private static String cpu() {
        try (Stream<String> lines = Files.lines(CPUS)) {
            return lines.filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse(System.getProperty("os.arch"));
        } catch (IOException notLinux) {
            return System.getProperty("os.arch");
        }
    }

    /**
     * The resident memory of a process.
     *
     * @param process the process
     * @return the memory in megabytes, or -1 if the system does not report it
     */
    static double residentMb(ProcessHandle process) {
        double kilobytes = status(process, "VmRSS");
        return kilobytes < 0 ? kilobytes : kilobytes / 1024;
    }

    /**
     * The threads of a process.
     *
     * @param process the process
     * @return how many, or -1 if the system does not report it
     */
    static double threads(ProcessHandle process) {
        return status(process, "Threads");
    }

    private static double status(ProcessHandle process, String name) {
        try (Stream<String> lines = Files.lines(Path.of("/proc", Long.toString(process.pid()), "status"))) {
            return lines.filter(line -> line.startsWith(name + ":"))
                    .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")))
                    .findFirst()
                    .orElse(-1);
        } catch (IOException notLinux) {
            return -1;
        }
    }
}
