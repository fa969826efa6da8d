package agentbus.bench;

/** One of the queues that {@code bench peers} compares. It runs from {@link #start} to {@link #stop}, more than once. */
interface Side {
    /** The queue's name in the results. */
    String name();

    /**
     * Starts the queue's process.
     *
     * @param atOnce the most jobs that it has in hand at once
     */
    void start(int atOnce);

    /** The queue's version; known after the first start. */
    String version();

    /** Queues jobs while none is worked off. */
    void fill(int jobs);

    /**
     * Works off the jobs of {@link #fill}.
     *
     * @param jobs how many there are
     * @param seconds the longest wait
     * @return the microseconds from the start of the work until the last job was done in the database
     * @throws BenchFailure when not all jobs were done
     */
    long work(int jobs, int seconds);

    /**
     * Queues jobs at a steady rate while they are worked off, and waits until all of them are done. Each job carries the
     * time just before the call that queues it.
     *
     * @param jobs how many
     * @param perSecond the rate
     * @param seconds the longest wait
     * @throws BenchFailure when not all jobs were done
     */
    void rate(int jobs, int perSecond, int seconds);

    /** The queue's process. */
    ProcessHandle process();

    /** Stops the queue's process, if it runs. */
    void stop();
}
