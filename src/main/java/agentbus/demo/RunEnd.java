package agentbus.demo;

/** The end of a run as the gateway sees it. The gateway does not know whether the agent has closed its job. */
public enum RunEnd {
    /** The agent's turn ended; failed commands within the turn do not matter. */
    OK,
    /** The handler's stage ended exceptionally. */
    ERROR,
    /** The run's timeout passed. */
    TIMEOUT,
    /** The gateway crashed during the run. */
    KILLED
}
