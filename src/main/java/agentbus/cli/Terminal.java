package agentbus.cli;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.Map;
import java.util.OptionalInt;

/**
 * The streams and the environment of a command.
 *
 * @param in the standard input
 * @param out the standard output
 * @param err the standard error output
 * @param env the environment variables
 */
record Terminal(InputStream in, PrintStream out, PrintStream err, Map<String, String> env) {
    /** Chosen: a smaller width in COLUMNS is a mistake. */
    private static final int LEAST = 20;

    /** The terminal's width in columns, if the environment has it. */
    OptionalInt width() {
        try {
            int columns = Integer.parseInt(env.getOrDefault("COLUMNS", "").trim());
            return columns < LEAST ? OptionalInt.empty() : OptionalInt.of(columns);
        } catch (NumberFormatException unknown) {
            return OptionalInt.empty();
        }
    }
}
