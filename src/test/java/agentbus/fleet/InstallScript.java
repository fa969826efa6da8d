package agentbus.fleet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tests of agents/install.sh, which run it from a copy of the files that it installs. The copy has two agents unless a
 * test adds more, because the script starts several processes for each file.
 */
abstract class InstallScript {
    @TempDir
    Path temp;

    Path repository;
    Path home;

    record Run(int exit, String out, String err) {}

    @BeforeEach
    void copyTheFiles() throws IOException {
        repository = temp.resolve("agentbus");
        for (String file : List.of("install.sh", "openclaw.json5")) {
            copy(
                    Path.of("agents", file),
                    Files.createDirectories(repository.resolve("agents")).resolve(file));
        }
        add("devops");
        add("security");
        copy(Path.of("gateway"), repository.resolve("gateway"));
        home = temp.resolve("openclaw");
    }

    /** Adds an agent's folder to the copy. */
    void add(String agent) throws IOException {
        copy(Path.of("agents", agent), repository.resolve("agents").resolve(agent));
    }

    static void assertError(Run run, String message) {
        assertEquals(2, run.exit, run.out + run.err);
        assertTrue(run.err.contains(message), run.err);
        assertEquals(1, run.err.lines().count(), run.err);
    }

    Run install(String... options) throws Exception {
        List<String> all = new ArrayList<>(List.of("--openclaw-home", home.toString()));
        all.addAll(List.of(options));
        return run(all, Map.of());
    }

    Run run(List<String> options, Map<String, String> environment) throws Exception {
        List<String> command = new ArrayList<>(
                List.of("/bin/sh", repository.resolve("agents/install.sh").toString()));
        command.addAll(options);
        Path out = temp.resolve("out.txt");
        Path err = temp.resolve("err.txt");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(temp.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().putAll(environment);
        Process process = builder.start();
        process.getOutputStream().close();
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
            throw new AssertionError("install.sh does not end");
        }
        return new Run(process.exitValue(), text(out), text(err));
    }

    /** All files in the home directory, with their contents and times. */
    Map<String, String> everything() throws IOException {
        Map<String, String> files = new TreeMap<>();
        try (Stream<Path> paths = Files.walk(home)) {
            for (Path path : paths.toList()) {
                String content = Files.isDirectory(path) ? "" : text(path);
                files.put(home.relativize(path).toString(), Files.getLastModifiedTime(path) + " " + content);
            }
        }
        return files;
    }

    static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> paths = Files.walk(from)) {
            for (Path path : paths.toList()) {
                Path copy = to.resolve(from.relativize(path).toString());
                if (Files.isDirectory(path)) {
                    Files.createDirectories(copy);
                } else {
                    Files.copy(path, copy, StandardCopyOption.REPLACE_EXISTING);
                }
            }
        }
    }

    static String mode(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    static String text(Path path) throws IOException {
        return Files.readString(path, StandardCharsets.UTF_8);
    }
}
