package agentbus.bench;

import agentbus.db.Trees;
import agentbus.settings.Settings;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;

/** {@code agentbus bench}: measures the bus on this machine and with this Postgres. */
@Command(
        name = "bench",
        description = {
            BenchCommand.SUMMARY,
            "drain: jobs per second, each with one hook call and one close over HTTP. latency: enqueue to the hook's"
                    + " arrival. claim: claim time by the size of the history. idle: the cost of a bus without work."
                    + " start: process start to the first hook, and to the greeting on a new and on an existing database"
                    + " of a Postgres that the bus starts itself. call: a call of the command line beside a bare JVM, 15 of each"
                    + " if you give no --rounds. scale: drain with one, two and four nodes on one"
                    + " Postgres, in turn. soak: what grows under a small steady load, a job a second for half an hour"
                    + " if you give no other numbers.",
            "peers: drain and latency of the bus beside graphile-worker and db-scheduler, in turn on one server, as"
                    + " ratios; 5 rounds with 30000 jobs of warm-up, 10000 jobs, and 20 s for each rate, if you give no"
                    + " other numbers. It needs the source tree, and installs both peers in target/peers with npm and Maven.",
            "It creates the database agentbus_bench on the server of DATABASE_URL, or on an embedded Postgres, and"
                    + " drops it at the end. It touches no other database; start makes servers of its own."
        },
        footer = "Example: agentbus bench drain --jobs 20000 --rounds 3")
public final class BenchCommand implements Callable<Integer> {
    /** The line that the help of the program says of this command. */
    public static final String SUMMARY =
            "Measure the bus on this machine: one JSON line for each result on the standard output.";

    /** Chosen: a statement that fills the history ignores the interrupt and takes up to some tens of seconds. */
    private static final long STOP_SECONDS = 60;

    private final Class<?> program;
    private final PrintStream out;
    private final PrintStream err;
    private final Map<String, String> environment;

    /** The kinds of measurements. */
    enum What {
        /** Throughput. */
        drain,
        /** Enqueue to hook. */
        latency,
        /** Claim time by history. */
        claim,
        /** Cost of doing nothing. */
        idle,
        /** Process start to greeting and to first hook. */
        start,
        /** Process start to end of a call of the command line. */
        call,
        /** Throughput of several nodes. */
        scale,
        /** Growth under a small load. */
        soak,
        /** The bus beside other queues. */
        peers
    }

    @Parameters(
            arity = "1..*",
            paramLabel = "<what>",
            description =
                    "drain, latency, claim, idle, start, call, scale, soak or peers; several run one after the other.")
    private List<What> what;

    @Mixin
    private BenchOptions options = new BenchOptions();

    /**
     * The command.
     *
     * @param program the class whose {@code main} is {@code agentbus}; the bus runs it in a separate process
     * @param out gets the JSON lines
     * @param err gets the table for people
     * @param environment the environment's variables
     */
    public BenchCommand(Class<?> program, PrintStream out, PrintStream err, Map<String, String> environment) {
        this.program = program;
        this.out = out;
        this.err = err;
        this.environment = environment;
    }

    /**
     * The command for picocli.
     *
     * @return a new specification, with all options
     */
    public CommandSpec spec() {
        CommandSpec spec = CommandSpec.forAnnotatedObject(this);
        options.addNumbers(spec);
        return spec;
    }

    @Override
    public Integer call() {
        options.check();
        CountDownLatch ended = new CountDownLatch(1);
        Thread bench = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(bench, ended), "stop-bench"));
        try {
            for (What one : what) {
                measure(one);
            }
            return 0;
        } finally {
            ended.countDown();
        }
    }

    /** On Ctrl-C or SIGTERM: interrupts the bench, and waits until it has closed what it has opened. */
    private void stop(Thread bench, CountDownLatch ended) {
        if (ended.getCount() == 0) {
            return;
        }
        bench.interrupt();
        try {
            if (!ended.await(STOP_SECONDS, TimeUnit.SECONDS)) {
                err.println("bench: it did not end within " + STOP_SECONDS
                        + " s; its database, and a Postgres of its own, may be left");
            }
        } catch (InterruptedException late) {
            Thread.currentThread().interrupt();
        }
    }

    private void measure(What one) {
        Path directory = temporary();
        try {
            // First of all, because a peer that cannot be installed ends the bench.
            Bench bench = bench(one, directory);
            try (Rig rig = Rig.build(program, Settings.home(environment), directory, options, environment)) {
                ObjectNode machine = Machine.describe(rig.database().server());
                bench.run(rig, figures -> tell(one, figures, rig, machine));
            }
            if (!options.json) {
                bench.table().forEach(err::println);
            }
        } finally {
            remove(directory);
        }
    }

    private void tell(What one, ObjectNode figures, Rig rig, ObjectNode machine) {
        ObjectNode line = Json.object()
                .put("bench", one.name())
                .put("at", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        line.set("figures", figures);
        line.set("settings", Json.tree(rig.settings()));
        line.put(
                "jvm",
                Rig.serverOptions().stream().map(BenchCommand::withoutValue).collect(Collectors.joining(" ")));
        line.set("machine", machine);
        out.println(line);
        if (!options.json) {
            err.println(String.format(Locale.ROOT, "%-8s %s", one, words(figures)));
        }
    }

    /** An option of the JVM as a result shows it. The value of a property may be a password. */
    static String withoutValue(String option) {
        return option.startsWith("-D") ? option.replaceFirst("=.*", "=…") : option;
    }

    private Bench bench(What one, Path directory) {
        return switch (one) {
            case drain -> new Drain();
            case latency -> new Latency();
            case claim -> new ClaimCost();
            case idle -> new Idle();
            case start -> new StartTime();
            case call -> new CallTime(source());
            case scale -> new Scale();
            case soak -> new Soak();
            case peers -> new Peers(Peer.install(source(), directory));
        };
    }

    /** The directory of the launcher, which sets the variable. */
    private Path source() {
        return Path.of(environment.getOrDefault("AGENTBUS_SOURCE_DIR", ""));
    }

    private static String words(ObjectNode figures) {
        StringBuilder words = new StringBuilder();
        figures.properties().forEach(figure -> {
            JsonNode value = figure.getValue();
            if (value.isValueNode()) {
                words.append(figure.getKey()).append(' ').append(value.asText()).append("  ");
            }
        });
        return words.toString().strip();
    }

    private static Path temporary() {
        try {
            return Files.createTempDirectory("agentbus-bench-").toRealPath();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void remove(Path directory) {
        try {
            Trees.delete(directory);
        } catch (IOException left) {
            err.println("bench: " + directory + " could not be removed: " + left.getMessage());
        }
    }
}
