package agentbus.console;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The weight of each page on a slow line: its own files as they are sent, each compressed by itself. The libraries and the
 * list of operations come on top, and the browser has them and most files from the page before.
 */
class ConsoleWeightTest {
    private static final Path CONSOLE = Path.of("src/main/resources/console");

    /** The acceptance of the console. */
    private static final int MOST_BYTES = 60 * 1024;

    private static final Pattern IMPORT = Pattern.compile("(?m)^(?:import|export)\\b[^;]*?\"\\./([a-z-]+\\.js)\";");

    static List<String> pages() throws IOException {
        try (Stream<Path> files = Files.list(CONSOLE)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith("page-"))
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("pages")
    void a_page_with_the_frame_and_all_that_it_imports_has_at_most_60_kb(String page) throws IOException {
        Set<String> files = imported("app.js", page);
        assertTrue(files.size() > 20, () -> "the pattern no longer finds the imports: " + files);
        files.addAll(List.of("index.html", "console.css", "icon.svg"));
        int bytes = 0;
        for (String file : files) {
            bytes += compressed(file);
        }
        int all = bytes;
        assertTrue(all <= MOST_BYTES, () -> page + " has " + all + " bytes of " + MOST_BYTES + ": " + files);
    }

    /** These files, and those that they import without being asked, as the browser loads them. */
    private static Set<String> imported(String... first) throws IOException {
        Set<String> found = new TreeSet<>();
        Deque<String> left = new ArrayDeque<>(List.of(first));
        while (!left.isEmpty()) {
            String file = left.pop();
            if (found.add(file)) {
                IMPORT.matcher(Files.readString(CONSOLE.resolve(file)))
                        .results()
                        .forEach(match -> left.push(match.group(1)));
            }
        }
        return found;
    }

    private static int compressed(String file) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            Files.copy(CONSOLE.resolve(file), gzip);
        }
        return bytes.size();
    }
}
