package agentbus.bench;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;

/** The options of a bench. */
final class BenchOptions {
    /** The largest {@code maxConcurrency} that agent.yaml allows. */
    private static final int MOST_PER_AGENT = 100;

    private static final String DATABASE = "agentbus.database.url";

    private final Map<BenchNumber, OptionSpec> numbers = new EnumMap<>(BenchNumber.class);

    @Option(
            names = "--enqueue",
            paramLabel = "<door>",
            description = "latency, peers: http (the API) or sql (the function in Postgres); http by default.")
    Door enqueue = Door.http;

    @Option(names = "--json", description = "Print only the JSON lines; no table on the standard error output.")
    boolean json;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "A setting of the measured bus; may be repeated.")
    Map<String, String> settings = new LinkedHashMap<>();

    /** How the latency bench enqueues. */
    enum Door {
        /** A call of the API. */
        http,
        /** A call of the function. */
        sql
    }

    /** Adds the options that are numbers to a command. */
    void addNumbers(CommandSpec command) {
        for (BenchNumber number : BenchNumber.values()) {
            OptionSpec option = number.spec();
            numbers.put(number, option);
            command.addOption(option);
        }
    }

    /** A number as it was given, or its default. */
    int get(BenchNumber number) {
        return get(number, number.byDefault());
    }

    /** A number as it was given, or the default of one kind of bench. */
    int get(BenchNumber number, int byDefault) {
        Integer given = numbers.get(number).getValue();
        return given == null ? byDefault : given;
    }

    /**
     * Checks the options.
     *
     * @throws BenchFailure naming the first number that is out of range, or a database that is not the bench's
     */
    void check() {
        if (settings.containsKey(DATABASE)) {
            throw new BenchFailure("--set " + DATABASE + " names a database, and the bench has its own; name its server"
                    + " in DATABASE_URL");
        }
        numbers.keySet().forEach(number -> number.check(get(number)));
    }

    /**
     * The most jobs of one agent at once: {@code --in-flight}, which is more than its share, or the limit of
     * agent.yaml.
     */
    int perAgent() {
        return Math.min(MOST_PER_AGENT, get(BenchNumber.IN_FLIGHT));
    }
}
