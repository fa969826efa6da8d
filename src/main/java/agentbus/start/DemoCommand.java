package agentbus.start;

import agentbus.demo.DemoFleet;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.io.PrintStream;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;

/** {@code agentbus demo}: a bus with a simulated gateway and a fleet whose agents really call back. */
@Command(
        name = "demo",
        description = {
            "Start a bus with a simulated OpenClaw gateway and a small fleet at work.",
            "Some agents succeed, some block, some fail, some never answer. The data is kept in ./data/demo; remove the folder to"
                    + " begin anew."
        },
        footer = "Example: agentbus demo --set agentbus.http.port=9090")
public final class DemoCommand extends StartCommand {
    /**
     * The command.
     *
     * @param out where it says what there is to see
     * @param environment the environment's variables
     */
    public DemoCommand(PrintStream out, Map<String, String> environment) {
        super(out, environment);
    }

    @Override
    public Integer call() {
        Settings settings = Settings.load(Settings.home(environment), environment, demoSettings());
        DemoFleet fleet = new DemoFleet(settings.text("agentbus.gateway.url"), settings.text("agentbus.gateway.token"));
        Bus bus = start(settings, fleet);
        greet("agentbus demo", bus);
        out.println("  health     " + bus.url() + "/observe/health");
        out.println("  metrics    " + bus.url() + "/observe/metrics");
        out.println("In another terminal:");
        out.println("  ./agentbus list-jobs");
        out.println("  ./agentbus list-events --topic 'job.#'");
        out.println("  ./agentbus health");
        out.println(
                "  ./agentbus enqueue-job --target-agent devops --subject infra.check --payload '{\"host\":\"web-1\"}'");
        Foreground.untilStopped(fleet, bus);
        return 0;
    }

    private Bus start(Settings settings, DemoFleet fleet) {
        try {
            return Bus.start(
                    settings, environment, List.of("classpath:routes/demo/*.camel.yaml"), Map.of("demoFleet", fleet));
        } catch (RuntimeException failed) {
            fleet.close();
            throw failed;
        }
    }

    private Map<String, String> demoSettings() {
        byte[] token = new byte[24];
        new SecureRandom().nextBytes(token);
        Map<String, String> settings = new HashMap<>();
        settings.put("agentbus.data.dir", "data/demo");
        // Its own, whatever the environment or a file of settings says.
        settings.put("agentbus.database.url", "");
        // Where the command line looks for it.
        String data = environment.getOrDefault("AGENTBUS_DATA_DIR", "data");
        settings.put("agentbus.data.token-dir", environment.getOrDefault("AGENTBUS_DATA_TOKEN_DIR", data));
        // Where the launcher has unpacked them already.
        settings.put("agentbus.database.embedded-binaries-dir", "data/postgres-binaries");
        settings.put(
                "agentbus.gateway.token",
                Base64.getUrlEncoder().withoutPadding().encodeToString(token));
        // The simulated gateway stands beside a real one, if there is one.
        settings.put("agentbus.gateway.url", "http://127.0.0.1:18790");
        settings.putAll(overrides);
        if (!settings.get("agentbus.database.url").isEmpty()) {
            throw new StartFailure(
                    "the demo's agents would close real jobs: it runs on a database of its own only; take"
                            + " agentbus.database.url away, or use ./agentbus run");
        }
        return settings;
    }
}
