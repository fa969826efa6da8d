package agentbus.demo;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** Simulated agents whose callbacks, and whose jobs at once, are counted. */
public final class TestAgents extends SimulatedAgents {
    private final Counts counts;

    /**
     * Makes a fleet.
     *
     * @param options how it behaves
     */
    public TestAgents(Options options) {
        this(options, new Counts());
    }

    private TestAgents(Options options, Counts counts) {
        super(options, counts);
        this.counts = counts;
    }

    /** Counts the callbacks that were answered with a status below 300. */
    public long callbacksSucceeded() {
        return counts.of(AgentWatch.Event.CALLBACK_SUCCEEDED);
    }

    /** Counts the tries of callbacks that were refused or got no answer. */
    public long callbacksFailed() {
        return counts.of(AgentWatch.Event.CALLBACK_FAILED);
    }

    /** Counts the callbacks for which the prompt had no command. */
    public long commandsMissing() {
        return counts.of(AgentWatch.Event.COMMAND_MISSING);
    }

    /** Counts the runs whose prompt was wrapped as untrusted, so that the agent did nothing. */
    public long obeyedNotices() {
        return counts.of(AgentWatch.Event.NOTICE_OBEYED);
    }

    /**
     * The most jobs that an agent had at once: each counts from its run's start until the agent is about to close it, or
     * the run ends. A bus that gives an agent one job at a time keeps this at 1.
     */
    public int maxWorking(String agentId) {
        return counts.work.most(agentId);
    }

    private static final class Counts implements AgentWatch {
        private final Map<Event, LongAdder> events = new EnumMap<>(Event.class);
        private final WorkCount work = new WorkCount();

        private Counts() {
            for (Event event : Event.values()) {
                events.put(event, new LongAdder());
            }
        }

        private long of(Event event) {
            return events.get(event).sum();
        }

        @Override
        public void happened(Event event) {
            events.get(event).increment();
        }

        @Override
        public void working(String agentId) {
            work.enter(agentId);
        }

        @Override
        public void stopped(String agentId) {
            work.leave(agentId);
        }
    }
}
