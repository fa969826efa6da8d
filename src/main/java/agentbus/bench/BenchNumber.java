package agentbus.bench;

import java.util.Locale;
import picocli.CommandLine.Model.OptionSpec;

/** The numeric options of a bench. The help of each option shows its range and default from here. */
enum BenchNumber {
    JOBS("<n>", "drain, scale, peers: jobs in one round", 20_000, 1, 1_000_000),
    ROUNDS("<n>", "drain, claim, start, call, scale, peers: how often", 3, 1, 50),
    RATE("<n>", "latency, soak: jobs enqueued per second", 20, 1, 1_000),
    WARM_UP("<n>", "latency, scale, peers: jobs done before the measurement", 5_000, 0, 1_000_000),
    SECONDS(
            "<s>",
            "latency, idle, peers, soak: how long to measure; drain, scale: how long to wait for a round",
            60,
            1,
            100_000),
    COLD(
            "<s>",
            "latency, idle: how long the bus has nothing to do before the measurement, idle at least 15",
            0,
            0,
            3_600),
    AGENTS("<n>", "Agents that share the work", 10, 1, 200),
    IN_FLIGHT("<n>", "drain, scale: runs at once on the gateway", 400, 1, 10_000),
    AT_ONCE("<n>", "peers: jobs in hand at once on each side", 50, 1, 1_000),
    HISTORY("<n>", "claim: the largest number of finished jobs", 1_000_000, 0, 5_000_000),
    BACKLOG("<n>", "claim: queued jobs to claim from", 1_000, 100, 1_000_000);

    private final String label;
    private final String what;
    private final int byDefault;
    private final int min;
    private final int max;

    BenchNumber(String label, String what, int byDefault, int min, int max) {
        this.label = label;
        this.what = what;
        this.byDefault = byDefault;
        this.min = min;
        this.max = max;
    }

    /** The option's name, such as {@code --warm-up}. */
    String option() {
        return "--" + name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The number if the option is not given. */
    int byDefault() {
        return byDefault;
    }

    /** A new option for this number; its value is null if it is not given. */
    OptionSpec spec() {
        return OptionSpec.builder(option())
                .type(Integer.class)
                .paramLabel(label)
                .description(what + ", " + min + " to " + max + "; " + byDefault
                        + " by default, unless the text of a kind gives another.")
                .build();
    }

    /**
     * Checks a value.
     *
     * @param value the number that was given
     * @throws BenchFailure naming the option when the number is out of range
     */
    void check(int value) {
        if (value < min || value > max) {
            throw new BenchFailure(
                    option() + " is " + value + "; it must be a whole number from " + min + " to " + max);
        }
    }
}
