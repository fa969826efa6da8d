package agentbus.vault;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The notes of ideas. */
final class IdeaNotes {
    private final Templates templates;

    /** Notes of the given templates. */
    IdeaNotes(Templates templates) {
        this.templates = templates;
    }

    /**
     * Makes the note of an idea.
     *
     * @param idea as {@code vault_ideas} returns it
     * @param links links to the other notes
     * @return its text
     */
    NoteText note(JsonNode idea, Links links) {
        String agent = idea.path("sourceAgent").asText();
        String status = idea.path("status").asText();
        String theme = idea.path("theme").asText();
        FrontMatter matter = new FrontMatter()
                .with("id", idea.path("ideaId").asText())
                .with("kind", "idea")
                .with("status", status)
                .with("title", idea.path("title").asText())
                .with("source_agent", agent)
                .with("theme", theme)
                .with("created", idea.path("createdAt").asText())
                .with("updated", idea.path("updatedAt").asText())
                .with("namespace", idea.path("namespace").asText())
                .with("trust", idea.path("trust").asText())
                .with("source_job", idea.path("sourceJobId").asText())
                .with("source_refs", References.names(idea.path("evidence")))
                .with("version", idea.path("version").asLong())
                .with("tags", Words.tags(idea.path("tags")));
        Map<String, Object> model = new HashMap<>();
        model.put("title", idea.path("title").asText());
        model.put("agent", links.to("agent", agent));
        model.put("day", Words.day(idea.path("createdAt").asText()));
        model.put("theme", links.to("index", IndexNotes.theme(theme), theme));
        model.put("status", Words.plain(status));
        model.put(
                "body",
                Trust.block(idea.path("body").asText(), idea.path("trust").asText()));
        model.put("evidence", References.list(idea.path("evidence"), links));
        model.put("links", links(idea, links));
        model.put("review", review(idea));
        model.put("next", next(idea));
        return NoteText.of(matter, templates.fill("idea", model));
    }

    private static String links(JsonNode idea, Links links) {
        List<String> lines = new ArrayList<>();
        if (idea.has("opportunityId")) {
            lines.add("- It became the opportunity "
                    + links.to("opportunity", idea.path("opportunityId").asText()));
        }
        if (idea.has("sourceJobId")) {
            lines.add("- Written in a job: "
                    + Words.command("get-job " + idea.path("sourceJobId").asText()));
        }
        return String.join("\n", lines);
    }

    private static String review(JsonNode idea) {
        if (!idea.has("reviewedBy")) {
            return "";
        }
        String notes = idea.path("notes").asText();
        return Escaping.line(Words.actor(idea.path("reviewedBy").asText())) + " on "
                + Words.day(idea.path("reviewedAt").asText())
                + (notes.isEmpty() ? "" : ":\n\n" + Escaping.quoted(Escaping.block(notes)));
    }

    private static String next(JsonNode idea) {
        String id = idea.path("ideaId").asText();
        return switch (idea.path("status").asText()) {
            case "new", "reviewed" ->
                "To decide about it: " + Words.command("promote-idea-to-opportunity " + id) + " or "
                        + Words.command("archive-idea " + id + " --notes '…'")
                        + ". An idea that nobody touches for two weeks is archived.";
            default -> "";
        };
    }
}
