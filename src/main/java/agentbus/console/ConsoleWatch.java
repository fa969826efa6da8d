package agentbus.console;

/** The bean of the route that looks after the sessions of open streams. */
public final class ConsoleWatch {
    private final ConsoleStreams streams;
    private final ConsoleSessions sessions;

    /**
     * Watches the sessions of one node.
     *
     * @param streams the open streams
     * @param sessions knows which sessions are over
     */
    ConsoleWatch(ConsoleStreams streams, ConsoleSessions sessions) {
        this.streams = streams;
        this.sessions = sessions;
    }

    /**
     * Ends the streams whose sessions are over, and sends a beat to the others. Without an answer of the database there
     * is no beat, so that a page which sees none does not call itself live.
     */
    public void check() {
        sessions.over(streams.sessions()).forEach(streams::end);
        streams.beat();
    }
}
