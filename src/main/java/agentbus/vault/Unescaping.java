package agentbus.vault;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
    /** The pairs that a block of code shows taken apart. */
    private static final List<String> CODE_PAIRS = List.of("<%", "%>", "%%", "{{");

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
     * Makes a text of several lines. A line that shows one of the ledger is that line, so that only those change which
     * the person has touched.
     *
     * @param markdown any lines
     * @param quoted whether the vault shows the text as a quotation, as it does with text from outside; lines lose its
     *     marks then, and new lines need none
     * @param ledger the text that the ledger has
     * @return the words, with the same line breaks
     */
    static String block(String markdown, boolean quoted, String ledger) {
        Map<String, Deque<String>> sources = new HashMap<>();
        for (Escaping.Line line : Escaping.lines(ledger)) {
            sources.computeIfAbsent(line.shown(), first -> new ArrayDeque<>()).add(line.source());
        }
        List<String> text = new ArrayList<>();
        boolean code = false;
        for (String found : markdown.strip().split("\n", -1)) {
            String line = quoted ? QUOTE.matcher(found).replaceFirst("") : found;
            if (quoted && line.equals(Trust.OUTSIDE)) {
                continue;
            }
            boolean fence = line.startsWith("```");
            code ^= fence;
            Deque<String> same = sources.get(line);
            if (same != null) {
                // Lines that look alike come back in their order, and copies of the last one as that one.
                text.add(same.size() > 1 ? same.remove() : same.peek());
            } else if (fence) {
                text.add(line.equals("```text") ? "```" : line);
            } else {
                text.add(code ? joined(line, ledger) : indented(line));
            }
        }
        return String.join("\n", text).strip();
    }

    /** Joins the pairs of a line of code again, where the ledger has them and never has them apart. */
    private static String joined(String line, String ledger) {
        String joined = line;
        for (String pair : CODE_PAIRS) {
            String first = pair.substring(0, 1);
            String second = pair.substring(1);
            if (ledger.contains(pair) && !ledger.contains(first + " " + second)) {
                joined = joined.replaceAll("(?<=" + Pattern.quote(first) + ") (?=" + Pattern.quote(second) + ")", "");
            }
        }
        return joined;
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
