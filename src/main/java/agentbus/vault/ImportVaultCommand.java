package agentbus.vault;

import agentbus.cli.StartOptions;
import agentbus.contract.Contract;
import agentbus.db.Database;
import agentbus.db.Operator;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code agentbus import-vault}: shows what the edits of people in a vault would do, and does it when told. */
@Command(
        name = "import-vault",
        description = {
            ImportVaultCommand.SUMMARY,
            "A memory's new title or text becomes a candidate that supersedes it; an opportunity's new status becomes a"
                    + " triage; a note in 00 Inbox becomes an idea, or a job when its front matter says kind: job with"
                    + " agent and subject. A note that says trust: untrusted, or names its source or url, is text from"
                    + " outside. Without --apply or --ask nothing is changed."
        },
        footer = "Example: agentbus import-vault --dir ~/fleet --apply --reason 'Read on Monday'")
public final class ImportVaultCommand implements Callable<Integer> {
    /** The line that the help of the program says of this command. */
    public static final String SUMMARY = "Show what each edit in a vault would do, and do it only when told.";

    private final Contract contract;
    private final InputStream in;
    private final PrintStream out;
    private final Map<String, String> environment;

    @Mixin
    private final StartOptions options = new StartOptions();

    @Parameters(
            paramLabel = "<file>",
            arity = "0..*",
            description = "The notes to import; without one, every edited note and all of 00 Inbox.")
    private final List<Path> named = new ArrayList<>();

    @Option(
            names = "--dir",
            paramLabel = "<folder>",
            description = "The folder of the vault; without it, agentbus.vault.directory.")
    private Path folder;

    @Option(names = "--apply", description = "Do what is shown, all of it.")
    private boolean apply;

    @Option(names = "--ask", description = "Ask for each edit on the terminal, and do what is answered with y.")
    private boolean ask;

    @Option(
            names = "--reason",
            paramLabel = "<text>",
            description = "The reason, for decisions whose notes have no field reason.")
    private String reason;

    /**
     * The command.
     *
     * @param contract checks the calls
     * @param in gives the answers to --ask
     * @param out receives the plan
     * @param environment the environment's variables
     */
    public ImportVaultCommand(Contract contract, InputStream in, PrintStream out, Map<String, String> environment) {
        this.contract = contract;
        this.in = in;
        this.out = out;
        this.environment = environment;
    }

    @Override
    public Integer call() {
        if (apply && ask) {
            throw new StartFailure("--apply does all and --ask asks for each; give one of them");
        }
        Settings settings = Settings.load(Settings.home(environment), environment, options.settings());
        Path directory = folder == null ? VaultSettings.directory(settings) : folder;
        String visibility = VaultSettings.visibility(settings);
        String actor = Operator.user();
        BufferedReader answers = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        try (Database database = Database.open(settings)) {
            ProgramFiles files = new ProgramFiles(settings);
            VaultImport.Report report = new VaultImport(database, files, contract, actor)
                    .run(
                            new VaultImport.Request(directory, visibility, List.copyOf(named), reason),
                            apply || ask,
                            line -> apply || ask && isWanted(line, answers));
            print(report);
            if (report.made() > 0) {
                VaultExport.Written written = new VaultExport(database, files)
                        .write(report.directory(), report.namespace(), visibility, actor);
                out.println(
                        "exported the vault again: " + Words.count(written.written(), "note", "notes") + " written");
            }
            return report.anyRefused() ? 1 : 0;
        }
    }

    private boolean isWanted(VaultImport.Line line, BufferedReader answers) {
        out.println(shown(line.path()));
        out.println("  would " + shown(line.does()));
        more(line);
        out.print("  Do it? [y/N] ");
        out.flush();
        try {
            String answer = answers.readLine();
            return answer != null && answer.strip().toLowerCase(Locale.ROOT).matches("y|yes");
        } catch (IOException closed) {
            throw new StartFailure("cannot read the answer: " + closed.getMessage(), closed);
        }
    }

    private void print(VaultImport.Report report) {
        out.println("vault " + report.directory() + " of namespace " + report.namespace() + ": "
                + Words.count(report.lines().size(), "edit", "edits"));
        for (VaultImport.Line line : report.lines()) {
            out.println(shown(line.path()));
            if (line.refused() != null) {
                out.println("  " + shown(line.refused()));
            } else if (line.done() != null) {
                out.println("  did " + shown(line.does()));
                out.println("  made " + shown(line.done()));
            } else {
                out.println((ask ? "  left: would " : "  would ") + shown(line.does()));
            }
            more(line);
        }
        if (report.made() == 0) {
            boolean any = report.lines().stream().anyMatch(line -> line.does() != null);
            out.println("Nothing was changed." + (any && !ask ? " --apply does all of it, --ask asks for each." : ""));
        }
    }

    private void more(VaultImport.Line line) {
        line.shows().forEach(each -> out.println("    " + shown(each)));
        if (!line.left().isEmpty()) {
            out.println("  does not carry: " + shown(String.join(", ", line.left()))
                    + "; the note stays as it is, so that this is not lost");
        }
    }

    /** A text of a file, safe for a terminal. */
    private static String shown(String text) {
        return text.replace('\t', ' ').replaceAll("[\\p{Cc}\\p{Cf}\\u2028\\u2029]", "?");
    }
}
