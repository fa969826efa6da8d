package agentbus.release;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Programs that the tests of a release run to their end. */
public final class Commands {
    private Commands() {}

    /**
     * Runs a program.
     *
     * @param directory its working directory
     * @param minutes how long it may take
     * @param environment variables beside those of this process
     * @param command the program and its arguments
     * @return what it has printed on both outputs
     * @throws IllegalStateException when it fails or takes longer
     */
    public static String run(Path directory, int minutes, Map<String, String> environment, String... command)
            throws IOException, InterruptedException {
        Path out = Files.createTempFile("command", ".out");
        try {
            ProcessBuilder builder = new ProcessBuilder(List.of(command))
                    .directory(directory.toFile())
                    .redirectErrorStream(true)
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectOutput(out.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            boolean ended = process.waitFor(minutes, TimeUnit.MINUTES);
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            String said = Files.readString(out, StandardCharsets.UTF_8);
            if (!ended || process.exitValue() != 0) {
                throw new IllegalStateException(String.join(" ", command) + " has "
                        + (ended ? "failed" : "not ended within " + minutes + " minutes") + ":\n" + said);
            }
            return said;
        } finally {
            Files.delete(out);
        }
    }

    /**
     * Makes a jar or an archive of a copy of the sources. Not offline, because the list of libraries is then left out.
     *
     * @param sources the directory of the copy
     * @param environment variables beside those of this process
     * @param arguments further arguments of Maven
     */
    public static void build(Path sources, Map<String, String> environment, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                sources.resolve("mvnw").toString(),
                "-B",
                "-q",
                "-Dmaven.test.skip=true",
                "-Dspotless.check.skip=true",
                "-Dcheckstyle.skip=true"));
        command.addAll(List.of(arguments));
        command.add("package");
        run(sources, 10, environment, command.toArray(String[]::new));
    }
}
