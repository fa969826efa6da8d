package agentbus.vault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A verification names every difference between a vault and the database, and no change of the day is one. */
@ExtendWith(PostgresExtension.class)
class VaultCheckTest {
    private final TestDatabase database;

    @TempDir
    private Path home;

    private Vault vault;

    VaultCheckTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void empty() {
        database.clear();
        database.agents(Map.of("research", new String[] {"research.packet"}));
        vault = new Vault(database, home.resolve("vault"));
        idea("The registry answers slowly");
        idea("The cache is cold");
        vault.export();
    }

    @AfterEach
    void close() {
        vault.close();
    }

    private void idea(String title) {
        database.jdbc()
                .update(
                        "insert into ideas (namespace, source_agent, theme, title, body, created_at, touched_at)"
                                + " values ('default', 'research', 'supply chain', ?, 'Each build waits.',"
                                + " '2026-11-20T09:30:00Z', '2026-11-20T09:30:00Z')",
                        title);
    }

    private String kept() {
        return database.jdbc()
                .queryForObject(
                        "select concat_ws(' ', differences, jsonb_array_length(difference_list),"
                                + " verified_at is not null) from vaults",
                        String.class);
    }

    @Test
    void a_vault_that_was_exported_agrees() {
        VaultCheck.Checked checked = vault.verify();

        assertEquals(List.of(), checked.differences());
        assertEquals(vault.notes().size(), checked.notes());
        assertEquals("0 0 t", kept());
        assertTrue(VaultCheck.words(checked).endsWith(" agrees with the database"));
    }

    @Test
    void a_missing_note_an_unknown_file_and_an_edit_are_told_apart_and_an_edit_does_not_count() throws IOException {
        String gone = vault.path("registry");
        Files.delete(vault.file(gone));
        vault.write("02 Ideas/mine.md", "I put this here.");
        vault.write("02 Ideas/other.conflict.md", "left over");
        String edited = vault.path("cache");
        vault.write(edited, vault.read(edited).replace("Each build waits.", "No build waits."));

        assertEquals(
                List.of(
                        "edited " + edited,
                        "missing " + gone,
                        "extra 02 Ideas/mine.md",
                        "extra 02 Ideas/other.conflict.md"),
                vault.differences().stream()
                        .sorted(java.util.Comparator.comparing(line -> line.substring(line.indexOf(' '))))
                        .toList());
        assertEquals("3 4 t", kept());
    }

    @Test
    void an_older_copy_of_a_note_is_stale_and_the_next_export_mends_it() {
        String path = vault.path("registry");
        String old = vault.read(path);
        database.jdbc().update("update ideas set status = 'reviewed', touched_at = now() where title like 'The r%'");
        vault.export();
        assertEquals(List.of(), vault.differences());

        vault.write(path, old);

        assertEquals(List.of("stale " + path), vault.differences());
        vault.export();
        assertEquals(List.of(), vault.differences());
    }

    @Test
    void a_row_that_an_export_has_missed_is_a_difference_and_one_that_changed_later_waits() {
        idea("Written before the export");
        database.jdbc()
                .update("update ideas set status = 'reviewed', touched_at = '2026-11-21Z' where title like 'The c%'");
        database.jdbc().update("update ideas set status = 'reviewed', touched_at = now() where title like 'The r%'");

        VaultCheck.Checked checked = vault.verify();

        List<String> rows = checked.differences().stream()
                .filter(each -> each.path().startsWith("02 Ideas/2026"))
                .map(each -> each.kind().word() + " " + each.text())
                .sorted()
                .toList();
        assertEquals(
                List.of(
                        "missing no export has written the note of this row",
                        "stale its row has changed before the last export, which did not write it"),
                rows);
        assertTrue(checked.waiting() >= 1, checked::toString);
    }

    @Test
    void words_below_notes_the_inbox_and_folders_of_people_are_no_difference() {
        String path = vault.path("registry");
        vault.write(path, vault.read(path) + "\nI asked Ben.\n");
        vault.write("00 Inbox/Buy milk.md", "and bread");
        vault.write("99 Mine/diary.md", "today");
        vault.write("picture.png", "not a picture");
        vault.write(".obsidian/app.json", "{}");

        assertEquals(List.of(), vault.differences());
    }

    @Test
    void a_private_memory_and_one_of_a_role_reach_no_file_and_are_not_missed() {
        Rows rows = new Rows(database);
        rows.memory("lesson", "Mine alone is the password", "private", "research", "trusted");
        rows.memory("lesson", "Of my role is the routine", "role", "research", "trusted");

        vault.export();

        vault.notes().forEach((path, text) -> {
            assertTrue(!text.contains("Mine alone") && !path.contains("mine-alone"), path);
            assertTrue(!text.contains("Of my role") && !path.contains("of-my-role"), path);
        });
        assertEquals(List.of(), vault.differences());
    }

    @Test
    void an_edited_note_and_its_conflict_are_one_edit() {
        String path = vault.path("registry");
        vault.write(path, vault.read(path).replace("Each build waits.", "No build waits."));
        vault.export();

        assertEquals(List.of("edited " + path), vault.differences());
    }

    @Test
    void a_folder_that_is_no_vault_is_refused_in_words() throws IOException {
        Files.createDirectory(home.resolve("other"));

        assertTrue(assertThrows(StartFailure.class, () -> new Vault(database, home.resolve("other")).verify())
                .getMessage()
                .contains("is no vault: it has no file .agentbus-vault.json"));
    }

    @Test
    void nothing_in_the_folder_is_changed_and_no_export_may_run_meanwhile() {
        Map<String, String> before = vault.notes();
        database.jdbc().execute((java.sql.Connection other) -> {
            // Another session holds the lock of the vault, as an export does.
            other.createStatement()
                    .execute("select pg_advisory_lock(hashtextextended('agentbus.vault.' || vault_id, 0))"
                            + " from vaults");
            try {
                return assertThrows(StartFailure.class, vault::verify);
            } finally {
                other.createStatement().execute("select pg_advisory_unlock_all()");
            }
        });

        vault.verify();

        assertEquals(before, vault.notes());
    }

    private String row(String columns) {
        return database.jdbc().queryForObject("select concat_ws(' ', " + columns + ") from vaults", String.class);
    }

    @Test
    void only_an_export_says_where_the_vault_is() throws IOException {
        Path copy = Files.createDirectory(home.resolve("copy"));
        Files.copy(vault.file(Marker.FILE), copy.resolve(Marker.FILE));
        String directory = row("directory");

        try (Vault other = new Vault(database, copy)) {
            other.verify();
            other.plan();
            assertEquals(directory, row("directory"));
            other.export();
            assertEquals(copy.toRealPath().toString(), row("directory"));
        }
    }

    @Test
    void a_nightly_export_that_cannot_begin_is_told_in_the_row_of_its_vault_or_in_a_new_one() throws IOException {
        String marker = vault.read(Marker.FILE);
        Files.delete(vault.file(Marker.FILE));

        assertThrows(StartFailure.class, vault::nightly);
        assertTrue(row("export_error").contains("holds other files"), () -> row("export_error"));

        vault.write(Marker.FILE, marker);
        vault.nightly();
        assertEquals("", row("export_error"));
        database.jdbc().update("delete from vaults");
        assertThrows(StartFailure.class, vault::nightly);
        assertTrue(row("export_error").contains("which this database does not know"), () -> row("export_error"));
        assertEquals("t", row("vault_in_use(vaults)"));
    }

    @Test
    void after_the_visibility_narrows_no_day_names_a_memory_of_a_role_and_their_names_stay() {
        new Rows(database).memory("lesson", "Of my role is the routine", "role", "research", "trusted");
        database.jdbc().update("update memories set created_at = now() - interval '30 days'");
        vault.export("default", "role");
        assertTrue(vault.notes().entrySet().stream()
                .anyMatch(note -> note.getKey().startsWith(Folders.DAILY)
                        && note.getValue().contains("Of my role")));

        vault.export();

        vault.notes().forEach((path, text) -> assertTrue(!text.contains("Of my role"), path));
        assertEquals(List.of(), vault.differences());
        assertEquals("shared", row("visibility"));
    }

    @Test
    void a_text_that_its_unchanged_row_no_longer_gives_is_stale() {
        String path = vault.path("registry");
        NoteText file = NoteText.read(vault.read(path));
        NoteKey key = new NoteKey("idea", "1");
        Ledger.Kept kept = new Ledger.Kept(path, file.hash(), null, null, false, Inputs.kept("inputs", file.hash()));
        NoteText other = NoteText.of(new FrontMatter().with("kind", "idea"), "# Another text");
        try (VaultFolder folder = VaultFolder.read(vault.folder())) {
            VaultVerification verification = new VaultVerification(folder, Map.of(key, kept), null);

            verification.compare(new Projection.Note(key, path, "inputs", () -> other, false));

            assertTrue(
                    verification.end().differences().stream()
                            .anyMatch(each -> each.path().equals(path) && each.kind() == Difference.Kind.STALE),
                    path);
        }
    }
}
