package agentbus.vault;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;

/**
 * Gives each note its path. A path that was given once stays for ever, whatever becomes of the title. All paths differ
 * also where a file system ignores case.
 */
final class NoteNames {
    /** The end of each note's name. */
    static final String ENDING = ".md";
    /** The end of the name of a newer projection beside an edited note. */
    static final String CONFLICT_ENDING = ".conflict.md";

    /** Chosen: whole in the sidebar of an editor. */
    private static final int SLUG_LENGTH = 60;
    /** Chosen: with date, kind and id far below 255 bytes, which is the most of common file systems. */
    private static final int SLUG_BYTES = 120;

    private static final int SHORT_ID = 8;

    private final Set<String> taken = new HashSet<>();

    /**
     * Keeps a path for the note that has it.
     *
     * @param path the path below the folder
     */
    void keep(String path) {
        taken.add(fold(path));
    }

    /**
     * The path of a new note of a row with a date and a title.
     *
     * @param folder its folder below the vault
     * @param kind its kind, as the name shows it
     * @param entry the row
     * @return a path that no other note has; it is kept
     */
    String dated(String folder, String kind, Entry entry) {
        String id = entry.key().rowId().replace("-", "");
        String slug = slug(entry.title());
        for (int length = SHORT_ID; ; length += 4) {
            String shortId = id.substring(Math.max(0, id.length() - length));
            String path = folder + "/" + entry.day() + "-" + kind.replace('_', '-') + (slug.isEmpty() ? "" : "-" + slug)
                    + "-" + shortId + ENDING;
            if (taken.add(fold(path))) {
                return path;
            }
            if (length >= id.length()) {
                throw new IllegalStateException(
                        "two rows have the id " + entry.key().rowId());
            }
        }
    }

    /**
     * The path of a new note with a name of its own, such as the note of a theme.
     *
     * @param folder its folder below the vault
     * @param name the name, which may be any text
     * @return a path that no other note has, with a number behind the name if need be; it is kept
     */
    String named(String folder, String name) {
        String slug = slug(name);
        String base = slug.isEmpty() ? "untitled" : slug;
        for (int number = 1; ; number++) {
            String path = folder + "/" + base + (number == 1 ? "" : "-" + number) + ENDING;
            if (taken.add(fold(path))) {
                return path;
            }
        }
    }

    /**
     * The path of a new note in a folder of its own, such as that of an agent.
     *
     * @param folder the folder above
     * @param name the name of folder and note, which may be any text
     * @return a path that no other note has; it is kept
     */
    String inOwnFolder(String folder, String name) {
        String base = named(folder, name);
        String own = base.substring(0, base.length() - ENDING.length());
        String path = own + base.substring(folder.length());
        keep(path);
        return path;
    }

    /**
     * Turns a title into a part of a file's name: its letters and digits in lower case, other characters as one hyphen.
     * No slash, dot, mark of direction or reserved character is left. A reserved name of Windows cannot come about in a
     * dated note, and gets a hyphen otherwise.
     *
     * @param title any text
     * @return at most 60 characters and 120 bytes; empty when the title has neither a letter nor a digit
     */
    static String slug(String title) {
        String lower = Normalizer.normalize(title, Normalizer.Form.NFKC).toLowerCase(Locale.ROOT);
        StringBuilder slug = new StringBuilder();
        int bytes = 0;
        int characters = 0;
        boolean gap = false;
        int word = 0;
        for (int i = 0; i < lower.length(); i += Character.charCount(lower.codePointAt(i))) {
            int c = lower.codePointAt(i);
            if (!isPart(c)) {
                gap = !slug.isEmpty();
                continue;
            }
            String character = Character.toString(c);
            int length = character.getBytes(StandardCharsets.UTF_8).length;
            if (characters + 1 + (gap ? 1 : 0) > SLUG_LENGTH || bytes + length + 1 > SLUG_BYTES) {
                // The name ends with a whole word where there is one.
                if (!gap && word > 0) {
                    slug.setLength(word);
                }
                break;
            }
            if (gap) {
                word = slug.length();
                slug.append('-');
                bytes++;
                characters++;
                gap = false;
            }
            slug.append(character);
            bytes += length;
            characters++;
        }
        String name = Normalizer.normalize(slug, Normalizer.Form.NFC);
        return isReserved(name) ? name + "-" : name;
    }

    /** The path of the newer projection beside an edited note. */
    static String conflict(String path) {
        return path.substring(0, path.length() - ENDING.length()) + CONFLICT_ENDING;
    }

    /** The form in which two paths are compared. */
    private static String fold(String path) {
        return Normalizer.normalize(path, Normalizer.Form.NFC)
                .toUpperCase(Locale.ROOT)
                .toLowerCase(Locale.ROOT);
    }

    private static boolean isPart(int c) {
        return Character.isLetterOrDigit(c)
                || Character.getType(c) == Character.NON_SPACING_MARK
                || Character.getType(c) == Character.COMBINING_SPACING_MARK;
    }

    private static boolean isReserved(String name) {
        return name.matches("con|prn|aux|nul|com[0-9]|lpt[0-9]");
    }
}
