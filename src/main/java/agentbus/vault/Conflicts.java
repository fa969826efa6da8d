package agentbus.vault;

/** The file beside a note that a person has edited: the text that the bus would have written. */
final class Conflicts {
    private Conflicts() {}

    /**
     * Makes the file. It carries its own hash as a note does, so that one in which a person has worked is left alone.
     *
     * @param note the note as the bus would write it
     * @return its text
     */
    static NoteText text(Projection.Note note) {
        String name = note.path().substring(note.path().lastIndexOf('/') + 1);
        FrontMatter matter = new FrontMatter()
                .with("id", note.key().rowId())
                .with("kind", "conflict")
                .with("conflict_of", name);
        return NoteText.of(
                matter,
                "> **Somebody has edited `" + name
                        + "`, so the bus left it alone.** Below is the text of the ledger. To keep"
                        + " the edit, use `agentbus import-vault`; to drop it, delete everything above `## Notes`, with the"
                        + " properties, and the next export writes it anew above your notes. This file then goes away by itself.\n"
                        + note.text().body());
    }

    /**
     * Removes the file, because its note is no longer edited. One in which a person has worked stays; it is theirs.
     *
     * @param folder the vault
     * @param path the path of the file; nothing happens when there is none
     */
    static void remove(VaultFolder folder, String path) {
        NoteText conflict = folder.note(path);
        if (conflict != null && conflict.isAsWritten() && conflict.notes().isBlank()) {
            folder.remove(path);
        }
    }
}
