package agentbus.settings;

/**
 * The reason why the process cannot start, in one line that a person can act on: the mistake, its position, and the
 * rule.
 *
 * <p>The command line prints only {@link #getMessage()}, because a stack trace would hide the line.
 */
public class StartFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * A failure without a cause.
     *
     * @param message one line, no secrets; line breaks are replaced by blanks
     */
    public StartFailure(String message) {
        this(message, null);
    }

    /**
     * A failure with the exception that caused it.
     *
     * @param message one line, no secrets; line breaks are replaced by blanks
     * @param cause the exception, kept for a debugger and not shown to the user
     */
    public StartFailure(String message, Throwable cause) {
        super(message.strip().replaceAll("\\s*\\R\\s*", " "), cause);
    }
}
