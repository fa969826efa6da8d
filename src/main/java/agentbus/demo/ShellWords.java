package agentbus.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Splits one simple command into words like a POSIX shell: quotes, escapes, line continuations, variables. It refuses
 * substitutions, redirections and braces, because it must never read a command differently from a shell.
 */
final class ShellWords {

    /**
     * A command.
     *
     * @param words its words, quotes removed
     * @param end the offset of the character that ended it, or the text's length
     */
    record Command(List<String> words, int end) {}

    private static final String ENDS_COMMAND = "\n;|&";

    private final String text;
    private final Map<String, String> environment;
    private final List<String> words = new ArrayList<>();
    private final StringBuilder word = new StringBuilder();
    private boolean inWord;
    private int at;

    private ShellWords(String text, int start, Map<String, String> environment) {
        this.text = text;
        this.at = start;
        this.environment = environment;
    }

    /**
     * Reads the command that starts at an offset.
     *
     * @throws IllegalArgumentException if a quote does not end, or the command uses an unsupported feature
     */
    static Command parse(String text, int start, Map<String, String> environment) {
        return new ShellWords(text, start, environment).command();
    }

    private Command command() {
        while (at < text.length() && ENDS_COMMAND.indexOf(text.charAt(at)) < 0) {
            char c = text.charAt(at++);
            switch (c) {
                case ' ', '\t', '\r' -> endWord();
                case '\'' -> singleQuoted();
                case '"' -> doubleQuoted();
                case '\\' -> escaped();
                case '$' -> variable(false);
                case '`', '<', '>', '(', ')', '{', '}' -> throw unsupported("an unquoted " + c);
                case '#', '~' -> {
                    if (inWord) {
                        append(c);
                    } else if (c == '~') {
                        throw unsupported("a home directory");
                    } else {
                        skipComment();
                    }
                }
                default -> append(c);
            }
        }
        endWord();
        return new Command(List.copyOf(words), at);
    }

    private void singleQuoted() {
        int close = text.indexOf('\'', at);
        if (close < 0) {
            throw new IllegalArgumentException("a single quote is not closed");
        }
        inWord = true;
        word.append(text, at, close);
        at = close + 1;
    }

    private void doubleQuoted() {
        inWord = true;
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == '"') {
                return;
            }
            if (c == '$') {
                variable(true);
            } else if (c == '`') {
                throw unsupported("a command substitution");
            } else if (c == '\\' && at < text.length() && "$`\"\\\n".indexOf(text.charAt(at)) >= 0) {
                char next = text.charAt(at++);
                if (next != '\n') {
                    word.append(next);
                }
            } else {
                word.append(c);
            }
        }
        throw new IllegalArgumentException("a double quote is not closed");
    }

    private void escaped() {
        if (at == text.length()) {
            append('\\');
            return;
        }
        char c = text.charAt(at++);
        if (c != '\n') {
            append(c);
        }
    }

    /** Reads a variable after its dollar. A dollar without a name after it stays a dollar. */
    private void variable(boolean quoted) {
        if (at < text.length() && "('\"*@#?$!-0123456789".indexOf(text.charAt(at)) >= 0 && !(quoted && closes())) {
            throw unsupported("an expansion that is no plain variable");
        }
        boolean braces = at < text.length() && text.charAt(at) == '{';
        int start = braces ? at + 1 : at;
        int end = start;
        while (end < text.length() && isNamePart(text.charAt(end))) {
            end++;
        }
        if (braces && (end == start || end == text.length() || text.charAt(end) != '}')) {
            throw unsupported("an expansion that is no plain variable");
        }
        if (end == start) {
            append('$');
            return;
        }
        String value = environment.getOrDefault(text.substring(start, end), "");
        if (!quoted && !value.matches("[^\\s*?\\[]*")) {
            throw unsupported("an unquoted variable of several words");
        }
        // As in a shell, an unquoted empty variable is not a word.
        inWord |= quoted || !value.isEmpty();
        word.append(value);
        at = braces ? end + 1 : end;
    }

    /** Whether a quote follows; within double quotes, a dollar before a quote is an ordinary dollar. */
    private boolean closes() {
        return text.charAt(at) == '"' || text.charAt(at) == '\'';
    }

    private static boolean isNamePart(char c) {
        return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
    }

    private void skipComment() {
        int newline = text.indexOf('\n', at);
        at = newline < 0 ? text.length() : newline;
    }

    private void append(char c) {
        inWord = true;
        word.append(c);
    }

    private void endWord() {
        if (inWord) {
            words.add(word.toString());
            word.setLength(0);
            inWord = false;
        }
    }

    private static IllegalArgumentException unsupported(String what) {
        return new IllegalArgumentException(what + " is not supported");
    }
}
