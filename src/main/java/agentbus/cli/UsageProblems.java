package agentbus.cli;

import agentbus.contract.Problem;
import agentbus.text.Nearest;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.OverwrittenOptionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Translates errors of the command line's parser into problems like those of the bus. */
final class UsageProblems {
    private UsageProblems() {}

    /**
     * The problem for a parser's exception.
     *
     * @param wrong the exception
     * @param commands the names of all commands
     */
    static Problem of(ParameterException wrong, List<String> commands) {
        if (wrong instanceof UnmatchedArgumentException unmatched) {
            return unmatched(unmatched.getCommandLine(), unmatched.getUnmatched(), commands);
        }
        if (wrong instanceof OverwrittenOptionException twice) {
            String name = name(twice.getOverwritten());
            return Problem.invalidField(name, null, name + " is given twice; it must be given once.", "one " + name);
        }
        if (wrong instanceof MissingParameterException missing
                && !missing.getMissing().isEmpty()) {
            ArgSpec spec = missing.getMissing().get(0);
            String name = name(spec);
            String detail = name + " is given without a value; it must be " + name + " " + spec.paramLabel() + ".";
            return Problem.missingField(name, detail, name + " " + spec.paramLabel());
        }
        String said = wrong.getMessage() == null ? "The command is wrong." : wrong.getMessage();
        return Problem.invalidField(null, null, said, null);
    }

    private static Problem unmatched(CommandLine command, List<String> unmatched, List<String> commands) {
        String first = unmatched.get(0);
        boolean root = command.getParent() == null;
        if (root && !first.startsWith("-")) {
            return Problem.noSuchOperation(first, Nearest.of(first, commands));
        }
        String name = first.contains("=") ? first.substring(0, first.indexOf('=')) : first;
        JsonNode value = JsonNodeFactory.instance.textNode(first);
        String help = "agentbus " + (root ? "" : command.getCommandName() + " ") + "--help";
        if (!name.startsWith("-")) {
            String detail = value + " is one argument too many; " + help + " shows what there is.";
            return Problem.unknownField(name, value, detail, "no further argument");
        }
        List<String> known = new ArrayList<>();
        command.getCommandSpec().options().forEach(option -> known.addAll(List.of(option.names())));
        Optional<String> nearest = Nearest.of(name, known);
        String hint = nearest.map(Nearest::question).orElse(help + " shows what there is.");
        return Problem.unknownField(
                name,
                value,
                name + " is not an option of " + command.getCommandName() + "; " + hint,
                nearest.orElse("an option of " + help));
    }

    private static String name(ArgSpec spec) {
        return spec instanceof OptionSpec option ? option.longestName() : spec.paramLabel();
    }
}
