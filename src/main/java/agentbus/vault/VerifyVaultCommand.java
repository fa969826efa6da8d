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
import picocli.CommandLine.Parameters;

/** {@code agentbus verify-vault}: compares a vault with the database. */
@Command(
        name = "verify-vault",
        description = {
            VerifyVaultCommand.SUMMARY,
            "Each line names a note and how it differs: missing, stale, extra, link or edited. Nothing is changed. The"
                    + " exit status is 0 only if there is no line. What was found is in Needs me and the metrics."
        },
        footer = "Example: agentbus verify-vault ~/fleet")
public final class VerifyVaultCommand implements Callable<Integer> {
    /** The line that the help of the program says of this command. */
    public static final String SUMMARY =
            "Compare a vault with the database: every row that should be there is, nothing else is, each hash agrees.";

    private final PrintStream out;
    private final Map<String, String> environment;

    @Mixin
    private final StartOptions options = new StartOptions();

    @Parameters(
            paramLabel = "<folder>",
            arity = "0..1",
            description = "The folder of the vault; without it, agentbus.vault.directory.")
    private Path folder;

    /**
     * The command.
     *
     * @param out receives the differences
     * @param environment the environment's variables
     */
    public VerifyVaultCommand(PrintStream out, Map<String, String> environment) {
        this.out = out;
        this.environment = environment;
    }

    @Override
    public Integer call() {
        Settings settings = Settings.load(Settings.home(environment), environment, options.settings());
        Path directory = folder == null ? VaultSettings.directory(settings) : folder;
        try (Database database = Database.open(settings)) {
            VaultCheck.Checked checked = new VaultCheck(database, new ProgramFiles(settings))
                    .verify(directory, VaultSettings.visibility(settings), Operator.user());
            print(checked);
            return checked.differences().isEmpty() ? 0 : 1;
        }
    }

    private void print(VaultCheck.Checked checked) {
        out.println("compared " + Words.count(checked.notes(), "note", "notes") + " of namespace "
                + checked.namespace() + ", as of "
                + (checked.exportedAt() == null ? "no export that ended" : "the export at " + checked.exportedAt()));
        for (Difference each : checked.differences()) {
            out.println("  " + String.format(Locale.ROOT, "%-7s", each.kind().word()) + "  " + shown(each.path()) + ": "
                    + each.text());
        }
        if (checked.waiting() > 0) {
            out.println("  waiting  " + Words.count(checked.waiting(), "note", "notes")
                    + " of rows that have changed since; the next export writes them");
        }
        out.println(VaultCheck.words(checked));
        if (checked.edited() > 0) {
            out.println("next: agentbus import-vault --dir " + checked.directory() + " shows what each edit would do");
        } else if (!checked.differences().isEmpty()) {
            out.println("next: docs/runbook.md, \"The vault has diverged\"");
        }
    }

    /** A file's name may hold anything, also what moves the cursor of a terminal. */
    private static String shown(String path) {
        return path.replaceAll("[\\p{Cntrl}\\p{Cf}]", "?");
    }
}
