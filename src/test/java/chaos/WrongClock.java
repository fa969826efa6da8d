package chaos;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** A wrong wall clock for one process, by a small library that is loaded before libc, where a C compiler can build it. */
final class WrongClock {
    private WrongClock() {}

    /**
     * Builds the library.
     *
     * @param library where to
     * @return null, or why there is none here
     */
    static String build(Path library) throws IOException, InterruptedException {
        Path source = library.resolveSibling("clock-skew.c");
        try (InputStream in = WrongClock.class.getResourceAsStream("/chaos/clock-skew.c")) {
            Files.write(source, in.readAllBytes());
        }
        try {
            Process compiler = new ProcessBuilder(
                            "cc", "-shared", "-fPIC", "-O2", "-o", library.toString(), source.toString())
                    .redirectErrorStream(true)
                    .start();
            String said = new String(compiler.getInputStream().readAllBytes());
            return compiler.waitFor() == 0 ? null : "the library does not build: " + said;
        } catch (IOException noCompiler) {
            return "there is no C compiler (cc) for the library that skews a process's clock";
        }
    }

    /** The environment of a process whose clock runs so many seconds ahead. */
    static Map<String, String> environment(Path library, int seconds) {
        return Map.of("LD_PRELOAD", library.toString(), "CLOCK_SKEW_SECONDS", Integer.toString(seconds));
    }

    /** The measured lead of a Java process's clock in this environment, in seconds. */
    static long skewSeconds(Map<String, String> environment) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "-cp",
                System.getProperty("java.class.path"),
                WrongClock.class.getName()));
        builder.environment().putAll(environment);
        Process process = builder.start();
        String said = new String(process.getInputStream().readAllBytes()).strip();
        process.waitFor();
        return Instant.parse(said).getEpochSecond() - Instant.now().getEpochSecond();
    }

    /** Prints the time. */
    public static void main(String[] arguments) {
        System.out.println(Instant.now());
    }
}
