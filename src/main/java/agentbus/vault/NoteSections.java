package agentbus.vault;

import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * A note as its parts: the fields of its front matter, its title, and the text below each heading.
 *
 * @param fields the front matter; empty when the note has none
 * @param title the words of the first heading, Markdown; empty when there is none
 * @param sections the text below each heading without white space at its ends, by the line of the heading; the text
 *     below the title has the empty key
 */
record NoteSections(ObjectNode fields, String title, Map<String, String> sections) {
    private static final String MARK = "---\n";
    private static final String TITLE = "# ";
    /** The name of the title among {@link #differences}. */
    static final String TITLE_PART = "the title";

    /**
     * Divides a note.
     *
     * @param text the note, without the part that belongs to people
     * @param headings the lines that begin a part; every other heading belongs to the part above it, because people
     *     use headings too. Null for all headings of the second level.
     * @return its parts
     * @throws StartFailure when the front matter has no end, or is not a YAML object
     */
    static NoteSections of(String text, List<String> headings) {
        ObjectNode fields = Json.object();
        String body = text;
        if (text.startsWith(MARK)) {
            int end = ("\n" + text.substring(MARK.length())).indexOf("\n" + MARK);
            if (end < 0) {
                throw new StartFailure("has a front matter that begins with --- and has no line --- that ends it");
            }
            fields = fields(text.substring(MARK.length(), MARK.length() + end));
            body = text.substring(MARK.length() + end + MARK.length());
        }
        String title = "";
        Map<String, StringBuilder> parts = new LinkedHashMap<>();
        StringBuilder part = parts.computeIfAbsent("", first -> new StringBuilder());
        boolean code = false;
        boolean titled = false;
        for (String line : body.split("\n", -1)) {
            code ^= line.startsWith("```");
            if (!code && !titled && line.startsWith(TITLE)) {
                title = line.substring(TITLE.length()).strip();
                titled = true;
            } else if (!code && begins(line.stripTrailing(), headings)) {
                part = parts.computeIfAbsent(line.stripTrailing(), first -> new StringBuilder());
            } else {
                part.append(line).append('\n');
            }
        }
        Map<String, String> sections = new LinkedHashMap<>();
        parts.forEach((heading, lines) -> sections.put(heading, lines.toString().strip()));
        return new NoteSections(fields, title, sections);
    }

    private static boolean begins(String line, List<String> headings) {
        return headings == null ? line.startsWith("## ") : headings.contains(line);
    }

    private static ObjectNode fields(String yaml) {
        JsonNode read;
        try {
            read = Json.yaml().readTree(yaml);
        } catch (JsonProcessingException broken) {
            long line = broken.getLocation() == null ? 0 : broken.getLocation().getLineNr() + 1;
            throw new StartFailure(
                    "has a front matter that is no YAML" + (line > 1 ? " (line " + line + ")" : "") + ": "
                            + broken.getOriginalMessage().lines().findFirst().orElse(""),
                    broken);
        }
        if (read.isMissingNode() || read.isNull()) {
            return Json.object();
        }
        if (read instanceof ObjectNode object) {
            return object;
        }
        throw new StartFailure("has a front matter that is no list of fields such as status: accepted");
    }

    /** The headings of this note, for {@link #of} of an edited version of it. */
    List<String> headings() {
        return sections.keySet().stream().filter(heading -> !heading.isEmpty()).toList();
    }

    /** The text of a field; null when it is missing or empty. */
    String field(String name) {
        JsonNode value = fields.path(name);
        String text = value.isValueNode() ? value.asText().strip() : "";
        return value.isNull() || text.isEmpty() ? null : text;
    }

    /**
     * The parts in which a later version of this note differs.
     *
     * @param later the later version
     * @return names of fields, {@link #TITLE_PART}, and lines of headings
     */
    List<String> differences(NoteSections later) {
        Set<String> different = new LinkedHashSet<>();
        Set<String> names = new LinkedHashSet<>(
                fields.properties().stream().map(Map.Entry::getKey).toList());
        later.fields.fieldNames().forEachRemaining(names::add);
        names.stream()
                .filter(name -> !Objects.equals(fields.get(name), later.fields.get(name)))
                .forEach(different::add);
        if (!title.equals(later.title)) {
            different.add(TITLE_PART);
        }
        Set<String> headings = new LinkedHashSet<>(sections.keySet());
        headings.addAll(later.sections.keySet());
        headings.stream()
                .filter(heading -> !Objects.equals(sections.get(heading), later.sections.get(heading)))
                .forEach(different::add);
        return List.copyOf(different);
    }
}
