package agentbus.backup;

import agentbus.cli.StartOptions;
import agentbus.db.Cleanup;
import agentbus.db.Database;
import agentbus.db.Operator;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code agentbus restore-drill}: proves that an export can be restored, and keeps the outcome. */
@Command(
        name = "restore-drill",
        description = {
            RestoreDrillCommand.SUMMARY,
            "Without a file the drill makes an export first. The outcome is a row of restore_drills and the metrics"
                    + " agentbus_last_restore_drill_…; the exit status is 0 only if every check was made and passed."
        },
        footer = "Example: agentbus restore-drill /backup/agentbus-2026-11-28.zip")
public final class RestoreDrillCommand implements Callable<Integer> {
    /** The line that the help of the program says of this command. */
    public static final String SUMMARY =
            "Restore an export into a scratch database, compare everything, start a bus on it, and drop it again.";

    /** What the row says of a drill without a file. */
    private static final String FRESH = "an export made for the drill";

    private final PrintStream out;
    private final Map<String, String> environment;
    private final BusStarter starter;

    @Mixin
    private final StartOptions options = new StartOptions();

    @Parameters(paramLabel = "<file>", arity = "0..1", description = "The export; without it a new one is made.")
    private Path file;

    @Option(
            names = "--scratch",
            paramLabel = "<place>",
            description = "server: a database beside the bus's; own: an own Postgres in the temporary directory;"
                    + " auto (the default): server if the role may create databases, else own.")
    private String scratch = "auto";

    @Option(
            names = "--window-hours",
            paramLabel = "<n>",
            description = "How old the newest row may be when the export is made, 1 to 8760; 24 by default.")
    private int windowHours = 24;

    /**
     * The command.
     *
     * @param out receives the checks
     * @param environment the environment's variables
     * @param starter starts the bus on the scratch database
     */
    public RestoreDrillCommand(PrintStream out, Map<String, String> environment, BusStarter starter) {
        this.out = out;
        this.environment = environment;
        this.starter = starter;
    }

    @Override
    public Integer call() throws IOException {
        Scratch.Place place = place();
        if (windowHours < 1 || windowHours > 8760) {
            throw new StartFailure("--window-hours is " + windowHours + "; it must be a whole number from 1 to 8760");
        }
        Settings settings = Settings.load(Settings.home(environment), environment, options.settings());
        Instant startedAt = Instant.now();
        try (Database live = Database.open(settings);
                Cleanup cleanup = new Cleanup("remove the export of the drill")) {
            RestoreDrill drill = new RestoreDrill(settings, environment, live, starter);
            drill.requireRecord();
            RestoreDrill.Outcome outcome = file == null
                    ? fresh(drill, live, settings, startedAt, place, cleanup)
                    : given(drill, file, startedAt, place);
            drill.record(outcome, file == null ? FRESH : file.getFileName().toString(), Operator.user());
            print(outcome);
            return outcome.ok() ? 0 : 1;
        }
    }

    /** Drills with an export of its own. One that cannot be made is a failed drill, too. */
    private RestoreDrill.Outcome fresh(
            RestoreDrill drill,
            Database live,
            Settings settings,
            Instant startedAt,
            Scratch.Place place,
            Cleanup cleanup)
            throws IOException {
        Path made;
        try {
            long began = System.nanoTime();
            made = Scratch.directory("agentbus-export-", cleanup).resolve("drill.zip");
            Export.Written written = new Export(live, new ProgramFiles(settings)).write(made);
            ExportCommand.print(out, live, made, written, Duration.ofNanos(System.nanoTime() - began));
        } catch (StartFailure noExport) {
            return failed("export", noExport, startedAt);
        }
        return given(drill, made, startedAt, place).withoutRpo();
    }

    /** Drills with a file. One that cannot be opened is a failed drill, too. */
    private RestoreDrill.Outcome given(RestoreDrill drill, Path export, Instant startedAt, Scratch.Place place)
            throws IOException {
        ExportFile opened;
        try {
            opened = ExportFile.open(export);
        } catch (StartFailure unreadable) {
            return failed("file", unreadable, startedAt);
        }
        try (opened) {
            return drill.run(opened, startedAt, place, Duration.ofHours(windowHours));
        }
    }

    private static RestoreDrill.Outcome failed(String check, StartFailure why, Instant startedAt) {
        Findings findings = new Findings();
        findings.check(check, () -> {
            throw why;
        });
        return new RestoreDrill.Outcome(findings, startedAt, Optional.empty(), Optional.empty());
    }

    private void print(RestoreDrill.Outcome outcome) {
        for (Findings.Finding finding : outcome.findings().all()) {
            String mark = finding.ok() == null ? "not made" : finding.ok() ? "ok" : "FAILED";
            out.println("  " + String.format(Locale.ROOT, "%-8s  %-11s  %s", mark, finding.check(), finding.detail()));
        }
        outcome.rto()
                .ifPresent(rto -> out.println(
                        "  RTO       " + Times.seconds(rto) + " from the begin of the restore to the answer of a bus"));
        outcome.rpo().ifPresent(rpo -> out.println("  RPO       " + Times.age(rpo) + ", the age of the export"));
        if (file == null) {
            out.println(
                    "  RPO       not measured: an export made for the drill says nothing about the age of your backups;"
                            + " drill with the file of the newest one");
        }
        out.println(
                outcome.ok()
                        ? "The drill has passed: this export can be restored."
                        : "The drill has FAILED: do not rely on this export.");
    }

    private Scratch.Place place() {
        return switch (scratch) {
            case "auto" -> Scratch.Place.AUTO;
            case "server" -> Scratch.Place.SERVER;
            case "own" -> Scratch.Place.OWN;
            default -> throw new StartFailure("--scratch is " + scratch + "; it must be server, own or auto");
        };
    }
}
