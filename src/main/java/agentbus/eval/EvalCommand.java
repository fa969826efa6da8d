package agentbus.eval;

import agentbus.cli.StartOptions;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code agentbus eval}: measures what the bus finds for a set of jobs. */
@Command(
        name = "eval",
        description = {
            EvalCommand.SUMMARY,
            "The file has a memory or a job with graded memories in each line; docs/memory-evaluation.md describes it."
                    + " The command starts a Postgres of its own in the temporary directory and removes it; it opens no"
                    + " other database and needs no running bus.",
            "The exit status is 1 if a forbidden memory was found."
        },
        footer = "Example: agentbus eval memory my-jobs.jsonl --misses")
public final class EvalCommand implements Callable<Integer> {
    /** The line that the help of the program says of this command. */
    public static final String SUMMARY =
            "Measure which memories the bus finds for a set of jobs, and print a table by category.";

    private final PrintStream out;
    private final Map<String, String> environment;

    /** What is measured. */
    enum What {
        /** The memories for jobs. */
        memory
    }

    @Parameters(index = "0", paramLabel = "<what>", description = "memory: the memories for jobs.")
    private What what;

    @Parameters(index = "1", paramLabel = "<file>", description = "The set, as JSON lines.")
    private Path file;

    @Option(names = "--json", description = "Print one JSON object in place of the table.")
    private boolean json;

    @Option(
            names = "--misses",
            description = "Also list each relevant memory that is not among the first five, each forbidden one that was"
                    + " found, and the memories found for a job to which none matters.")
    private boolean misses;

    @Mixin
    private StartOptions options = new StartOptions();

    /**
     * The command.
     *
     * @param out gets the table or the JSON
     * @param environment the environment's variables
     */
    public EvalCommand(PrintStream out, Map<String, String> environment) {
        this.out = out;
        this.environment = environment;
    }

    @Override
    public Integer call() {
        MemorySet set = MemorySet.read(file);
        Settings settings = Settings.load(Settings.home(environment), environment, options.settings());
        MemoryReport report;
        try (ScratchServer server = ScratchServer.start(settings)) {
            report = new MemoryReport(
                    new MemoryEvaluation(server.dataSource(), new ProgramFiles(settings), settings).run(set));
        }
        print(report, set);
        return report.total().forbiddenRate() == 0 ? 0 : 1;
    }

    private void print(MemoryReport report, MemorySet set) {
        if (json) {
            ObjectNode answer = report.json().put("memories", set.memories().size());
            if (misses) {
                ArrayNode listed = answer.putArray("misses");
                report.misses().forEach(listed::add);
            }
            out.println(answer);
            return;
        }
        out.println(set.memories().size() + " memories, " + set.jobs().size() + " jobs of " + file.getFileName());
        report.table(out);
        if (misses) {
            report.misses().forEach(out::println);
        }
    }
}
