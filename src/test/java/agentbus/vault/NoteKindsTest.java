package agentbus.vault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each kind of row has its note, links lead from one to the other, and nothing private is among them. */
@ExtendWith(PostgresExtension.class)
class NoteKindsTest {
    private static final Pattern LINK = Pattern.compile("\\[\\[([^|\\]]+)\\|");

    private final TestDatabase database;

    @TempDir
    private Path home;

    private Rows rows;
    private Vault vault;

    NoteKindsTest(TestDatabase database) {
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

    private void assertEveryLinkResolves() {
        Map<String, String> notes = vault.notes();
        notes.forEach((path, text) -> {
            Matcher link = LINK.matcher(text);
            while (link.find()) {
                assertTrue(notes.containsKey(link.group(1) + ".md"), path + " leads to " + link.group(1));
            }
        });
    }

    @Test
    void an_idea_leads_to_its_opportunity_and_back() {
        String idea = rows.idea("The registry answers slowly", "Each build waits 40 s.");
        String opportunity = rows.opportunity("A mirror of the registry");
        rows.jdbc()
                .update(
                        "update ideas set status = 'promoted_to_opportunity', ended_at = created_at, opportunity_id = ?::uuid",
                        opportunity);
        rows.jdbc().update("update opportunities set idea_id = ?::uuid", idea);

        vault.export();

        String ideaNote = vault.path("-idea-the-registry");
        String opportunityNote = vault.path("-opportunity-a-mirror");
        assertTrue(vault.read(ideaNote)
                .contains("[[" + opportunityNote.replace(".md", "") + "|A mirror of the registry]]"));
        assertTrue(vault.read(opportunityNote)
                .contains("[[" + ideaNote.replace(".md", "") + "|The registry answers slowly]]"));
        assertTrue(vault.read(opportunityNote)
                .contains("Page `https://status.example.org/registry`, read on 21 November 2026"));
        assertEveryLinkResolves();
    }

    @Test
    void a_memory_leads_to_the_one_that_replaced_it() {
        String old = rows.memory("lesson", "Builds use the registry");
        String now = rows.memory("lesson", "Builds use the mirror");
        rows.jdbc()
                .update(
                        "update memories set status = 'superseded', superseded_by = ?::uuid, ended_at = now(),"
                                + " ended_by = 'agent:knowledge', end_reason = 'Faster.' where memory_id = ?::uuid",
                        now,
                        old);

        vault.export();

        String path = vault.path("04 Memories/Lessons/2026-11-22-lesson-builds-use-the-registry");
        assertTrue(vault.read(path).contains("It was replaced by [[04 Memories/Lessons/"), vault.read(path));
        assertTrue(vault.read(path).contains("status: \"superseded\""));
        assertEveryLinkResolves();
    }

    @Test
    void a_private_memory_is_never_written_and_one_of_a_role_only_when_roles_are_shown() {
        rows.memory("lesson", "Secret of research itself", "private", "research", "trusted");
        rows.memory("lesson", "Routine of the role research", "role", "research", "trusted");

        vault.export();
        assertFalse(vault.notes().toString().contains("Routine of the role"));
        vault.export("default", "role");
        assertTrue(vault.notes().toString().contains("Routine of the role"));
        vault.export();

        assertFalse(
                vault.notes().toString().contains("Routine of the role"), "a note of a hidden row says nothing of it");
        assertFalse(vault.notes().toString().contains("Secret of research"));
        assertEveryLinkResolves();
    }

    @Test
    void text_from_outside_is_a_quotation_that_says_so() {
        rows.memory("decision", "We keep one mirror only", "shared", null, "untrusted");

        vault.export();

        String note = vault.read(vault.path("we-keep-one-mirror"));
        assertTrue(note.contains("## Summary\n\n> **Untrusted:**"), note);
        assertTrue(note.contains("\n> Use the mirror, not the registry.\n"), note);
    }

    @Test
    void the_links_of_a_digest_lead_to_notes() {
        String opportunity = rows.opportunity("A mirror of the registry");
        rows.digest(
                "2026-11-25",
                "# Daily digest\n\n1. **Decide:** [`A mirror`](/console/opportunities/" + opportunity
                        + ") and [job](/console/jobs/0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10) with"
                        + " `](/console/ideas/x) <% y %>`.\n");

        vault.export();

        String note = vault.read(vault.path("05 Reports/2026-11-26-report-daily-digest"));
        assertTrue(note.contains("1. **Decide:** [[03 Opportunities/"), note);
        assertTrue(note.contains("|A mirror]] and job `0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10` with"), note);
        assertFalse(note.contains("<%"), note);
        assertTrue(vault.read("01 Daily/2026-11-25.md").contains("## Digest"));
        assertEveryLinkResolves();
    }

    @Test
    void a_day_that_is_long_over_is_not_written_anew_until_a_person_changes_its_note() {
        rows.idea("Old", "An idea of a long time ago.");
        rows.jdbc().update("update ideas set created_at = now() - interval '40 days'");
        vault.export();
        String day = rows.jdbc()
                .queryForObject("select to_char(created_at at time zone 'UTC', 'YYYY-MM-DD') from ideas", String.class);
        String path = "01 Daily/" + day + ".md";
        String note = vault.read(path);
        rows.jdbc().update("update ideas set title = 'New title'");

        vault.export();
        assertEquals(note, vault.read(path));
        vault.file(path).toFile().delete();
        vault.export();

        assertTrue(vault.read(path).contains("New title"));
    }

    @Test
    void a_vault_shows_one_namespace() {
        rows.idea("Of default", "Body.");
        rows.jdbc().update("insert into namespaces (namespace) values ('blue') on conflict do nothing");
        rows.jdbc()
                .update("insert into ideas (namespace, source_agent, theme, title, body)"
                        + " values ('blue', 'scout', 'sea', 'Of blue', 'Body.')");

        vault.export("blue", "shared");

        assertTrue(vault.notes().toString().contains("Of blue"));
        assertFalse(vault.notes().toString().contains("Of default"));
    }

    @Test
    void an_empty_vault_says_so_and_the_index_of_agents_says_what_each_is_for() {
        rows.jdbc()
                .update(
                        "update agents set mission = 'Watches the *hosts*. Repairs nothing.' where agent_id = 'devops'");

        vault.export();

        String start = vault.read("Home.md");
        assertTrue(start.contains("|Ideas]]: none yet\n"), start);
        assertTrue(start.contains("|Agents]]: 3 agents\n"), start);
        String agents = vault.read("06 Agents/00 Agents.md");
        assertTrue(agents.contains("|devops]]: Watches the \\*hosts\\*.\n"), agents);

        rows.idea("The registry answers slowly", "Each build waits 40 s.");
        rows.jdbc().update("update ideas set status = 'archived', ended_at = now()");
        vault.export();

        assertTrue(vault.read("Home.md").contains("|Ideas]]: 1, none of them open\n"), vault.read("Home.md"));
    }

    @Test
    void a_decided_opportunity_has_no_next_step_and_a_note_that_is_gone_says_what_it_was() {
        String opportunity = rows.opportunity("A mirror of the registry");
        vault.export();
        String path = vault.path("-opportunity-a-mirror");
        assertTrue(vault.read(path).contains("\n## Next step\n"), vault.read(path));

        rows.jdbc()
                .update(
                        "insert into opportunity_reviews (namespace, opportunity_id, reviewer, decision, notes)"
                                + " values ('default', ?::uuid, 'operator:route:mail (Anna Berg)', 'rejected', 'Not now.')",
                        opportunity);
        rows.jdbc().update("update opportunities set status = 'rejected', ended_at = now()");
        vault.export();

        String rejected = vault.read(path);
        assertFalse(rejected.contains("## Next step"), rejected);
        assertTrue(rejected.contains("\n## The step that was proposed\n"), rejected);
        assertTrue(rejected.contains("**rejected** by Anna Berg (route mail). Not now."), rejected);

        rows.jdbc().update("delete from opportunity_reviews");
        rows.jdbc().update("delete from opportunities");
        vault.export();

        assertTrue(vault.read(path).contains("The bus no longer keeps this opportunity"), vault.read(path));
    }

    @ParameterizedTest
    @CsvSource({
        "operator:anna, anna",
        "operator:route:mail (Anna Berg), Anna Berg (route mail)",
        "operator:route:mail, the route mail",
        "agent:knowledge, knowledge",
        "operator:, operator:"
    })
    void an_actor_has_the_name_that_people_know(String actor, String name) {
        assertEquals(name, Words.actor(actor));
    }

    @ParameterizedTest
    @CsvSource({
        "converted_to_job, converted to a job",
        "promoted_to_opportunity, promoted to an opportunity",
        "entity_fact, entity fact",
        "new, new"
    })
    void a_stored_word_is_written_as_people_write_it(String word, String plain) {
        assertEquals(plain, Words.plain(word));
    }
}
