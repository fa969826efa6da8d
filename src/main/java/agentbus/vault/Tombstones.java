package agentbus.vault;

/** The notes of rows that are gone. They stay, because other notes and people's own words may lead to them. */
final class Tombstones {
    private Tombstones() {}

    /**
     * Makes the note.
     *
     * @param key the row that is gone
     * @return a text that says so and nothing else of the row
     */
    static NoteText note(NoteKey key) {
        FrontMatter matter = new FrontMatter()
                .with("id", key.rowId())
                .with("kind", key.kind())
                .with("status", "gone");
        return NoteText.of(
                matter,
                "# Gone\n\nThe bus no longer keeps this " + word(key.kind())
                        + ", or no longer shows it in this vault. What stands below is yours; delete the note when you"
                        + " no longer need it.");
    }

    private static String word(String kind) {
        return switch (kind) {
            case "daily" -> "day";
            case "snapshot" -> "week";
            default -> kind;
        };
    }
}
