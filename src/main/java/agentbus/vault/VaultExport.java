package agentbus.vault;

import agentbus.db.Database;
import agentbus.settings.ProgramFiles;
import agentbus.settings.StartFailure;
import agentbus.text.Json;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import org.springframework.dao.DataAccessException;

/**
 * Writes the vault of a namespace into a folder. The rules, note by note:
 *
 * <ul>
 *   <li>A note that says what it has to say is not touched. When nothing has changed of which its text was made, the text
 *       is not made again; its file is read in any case.
 *   <li>A note that the bus has written is written anew; what stands below {@code ## Notes} is kept.
 *   <li>A note that a person has edited is left alone. The new text goes beside it as {@code <name>.conflict.md}, until the
 *       edit is taken back, imported or dropped: nothing stands above {@code ## Notes} then, or the file is gone.
 *   <li>A note whose row is gone becomes a tombstone; a tombstone that a person deletes stays deleted.
 *   <li>Everything else in the folder belongs to people and is not touched.
 * </ul>
 *
 * <p>The files are written before the database keeps their hashes. After a crash between the two, the next export finds
 * notes that carry their own hash, and goes on.
 */
public final class VaultExport {
    private final Database database;
    private final ProgramFiles files;

    /**
     * Exports of one database.
     *
     * @param database the database; its schema must be of this version
     * @param files holds the statements and templates
     */
    public VaultExport(Database database, ProgramFiles files) {
        this.database = database;
        this.files = files;
    }

    /**
     * What an export did.
     *
     * @param vaultId the vault
     * @param directory the folder, with no link in its path
     * @param notes how many notes the vault has, with tombstones
     * @param written how many of them were written; the others had not changed
     * @param tombstones how many only say that their row is gone
     * @param edited the paths of notes that a person has edited, which were left alone
     * @param seconds how long it took
     */
    public record Written(
            UUID vaultId,
            Path directory,
            int notes,
            int written,
            int tombstones,
            List<String> edited,
            double seconds) {}

    /**
     * Writes a vault.
     *
     * @param directory the folder: a vault of this bus, an empty folder, or one that does not exist yet
     * @param namespace the namespace to show
     * @param visibility {@code shared}, or {@code role} to show the memories of roles too
     * @param actor the person or route for the audit log
     * @return what was done
     * @throws StartFailure when the folder is not for this vault or cannot be written, or the database does not answer;
     *     the notes written until then are whole, and the next export goes on
     */
    public Written write(Path directory, String namespace, String visibility, String actor) {
        long began = System.nanoTime();
        try (VaultFolder folder = VaultFolder.write(directory);
                Ledger ledger = new Ledger(database, files, actor)) {
            Marker marker = folder.marker().orElse(null);
            JsonNode vault = ledger.begin(marker, namespace, folder.directory().toString(), visibility);
            UUID id = UUID.fromString(vault.path("vaultId").asText());
            try {
                if (marker == null) {
                    folder.write(Marker.FILE, new Marker(id, namespace).text());
                }
                folder.removeDrafts();
                boolean narrows = !vault.path("visibility").asText().equals(visibility);
                Run run = new Run(folder, ledger, id);
                run.read(new Templates(files), namespace, visibility, narrows);
                ledger.keep(id, run.changed);
                ledger.forget(id, run.forgotten);
                double seconds = (System.nanoTime() - began) / 1e9;
                JsonNode ended = ledger.end(id, visibility, seconds, run.written);
                return new Written(
                        id,
                        folder.directory(),
                        ended.path("notes").asInt(),
                        run.written,
                        run.tombstones,
                        List.copyOf(run.edited),
                        seconds);
            } catch (DataAccessException failed) {
                throw told(ledger, id, new StartFailure("cannot read the ledger: " + reason(failed), failed));
            } catch (RuntimeException failed) {
                throw told(ledger, id, failed);
            }
        }
    }

    private static String reason(DataAccessException failed) {
        return String.valueOf(failed.getMostSpecificCause().getMessage());
    }

    /** Notes a failure in the row of the vault; the failure itself is what the caller is told. */
    private static RuntimeException told(Ledger ledger, UUID vault, RuntimeException failed) {
        try {
            ledger.endReading();
            ledger.fail(vault, String.valueOf(failed.getMessage()));
        } catch (RuntimeException databaseGone) {
            failed.addSuppressed(databaseGone);
        }
        return failed;
    }

    /** One export. */
    private static final class Run {
        private final VaultFolder folder;
        private final Ledger ledger;
        private final UUID vault;
        private final List<JsonNode> changed = new ArrayList<>();
        private final List<JsonNode> forgotten = new ArrayList<>();
        private final List<String> edited = new ArrayList<>();
        private Map<NoteKey, Ledger.Kept> kept = new HashMap<>();
        private int written;
        private int tombstones;

        Run(VaultFolder folder, Ledger ledger, UUID vault) {
            this.folder = folder;
            this.ledger = ledger;
            this.vault = vault;
        }

        void read(Templates templates, String namespace, String visibility, boolean narrows) {
            ledger.beginReading();
            kept = ledger.notes(vault);
            Projection projection = new Projection(ledger, templates, namespace, visibility, kept, folder::note);
            (narrows ? projection.ofAllDays() : projection).each(this::isDone, this::show);
            ledger.endReading();
        }

        /** Whether the text of a note has to be what the last export has made, and stands in the file. */
        private boolean isDone(Projection.Note note) {
            Ledger.Kept before = kept.get(note.key());
            if (!note.isAsKept(before)) {
                return false;
            }
            VaultFolder.Found found = folder.read(note.path());
            if (found.state() != VaultFolder.State.FILE
                    || !NoteText.read(found.text()).hash().equals(before.contentHash())) {
                return false;
            }
            settle(note, before.contentHash(), before, null, null);
            return true;
        }

        private void show(Projection.Note note) {
            VaultFolder.Found found = folder.read(note.path());
            Ledger.Kept before = kept.get(note.key());
            if (found.state() == VaultFolder.State.MISSING && note.tombstone()) {
                forgotten.add(Json.object()
                        .put("kind", note.key().kind())
                        .put("rowId", note.key().rowId()));
                clear(before);
                return;
            }
            tombstones += note.tombstone() ? 1 : 0;
            if (found.state() == VaultFolder.State.MISSING) {
                put(note, note.text());
                settle(note, before, null, null);
                return;
            }
            NoteText there = found.state() == VaultFolder.State.FILE ? NoteText.read(found.text()) : null;
            if (there != null && there.written().equals(note.text().written())) {
                settle(note, before, null, null);
            } else if (there != null && (there.isAsWritten() || there.isEmpty())) {
                put(note, note.text().withNotesOf(there));
                settle(note, before, null, null);
            } else {
                leave(note, before, found);
            }
        }

        private void put(Projection.Note note, NoteText text) {
            folder.write(note.path(), text);
            written++;
        }

        /** Leaves an edited note alone, and puts the new text beside it. */
        private void leave(Projection.Note note, Ledger.Kept before, VaultFolder.Found found) {
            String conflict = NoteNames.conflict(note.path());
            NoteText text = Conflicts.text(note);
            NoteText beside = folder.note(conflict);
            if (beside == null || beside.isAsWritten() && !beside.written().equals(text.written())) {
                folder.write(conflict, beside == null ? text : text.withNotesOf(beside));
                written++;
            }
            edited.add(note.path());
            settle(note, before, editedHash(found), conflict);
        }

        private static String editedHash(VaultFolder.Found found) {
            return found.state() == VaultFolder.State.FILE
                    ? Sha256.hex(found.bytes())
                    : found.state().name().toLowerCase(Locale.ROOT);
        }

        private void settle(Projection.Note note, Ledger.Kept before, String editedHash, String conflict) {
            settle(note, note.text().hash(), before, editedHash, conflict);
        }

        /** Records the state of a note when it has changed, and removes the conflict file when nobody's edit stands any more. */
        private void settle(
                Projection.Note note, String contentHash, Ledger.Kept before, String editedHash, String conflict) {
            if (conflict == null) {
                clear(before);
            }
            String inputHash = note.inputs() == null ? null : Inputs.kept(note.inputs(), contentHash);
            Ledger.Kept now =
                    new Ledger.Kept(note.path(), contentHash, editedHash, conflict, note.tombstone(), inputHash);
            if (now.equals(before)) {
                return;
            }
            ObjectNode row = Json.object()
                    .put("kind", note.key().kind())
                    .put("rowId", note.key().rowId())
                    .put("path", now.path())
                    .put("contentHash", now.contentHash())
                    .put("tombstone", now.tombstone())
                    .put("inputHash", now.inputHash());
            if (editedHash != null) {
                row.put("editedHash", editedHash).put("conflictPath", conflict);
            }
            changed.add(row);
        }

        private void clear(Ledger.Kept before) {
            if (before != null && before.conflictPath() != null) {
                Conflicts.remove(folder, before.conflictPath());
            }
        }
    }
}
