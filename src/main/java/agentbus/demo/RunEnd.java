package agentbus.demo;

/** How a run ended, as the gateway sees it. The gateway does not know whether the agent has closed its job. */
public enum RunEnd {
    /** The agent's turn ended; a failed command within it changes nothing. */
    OK,
    /** The handler's stage ended exceptionally. */
    ERROR,
    /** The run's timeout passed. */
    TIMEOUT,
    /** The gateway crashed with the run in it. */
    KILLED
}
