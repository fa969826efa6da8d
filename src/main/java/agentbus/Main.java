package agentbus;

import agentbus.backup.BusStarter;
import agentbus.backup.ExportCommand;
import agentbus.backup.RestoreCommand;
import agentbus.backup.RestoreDrillCommand;
import agentbus.bench.BenchCommand;
import agentbus.cli.AgentbusCli;
import agentbus.cli.VersionCommand;
import agentbus.cli.WeekOneCommand;
import agentbus.contract.Contract;
import agentbus.demo.BusRunner;
import agentbus.demo.DemoCommand;
import agentbus.eval.EvalCommand;
import agentbus.hawtio.HawtioCommand;
import agentbus.imports.ImportOpenclawCronsCommand;
import agentbus.orders.PreviewCommand;
import agentbus.settings.Settings;
import agentbus.start.Bus;
import agentbus.start.Foreground;
import agentbus.start.InstalledRoutes;
import agentbus.start.RunCommand;
import agentbus.vault.ExportVaultCommand;
import agentbus.vault.ImportVaultCommand;
import agentbus.vault.VerifyVaultCommand;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TimeZone;
import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;

/**
 * The program. The commands {@code run}, {@code demo}, {@code bench} and a few tools are added here; all other commands
 * are operations of the contract.
 */
public final class Main {
    private Main() {}

    /**
     * Runs one command and ends the process with an exit status: 0 for success, 1 for a refusal or failure, 2 for a
     * wrong command line.
     *
     * @param args the command and its options
     */
    public static void main(String[] args) {
        System.exit(run(args));
    }

    /**
     * Runs one command.
     *
     * @param args the command and its options
     * @return its exit status
     */
    static int run(String[] args) {
        // The driver sends the default zone at each connect, and a server that does not know its name refuses.
        TimeZone.setDefault(TimeZone.getTimeZone(ZoneOffset.UTC));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        PrintStream err = new PrintStream(System.err, true, StandardCharsets.UTF_8);
        Contract contract = Contract.load();
        Map<String, String> environment = System.getenv();
        Map<String, Supplier<CommandSpec>> starters = new LinkedHashMap<>();
        starters.put("run", () -> CommandSpec.forAnnotatedObject(new RunCommand(out, environment)));
        starters.put(
                "demo", () -> CommandSpec.forAnnotatedObject(new DemoCommand(out, environment, runner(environment))));
        starters.put("bench", () -> new BenchCommand(Main.class, out, err, environment).spec());
        starters.put("eval", () -> CommandSpec.forAnnotatedObject(new EvalCommand(out, environment)));
        starters.put("export", () -> CommandSpec.forAnnotatedObject(new ExportCommand(out, environment)));
        starters.put("restore", () -> CommandSpec.forAnnotatedObject(new RestoreCommand(out, environment)));
        starters.put(
                "restore-drill",
                () -> CommandSpec.forAnnotatedObject(new RestoreDrillCommand(out, environment, Main::startForDrill)));
        starters.put("export-vault", () -> CommandSpec.forAnnotatedObject(new ExportVaultCommand(out, environment)));
        starters.put("verify-vault", () -> CommandSpec.forAnnotatedObject(new VerifyVaultCommand(out, environment)));
        starters.put(
                "import-vault",
                () -> CommandSpec.forAnnotatedObject(new ImportVaultCommand(contract, System.in, out, environment)));
        starters.put("preview-schedule", () -> CommandSpec.forAnnotatedObject(new PreviewCommand(out)));
        starters.put(
                "import-openclaw-crons",
                () -> CommandSpec.forAnnotatedObject(new ImportOpenclawCronsCommand(
                        System.in, out, () -> new InstalledRoutes(Settings.home(environment), environment))));
        starters.put("hawtio", () -> CommandSpec.forAnnotatedObject(new HawtioCommand(out, environment)));
        starters.put("version", () -> CommandSpec.forAnnotatedObject(new VersionCommand(out)));
        starters.put("week-one", () -> WeekOneCommand.spec(contract, out, environment));
        return new AgentbusCli(contract, starters).execute(args, System.in, out, err, environment);
    }

    private static BusStarter.Started startForDrill(Settings settings, Map<String, String> environment) {
        Bus bus = Bus.start(settings, environment, List.of(), Map.of());
        return new BusStarter.Started(bus.url(), bus::close);
    }

    private static BusRunner runner(Map<String, String> environment) {
        return (settings, routes, beans, closedFirst, running) -> {
            Foreground.run(() -> {
                Bus bus = Bus.start(settings, environment, routes, beans);
                running.accept(bus.url());
                return List.of(closedFirst, bus);
            });
        };
    }
}
