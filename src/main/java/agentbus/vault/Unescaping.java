package agentbus.vault;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Makes text of the Markdown that {@link Escaping} has made and a person has edited: the words as the ledger would keep
 * them. Markdown that the person wrote stays as it is.
 */
final class Unescaping {
    private static final Pattern PART = Pattern.compile("`([^`\\n]+)`|\\\\([\\p{Punct}])|&lt;|&gt;|&amp;|&#37;");
    private static final Pattern ADDRESS = Pattern.compile("(?:[A-Za-z][A-Za-z0-9+.-]{1,30}://|www\\.)\\S+");
    private static final Pattern QUOTE = Pattern.compile("^> ?");

    private Unescaping() {}

    /**
     * Makes a text of one line.
     *
     * @param markdown one line
     * @return its words
     */
    static String line(String markdown) {
        Matcher part = PART.matcher(markdown);
        StringBuilder text = new StringBuilder();
        while (part.find()) {
            part.appendReplacement(text, Matcher.quoteReplacement(meant(part)));
        }
        part.appendTail(text);
        return text.toString().strip();
    }

    /**
     * Makes a text of several lines. A quotation loses its marks when all lines have one, because that is how a vault
     * shows text from outside.
     *
     * @param markdown any lines
     * @return their words, with the same line breaks
     */
    static String block(String markdown) {
        List<String> text = new ArrayList<>();
        boolean code = false;
        for (String line : unquoted(markdown.strip())) {
            if (line.equals(Trust.OUTSIDE)) {
                continue;
            }
            if (line.startsWith("```")) {
                code = !code;
                text.add(line.equals("```text") ? "```" : line);
            } else {
                text.add(code ? line : indented(line));
            }
        }
        return String.join("\n", text).strip();
    }

    private static List<String> unquoted(String markdown) {
        List<String> lines = List.of(markdown.split("\n", -1));
        boolean quoted = lines.stream().allMatch(line -> line.startsWith(">"));
        return quoted
                ? lines.stream()
                        .map(line -> QUOTE.matcher(line).replaceFirst(""))
                        .toList()
                : lines;
    }

    private static String indented(String line) {
        String words = line.stripLeading();
        return line.substring(0, line.length() - words.length()) + line(words);
    }

    private static String meant(Matcher part) {
        if (part.group(1) != null) {
            return ADDRESS.matcher(part.group(1)).matches() ? part.group(1) : part.group();
        }
        if (part.group(2) != null) {
            return part.group(2);
        }
        return switch (part.group()) {
            case "&lt;" -> "<";
            case "&gt;" -> ">";
            case "&amp;" -> "&";
            default -> "%";
        };
    }
}
