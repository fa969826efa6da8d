package agentbus.vault;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** The evidence of a proposal and the sources of a memory: a list in which each row leads on, to a note or a command. */
final class References {
    private References() {}

    /**
     * Makes the list.
     *
     * @param refs the entries with what the ledger says of their rows, as {@code vault_refs} returns them
     * @param links links to notes
     * @return a Markdown list; empty for no entries
     */
    static String list(JsonNode refs, Links links) {
        List<String> lines = new ArrayList<>();
        refs.forEach(ref -> lines.add("- " + one(ref, links)));
        return String.join("\n", lines);
    }

    /** The entries for the front matter, such as {@code job:01a1fc37-…}. */
    static List<String> names(JsonNode refs) {
        List<String> names = new ArrayList<>();
        refs.forEach(ref -> names.add(ref.path("kind").asText() + ":"
                + ref.path(ref.has("url") ? "url" : "id").asText()));
        return names;
    }

    private static String one(JsonNode ref, Links links) {
        String id = ref.path("id").asText();
        String about = ref.path("about").asText();
        String state = ref.has("state")
                ? ", " + Escaping.line(Words.plain(ref.path("state").asText()))
                : "";
        String said =
                switch (ref.path("kind").asText()) {
                    case "job" -> "Job" + job(about, links) + state + shown("get-job", id);
                    case "event" -> "Event " + Escaping.line(about) + shown("get-event", id);
                    case "slot" -> "Slot of " + Escaping.line(about) + state + shown("get-standing-order-run", id);
                    case "question" ->
                        "Question" + state
                                + (ref.has("answeredBy")
                                        ? " by "
                                                + Escaping.line(Words.actor(
                                                        ref.path("answeredBy").asText()))
                                        : "")
                                + shown("get-question", id);
                    case "opportunity" -> "Opportunity " + links.to("opportunity", id) + state;
                    case "memory" -> "Memory " + links.to("memory", id);
                    default ->
                        "Page " + Escaping.line(ref.path("url").asText())
                                + (ref.has("lookedAt")
                                        ? ", read on "
                                                + Words.day(ref.path("lookedAt").asText())
                                        : "");
                };
        String note = ref.path("note").asText();
        return said + (note.isEmpty() ? "" : ": " + Escaping.line(note));
    }

    private static String shown(String command, String id) {
        return " (" + Words.command(command + " " + id) + ")";
    }

    private static String job(String about, Links links) {
        int colon = about.indexOf(": ");
        if (colon < 0) {
            return about.isEmpty() ? "" : " " + Escaping.line(about);
        }
        String agent = about.substring(0, colon);
        return " of " + links.to("agent", agent) + ", " + Escaping.line(about.substring(colon + 2));
    }
}
