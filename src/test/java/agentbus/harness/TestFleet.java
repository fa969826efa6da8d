package agentbus.harness;

import agentbus.demo.AdmittedRun;
import agentbus.demo.AgentScript;
import agentbus.demo.Outcome;
import agentbus.demo.RunHandler;
import agentbus.demo.SimulatedAgents;
import agentbus.demo.TestAgents;
import agentbus.demo.TestGateway;
import agentbus.demo.TestGatewayOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** The simulated agents of a test's bus, with their files and their gateway. */
public final class TestFleet implements AutoCloseable {
    private final Path home;
    private final String gatewayName;
    private final List<String> names;
    private final TestAgents agents;
    private final TestGateway gateway;
    private final Queue<AdmittedRun> runs = new ConcurrentLinkedQueue<>();

    /**
     * Writes the files and starts the gateway. Every agent accepts the subject {@code work}, may hand work to all and
     * emit any topic, ignores the notice around a direct hook's prompt, and retries its calls for half a minute.
     *
     * @param home a directory of the test; the files lie in {@code agents} below it
     * @param concurrency the most jobs at once of each agent
     * @param scripts each agent's behaviour, by name
     * @param gatewayOptions changes the gateway's options
     */
    public TestFleet(
            Path home,
            int concurrency,
            Map<String, AgentScript> scripts,
            UnaryOperator<TestGatewayOptions> gatewayOptions) {
        this(home, "default", concurrency, scripts, gatewayOptions);
    }

    /**
     * As above, on a gateway with another name. Several fleets of one bus share the directory.
     *
     * @param home a directory of the test; the files lie in {@code agents} below it
     * @param gatewayName the gateway in the agents' files
     * @param concurrency the most jobs at once of each agent
     * @param scripts each agent's behaviour, by name
     * @param gatewayOptions changes the gateway's options
     */
    public TestFleet(
            Path home,
            String gatewayName,
            int concurrency,
            Map<String, AgentScript> scripts,
            UnaryOperator<TestGatewayOptions> gatewayOptions) {
        this.home = home;
        this.gatewayName = gatewayName;
        this.names = scripts.keySet().stream().sorted().toList();
        names.forEach(name -> writeFile(name, concurrency));
        agents = new TestAgents(new SimulatedAgents.Options(
                scripts, AgentScript.always(new Outcome.Ignore()), 1, 150, Duration.ofMillis(200), false));
        RunHandler handler = this::run;
        gateway = new TestGateway(
                gatewayOptions.apply(
                        TestGatewayOptions.defaults(TestBus.HOOK_TOKEN).withAgents(Set.copyOf(names))),
                handler);
    }

    /**
     * A fleet whose agents run one job at a time.
     *
     * @param home a directory of the test
     * @param work the duration of a job
     * @param names the agents' names
     * @return the fleet
     */
    public static TestFleet of(Path home, Duration work, String... names) {
        return new TestFleet(home, 1, each(work, names), options -> options);
    }

    /**
     * One script for several agents, by which every job succeeds.
     *
     * @param work the duration of a job
     * @param names the agents' names
     * @return the scripts
     */
    public static Map<String, AgentScript> each(Duration work, String... names) {
        AgentScript script = AgentScript.always(new Outcome.Complete(work, "done"));
        return Arrays.stream(names).collect(Collectors.toMap(name -> name, name -> script));
    }

    /** The gateway. */
    public TestGateway gateway() {
        return gateway;
    }

    /** The agents. */
    public TestAgents agents() {
        return agents;
    }

    /** The agents' names. */
    public List<String> names() {
        return names;
    }

    /** All admitted runs so far, in the order of their starts. */
    public List<AdmittedRun> runs() {
        return List.copyOf(runs);
    }

    /** The directory with the agents' files, for {@code agentbus.agents.dir}. */
    public String directory() {
        return home.resolve("agents").toAbsolutePath().toString();
    }

    @Override
    public void close() {
        gateway.close();
        agents.close();
    }

    private CompletionStage<Void> run(AdmittedRun run) {
        runs.add(run);
        return agents.run(run);
    }

    private void writeFile(String name, int concurrency) {
        Path file = home.resolve("agents").resolve(name).resolve("agent.yaml");
        try {
            Files.createDirectories(file.getParent());
            Files.writeString(
                    file,
                    "id: " + name + "\nmission: Works in tests.\nmaxConcurrency: " + concurrency + "\ngateway: "
                            + gatewayName + "\naccepts: [work]\nmayEnqueueTo: ['*', " + name
                            + "]\nemits: ['#']\nsubscriptions: []\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
