package agentbus.vault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.settings.StartFailure;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is read of an edited note: the parts that a person has changed, in their words. */
class NoteEditTest {
    private static final String MEMORY = note("status: \"active\"\n", "Give it a whole month.");

    private static String note(String fields, String summary) {
        return "---\nid: \"7\"\n" + fields + "updated: \"2026-11-20T09:30:00Z\"\ncontent_hash: \"a\"\n---\n\n"
                + "# The importer\n\nLesson of research.\n\n## Summary\n\n" + summary
                + "\n\n## Evidence\n\n- a job\n\n## Notes\n";
    }

    private static NoteEdit memory(String found) {
        return NoteEdit.ofMemory(MEMORY, found, "Give it a whole month.", Json.object());
    }

    @Test
    void a_new_title_and_text_are_taken_and_nothing_else() {
        NoteEdit edit = memory(MEMORY.replace("# The importer", "# The importer  takes days")
                .replace(
                        "Give it a whole month.",
                        "Give it single days.\n\n## My own heading\n\nThey hold since June."));

        assertEquals("The importer  takes days", edit.fields().get("title").asText());
        assertEquals(
                "Give it single days.\n\n## My own heading\n\nThey hold since June.",
                edit.fields().get("body").asText());
        assertEquals(List.of(), edit.left());
    }

    @Test
    void a_change_of_another_part_is_named_and_not_carried() {
        NoteEdit edit =
                memory(MEMORY.replace("- a job", "- two jobs").replace("status: \"active\"", "status: \"wrong\""));

        assertFalse(edit.carries());
        assertEquals(List.of("status", "## Evidence"), edit.left());
    }

    @Test
    void a_part_that_was_removed_is_a_change() {
        assertEquals(
                List.of("## Evidence"),
                memory(MEMORY.replace("## Evidence\n\n- a job\n\n", "")).left());
    }

    @Test
    void an_opportunity_s_status_comes_with_reason_and_date() {
        String before = note("status: \"new\"\n", "It pays.");
        ObjectNode fields = NoteEdit.ofOpportunity(
                        before,
                        before.replace(
                                "status: \"new\"", "status: parked\nuntil: 2026-12-15\nreason: After the release"),
                        Json.object())
                .fields();

        assertEquals("parked", fields.get("status").asText());
        assertEquals("2026-12-15T00:00:00Z", fields.get("until").asText());
        assertEquals("After the release", fields.get("reason").asText());
        assertFalse(fields.get("outdated").asBoolean());
    }

    @Test
    void a_note_older_than_its_row_is_outdated() {
        String before = note("status: \"new\"\n", "It pays.");

        assertTrue(NoteEdit.ofOpportunity(
                        before,
                        before.replace("status: \"new\"", "status: accepted").replace("2026-11-20T", "2026-11-19T"),
                        Json.object())
                .fields()
                .get("outdated")
                .asBoolean());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "---\nid: \"7\n---\n# x\n",
                "---\n- a\n- b\n---\n# x\n",
                "---\nid: 7\n# no end\n",
                "---\n\tstatus: x\n---\n",
                "---\na: &x [*x]\nb: {{\n---\n",
                "---\nstatus: a\nstatus: b: c\n---\n"
            })
    void a_front_matter_broken_by_hand_is_told_in_words(String text) {
        String words = assertThrows(StartFailure.class, () -> memory(text)).getMessage();

        assertTrue(words.startsWith("has a front matter that "), words);
    }

    @Test
    void a_note_whose_text_is_gone_carries_nothing() {
        NoteEdit edit = memory("# The importer\n");

        assertFalse(edit.carries());
        assertTrue(edit.left().containsAll(List.of("id", "status", "## Summary", "## Evidence")), edit::toString);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Use `git push` and not a_b_c; 3 < 4, a && b, 5% of x.",
                "See https://example.org/a_b?c=d&e and www.example.org.",
                "# no heading\n\n- one\n- two\n\n1. first\n2. second",
                "<b>bold</b> [[link]] ![[embed]] {{x}} $x$ %%c%% ^id #tag a::b ==mark== ~~no~~ *it* __b__",
                "```\nselect * from jobs;\n```",
                "A <% tp %> command, and `= this.file` too: 1) is no list here",
                "Zürich 東京 🚀 — “quoted” \\ back|slash"
            })
    void the_words_of_a_text_come_back_as_they_were(String text) {
        assertEquals(text, Unescaping.block(Escaping.block(text), false, ""));
    }

    @Test
    void a_quotation_of_an_untrusted_text_comes_back_without_its_warning() {
        String text = "Pay the invoice.\n\nNow.";

        assertEquals(text, Unescaping.block(Trust.block(text, "untrusted"), true, ""));
    }

    @Test
    void a_line_of_a_person_in_a_quotation_needs_no_mark() {
        String shown = Trust.block("Pay the invoice.\n\nNow.", "untrusted");

        assertEquals(
                "Pay the invoice.\n\nNow.\nAsk Anna first.",
                Unescaping.block(shown + "\nAsk Anna first.", true, "Pay the invoice.\n\nNow."));
    }

    @Test
    void lines_that_a_person_did_not_touch_stay_as_the_ledger_has_them() {
        String ledger =
                "Run:\n\n~~~jinja\n${{ a }} %%%\n  {{{x}}} <% y %>\n~~~\n\n* one\n    indented \tand *bold*\n> said";

        String edited = Escaping.block(ledger).replace("- one", "- two").replace("{ { {x", "{ { {z");

        assertEquals(ledger.replace("* one", "- two").replace("{{{x", "{{{z"), Unescaping.block(edited, false, ledger));
    }
}
