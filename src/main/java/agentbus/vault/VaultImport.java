package agentbus.vault;

import agentbus.contract.Contract;
import agentbus.contract.Problem;
import agentbus.db.Database;
import agentbus.settings.ProgramFiles;
import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;

/**
 * Imports the edits of people. It first shows what each would do, by making its call and undoing it, and makes it only
 * when told. A note whose edit was carried as a whole gets the text of the bus again; what was not carried stays.
 */
final class VaultImport {
    private final Database database;
    private final ProgramFiles files;
    private final Contract contract;
    private final String actor;

    /**
     * Imports into one database.
     *
     * @param database the database; its schema must be of this version
     * @param files holds the statements and templates
     * @param contract checks the calls
     * @param actor the person who imports
     */
    VaultImport(Database database, ProgramFiles files, Contract contract, String actor) {
        this.database = database;
        this.files = files;
        this.contract = contract;
        this.actor = actor;
    }

    /**
     * What an import is asked to do.
     *
     * @param directory the folder of the vault
     * @param visibility the visibility with which it is exported
     * @param named the files to import; empty for all edits
     * @param reason the reason of decisions whose notes give none; null for none
     */
    record Request(Path directory, String visibility, List<Path> named, String reason) {}

    /**
     * One line of the plan.
     *
     * @param path the note's path
     * @param does what the call does, in words that continue "would"; null when there is none
     * @param shows the fields of the call with their whole texts; of a changed text the changed lines
     * @param refused why there is none, in words that continue the path; null when there is one
     * @param left the parts of the note that the call does not carry
     * @param done what the call has made, in words; null while it was not made
     */
    record Line(String path, String does, List<String> shows, String refused, List<String> left, String done) {
        private static Line refused(String path, String why, List<String> left) {
            return new Line(path, null, List.of(), why, left, null);
        }
    }

    /**
     * What an import did.
     *
     * @param directory the folder, with no link in its path
     * @param namespace the namespace that the vault shows
     * @param lines one for each edit, by their paths
     */
    record Report(Path directory, String namespace, List<Line> lines) {
        /** How many calls were made. */
        long made() {
            return lines.stream().filter(line -> line.done() != null).count();
        }

        /** Whether an edit cannot be imported. */
        boolean anyRefused() {
            return lines.stream().anyMatch(line -> line.refused() != null);
        }
    }

    /**
     * Shows the edits and makes the calls that are told. The folder is only read as long as none is.
     *
     * @param request what to import
     * @param writes whether calls may be made; without it the folder needs no right to write
     * @param told is asked for each line of the plan that has a call, and says whether to make it
     * @return what was shown and done
     * @throws StartFailure when the folder is no vault of this bus, or is being exported
     */
    Report run(Request request, boolean writes, Predicate<Line> told) {
        // Refuses what is no vault, before a folder or a lock file is made.
        VaultFolder.read(request.directory()).close();
        try (VaultFolder folder =
                        writes ? VaultFolder.write(request.directory()) : VaultFolder.read(request.directory());
                Ledger ledger = new Ledger(database, files, actor);
                ImportCalls calls = new ImportCalls(database, files, contract, actor)) {
            Marker marker = folder.requireMarker(request.directory());
            ledger.begin(marker, marker.namespace(), folder.directory().toString(), null);
            VaultEdits edits = edits(folder, ledger, marker, request.visibility());
            List<Line> lines = new ArrayList<>();
            for (VaultEdits.Edit edit : wanted(edits, request, folder)) {
                Line line = plan(calls, marker.vaultId(), edit, request.reason());
                if (line.does() != null && told.test(line)) {
                    line = make(calls, marker.vaultId(), edit, line);
                    if (line.done() != null) {
                        line = settled(folder, ledger, marker.vaultId(), edit, line);
                    }
                }
                lines.add(line);
            }
            return new Report(folder.directory(), marker.namespace(), lines);
        }
    }

    private VaultEdits edits(VaultFolder folder, Ledger ledger, Marker marker, String visibility) {
        VaultEdits edits = new VaultEdits(
                folder,
                memory -> ledger.value("memory-text", memory).path("body").asText());
        ledger.beginReading();
        try {
            new Projection(
                            ledger,
                            new Templates(files),
                            marker.namespace(),
                            visibility,
                            ledger.notes(marker.vaultId()),
                            folder::note)
                    .each(edits::look);
        } finally {
            ledger.endReading();
        }
        edits.lookAtInbox();
        return edits;
    }

    /** The edits of the named files, with a refusal for each name that is none; or all. */
    private static List<VaultEdits.Edit> wanted(VaultEdits edits, Request request, VaultFolder folder) {
        if (request.named().isEmpty()) {
            return edits.all();
        }
        List<VaultEdits.Edit> wanted = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        for (Path name : request.named()) {
            String path = below(folder.directory(), name);
            if (!seen.add(path)) {
                continue;
            }
            wanted.add(edits.all().stream()
                    .filter(edit -> edit.path().equals(path))
                    .findFirst()
                    .orElseGet(() -> new VaultEdits.Edit(
                            path,
                            null,
                            List.of(),
                            edits.has(path)
                                    ? "is as the bus has written it"
                                    : "is no note of this vault and none of " + Folders.INBOX,
                            null,
                            null)));
        }
        return wanted;
    }

    /** The path of a named file below the vault: as it stands there, or seen from the working directory. */
    private static String below(Path directory, Path name) {
        Path whole = name.isAbsolute() || !Files.exists(name) ? directory.resolve(name) : name.toAbsolutePath();
        Path parent = whole.normalize().getParent();
        try {
            // Only the folder, because the file itself may be a link, which is never followed.
            whole = parent.toRealPath().resolve(whole.getFileName());
        } catch (IOException missing) {
            whole = whole.normalize();
        }
        if (!whole.startsWith(directory)) {
            throw new StartFailure(name + " lies outside of the vault " + directory
                    + "; name a note of it, or another vault with --dir");
        }
        return directory.relativize(whole).toString().replace('\\', '/');
    }

    private static Line plan(ImportCalls calls, UUID vault, VaultEdits.Edit edit, String reason) {
        if (edit.trouble() != null) {
            return Line.refused(edit.path(), edit.trouble(), List.of());
        }
        ObjectNode fields = edit.fields();
        if (reason != null && !fields.has("reason")) {
            fields.put("reason", reason);
        }
        try {
            ImportCalls.Outcome would = calls.attempt(vault, fields);
            return new Line(edit.path(), would.does(), would.shows(), null, edit.left(), null);
        } catch (Problem refused) {
            return Line.refused(edit.path(), words(refused), edit.left());
        }
    }

    private static Line make(ImportCalls calls, UUID vault, VaultEdits.Edit edit, Line line) {
        try {
            String done = calls.make(vault, edit.fields()).done();
            return new Line(line.path(), line.does(), line.shows(), null, line.left(), done);
        } catch (Problem refused) {
            return Line.refused(line.path(), words(refused), line.left());
        }
    }

    private static String words(Problem refused) {
        String detail = refused.getMessage();
        return "cannot be imported: " + detail
                + (refused.expected() == null || detail.contains(refused.expected())
                        ? ""
                        : "; it must be " + refused.expected());
    }

    /** A note that cannot be written leaves a call that was made, so the line says both. */
    private static Line settled(VaultFolder folder, Ledger ledger, UUID vault, VaultEdits.Edit edit, Line line) {
        try {
            settle(folder, ledger, vault, edit);
            return line;
        } catch (StartFailure unwritten) {
            return new Line(
                    line.path(),
                    line.does(),
                    line.shows(),
                    null,
                    line.left(),
                    line.done() + "; the note is still as it was: " + unwritten.getMessage());
        }
    }

    /**
     * Puts the text of the bus back into a note whose edit was carried, and moves a note out of the inbox. A note that
     * somebody has changed again meanwhile stays as it is.
     */
    private static void settle(VaultFolder folder, Ledger ledger, UUID vault, VaultEdits.Edit edit) {
        VaultFolder.Found found = folder.read(edit.path());
        if (found.state() != VaultFolder.State.FILE || !found.text().equals(edit.text())) {
            return;
        }
        if (edit.note() == null) {
            folder.write(imported(folder, edit.path()), edit.text());
            folder.remove(edit.path());
        } else if (edit.isCarriedWhole()) {
            Projection.Note note = edit.note();
            folder.write(note.path(), note.text().withNotesOf(NoteText.read(edit.text())));
            Conflicts.remove(folder, NoteNames.conflict(note.path()));
            ledger.keep(
                    vault,
                    List.of(Json.object()
                            .put("kind", note.key().kind())
                            .put("rowId", note.key().rowId())
                            .put("path", note.path())
                            .put("contentHash", note.text().hash())
                            .put("tombstone", false)));
        }
    }

    /** A free path for a note of the inbox that was imported. */
    private static String imported(VaultFolder folder, String path) {
        String name = path.substring(path.lastIndexOf('/') + 1, path.length() - NoteNames.ENDING.length());
        for (int number = 1; ; number++) {
            String free = InboxNote.IMPORTED + "/" + name + (number == 1 ? "" : "-" + number) + NoteNames.ENDING;
            if (folder.read(free).state() == VaultFolder.State.MISSING) {
                return free;
            }
        }
    }
}
