package agentbus.vault;

import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Compares the files of a vault with the notes that the database says it has to hold. Reads both and changes neither.
 *
 * <p>Rows change after an export while nobody writes the vault. A note that is as the last export left it, and whose row
 * has changed since, therefore waits for the next export and is no difference.
 */
final class VaultVerification {
    /** Chosen: twice what an export of 10,000 notes may take; it has read the rows that long before its end. */
    private static final Duration EXPORT_TAKES = Duration.ofMinutes(1);

    private final VaultFolder folder;
    private final Map<NoteKey, Ledger.Kept> kept;
    private final Instant exportedAt;
    private final Set<String> files;
    private final Set<String> links = new HashSet<>();
    private final Set<String> expected = new HashSet<>();
    private final Map<String, Integer> behindLinks = new HashMap<>();
    private final List<Difference> differences = new ArrayList<>();
    private int notes;
    private int waiting;

    /**
     * What was found.
     *
     * @param notes how many notes the vault has to hold
     * @param waiting how many of them the next export writes, because their rows have changed since the last one
     * @param differences the differences, by their paths
     */
    record Found(int notes, int waiting, List<Difference> differences) {}

    /**
     * A verification.
     *
     * @param folder the vault
     * @param kept what the database knows of each note
     * @param exportedAt when the last export ended; null before the first
     */
    VaultVerification(VaultFolder folder, Map<NoteKey, Ledger.Kept> kept, Instant exportedAt) {
        this.folder = folder;
        this.kept = kept;
        this.exportedAt = exportedAt;
        this.files = folder.files();
        files.stream()
                .filter(path -> Files.isSymbolicLink(folder.directory().resolve(path)))
                .forEach(links::add);
        kept.values().stream()
                .filter(note -> note.conflictPath() != null)
                .forEach(note -> expected.add(note.conflictPath()));
    }

    /**
     * Compares one note.
     *
     * @param note as the database has it now
     */
    void compare(Projection.Note note) {
        notes++;
        expected.add(note.path());
        String link = linkAbove(note.path());
        if (link != null) {
            behindLinks.merge(link, 1, Integer::sum);
            return;
        }
        VaultFolder.Found found = folder.read(note.path());
        switch (found.state()) {
            case FILE -> compare(note, NoteText.read(found.text()));
            case MISSING -> missing(note);
            case LINK -> differ(note.path(), Difference.Kind.LINK, "a link stands in the place of the note");
            case FOLDER -> differ(note.path(), Difference.Kind.MISSING, "a folder stands in the place of the note");
            default ->
                differ(note.path(), Difference.Kind.MISSING, "a file that is larger than any note stands in its place");
        }
    }

    private void missing(Projection.Note note) {
        if (note.tombstone()) {
            // Its row is gone, and the person who deleted the note has read it.
            return;
        }
        if (kept.containsKey(note.key())) {
            differ(note.path(), Difference.Kind.MISSING, "the file is gone");
        } else if (isAfterExport(note.text(), "created")) {
            waiting++;
        } else {
            differ(note.path(), Difference.Kind.MISSING, "no export has written the note of this row");
        }
    }

    private void compare(Projection.Note note, NoteText file) {
        if (file.written().equals(note.text().written())) {
            return;
        }
        Ledger.Kept known = kept.get(note.key());
        if (!file.isAsWritten()) {
            differ(note.path(), Difference.Kind.EDITED, "a person has changed the text above ## Notes");
        } else if (known == null || !file.hash().equals(known.contentHash())) {
            differ(note.path(), Difference.Kind.STALE, "this is not the text that the last export left here");
        } else if (isMissed(note.text(), file)) {
            differ(
                    note.path(),
                    Difference.Kind.STALE,
                    "its row has changed before the last export, which did not write it");
        } else if (note.isAsKept(known)) {
            differ(
                    note.path(),
                    Difference.Kind.STALE,
                    "the same row now gives another text; delete the file, and the next export writes it anew");
        } else {
            waiting++;
        }
    }

    /** Whether the row had changed before the last export, and the file shows an older state. */
    private boolean isMissed(NoteText now, NoteText file) {
        String updated = field(now, "updated");
        return updated != null && !updated.equals(field(file, "updated")) && !isAfterExport(now, "updated");
    }

    private boolean isAfterExport(NoteText note, String field) {
        String at = field(note, field);
        if (exportedAt == null || at == null) {
            return true;
        }
        try {
            return !Instant.parse(at).plus(EXPORT_TAKES).isBefore(exportedAt);
        } catch (DateTimeParseException unknown) {
            return true;
        }
    }

    private static String field(NoteText note, String name) {
        return NoteSections.of(note.written(), null).field(name);
    }

    /** The link in the place of a folder of the path; null for none. */
    private String linkAbove(String path) {
        for (int slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
            String above = path.substring(0, slash);
            if (links.contains(above)) {
                return above;
            }
        }
        return null;
    }

    private void differ(String path, Difference.Kind kind, String text) {
        differences.add(new Difference(path, kind, text));
    }

    /** Ends the comparison, after all notes: what is left in the folders of the bus is not its own. */
    Found end() {
        behindLinks.forEach((link, behind) ->
                differ(link, Difference.Kind.LINK, "a link stands in the place of a folder with " + behind + " notes"));
        for (String path : files) {
            if (isOurs(path) && !expected.contains(path) && !behindLinks.containsKey(path)) {
                if (links.contains(path)) {
                    differ(path, Difference.Kind.LINK, "a link lies in a folder of the bus");
                } else {
                    differ(
                            path,
                            Difference.Kind.EXTRA,
                            path.endsWith(NoteNames.CONFLICT_ENDING)
                                    ? "no edited note belongs to it"
                                    : "the bus did not write this file");
                }
            }
        }
        List<Difference> sorted = differences.stream()
                .sorted(Comparator.comparing(Difference::path))
                .toList();
        return new Found(notes, waiting, sorted);
    }

    /** Whether a path lies in a folder of the bus. The inbox, and all that lies beside the folders, belongs to people. */
    private static boolean isOurs(String path) {
        return Folders.OURS.stream().anyMatch(own -> path.equals(own) || path.startsWith(own + "/"));
    }
}
