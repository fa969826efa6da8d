package agentbus.backup;

import agentbus.cli.StartOptions;
import agentbus.db.Database;
import agentbus.db.Operator;
import agentbus.settings.ProgramFiles;
import agentbus.settings.ServerKey;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code agentbus restore}: brings an export into an empty database, with everything stopped. */
@Command(
        name = "restore",
        description = {
            RestoreCommand.SUMMARY,
            "The database is DATABASE_URL if given, else a new one in the empty data directory. A restore that fails"
                    + " leaves a database on which no bus starts; run it again."
        },
        footer = "Example: DATABASE_URL=postgresql://bus@db/new agentbus restore /backup/agentbus-2026-11-28.zip")
public final class RestoreCommand implements Callable<Integer> {
    /** The line that the help of the program says of this command. */
    public static final String SUMMARY =
            "Bring an export into an empty database, and stop everything in it until a person resumes.";

    private final PrintStream out;
    private final Map<String, String> environment;

    @Mixin
    private final StartOptions options = new StartOptions();

    @Parameters(paramLabel = "<file>", description = "The export to restore.")
    private Path file;

    @Option(
            names = "--new-server-key",
            description = "Accept that the old server.key is lost: the database takes the key of this installation.")
    private boolean newServerKey;

    /**
     * The command.
     *
     * @param out receives what was restored, and what would be dispatched
     * @param environment the environment's variables
     */
    public RestoreCommand(PrintStream out, Map<String, String> environment) {
        this.out = out;
        this.environment = environment;
    }

    @Override
    public Integer call() throws IOException {
        Settings settings = Settings.load(Settings.home(environment), environment, options.settings());
        long began = System.nanoTime();
        try (ExportFile export = ExportFile.open(file)) {
            export.verify();
            Manifest manifest = export.manifest();
            // Before the copy, because a restored database is not empty: it could not be restored again.
            Optional<String> newKey = newKey(manifest, settings);
            try (Database database = Database.open(settings);
                    Restore restore = new Restore(database, new ProgramFiles(settings))) {
                restore.copy(export);
                JsonNode work = restore.finish(
                        "restored from " + file.getFileName() + ", which is of " + manifest.takenAt(),
                        Operator.user(),
                        newKey);
                out.println("restored " + file + " into the " + database);
                out.println("  rows       " + manifest.rows() + " in "
                        + manifest.tables().size() + " tables, each compared with the manifest");
                out.println("  took       " + Times.seconds(Duration.ofNanos(System.nanoTime() - began)));
                out.println("  as of      " + manifest.takenAt() + ": what happened in the "
                        + Times.age(Duration.between(manifest.takenAt(), Instant.now())) + " since is lost");
                work.forEach(this::print);
            }
            printNext();
        }
        return 0;
    }

    private void print(JsonNode work) {
        String namespace = work.path("namespace").asText();
        out.println("namespace " + namespace + ", in which everything is stopped:");
        long live = work.path("liveCount").asLong();
        out.println("  at work then   "
                + (live == 0
                        ? "nothing"
                        : live + " attempts; each was ended without counting, and its job waits in the queue:"));
        for (JsonNode attempt : work.path("live")) {
            out.println("    job " + attempt.path("jobId").asText() + " of "
                    + attempt.path("targetAgent").asText()
                    + " (" + attempt.path("subject").asText() + "), attempt "
                    + attempt.path("attemptNo").asText()
                    + " since " + attempt.path("since").asText());
        }
        if (live > work.path("live").size()) {
            out.println("    and " + (live - work.path("live").size()) + " more: agentbus list-jobs --state queued");
        }
        out.println("  due now        "
                + (work.path("due").isEmpty() ? "nothing besides" : "a resume dispatches these besides:"));
        for (JsonNode due : work.path("due")) {
            out.println("    " + due.path("jobs").asText() + " of "
                    + due.path("targetAgent").asText() + ", the oldest due since "
                    + due.path("oldest").asText());
        }
        out.println("  later          " + work.path("later").asText() + " queued for later, "
                + work.path("waiting").asText() + " waiting, "
                + work.path("blocked").asText() + " blocked, "
                + work.path("slotsDue").asText() + " slots of standing orders whose time is over");
        out.println("  resume with    agentbus resume --kind everything"
                + (namespace.equals("default") ? "" : " --namespace " + namespace) + " --reason '…'");
    }

    /** The fingerprint of the key that the database is to take; empty if it has the right one. Refuses a wrong key. */
    private Optional<String> newKey(Manifest manifest, Settings settings) {
        if (newServerKey) {
            return Optional.of(
                    ServerKey.load(settings.dataDirectory(), environment).fingerprint());
        }
        KeyAdvice.wrong(manifest, settings, environment).ifPresent(advice -> {
            throw new StartFailure("cannot restore " + file + ": " + advice + ". Nothing was changed");
        });
        return Optional.empty();
    }

    private void printNext() {
        if (newServerKey) {
            out.println(
                    "server key: the database takes the key of this installation. The tokens of attempts from before"
                            + " are void.");
        }
        out.println("next: start the bus, cancel the jobs that were done after the export, then resume.");
    }
}
