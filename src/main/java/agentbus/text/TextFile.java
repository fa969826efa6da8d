package agentbus.text;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

/**
 * Reads the text files that people write. The encoding is UTF-8, with or without a byte order mark at the start; any
 * other encoding is refused, because it would silently change letters.
 */
public final class TextFile {
    private static final String MARK = "\uFEFF";

    private TextFile() {}

    /**
     * Reads a file.
     *
     * @param file the file
     * @return its text without a byte order mark
     * @throws NotUtf8 if it is not UTF-8; the message names the line and not the file
     * @throws IOException if it cannot be read
     */
    public static String read(Path file) throws IOException {
        return decode(Files.readAllBytes(file));
    }

    /**
     * Decodes the content of a file.
     *
     * @param bytes the content
     * @return its text without a byte order mark
     * @throws NotUtf8 if it is not UTF-8; the message names the line
     */
    public static String decode(byte[] bytes) throws NotUtf8 {
        if (startsWith(bytes, 0xFE, 0xFF) || startsWith(bytes, 0xFF, 0xFE)) {
            throw new NotUtf8("it is UTF-16 and must be UTF-8; save it as UTF-8");
        }
        // Java reads plain ASCII this way at once, and puts U+FFFD in the place of what is not UTF-8.
        String text = new String(bytes, StandardCharsets.UTF_8);
        if (text.indexOf('\uFFFD') >= 0) {
            requireUtf8(bytes);
        }
        return text.startsWith(MARK) ? text.substring(1) : text;
    }

    /** A text may also contain U+FFFD itself. */
    private static void requireUtf8(byte[] bytes) throws NotUtf8 {
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        ByteBuffer in = ByteBuffer.wrap(bytes);
        // A sequence that the end cuts off is an error as well, because the decoder knows that nothing follows.
        CoderResult result = decoder.decode(in, CharBuffer.allocate(bytes.length), true);
        if (result.isError()) {
            throw new NotUtf8("line " + line(bytes, in.position()) + " has the byte 0x"
                    + HexFormat.of().withUpperCase().toHexDigits(bytes[in.position()])
                    + ", which is not UTF-8 (it may be Latin-1); save it as UTF-8");
        }
    }

    private static boolean startsWith(byte[] bytes, int first, int second) {
        return bytes.length >= 2 && bytes[0] == (byte) first && bytes[1] == (byte) second;
    }

    private static int line(byte[] bytes, int end) {
        int line = 1;
        for (int i = 0; i < end; i++) {
            if (bytes[i] == '\n') {
                line++;
            }
        }
        return line;
    }

    /** A text that is not UTF-8. The message is a sentence about the text, for people. */
    public static final class NotUtf8 extends IOException {
        private static final long serialVersionUID = 1L;

        NotUtf8(String message) {
            super(message);
        }
    }
}
