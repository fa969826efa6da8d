package agentbus.demo;

import agentbus.cli.StartOptions;
import agentbus.settings.HttpAddress;
import agentbus.settings.OperatorTokenFile;
import agentbus.settings.SecretFile;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code agentbus demo}: a bus with a simulated gateway and a fleet whose agents close their jobs over HTTP. */
@Command(
        name = "demo",
        description = {
            DemoCommand.SUMMARY,
            "Some agents succeed, some ask, some block, some fail, some never answer. The data is kept in ./data/demo; remove the folder to"
                    + " start again with an empty database."
        },
        footer = "Example: agentbus demo --set agentbus.http.port=9090")
public final class DemoCommand implements Callable<Integer> {
    /** The line that the help of the program says of this command. */
    public static final String SUMMARY =
            "Start a bus of all phases with a simulated OpenClaw gateway and a small fleet at work.";

    private final PrintStream out;
    private final Map<String, String> environment;
    private final BusRunner runner;

    @Mixin
    private final StartOptions options = new StartOptions();

    /**
     * The command.
     *
     * @param out gets the greeting with the addresses
     * @param environment the environment's variables
     * @param runner runs the bus
     */
    public DemoCommand(PrintStream out, Map<String, String> environment, BusRunner runner) {
        this.out = out;
        this.environment = environment;
        this.runner = runner;
    }

    @Override
    public Integer call() {
        Settings settings = Settings.load(Settings.home(environment), withoutDatabase(), demoSettings());
        requireOwnDatabase(settings);
        announce(settings);
        DemoFleet fleet = new DemoFleet(settings.text("agentbus.gateway.url"), settings.text("agentbus.gateway.token"));
        try {
            runner.run(
                    settings,
                    List.of("classpath:routes/demo/*.camel.yaml"),
                    Map.of("demoFleet", fleet),
                    fleet,
                    url -> greet(url, settings.path("agentbus.vault.directory").orElseThrow()));
        } catch (RuntimeException failed) {
            fleet.close();
            throw failed;
        }
        return 0;
    }

    /**
     * Says where the console will be and what opens it, before the log of the start.
     *
     * @throws StartFailure when the port is taken
     */
    private void announce(Settings settings) {
        String url = HttpAddress.of(settings).url();
        out.println("agentbus demo starts, which takes some seconds.");
        // Port 0 is chosen anew when the server starts; the greeting then has the address.
        if (settings.integer("agentbus.http.port") != 0) {
            out.println("  console    " + url + "/");
        }
        Path tokens = settings.path("agentbus.data.token-dir").orElseGet(settings::dataDirectory);
        out.println("  log in     with the token in " + tokens.resolve(OperatorTokenFile.FILE));
        out.flush();
    }

    private void greet(String url, Path vault) {
        out.println(options.greeting("agentbus demo", url));
        out.println("  console    " + url + "/");
        out.println("  health     " + url + "/observe/health");
        out.println("  metrics    " + url + "/observe/metrics");
        out.println("  vault      " + vault + ", Markdown of the fleet's knowledge, written each minute");
        out.println(
                "All phases are on. Within three minutes there are proposals, memories, reports and idle thoughts.");
        out.println("In another terminal:");
        out.println("  ./agentbus list-jobs");
        out.println("  ./agentbus list-events --topic 'job.#'");
        out.println("  ./agentbus list-questions --status open");
        out.println("  ./agentbus answer-question <question id> --option 'no, one day'");
        out.println("  ./agentbus list-opportunities");
        out.println("  ./agentbus list-memories");
        out.println("  ./agentbus idle-report");
        out.println("  ./agentbus health");
        out.println(
                "  ./agentbus enqueue-job --target-agent devops --subject infra.check --payload '{\"host\":\"web-1\"}'");
    }

    private Map<String, String> demoSettings() {
        Map<String, String> settings = new HashMap<>();
        settings.put("agentbus.data.dir", "data/demo");
        // The command line reads the token from this directory.
        String data = environment.getOrDefault("AGENTBUS_DATA_DIR", "data");
        settings.put("agentbus.data.token-dir", environment.getOrDefault("AGENTBUS_DATA_TOKEN_DIR", data));
        // The launcher has already unpacked the Postgres programs here.
        settings.put("agentbus.database.embedded-binaries-dir", "data/postgres-binaries");
        settings.put("agentbus.gateway.token", SecretFile.random());
        settings.put("agentbus.phase", "5");
        // The simulated agents cost nothing.
        settings.put("agentbus.orders.enabled", "true");
        // Not the default port, because a real gateway may run there.
        settings.put("agentbus.gateway.url", "http://127.0.0.1:18790");
        // Chosen: a vault of a few dozen notes takes no time, and a newcomer waits for no night.
        settings.put("agentbus.vault.cron", "0 * * * * ?");
        settings.put("agentbus.vault.verify-cron", "30 0/5 * * * ?");
        settings.putAll(options.settings());
        settings.putIfAbsent("agentbus.vault.directory", settings.get("agentbus.data.dir") + "/vault");
        return settings;
    }

    /** The environment without the database of a real bus, which the demo must not use. */
    private Map<String, String> withoutDatabase() {
        Map<String, String> variables = new HashMap<>(environment);
        variables.keySet().removeAll(List.of("DATABASE_URL", "AGENTBUS_DATABASE_URL"));
        return variables;
    }

    private static void requireOwnDatabase(Settings settings) {
        refuse(settings, "agentbus.database.url", "its own database, because its agents would close real jobs");
        refuse(settings, "agentbus.gateways", "its simulated gateway, because its orders would wake real agents");
    }

    private static void refuse(Settings settings, String key, String own) {
        if (!settings.text(key).isEmpty()) {
            throw new StartFailure("the demo runs only on " + own + "; remove " + key + " (" + settings.source(key)
                    + "), or use ./agentbus run");
        }
    }
}
