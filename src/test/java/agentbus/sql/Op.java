package agentbus.sql;

import java.util.List;

/**
 * One thing that somebody does to the queue. Jobs and attempts are named by how new they are (0 is the newest), so that a
 * sequence still means something when a step is taken out of it; who picks, {@link Actors}, prefers those it can succeed with.
 */
sealed interface Op {
    /** What a block waits for. */
    enum Until {
        TIME,
        AGENT,
        PERSON,
        JOB,
        NOBODY_NAMED,
        ANSWER
    }

    /** What an operator does to one job besides cancelling, redriving and unblocking it. */
    enum Grip {
        RETRY_NOW,
        KILL,
        SET_PRIORITY,
        REASSIGN,
        DISMISS,
        EXTEND_ATTEMPT,
        END_ATTEMPT
    }

    /** What a hook call can come to. */
    enum Answer {
        ADMITTED,
        UNDELIVERED,
        BUSY,
        UNKNOWN,
        REFUSED
    }

    /** What an attempt's own token may say without ending it. */
    enum Word {
        MARK_RUNNING,
        RENEW,
        PROGRESS
    }

    /** How a frozen clock is imitated: the time that has to pass is taken from the row. */
    enum Passing {
        /** A lease runs out. */
        LEASE,
        /** A lease runs out, and so long ago that the gateway has forgotten its key. */
        KEY_MEMORY,
        /** The attempt began longer ago than its timeout. */
        TIMEOUT,
        /** A queued job's backoff or delay is over, and no gateway is held. */
        WAIT,
        /** A block's time comes. */
        BLOCK
    }

    /** Enqueues; {@code parent} below 0 is none, {@code key} below 0 is none. */
    record Enqueue(
            String agent, int priority, int delaySeconds, int key, List<Integer> dependsOn, int parent, int maxAttempts)
            implements Op {}

    /** A dispatcher claims. */
    record Claim(int dispatcher, int limit) implements Op {}

    /** A worker that pulls claims. */
    record Pull(String agent, int limit) implements Op {}

    /** A dispatcher keeps the prompt and is about to call the hook. */
    record KeepPrompt(int dispatcher, int attempt) implements Op {}

    /** A dispatcher tells what the hook answered. */
    record Hook(Answer answer, int dispatcher, int attempt) implements Op {}

    /** An attempt says a word. */
    record Say(Word word, int attempt) implements Op {}

    /** An attempt completes its job, with follow-up jobs and perhaps an event. */
    record Complete(int attempt, int followUps, boolean event) implements Op {}

    /** An attempt fails its job. */
    record Fail(int attempt, boolean retry) implements Op {}

    /** An attempt blocks its job; {@code job} counts for {@link Until#JOB} alone. */
    record Block(int attempt, Until until, int job) implements Op {}

    /** An operator unblocks. */
    record Unblock(int job) implements Op {}

    /** An operator cancels. */
    record Cancel(int job, boolean children) implements Op {}

    /** An operator redrives. */
    record Redrive(int job) implements Op {}

    /** An operator takes a handle. */
    record Handle(Grip grip, int job) implements Op {}

    /** An operator does one thing with all jobs of an agent, and a node carries it out. */
    record Bulk(String operation, String agent) implements Op {}

    /** Time passes for one job. */
    record Pass(Passing passing, int job) implements Op {}

    /** The reaper's sweep; {@code afterOutage} when it has not run for more than a minute. */
    record Recover(boolean afterOutage) implements Op {}

    /** A dispatcher beats with everything it was given in hand. */
    record Beat(int dispatcher) implements Op {}

    /** A dispatcher says good-bye. */
    record Stop(int dispatcher) implements Op {}

    /** An operator stops a lane. */
    record Pause(String agent) implements Op {}

    /** An operator opens a lane. */
    record Resume(String agent) implements Op {}
}
