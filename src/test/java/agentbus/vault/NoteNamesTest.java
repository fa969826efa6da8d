package agentbus.vault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A note has a name that every file system takes, whatever the title. */
class NoteNamesTest {
    private final NoteNames names = new NoteNames();

    private static Entry entry(String id, String title) {
        return new Entry(
                new NoteKey("idea", id), title, "new", "research", "supply", null, "2026-11-28T09:30:00Z", true);
    }

    private String dated(String id, String title) {
        return names.dated(Folders.IDEAS, "idea", entry(id, title));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "The registry answers slowly | the-registry-answers-slowly",
                "a/b\\c:d*e?f\"g<h>i.j        | a-b-c-d-e-f-g-h-i-j",
                "../../etc/passwd            | etc-passwd",
                "Über die Größe              | über-die-größe",
                "発注の遅れ                   | 発注の遅れ",
                "Fire 🔥 in build             | fire-in-build",
                "CON                         | con-",
                "nul                         | nul-",
                "Trailing dots...            | trailing-dots",
                "''                          | ''",
                "🔥🔥                         | ''"
            })
    void a_title_becomes_letters_and_digits(String title, String slug) {
        assertEquals(slug, NoteNames.slug(title));
    }

    @Test
    void marks_of_direction_and_hidden_characters_are_left_out() {
        assertEquals("invoice-exe", NoteNames.slug("invoice\u202e\u200b.exe\u2066"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"word ", "W", "语", "🔥", "é", "\u0645"})
    void a_title_of_400_characters_gives_a_short_name(String part) {
        String slug = NoteNames.slug(part.repeat(400 / part.length()));

        assertTrue(slug.codePointCount(0, slug.length()) <= 60, slug);
        assertTrue(slug.getBytes(StandardCharsets.UTF_8).length <= 120, slug);
        assertFalse(slug.startsWith("-") || slug.endsWith("-"), slug);
        assertTrue(Normalizer.isNormalized(slug, Normalizer.Form.NFC), slug);
    }

    @Test
    void a_long_title_is_cut_between_two_words() {
        assertEquals(
                "the-mirror-of-the-registry-is-slower-than-the-registry",
                NoteNames.slug("The mirror of the registry is slower than the registry itself was"));
    }

    @Test
    void a_name_shows_date_kind_title_and_the_end_of_the_id() {
        assertEquals("02 Ideas/2026-11-28-idea-one-a2930d71.md", dated("01a225d9-57ea-735a-84ca-9b5da2930d71", "One"));
    }

    @Test
    void names_that_differ_only_in_case_or_in_the_form_of_letters_get_longer_ids() {
        String first = dated("01a225d9-57ea-735a-84ca-9b5da2930d71", "One");

        String second = dated("11a225d9-57ea-735a-84ca-9b5ea2930d71", "ONE");

        assertEquals("02 Ideas/2026-11-28-idea-one-9b5ea2930d71.md", second);
        assertNotEquals(first, second);
        names.keep("02 Ideas/Themes/STRASSE.md");
        assertEquals("02 Ideas/Themes/strasse-2.md", names.named(Folders.THEMES, "Strasse"));
    }

    @Test
    void many_notes_with_one_title_have_different_names() {
        long different = java.util.stream.IntStream.range(0, 2_000)
                .mapToObj(i -> dated(new UUID(i, 7).toString(), "Same"))
                .distinct()
                .count();

        assertEquals(2_000, different);
    }
}
