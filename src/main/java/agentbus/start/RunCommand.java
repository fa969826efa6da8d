package agentbus.start;

import agentbus.cli.StartOptions;
import agentbus.orders.ZoneData;
import agentbus.settings.OperatorTokenFile;
import agentbus.settings.Settings;
import agentbus.settings.Version;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The command {@code agentbus run}, which starts a bus for real use. */
@Command(
        name = "run",
        description = {
            RunCommand.SUMMARY,
            "The database is DATABASE_URL if given, else an embedded Postgres with its data in ./data.",
            "Settings: agentbus.properties in the home directory, AGENTBUS_… variables, --set. All are listed in"
                    + " docs/guide/settings.md."
        },
        footer =
                "Example: DATABASE_URL=postgresql://bus@db/bus AGENTBUS_GATEWAY_TOKEN=… agentbus run --set agentbus.phase=2")
public final class RunCommand implements Callable<Integer> {
    /** The line that the help of the program says of this command. */
    public static final String SUMMARY = "Start a bus and keep it running until Ctrl-C.";

    private final PrintStream out;
    private final Map<String, String> environment;

    @Mixin
    private final StartOptions options = new StartOptions();

    @Option(
            names = "--reload",
            description = {
                "Reload changed route files, templates and statements while the bus runs.",
                "If a route file has a mistake, the log names the line, and the old routes of the file keep running."
            })
    private boolean reload;

    /**
     * The command.
     *
     * @param out receives the greeting of a started bus
     * @param environment the environment's variables
     */
    public RunCommand(PrintStream out, Map<String, String> environment) {
        this.out = out;
        this.environment = environment;
    }

    @Override
    public Integer call() {
        Settings settings = Settings.load(Settings.home(environment), environment, options.settings());
        Foreground.run(() -> List.of(start(settings)));
        return 0;
    }

    private Bus start(Settings settings) {
        Bus bus = Bus.start(settings, environment, List.of(), Map.of());
        try {
            greet(settings, bus);
            return bus;
        } catch (RuntimeException failed) {
            bus.close();
            throw failed;
        }
    }

    private void greet(Settings settings, Bus bus) {
        out.println(options.greeting("agentbus", bus.url()));
        out.println("  console    " + bus.console());
        bus.hawtio().ifPresent(url -> out.println("  hawtio     " + url));
        out.println("  version    " + Version.withCommit());
        out.println("  database   " + bus.database());
        out.println("  token      " + Preparation.tokenDirectory(settings).resolve(OperatorTokenFile.FILE));
        out.println(
                "  gateway    "
                        + (bus.dispatches()
                                ? bus.gateways()
                                : "none: jobs wait until AGENTBUS_GATEWAY_TOKEN is given, or workers pull them with claim-jobs"));
        out.println("  orders     " + bus.orders());
        out.println("  zones      time zone data " + ZoneData.version() + " (Java)");
        if (reload) {
            String watched = bus.reloadRoutes().stream().map(Path::toString).collect(Collectors.joining(", "));
            out.println("  reload     " + watched);
        }
    }
}
