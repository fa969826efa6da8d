package agentbus.cli;

import agentbus.contract.Contract;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** The command {@code week-one}: tries a running installation and prints which of the drills hold. */
@Command(
        name = "week-one",
        description = {
            WeekOneCommand.SUMMARY,
            "The drills have an agent of their own, week-one, whose jobs no dispatcher claims: the command is its worker, and no model"
                    + " runs. No other job, agent or process is touched, and what the drills have begun is cancelled at the end.",
            "With --agent a job also goes through the gateway to that agent, which runs its model once.",
            "The exit status is 1 if something does not hold."
        },
        footer = "Example: agentbus week-one --agent devops --subject infra.check")
public final class WeekOneCommand implements Callable<Integer> {
    /** The line that the help of the program says of this command. */
    public static final String SUMMARY =
            "Try a running bus as in its first week, and print what holds: a job from end to end, a block and its recovery,"
                    + " a worker lost in the middle of its work, the evidence of standing orders, the account, and health.";

    private static final int COMMON_OPTIONS_FIRST = 100;

    private final Contract contract;
    private final PrintStream out;
    private final Map<String, String> environment;

    @Spec
    private CommandSpec spec;

    @Option(names = "--namespace", paramLabel = "<name>", description = "The namespace; default is that of the token.")
    private String namespace;

    @Option(
            names = "--agent",
            paramLabel = "<agent>",
            description = "An agent that gets a job through its gateway; this needs its model.")
    private String agent;

    @Option(
            names = "--subject",
            paramLabel = "<subject>",
            description = "The subject of that job; the agent must accept it.")
    private String subject;

    @Option(
            names = "--wait-seconds",
            paramLabel = "<number>",
            defaultValue = "120",
            description = "How long each drill waits for the bus or the agent; default 120.")
    private int waitSeconds;

    private WeekOneCommand(Contract contract, PrintStream out, Map<String, String> environment) {
        this.contract = contract;
        this.out = out;
        this.environment = environment;
    }

    /**
     * The command for picocli.
     *
     * @param contract the operations that the drills call
     * @param out gets the table
     * @param environment the environment's variables, as for every command that calls the bus
     * @return a new specification, with all options
     */
    public static CommandSpec spec(Contract contract, PrintStream out, Map<String, String> environment) {
        CommandSpec spec = CommandSpec.forAnnotatedObject(new WeekOneCommand(contract, out, environment));
        CommandSpecs.addCommon(spec, COMMON_OPTIONS_FIRST);
        return spec;
    }

    @Override
    public Integer call() {
        if ((agent == null) != (subject == null)) {
            throw new IllegalArgumentException("--agent and --subject belong together: give both or none");
        }
        if (waitSeconds < 1) {
            throw new IllegalArgumentException(
                    "--wait-seconds is " + waitSeconds + "; it must be a whole number of seconds from 1 on");
        }
        ParseResult parsed = spec.root().commandLine().getParseResult();
        DrillCalls calls = new DrillCalls(contract, Settings.of(parsed, environment), Optional.ofNullable(namespace));
        List<Drill> drills = new WeekOne(calls, Duration.ofSeconds(waitSeconds))
                .run(Optional.ofNullable(agent), Optional.ofNullable(subject));
        boolean hold = drills.stream().noneMatch(drill -> drill.result() == Drill.Result.DOES_NOT_HOLD);
        if (CommandSpecs.common(parsed, CommandSpecs.JSON).isPresent()) {
            out.println(json(drills, hold));
        } else {
            print(drills, hold);
        }
        return hold ? AgentbusCli.DONE : AgentbusCli.REFUSED;
    }

    private static ObjectNode json(List<Drill> drills, boolean hold) {
        ObjectNode answer = Json.object().put("holds", hold);
        ArrayNode list = answer.putArray("drills");
        drills.forEach(drill -> list.addObject()
                .put("drill", drill.name())
                .put("result", drill.result().words())
                .put("what", drill.what()));
        return answer;
    }

    private void print(List<Drill> drills, boolean hold) {
        int name = drills.stream()
                .mapToInt(drill -> Text.width(drill.name()))
                .max()
                .orElse(0);
        int result = drills.stream()
                .mapToInt(drill -> Text.width(drill.result().words()))
                .max()
                .orElse(0);
        for (Drill drill : drills) {
            out.println(Text.padded(drill.result().words(), result) + "  " + Text.padded(drill.name(), name) + "  "
                    + Text.line(drill.what()));
        }
        out.println(hold ? "What was tried holds." : "Something does not hold; see docs/guide/phases.md.");
    }
}
