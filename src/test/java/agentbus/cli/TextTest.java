package agentbus.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.text.Json;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class TextTest {
    @Test
    void wide_characters_take_two_columns_and_marks_none() {
        assertEquals(4, Text.width("日本"));
        assertEquals(2, Text.width("😀"));
        assertEquals(1, Text.width("e\u0301"));
        assertEquals(3, Text.width("abc"));
    }

    @Test
    void a_cut_text_ends_in_an_ellipsis_and_never_splits_a_character() {
        assertEquals("abc", Text.cut("abc", 3));
        assertEquals("ab…", Text.cut("abcd", 3));
        assertEquals("日…", Text.cut("日本語", 4));
        assertEquals("…", Text.cut("😀😀", 2));
    }

    @Test
    void lines_keep_their_breaks_and_a_line_has_none() {
        assertEquals("a\n  b", Text.lines("a\r\nb\n", "  "));
        assertEquals("a b c", Text.line("a\nb\tc\r\n"));
        assertEquals("a\uFFFDb", Text.line("a\ud800b"));
    }

    @Test
    void text_is_wrapped_between_words() {
        assertEquals("one two\nthree", Text.wrapped("one two three", 8));
        assertEquals("unbreakable", Text.wrapped("unbreakable", 3));
    }

    @Test
    void a_table_counts_columns_and_not_characters() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new TextTable(
                        Json.read("[{\"a\":\"日本\",\"b\":[\"x\",\"y\"]},{\"a\":\"x\",\"b\":{\"c\":1}}]"),
                        List.of("a", "b"))
                .print(new PrintStream(bytes, true, StandardCharsets.UTF_8), "", OptionalInt.empty());
        assertEquals(
                List.of("A     B", "日本  x, y", "x     {\"c\":1}"),
                bytes.toString(StandardCharsets.UTF_8).lines().toList());
    }

    @Test
    void the_width_is_known_only_from_a_number_that_can_be_one() {
        assertEquals(OptionalInt.of(80), terminal("80").width());
        for (String columns : List.of("", "x", "0", "-5", "99999999999")) {
            assertTrue(terminal(columns).width().isEmpty(), columns);
        }
    }

    private static Terminal terminal(String columns) {
        PrintStream none = new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
        return new Terminal(new ByteArrayInputStream(new byte[0]), none, none, Map.of("COLUMNS", columns));
    }
}
