package agentbus.vault;

import agentbus.text.Sha256;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The text of a note in its file. The bus writes the first part, from the front matter to the heading {@code ## Notes};
 * the part below belongs to people. The first part carries its own hash in its last field, so that a note tells by
 * itself whether the bus has written it: also after a crash between the file and the database, and with a database that
 * was restored.
 *
 * @param written the part of the bus, which ends with the line of the heading; the whole text where there is no such
 *     heading
 * @param notes the part of people; empty when there is none
 */
record NoteText(String written, String notes) {
    private static final String HEADING = "\n## Notes\n";
    private static final String HASH_FIELD = "content_hash";
    private static final String MATTER_END = "\n---\n";
    private static final Pattern HASH_LINE = Pattern.compile(HASH_FIELD + ": \"([0-9a-f]{64})\"\n");

    /**
     * Makes the part of the bus.
     *
     * @param matter the fields of the front matter, without the hash
     * @param body the text between front matter and {@code ## Notes}, Markdown
     * @return a note without a part of people
     */
    static NoteText of(FrontMatter matter, String body) {
        String yaml = matter.yaml();
        String rest = "---\n\n" + body.strip().replace(HEADING, "\n### Notes\n") + "\n" + HEADING;
        String hash = Sha256.hex("---\n" + yaml + rest);
        return new NoteText("---\n" + yaml + HASH_FIELD + ": \"" + hash + "\"\n" + rest, "");
    }

    /**
     * Divides the text of a file. Line breaks of Windows count as line breaks, because some programs write all of them
     * anew.
     *
     * @param text what stands in the file
     * @return its two parts
     */
    static NoteText read(String text) {
        String plain = text.replace("\r\n", "\n");
        // The heading can be the first line, so the search begins with a line break of its own.
        int heading = ("\n" + plain).indexOf(HEADING);
        if (heading < 0) {
            return ("\n" + plain + "\n").endsWith(HEADING) ? new NoteText(plain + "\n", "") : new NoteText(plain, "");
        }
        int end = heading + HEADING.length() - 1;
        return new NoteText(plain.substring(0, end), plain.substring(end));
    }

    /** The same part of the bus with the notes of another text. */
    NoteText withNotesOf(NoteText other) {
        return new NoteText(written, other.notes);
    }

    /**
     * Whether nothing stands above {@code ## Notes}. A person drops an edit so, and a crash of the machine can leave a
     * file without content: the bus writes its part anew in both cases.
     */
    boolean isEmpty() {
        String left = written.strip();
        return left.isEmpty() || left.equals(HEADING.strip());
    }

    /** The text between front matter and {@code ## Notes}, of a note that the bus has written. */
    String body() {
        return written.substring(
                written.indexOf(MATTER_END) + MATTER_END.length(), written.length() - HEADING.length());
    }

    /** What stands in the file. */
    String text() {
        return written + notes;
    }

    /** The SHA-256 in hex of the part of the bus, as in {@code vault_notes.content_hash}. */
    String hash() {
        return Sha256.hex(written);
    }

    /** Whether the part of the bus is as the bus has written it, in this or an earlier export. */
    boolean isAsWritten() {
        int end = written.indexOf(MATTER_END);
        if (end < 0 || !written.startsWith("---\n") || !written.endsWith(HEADING)) {
            return false;
        }
        int line = written.lastIndexOf('\n', end - 1) + 1;
        Matcher field = HASH_LINE.matcher(written.substring(line, end + 1));
        return field.matches()
                && Sha256.hex(written.substring(0, line) + written.substring(end + 1))
                        .equals(field.group(1));
    }
}
