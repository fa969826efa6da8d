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
                "# Gone\n\nThe bus keeps this " + key.kind()
                        + " no more, or shows it no more in this vault. What stands"
                        + " below is yours; delete the note when nothing in it is of use.");
    }
}
