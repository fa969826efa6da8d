package agentbus.vault;

import agentbus.cli.StartOptions;
import agentbus.db.Database;
import agentbus.db.Operator;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code agentbus export-vault}: writes what the fleet knows as a folder of Markdown. */
@Command(
        name = "export-vault",
        description = {
            ExportVaultCommand.SUMMARY,
            "A later call writes only what has changed. Notes that a person has edited are left alone, and what stands"
                    + " below ## Notes is kept. It needs DATABASE_URL or the data directory, as run does, and no running"
                    + " bus."
        },
        footer = "Example: agentbus export-vault ~/fleet")
public final class ExportVaultCommand implements Callable<Integer> {
    /** The line that the help of the program says of this command. */
    public static final String SUMMARY =
            "Write what the fleet knows as a folder of Markdown notes, for Obsidian or any editor.";

    private static final int PATHS_SHOWN = 20;

    private final PrintStream out;
    private final Map<String, String> environment;

    @Mixin
    private final StartOptions options = new StartOptions();

    @Parameters(
            paramLabel = "<folder>",
            arity = "0..1",
            description = "The folder: a vault of this bus, an empty one, or a new one. Without it,"
                    + " agentbus.vault.directory.")
    private Path folder;

    @Option(
            names = "--namespace",
            paramLabel = "<name>",
            description = "The namespace to show; without it, agentbus.vault.namespace.")
    private String namespace;

    /**
     * The command.
     *
     * @param out receives what was written
     * @param environment the environment's variables
     */
    public ExportVaultCommand(PrintStream out, Map<String, String> environment) {
        this.out = out;
        this.environment = environment;
    }

    @Override
    public Integer call() {
        Settings settings = Settings.load(Settings.home(environment), environment, options.settings());
        Path directory = folder == null ? VaultSettings.directory(settings) : folder;
        try (Database database = Database.open(settings)) {
            print(new VaultExport(database, new ProgramFiles(settings))
                    .write(
                            directory,
                            namespace == null ? VaultSettings.namespace(settings) : namespace,
                            VaultSettings.visibility(settings),
                            Operator.user()));
        }
        return 0;
    }

    private void print(VaultExport.Written written) {
        out.println("wrote the vault " + written.directory());
        out.println("  notes      " + Words.count(written.notes(), "note", "notes") + ", "
                + Words.number(written.written()) + " written now"
                + (written.tombstones() == 0
                        ? ""
                        : ", " + Words.count(written.tombstones(), "tombstone", "tombstones")));
        out.println("  took       " + String.format(Locale.ROOT, "%.1f s", written.seconds()));
        if (!written.edited().isEmpty()) {
            out.println("  edited     " + Words.count(written.edited().size(), "note", "notes")
                    + " by hand and left alone; the text of the ledger is beside each as *.conflict.md:");
            written.edited().stream().limit(PATHS_SHOWN).forEach(path -> out.println("    " + path));
            if (written.edited().size() > PATHS_SHOWN) {
                out.println("    and " + (written.edited().size() - PATHS_SHOWN) + " more");
            }
            out.println("next: agentbus import-vault --dir " + written.directory() + " shows what each edit would do");
        } else {
            out.println("next: open the folder in Obsidian, or Home.md in any editor");
        }
    }
}
