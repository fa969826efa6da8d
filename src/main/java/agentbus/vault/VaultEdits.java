package agentbus.vault;

import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Collects what people have changed in a vault: notes that they edited, and notes that they put into the inbox. */
final class VaultEdits {
    /** Chosen: far above the longest text that an operation takes, and still one page of a plan. */
    private static final int MOST_BYTES = 256 << 10;

    /** Control characters other than tabs and ends of lines. Postgres keeps no NUL, and a terminal obeys others. */
    private static final Pattern CONTROL = Pattern.compile("[\\p{Cntrl}\\u0080-\\u009f&&[^\t\r\n\f]]");

    private final VaultFolder folder;
    private final UnaryOperator<String> memoryText;
    private final List<Edit> edits = new ArrayList<>();
    private final Set<String> notes = new HashSet<>();
    private final Set<String> troubles = new HashSet<>();

    /**
     * One edit.
     *
     * @param path the note's path
     * @param fields what {@code vault_import_call} takes; null when nothing can be imported
     * @param left the parts that differ and that no import carries
     * @param trouble why nothing can be imported, in words that continue the path; null when something can
     * @param note the note as the bus would write it; null in the inbox
     * @param text the text that the person has left
     */
    record Edit(String path, ObjectNode fields, List<String> left, String trouble, Projection.Note note, String text) {
        /** Whether the whole edit goes into the call, so that nothing is lost when the bus writes the note anew. */
        boolean isCarriedWhole() {
            return left.isEmpty();
        }

        private static Edit refused(String path, Projection.Note note, String trouble) {
            return new Edit(path, null, List.of(), trouble, note, null);
        }
    }

    /**
     * Edits of one vault.
     *
     * @param folder the vault
     * @param memoryText reads the text of a memory in the ledger, by its id
     */
    VaultEdits(VaultFolder folder, UnaryOperator<String> memoryText) {
        this.folder = folder;
        this.memoryText = memoryText;
    }

    /**
     * Looks at one note.
     *
     * @param note as the bus would write it now
     */
    void look(Projection.Note note) {
        notes.add(note.path());
        VaultFolder.Found found;
        try {
            found = folder.read(note.path());
        } catch (StartFailure unreadable) {
            // A folder that is a link stands above many notes, and one line tells of it.
            if (troubles.add(unreadable.getMessage())) {
                edits.add(Edit.refused(note.path(), note, "cannot be read: " + unreadable.getMessage()));
            }
            return;
        }
        if (found.state() == VaultFolder.State.LINK) {
            edits.add(
                    Edit.refused(note.path(), note, "is a link, which is never followed; remove it, and export again"));
        } else if (found.state() == VaultFolder.State.FILE) {
            NoteText there = NoteText.read(found.text());
            if (!there.isEmpty() && !there.written().equals(note.text().written()) && !there.isAsWritten()) {
                edits.add(read(note, found, there));
            }
        }
    }

    private Edit read(Projection.Note note, VaultFolder.Found found, NoteText there) {
        String path = note.path();
        if (note.tombstone()) {
            return Edit.refused(path, note, "shows a row that is gone, so there is nothing to change");
        }
        ObjectNode fields = Json.object()
                .put("kind", note.key().kind())
                .put("rowId", note.key().rowId())
                .put("hash", there.hash());
        String expected = note.text().written();
        try {
            String text = decoded(found);
            NoteEdit edit =
                    switch (note.key().kind()) {
                        case "memory" ->
                            NoteEdit.ofMemory(
                                    expected,
                                    there.written(),
                                    memoryText.apply(note.key().rowId()),
                                    fields);
                        case "opportunity" -> NoteEdit.ofOpportunity(expected, there.written(), fields);
                        default -> null;
                    };
            if (edit == null) {
                return Edit.refused(
                        path,
                        note,
                        "is of kind " + note.key().kind() + ", which no edit changes"
                                + (note.key().kind().equals("idea")
                                        ? "; use review-idea, promote-idea-to-opportunity or archive-idea"
                                        : ""));
            }
            if (!edit.carries()) {
                return Edit.refused(
                        path,
                        note,
                        "has changes that no import carries (" + String.join(", ", edit.left()) + "); of a memory it is"
                                + " the title and the text below " + NoteEdit.MEMORY_TEXT
                                + ", of an opportunity the field status");
            }
            return new Edit(path, edit.fields(), edit.left(), null, note, text);
        } catch (StartFailure broken) {
            return Edit.refused(path, note, broken.getMessage());
        }
    }

    /** Looks at the inbox, after all notes. */
    void lookAtInbox() {
        for (String path : folder.files()) {
            if (path.startsWith(Folders.INBOX + "/")
                    && !path.startsWith(InboxNote.IMPORTED + "/")
                    && path.endsWith(NoteNames.ENDING)
                    && !path.endsWith(NoteNames.CONFLICT_ENDING)
                    && !notes.contains(path)) {
                edits.add(inbox(path));
            }
        }
    }

    private Edit inbox(String path) {
        try {
            VaultFolder.Found found = folder.read(path);
            if (found.state() == VaultFolder.State.LINK) {
                return Edit.refused(path, null, "is a link, which is never followed; put the note itself there");
            }
            if (found.state() != VaultFolder.State.FILE) {
                return Edit.refused(path, null, "is no note: it is a folder, or larger than a note");
            }
            String text = decoded(found);
            if (text.isBlank()) {
                return Edit.refused(path, null, "is empty");
            }
            return new Edit(path, InboxNote.read(path, text), List.of(), null, null, text);
        } catch (StartFailure broken) {
            return Edit.refused(path, null, broken.getMessage());
        }
    }

    private static String decoded(VaultFolder.Found found) {
        if (found.bytes().length > MOST_BYTES) {
            throw new StartFailure("has " + found.bytes().length + " bytes, and an import takes at most " + MOST_BYTES);
        }
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(found.bytes()))
                    .toString();
            Matcher control = CONTROL.matcher(text);
            if (control.find()) {
                throw new StartFailure(String.format(
                        "has the control character U+%04X in line %d; remove it, because no text of the bus holds one",
                        (int) text.charAt(control.start()),
                        text.substring(0, control.start()).split("\n", -1).length));
            }
            return text;
        } catch (CharacterCodingException other) {
            throw new StartFailure("is not in UTF-8; save it as UTF-8", other);
        }
    }

    /** The edits, by their paths. */
    List<Edit> all() {
        return edits.stream().sorted(Comparator.comparing(Edit::path)).toList();
    }

    /** Whether the vault has a note with this path. */
    boolean has(String path) {
        return notes.contains(path);
    }
}
