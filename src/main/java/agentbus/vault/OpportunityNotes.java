package agentbus.vault;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The notes of opportunities. */
final class OpportunityNotes {
    private final Templates templates;

    /** Notes of the given templates. */
    OpportunityNotes(Templates templates) {
        this.templates = templates;
    }

    /**
     * Makes the note of an opportunity.
     *
     * @param row as {@code vault_opportunities} returns it
     * @param links links to the other notes
     * @return its text
     */
    NoteText note(JsonNode row, Links links) {
        String agent = row.path("sourceAgent").asText();
        String trust = row.path("trust").asText();
        String theme = row.path("theme").asText();
        FrontMatter matter = new FrontMatter()
                .with("id", row.path("opportunityId").asText())
                .with("kind", "opportunity")
                .with("status", row.path("status").asText())
                .with("title", row.path("title").asText())
                .with("source_agent", agent)
                .with("owner", row.path("ownerCandidate").asText())
                .with("theme", theme)
                .with("impact", row.path("impactScore").asLong())
                .with("confidence", row.path("confidenceScore").asLong())
                .with("urgency", row.path("urgencyScore").asLong())
                .with("reversibility", row.path("reversibility").asText())
                .with("parked_until", row.path("parkedUntil").asText())
                .with("created", row.path("createdAt").asText())
                .with("updated", row.path("updatedAt").asText())
                .with("namespace", row.path("namespace").asText())
                .with("trust", trust)
                .with("source_job", row.path("sourceJobId").asText())
                .with("source_refs", References.names(row.path("evidence")))
                .with("version", row.path("version").asLong());
        Map<String, Object> model = new HashMap<>();
        model.put("title", row.path("title").asText());
        model.put("agent", links.to("agent", agent));
        model.put("day", Words.day(row.path("createdAt").asText()));
        model.put("theme", links.to("index", IndexNotes.theme(theme), theme));
        model.put("status", status(row));
        model.put("impact", row.path("impactScore").asText());
        model.put("confidence", row.path("confidenceScore").asText());
        model.put("urgency", row.path("urgencyScore").asText());
        model.put("reversibility", row.path("reversibility").asText());
        model.put("whyNow", Trust.block(row.path("whyNow").asText(), trust));
        model.put("ifNothing", Trust.block(row.path("ifNothing").asText(), trust));
        model.put("evidence", References.list(row.path("evidence"), links));
        model.put("owner", links.to("agent", row.path("ownerCandidate").asText()));
        model.put("step", Trust.block(row.path("suggestedNextStep").asText(), trust));
        model.put("stepHeading", row.has("endedAt") ? "The step that was proposed" : "Next step");
        model.put("next", next(row));
        model.put("decisions", decisions(row));
        model.put("cameOf", cameOf(row.path("cameOf"), links, trust));
        model.put("links", links(row, links));
        return NoteText.of(matter, templates.fill("opportunity", model));
    }

    private static String status(JsonNode row) {
        String status = Words.plain(row.path("status").asText());
        return row.has("parkedUntil")
                ? status + " until " + Words.day(row.path("parkedUntil").asText())
                : status;
    }

    private static String next(JsonNode row) {
        String id = row.path("opportunityId").asText();
        return switch (row.path("status").asText()) {
            case "new", "triaged", "parked" ->
                "To decide about it: "
                        + Words.command("triage-opportunity " + id + " --decision accepted --notes '…'")
                        + ", or change `status` above to accepted, rejected or parked, add a line `reason:` and run "
                        + Words.command("import-vault") + ".";
            case "accepted" ->
                "To make a job of it: " + Words.command("convert-opportunity " + id + " --subject … --notes '…'");
            default -> "";
        };
    }

    private static String decisions(JsonNode row) {
        List<String> lines = new ArrayList<>();
        for (JsonNode review : row.path("reviews")) {
            String notes = review.path("notes").asText();
            lines.add("- " + Words.day(review.path("createdAt").asText()) + ": **"
                    + Escaping.line(Words.plain(review.path("decision").asText())) + "** by "
                    + Escaping.line(Words.actor(review.path("reviewer").asText()))
                    + (notes.isEmpty() ? "" : ". " + Escaping.line(notes)));
        }
        return String.join("\n", lines);
    }

    private static String cameOf(JsonNode job, Links links, String trust) {
        if (job.isMissingNode() || job.isNull()) {
            return "";
        }
        String said = job.has("state")
                ? "A job of " + links.to("agent", job.path("targetAgent").asText()) + ", "
                        + Escaping.line(job.path("subject").asText()) + ": **"
                        + Escaping.line(Words.plain(job.path("state").asText())) + "**."
                : "A job that the bus no longer keeps.";
        String told = job.path("summary").asText(job.path("lastError").asText());
        return said + " " + Words.command("get-job " + job.path("jobId").asText())
                + (told.isEmpty() ? "" : "\n\n" + Trust.block(told, trust));
    }

    private static String links(JsonNode row, Links links) {
        List<String> lines = new ArrayList<>();
        if (row.has("ideaId")) {
            lines.add(
                    "- Made of the idea " + links.to("idea", row.path("ideaId").asText()));
        }
        if (row.has("mergedInto")) {
            lines.add("- Merged into "
                    + links.to("opportunity", row.path("mergedInto").asText()));
        }
        if (row.has("sourceJobId")) {
            lines.add("- Proposed in a job: "
                    + Words.command("get-job " + row.path("sourceJobId").asText()));
        }
        return String.join("\n", lines);
    }
}
