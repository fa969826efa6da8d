package agentbus;

import agentbus.backup.BusStarter;
import agentbus.backup.ExportCommand;
import agentbus.backup.RestoreCommand;
import agentbus.backup.RestoreDrillCommand;
import agentbus.bench.BenchCommand;
import agentbus.cli.AddedCommand;
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
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TimeZone;
import org.slf4j.LoggerFactory;
import org.slf4j.helpers.NOP_FallbackServiceProvider;
import org.slf4j.helpers.Reporter;

/**
 * The program. The commands {@code run}, {@code demo}, {@code bench} and a few tools are added here; all other commands
 * are operations of the contract.
 */
public final class Main {
    /** Added commands that need no more than a call. The launcher gives a call few libraries, and Logback is none of them. */
    static final Set<String> LIKE_A_CALL = Set.of("version", "week-one");

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
        Map<String, AddedCommand> added = commands(contract, out, err, environment);
        if (Arrays.stream(args).noneMatch(word -> added.containsKey(word) && !LIKE_A_CALL.contains(word))) {
            // A call and a help write no log, and Logback takes a fifth of the time of a call to set up.
            System.setProperty(LoggerFactory.PROVIDER_PROPERTY_KEY, NOP_FallbackServiceProvider.class.getName());
            System.setProperty(Reporter.SLF4J_INTERNAL_VERBOSITY_KEY, "WARN");
        }
        return new AgentbusCli(contract, added).execute(args, System.in, out, err, environment);
    }

    /** The commands that are no operation of the contract, in the order of the help. */
    static Map<String, AddedCommand> commands(
            Contract contract, PrintStream out, PrintStream err, Map<String, String> environment) {
        Map<String, AddedCommand> added = new LinkedHashMap<>();
        added.put("run", AddedCommand.annotated(RunCommand.SUMMARY, () -> new RunCommand(out, environment)));
        added.put(
                "demo",
                AddedCommand.annotated(
                        DemoCommand.SUMMARY, () -> new DemoCommand(out, environment, runner(environment))));
        added.put("bench", new AddedCommand(BenchCommand.SUMMARY, () -> new BenchCommand(
                        Main.class, out, err, environment)
                .spec()));
        added.put("eval", AddedCommand.annotated(EvalCommand.SUMMARY, () -> new EvalCommand(out, environment)));
        added.put("export", AddedCommand.annotated(ExportCommand.SUMMARY, () -> new ExportCommand(out, environment)));
        added.put(
                "restore", AddedCommand.annotated(RestoreCommand.SUMMARY, () -> new RestoreCommand(out, environment)));
        added.put(
                "restore-drill",
                AddedCommand.annotated(
                        RestoreDrillCommand.SUMMARY,
                        () -> new RestoreDrillCommand(out, environment, Main::startForDrill)));
        added.put(
                "export-vault",
                AddedCommand.annotated(ExportVaultCommand.SUMMARY, () -> new ExportVaultCommand(out, environment)));
        added.put(
                "verify-vault",
                AddedCommand.annotated(VerifyVaultCommand.SUMMARY, () -> new VerifyVaultCommand(out, environment)));
        added.put(
                "import-vault",
                AddedCommand.annotated(
                        ImportVaultCommand.SUMMARY,
                        () -> new ImportVaultCommand(contract, System.in, out, environment)));
        added.put("preview-schedule", AddedCommand.annotated(PreviewCommand.SUMMARY, () -> new PreviewCommand(out)));
        added.put(
                "import-openclaw-crons",
                AddedCommand.annotated(
                        ImportOpenclawCronsCommand.SUMMARY,
                        () -> new ImportOpenclawCronsCommand(
                                System.in, out, () -> new InstalledRoutes(Settings.home(environment), environment))));
        added.put("hawtio", AddedCommand.annotated(HawtioCommand.SUMMARY, () -> new HawtioCommand(out, environment)));
        added.put("version", AddedCommand.annotated(VersionCommand.SUMMARY, () -> new VersionCommand(out)));
        added.put(
                "week-one",
                new AddedCommand(WeekOneCommand.SUMMARY, () -> WeekOneCommand.spec(contract, out, environment)));
        return added;
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
