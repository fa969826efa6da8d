package agentbus.ops;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Runs a program of this machine, and keeps its output. */
public final class Program {
    private Program() {}

    /** How a program ended, and its two outputs. */
    public record Run(int exit, String out, String err) {
        /** Both outputs, for the message of an assertion. */
        public String said() {
            return out + err;
        }
    }

    /**
     * Skips the test, with a line that says so, if this machine lacks a program.
     *
     * @param name the program's name
     * @param debian the package of Debian that brings it
     */
    public static void require(String name, String debian) {
        boolean there =
                Stream.of(System.getenv("PATH").split(":")).anyMatch(bin -> Files.isExecutable(Path.of(bin, name)));
        if (!there) {
            System.out.println("SKIPPED: there is no " + name + " here; install it with: apt-get install " + debian);
        }
        assumeTrue(there, "there is no " + name + "; install it with: apt-get install " + debian);
    }

    /**
     * Runs a program to its end.
     *
     * @param directory its current directory, which also keeps its output
     * @param command the program and its arguments
     * @return how it ended
     */
    static Run run(Path directory, String... command) throws IOException, InterruptedException {
        Path out = Files.createTempFile(directory, "out", ".txt");
        Path err = Files.createTempFile(directory, "err", ".txt");
        try {
            Process process = new ProcessBuilder(List.of(command))
                    .directory(directory.toFile())
                    .redirectInput(Path.of("/dev/null").toFile())
                    .redirectOutput(out.toFile())
                    .redirectError(err.toFile())
                    .start();
            if (!process.waitFor(60, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
                throw new IllegalStateException(String.join(" ", command) + " does not end");
            }
            return new Run(process.exitValue(), Files.readString(out), Files.readString(err));
        } finally {
            Files.delete(out);
            Files.delete(err);
        }
    }
}
