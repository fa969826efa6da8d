package agentbus.vault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A text of others is shown in its words, and nothing in it works. */
class EscapingTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '¦',
            quoteCharacter = '´',
            value = {
                "plain words, 40 s and snake_case   ¦ plain words, 40 s and snake_case",
                "[[Home]] and ![[a.png]]            ¦ \\[\\[Home\\]\\] and !\\[\\[a.png\\]\\]",
                "[x](javascript:alert(1))           ¦ \\[x\\](javascript:alert(1))",
                "see https://x.org/a?b=c.           ¦ see `https://x.org/a?b=c`.",
                "obsidian://open?vault=x            ¦ `obsidian://open?vault=x`",
                "www.x.org                          ¦ `www.x.org`",
                "<b>x</b> a < b                     ¦ &lt;b>x&lt;/b> a < b",
                "<%* tp.x() %>                      ¦ &lt;&#37;\\* tp.x() %>",
                "%%hidden%%                         ¦ %&#37;hidden%&#37;",
                "`= this.file` and `$= dv`          ¦ \\`= this.file\\` and \\`\\$= dv\\`",
                "run `npm ci`                       ¦ run `npm ci`",
                "status:: done                      ¦ status:\\: done",
                "#tag C# a#b                        ¦ \\#tag C# a#b",
                "text ^block                        ¦ text \\^block",
                "5 $ and $x$                        ¦ 5 \\$ and \\$x\\$",
                "&lt;script>                        ¦ &amp;lt;script>",
                "{{title}}                          ¦ \\{\\{title\\}\\}",
                "**bold** ==mark== ~~gone~~         ¦ \\*\\*bold\\*\\* \\=\\=mark\\=\\= \\~\\~gone\\~\\~",
                "a | b                              ¦ a \\| b",
            })
    void a_line_keeps_its_words_and_loses_its_meaning(String text, String markdown) {
        assertEquals(markdown, Escaping.line(text));
        assertEquals(text, Unescaping.line(markdown), "an import gets the words back");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '¦',
            value = {
                "# Head           ¦ \\# Head",
                "---              ¦ \\---",
                "===              ¦ \\=\\=\\=",
                "> [!note] x      ¦ \\> \\[!note\\] x",
                "- [ ] task       ¦ - \\[ \\] task",
                "* item           ¦ - item",
                "12. item         ¦ 12. item",
                "1.) x            ¦ 1\\.) x",
                "    indented     ¦ indented",
                "## Notes         ¦ \\## Notes",
            })
    void a_beginning_of_a_line_makes_no_block_but_a_list(String text, String markdown) {
        assertEquals(markdown.replace("\\## Notes", "\\#\\# Notes"), Escaping.block(text));
    }

    @Test
    void paragraphs_and_lists_stay() {
        assertEquals("One.\n\n- a\n    - b\n\nTwo.", Escaping.block("One.\n\n\n- a\n  - b\n\nTwo.\n"));
    }

    @Test
    void a_block_of_code_is_shown_as_text_of_no_language() {
        assertEquals(
                "Run:\n\n```text\nalert(1)\n< % x % >\n```\n\nend",
                Escaping.block("Run:\n```dataviewjs\nalert(1)\n<% x %>\n```\nend"));
    }

    @Test
    void a_block_of_code_without_an_end_ends_with_the_text() {
        assertEquals("````text\na\n```\n````", Escaping.block("~~~\na\n```"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a\u202eb", "a\u200bb", "a\u0000b", "a\u2066b", "a\ufeffb", "a\udb40\udc41b", "a\u00adb"})
    void hidden_characters_are_left_out(String text) {
        String shown = Escaping.line(text).replace("\ufffd", "");

        assertEquals("ab", shown);
    }

    @Test
    void a_label_can_neither_end_its_link_nor_begin_another() {
        String label = Escaping.label("a]] [[b|c <%x%> `= y` \n d");

        assertFalse(label.matches("(?s).*(\\[|\\]|\\||<|`|\\n).*"), label);
        assertEquals("untitled", Escaping.label(" \u200b"));
    }

    @Test
    void data_of_the_front_matter_holds_no_link_and_no_command() {
        assertEquals("((x)) ‹%y%› a: :b", Escaping.data("[[x]]\n<%y%> a::b"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '¦',
            quoteCharacter = '´',
            value = {
                "converted_to_job               ¦ converted_to_job",
                "2026-11-20T09:30:00Z           ¦ 2026-11-20T09:30:00Z",
                "Fix it now! (100 %)            ¦ Fix it now! (100 %)",
                "`$= dv.pages()` `= this.file`  ¦ '$= dv.pages()' '= this.file'",
                "= this.file                    ¦ this.file",
                "$= dv.pages()                  ¦ dv.pages()",
                "![](https://x.org/a.png)       ¦ ()(https ://x.org/a.png)",
                "[x](obsidian://open)           ¦ (x)(obsidian ://open)",
                "<img src=x>                    ¦ ‹img src=x›",
                "see www.x.org                  ¦ see www .x.org",
            })
    void data_of_the_front_matter_is_plain_where_dataview_shows_it(String text, String data) {
        assertEquals(data, Escaping.data(text));
    }

    @Test
    void three_characters_in_a_row_are_taken_apart_as_two_are() {
        assertEquals("% % % : : : = = = ~ ~ ~ ((((", Escaping.label("%%% ::: === ~~~ {{{{"));
        assertEquals("% % % : : : { { { {", Escaping.data("%%% ::: {{{{"));
        assertEquals("```text\n% % % { { { {\n```", Escaping.block("```\n%%% {{{{\n```"));
    }

    @Test
    void prose_of_the_bus_keeps_its_form() {
        assertEquals(
                "1. **Decide:** it. See \\[x\\](y) &lt;b> %&#37;",
                Escaping.prose("1. **Decide:** it. See [x](y) <b> %%"));
    }
}
