package agentbus.backup;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.cli.AddedCommand;
import agentbus.cli.AgentbusCli;
import agentbus.contract.Contract;
import agentbus.settings.Settings;
import agentbus.start.Bus;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** An installation in a directory of a test, whose commands run as a person runs them. */
final class Installation {
    private static final Contract CONTRACT = Contract.load();

    private final Path home;
    private final Map<String, String> environment = new HashMap<>();

    /** The exit status and the output of a command. */
    record Run(int exit, String out, String err) {
        /** The output of a command that was to succeed. */
        String done() {
            assertEquals(0, exit, out + err);
            return out;
        }

        /** The refusal of a command that was to be refused. */
        String refused() {
            assertEquals(1, exit, out + err);
            return err;
        }
    }

    /**
     * An installation.
     *
     * @param home its directory
     * @param databaseUrl DATABASE_URL; null for the own Postgres
     */
    Installation(Path home, String databaseUrl) throws IOException {
        this.home = home;
        Files.createDirectories(home.resolve("agents"));
        environment.put("AGENTBUS_HOME", home.toString());
        environment.put(
                "AGENTBUS_DATABASE_EMBEDDED_BINARIES_DIR",
                Path.of("target", "postgres-binaries").toAbsolutePath().toString());
        if (databaseUrl != null) {
            environment.put("DATABASE_URL", databaseUrl);
        }
    }

    Path home() {
        return home;
    }

    Settings settings() {
        return Settings.load(home, environment, Map.of());
    }

    Run run(String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
        Map<String, AddedCommand> commands = Map.of(
                "export", AddedCommand.annotated(ExportCommand.SUMMARY, () -> new ExportCommand(print, environment)),
                "restore", AddedCommand.annotated(RestoreCommand.SUMMARY, () -> new RestoreCommand(print, environment)),
                "restore-drill",
                        AddedCommand.annotated(
                                RestoreDrillCommand.SUMMARY,
                                () -> new RestoreDrillCommand(print, environment, Installation::start)));
        int exit = new AgentbusCli(CONTRACT, commands)
                .execute(
                        args,
                        new ByteArrayInputStream(new byte[0]),
                        print,
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        environment);
        return new Run(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** Starts a bus, as the program does for a drill. */
    static BusStarter.Started start(Settings settings, Map<String, String> environment) {
        Bus bus = Bus.start(settings, environment, List.of(), Map.of());
        return new BusStarter.Started(bus.url(), bus::close);
    }
}
