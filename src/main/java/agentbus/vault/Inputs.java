package agentbus.vault;

import agentbus.settings.Version;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Hashes what the text of a note is made of, so that an export does not make a text again that it has made before: a
 * hash costs far less than the Markdown, the YAML and the escapes of a note.
 *
 * <p>The text of an idea, an opportunity, a memory or a report depends on four things, and the hash has all: the program
 * with the template, the row as the ledger returns it, the path and title of each note whose id stands in the row, and
 * the paths of all agents and of the row's theme. Notes that list other notes have no such hash.
 */
final class Inputs {
    /** Where the hyphens of a UUID are, and how long one is. */
    private static final int[] HYPHENS = {8, 13, 18, 23};

    private static final int UUID_LENGTH = 36;
    /** Chosen: holds the paths and titles of a few notes. */
    private static final int ROOM = 1_000;

    private final Templates templates;
    private final Map<NoteKey, String> paths;
    private final Map<String, String> linked = new HashMap<>();
    private final Map<String, String> programs = new HashMap<>();
    private final String agents;

    /**
     * The inputs of the notes of one vault.
     *
     * @param templates the bodies
     * @param paths the path of each note
     * @param entries the rows that have a note
     */
    Inputs(Templates templates, Map<NoteKey, String> paths, List<Entry> entries) {
        this.templates = templates;
        this.paths = paths;
        Map<String, String> agentPaths = new TreeMap<>();
        for (Entry entry : entries) {
            NoteKey key = entry.key();
            if (key.kind().equals("agent")) {
                agentPaths.put(key.rowId(), paths.get(key));
            } else {
                linked.put(key.rowId(), key.kind() + '\n' + paths.get(key) + '\n' + entry.title());
            }
        }
        paths.forEach((key, path) -> {
            if (key.kind().equals("agent")) {
                agentPaths.put(key.rowId(), path);
            } else {
                linked.putIfAbsent(key.rowId(), key.kind() + '\n' + path);
            }
        });
        this.agents = agentPaths.toString();
    }

    /**
     * The hash of the inputs of a note.
     *
     * @param kind idea, opportunity, memory or report
     * @param row as the ledger returns it
     * @return the hash as 64 hex digits
     */
    String hash(String kind, JsonNode row) {
        String text = row.toString();
        StringBuilder inputs = new StringBuilder(text.length() + ROOM);
        inputs.append(programs.computeIfAbsent(kind, this::program)).append(text);
        int last = text.length() - UUID_LENGTH;
        for (int at = 0; at <= last; at++) {
            if (isUuid(text, at)) {
                String note = linked.get(text.substring(at, at + UUID_LENGTH));
                if (note != null) {
                    inputs.append('\n').append(note);
                }
            }
        }
        inputs.append('\n')
                .append(paths.get(
                        new NoteKey("index", IndexNotes.theme(row.path("theme").asText()))));
        return Sha256.hex(inputs.toString());
    }

    /** What all notes of a kind depend on. */
    private String program(String kind) {
        return Sha256.hex(Version.withCommit() + '\n' + templates.text(kind) + '\n' + agents);
    }

    private static boolean isUuid(String text, int at) {
        for (int hyphen : HYPHENS) {
            if (text.charAt(at + hyphen) != '-') {
                return false;
            }
        }
        return true;
    }

    /**
     * What is kept of a note that was made of these inputs. It holds for one text only: when a version of the program that
     * knows no inputs has written another one, the kept value no longer fits.
     *
     * @param inputs the hash of the inputs
     * @param contentHash the hash of the text that was made of them
     * @return the hash of both, as in {@code vault_notes.input_hash}
     */
    static String kept(String inputs, String contentHash) {
        return Sha256.hex(inputs + contentHash);
    }
}
