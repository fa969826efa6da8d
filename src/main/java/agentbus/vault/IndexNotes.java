package agentbus.vault;

/** The notes that lead to others: one for each folder and theme, and the first page. */
final class IndexNotes {
    private IndexNotes() {}

    /** The row id of the note of a theme. */
    static String theme(String theme) {
        return "theme:" + theme;
    }
}
