package agentbus.vault;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * One place in which a vault and the database do not agree.
 *
 * @param path the path in the folder
 * @param kind how they differ
 * @param text the difference in words that continue the path
 */
record Difference(String path, Kind kind, String text) {
    /** How a vault and the database differ. */
    enum Kind {
        /** A row has no note, or something else stands in its place. */
        MISSING("missing"),
        /** The note shows an older or other state than the last export has left. */
        STALE("stale"),
        /** A file in a folder of the bus that it did not write. */
        EXTRA("extra"),
        /** A link stands in the place of a note or of a folder. */
        LINK("link"),
        /** A person has changed the note; this is no fault of the vault. */
        EDITED("edited");

        private final String word;

        Kind(String word) {
            this.word = word;
        }

        /** The kind as rows and people read it. */
        String word() {
            return word;
        }
    }

    /** The difference as {@code vaults.difference_list} keeps it. */
    ObjectNode json() {
        return Json.object().put("path", path).put("kind", kind.word()).put("text", text);
    }
}
