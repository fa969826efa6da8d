package agentbus.sql;

import static agentbus.sql.Machine.json;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Inputs of ideas and opportunities that meet every rule, for tests that change one part of them. */
final class Proposals {
    private Proposals() {}

    /** An idea with a text of its own; {@code more} are keys and values that are added or replaced. */
    static ObjectNode idea(Object... more) {
        return with(
                json(
                        "theme",
                        "build speed",
                        "title",
                        "Cache the packages between builds",
                        "body",
                        "Half of each build waits for downloads that are the same every day."),
                more);
    }

    /** An opportunity that meets the bar with a page as its evidence. */
    static ObjectNode opportunity(Object... more) {
        ObjectNode whole = json(
                "theme", "release safety",
                "title", "Test the restore of the nightly export",
                "whyNow", "The export grew past the disk of the drill machine last week.",
                "ifNothing", "The next outage finds an export that cannot be restored.",
                "impactScore", 4,
                "confidenceScore", 3,
                "urgencyScore", 2,
                "reversibility", "high",
                "ownerCandidate", "devops",
                "suggestedNextStep", "Run one restore drill on a larger machine.");
        whole.set("evidence", Json.tree(List.of(page())));
        return with(whole, more);
    }

    /** An entry of evidence: a page that was looked at. */
    static ObjectNode page() {
        return json("kind", "url", "url", "https://example.org/report", "lookedAt", "2026-05-01T08:00:00Z");
    }

    /** The input with more fields; a null value takes its field away. */
    static ObjectNode with(ObjectNode input, Object... more) {
        for (int i = 0; i < more.length; i += 2) {
            if (more[i + 1] == null) {
                input.remove((String) more[i]);
            } else {
                JsonNode value = Json.tree(more[i + 1]);
                input.set((String) more[i], value);
            }
        }
        return input;
    }
}
