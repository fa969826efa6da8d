package agentbus.start;

import agentbus.cli.StartOptions;
import agentbus.settings.OperatorTokenFile;
import agentbus.settings.Settings;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code agentbus run}: the real thing. */
@Command(
        name = "run",
        description = {
            "Start a bus and keep it running until Ctrl-C.",
            "The database is DATABASE_URL if given, else a Postgres of its own that keeps its data in ./data.",
            "Settings: agentbus.properties in the home directory, AGENTBUS_… variables, --set. All are listed in"
                    + " src/main/resources/application.properties."
        },
        footer =
                "Example: DATABASE_URL=postgresql://bus@db/bus AGENTBUS_GATEWAY_TOKEN=… agentbus run --set agentbus.phase=2")
public final class RunCommand implements Callable<Integer> {
    private final PrintStream out;
    private final Map<String, String> environment;

    @Mixin
    private final StartOptions options = new StartOptions();

    @Option(
            names = "--reload",
            description = {
                "Take changed route files, templates and statements while the bus runs.",
                "A route file with a mistake is named, with line and mistake, and its routes of before run on."
            })
    private boolean reload;

    /**
     * The command.
     *
     * @param out where it says that it runs
     * @param environment the environment's variables
     */
    public RunCommand(PrintStream out, Map<String, String> environment) {
        this.out = out;
        this.environment = environment;
    }

    @Override
    public Integer call() {
        Settings settings = Settings.load(Settings.home(environment), environment, options.settings());
        Bus bus = Bus.start(settings, environment, List.of(), Map.of());
        out.println(options.greeting("agentbus", bus.url()));
        out.println("  database   " + bus.database());
        out.println("  token      " + Preparation.tokenDirectory(settings).resolve(OperatorTokenFile.FILE));
        out.println(
                "  gateway    "
                        + (bus.dispatches()
                                ? bus.gateways()
                                : "none: jobs wait until AGENTBUS_GATEWAY_TOKEN is given, or workers pull them with claim-jobs"));
        if (reload) {
            String watched = bus.reloadRoutes().stream().map(Path::toString).collect(Collectors.joining(", "));
            out.println("  reload     " + watched);
        }
        Foreground.untilStopped(bus);
        return 0;
    }
}
