package agentbus.db;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * An older node leaves the functions of a newer one alone, and knows a newer one by the number of its last migration. So
 * functions and views must not change without a new migration, once they are out; {@code sql/releases.txt} remembers what is.
 */
class SchemaReleaseTest {
    private static final Path SQL = Path.of("sql");

    @Test
    void functions_and_views_do_not_change_without_a_new_migration() throws Exception {
        List<String> releases = Files.readAllLines(SQL.resolve("releases.txt")).stream()
                .filter(line -> !line.startsWith("#"))
                .toList();
        String[] last = releases.get(releases.size() - 1).split(" ");

        assertEquals(newestMigration(), last[0], "sql/releases.txt lacks a line for the newest migration");
        assertEquals(
                hash(),
                last[1],
                "Functions or views have changed since " + last[0]
                        + ". If that is out, add a migration that says why (it may be"
                        + " empty) and a line to sql/releases.txt; if not, replace the hash there.");
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
                    digest.update(file.getFileName().toString().getBytes(StandardCharsets.UTF_8));
                    digest.update(Files.readAllBytes(file));
                }
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
