package agentbus.vault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Folders, disks, links, names and texts that are not as they should be: words, and nothing is lost. */
@ExtendWith(PostgresExtension.class)
class VaultBadInputTest {
    private static final List<String> TITLES = List.of(
            "a/b\\c:d*e?f\"g<h>i|j",
            "../../etc/passwd",
            "\u202Egnp.exe\u202C and \u200B hidden \uFEFF marks \u2066x\u2069",
            "🚀🚀🚀 👩‍👩‍👧‍👦 ｆｕｌｌ ﷽",
            "CON",
            "nul.md",
            "com1",
            "...",
            "   ",
            ".hidden",
            "trailing dot.",
            "line\nbreak\tand\u0007bell",
            "東京の朝は早い 東京の朝は早い 東京の朝は早い 東京の朝は早い",
            "## Notes",
            "---");

    private final TestDatabase database;
    private final List<Path> mounts = new ArrayList<>();

    @TempDir
    private Path home;

    private Vault vault;

    VaultBadInputTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void empty() {
        database.clear();
        database.agents(Map.of("research", new String[] {"research.packet"}));
        vault = new Vault(database, home.resolve("vault"));
    }

    @AfterEach
    void close() throws InterruptedException {
        vault.close();
        for (Path mount : mounts) {
            ran("umount", mount.toString());
        }
    }

    private void idea(String title) {
        database.jdbc()
                .update(
                        "insert into ideas (namespace, source_agent, theme, title, body, created_at)"
                                + " values ('default', 'research', 'supply chain', ?, 'Each build waits.', '2026-11-20Z')",
                        title);
    }

    private String refused() {
        return assertThrows(StartFailure.class, vault::export).getMessage();
    }

    private String failure() {
        return database.jdbc().queryForObject("select export_error from vaults", String.class);
    }

    /** A small file system of its own in a folder of the vault, or the vault itself. */
    private void mount(Path folder, String options) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        assumeTrue(
                ran("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder.toString()),
                "SKIPPED: this machine mounts no small disk (needs root)");
        mounts.add(0, folder);
    }

    private static boolean ran(String... command) throws InterruptedException {
        try {
            return new ProcessBuilder(command).start().waitFor() == 0;
        } catch (IOException noProgram) {
            return false;
        }
    }

    /** Every file below a folder with its bytes, hidden ones too. */
    private static Map<String, String> everything(Path folder) throws IOException {
        Map<String, String> all = new TreeMap<>();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                all.put(folder.relativize(file).toString(), Files.readString(file, StandardCharsets.ISO_8859_1));
            }
        }
        return all;
    }

    @Test
    void a_folder_that_is_not_ours_is_refused_and_left_as_it_is() throws IOException {
        Files.createDirectories(vault.folder());
        Files.writeString(vault.file("thesis.md"), "mine");
        idea("One");

        String said = refused();

        assertTrue(
                said.contains("holds other files (thesis.md)") && said.contains("name an empty or a new folder"), said);
        assertEquals(Map.of("thesis.md", "mine"), everything(vault.folder()));
        assertEquals(0, database.jdbc().queryForObject("select count(*) from vaults", Integer.class));
    }

    @Test
    void a_file_in_the_place_of_the_folder_is_refused() throws IOException {
        Files.writeString(vault.folder(), "a file");

        assertTrue(refused().contains(vault.folder().toString()));
        assertEquals("a file", Files.readString(vault.folder()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "{\"vaultId\": \"7\"}", "\u0000\u0001"})
    void a_broken_marker_is_refused_and_says_how_it_must_be(String marker) throws IOException {
        vault.export();
        idea("One");
        Files.writeString(vault.file(".agentbus-vault.json"), marker);
        Map<String, String> before = everything(vault.folder());

        String said = refused();

        assertTrue(said.contains(".agentbus-vault.json is broken") && said.contains("backup"), said);
        assertEquals(before, everything(vault.folder()));
    }

    @Test
    void the_vault_of_another_bus_is_refused_by_export_verification_and_import() throws IOException {
        idea("One");
        vault.export();
        database.jdbc().update("delete from vault_notes");
        database.jdbc().update("delete from vaults");
        Map<String, String> before = everything(vault.folder());

        for (String said : List.of(
                refused(),
                assertThrows(StartFailure.class, vault::verify).getMessage(),
                assertThrows(StartFailure.class, () -> vault.apply("yes")).getMessage())) {
            assertTrue(said.contains("which this database does not know: another bus writes it"), said);
        }
        assertEquals(before, everything(vault.folder()));
    }

    @Test
    void of_two_exports_at_once_one_is_told() throws IOException {
        vault.export();
        idea("One");
        try (FileChannel other = FileChannel.open(vault.file(".agentbus-vault.lock"), StandardOpenOption.WRITE)) {
            other.lock();

            assertTrue(refused().contains("another process writes the vault in " + vault.folder()));
        }
        vault.export();
        assertEquals(List.of(), vault.differences());
    }

    @Test
    void a_folder_that_cannot_be_written_is_told_and_can_still_be_read() throws IOException, InterruptedException {
        mount(vault.folder(), "size=1m");
        idea("One");
        vault.export();
        vault.write("00 Inbox/new.md", "An idea about the cache.");
        idea("Two");
        assumeTrue(
                ran("mount", "-o", "remount,ro", vault.folder().toString()), "SKIPPED: this machine remounts nothing");
        Map<String, String> before = everything(vault.folder());

        String said = refused();

        assertTrue(
                said.contains("cannot write into " + vault.folder()) && said.contains("Read-only file system"), said);
        assertEquals(before, everything(vault.folder()));
        assertTrue(vault.verify().waiting() + vault.verify().differences().size() > 0, "it is compared all the same");
        assertEquals(1, vault.plan().lines().size(), "and the plan of an import is shown");
        assertTrue(assertThrows(StartFailure.class, () -> vault.apply("yes"))
                .getMessage()
                .contains("Read-only file system"));
        assertEquals(
                1, database.jdbc().queryForObject("select count(*) from ideas where title = 'Two'", Integer.class));
    }

    @Test
    void a_full_disk_keeps_every_note_whole_and_the_next_export_goes_on() throws IOException, InterruptedException {
        mount(vault.folder(), "size=300k");
        idea("One");
        vault.export();
        Map<String, String> before = vault.notes();
        for (int i = 0; i < 120; i++) {
            idea("Number " + i);
        }

        String said = refused();

        assertTrue(said.contains("No space left on device"), said);
        assertTrue(failure().contains("No space left on device"), failure());
        for (Map.Entry<String, String> note : vault.notes().entrySet()) {
            assertTrue(
                    NoteText.read(note.getValue()).isAsWritten(),
                    () -> note.getKey() + " is half a note: " + note.getValue());
        }
        assertTrue(vault.notes().keySet().containsAll(before.keySet()));
        try (Stream<Path> files = Files.walk(vault.folder())) {
            assertEquals(
                    List.of(),
                    files.filter(file -> file.toString().endsWith(".tmp")).toList(),
                    "no draft is left");
        }
        assumeTrue(ran("mount", "-o", "remount,size=8m", vault.folder().toString()), "SKIPPED: no remount");
        vault.export();
        assertEquals(List.of(), vault.differences());
        assertEquals(null, failure());
    }

    @Test
    void an_import_on_a_full_disk_says_what_it_has_made_and_keeps_the_note() throws IOException, InterruptedException {
        mount(vault.folder(), "size=300k");
        vault.export();
        vault.write("00 Inbox/a.md", "An idea about the cache of the builds.");
        fill(vault.file("filler.bin"));

        String done = vault.apply(null).lines().get(0).done();

        assertTrue(done.startsWith("idea ") && done.contains("the note is still as it was: cannot"), done);
        assertEquals("An idea about the cache of the builds.", vault.read("00 Inbox/a.md"));
        Files.delete(vault.file("filler.bin"));
        assertTrue(vault.apply(null).lines().get(0).done().endsWith("says the same already"));
        assertEquals(1, database.jdbc().queryForObject("select count(*) from ideas", Integer.class));
        assertTrue(Files.exists(vault.file("00 Inbox/Imported/a.md")));
    }

    private static void fill(Path file) throws IOException {
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            while (true) {
                out.write(java.nio.ByteBuffer.allocate(4096));
            }
        } catch (IOException full) {
            assertTrue(full.getMessage().contains("No space left"), full.getMessage());
        }
    }

    @Test
    void an_import_from_a_folder_that_is_no_vault_makes_nothing() {
        assertThrows(StartFailure.class, () -> vault.apply("yes"));

        assertFalse(Files.exists(vault.folder()));
    }

    @Test
    void a_folder_of_the_vault_on_another_file_system_is_written_as_the_others_are()
            throws IOException, InterruptedException {
        vault.export();
        mount(vault.file("02 Ideas"), "size=1m");
        idea("One");

        vault.export();

        assertTrue(NoteText.read(vault.read(vault.path("-idea-one"))).isAsWritten());
        assertEquals(List.of(), vault.differences());
    }

    @Test
    void names_that_differ_only_in_case_are_two_files_everywhere() {
        idea("STRASSE");
        idea("straße");
        idea("Strasse");

        vault.export();

        Set<String> folded = new HashSet<>();
        vault.notes()
                .keySet()
                .forEach(path -> assertTrue(
                        folded.add(path.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT)),
                        () -> path + " stands twice"));
        assertEquals(List.of(), vault.differences());
        assertEquals(0, vault.export().written());
    }

    @Test
    void a_title_of_any_kind_gives_a_name_that_every_system_takes() {
        for (String title : TITLES) {
            idea(title);
            idea(title.repeat(400 / title.length() + 1).substring(0, 400));
        }

        vault.export();

        for (String path : vault.notes().keySet()) {
            for (String part : path.split("/")) {
                assertTrue(part.getBytes(StandardCharsets.UTF_8).length <= 200, path);
                assertFalse(part.matches(".*[<>:\"\\\\|?*\\p{Cc}\\p{Cf}].*"), path);
                assertFalse(part.endsWith(".") || part.endsWith(" ") || part.startsWith("."), path);
                assertFalse(part.toLowerCase(Locale.ROOT).matches("(con|prn|aux|nul|com\\d|lpt\\d)(\\..*)?"), path);
            }
        }
        assertEquals(List.of(), vault.differences());
        assertEquals(0, vault.export().written(), "the names are stable");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "---\nid: \"broken\n---\n",
                "---\nno end",
                "- a\n- b\n",
                "\u0000",
                "---\n{{\n---\n# x\n## Notes\n"
            })
    void a_front_matter_broken_by_hand_is_kept_and_told(String broken) {
        idea("One");
        vault.export();
        String path = vault.path("-idea-one");
        vault.write(path, broken + "my words");
        database.jdbc().update("update ideas set status = 'reviewed', touched_at = now()");

        assertEquals(List.of(path), vault.export().edited());

        assertEquals(broken + "my words", vault.read(path));
        assertTrue(vault.read(NoteNames.conflict(path)).contains("reviewed"));
        assertEquals(List.of("edited " + path), vault.differences());
        assertEquals(path, vault.plan().lines().get(0).path());
        assertTrue(vault.plan().anyRefused());
    }

    @Test
    void a_note_swapped_for_a_link_is_not_followed() throws IOException {
        Path target = home.resolve("passwd");
        Files.writeString(target, "root:x:0:0");
        idea("One");
        vault.export();
        String path = vault.path("-idea-one");
        Files.delete(vault.file(path));
        Files.createSymbolicLink(vault.file(path), target);
        vault.write("00 Inbox/real.md", "An idea about the cache.");
        Files.createSymbolicLink(vault.file("00 Inbox/link.md"), Path.of("/etc/passwd"));
        database.jdbc().update("update ideas set status = 'reviewed', touched_at = now()");

        vault.export();

        assertEquals("root:x:0:0", Files.readString(target));
        assertEquals(List.of("link " + path), vault.differences());
        VaultImport.Report report = vault.apply("yes");
        assertEquals(
                List.of(
                        "00 Inbox/link.md is a link, which is never followed; put the note itself there",
                        path + " is a link, which is never followed; remove it, and export again"),
                report.lines().stream()
                        .filter(line -> line.refused() != null)
                        .map(line -> line.path() + " " + line.refused())
                        .toList());
        assertEquals(1, report.made());
        assertEquals("root:x:0:0", Files.readString(target));
        Files.delete(vault.file(path));
        vault.export();
        assertTrue(vault.read(path).contains("reviewed"), "after the link is removed the note is written anew");
    }

    @Test
    void a_folder_swapped_for_a_link_is_told_and_nothing_is_written_behind_it() throws IOException {
        idea("One");
        vault.export();
        Path outside = Files.createDirectory(home.resolve("outside"));
        Files.writeString(outside.resolve("shadow"), "secret");
        Files.move(vault.file("02 Ideas"), home.resolve("moved"));
        Files.createSymbolicLink(vault.file("02 Ideas"), outside);
        idea("Two");
        vault.write("00 Inbox/real.md", "An idea about the cache.");

        String said = refused();

        assertTrue(said.contains("02 Ideas is a link and must be a folder; no link in a vault is followed"), said);
        assertEquals(Map.of("shadow", "secret"), everything(outside));
        List<Difference> found = vault.verify().differences();
        assertTrue(
                found.stream()
                        .anyMatch(each -> each.kind() == Difference.Kind.LINK
                                && each.path().equals("02 Ideas")
                                && each.text().startsWith("a link stands in the place of a folder with ")),
                found::toString);
        assertTrue(vault.plan().lines().stream().anyMatch(line -> line.path().equals("00 Inbox/real.md")));
        Files.delete(vault.file("02 Ideas"));
        Files.move(home.resolve("moved"), vault.file("02 Ideas"));
        vault.export();
        assertEquals(List.of(), vault.differences());
    }

    @Test
    void a_link_in_the_place_of_the_lock_or_of_the_inbox_is_not_followed() throws IOException {
        vault.export();
        Path target = home.resolve("target");
        Files.writeString(target, "keep");
        Files.deleteIfExists(vault.file(".agentbus-vault.lock"));
        Files.createSymbolicLink(vault.file(".agentbus-vault.lock"), target);

        assertTrue(refused().contains("cannot write into " + vault.folder()));
        assertEquals("keep", Files.readString(target));
        Files.delete(vault.file(".agentbus-vault.lock"));
        vault.export();
    }
}
