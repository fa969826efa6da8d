package agentbus.demo;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The outcome of one run of a simulated agent. */
public sealed interface Outcome {

    /**
     * Work that a completed job hands on.
     *
     * @param targetAgent the agent that gets the job
     * @param subject the subject of the job
     * @param payload its data, of JSON's own types
     */
    record FollowUp(String targetAgent, String subject, Map<String, Object> payload) {
        /** Copies the payload. */
        public FollowUp {
            payload = Map.copyOf(payload);
        }
    }

    /**
     * A fact that a completed job announces.
     *
     * @param topic its topic
     * @param payload its data, of JSON's own types
     */
    record Event(String topic, Map<String, Object> payload) {
        /** Copies the payload. */
        public Event {
            payload = Map.copyOf(payload);
        }
    }

    /**
     * A report during the work.
     *
     * @param percent how much is done, 0 to 100
     * @param line the current step in words
     */
    record Progress(int percent, String line) {}

    /**
     * The job gets done.
     *
     * @param after how long it takes; the progress reports are spread evenly over it
     * @param progress the reports during the work
     * @param summary the closing summary
     * @param result the result, of JSON's own types
     * @param followUps the jobs it makes
     * @param events the events it makes
     */
    record Complete(
            Duration after,
            List<Progress> progress,
            String summary,
            Map<String, Object> result,
            List<FollowUp> followUps,
            List<Event> events)
            implements Outcome {
        /** Copies the collections. */
        public Complete {
            progress = List.copyOf(progress);
            result = Map.copyOf(result);
            followUps = List.copyOf(followUps);
            events = List.copyOf(events);
        }

        /**
         * Work without reports, result, follow-ups or events.
         *
         * @param after how long it takes
         * @param summary the closing summary
         */
        public Complete(Duration after, String summary) {
            this(after, List.of(), summary, Map.of(), List.of(), List.of());
        }
    }

    /**
     * The job cannot go on.
     *
     * @param after how long it takes to find out
     * @param reason the missing piece
     * @param unblock the way out: one of {@code at} (ISO time, or a wait such as PT15S), {@code agent}, {@code person}, {@code jobId}
     */
    record Block(Duration after, String reason, Map<String, String> unblock) implements Outcome {
        /** Copies the map. */
        public Block {
            unblock = Map.copyOf(unblock);
        }
    }

    /**
     * The job fails.
     *
     * @param after how long it takes to find out
     * @param error the failure in words
     * @param retryAfter when to try again, in whole seconds; empty for never
     */
    record Fail(Duration after, String error, Optional<Duration> retryAfter) implements Outcome {}

    /** The agent never answers: the run holds its slot until the gateway aborts it. */
    record Ignore() implements Outcome {}

    /**
     * The agent ends its turn well, but never closed the job.
     *
     * @param after how long the turn takes
     */
    record Forget(Duration after) implements Outcome {}

    /**
     * The run ends with an error before the agent closed the job.
     *
     * @param after how long it lives
     */
    record Crash(Duration after) implements Outcome {}
}
