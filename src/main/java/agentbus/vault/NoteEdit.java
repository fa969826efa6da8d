package agentbus.vault;

import agentbus.settings.StartFailure;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a person has changed in the bus's part of a note, compared with the text that the bus would write now: the fields
 * that the SQL function {@code vault_import_call} takes, and the parts that no import carries.
 *
 * @param fields what is imported; empty when nothing can be
 * @param left the names of the other parts that differ
 */
record NoteEdit(ObjectNode fields, List<String> left) {
    /** The heading below which a memory's note has its text. */
    static final String MEMORY_TEXT = "## Summary";

    private static final String TITLE = "title";
    private static final String STATUS = "status";
    private static final String UNTIL = "until";
    private static final String REASON = "reason";
    private static final String UPDATED = "updated";
    /** Fields that follow from the rest of the note; the bus writes them anew. */
    private static final Set<String> DERIVED = Set.of("content_hash", UPDATED, "version");

    /** Parts that only the bus writes. They differ too when the row has changed after the note was written. */
    private static final Set<String> OF_THE_BUS =
            Set.of("status", "review", "expires", "confidence", "stability", "## Next step", "## Links");

    private static final Pattern DAY = Pattern.compile("\\d{4}-\\d{2}-\\d{2}");

    /**
     * Compares a memory's note.
     *
     * @param expected the bus's part as it would be written now
     * @param found the bus's part as the person left it
     * @param ledger the memory's text in the ledger, of which lines that the person did not touch are taken
     * @param fields gets what is imported
     * @return the edit, with title and body where they differ
     * @throws StartFailure when the found text is no note any more, in words that continue its path
     */
    static NoteEdit ofMemory(String expected, String found, String ledger, ObjectNode fields) {
        NoteSections before = NoteSections.of(expected, null);
        NoteSections after = NoteSections.of(found, before.headings());
        List<String> left = different(before, after);
        if (after.field(UPDATED) != null
                && !before.fields().path(UPDATED).equals(after.fields().path(UPDATED))) {
            left.removeAll(OF_THE_BUS);
        }
        if (left.remove(NoteSections.TITLE_PART)) {
            fields.put(TITLE, Unescaping.line(after.title()));
            left.remove(TITLE);
        } else if (left.remove(TITLE)) {
            fields.put(TITLE, after.field(TITLE));
        }
        String text = after.sections().get(MEMORY_TEXT);
        if (text != null && left.remove(MEMORY_TEXT)) {
            boolean quoted = before.sections().getOrDefault(MEMORY_TEXT, "").startsWith("> " + Trust.OUTSIDE);
            fields.put("body", Unescaping.block(text, quoted, ledger));
        }
        take(REASON, after, fields, left);
        return new NoteEdit(fields, left);
    }

    /**
     * Compares an opportunity's note.
     *
     * @param expected the bus's part as it would be written now
     * @param found the bus's part as the person left it
     * @return the edit, with status where it differs, until and reason, and outdated when the opportunity has changed
     *     since the note was written
     * @throws StartFailure when the found text is no note any more, in words that continue its path
     */
    static NoteEdit ofOpportunity(String expected, String found, ObjectNode fields) {
        NoteSections before = NoteSections.of(expected, null);
        NoteSections after = NoteSections.of(found, before.headings());
        List<String> left = different(before, after);
        if (left.remove(STATUS)) {
            fields.put(STATUS, after.field(STATUS));
            fields.put(
                    "outdated",
                    !before.fields().path(UPDATED).equals(after.fields().path(UPDATED)));
        }
        take(REASON, after, fields, left);
        if (left.remove(UNTIL)) {
            String until = after.field(UNTIL);
            fields.put(UNTIL, until != null && DAY.matcher(until).matches() ? until + "T00:00:00Z" : until);
        }
        return new NoteEdit(fields, left);
    }

    /** Whether anything of the edit is imported. */
    boolean carries() {
        return fields.has(TITLE) || fields.has("body") || fields.has(STATUS);
    }

    private static List<String> different(NoteSections before, NoteSections after) {
        List<String> different = new ArrayList<>(before.differences(after));
        different.removeAll(DERIVED);
        return different;
    }

    private static void take(String name, NoteSections note, ObjectNode fields, List<String> left) {
        if (left.remove(name) && note.field(name) != null) {
            fields.put(name, note.field(name));
        }
    }
}
