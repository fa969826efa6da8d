package agentbus.vault;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The notes of digests and reports. The bus has composed their Markdown, with each text of others as a code span; here
 * their links to the console become links to notes, or the id behind the words where a row has no note.
 */
final class ReportNotes {
    /** A link to the console, whose words may be a code span, or a code span: whichever begins first. */
    private static final Pattern PARTS =
            Pattern.compile("\\[(`[^`\\n]*`|[^\\]`\\n]*)\\]\\(/console/([a-z-]+)([^)\\s]*)\\)|`([^`\\n]*)`");

    private static final Pattern ID = Pattern.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
    private static final Pattern HEAD = Pattern.compile("\\A# [^\\n]*\\n+");
    /** The page of the console about a row, and the kind of its note. */
    private static final Map<String, String> KINDS =
            Map.of("ideas", "idea", "opportunities", "opportunity", "memories", "memory", "agents", "agent");

    private final Templates templates;

    /** Notes of the given templates. */
    ReportNotes(Templates templates) {
        this.templates = templates;
    }

    /**
     * Makes the note of a report.
     *
     * @param row as {@code vault_reports} returns it
     * @param links links to the other notes
     * @return its text
     */
    NoteText note(JsonNode row, Links links) {
        FrontMatter matter = new FrontMatter()
                .with("id", row.path("reportId").asText())
                .with("kind", "report")
                .with("report", row.path("kind").asText())
                .with("title", row.path("title").asText())
                .with("from", row.path("from").asText())
                .with("to", row.path("to").asText())
                .with("created", row.path("createdAt").asText())
                .with("namespace", row.path("namespace").asText())
                .with("source_job", row.path("jobId").asText())
                .with("source_refs", References.names(row.path("sources")))
                .with("version", 1);
        Map<String, Object> model = new HashMap<>();
        model.put("title", row.path("title").asText());
        model.put("body", body(row.path("markdown").asText(), links));
        model.put("id", row.path("reportId").asText());
        return NoteText.of(matter, templates.fill("report", model));
    }

    /**
     * The text of a report without its heading, fit for a note.
     *
     * @param markdown as the bus has composed it
     * @param links links to notes
     * @return Markdown
     */
    static String body(String markdown, Links links) {
        String rest = HEAD.matcher(markdown.replace("\r\n", "\n")).replaceFirst("");
        StringBuilder out = new StringBuilder();
        int at = 0;
        Matcher part = PARTS.matcher(rest);
        while (part.find()) {
            out.append(Escaping.prose(rest.substring(at, part.start())));
            out.append(
                    part.group(4) != null
                            ? Escaping.code(part.group(4))
                            : link(part.group(1), part.group(2), part.group(3), links));
            at = part.end();
        }
        return out.append(Escaping.prose(rest.substring(at))).toString().strip();
    }

    private static String link(String words, String page, String rest, Links links) {
        String kind = KINDS.get(page);
        String id = rest.replaceFirst("^/", "").replaceFirst("[?].*$", "");
        if (kind != null && links.has(kind, id)) {
            return links.to(kind, id, words.replace("`", ""));
        }
        Matcher uuid = ID.matcher(rest);
        return Escaping.line(words) + (uuid.find() ? " `" + uuid.group() + "`" : "");
    }
}
