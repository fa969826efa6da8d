package agentbus.release;

import agentbus.text.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * A release that was unpacked.
 *
 * @param directory the directory with the launcher
 */
public record Release(Path directory) {
    /** The archive under test. */
    public static Path archive() {
        return Path.of(System.getProperty("release.archive", "no archive"));
    }

    /**
     * Unpacks the archive under test.
     *
     * @param parent an existing directory
     * @return the unpacked release
     */
    public static Release unpack(Path parent) throws IOException, InterruptedException {
        Commands.run(parent, 1, Map.of(), "tar", "xzf", archive().toString());
        String name = archive().getFileName().toString().replaceFirst("[.]tar[.]gz$", "");
        return new Release(parent.resolve(name));
    }

    /** Its version. */
    public String version() {
        return directory.getFileName().toString().replaceFirst("^agentbus-", "");
    }

    /** The class path of the program with all its libraries. */
    public String classPath() {
        String jar = directory.resolve("lib/agentbus-" + version()).toString();
        return jar + ".jar:" + jar + "-libraries.jar";
    }

    /**
     * The checksums that SHA256SUMS states.
     *
     * @return checksums by the names of the files
     */
    public Map<String, String> stated() throws IOException {
        Map<String, String> stated = new TreeMap<>();
        for (String line : Files.readAllLines(directory.resolve("SHA256SUMS"))) {
            String[] parts = line.split("  ", 2);
            stated.put(parts[1], parts[0]);
        }
        return stated;
    }

    /**
     * The checksums of the files that are there, without SHA256SUMS itself.
     *
     * @return checksums by the names of the files
     */
    public Map<String, String> found() throws IOException {
        Map<String, String> found = new TreeMap<>();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                found.put(directory.relativize(file).toString(), Sha256.hex(Files.readAllBytes(file)));
            }
        }
        found.remove("SHA256SUMS");
        return found;
    }
}
