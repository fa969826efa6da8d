package agentbus.cli;

import agentbus.contract.Contract;
import agentbus.contract.Operation;
import agentbus.contract.Problem;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.slf4j.bridge.SLF4JBridgeHandler;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** The command line: one command per operation of the contract, and added commands such as run and demo. */
public final class AgentbusCli {
    /** Exit status: the operation succeeded. */
    public static final int DONE = 0;
    /** Exit status: the bus refused, could not be reached, or is unhealthy. */
    public static final int REFUSED = 1;
    /** Exit status: the command was wrong, and nothing was sent. */
    public static final int WRONG = 2;

    private static final Set<String> HELP = Set.of("-h", "--help");

    private final Contract contract;
    private final Map<String, AddedCommand> added;

    /**
     * A command line.
     *
     * @param contract the operations
     * @param added the other commands by name, in the order of the help
     */
    public AgentbusCli(Contract contract, Map<String, AddedCommand> added) {
        this.contract = contract;
        this.added = new LinkedHashMap<>(added);
    }

    /**
     * Runs one command.
     *
     * @param args the command and its options
     * @param in the standard input; read only for an option with the value -
     * @param out the standard output; should encode in UTF-8
     * @param err the standard error output; should encode in UTF-8
     * @param env the environment variables, of which the command line reads AGENTBUS_TOKEN, AGENTBUS_URL,
     *     AGENTBUS_HOME, AGENTBUS_DATA_DIR, AGENTBUS_DATA_TOKEN_DIR and COLUMNS
     * @return the exit status: {@link #DONE}, {@link #REFUSED} or {@link #WRONG}
     */
    public int execute(String[] args, InputStream in, PrintStream out, PrintStream err, Map<String, String> env) {
        Terminal terminal = new Terminal(in, out, err, env);
        ErrorPrinter errors = new ErrorPrinter(err, Arrays.asList(args).contains(CommandSpecs.JSON));
        try {
            requireReadable(args);
            String[] given = asOption(args);
            // Without the parser, whose first use took a third of the time of a help.
            int status = HELP.containsAll(Arrays.asList(given))
                    ? printAll(given.length > 0, terminal)
                    : run(commands(new HashSet<>(Arrays.asList(args))).parseArgs(given), terminal, errors);
            // A print stream keeps quiet about a full disk or a closed pipe.
            if (out.checkError()) {
                errors.printLine(Problem.of(
                        500,
                        "internal",
                        "The output could not be written whole: the standard output is full or closed."));
                return Math.max(status, REFUSED);
            }
            return status;
        } catch (Problem unreadable) {
            errors.print(unreadable);
            return WRONG;
        } catch (ParameterException wrong) {
            errors.print(UsageProblems.of(wrong, commandNames()));
            return WRONG;
        }
    }

    /**
     * Refuses an argument with U+FFFD, which the JVM puts in the place of bytes that are no text in the character set of the
     * locale. Otherwise the wrong text would be stored.
     */
    private static void requireReadable(String[] args) {
        for (String argument : args) {
            if (argument.indexOf('\uFFFD') >= 0) {
                String locale = System.getProperty("sun.jnu.encoding", "an unknown character set");
                throw Problem.invalidField(
                        "argument",
                        JsonNodeFactory.instance.textNode(argument),
                        "An argument has letters that are no text in the character set of this locale (" + locale
                                + "): "
                                + Text.cut(argument, 60) + "; set LC_ALL=C.UTF-8, or give JSON as @file or as - on the"
                                + " standard input.",
                        "text in " + locale);
            }
        }
    }

    /** Reads {@code help} as {@code --help}, and {@code help run} as {@code run --help}. */
    private static String[] asOption(String[] args) {
        if (args.length == 0 || !args[0].equals("help")) {
            return args;
        }
        List<String> asked = new ArrayList<>(Arrays.asList(args).subList(1, args.length));
        asked.add("--help");
        return asked.toArray(new String[0]);
    }

    /**
     * Makes the commands whose names stand among the arguments, because all of them take longer to make than a call
     * takes.
     */
    private CommandLine commands(Set<String> args) {
        CommandSpec spec = CommandSpec.create().name("agentbus");
        CommandSpecs.addCommon(spec, 0);
        added.forEach((name, command) -> {
            if (args.contains(name)) {
                spec.addSubcommand(name, withHelp(command.spec().get()));
            }
        });
        args.stream()
                .map(contract::command)
                .flatMap(Optional::stream)
                .forEach(entry ->
                        spec.addSubcommand(entry.kebabName(), CommandSpecs.of(contract.operation(entry.id()))));
        CommandLine root = new CommandLine(spec);
        // Values are data: the parser must not expand @files and ${…} in them.
        root.setExpandAtFiles(false);
        root.setInterpolateVariables(false);
        return root;
    }

    private List<String> commandNames() {
        List<String> names = new ArrayList<>(added.keySet());
        contract.entries().forEach(entry -> names.add(entry.kebabName()));
        return names;
    }

    private static CommandSpec withHelp(CommandSpec command) {
        if (command.findOption("--help") == null) {
            command.addOption(CommandSpecs.help(Integer.MAX_VALUE));
        }
        return command;
    }

    private int run(ParseResult parsed, Terminal terminal, ErrorPrinter errors) {
        ParseResult command = parsed.hasSubcommand() ? parsed.subcommand() : parsed;
        if (parsed.isVersionHelpRequested() || command.isVersionHelpRequested()) {
            terminal.out().println(VersionCommand.line());
            return DONE;
        }
        boolean helpAsked = parsed.isUsageHelpRequested() || command.isUsageHelpRequested();
        if (command == parsed) {
            return printAll(helpAsked, terminal);
        }
        if (helpAsked) {
            new Help(contract).printCommand(command.commandSpec().commandLine(), terminal.out(), Help.width(terminal));
            return DONE;
        }
        String name = command.commandSpec().name();
        return contract.command(name)
                .map(entry -> call(contract.operation(entry.id()), parsed, terminal, errors))
                .orElseGet(() -> start(command.commandSpec().userObject(), errors));
    }

    /** Prints all commands: as an answer if help was asked for, or as what is wrong with a line without a command. */
    private int printAll(boolean asked, Terminal terminal) {
        new Help(contract).printAll(added, asked ? terminal.out() : terminal.err(), Help.width(terminal));
        return asked ? DONE : WRONG;
    }

    private int call(Operation operation, ParseResult parsed, Terminal terminal, ErrorPrinter errors) {
        Settings settings;
        ObjectNode input;
        try {
            input = new Arguments(parsed.subcommand(), terminal.in()).read(operation);
            operation.check(input.deepCopy(), Arguments::option);
            settings = Settings.of(parsed, terminal.env());
        } catch (Problem wrong) {
            errors.print(wrong);
            return WRONG;
        }
        try {
            BusClient.Answer answer = new BusClient(settings).call(operation, input);
            Optional<JsonNode> json = answer.json();
            if (answer.ok() && json.isPresent() && operation.mayAnswer(json.get())) {
                return show(operation, answer, json.get(), parsed, terminal);
            }
            errors.print(json.flatMap(body -> Problem.fromJson(answer.status(), body))
                    .orElseGet(() -> strange(answer, settings)));
        } catch (BusClient.NoAnswer none) {
            errors.printLine(Problem.of(503, "unavailable", none.getMessage()));
        }
        return REFUSED;
    }

    private static int show(
            Operation operation, BusClient.Answer answer, JsonNode json, ParseResult parsed, Terminal terminal) {
        if (CommandSpecs.common(parsed, CommandSpecs.JSON).isPresent()) {
            terminal.out().write(answer.body(), 0, answer.body().length);
            terminal.out().println();
        } else {
            new AnswerPrinter(terminal).print(operation, json);
        }
        // Health has a status, which may be ok beside a problem; a sweep on request has problems alone.
        boolean degraded = json.path("problems").isArray()
                && (json.has("status")
                        ? !json.path("status").asText().equals("ok")
                        : !json.path("problems").isEmpty());
        return degraded ? REFUSED : DONE;
    }

    private static Problem strange(BusClient.Answer answer, Settings settings) {
        int status = answer.ok() ? 502 : answer.status();
        String detail =
                "The answer (HTTP status " + answer.status() + ") is none of agentbus, so this is no agentbus at "
                        + settings.url() + "; name its address with --url.";
        return Problem.of(status, "unavailable", detail);
    }

    private static int start(Object command, ErrorPrinter errors) {
        // The libraries of these commands, such as the driver of Postgres, log with java.util.logging.
        SLF4JBridgeHandler.removeHandlersForRootLogger();
        SLF4JBridgeHandler.install();
        try {
            if (command instanceof Callable<?> callable) {
                return callable.call() instanceof Integer status ? status : DONE;
            }
            ((Runnable) command).run();
            return DONE;
        } catch (Problem problem) {
            errors.print(problem);
        } catch (Exception failed) {
            String said = failed.getMessage() == null ? failed.getClass().getSimpleName() : failed.getMessage();
            errors.printLine(Problem.of(500, "internal", said));
        }
        return REFUSED;
    }
}
