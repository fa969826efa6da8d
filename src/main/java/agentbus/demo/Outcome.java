package agentbus.demo;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The outcome of one run of a simulated agent. */
public sealed interface Outcome {

    /**
     * A job that a completed job requests.
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
     * The agent completes the job.
     *
     * @param after how long it takes; the progress reports are spread evenly over it
     * @param progress the reports during the work
     * @param summary the closing summary
     * @param result the result, of JSON's own types
     * @param followUps the jobs that it requests
     * @param events the events that it emits
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
     * The agent blocks the job.
     *
     * @param after how long the agent works before the block
     * @param reason the missing piece
     * @param unblock what unblocks the job: one of {@code at} (ISO time, or a wait such as PT15S), {@code agent},
     *     {@code person}, {@code jobId}
     */
    record Block(Duration after, String reason, Map<String, String> unblock) implements Outcome {
        /** Copies the map. */
        public Block {
            unblock = Map.copyOf(unblock);
        }
    }

    /**
     * The agent asks a person and so ends its attempt.
     *
     * @param after how long the agent works before it asks
     * @param question the question
     * @param options short answers to choose from; may be empty
     * @param why why the answer matters
     */
    record Ask(Duration after, String question, List<String> options, String why) implements Outcome {
        /** Copies the options. */
        public Ask {
            options = List.copyOf(options);
        }
    }

    /**
     * The agent fails the job.
     *
     * @param after how long the agent works before the failure
     * @param error the failure in words
     * @param retryAfter the wait before the retry, in whole seconds; empty for no retry
     */
    record Fail(Duration after, String error, Optional<Duration> retryAfter) implements Outcome {}

    /**
     * A call that an agent makes with a command of its prompt.
     *
     * @param operation the last segment of the command's path
     * @param fields the body, or the fields that replace those of the proposed body where a close has more of them; of
     *     JSON's own types
     */
    record Call(String operation, Map<String, Object> fields) {
        /** Copies the fields. */
        public Call {
            fields = Map.copyOf(fields);
        }
    }

    /**
     * The agent makes several calls, such as proposals, of which the last ends its job.
     *
     * @param after how long it takes; the calls are spread evenly over it
     * @param calls the calls in their order
     */
    record Calls(Duration after, List<Call> calls) implements Outcome {
        /**
         * Copies the calls.
         *
         * @throws IllegalArgumentException if there is none
         */
        public Calls {
            calls = List.copyOf(calls);
            if (calls.isEmpty()) {
                throw new IllegalArgumentException("An outcome of calls needs at least the call that ends its job");
            }
        }
    }

    /** The agent never answers: the run holds its slot until the gateway aborts it. */
    record Ignore() implements Outcome {}

    /**
     * The agent ends its turn well without closing the job.
     *
     * @param after how long the turn takes
     */
    record Forget(Duration after) implements Outcome {}

    /**
     * The run ends with an error before the agent closes the job.
     *
     * @param after how long the run lasts
     */
    record Crash(Duration after) implements Outcome {}
}
