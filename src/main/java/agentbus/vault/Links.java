package agentbus.vault;

import java.util.HashMap;
import java.util.Map;

/**
 * Makes wiki links to notes. A row without a note in this vault gets none, so every link that the bus writes leads to a
 * note.
 */
final class Links {
    private final Map<NoteKey, String> paths;
    private final Map<NoteKey, String> titles = new HashMap<>();

    /**
     * Links between the notes of a vault.
     *
     * @param paths the path of each note
     * @param entries the rows, for the words of links
     */
    Links(Map<NoteKey, String> paths, Iterable<Entry> entries) {
        this.paths = paths;
        entries.forEach(entry -> titles.put(entry.key(), entry.title()));
    }

    /** Whether a row has a note. */
    boolean has(String kind, String rowId) {
        return paths.containsKey(new NoteKey(kind, rowId));
    }

    /**
     * A link with the title of the row as its words.
     *
     * @param kind the kind of note
     * @param rowId the row
     * @return the link, or the id as code where the row has no note
     */
    String to(String kind, String rowId) {
        return to(kind, rowId, titles.getOrDefault(new NoteKey(kind, rowId), unknown(kind, rowId)));
    }

    /** An agent is named by its id; of another row without a title here only the kind is known. */
    private static String unknown(String kind, String rowId) {
        return kind.equals("agent") ? rowId : kind + " that is gone";
    }

    /**
     * A link.
     *
     * @param kind the kind of note
     * @param rowId the row
     * @param words what the link says, any text
     * @return the link, or the words where the row has no note
     */
    String to(String kind, String rowId, String words) {
        String path = paths.get(new NoteKey(kind, rowId));
        return path == null
                ? Escaping.line(words)
                : "[[" + path.substring(0, path.length() - NoteNames.ENDING.length()) + "|" + Escaping.label(words)
                        + "]]";
    }
}
