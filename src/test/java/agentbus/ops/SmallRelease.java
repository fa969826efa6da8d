package agentbus.ops;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** An unpacked release with the real files of ops, and a launcher that only tells its version. */
final class SmallRelease {
    private final Path directory;
    private final Path root;

    private SmallRelease(Path directory, Path root) {
        this.directory = directory;
        this.root = root;
    }

    /**
     * Lays a release out.
     *
     * @param place where it is unpacked
     * @param version its version
     * @param root where the script installs it
     * @return the release
     */
    static SmallRelease unpack(Path place, String version, Path root) throws IOException, InterruptedException {
        SmallRelease release = new SmallRelease(Files.createDirectory(place.resolve("agentbus-" + version)), root);
        copy(Path.of("ops"), release.path("ops"));
        copy(Path.of("agents/devops"), release.path("agents/devops"));
        Files.writeString(release.path("agentbus"), "#!/bin/sh\necho " + version + "\n");
        Files.setPosixFilePermissions(release.path("agentbus"), PosixFilePermissions.fromString("rwxr-xr-x"));
        release.seal();
        return release;
    }

    /**
     * A file of the release.
     *
     * @param file its path in the release
     * @return where it is
     */
    Path path(String file) {
        return directory.resolve(file);
    }

    /**
     * Adds a line to a file, as a later version does.
     *
     * @param file its path in the release
     * @param line the line
     */
    void change(String file, String line) throws IOException, InterruptedException {
        Files.writeString(path(file), line + "\n", StandardOpenOption.APPEND);
        seal();
    }

    /** Writes SHA256SUMS anew. */
    void seal() throws IOException, InterruptedException {
        Path sums = path("SHA256SUMS");
        Files.deleteIfExists(sums);
        List<String> command = new ArrayList<>(List.of("sha256sum"));
        try (Stream<Path> files = Files.walk(directory)) {
            files.filter(Files::isRegularFile)
                    .map(file -> directory.relativize(file).toString())
                    .sorted()
                    .forEach(command::add);
        }
        Files.writeString(
                sums, Program.run(directory, command.toArray(String[]::new)).out());
    }

    /**
     * Runs its ops/install-service.sh.
     *
     * @param options further options
     * @return how it ended
     */
    Program.Run install(String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of("/bin/sh", path("ops/install-service.sh").toString(), "--root", root.toString()));
        command.addAll(List.of(options));
        return Program.run(directory.getParent(), command.toArray(String[]::new));
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> paths = Files.walk(from)) {
            for (Path path : paths.toList()) {
                Path copy = to.resolve(from.relativize(path).toString());
                Files.createDirectories(copy.getParent());
                Files.copy(path, copy);
            }
        }
    }
}
