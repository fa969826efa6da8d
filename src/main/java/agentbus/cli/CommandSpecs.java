package agentbus.cli;

import agentbus.contract.Input;
import agentbus.contract.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.Stack;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;

/**
 * Makes picocli's model of a command from an operation. Values stay text here, because the contract checks them later.
 */
final class CommandSpecs {
    static final String JSON = "--json";
    static final String URL = "--url";
    static final String TOKEN_FILE = "--token-file";
    static final String HTTP_TIMEOUT_SECONDS = "--http-timeout-seconds";
    private static final Set<String> COMMON = Set.of(JSON, URL, TOKEN_FILE, HTTP_TIMEOUT_SECONDS, "--help");

    private CommandSpecs() {}

    /** The command for an operation. */
    static CommandSpec of(Operation operation) {
        CommandSpec spec = CommandSpec.create().name(operation.kebabName());
        spec.usageMessage()
                .sortOptions(false)
                .description(escaped(operation.summary()), escaped(inOptions(operation, operation.description())))
                .customSynopsis(escaped(synopsis(operation)));
        int position = 0;
        int order = 0;
        for (Input input : operation.inputs()) {
            requireFree(operation, input);
            if (input.in() == Input.In.PATH) {
                spec.addPositional(positional(input, position++));
            }
            spec.addOption(option(operation, input, order++));
            if (input.type().equals("boolean")) {
                spec.addOption(negation(input, order++));
            }
        }
        addCommon(spec, order);
        return spec;
    }

    private static void requireFree(Operation operation, Input input) {
        String name = "--" + input.kebabName();
        if (COMMON.contains(name)) {
            throw new IllegalStateException("The input " + input.name() + " of " + operation.id()
                    + " needs another name, because every command has the option " + name + ".");
        }
    }

    /** Adds the options that every command has. */
    static void addCommon(CommandSpec spec, int first) {
        int order = first;
        spec.addOption(flag(order++, "Print the bus's JSON unchanged, for answers and problems.", JSON));
        spec.addOption(
                setting(URL, "<url>", order++, "The bus's URL; else AGENTBUS_URL, else " + Settings.DEFAULT_URL + "."));
        spec.addOption(
                setting(
                        TOKEN_FILE,
                        "<file>",
                        order++,
                        "The file that holds the token; else AGENTBUS_TOKEN, else operator.token in AGENTBUS_DATA_DIR (data)."));
        spec.addOption(setting(
                HTTP_TIMEOUT_SECONDS,
                "<number>",
                order++,
                "How long to wait for an answer; default " + Settings.DEFAULT_TIMEOUT_SECONDS + "."));
        spec.addOption(help(order++));
        // An operation may have an input named version itself, as a gateway's report does.
        String[] version =
                spec.findOption("--version") == null ? new String[] {"-V", "--version"} : new String[] {"-V"};
        spec.addOption(OptionSpec.builder(version)
                .versionHelp(true)
                .arity("0")
                .type(Boolean.class)
                .order(order)
                .description("Show the version.")
                .build());
    }

    static OptionSpec help(int order) {
        return OptionSpec.builder("-h", "--help")
                .usageHelp(true)
                .arity("0")
                .type(Boolean.class)
                .order(order)
                .description("Show this help.")
                .build();
    }

    /** The value of a common option, which may come before or after the command's name. */
    static Optional<String> common(ParseResult parsed, String name) {
        Optional<String> found = Optional.empty();
        for (ParseResult each = parsed; each != null; each = each.hasSubcommand() ? each.subcommand() : null) {
            if (each.hasMatchedOption(name)) {
                found = Optional.of(String.valueOf((Object) each.matchedOptionValue(name, "")));
            }
        }
        return found;
    }

    /** The label of an input's value in the help. */
    static String label(Input input) {
        if (input.in() == Input.In.PATH) {
            return "<" + input.kebabName() + ">";
        }
        if (input.schema().has("enum")) {
            return "<" + input.name().toLowerCase(Locale.ROOT) + ">";
        }
        switch (input.type()) {
            case "integer":
            case "number":
                return "<number>";
            case "boolean":
                return "<true|false>";
            case "object":
            case "array":
                return isListOfText(input) ? "<text>" : "<json>";
            default:
                return input.schema().path("format").asText().equals("date-time") ? "<time>" : "<text>";
        }
    }

    private static boolean isListOfText(Input input) {
        return input.schema().path("items").path("type").asText().equals("string");
    }

    private static String synopsis(Operation operation) {
        List<String> words = new ArrayList<>(List.of("agentbus", operation.kebabName()));
        for (Input input : operation.inputs()) {
            if (input.in() == Input.In.PATH) {
                words.add(label(input));
            } else if (input.required()) {
                words.add("--" + input.kebabName() + " " + label(input));
            }
        }
        words.add("[options]");
        return String.join(" ", words);
    }

    private static PositionalParamSpec positional(Input input, int position) {
        return PositionalParamSpec.builder()
                .index(String.valueOf(position))
                .arity("0..1")
                .type(String.class)
                .paramLabel(label(input))
                .description(escaped(input.description() + " Required, here or as --" + input.kebabName() + "."))
                .build();
    }

    private static OptionSpec option(Operation operation, Input input, int order) {
        boolean list = input.type().equals("array");
        OptionSpec.Builder option = OptionSpec.builder("--" + input.kebabName())
                .arity("1")
                .order(order)
                .paramLabel(label(input))
                .description(escaped(inOptions(operation, input.description())), escaped(rule(input)));
        if (list) {
            option.type(List.class).auxiliaryTypes(String.class);
        } else {
            option.type(String.class);
        }
        if (input.type().equals("boolean")) {
            option.preprocessor((stack, spec, arg, info) -> completeFlag(stack, "=".equals(info.get("separator"))));
        }
        return option.build();
    }

    /** Completes {@code --retry} to {@code --retry=true}, unless true or false follows, also after a space. */
    private static boolean completeFlag(Stack<String> rest, boolean attached) {
        boolean said = attached
                || !rest.isEmpty() && (rest.peek().equals("true") || rest.peek().equals("false"));
        if (!said) {
            rest.push("true");
        }
        return false;
    }

    private static OptionSpec negation(Input input, int order) {
        return OptionSpec.builder("--no-" + input.kebabName())
                .arity("0")
                .type(Boolean.class)
                .order(order)
                .description("The same as --" + input.kebabName() + "=false.")
                .build();
    }

    /**
     * Replaces the names of inputs in a text of the contract by their options. A name of one word stays, because it may
     * be an ordinary word.
     */
    private static String inOptions(Operation operation, String text) {
        String said = text;
        for (Input input : operation.inputs()) {
            if (!input.name().equals(input.kebabName())) {
                said = said.replaceAll("\\b" + input.name() + "\\b", "--" + input.kebabName());
            }
        }
        return said;
    }

    private static String rule(Input input) {
        StringBuilder text = new StringBuilder("Must be ").append(input.expected());
        if (input.type().equals("object") || input.type().equals("array")) {
            text.append(", as JSON, @file, or - for the standard input");
        }
        if (isListOfText(input)) {
            text.append(", or the option once for each");
        }
        if (input.required()) {
            text.append("; required");
        }
        if (input.defaultValue() != null) {
            text.append("; default ")
                    .append(
                            input.defaultValue().isTextual()
                                    ? input.defaultValue().textValue()
                                    : input.defaultValue().toString());
        }
        return text.append(".").toString();
    }

    private static OptionSpec flag(int order, String description, String name) {
        return OptionSpec.builder(name)
                .arity("0")
                .type(Boolean.class)
                .order(order)
                .description(description)
                .build();
    }

    private static OptionSpec setting(String name, String label, int order, String description) {
        return OptionSpec.builder(name)
                .arity("1")
                .type(String.class)
                .order(order)
                .paramLabel(label)
                .description(escaped(description))
                .build();
    }

    /** Escapes a text for picocli's help, which formats it. */
    static String escaped(String text) {
        return text.replace("%", "%%");
    }
}
