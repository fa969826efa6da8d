package agentbus.vault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Edits of people become calls of the bus only when they say so, and no word of theirs is lost. */
@ExtendWith(PostgresExtension.class)
class VaultImportTest {
    private final TestDatabase database;

    @TempDir
    private Path home;

    private Vault vault;

    VaultImportTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void empty() {
        database.clear();
        database.agents(Map.of(
                "research", new String[] {"research.packet"}, "devops", new String[] {"infra.check", "infra.repair"}));
        vault = new Vault(database, home.resolve("vault"));
        vault.export();
    }

    @AfterEach
    void close() {
        vault.close();
    }

    private long count(String rows) {
        return database.jdbc().queryForObject("select count(*) from " + rows, Long.class);
    }

    private static VaultImport.Line only(VaultImport.Report report) {
        assertEquals(1, report.lines().size(), report::toString);
        return report.lines().get(0);
    }

    @Test
    void a_note_of_the_inbox_is_shown_first_and_becomes_an_idea_when_told() {
        vault.write("00 Inbox/Cache the packages.md", "Half of each build waits for downloads.\n");

        VaultImport.Line plan = only(vault.plan());

        assertEquals("write down the idea \"Cache the packages\" (theme inbox)", plan.does());
        assertEquals(
                List.of("body: Half of each build waits for downloads.", "theme: inbox", "title: Cache the packages"),
                plan.shows().stream().sorted().toList());
        assertEquals(0, count("ideas"), "nothing was done");
        assertTrue(Files.exists(vault.file("00 Inbox/Cache the packages.md")));
        assertTrue(only(vault.apply(null)).done().startsWith("idea "));
        assertEquals(1, count("ideas where title = 'Cache the packages' and source_agent = 'anna'"));
        assertFalse(Files.exists(vault.file("00 Inbox/Cache the packages.md")));
        assertEquals(
                "Half of each build waits for downloads.\n",
                vault.read("00 Inbox/Imported/Cache the packages.md"),
                "the person's own file is kept");
        assertEquals(List.of(), vault.plan().lines());
        vault.export();
        assertEquals(List.of(), vault.differences());
    }

    @Test
    void a_note_of_the_inbox_with_agent_and_subject_becomes_a_job() {
        vault.write(
                "00 Inbox/look.md",
                "---\nkind: job\nagent: devops\nsubject: infra.check\npriority: 200\n---\n# Look at web-1\n\nIt is slow.\n");

        assertEquals(
                "enqueue a job of devops (infra.check): \"Look at web-1\"",
                only(vault.plan()).does());
        vault.apply(null);

        assertEquals(
                1,
                count("jobs where target_agent = 'devops' and priority = 200 and trust = 'trusted'"
                        + " and payload = '{\"title\": \"Look at web-1\", \"task\": \"It is slow.\"}'"));
    }

    @Test
    void what_the_bus_refuses_is_told_in_the_plan_and_the_note_stays() {
        vault.write("00 Inbox/a.md", "---\nkind: job\nagent: nobody\nsubject: infra.check\n---\nDo it.\n");
        vault.write("00 Inbox/b.md", "---\nkind: job\nsubject: infra.check\n---\nDo it.\n");
        vault.write("00 Inbox/c.md", "---\nkind: job\nagent: devops\nsubject: infra.check\npriority: soon\n---\nDo.\n");
        vault.write("00 Inbox/d.md", "---\nkind: memory\n---\nRemember it.\n");
        vault.write("00 Inbox/e.md", "");

        List<String> said =
                vault.plan().lines().stream().map(VaultImport.Line::refused).toList();

        assertTrue(said.get(0).contains("there is no agent nobody"), said::toString);
        assertTrue(said.get(1).contains("targetAgent is missing"), said::toString);
        assertTrue(said.get(2).contains("priority"), said::toString);
        assertTrue(said.get(3).contains("a note in 00 Inbox becomes no memory"), said::toString);
        assertEquals("is empty", said.get(4));
        vault.apply("yes");
        assertEquals(0, count("jobs"));
        assertTrue(Files.exists(vault.file("00 Inbox/a.md")));
    }

    @Test
    void two_notes_with_one_name_are_both_kept_and_the_same_note_twice_is_one_idea() {
        vault.write("00 Inbox/x.md", "Cache the packages, because each build waits.");
        vault.apply(null);
        vault.write("00 Inbox/x.md", "Cache the packages, because each build waits.");

        assertTrue(only(vault.apply(null)).done().endsWith("says the same already"));

        assertEquals(1, count("ideas"));
        assertTrue(Files.exists(vault.file("00 Inbox/Imported/x.md")));
        assertTrue(Files.exists(vault.file("00 Inbox/Imported/x-2.md")));
    }

    @Test
    void only_the_named_files_are_imported_and_a_name_outside_of_the_vault_is_refused() {
        vault.write("00 Inbox/a.md", "An idea about the cache of the builds.");
        vault.write("00 Inbox/b.md", "An idea about the weather in June.");

        assertEquals("00 Inbox/a.md", only(vault.apply(null, "00 Inbox/a.md")).path());
        assertEquals(
                "00 Inbox/b.md",
                only(vault.plan(vault.file("00 Inbox/b.md").toString())).path());
        assertEquals(
                "is no note of this vault and none of 00 Inbox",
                only(vault.plan("00 Inbox/none.md")).refused());
        assertTrue(assertThrows(StartFailure.class, () -> vault.plan("../other.md"))
                .getMessage()
                .contains("lies outside of the vault"));
        assertTrue(assertThrows(StartFailure.class, () -> vault.plan("/etc/passwd"))
                .getMessage()
                .contains("lies outside of the vault"));
        assertEquals(1, count("ideas"));
    }

    @Test
    void a_memory_s_new_text_becomes_a_candidate_and_the_note_shows_the_memory_again() {
        String memory = new Rows(database).memory("lesson", "The registry is slow on Mondays");
        vault.export();
        String path = vault.path("-lesson-");
        String before = vault.read(path);
        vault.write(
                path,
                before.replace("Use the mirror, not the registry.", "Use the mirror on *Mondays*; see `docs/ci.md`.")
                        + "\nBen told me so.\n");
        assertEquals(List.of(path), vault.export().edited());

        VaultImport.Line plan = only(vault.plan());

        assertEquals(
                "propose a candidate that supersedes memory " + memory + ": \"The registry is slow on Mondays\"",
                plan.does());
        assertEquals(List.of(), plan.left());
        assertTrue(
                plan.shows()
                        .containsAll(List.of(
                                "  - Use the mirror, not the registry.",
                                "  + Use the mirror on *Mondays*; see `docs/ci.md`.")),
                plan::toString);
        assertEquals(0, count("memory_candidates"));
        assertTrue(only(vault.apply("Ben measured it.")).done().startsWith("memory candidate "));
        assertEquals(
                1,
                count(
                        "memory_candidates where body = 'Use the mirror on *Mondays*; see `docs/ci.md`.' and supersedes_memory_id"
                                + " = '" + memory + "' and source_agent = 'anna' and evidence = 'Ben measured it.'"));
        assertEquals(before + "\nBen told me so.\n", vault.read(path), "the memory holds until it is superseded");
        assertFalse(Files.exists(vault.file(NoteNames.conflict(path))));
        assertEquals(0, count("vault_notes where edited_hash is not null"));
        assertEquals(List.of(), vault.plan().lines());
        vault.export();
        assertEquals(List.of(), vault.differences());
    }

    @Test
    void an_edit_of_one_line_keeps_the_other_lines_as_the_ledger_has_them() {
        String memory = new Rows(database).memory("lesson", "The registry is slow on Mondays");
        database.jdbc()
                .update(
                        "update memories set body = E'Set it:\\n\\n```yaml\\nurl: ${{ secrets.URL }}\\n```\\n\\nDone.'");
        vault.export();
        String path = vault.path("-lesson-");
        vault.write(path, vault.read(path).replace("Done.", "Done twice."));

        assertTrue(only(vault.apply(null)).done().startsWith("memory candidate "));

        assertEquals(
                "Set it:\n\n```yaml\nurl: ${{ secrets.URL }}\n```\n\nDone twice.",
                database.jdbc()
                        .queryForObject(
                                "select body from memory_candidates where supersedes_memory_id = ?::uuid",
                                String.class,
                                memory));
    }

    @Test
    void an_import_leaves_a_conflict_in_which_a_person_has_worked() {
        new Rows(database).memory("lesson", "The registry is slow on Mondays");
        vault.export();
        String path = vault.path("-lesson-");
        vault.write(path, vault.read(path).replace("Use the mirror", "Never use the mirror"));
        vault.export();
        String conflict = NoteNames.conflict(path);
        String mine = vault.read(conflict) + "\nBen: both are true.\n";
        vault.write(conflict, mine);

        assertTrue(only(vault.apply(null)).done().startsWith("memory candidate "));

        assertEquals(mine, vault.read(conflict));
    }

    @Test
    void a_change_that_no_import_carries_keeps_the_note_as_the_person_left_it() {
        new Rows(database).memory("lesson", "The registry is slow on Mondays");
        vault.export();
        String path = vault.path("-lesson-");
        String edited = vault.read(path)
                .replace("# The registry is slow on Mondays", "# The registry is slow on workdays")
                .replace("Seen in three builds.", "Seen in ninety builds.");
        vault.write(path, edited);

        VaultImport.Line line = only(vault.apply("I counted."));

        assertEquals(List.of("## Evidence"), line.left());
        assertTrue(line.done().startsWith("memory candidate "));
        assertEquals(1, count("memory_candidates where title = 'The registry is slow on workdays'"));
        assertEquals(edited, vault.read(path));
        assertTrue(only(vault.apply("I counted.")).done().endsWith("says the same already"));
        assertEquals(1, count("memory_candidates"));
    }

    @Test
    void an_untrusted_memory_s_edit_carries_its_words_and_not_its_warning() {
        new Rows(database).memory("lesson", "A page says the registry is slow", "shared", null, "untrusted");
        vault.export();
        String path = vault.path("-lesson-");
        vault.write(path, vault.read(path).replace("not the registry.", "on Mondays."));

        vault.apply(null);

        assertEquals(1, count("memory_candidates where body = 'Use the mirror, on Mondays.' and trust = 'untrusted'"));
    }

    @Test
    void an_opportunity_s_status_becomes_a_decision_with_its_reason() {
        String opportunity = new Rows(database).opportunity("Mirror the registry");
        vault.export();
        String path = vault.path("-opportunity-");
        vault.write(path, vault.read(path).replace("status: \"new\"", "status: parked"));

        assertTrue(only(vault.plan()).refused().contains("a decision has a reason"));
        assertTrue(only(vault.apply("After the release")).refused().contains("until a date"));
        vault.write(path, vault.read(path).replace("status: parked", "status: accepted\nreason: It pays back at once"));
        assertEquals(
                "set opportunity " + opportunity + " from new to accepted: It pays back at once",
                only(vault.plan()).does());
        assertEquals(0, count("opportunity_reviews"));
        assertEquals(
                "opportunity " + opportunity + " is accepted",
                only(vault.apply(null)).done());

        assertEquals(1, count("opportunity_reviews where reviewer = 'operator:anna' and decision = 'accepted'"));
        vault.export();
        assertTrue(vault.read(path).contains("status: \"accepted\""), vault.read(path));
        assertEquals(List.of(), vault.differences());
    }

    @Test
    void a_decision_on_an_older_state_than_the_bus_has_is_told_and_not_made() {
        String opportunity = new Rows(database).opportunity("Mirror the registry");
        vault.export();
        String path = vault.path("-opportunity-");
        vault.write(path, vault.read(path).replace("status: \"new\"", "status: accepted\nreason: yes"));
        database.jdbc()
                .queryForList(
                        "select triage_opportunity('{\"kind\": \"operator\", \"name\": \"ben\"}',"
                                + " jsonb_build_object('opportunityId', ?, 'decision', 'rejected', 'notes', 'Too dear.'))",
                        opportunity);

        String said = only(vault.apply(null)).refused();

        assertTrue(said.contains("was rejected by operator:ben"), said);
        assertEquals(1, count("opportunities where status = 'rejected'"));
    }

    @Test
    void a_frozen_phase_refuses_its_calls_in_the_plan() {
        new Rows(database).memory("lesson", "The registry is slow on Mondays");
        vault.export();
        String path = vault.path("-lesson-");
        vault.write(path, vault.read(path).replace("Use the mirror", "Never use the mirror"));
        database.jdbc()
                .queryForList("select freeze('{\"kind\": \"operator\", \"name\": \"ben\"}',"
                        + " '{\"kind\": \"phase\", \"name\": \"4\", \"reason\": \"polluted\"}')");

        assertTrue(only(vault.plan()).refused().contains("polluted"));
    }

    @Test
    void an_idea_s_edit_is_told_what_to_do_instead_and_stays() {
        vault.write("00 Inbox/a.md", "An idea about the cache of the builds.");
        vault.apply(null);
        vault.export();
        String path = vault.path("-idea-");
        vault.write(path, vault.read(path).replace("An idea about", "Two ideas about"));

        VaultImport.Line line = only(vault.apply("mine"));

        assertEquals(
                "is of kind idea, which no edit changes; use review-idea, promote-idea-to-opportunity or archive-idea",
                line.refused());
        assertTrue(vault.read(path).contains("Two ideas about"));
    }

    @Test
    void a_note_that_is_no_utf_8_or_far_too_long_is_told_in_words() throws IOException {
        Files.createDirectories(vault.file("00 Inbox"));
        Files.write(vault.file("00 Inbox/a.md"), "Zürich is far".getBytes(StandardCharsets.ISO_8859_1));
        vault.write("00 Inbox/b.md", "x".repeat(300_000));
        vault.write("00 Inbox/c.md", "y".repeat(30_000));

        List<String> said =
                vault.plan().lines().stream().map(VaultImport.Line::refused).toList();

        assertEquals("is not in UTF-8; save it as UTF-8", said.get(0));
        assertEquals("has 300000 bytes, and an import takes at most 262144", said.get(1));
        assertTrue(said.get(2).startsWith("cannot be imported: body"), said::toString);
    }

    @Test
    void a_note_that_the_database_cannot_keep_is_told_and_the_others_are_imported() {
        vault.write("00 Inbox/a.md", "An idea about the cache of the builds.");
        vault.write("00 Inbox/b.md", "An idea\nabout \0 the weather.");
        vault.write("00 Inbox/c.md", "---\ntheme: \"a\\0b\"\n---\nAn idea about the harvest of June.");
        vault.write("00 Inbox/d.md", "Shorter queues at the pier of the ferry.");

        List<VaultImport.Line> lines = vault.apply(null).lines();

        assertEquals(
                "has the control character U+0000 in line 2; remove it, because no text of the bus holds one",
                lines.get(1).refused());
        assertTrue(lines.get(2).refused().startsWith("cannot be imported: "), lines::toString);
        assertTrue(lines.get(3).done().startsWith("idea "), lines::toString);
        assertEquals(2, count("ideas"));
    }

    @Test
    void the_plan_shows_every_field_and_the_whole_text_of_a_call() {
        String text = "First line.\n\n" + "word ".repeat(200) + "\nLast line.";
        vault.write(
                "00 Inbox/look.md",
                "---\nkind: job\nagent: devops\nsubject: infra.check\npriority: 200\n---\n# Look\n\n" + text);

        List<String> shows = only(vault.plan()).shows();

        assertTrue(shows.contains("priority: 200"), shows::toString);
        assertTrue(shows.contains("payload.title: Look"), shows::toString);
        assertTrue(shows.contains("  " + "word ".repeat(200)), shows::toString);
        assertTrue(shows.contains("  Last line."), shows::toString);
    }

    @Test
    void a_note_that_names_its_source_or_says_so_is_untrusted() {
        vault.write(
                "00 Inbox/a.md",
                "---\nkind: job\nagent: research\nsubject: research.packet\nsource: https://example.org/x\n---\n# Read it\n\nNow.\n");
        vault.write("00 Inbox/b.md", "---\nurl: https://example.org/y\n---\nAn idea about the cache of the builds.");
        vault.write("00 Inbox/c.md", "---\ntrust: untrusted\n---\nShorter queues at the pier of the ferry.");
        vault.write(
                "00 Inbox/d.md", "---\ntrust: trusted\nsource:\n  - a letter\n---\nMore lamps for the old harbour.");
        vault.write("00 Inbox/e.md", "---\ntrust: trusted\n---\nBelieve me.");

        List<VaultImport.Line> lines = vault.apply(null).lines();

        assertEquals(
                "enqueue an untrusted job of research (research.packet): \"Read it\"",
                lines.get(0).does());
        assertEquals(1, count("jobs where trust = 'untrusted'"), lines::toString);
        assertEquals(3, count("ideas i where trust_of_idea(i) = 'untrusted'"), lines::toString);
        assertEquals(1, count("ideas where evidence #>> '{0,url}' = 'https://example.org/y'"));
        assertTrue(lines.get(4).refused().contains("trust: untrusted"), lines::toString);
        assertEquals(0, count("idle_news('default', 'devops', '-infinity') n, jsonb_array_elements(n)"));
    }

    @Test
    void an_edit_of_a_memory_that_was_confirmed_meanwhile_is_carried_whole_and_a_small_mend_is_one() {
        String memory = new Rows(database).memory("lesson", "The registry is slow on Mondays");
        vault.export();
        String path = vault.path("-lesson-");
        vault.write(
                path,
                vault.read(path).replace("Use the mirror, not the registry.", "Use the mirror; not the Registry."));
        database.jdbc()
                .update(
                        "update memories set next_review_at = next_review_at + interval '30 days', confirmed_at = now()"
                                + " where memory_id = ?::uuid",
                        memory);
        vault.export();

        VaultImport.Line line = only(vault.apply("Ben measured it."));

        assertEquals(List.of(), line.left());
        assertTrue(line.done() != null && line.done().startsWith("memory candidate "), line::toString);
        assertEquals(List.of(), vault.plan().lines());
    }
}
