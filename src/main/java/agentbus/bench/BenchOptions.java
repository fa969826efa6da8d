package agentbus.bench;

import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** What a bench can be told. */
final class BenchOptions {
    /** As agent.yaml allows. */
    private static final int MOST_PER_AGENT = 100;

    @Option(
            names = "--jobs",
            paramLabel = "<n>",
            description = "drain: jobs in one round, 1 to 1000000; 20000 by default.")
    int jobs = 20_000;

    @Option(
            names = "--rounds",
            paramLabel = "<n>",
            description = "drain, claim, start: how often, 1 to 50; 3 by default.")
    int rounds = 3;

    @Option(
            names = "--rate",
            paramLabel = "<n>",
            description = "latency: jobs enqueued in a second, 1 to 1000; 20 by default.")
    int rate = 20;

    @Option(
            names = "--warm-up",
            paramLabel = "<n>",
            description = "latency: jobs done before it measures, 0 to 1000000; 5000 by default.")
    int warmUp = 5_000;

    @Option(
            names = "--seconds",
            paramLabel = "<s>",
            description =
                    "latency and idle: how long to measure; drain: how long to wait for a round. 1 to 3600; 60 by default.")
    int seconds = 60;

    @Option(
            names = "--agents",
            paramLabel = "<n>",
            description = "Agents that share the work, 1 to 200; 10 by default.")
    int agents = 10;

    @Option(
            names = "--in-flight",
            paramLabel = "<n>",
            description = "drain: runs at once on the gateway, 1 to 10000; 400 by default.")
    int inFlight = 400;

    @Option(
            names = "--history",
            paramLabel = "<n>",
            description = "claim: the largest number of finished jobs, 0 to 5000000; 1000000 by default.")
    int history = 1_000_000;

    @Option(
            names = "--backlog",
            paramLabel = "<n>",
            description = "claim: queued jobs to claim from, 100 to 1000000; 1000 by default.")
    int backlog = 1_000;

    @Option(
            names = "--enqueue",
            paramLabel = "<door>",
            description = "latency: http (the API) or sql (the function in Postgres); http by default.")
    Door enqueue = Door.http;

    @Option(names = "--json", description = "Only the JSON lines; no table on the standard error output.")
    boolean json;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "A setting of the bus that is measured; may be repeated.")
    Map<String, String> settings = new LinkedHashMap<>();

    /** How the latency bench enqueues. */
    enum Door {
        /** A call of the API. */
        http,
        /** A call of the function. */
        sql
    }

    /**
     * Checks the numbers.
     *
     * @throws BenchFailure naming the first option that is out of range
     */
    void check() {
        require("--jobs", jobs, 1, 1_000_000);
        require("--rounds", rounds, 1, 50);
        require("--rate", rate, 1, 1000);
        require("--warm-up", warmUp, 0, 1_000_000);
        require("--seconds", seconds, 1, 3600);
        require("--agents", agents, 1, 200);
        require("--in-flight", inFlight, 1, 10_000);
        require("--history", history, 0, 5_000_000);
        require("--backlog", backlog, 100, 1_000_000);
    }

    /** Jobs at once of one agent: more than its share, and no more than an agent may have. */
    int perAgent() {
        return Math.min(MOST_PER_AGENT, inFlight);
    }

    private static void require(String option, int value, int min, int max) {
        if (value < min || value > max) {
            throw new BenchFailure(option + " is " + value + "; it must be a whole number from " + min + " to " + max);
        }
    }
}
