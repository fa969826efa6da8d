package agentbus.console;

import agentbus.text.Sha256;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/**
 * One file of the console, ready to be sent.
 *
 * @param bytes the content
 * @param gzip the content, compressed
 * @param type the media type
 * @param tag the value of ETag
 */
record ConsoleFile(byte[] bytes, byte[] gzip, String type, String tag) {
    private static final Map<String, String> TYPES = Map.of(
            "html", "text/html; charset=utf-8",
            "css", "text/css; charset=utf-8",
            "js", "text/javascript; charset=utf-8",
            "map", "application/json",
            "svg", "image/svg+xml",
            "webmanifest", "application/manifest+json");

    /** How many characters of a hash tell one content from another. Chosen: 64 bits. */
    static final int HASH_LENGTH = 16;

    /**
     * Makes a file.
     *
     * @param name its name, whose ending decides the media type
     * @param bytes its content
     * @return the file
     * @throws IllegalStateException when the ending is none that the console serves
     */
    static ConsoleFile of(String name, byte[] bytes) {
        String type = TYPES.get(name.substring(name.lastIndexOf('.') + 1));
        if (type == null) {
            throw new IllegalStateException("the console serves no file such as " + name + "; it serves "
                    + TYPES.keySet().stream().sorted().toList());
        }
        // Weak, because it stands for the compressed bytes as well.
        String tag = "W/\"" + Sha256.hex(bytes).substring(0, HASH_LENGTH) + "\"";
        return new ConsoleFile(bytes, compressed(bytes), type, tag);
    }

    private static byte[] compressed(byte[] bytes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        } catch (IOException inMemory) {
            throw new UncheckedIOException(inMemory);
        }
        return out.toByteArray();
    }
}
