package agentbus.vault;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * The few facts about a row by which its note is named, linked and listed. Texts are as the ledger has them: nothing is
 * escaped yet.
 *
 * @param key the row
 * @param title its title when its note was first written
 * @param status its status now
 * @param agent the agent that it is of; null for none
 * @param theme the theme of a proposal; null for other kinds
 * @param group the kind of a memory or a report; null for other kinds
 * @param created the time of its creation, such as {@code 2026-11-28T09:30:00Z}
 * @param open whether it still waits or holds
 */
record Entry(
        NoteKey key,
        String title,
        String status,
        String agent,
        String theme,
        String group,
        String created,
        boolean open) {
    /** Reads what the SQL function {@code vault_entries} returns. */
    static Entry of(JsonNode row) {
        return new Entry(
                new NoteKey(row.path("kind").asText(), row.path("rowId").asText()),
                row.path("title").asText(),
                row.path("status").asText(),
                row.path("agent").asText(null),
                row.path("theme").asText(null),
                row.path("group").asText(null),
                row.path("created").asText(),
                row.path("open").asBoolean());
    }

    /** The UTC day of its creation, such as {@code 2026-11-28}. */
    String day() {
        return created.substring(0, 10);
    }
}
