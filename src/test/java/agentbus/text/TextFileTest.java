package agentbus.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class TextFileTest {
    @Test
    void a_text_is_utf_8_with_or_without_a_byte_order_mark() throws Exception {
        assertEquals("Köln\n", TextFile.decode("Köln\n".getBytes(StandardCharsets.UTF_8)));
        assertEquals("Köln\n", TextFile.decode("\uFEFFKöln\n".getBytes(StandardCharsets.UTF_8)));
        assertEquals("", TextFile.decode(new byte[0]));
        assertEquals(
                "a sign for what is no text: \uFFFD",
                TextFile.decode("a sign for what is no text: \uFFFD".getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void another_encoding_is_refused_with_the_line() {
        assertEquals(
                "line 2 has the byte 0xF6, which is not UTF-8 (it may be Latin-1); save it as UTF-8",
                refusal("a\nKöln\n".getBytes(StandardCharsets.ISO_8859_1)));
        assertEquals(
                "line 1 has the byte 0xC3, which is not UTF-8 (it may be Latin-1); save it as UTF-8",
                refusal(new byte[] {'a', (byte) 0xC3}));
        assertEquals(
                "it is UTF-16 and must be UTF-8; save it as UTF-8", refusal("a".getBytes(StandardCharsets.UTF_16)));
        assertEquals(
                "it is UTF-16 and must be UTF-8; save it as UTF-8",
                refusal(new byte[] {(byte) 0xFF, (byte) 0xFE, 'a', 0}));
    }

    private static String refusal(byte[] bytes) {
        return assertThrows(TextFile.NotUtf8.class, () -> TextFile.decode(bytes))
                .getMessage();
    }
}
