package agentbus.console;

import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Door;
import agentbus.settings.ProgramFiles;
import agentbus.settings.Settings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The weight on a slow line of each page that is opened first, with all that comes, as the files are sent.
 */
class ConsoleWeightTest {
    private static final ConsoleFiles FILES =
            new ConsoleFiles(new ProgramFiles(Settings.load(Path.of(""), Map.of(), Map.of())), Door.CONTRACT);

    /** The acceptance of the console. */
    private static final int MOST_BYTES = 60 * 1024;

    private static final Pattern IMPORT = Pattern.compile("(?m)\\bimport [^;]*?\"\\./([a-z-]+\\.js)\";");

    static List<String> pages() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("src/main/resources", ConsoleFiles.FOLDER))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith("page-") && !name.equals("page-needs-me.js"))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void the_first_load_of_needs_me_has_at_most_60_kb_with_libraries_and_icons() {
        requireLight("console.css", "icon.svg", "icon-attention.svg", "start.js");
    }

    @ParameterizedTest
    @MethodSource("pages")
    void a_page_with_the_start_and_all_that_it_imports_has_at_most_60_kb(String page) {
        Set<String> files = imported("start.js", page);
        assertTrue(files.size() > 1, () -> "the pattern no longer finds the imports: " + files);
        files.addAll(List.of("console.css", "icon.svg"));
        requireLight(files.toArray(String[]::new));
    }

    private static void requireLight(String... files) {
        int bytes = FILES.page().gzip().length;
        for (String file : files) {
            bytes += file(file).gzip().length;
        }
        int all = bytes;
        assertTrue(all <= MOST_BYTES, () -> all + " bytes of " + MOST_BYTES + ": " + List.of(files));
    }

    private static ConsoleFile file(String name) {
        return FILES.find(FILES.version() + "/" + name).orElseThrow(() -> new AssertionError("no file " + name));
    }

    /** These files, and those that they import without being asked, as the browser loads them. */
    private static Set<String> imported(String... first) {
        Set<String> found = new TreeSet<>();
        Deque<String> left = new ArrayDeque<>(List.of(first));
        while (!left.isEmpty()) {
            String file = left.pop();
            if (found.add(file)) {
                IMPORT.matcher(new String(file(file).bytes(), StandardCharsets.UTF_8))
                        .results()
                        .forEach(match -> left.push(match.group(1)));
            }
        }
        return found;
    }
}
