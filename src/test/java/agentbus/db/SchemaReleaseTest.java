package agentbus.db;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * An older node leaves the functions of a newer one alone, and knows a newer one by the number of its last migration. So
 * functions and views that were released must not change without a new migration. {@code sql/releases.txt} holds one line for
 * each release, which the build writes: release, newest migration, hash of functions and views.
 */
class SchemaReleaseTest {
    private static final Path SQL = Path.of("sql");
    private static final Path RELEASES = SQL.resolve("releases.txt");

    @Test
    void released_functions_and_views_do_not_change_without_a_new_migration() throws Exception {
        List<String[]> releases = releases();
        if (releases.isEmpty()) {
            return;
        }
        String[] last = releases.get(releases.size() - 1);
        if (newestMigration().compareTo(last[1]) > 0) {
            return;
        }

        assertEquals(last[1], newestMigration(), "release " + last[0] + " has a migration that is gone");
        assertEquals(
                last[2],
                hash(),
                "Functions or views have changed since release " + last[0]
                        + ", and a node of that release would put its own"
                        + " back at its next start. Add a migration that says why; a comment alone is enough.");
    }

    @Test
    void migrations_are_numbered_without_gaps() throws IOException {
        List<Integer> numbers = migrations().stream()
                .map(name -> Integer.valueOf(name.substring(1, 5)))
                .toList();

        for (int i = 0; i < numbers.size(); i++) {
            assertEquals(i + 1, numbers.get(i));
        }
        assertTrue(numbers.size() >= 4);
    }

    /** Part of cutting a release: {@code ./mvnw test -Dtest=SchemaReleaseTest -Dagentbus.release=1.0.0}. */
    @Test
    @EnabledIfSystemProperty(named = "agentbus.release", matches = ".+")
    void a_release_is_recorded() throws Exception {
        String release = System.getProperty("agentbus.release");
        assertTrue(release.matches("[0-9]+\\.[0-9]+\\.[0-9]+"), release + " is no version such as 1.0.0");
        assertFalse(releases().stream().anyMatch(line -> line[0].equals(release)), release + " is recorded already");

        Files.writeString(
                RELEASES,
                release + " " + newestMigration() + " " + hash() + System.lineSeparator(),
                StandardOpenOption.APPEND);
    }

    private static List<String[]> releases() throws IOException {
        return Files.readAllLines(RELEASES).stream()
                .filter(line -> !line.startsWith("#") && !line.isBlank())
                .map(line -> line.split(" "))
                .toList();
    }

    private static String newestMigration() throws IOException {
        List<String> names = migrations();
        return names.get(names.size() - 1).substring(0, 5);
    }

    private static List<String> migrations() throws IOException {
        try (Stream<Path> files = Files.list(SQL.resolve("migrations"))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static String hash() throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (String folder : List.of("functions", "views")) {
            try (Stream<Path> files = Files.walk(SQL.resolve(folder))) {
                for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                    digest.update(SQL.relativize(file).toString().getBytes(StandardCharsets.UTF_8));
                    digest.update(Files.readAllBytes(file));
                }
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
