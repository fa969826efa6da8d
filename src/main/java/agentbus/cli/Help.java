package agentbus.cli;

import agentbus.contract.Contract;
import agentbus.contract.Entry;
import agentbus.contract.Group;
import agentbus.contract.Operation;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.IHelpSectionRenderer;
import picocli.CommandLine.Model.UsageMessageSpec;

/** Prints the help of the program and of each command. */
final class Help {
    private static final int WIDTH = 100;
    private static final int NARROWEST = 55;

    private final Contract contract;

    Help(Contract contract) {
        this.contract = contract;
    }

    /** Prints the help of an operation's command or of an added command. */
    void printCommand(CommandLine command, PrintStream out, int width) {
        command.setUsageHelpWidth(Math.max(NARROWEST, width));
        contract.command(command.getCommandName())
                // The example is not wrapped, so that it can be copied.
                .ifPresent(entry -> command.getHelpSectionMap()
                        .put(UsageMessageSpec.SECTION_KEY_FOOTER, footer(contract.operation(entry.id()))));
        command.usage(out, Ansi.OFF);
    }

    /** The end of an operation's help. A class in place of a lambda lets the JVM archive the classes of picocli. */
    private static IHelpSectionRenderer footer(Operation operation) {
        return new IHelpSectionRenderer() {
            @Override
            public String render(CommandLine.Help help) {
                String newLine = System.lineSeparator();
                return newLine + "For: " + String.join(", ", operation.principals()) + newLine + "Example:" + newLine
                        + "  " + operation.example() + newLine;
            }
        };
    }

    /** Prints the added commands, and the groups with theirs. */
    void printAll(Map<String, AddedCommand> added, PrintStream out, int width) {
        out.println("Usage: agentbus <command> [options]");
        out.println("Durable, auditable coordination for a fleet of AI agents.");
        Map<String, String> start = new LinkedHashMap<>();
        added.forEach((name, command) -> start.put(name, command.summary()));
        int widest = Stream.concat(
                        start.keySet().stream(), contract.entries().stream().map(Entry::kebabName))
                .mapToInt(String::length)
                .max()
                .orElse(0);
        print(out, "Without a running bus", start, widest, width);
        for (Group group : contract.groups()) {
            Map<String, String> commands = new LinkedHashMap<>();
            contract.entries().stream()
                    .filter(entry -> entry.group().equals(group.name()))
                    .forEach(entry -> commands.put(entry.kebabName(), entry.summary()));
            print(out, group.title(), commands, widest, width);
        }
        out.println();
        out.println("Every command has --help, --json, --url, --token-file and --http-timeout-seconds.");
        out.println("The token comes from --token-file, else AGENTBUS_TOKEN, else data/operator.token.");
        out.println("Exit status: 0 done, 1 refused or not reached, 2 the command was wrong.");
    }

    private static void print(PrintStream out, String title, Map<String, String> commands, int widest, int width) {
        if (commands.isEmpty()) {
            return;
        }
        out.println();
        out.println(title + ":");
        String indent = " ".repeat(widest + 4);
        commands.forEach((name, summary) -> {
            String text = Text.wrapped(summary, Math.max(20, width - indent.length()));
            out.println("  " + Text.padded(name, widest) + "  " + Text.lines(text, indent));
        });
    }

    /** The terminal's width, or a default if it is unknown. */
    static int width(Terminal terminal) {
        return terminal.width().orElse(WIDTH);
    }
}
