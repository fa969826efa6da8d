package agentbus.demo;

/**
 * Observes {@link SimulatedAgents}. The demo uses {@link #NONE}, and tests count events here. Several threads may call
 * a watch at the same time.
 */
interface AgentWatch {
    /** A watch that does nothing. */
    AgentWatch NONE = new AgentWatch() {};

    /** The events of a run that are worth counting. */
    enum Event {
        /** A callback was answered with a status below 300. */
        CALLBACK_SUCCEEDED,
        /** A try of a callback was refused or got no answer. */
        CALLBACK_FAILED,
        /** The prompt had no command for a callback. */
        COMMAND_MISSING,
        /** The agent ignored its prompt, because the prompt was wrapped as untrusted. */
        NOTICE_OBEYED
    }

    /**
     * An event happened.
     *
     * @param event the event
     */
    default void happened(Event event) {}

    /**
     * An agent begins to work on a job.
     *
     * @param agentId the agent
     */
    default void working(String agentId) {}

    /**
     * An agent is about to close its job, or its run has ended; called once for each {@link #working}.
     *
     * @param agentId the agent
     */
    default void stopped(String agentId) {}
}
