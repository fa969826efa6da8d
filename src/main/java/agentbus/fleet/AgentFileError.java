package agentbus.fleet;

/**
 * A mistake in the fleet's files. The message is one line: the file, the line where it is known, the field, its value,
 * and what would be right.
 */
public final class AgentFileError extends IllegalArgumentException {

    private static final int LONGEST_VALUE = 80;

    AgentFileError(String message) {
        super(oneLine(message));
    }

    AgentFileError(String message, Throwable cause) {
        super(oneLine(message), cause);
    }

    /** A value as a message shows it: on one line and clipped, since a file may hold a page where a word belongs. */
    static String shown(String value) {
        String line = oneLine(value);
        return "'" + (line.length() <= LONGEST_VALUE ? line : line.substring(0, LONGEST_VALUE) + "…") + "'";
    }

    private static String oneLine(String text) {
        return text.replaceAll("[\\p{Cntrl}\\s]+", " ");
    }
}
