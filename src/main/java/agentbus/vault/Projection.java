package agentbus.vault;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/**
 * Says which notes a vault has to hold, each with its path and its whole text. Whoever writes a vault, verifies one, or
 * wants to know how a note reads now asks here, so all of them agree.
 *
 * <p>The same database gives the same notes, byte by byte: no text holds the time of the export or anything else that
 * is not in the rows. Which days and weeks are over depends on the date.
 */
final class Projection {
    private final Ledger ledger;
    private final String namespace;
    private final String visibility;
    private final Map<NoteKey, Ledger.Kept> kept;
    private final IdeaNotes ideas;
    private final Map<NoteKey, String> paths = new HashMap<>();
    private final NoteNames names = new NoteNames();

    /**
     * A note that the vault has to hold.
     *
     * @param key its row
     * @param path its path below the folder
     * @param text its text, without notes of people
     * @param tombstone whether its row is gone, so that the text says only this
     */
    record Note(NoteKey key, String path, NoteText text, boolean tombstone) {}

    /**
     * The notes of one vault.
     *
     * @param ledger reads the rows, at one moment
     * @param templates the bodies of notes
     * @param namespace the namespace that the vault shows
     * @param visibility {@code shared}, or {@code role} to show the memories of roles too
     * @param kept the notes that the vault has already; they keep their paths
     */
    Projection(
            Ledger ledger, Templates templates, String namespace, String visibility, Map<NoteKey, Ledger.Kept> kept) {
        this.ledger = ledger;
        this.namespace = namespace;
        this.visibility = visibility;
        this.kept = kept;
        this.ideas = new IdeaNotes(templates);
        kept.forEach((key, note) -> {
            paths.put(key, note.path());
            names.keep(note.path());
        });
    }

    /**
     * Makes all notes, one after the other.
     *
     * @param consumer gets each note
     */
    void each(Consumer<Note> consumer) {
        List<Entry> entries = ledger.entries(namespace, visibility);
        entries.forEach(this::place);
        Links links = new Links(paths, entries);
        Set<NoteKey> shown = new HashSet<>();
        Consumer<Note> show = note -> {
            shown.add(note.key());
            consumer.accept(note);
        };
        rows("ideas", "idea", "ideaId", ideas::note, links, show, namespace);
        kept.forEach((key, note) -> {
            if (!shown.contains(key)) {
                consumer.accept(new Note(key, note.path(), Tombstones.note(key), true));
            }
        });
    }

    private void rows(
            String statement,
            String kind,
            String id,
            BiFunction<JsonNode, Links, NoteText> maker,
            Links links,
            Consumer<Note> show,
            Object... parameters) {
        ledger.each(
                statement,
                row -> {
                    NoteKey key = new NoteKey(kind, row.path(id).asText());
                    show.accept(new Note(key, paths.get(key), maker.apply(row, links), false));
                },
                parameters);
    }

    private void place(Entry entry) {
        if (!paths.containsKey(entry.key()) && entry.key().kind().equals("idea")) {
            paths.put(entry.key(), names.dated(Folders.IDEAS, "idea", entry));
        }
    }
}
