package agentbus.settings;

/**
 * Why the process cannot start, in one line that a person can act on: what is wrong, where, and what would be right.
 *
 * <p>The one who starts the process prints {@link #getMessage()} and nothing else: a stack trace would only hide the line.
 */
public class StartFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * A failure with nothing more to look at.
     *
     * @param message one line, no secrets; line breaks are replaced by blanks
     */
    public StartFailure(String message) {
        this(message, null);
    }

    /**
     * A failure that another one has caused.
     *
     * @param message one line, no secrets; line breaks are replaced by blanks
     * @param cause kept for the debugger, not for the user
     */
    public StartFailure(String message, Throwable cause) {
        super(message.strip().replaceAll("\\s*\\R\\s*", " "), cause);
    }
}
