package agentbus.demo;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a gateway received and ran, counted at the gateway and so independent of the caller's own books. Survives a
 * simulated crash. The counters always count; of the entries only the newest are kept. Safe for use by many threads.
 */
public final class GatewayLedger {

    /**
     * A hook request.
     *
     * @param at when it came in
     * @param method the HTTP method
     * @param path the path, without query
     * @param agentId the agent that the path or the body named, empty if neither did or the body was not read
     * @param idempotencyKey its key, empty if it had none
     * @param bodySha256 the body's hash in hex, empty if the body was not read
     * @param status the status it was answered with, or one of {@link #UNANSWERED} and {@link #CUT}
     */
    public record ReceivedRequest(
            Instant at,
            String method,
            String path,
            String agentId,
            String idempotencyKey,
            String bodySha256,
            int status) {
        /** The status of a request that has no answer yet, or never gets one. */
        public static final int UNANSWERED = 0;
        /** The status of a request whose connection was cut in place of an answer. */
        public static final int CUT = -1;
    }

    /**
     * A run that was started.
     *
     * @param runId the id the hook was answered with
     * @param agentId the agent that ran
     * @param sessionKey the whole session key
     * @param idempotencyKey the key of the first request for it, empty if it had none
     * @param jobId the job id of its payload, empty if it had none
     * @param startedAt when it started
     * @param endedAt when it ended, empty while it runs
     * @param end how it ended, empty while it runs
     */
    public record StartedRun(
            String runId,
            String agentId,
            String sessionKey,
            String idempotencyKey,
            String jobId,
            Instant startedAt,
            Optional<Instant> endedAt,
            Optional<RunEnd> end) {
        /**
         * How long the run took.
         *
         * @return the time from start to end, empty while it runs
         */
        public Optional<Duration> duration() {
            return endedAt.map(end -> Duration.between(startedAt, end));
        }
    }

    private static final class Concurrency {
        private long started;
        private int now;
        private int max;
    }

    /** A kept request, filled in as the gateway learns about it. */
    final class RequestEntry {
        private final Instant at = Instant.now();
        private final String method;
        private final String path;
        private String agentId = "";
        private String idempotencyKey = "";
        private String bodySha256 = "";
        private int status = ReceivedRequest.UNANSWERED;

        private RequestEntry(String method, String path) {
            this.method = method;
            this.path = path;
        }

        void read(String agent, String key, String sha256) {
            synchronized (GatewayLedger.this) {
                agentId = agent;
                idempotencyKey = key;
                bodySha256 = sha256;
            }
        }

        void answered(int answeredStatus) {
            synchronized (GatewayLedger.this) {
                status = answeredStatus;
                answers.merge(answeredStatus, 1L, Long::sum);
            }
        }

        private ReceivedRequest snapshot() {
            return new ReceivedRequest(at, method, path, agentId, idempotencyKey, bodySha256, status);
        }
    }

    /** A kept run. */
    final class RunEntry {
        private final AdmittedRun run;
        private final Instant startedAt = Instant.now();
        private Instant endedAt;
        private RunEnd end;

        private RunEntry(AdmittedRun run) {
            this.run = run;
        }

        /** Ends the run; a second end is ignored. */
        void ended(RunEnd how) {
            synchronized (GatewayLedger.this) {
                if (end != null) {
                    return;
                }
                end = how;
                endedAt = Instant.now();
                all.now--;
                agents.get(run.agentId()).now--;
                ends.merge(how, 1L, Long::sum);
            }
        }

        private StartedRun snapshot() {
            return new StartedRun(
                    run.runId(),
                    run.agentId(),
                    run.sessionKey(),
                    run.idempotencyKey(),
                    run.jobId(),
                    startedAt,
                    Optional.ofNullable(endedAt),
                    Optional.ofNullable(end));
        }
    }

    private final int limit;
    private final Deque<RequestEntry> requests = new ArrayDeque<>();
    private final Deque<RunEntry> runs = new ArrayDeque<>();
    private final Map<Integer, Long> answers = new TreeMap<>();
    private final Map<RunEnd, Long> ends = new HashMap<>();
    private final Map<String, Concurrency> agents = new HashMap<>();
    private final Concurrency all = new Concurrency();
    private long received;

    GatewayLedger(int limit) {
        this.limit = limit;
    }

    synchronized RequestEntry received(String method, String path) {
        received++;
        RequestEntry entry = new RequestEntry(method, path);
        keep(requests, entry);
        return entry;
    }

    synchronized RunEntry started(AdmittedRun run) {
        Concurrency agent = agents.computeIfAbsent(run.agentId(), id -> new Concurrency());
        for (Concurrency one : List.of(all, agent)) {
            one.started++;
            one.now++;
            one.max = Math.max(one.max, one.now);
        }
        RunEntry entry = new RunEntry(run);
        keep(runs, entry);
        return entry;
    }

    private <T> void keep(Deque<T> entries, T entry) {
        if (entries.size() == limit) {
            entries.removeFirst();
        }
        entries.addLast(entry);
    }

    /**
     * The newest hook requests, those without a good token included.
     *
     * @return a snapshot, oldest first
     */
    public synchronized List<ReceivedRequest> requests() {
        return requests.stream().map(RequestEntry::snapshot).toList();
    }

    /**
     * The newest runs.
     *
     * @return a snapshot, in the order of their start
     */
    public synchronized List<StartedRun> runs() {
        return runs.stream().map(RunEntry::snapshot).toList();
    }

    /**
     * Counts all hook requests, also those no longer kept.
     *
     * @return the number of requests
     */
    public synchronized long requestsReceived() {
        return received;
    }

    /**
     * Counts all answers with one status.
     *
     * @param status an HTTP status, or {@link ReceivedRequest#CUT}
     * @return the number of requests answered so
     */
    public synchronized long answers(int status) {
        return answers.getOrDefault(status, 0L);
    }

    /**
     * Counts all runs that were started, also those no longer kept.
     *
     * @return the number of runs
     */
    public synchronized long runsStarted() {
        return all.started;
    }

    /**
     * Counts the runs of one agent that were started.
     *
     * @param agentId the agent
     * @return the number of runs
     */
    public synchronized long runsStarted(String agentId) {
        return of(agentId).started;
    }

    /**
     * Counts the runs that ended in one way.
     *
     * @param end the way
     * @return the number of runs
     */
    public synchronized long runsEnded(RunEnd end) {
        return ends.getOrDefault(end, 0L);
    }

    /**
     * Counts the runs that go on now.
     *
     * @return the number of runs
     */
    public synchronized int running() {
        return all.now;
    }

    /**
     * The most runs that went on at once.
     *
     * @return the number of runs, over all agents
     */
    public synchronized int maxConcurrent() {
        return all.max;
    }

    /**
     * The most runs of one agent that went on at once. A run goes on a little after its agent closed the job, as a real
     * turn does, so a dispatcher that sends the next job at once makes this 2; see {@link
     * TestAgents#maxWorking(String)} for jobs at once.
     *
     * @param agentId the agent
     * @return the number of runs
     */
    public synchronized int maxConcurrent(String agentId) {
        return of(agentId).max;
    }

    private Concurrency of(String agentId) {
        return agents.getOrDefault(agentId, new Concurrency());
    }
}
