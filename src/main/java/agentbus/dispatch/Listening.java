package agentbus.dispatch;

/** Tells the dispatcher whether this node receives the database's notifications; the package start implements it. */
@FunctionalInterface
public interface Listening {
    /** Whether there is at least one listener, and every listener is connected. */
    boolean connected();
}
