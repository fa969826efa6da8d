package agentbus.bench;

/** A bench cannot start or did not finish; the message is one line for people. */
final class BenchFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * A failure.
     *
     * @param message what was wrong, and what would be right
     */
    BenchFailure(String message) {
        super(message);
    }

    /**
     * A failure with its cause.
     *
     * @param message what was wrong, and what would be right
     * @param cause for the debugger
     */
    BenchFailure(String message, Throwable cause) {
        super(message, cause);
    }
}
