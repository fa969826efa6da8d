package agentbus.vault;

import agentbus.settings.StartFailure;
import agentbus.text.Json;
import agentbus.text.Sha256;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.regex.Pattern;

/** A note that a person has put into {@code 00 Inbox}, as the SQL function {@code vault_import_call} takes it. */
final class InboxNote {
    /** The folder for notes that have been imported. */
    static final String IMPORTED = Folders.INBOX + "/Imported";

    private static final List<String> TEXTS = List.of("theme", "agent", "subject", "reason");

    /** Fields by which web clippers name the page that they have copied. */
    private static final List<String> SOURCES = List.of("source", "url");
    /** An address that evidence may name, as the contract has it. */
    private static final Pattern PAGE = Pattern.compile("https?://[^\\s]{1,990}");

    private InboxNote() {}

    /**
     * Reads a note. Its title is the first heading, or else the name of its file; all that stands below is its text. A
     * note that names a source is untrusted, because its words are those of that source.
     *
     * @param path its path in the vault
     * @param text what stands in the file
     * @return the fields of the edit
     * @throws StartFailure when its front matter cannot be read, in words that continue the path
     */
    static ObjectNode read(String path, String text) {
        NoteSections note = NoteSections.of(text.replace("\r\n", "\n"), List.of());
        ObjectNode edit = Json.object().put("kind", "inbox").put("hash", Sha256.hex(text));
        if (note.field("kind") != null) {
            edit.put("noteKind", note.field("kind"));
        }
        for (String name : TEXTS) {
            if (note.field(name) != null) {
                edit.put(name, note.field(name));
            }
        }
        boolean names = SOURCES.stream()
                .map(name -> note.fields().path(name))
                .anyMatch(source -> !source.isEmpty()
                        || source.isValueNode()
                                && !source.isNull()
                                && !source.asText().isBlank());
        if (names) {
            edit.put("trust", "untrusted");
            SOURCES.stream()
                    .map(name -> String.valueOf(note.field(name)))
                    .filter(address -> PAGE.matcher(address).matches())
                    .findFirst()
                    .ifPresent(page -> edit.put("url", page));
        } else if (note.field("trust") != null) {
            edit.put("trust", note.field("trust"));
        }
        JsonNode priority = note.fields().path("priority");
        if (!priority.isMissingNode() && !priority.isNull()) {
            edit.set("priority", priority);
        }
        JsonNode tags = note.fields().path("tags");
        if (tags.isTextual() && !tags.asText().isBlank()) {
            List.of(tags.asText().strip().split("[,\\s]+")).forEach(edit.withArray("tags")::add);
        } else if (tags.isArray()) {
            edit.set("tags", tags);
        }
        edit.put("title", note.field("title") != null ? note.field("title") : titleOf(path, note));
        String body = note.sections().get("");
        if (!body.isEmpty()) {
            edit.put("body", body);
        }
        return edit;
    }

    private static String titleOf(String path, NoteSections note) {
        String name = path.substring(path.lastIndexOf('/') + 1);
        return note.title().isEmpty() ? name.substring(0, name.length() - NoteNames.ENDING.length()) : note.title();
    }
}
