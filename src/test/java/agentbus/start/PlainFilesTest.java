package agentbus.start;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlainFilesTest {
    @TempDir
    Path home;

    @ParameterizedTest
    @ValueSource(strings = {"select 1", "", "é", "\uFEFE"})
    void a_byte_order_mark_is_no_part_of_a_statement(String text) throws Exception {
        assertEquals(text, read(Files.writeString(home.resolve("plain.sql"), text)));
        assertEquals(text, read(Files.writeString(home.resolve("marked.sql"), "\uFEFF" + text)));
    }

    private static String read(Path file) throws IOException {
        try (InputStream in =
                new PlainFiles().createResource("file:" + file, file.toString()).getInputStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
