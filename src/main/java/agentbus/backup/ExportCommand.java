package agentbus.backup;

import agentbus.cli.StartOptions;
import agentbus.db.Database;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code agentbus export}: writes every table of the database into one file, beside running buses. */
@Command(
        name = "export",
        description = {
            ExportCommand.SUMMARY,
            "Buses may run meanwhile: the file shows one moment. It needs DATABASE_URL or the data directory, as run"
                    + " does, and no running bus. The server key is not in the file: keep data/server.key beside it."
        },
        footer = "Example: agentbus export /backup/agentbus-$(date +%%F).zip")
public final class ExportCommand implements Callable<Integer> {
    /** The line that the help of the program says of this command. */
    public static final String SUMMARY = "Write the whole database, with all namespaces, into one file.";

    private final PrintStream out;
    private final Map<String, String> environment;

    @Mixin
    private final StartOptions options = new StartOptions();

    @Parameters(paramLabel = "<file>", description = "The file to write; must not exist yet.")
    private Path file;

    /**
     * The command.
     *
     * @param out receives what was written
     * @param environment the environment's variables
     */
    public ExportCommand(PrintStream out, Map<String, String> environment) {
        this.out = out;
        this.environment = environment;
    }

    @Override
    public Integer call() {
        Settings settings = Settings.load(Settings.home(environment), environment, options.settings());
        long began = System.nanoTime();
        try (Database database = Database.open(settings)) {
            Export.Written written = new Export(database, new ProgramFiles(settings)).write(file);
            print(out, database, file, written, Duration.ofNanos(System.nanoTime() - began));
        }
        return 0;
    }

    static void print(PrintStream out, Database database, Path file, Export.Written written, Duration took) {
        Manifest manifest = written.manifest();
        out.println("exported the " + database + " to " + file);
        out.println(
                "  rows       " + manifest.rows() + " in " + manifest.tables().size() + " tables");
        out.println("  size       " + Times.bytes(written.fileBytes()) + " (" + Times.bytes(manifest.bytes())
                + " before compression)");
        out.println("  took       " + Times.seconds(took));
        out.println("  snapshot   " + manifest.takenAt() + ", schema version " + manifest.version());
        out.println("  key        " + KeyAdvice.kept(manifest));
    }
}
