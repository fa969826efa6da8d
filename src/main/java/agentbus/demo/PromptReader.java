package agentbus.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads a prompt like an agent that runs the prompt's commands: finds the {@code curl} command lines and turns each
 * into the request that a shell and curl would send.
 *
 * <p>A command begins at the start of a line, or after the {@code ;}, {@code |} or {@code &} that ends another command.
 * It continues on the next line after a backslash or within quotes.
 */
public final class PromptReader {

    /**
     * The result of reading a prompt.
     *
     * @param commands the commands, in their order
     * @param problems for each line that begins with {@code curl} and is not a command, its number from 1 and the
     *     reason; includes prose such as "curl is a tool"
     */
    public record Reading(List<CurlCommand> commands, List<String> problems) {
        /** Copies the lists. */
        public Reading {
            commands = List.copyOf(commands);
            problems = List.copyOf(problems);
        }
    }

    private static final String CURL = "curl";
    /** The headings of the prompt's answers of people. */
    private static final List<String> ANSWERS = List.of("ANSWERS TO QUESTIONS", "ANSWER FROM AN OPERATOR");

    private static final Pattern SUBJECT = Pattern.compile("(?m)^Subject (\\S+), attempt ");
    /** The first line of a memory; the lines of its text begin with a mark of their own. */
    private static final Pattern MEMORY = Pattern.compile("(?m)^\\[(m\\d+)] ");

    private final Map<String, String> environment;

    /** Makes a reader whose shell has no variables. */
    public PromptReader() {
        this(Map.of());
    }

    /**
     * Makes a reader.
     *
     * @param environment the variables of the agent's shell
     */
    public PromptReader(Map<String, String> environment) {
        this.environment = Map.copyOf(environment);
    }

    /**
     * Reads a prompt.
     *
     * @param prompt the text
     * @return its commands and problems
     */
    public Reading read(String prompt) {
        List<CurlCommand> commands = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        int at = 0;
        while (at < prompt.length()) {
            at = skip(prompt, at, " \t");
            if (startsCommand(prompt, at)) {
                try {
                    ShellWords.Command command = ShellWords.parse(prompt, at, environment);
                    commands.add(CurlArguments.read(command.words()));
                    at = skip(prompt, command.end(), ";|&");
                    continue;
                } catch (IllegalArgumentException e) {
                    problems.add("line " + lineNumber(prompt, at) + ": " + e.getMessage());
                }
            }
            int newline = prompt.indexOf('\n', at);
            at = newline < 0 ? prompt.length() : newline + 1;
        }
        return new Reading(commands, problems);
    }

    /**
     * Whether a prompt holds the answer of a person to an earlier attempt.
     *
     * @param prompt the text
     * @return true if one of its lines is the heading of such answers
     */
    static boolean hasAnswer(String prompt) {
        return prompt.lines().anyMatch(ANSWERS::contains);
    }

    /**
     * The subject of the job.
     *
     * @param prompt the text
     * @return its subject; empty if no line names one
     */
    static String subject(String prompt) {
        Matcher line = SUBJECT.matcher(prompt);
        return line.find() ? line.group(1) : "";
    }

    /**
     * The memories in a prompt.
     *
     * @param prompt the text
     * @return their numbers, such as m1, in their order
     */
    static List<String> memories(String prompt) {
        return MEMORY.matcher(prompt).results().map(one -> one.group(1)).toList();
    }

    private static boolean startsCommand(String prompt, int at) {
        int after = at + CURL.length();
        return prompt.startsWith(CURL, at) && after < prompt.length() && " \t\\".indexOf(prompt.charAt(after)) >= 0;
    }

    private static int skip(String text, int from, String characters) {
        int at = from;
        while (at < text.length() && characters.indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        return at;
    }

    private static long lineNumber(String text, int at) {
        return 1 + text.substring(0, at).chars().filter(c -> c == '\n').count();
    }
}
