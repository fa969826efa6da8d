package agentbus.vault;

import agentbus.text.WholeText;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Makes Markdown of texts that others have written. A reader sees the words; paragraphs, lists, plain code spans and
 * blocks of code stay what they are. Everything else loses its meaning: HTML, links, embeds, tags, headings, queries of
 * Dataview, commands of Templater, comments, formulas, fields, tasks and block ids.
 *
 * <p>Templater, Dataview and Obsidian read the raw text and not only what a Markdown parser makes of it. Therefore the
 * pairs of characters that they look for are also taken apart in the bytes, and not only escaped.
 */
final class Escaping {
    /** Chosen: a longer span is no name, command or path. */
    private static final int CODE_LENGTH = 200;

    /** Characters that nobody sees, or that change the direction of those beside them. Joiners stay, for emoji and Persian. */
    private static final Pattern HIDDEN = Pattern.compile(
            "[\\p{Cc}&&[^\\n\\t]]|[\\p{Cf}&&[^\\u200c\\u200d]]|[\\u2028\\u2029\\ufff0-\\uffff]|[\\p{Co}]");

    /** A code span whose content no program reads as a query, a command or a link. */
    private static final Pattern CODE =
            Pattern.compile("(?<!`)`([A-Za-z0-9/._~@+-](?:[^`\\n\\p{Cc}]{0," + CODE_LENGTH + "}[^`\\n\\s])?)`(?!`)");

    /** An address with any scheme. It becomes a code span, so that nothing can be clicked that an agent has chosen. */
    private static final Pattern ADDRESS = Pattern.compile(
            "(?<![\\p{L}\\p{N}])(?:[A-Za-z][A-Za-z0-9+.-]{1,30}://|www\\.)[^\\s`<>\"\\\\^{}|\\[\\]]+",
            Pattern.UNICODE_CASE);

    private static final Pattern PAIRS =
            Pattern.compile("<%|%>|\\{\\{|\\}\\}|\\[\\[|\\]\\]|%%|::|\\$\\$|<!--|\\{%|%\\}");
    /** Where a pair that programs look for joins its two halves, in one line of words and in a line of code. */
    private static final Pattern JOINTS =
            joints("<%", "%>", "%%", "{{", "}}", "[[", "]]", "::", "$$", "==", "~~", "{%", "%}");

    /** Every character that can be a half of one of {@link #JOINTS}. */
    private static final String HALVES = "<>%{}[]:$=~";

    private static final Pattern WHITE = Pattern.compile("\\s+");
    private static final Pattern COLON = Pattern.compile("(?<=[\\p{L}\\p{N}]):(?=//)");
    private static final Pattern UNDERLINE = Pattern.compile("(?<![\\p{L}\\p{N}])_|_(?![\\p{L}\\p{N}])");
    private static final Pattern INLINE_QUERY = Pattern.compile("^[$=]*=\\s*");
    private static final Pattern WWW = Pattern.compile("(?i)\\b(www)\\.(?=\\S)");
    private static final Pattern ADDRESS_END = Pattern.compile("[.,;:!?)']+$");
    private static final Pattern CODE_JOINTS = joints("<%", "%>", "%%", "{{");
    private static final Pattern FENCE = Pattern.compile("^ {0,3}(`{3,}|~{3,})(.*)$");
    private static final Pattern LIST = Pattern.compile("^(\\s*)([-*+]|\\d{1,4}[.)])\\s+(.*)$");

    private Escaping() {}

    /**
     * A line of Markdown and the line of the text that it shows.
     *
     * @param shown the Markdown
     * @param source the line as it stands in the text
     */
    record Line(String shown, String source) {}

    private static Pattern joints(String... pairs) {
        return Pattern.compile(Stream.of(pairs)
                .map(pair ->
                        "(?<=" + Pattern.quote(pair.substring(0, 1)) + ")(?=" + Pattern.quote(pair.substring(1)) + ")")
                .collect(Collectors.joining("|")));
    }

    /**
     * Makes a part of one line.
     *
     * @param text any text; line breaks become spaces
     * @return Markdown without a line break that shows the words of the text
     */
    static String line(String text) {
        return inline(oneLine(text), true);
    }

    /**
     * Makes the text behind {@code |} of a wiki link, in which programs know no escapes.
     *
     * @param text any text
     * @return the words, without a character that could end the link or begin another
     */
    static String label(String text) {
        String one = oneLine(text);
        if (isWords(one)) {
            return one;
        }
        String replaced = one.replace('{', '(')
                .replace('}', ')')
                .replace('|', '/')
                .replace('\\', '/')
                .replace("$", "＄")
                .replace("*", "∗");
        String plain = alike(UNDERLINE.matcher(replaced).replaceAll("‗"));
        return plain.isEmpty() ? "untitled" : plain;
    }

    /** Puts look-alikes in place of what makes a link, a tag of HTML or a query, and takes pairs and addresses apart. */
    private static String alike(String one) {
        String plain = one.replace('[', '(')
                .replace(']', ')')
                .replace('<', '‹')
                .replace('>', '›')
                .replace('`', '\'');
        if (plain.contains("://")) {
            plain = COLON.matcher(plain).replaceAll(" :");
        }
        return hasPair(plain) ? JOINTS.matcher(plain).replaceAll(" ") : plain;
    }

    /**
     * Makes a text for the front matter, which programs read as data, and which Dataview shows as Markdown: one line in
     * which no program finds a link, a query or a command. The YAML writer adds quotes.
     *
     * @param text any text
     * @return one line
     */
    static String data(String text) {
        String one = oneLine(text);
        if (isWords(one)) {
            return one;
        }
        String plain = INLINE_QUERY.matcher(one).replaceFirst("").replace("![", "[");
        return alike(WWW.matcher(plain).replaceAll("$1 ."));
    }

    /**
     * Makes paragraphs, lists and blocks of code.
     *
     * @param text any text
     * @return Markdown without a line break at its end that shows the words of the text
     */
    static String block(String text) {
        return lines(text).stream()
                .map(Line::shown)
                .collect(Collectors.joining("\n"))
                .strip();
    }

    /**
     * Makes the lines of {@link #block}, so that an import finds those that a person has left alone.
     *
     * @param text any text
     * @return its lines; one that only stands between blocks shows an empty line
     */
    static List<Line> lines(String text) {
        List<Line> out = new ArrayList<>();
        String fence = null;
        List<Line> code = new ArrayList<>();
        for (String source : broken(text).split("\n", -1)) {
            String line = shown(source);
            Matcher mark = FENCE.matcher(line);
            boolean marks = mark.matches();
            if (fence != null) {
                if (marks && mark.group(2).isBlank() && mark.group(1).startsWith(fence)) {
                    addCode(out, code, source);
                    fence = null;
                } else {
                    code.add(new Line(line, source));
                }
            } else if (marks && mark.group(2).indexOf('`') < 0) {
                fence = mark.group(1);
                code.clear();
                code.add(new Line(line, source));
            } else {
                addLine(out, line, source);
            }
        }
        if (fence != null) {
            addCode(out, code, fence);
        }
        return out;
    }

    /**
     * Makes a code span.
     *
     * @param text any text
     * @return a code span with the words of the text, or the escaped words where a span could be read as a query
     */
    static String code(String text) {
        String one = oneLine(text);
        Matcher span = CODE.matcher("`" + one + "`");
        return span.matches() && isPlain(one) ? "`" + one + "`" : line(one);
    }

    /**
     * Checks Markdown that the bus has composed, outside of its code spans: its headings, lists and emphasis stay, and
     * nothing in it can be HTML, a link or a command.
     *
     * @param markdown any number of lines
     * @return the same words
     */
    static String prose(String markdown) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < markdown.length(); i++) {
            char c = markdown.charAt(i);
            char next = i + 1 < markdown.length() ? markdown.charAt(i + 1) : ' ';
            char before = i > 0 ? markdown.charAt(i - 1) : ' ';
            switch (c) {
                case '\\', '[', ']', '{', '}', '$', '^' -> out.append('\\').append(c);
                case '<' -> out.append(next == ' ' || Character.isDigit(next) || next == '=' ? "<" : "&lt;");
                case '%' -> out.append(before == '%' || before == '<' ? "&#37;" : "%");
                case ':' -> out.append(before == ':' ? "\\:" : next == '/' ? " :" : ":");
                case '`' -> out.append("\\`");
                default -> out.append(c);
            }
        }
        return out.toString();
    }

    /**
     * Makes a quotation, such as of a text from outside.
     *
     * @param markdown Markdown of any number of lines
     * @return the same with {@code >} in front of each line
     */
    static String quoted(String markdown) {
        StringBuilder quoted = new StringBuilder();
        for (String line : markdown.split("\n", -1)) {
            quoted.append(quoted.isEmpty() ? "" : "\n").append(line.isEmpty() ? ">" : "> " + line);
        }
        return quoted.toString();
    }

    private static String broken(String text) {
        return WholeText.repaired(text == null ? "" : text)
                .replace("\r\n", "\n")
                .replace('\r', '\n');
    }

    private static String shown(String text) {
        String spaced = broken(text).replace("\t", "    ");
        return isAscii(spaced) ? spaced : HIDDEN.matcher(spaced).replaceAll("");
    }

    /** Whether a text has only visible characters of ASCII, spaces and line breaks, so that nothing in it is hidden. */
    private static boolean isAscii(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if ((c < ' ' || c > '~') && c != '\n') {
                return false;
            }
        }
        return true;
    }

    private static String oneLine(String text) {
        String shown = shown(text);
        return isWords(shown) ? shown : WHITE.matcher(shown).replaceAll(" ").strip();
    }

    /**
     * Whether a text is of letters and digits of ASCII, with one space, comma or hyphen between them: such a text is the
     * same in Markdown, in a link and in the front matter. Most names, titles and times of rows are, and need no pattern.
     */
    private static boolean isWords(String text) {
        boolean between = true;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean letter = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
            if (!letter && (between || c != ' ' && c != ',' && c != '-')) {
                return false;
            }
            between = !letter;
        }
        return !between;
    }

    /** Whether two halves of a pair that programs look for may stand side by side. */
    private static boolean hasPair(String text) {
        for (int i = 1; i < text.length(); i++) {
            if (HALVES.indexOf(text.charAt(i)) >= 0 && HALVES.indexOf(text.charAt(i - 1)) >= 0) {
                return true;
            }
        }
        return false;
    }

    private static void addLine(List<Line> out, String line, String source) {
        Matcher item = LIST.matcher(line);
        if (item.matches()) {
            boolean nested = item.group(1).length() >= 2 && followsText(out);
            String mark = Character.isDigit(item.group(2).charAt(0)) ? item.group(2) : "-";
            out.add(new Line(
                    (nested ? "    " : "") + mark + " " + inline(item.group(3).strip(), true), source));
            return;
        }
        boolean blank = line.isBlank();
        if (!blank || followsText(out)) {
            out.add(new Line(blank ? "" : inline(line.strip(), true), source));
        }
    }

    private static boolean followsText(List<Line> out) {
        return !out.isEmpty() && !out.get(out.size() - 1).shown().isEmpty();
    }

    /** Code is shown as text of no language, because a language can name a program that runs it. */
    private static void addCode(List<Line> out, List<Line> opened, String end) {
        List<Line> code = opened.subList(1, opened.size());
        String mark = "```";
        for (Line line : code) {
            while (line.shown().contains(mark)) {
                mark += "`";
            }
        }
        if (followsText(out)) {
            out.add(new Line("", ""));
        }
        out.add(new Line(mark + "text", opened.get(0).source()));
        code.forEach(line -> out.add(new Line(apart(line.shown()), line.source())));
        out.add(new Line(mark, end));
        out.add(new Line("", ""));
    }

    /** Takes the pairs apart that programs look for in the raw text, also within code. */
    private static String apart(String code) {
        return CODE_JOINTS.matcher(code).replaceAll(" ");
    }

    private static String inline(String text, boolean first) {
        if (isWords(text)) {
            return text;
        }
        StringBuilder out = new StringBuilder();
        int at = 0;
        Matcher code = CODE.matcher(text);
        while (text.indexOf('`', at) >= 0 && code.find()) {
            if (isPlain(code.group(1))) {
                plain(out, text.substring(at, code.start()), first && at == 0);
                out.append('`').append(code.group(1)).append('`');
                at = code.end();
            }
        }
        plain(out, text.substring(at), first && at == 0);
        return out.toString();
    }

    private static boolean isPlain(String code) {
        return !PAIRS.matcher(code).find();
    }

    private static void plain(StringBuilder out, String text, boolean first) {
        int at = 0;
        if (!text.contains("://") && !text.contains("www.")) {
            escape(out, text, 0, text.length(), first);
            return;
        }
        Matcher address = ADDRESS.matcher(text);
        while (address.find()) {
            String whole = ADDRESS_END.matcher(address.group()).replaceFirst("");
            escape(out, text, at, address.start(), first);
            if (isPlain(whole)) {
                out.append('`').append(whole).append('`');
            } else {
                String broken = whole.replace("://", " ://").replaceFirst("^([Ww]{3})\\.", "$1 .");
                escape(out, broken, 0, broken.length(), false);
            }
            at = address.start() + whole.length();
        }
        escape(out, text, at, text.length(), first);
    }

    private static void escape(StringBuilder out, String text, int from, int to, boolean first) {
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            char next = i + 1 < text.length() ? text.charAt(i + 1) : ' ';
            char before = i > 0 ? text.charAt(i - 1) : ' ';
            boolean begins = first && i == 0;
            switch (c) {
                case '\\', '`', '*', '[', ']', '|', '$', '^', '{', '}' ->
                    out.append('\\').append(c);
                case '<' -> out.append(next == ' ' || Character.isDigit(next) || next == '=' ? "<" : "&lt;");
                case '&' -> out.append(next == '#' || Character.isLetter(next) ? "&amp;" : "&");
                case '%' -> out.append(before == '%' || before == '<' || before == '{' ? "&#37;" : "%");
                case ':' -> out.append(before == ':' ? "\\:" : ":");
                case '_' -> out.append(isWord(before) && isWord(next) ? "_" : "\\_");
                case '~', '=' ->
                    out.append(before == c || next == c || begins ? "\\" : "").append(c);
                case '#' -> out.append(isWord(before) ? "#" : "\\#");
                case '>', '-', '+' -> out.append(begins ? "\\" : "").append(c);
                case '.', ')' ->
                    out.append(endsNumber(text, i, first) ? "\\" : "").append(c);
                default -> out.append(c);
            }
        }
    }

    /** Whether a dot or bracket would make the beginning of the line the number of a list. */
    private static boolean endsNumber(String text, int at, boolean first) {
        if (!first || at == 0 || at > 9) {
            return false;
        }
        for (int i = 0; i < at; i++) {
            if (!Character.isDigit(text.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isWord(char c) {
        return Character.isLetterOrDigit(c);
    }
}
