package agentbus.start;

import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.ResourceResolverSupport;
import org.apache.camel.support.ResourceSupport;

/**
 * Gives Camel the file that is named as {@code file:…}, by its path as it is. Camel 4.17 decodes the path first, so it finds no
 * file below a directory such as {@code c++} or {@code 100%25}; its search for route files does not decode.
 */
final class PlainFiles extends ResourceResolverSupport {
    /** The name by which Camel 4.17 looks for the resolver of a scheme (DefaultResourceLoader). */
    static final String BEAN = "resource-loader-file";

    private static final byte[] MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

    /** A resolver. */
    PlainFiles() {
        super("file");
    }

    @Override
    protected Resource createResource(String location, String remaining) {
        Path file = file(remaining.replaceFirst("^//", ""));
        return new ResourceSupport(getSupportedScheme(), location) {
            @Override
            public boolean exists() {
                return Files.exists(file);
            }

            @Override
            public InputStream getInputStream() throws IOException {
                return withoutMark(Files.newInputStream(file));
            }
        };
    }

    /** Leaves out a byte order mark at the start, which Postgres and Camel would take for a part of the text. */
    private static InputStream withoutMark(InputStream file) throws IOException {
        PushbackInputStream content = new PushbackInputStream(file, MARK.length);
        byte[] start = content.readNBytes(MARK.length);
        if (!Arrays.equals(start, MARK)) {
            content.unread(start);
        }
        return content;
    }

    /** A path of a route may be written with escapes, as Camel has it; then no file has the path as it is. */
    private static Path file(String path) {
        Path plain = Path.of(path);
        if (Files.exists(plain)) {
            return plain;
        }
        try {
            return Path.of(URLDecoder.decode(path, StandardCharsets.UTF_8));
        } catch (IllegalArgumentException noEscapes) {
            return plain;
        }
    }
}
