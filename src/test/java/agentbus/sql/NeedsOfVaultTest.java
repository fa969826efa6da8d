package agentbus.sql;

import static agentbus.sql.Needs.assertSays;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What of the vaults waits for a person, and what the metrics say of them. */
@ExtendWith(PostgresExtension.class)
class NeedsOfVaultTest {
    private Machine bus;
    private Needs needs;
    private String vault;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        needs = new Needs(bus);
        vault = vault("default");
    }

    private String vault(String namespace) {
        return bus.jdbc()
                .queryForObject(
                        "insert into vaults (namespace, directory, exported_at, verified_at)"
                                + " values (?, '/srv/vault', now() - interval '1 hour', now() - interval '1 hour')"
                                + " returning vault_id::text",
                        String.class,
                        namespace);
    }

    private void edited(String of, String path, int hoursAgo) {
        bus.jdbc()
                .update(
                        "insert into vault_notes (vault_id, kind, row_id, path, content_hash, edited_hash, edited_at)"
                                + " values (?::uuid, 'idea', ?, ?, 'a', 'b', now() - make_interval(hours => ?))",
                        of,
                        path,
                        path,
                        hoursAgo);
    }

    private void found(String differences) {
        bus.one(
                "select record_vault_verification(?::jsonb, ?::uuid, jsonb_build_object('differences', ?::jsonb))",
                Machine.operator().toString(),
                vault,
                differences);
    }

    private List<String> measured(String namespace) {
        return bus.jdbc()
                .queryForList(
                        "select metric || ' ' || floor(value / 3600) from measured_vaults()"
                                + " where labels ->> 'namespace' = ? order by 1",
                        String.class,
                        namespace);
    }

    @Test
    void edited_notes_are_one_item_with_the_first_paths_and_the_command() {
        edited(vault, "02 Ideas/d.md", 1);
        edited(vault, "02 Ideas/a.md", 4);
        edited(vault, "02 Ideas/c.md", 2);
        edited(vault, "02 Ideas/b.md", 3);

        JsonNode item = needs.only();

        assertEquals("vault_edited", item.get("kind").asText());
        assertSays(
                "People have edited 4 notes of the vault /srv/vault: \"02 Ideas/a.md\", \"02 Ideas/b.md\","
                        + " \"02 Ideas/c.md\" and 1 more.",
                item);
        assertEquals(4, item.get("count").asInt());
        bus.jdbc().update("update vault_notes set edited_hash = null, edited_at = null");
        assertEquals(List.of(), needs.items());
    }

    @Test
    void an_export_that_failed_says_why_and_ends_with_the_next_good_one() {
        bus.jdbc()
                .update("update vaults set export_error = 'No space left on device', export_failed_at = now(),"
                        + " exported_at = '2026-11-01T04:30:00Z'");

        JsonNode item = needs.only();

        assertEquals("vault_failed", item.get("kind").asText());
        assertSays("The export of the vault /srv/vault has failed: No space left on device.", item);
        assertEquals(
                "Its notes show the bus as of 2026-11-01T04:30:00Z. The next export tries again.",
                item.get("ifNobodyActs").asText());
        bus.jdbc().update("update vaults set export_error = null, exported_at = now()");
        assertEquals(List.of(), needs.items());
    }

    @Test
    void a_difference_is_named_and_an_edit_is_none() {
        found("[{\"path\": \"02 Ideas/a.md\", \"kind\": \"edited\", \"text\": \"a person has edited it\"},"
                + " {\"path\": \"02 Ideas/b.md\", \"kind\": \"missing\", \"text\": \"the file is gone\"}]");

        JsonNode item = needs.only();

        assertEquals("vault_diverged", item.get("kind").asText());
        assertSays(
                "The vault /srv/vault differs from the database in 1 place; the first is \"02 Ideas/b.md\": the file is"
                        + " gone.",
                item);
        found("[{\"path\": \"02 Ideas/a.md\", \"kind\": \"edited\", \"text\": \"a person has edited it\"}]");
        assertEquals(List.of(), needs.items(), "an edit that no export has seen yet");
        assertEquals(2, bus.count("audit_log where action = 'vault.changed' and why = 'vault verified'"));
    }

    @Test
    void a_vault_keeps_a_hundred_differences_of_many() {
        bus.jdbc()
                .queryForList(
                        "select record_vault_verification(?::jsonb, ?::uuid, jsonb_build_object('differences', ("
                                + " select jsonb_agg(jsonb_build_object('path', i || '.md', 'kind', 'missing', 'text', 'gone'))"
                                + " from generate_series(1, 10000) i)))",
                        Machine.operator().toString(),
                        vault);

        assertEquals(10000, bus.count("vaults v, generate_series(1, v.differences)"));
        assertEquals(100, bus.count("vaults v, jsonb_array_elements(v.difference_list)"));
    }

    @Test
    void a_folder_that_was_left_a_week_ago_needs_nobody_and_has_no_series() {
        edited(vault, "02 Ideas/a.md", 1);
        bus.jdbc().update("update vaults set exported_at = now() - interval '8 days'");

        assertEquals(List.of(), needs.items());
        assertEquals(List.of(), measured("default"));
    }

    @Test
    void a_vault_that_was_rebuilt_in_its_place_leaves_no_item_of_the_old_one() {
        found("[{\"path\": \"x.md\", \"kind\": \"extra\", \"text\": \"not ours\"}]");
        edited(vault, "02 Ideas/a.md", 1);
        assertEquals(2, needs.items().size());

        vault("default");

        assertEquals(List.of(), needs.items());
    }

    @Test
    void a_vault_speaks_again_after_a_night_in_which_another_one_was_written_in_its_place() {
        edited(vault, "02 Ideas/a.md", 1);
        vault("default");
        assertEquals(List.of(), needs.items());

        bus.jdbc().update("update vaults set exported_at = now() where vault_id = ?::uuid", vault);

        assertEquals("vault_edited", needs.only().get("kind").asText());
        bus.jdbc()
                .update(
                        "update vaults set export_failed_at = now(), export_error = 'x' where vault_id <> ?::uuid",
                        vault);
        bus.jdbc()
                .queryForList(
                        "select fail_nightly_vault(?::jsonb, 'default', '/srv/vault', 'no marker')",
                        Machine.operator().toString());
        assertEquals(1, bus.count("vaults where export_error = 'no marker'"));
        assertEquals(2, bus.count("vaults"));
    }

    @Test
    void each_namespace_has_its_own_numbers_and_ages_count_only_while_phase_5_runs() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        vault("other");
        edited(vault, "02 Ideas/a.md", 1);
        found("[{\"path\": \"x.md\", \"kind\": \"extra\", \"text\": \"not ours\"}]");
        bus.jdbc().update("update vaults set verified_at = now() - interval '2 hours'");

        assertEquals(
                List.of(
                        "agentbus_vault_differences 0",
                        "agentbus_vault_edited_notes 0",
                        "agentbus_vault_exported_seconds 1",
                        "agentbus_vault_verified_seconds 2"),
                measured("default"));
        assertEquals(
                1.0,
                bus.jdbc()
                        .queryForObject(
                                "select value from measured_vaults() where labels ->> 'namespace' = 'default'"
                                        + " and metric = 'agentbus_vault_differences'",
                                Double.class));
        assertEquals(
                List.of(
                        "agentbus_vault_edited_notes 0",
                        "agentbus_vault_exported_seconds 1",
                        "agentbus_vault_verified_seconds 2"),
                measured("other"));
        bus.ask("freeze", "kind", "phase", "name", "5", "reason", "the vault is rebuilt");
        assertEquals(List.of("agentbus_vault_differences 0", "agentbus_vault_edited_notes 0"), measured("default"));
        assertEquals(
                1,
                bus.ask("needs_me", "namespace", "default").get("items").findValuesAsText("kind").stream()
                        .filter("vault_edited"::equals)
                        .count());
    }
}
