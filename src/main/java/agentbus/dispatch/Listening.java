package agentbus.dispatch;

/** Whether this node hears the database's notifications; the program brings it, the dispatcher asks. */
@FunctionalInterface
public interface Listening {
    /** Whether every listener is connected, and there is one. */
    boolean connected();
}
