package agentbus.fleet;

import agentbus.settings.StartFailure;
import agentbus.text.WholeText;

/**
 * A mistake in the fleet's files. The message is one line: the file, its line if known, the field, the value, and the
 * rule.
 */
public final class AgentFileError extends StartFailure {

    /** Chosen: one line of a terminal. */
    private static final int LONGEST_VALUE = 80;

    AgentFileError(String message) {
        super(oneLine(message));
    }

    AgentFileError(String message, Throwable cause) {
        super(oneLine(message), cause);
    }

    /** Shortens a value to one line for a message, because a file may hold a whole page in place of a word. */
    static String shown(String value) {
        String line = oneLine(value);
        return "'" + (line.length() <= LONGEST_VALUE ? line : WholeText.cut(line, LONGEST_VALUE) + "…") + "'";
    }

    private static String oneLine(String text) {
        return text.replaceAll("[\\p{Cntrl}\\s]+", " ");
    }
}
