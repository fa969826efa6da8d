package agentbus.vault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.JdbcTemplate;

/** The vault agrees with the ledger, and nothing that people write into it is lost. */
@ExtendWith(PostgresExtension.class)
class VaultExportTest {
    private final TestDatabase database;

    @TempDir
    private Path home;

    private Rows rows;
    private Vault vault;

    VaultExportTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void empty() {
        rows = Rows.fresh(database);
        vault = new Vault(database, home.resolve("vault"));
    }

    @AfterEach
    void close() {
        vault.close();
    }

    @Test
    void an_idea_is_a_note_that_a_person_reads() {
        rows.idea("The registry answers slowly", "Each build waits 40 s.\n\n- Monday\n- Tuesday");

        VaultExport.Written written = vault.export();

        String path = vault.path("the-registry-answers-slowly");
        String note = vault.read(path);
        assertTrue(path.matches("02 Ideas/2026-11-20-idea-the-registry-answers-slowly-[0-9a-f]{8}\\.md"), path);
        assertTrue(note.contains("# The registry answers slowly\n"), note);
        assertTrue(note.contains("Each build waits 40 s.\n\n- Monday\n- Tuesday\n"), note);
        assertTrue(note.contains("theme: \"supply chain\"\n"), note);
        assertTrue(NoteText.read(note).isAsWritten(), note);
        assertEquals(vault.notes().size(), written.notes());
    }

    @Test
    void the_same_database_gives_the_same_bytes_in_another_folder() {
        rows.idea("One", "Body of one.");
        rows.idea("Two", "Body of two.");
        vault.export();

        vault.exportTo(home.resolve("other"), "default", "shared");

        assertEquals(vault.notes(), Vault.notes(home.resolve("other")));
    }

    @Test
    void an_export_without_a_change_touches_no_file() throws IOException {
        rows.idea("One", "Body of one.");
        vault.export();
        FileTime old = FileTime.fromMillis(1_000_000);
        for (String path : vault.notes().keySet()) {
            Files.setLastModifiedTime(vault.file(path), old);
        }

        assertEquals(0, vault.export().written());

        for (String path : vault.notes().keySet()) {
            assertEquals(old, Files.getLastModifiedTime(vault.file(path)), path);
        }
    }

    @Test
    void words_below_notes_stay_when_the_bus_writes_the_note_anew() {
        rows.idea("One", "Body of one.");
        vault.export();
        String path = vault.path("idea-one");
        vault.write(path, vault.read(path) + "\nAsk Anna about this.\n");
        database.jdbc()
                .update("update ideas set status = 'reviewed', reviewed_by = 'operator:anna', reviewed_at = now()");

        VaultExport.Written written = vault.export();

        assertEquals(List.of(), written.edited());
        assertTrue(vault.read(path).contains("status: \"reviewed\""));
        assertTrue(vault.read(path).endsWith("## Notes\n\nAsk Anna about this.\n"));
    }

    @Test
    void an_edited_note_is_left_alone_and_the_new_text_stands_beside_it() {
        rows.idea("One", "Body of one.");
        vault.export();
        String path = vault.path("idea-one");
        String mine = vault.read(path).replace("Body of one.", "My own words.");
        vault.write(path, mine);

        VaultExport.Written written = vault.export();

        String conflict = NoteNames.conflict(path);
        assertEquals(List.of(path), written.edited());
        assertEquals(mine, vault.read(path));
        assertTrue(vault.read(conflict).contains("Body of one."));
        assertEquals(0, vault.export().written(), "a second export writes nothing");
        assertEquals(
                1,
                database.jdbc()
                        .queryForObject(
                                "select count(*) from vault_notes where edited_at is not null and conflict_path = ?",
                                Integer.class,
                                conflict));
    }

    @Test
    void an_edit_that_is_taken_back_takes_its_conflict_away() {
        rows.idea("One", "Body of one.");
        vault.export();
        String path = vault.path("idea-one");
        String before = vault.read(path);
        vault.write(path, before.replace("Body of one.", "My own words."));
        vault.export();
        vault.write(path, before);

        VaultExport.Written written = vault.export();

        assertEquals(List.of(), written.edited());
        assertFalse(Files.exists(vault.file(NoteNames.conflict(path))));
    }

    @Test
    void an_edited_note_that_is_deleted_is_written_anew() {
        rows.idea("One", "Body of one.");
        vault.export();
        String path = vault.path("idea-one");
        vault.write(path, "mine");
        vault.export();
        vault.file(path).toFile().delete();

        vault.export();

        assertTrue(vault.read(path).contains("Body of one."));
        assertFalse(Files.exists(vault.file(NoteNames.conflict(path))));
    }

    @Test
    void an_edit_that_is_dropped_above_notes_keeps_the_words_of_people() {
        rows.idea("One", "Body of one.");
        vault.export();
        String path = vault.path("idea-one");
        String before = vault.read(path);
        vault.write(path, before.replace("Body of one.", "My own words.") + "\nAsk Anna.\n");
        vault.export();
        vault.write(path, "## Notes\n\nAsk Anna.\n");
        assertEquals(List.of(), vault.plan().lines(), "a dropped edit is none to import");

        assertEquals(List.of(), vault.export().edited());

        assertEquals(before + "\nAsk Anna.\n", vault.read(path));
        assertFalse(Files.exists(vault.file(NoteNames.conflict(path))));
    }

    @Test
    void an_edited_note_whose_row_and_file_go_at_once_is_forgotten() {
        rows.idea("One", "Body of one.");
        vault.export();
        String path = vault.path("idea-one");
        vault.write(path, "mine");
        vault.export();
        database.jdbc().update("delete from ideas");
        vault.file(path).toFile().delete();

        vault.export();

        assertEquals(
                0,
                database.jdbc().queryForObject("select count(*) from vault_notes where path = ?", Integer.class, path));
        assertFalse(Files.exists(vault.file(NoteNames.conflict(path))));
    }

    @Test
    void a_row_that_is_gone_leaves_a_tombstone_with_the_words_of_people() {
        rows.idea("One", "Body of one.");
        vault.export();
        String path = vault.path("idea-one");
        vault.write(path, vault.read(path) + "Mine.\n");
        database.jdbc().update("delete from ideas");

        VaultExport.Written written = vault.export();

        assertEquals(2, written.tombstones(), "the idea and its theme");
        assertTrue(vault.read(path).contains("status: \"gone\""));
        assertFalse(vault.read(path).contains("Body of one."));
        assertTrue(vault.read(path).endsWith("Mine.\n"));
        vault.file(path).toFile().delete();
        assertEquals(1, vault.export().tombstones(), "a tombstone that a person deletes stays deleted");
        assertFalse(Files.exists(vault.file(path)));
    }

    @Test
    void notes_of_a_lost_database_are_taken_over_and_not_called_edited() {
        rows.idea("One", "Body of one.");
        vault.export();
        database.jdbc().update("delete from vault_notes");
        database.jdbc().update("update ideas set body = 'Another body.'");

        VaultExport.Written written = vault.export();

        assertEquals(List.of(), written.edited());
        assertTrue(vault.read(vault.path("idea-one")).contains("Another body."));
    }

    @Test
    void a_folder_with_other_files_is_refused() throws IOException {
        Files.createDirectories(vault.folder());
        vault.write("letter.txt", "Dear Anna");

        StartFailure refused = assertThrows(StartFailure.class, () -> vault.export());

        assertTrue(refused.getMessage().contains("holds other files (letter.txt)"), refused.getMessage());
        assertFalse(Files.exists(vault.file(VaultLock.FILE)));
    }

    @Test
    void a_vault_of_another_bus_is_refused() {
        vault.export();
        database.jdbc().update("delete from vaults");

        StartFailure refused = assertThrows(StartFailure.class, () -> vault.export());

        assertTrue(refused.getMessage().contains("another bus writes it"), refused.getMessage());
    }

    @Test
    void a_conflict_in_which_a_person_has_worked_is_left_to_the_person() {
        rows.idea("One", "Body of one.");
        vault.export();
        String path = vault.path("idea-one");
        String before = vault.read(path);
        vault.write(path, before.replace("Body of one.", "My own words."));
        vault.export();
        String conflict = NoteNames.conflict(path);
        String mine = vault.read(conflict).replace("Body of one.", "Both together.");
        vault.write(conflict, mine);
        vault.write(path, before);

        vault.export();

        assertEquals(mine, vault.read(conflict));
        assertEquals(before, vault.read(path));
    }

    @Test
    void an_export_that_could_not_mark_its_folder_leaves_one_row_for_the_next() throws IOException {
        database.jdbc()
                .update(
                        "insert into vaults (namespace, directory) values ('default', ?)",
                        home.toRealPath().resolve("vault").toString());

        vault.export();

        assertEquals(1, database.jdbc().queryForObject("select count(*) from vaults", Integer.class));
    }

    @Test
    void a_database_without_the_schema_of_this_version_is_told_in_words() {
        database.jdbc()
                .execute("alter function begin_vault_export(jsonb, uuid, text, text, text) rename to begun_before");
        try {
            StartFailure refused = assertThrows(StartFailure.class, () -> vault.export());

            assertTrue(refused.getMessage().contains("start the bus once"), refused.getMessage());
        } finally {
            database.jdbc()
                    .execute("alter function begun_before(jsonb, uuid, text, text, text) rename to begin_vault_export");
        }
    }

    @Test
    void a_note_shows_what_changed_in_the_rows_that_it_leads_to() {
        String idea = rows.idea("The registry answers slowly", "Each build waits 40 s.");
        rows.opportunity("A mirror of the registry");
        String job = job("devops");
        rows.jdbc()
                .update(
                        "update opportunities set idea_id = ?::uuid, evidence = jsonb_build_array("
                                + "jsonb_build_object('kind', 'job', 'id', ?::uuid))",
                        idea,
                        job);
        vault.export();
        String path = vault.path("-opportunity-a-mirror");
        assertTrue(vault.read(path).contains("infra.check, queued"), vault.read(path));
        assertEquals(0, vault.export().written());

        rows.jdbc().update("update ideas set title = 'The registry is down' where idea_id = ?::uuid", idea);
        vault.export();

        assertTrue(vault.read(path).contains("|The registry is down]]"), vault.read(path));

        rows.jdbc().update("update jobs set state = 'cancelled', ended_at = now() where job_id = ?::uuid", job);
        vault.export();

        assertTrue(vault.read(path).contains("infra.check, cancelled"), vault.read(path));

        rows.jdbc().update("delete from ideas where idea_id = ?::uuid", idea);
        vault.export();

        assertTrue(vault.read(path).contains("|idea that is gone]]"), vault.read(path));
    }

    /** Each of these changes shows in a note. Most of them change a row other than the note's own. */
    @Test
    void an_export_misses_no_change_that_a_verification_sees() {
        String job = job("devops");
        String other = job("research");
        String idea = rows.idea("The registry answers slowly", "Each build waits 40 s.");
        String opportunity = rows.opportunity("A mirror of the registry");
        String merged = rows.opportunity("Mirror the registry");
        String old = rows.memory("lesson", "Builds use the registry");
        String lesson = rows.memory("lesson", "Builds use the mirror");
        JdbcTemplate jdbc = rows.jdbc();
        jdbc.update(
                "update ideas set status = 'promoted_to_opportunity', ended_at = now(), source_job_id = ?::uuid, opportunity_id = ?::uuid, evidence = ?::jsonb",
                job,
                opportunity,
                refs(other, lesson, opportunity));
        jdbc.update(
                "update opportunities set idea_id = ?::uuid, converted_job_id = ?::uuid, converted_by = 'operator:anna',"
                        + " converted_at = now(), status = 'converted_to_job', ended_at = now(), evidence = ?::jsonb"
                        + " where opportunity_id = ?::uuid",
                idea,
                other,
                refs(job, lesson, merged),
                opportunity);
        jdbc.update(
                "update opportunities set merged_into = ?::uuid, status = 'merged', ended_at = now()"
                        + " where opportunity_id = ?::uuid",
                opportunity,
                merged);
        jdbc.update(
                "update memories set source_refs = ?::jsonb where memory_id = ?::uuid",
                refs(job, old, opportunity),
                lesson);
        vault.export();
        assertEquals(0, vault.export().written());

        for (String change : List.of(
                "update jobs set trust = 'untrusted' where job_id = '" + job + "'",
                "update jobs set trust = 'trusted' where job_id = '" + job + "'",
                "update jobs set subject = 'infra.other' where job_id = '" + job + "'",
                "update jobs set summary = 'The mirror is up.' where job_id = '" + other + "'",
                "update jobs set state = 'cancelled', ended_at = now() where job_id = '" + other + "'",
                "delete from jobs where job_id = '" + job + "'",
                "update ideas set tags = '{untrusted}'",
                "update ideas set title = 'The registry is slow'",
                "update opportunities set title = 'A mirror' where opportunity_id = '" + opportunity + "'",
                "insert into opportunity_reviews (namespace, opportunity_id, reviewer, decision, notes) values"
                        + " ('default', '" + opportunity + "', 'operator:anna', 'triaged', 'Good.')",
                "update opportunity_reviews set notes = 'Better.'",
                "update memories set status = 'superseded', superseded_by = '" + lesson + "', ended_at = now(),"
                        + " ended_by = 'agent:knowledge', end_reason = 'Newer.' where memory_id = '" + old + "'",
                "update memories set title = 'Builds use two mirrors' where memory_id = '" + lesson + "'",
                "update memories set visibility = 'private', owner_agent = 'research' where memory_id = '" + old + "'",
                "update memories set visibility = 'shared', owner_agent = null where memory_id = '" + old + "'",
                "delete from opportunities where opportunity_id = '" + merged + "'")) {
            assertEquals(1, jdbc.update(change), change);
            assertTrue(vault.export().written() > 0, change);
            VaultCheck.Checked checked = vault.verify();
            assertEquals(List.of(), checked.differences(), change);
            assertEquals(0, checked.waiting(), change);
        }
    }

    private String job(String agent) {
        return rows.jdbc()
                .queryForObject(
                        "insert into jobs (namespace, target_agent, subject, job_type, payload, state, timeout_seconds,"
                                + " hard_timeout_seconds) values ('default', ?, 'infra.check', 'reactive', '{}',"
                                + " 'queued', 60, 60) returning job_id::text",
                        String.class,
                        agent);
    }

    private static String refs(String job, String memory, String opportunity) {
        return "[{\"kind\": \"job\", \"id\": \"" + job + "\", \"addedJob\": \"" + job
                + "\"}, {\"kind\": \"memory\", \"id\": \"" + memory + "\"}, {\"kind\": \"opportunity\", \"id\": \""
                + opportunity + "\"}]";
    }

    @Test
    void an_edit_of_a_note_whose_row_did_not_change_is_seen() {
        rows.idea("One", "Body of one.");
        vault.export();
        String path = vault.path("-one-");
        vault.write(path, vault.read(path).replace("Body of one.", "Body of 1."));

        VaultExport.Written second = vault.export();

        assertEquals(List.of(path), second.edited());
        assertTrue(vault.read(NoteNames.conflict(path)).contains("Body of one."));
    }

    @Test
    void a_note_that_a_version_without_inputs_has_written_is_made_anew() {
        rows.idea("One", "Body of one.");
        vault.export();
        String path = vault.path("-one-");
        String text = vault.read(path);
        NoteText other = NoteText.of(new FrontMatter().with("kind", "idea"), "# One, as another version writes it");
        vault.write(path, other.text());
        rows.jdbc().update("update vault_notes set content_hash = ? where path = ?", other.hash(), path);

        vault.export();

        assertEquals(text, vault.read(path));
    }
}
