package agentbus.vault;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The notes of memories. */
final class MemoryNotes {
    private final Templates templates;

    /** Notes of the given templates. */
    MemoryNotes(Templates templates) {
        this.templates = templates;
    }

    /**
     * Makes the note of a memory.
     *
     * @param row as {@code vault_memories} returns it
     * @param links links to the other notes
     * @return its text
     */
    NoteText note(JsonNode row, Links links) {
        String trust = row.path("trust").asText();
        FrontMatter matter = new FrontMatter()
                .with("id", row.path("memoryId").asText())
                .with("kind", row.path("kind").asText())
                .with("status", row.path("status").asText())
                .with("title", row.path("title").asText())
                .with("source_agent", row.path("sourceAgent").asText())
                .with("owner", row.path("ownerAgent").asText())
                .with("scope", row.path("scope").asText())
                .with("subject", row.path("subjectKey").asText())
                .with("visibility", row.path("visibility").asText())
                .with("confidence", row.path("confidenceScore").asLong())
                .with("stability", row.path("stability").asText())
                .with("created", row.path("createdAt").asText())
                .with("updated", row.path("updatedAt").asText())
                .with("review", row.path("nextReviewAt").asText())
                .with("expires", row.path("expiresAt").asText())
                .with("namespace", row.path("namespace").asText())
                .with("trust", trust)
                .with("source_refs", References.names(row.path("sourceRefs")))
                .with("version", row.path("version").asLong());
        Map<String, Object> model = new HashMap<>();
        model.put("title", row.path("title").asText());
        model.put("kind", capital(Words.plain(row.path("kind").asText())));
        model.put("about", about(row, links));
        model.put("status", row.path("status").asText());
        model.put("body", Trust.block(row.path("body").asText(), trust));
        model.put("evidence", Trust.block(row.path("evidence").asText(), trust));
        model.put("sources", References.list(row.path("sourceRefs"), links));
        model.put("why", why(row, links));
        model.put("next", next(row));
        model.put("links", links(row, links));
        return NoteText.of(matter, templates.fill("memory", model));
    }

    private static String about(JsonNode row, Links links) {
        String scope = row.path("scope").asText();
        String subject = row.path("subjectKey").asText();
        String about =
                switch (scope) {
                    case "global" -> "the whole fleet";
                    case "agent" -> "the agent " + links.to("agent", subject);
                    default -> "the " + Escaping.line(scope) + " " + Escaping.line(subject);
                };
        return row.has("ownerAgent")
                ? about + ", for the role of "
                        + links.to("agent", row.path("ownerAgent").asText())
                : about;
    }

    private static String why(JsonNode row, Links links) {
        String author = row.path("sourceAgent").asText();
        String promoter = Words.actor(row.path("promotedBy").asText());
        String notes = row.path("notes").asText();
        return "Written by " + links.to("agent", author) + ", promoted by " + links.to("agent", promoter) + " on "
                + Words.day(row.path("createdAt").asText())
                + (notes.isEmpty() ? "." : ":\n\n" + Escaping.block(notes));
    }

    private static String next(JsonNode row) {
        String id = row.path("memoryId").asText();
        return switch (row.path("status").asText()) {
            case "active" ->
                "To be looked at again on " + Words.day(row.path("nextReviewAt").asText()) + ": "
                        + Words.command("confirm-memory " + id + " --notes '…'") + " or "
                        + Words.command("mark-memory-wrong " + id + " --notes '…'")
                        + ". To say it better, edit the title or the summary above and run "
                        + Words.command("import-vault") + ".";
            case "superseded" -> "None. It was replaced" + ended(row);
            case "wrong" -> "None. It was marked wrong" + ended(row);
            default -> "None. It expired" + ended(row);
        };
    }

    private static String ended(JsonNode row) {
        String reason = row.path("endReason").asText();
        return " on " + Words.day(row.path("endedAt").asText())
                + (row.has("endedBy")
                        ? " by " + Escaping.line(Words.actor(row.path("endedBy").asText()))
                        : "")
                + (reason.isEmpty() ? "." : ": " + Escaping.line(reason));
    }

    private static String links(JsonNode row, Links links) {
        List<String> lines = new ArrayList<>();
        for (JsonNode old : row.path("replaced")) {
            lines.add("- It replaced " + links.to("memory", old.asText()));
        }
        if (row.has("supersededBy")) {
            lines.add("- It was replaced by "
                    + links.to("memory", row.path("supersededBy").asText()));
        }
        if (row.has("candidateId")) {
            lines.add("- Its candidate: "
                    + Words.command(
                            "get-memory-candidate " + row.path("candidateId").asText()));
        }
        return String.join("\n", lines);
    }

    private static String capital(String word) {
        return word.isEmpty() ? word : Character.toUpperCase(word.charAt(0)) + word.substring(1);
    }
}
