package agentbus.vault;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.commonmark.node.AbstractVisitor;
import org.commonmark.node.Heading;
import org.commonmark.node.HtmlBlock;
import org.commonmark.node.HtmlInline;
import org.commonmark.node.Image;
import org.commonmark.node.Link;
import org.commonmark.node.Node;
import org.commonmark.node.Text;
import org.commonmark.parser.Parser;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** Reads a vault as other programs do: a parser of YAML, a parser of CommonMark, and the links of Obsidian. */
public final class VaultReader {
    private static final Parser MARKDOWN = Parser.builder().build();
    private static final Pattern WIKI_LINK = Pattern.compile("\\[\\[([^\\]|]+)(?:\\|([^\\]]*))?]]");
    private static final Pattern PROGRAMS = Pattern.compile("<%|\\{\\{|%%|`= |dataviewjs|<!--");
    private static final Pattern RESERVED = Pattern.compile("(?i)(con|prn|aux|nul|com\\d|lpt\\d)(\\..*)?");
    /** A Unix file name has at most 255 bytes; a conflict adds some. */
    private static final int MOST_BYTES = 200;

    private final Map<String, String> notes = new LinkedHashMap<>();
    private final List<String> problems = new ArrayList<>();

    /**
     * Reads all notes of a vault.
     *
     * @param vault the folder
     */
    public VaultReader(Path vault) throws IOException {
        try (Stream<Path> files = Files.walk(vault)) {
            for (Path file :
                    files.filter(one -> one.toString().endsWith(".md")).sorted().toList()) {
                notes.put(vault.relativize(file).toString().replace('\\', '/'), Files.readString(file));
            }
        }
    }

    /** The notes: the text of each by its path. */
    public Map<String, String> notes() {
        return notes;
    }

    /** The fields of the front matter of a note. */
    public Map<?, ?> matter(String path) {
        String text = notes.get(path);
        Object loaded = new Load(LoadSettings.builder().build())
                .loadFromString(text.substring(4, text.indexOf("\n---\n", 3) + 1));
        return (Map<?, ?>) loaded;
    }

    /** What another program or a person would stumble over, each with the path of the note. */
    public List<String> problems() {
        notes.forEach((path, text) -> {
            name(path);
            if (!text.startsWith("---\n") || text.indexOf("\n---\n", 3) < 0) {
                say(path, "has no front matter");
                return;
            }
            fields(path);
            body(path, text.substring(text.indexOf("\n---\n", 3) + 5));
        });
        unreached();
        return problems;
    }

    private void say(String path, String what) {
        problems.add(path + " " + what);
    }

    private void name(String path) {
        for (String part : path.split("/")) {
            if (part.getBytes(java.nio.charset.StandardCharsets.UTF_8).length > MOST_BYTES
                    || RESERVED.matcher(part).matches()
                    || !part.equals(part.strip())
                    || part.endsWith(".")
                    || part.chars().anyMatch(letter -> letter < ' ' || "<>:\"\\|?*".indexOf(letter) >= 0)) {
                say(path, "has a name that not every system takes");
            }
        }
    }

    private void fields(String path) {
        try {
            Map<?, ?> fields = matter(path);
            for (String needed : List.of("id", "kind", "namespace", "content_hash")) {
                if (!fields.containsKey(needed)) {
                    say(path, "has no field " + needed);
                }
            }
            fields.forEach((name, value) -> {
                boolean plain = value instanceof String || value instanceof Integer;
                if (!plain && !(value instanceof List<?> list && list.stream().allMatch(String.class::isInstance))) {
                    say(path, "has a field " + name + " that is no text, number or list of texts");
                }
            });
        } catch (YamlEngineException | ClassCastException e) {
            say(path, "has a front matter that is no YAML: " + e.getMessage());
        }
    }

    private void body(String path, String body) {
        List<Integer> levels = new ArrayList<>();
        StringBuilder said = new StringBuilder();
        MARKDOWN.parse(body).accept(new AbstractVisitor() {
            @Override
            public void visit(Heading heading) {
                levels.add(heading.getLevel());
                visitChildren(heading);
            }

            @Override
            public void visit(HtmlBlock html) {
                say(path, "has HTML: " + html.getLiteral());
            }

            @Override
            public void visit(HtmlInline html) {
                say(path, "has HTML: " + html.getLiteral());
            }

            @Override
            public void visit(Image image) {
                say(path, "has an image: " + image.getDestination());
            }

            @Override
            public void visit(Link link) {
                say(path, "has a link: " + link.getDestination());
            }

            @Override
            public void visit(Text text) {
                Node above = text.getParent();
                if (above != null) {
                    said.append(text.getLiteral()).append(' ');
                }
            }
        });
        if (levels.stream().filter(level -> level == 1).count() != 1 || levels.get(0) != 1) {
            say(path, "has not one title as its first heading: " + levels);
        }
        for (int i = 1; i < levels.size(); i++) {
            if (levels.get(i) > levels.get(i - 1) + 1) {
                say(path, "leaves out a level of headings: " + levels);
            }
        }
        if (!body.contains("\n## Notes\n")) {
            say(path, "has no part for people");
        }
        if (said.length() < 20) {
            say(path, "says nothing");
        }
        PROGRAMS.matcher(body).results().forEach(found -> say(path, "has a command of a program: " + found.group()));
        links(path).stream()
                .filter(target -> !notes.containsKey(target))
                .forEach(target -> say(path, "links to " + target + ", which is not there"));
    }

    private Set<String> links(String path) {
        return WIKI_LINK
                .matcher(notes.get(path))
                .results()
                .map((MatchResult link) -> link.group(1) + ".md")
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Every note can be reached from the first one. */
    private void unreached() {
        Set<String> reached = new TreeSet<>();
        Deque<String> left = new ArrayDeque<>(List.of("Home.md"));
        while (!left.isEmpty()) {
            String path = left.pop();
            if (notes.containsKey(path) && reached.add(path)) {
                links(path).forEach(left::push);
            }
        }
        notes.keySet().stream()
                .filter(path -> !reached.contains(path))
                .forEach(path -> say(path, "cannot be reached from Home.md"));
    }
}
