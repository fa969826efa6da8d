package agentbus.vault;

/** The file beside a note that a person has edited: the text that the bus would have written. */
final class Conflicts {
    private Conflicts() {}

    /**
     * Makes the file.
     *
     * @param note the note as the bus would write it
     * @return the whole text of the file
     */
    static String text(Projection.Note note) {
        String name = note.path().substring(note.path().lastIndexOf('/') + 1);
        String written = note.text().written();
        String body = written.substring(written.indexOf("\n---\n", 3) + "\n---\n".length());
        FrontMatter matter = new FrontMatter()
                .with("kind", "conflict")
                .with("conflict_of", name)
                .with("id", note.key().rowId());
        return "---\n" + matter.yaml() + "---\n\n> **Somebody has edited `" + name
                + "`, so the bus left it alone.** Below is the text of the ledger. To keep the edit, use"
                + " `agentbus import-vault`; to drop it, delete the note, and the next export writes it anew. This file"
                + " then goes away by itself.\n" + body.substring(0, body.lastIndexOf("\n## Notes\n"));
    }
}
