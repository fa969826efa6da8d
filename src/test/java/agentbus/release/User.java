package agentbus.release;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The user who runs an unpacked release: nobody if the tests run as root, and otherwise the user of the tests. */
final class User {
    private static final String NOBODY = "65534";
    private static final boolean ROOT = "root".equals(System.getProperty("user.name"));

    private User() {}

    /**
     * The command line that runs a program as this user.
     *
     * @param program an absolute path
     * @param arguments its arguments
     * @return the command line
     */
    static List<String> command(Path program, String... arguments) {
        List<String> command = new ArrayList<>();
        if (ROOT) {
            command.addAll(List.of("/usr/bin/setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"));
        }
        command.add(program.toString());
        command.addAll(List.of(arguments));
        return command;
    }

    /** Gives a directory, with everything in it, to this user. */
    static void owns(Path directory) throws IOException, InterruptedException {
        if (ROOT) {
            Commands.run(directory, 1, Map.of(), "chown", "-R", NOBODY + ":" + NOBODY, directory.toString());
        }
    }

    /** Takes the right to write away from everybody. */
    static void mayOnlyRead(Path directory) throws IOException, InterruptedException {
        Commands.run(directory, 1, Map.of(), "chmod", "-R", "a-w", directory.toString());
    }
}
