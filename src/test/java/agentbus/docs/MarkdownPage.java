package agentbus.docs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** One Markdown file of the repository, as far as the document tests read it: headings, tables, links and code. */
final class MarkdownPage {
    private static final Pattern CODE = Pattern.compile("`([^`\n]+)`");
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
    private static final Pattern RULE = Pattern.compile("\\|( *:?-+:? *\\|)+ *");
    private static final String HEADING = "#+ .*";

    private final Path file;
    private final List<String> lines;

    private MarkdownPage(Path file, List<String> lines) {
        this.file = file;
        this.lines = lines;
    }

    static MarkdownPage read(Path file) {
        try {
            return new MarkdownPage(file, Files.readAllLines(file));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    static MarkdownPage read(String file) {
        return read(Path.of(file));
    }

    /** Every page of the repository: those in its root and below docs, agents and gateway. */
    static Stream<MarkdownPage> all() {
        return Stream.concat(
                        below(".", 1), Stream.of("docs", "agents", "gateway").flatMap(root -> below(root, 9)))
                .map(MarkdownPage::read);
    }

    private static Stream<Path> below(String root, int depth) {
        try (Stream<Path> files = Files.walk(Path.of(root), depth)) {
            return files
                    .filter(each -> each.toString().endsWith(".md"))
                    .map(Path::normalize)
                    .sorted()
                    .toList()
                    .stream();
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    Path file() {
        return file;
    }

    List<String> lines() {
        return lines;
    }

    /** The lines outside of fenced blocks. */
    List<String> prose() {
        return part(false);
    }

    /** The lines within fenced blocks, a line that ends in a backslash joined with the next. */
    List<String> fenced() {
        List<String> joined = new ArrayList<>();
        String open = "";
        for (String line : part(true)) {
            if (line.endsWith("\\")) {
                open += line.substring(0, line.length() - 1);
            } else {
                joined.add(open + line);
                open = "";
            }
        }
        return joined;
    }

    /** The lines within the fenced block whose first line is the one given, that one included. */
    List<String> fenced(String first) {
        int start = lines.indexOf(first);
        if (start < 1 || !lines.get(start - 1).startsWith("```")) {
            throw new AssertionError(file + " has no block that begins with " + first);
        }
        return lines.subList(start, lines.size()).stream()
                .takeWhile(line -> !line.startsWith("```"))
                .toList();
    }

    private List<String> part(boolean fenced) {
        List<String> part = new ArrayList<>();
        boolean inside = false;
        for (String line : lines) {
            if (line.strip().startsWith("```")) {
                inside = !inside;
            } else if (inside == fenced) {
                part.add(line);
            }
        }
        return part;
    }

    /** The targets of all links. */
    List<String> links() {
        return prose().stream()
                .flatMap(line -> LINK.matcher(line).results())
                .map(found -> found.group(1))
                .toList();
    }

    /** The texts between single backticks. */
    List<String> code() {
        return code(String.join("\n", prose()));
    }

    static List<String> code(String text) {
        return CODE.matcher(text).results().map(found -> found.group(1)).toList();
    }

    /** The anchors of all headings, as GitHub makes them. */
    Set<String> anchors() {
        Set<String> anchors = new TreeSet<>();
        for (String line : prose()) {
            if (line.matches(HEADING)) {
                anchors.add(anchor(line));
            }
        }
        return anchors;
    }

    private static String anchor(String heading) {
        String title = heading.replaceFirst("#+ ", "").toLowerCase(Locale.ROOT);
        return title.replaceAll("[^\\p{L}\\p{N}_ -]", "").replace(' ', '-');
    }

    /** The text from the heading with an anchor to the next heading of any level. */
    String section(String anchor) {
        StringBuilder section = new StringBuilder();
        boolean inside = false;
        for (String line : prose()) {
            if (line.matches(HEADING)) {
                inside = anchor(line).equals(anchor);
            } else if (inside) {
                section.append(line).append('\n');
            }
        }
        return section.toString();
    }

    /** The rows of the first table below a heading, without its head; each row is the list of its cells. */
    List<List<String>> table(String heading) {
        List<List<String>> rows = new ArrayList<>();
        boolean inSection = false;
        boolean inTable = false;
        for (String line : prose()) {
            if (line.matches(HEADING)) {
                if (inTable) {
                    return rows;
                }
                inSection = line.replaceFirst("#+ ", "").equals(heading);
            } else if (inSection && RULE.matcher(line).matches()) {
                inTable = true;
            } else if (inTable && line.startsWith("|")) {
                rows.add(cells(line));
            } else if (inTable) {
                return rows;
            }
        }
        if (rows.isEmpty()) {
            throw new AssertionError(file + " has no table below the heading " + heading);
        }
        return rows;
    }

    private static List<String> cells(String row) {
        String inner = row.strip();
        inner = inner.substring(1, inner.endsWith("|") ? inner.length() - 1 : inner.length());
        return Arrays.stream(inner.split("(?<!\\\\)\\|", -1)).map(String::strip).toList();
    }

    @Override
    public String toString() {
        return file.toString();
    }
}
