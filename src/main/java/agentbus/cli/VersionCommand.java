package agentbus.cli;

import agentbus.settings.Version;
import java.io.PrintStream;
import picocli.CommandLine.Command;

/** {@code agentbus version}: prints the version of this program, and the commit if it is known. */
@Command(
        name = "version",
        description = {VersionCommand.SUMMARY, "The version of a running bus is in agentbus health."},
        footer = "Example: agentbus version")
public final class VersionCommand implements Runnable {
    /** The line that the help of the program says of this command. */
    public static final String SUMMARY = "Show the version of this program, and the commit that it was built from.";

    private final PrintStream out;

    /**
     * The command.
     *
     * @param out the stream for the output
     */
    public VersionCommand(PrintStream out) {
        this.out = out;
    }

    /** The line that this command and {@code --version} print. */
    static String line() {
        return "agentbus " + Version.withCommit();
    }

    @Override
    public void run() {
        out.println(line());
    }
}
