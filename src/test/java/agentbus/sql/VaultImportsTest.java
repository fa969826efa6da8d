package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Contract;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What an edit in a vault becomes: the call of a person, which the contract takes, and nothing without it. */
@ExtendWith(PostgresExtension.class)
class VaultImportsTest {
    private static final Contract CONTRACT = Contract.load();
    private static final String HASH = "ab".repeat(32);

    private Machine bus;
    private String vault;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        vault = vault("default");
    }

    private String vault(String namespace) {
        return bus.jdbc()
                .queryForObject(
                        "insert into vaults (namespace, directory) values (?, '/srv/vault') returning vault_id::text",
                        String.class,
                        namespace);
    }

    private JsonNode call(ObjectNode edit) {
        return bus.one(
                "select vault_import_call(?::jsonb, ?::uuid, ?::jsonb)",
                Machine.operator().toString(),
                vault,
                edit.toString());
    }

    /** Makes the call of an edit as the command does: through the contract. */
    private String done(ObjectNode edit) {
        JsonNode call = call(edit);
        ObjectNode input = CONTRACT.operation(call.get("operation").asText())
                .check(((ObjectNode) call.get("input")).deepCopy(), UnaryOperator.identity());
        return bus.jdbc()
                .queryForObject(
                        "select apply_vault_import(?::jsonb, ?::jsonb)",
                        String.class,
                        Machine.operator().toString(),
                        json("operation", call.get("operation").asText(), "input", input)
                                .toString());
    }

    private ObjectNode edit(String kind, String row, Object... more) {
        ObjectNode edit = json(more);
        return edit.put("kind", kind).put("rowId", row).put("hash", HASH);
    }

    private static ObjectNode inbox(Object... more) {
        return json(more).put("kind", "inbox").put("hash", HASH);
    }

    @Test
    void a_memory_s_new_text_is_a_candidate_of_the_person_that_would_supersede_it() {
        String memory = new MemoryRows(bus).memory();
        ObjectNode edit = edit(
                "memory",
                memory,
                "title",
                "The importer takes single days",
                "body",
                "Since June the importer takes single days, and none is lost.",
                "reason",
                "Ben has mended it.");

        assertTrue(call(edit).get("does").asText().contains("supersedes memory " + memory), () -> call(edit)
                .toString());
        String done = done(edit);

        assertTrue(done.startsWith("memory candidate "), done);
        assertEquals(
                1,
                bus.count(
                        "memory_candidates where supersedes_memory_id = ?::uuid and source_agent = 'anna' and trust ="
                                + " 'trusted' and evidence = 'Ben has mended it.' and kind = 'lesson' and"
                                + " subject_key = 'importer'",
                        memory));
        assertEquals(
                1,
                bus.count("memories where memory_id = ?::uuid and status = 'active' and body like 'Give%'", memory),
                "the memory itself is as it was");
        assertTrue(done(edit).endsWith("says the same already"), "a repeated import");
        assertEquals(1, bus.count("memory_candidates"));
    }

    @Test
    void a_memory_that_has_ended_is_not_superseded_and_the_refusal_says_since_when() {
        String memory = new MemoryRows(bus)
                .memory("status", "expired", "ended_at", "2026-11-01T00:00:00Z", "end_reason", "old");

        assertEquals(
                "memory " + memory + " is expired since 2026-11-01T00:00:00Z",
                refusal(() -> call(edit("memory", memory, "title", "Something else now", "body", "x".repeat(30))))
                        .message());
    }

    @Test
    void an_opportunity_s_status_is_a_triage_by_the_person() {
        String opportunity = new ProposalRows(bus).opportunity();
        ObjectNode edit = edit("opportunity", opportunity, "status", "accepted", "reason", "It pays back at once.");

        assertEquals(
                "set opportunity " + opportunity + " from new to accepted: It pays back at once",
                call(edit).get("does").asText());
        assertEquals("opportunity " + opportunity + " is accepted", done(edit));
        assertEquals(
                1,
                bus.count("opportunity_reviews where reviewer = 'operator:anna' and decision = 'accepted'"
                        + " and notes = 'It pays back at once.'"));
        done(edit);
        assertEquals(1, bus.count("opportunity_reviews"), "a repeated import changes nothing");
    }

    @Test
    void parking_takes_its_date_from_the_note() {
        String opportunity = new ProposalRows(bus).opportunity();
        String until = bus.jdbc().queryForObject("select utc_text(now() + interval '9 days')", String.class);

        done(edit("opportunity", opportunity, "status", "parked", "until", until, "reason", "After the release."));

        assertEquals(1, bus.count("opportunities where status = 'parked' and utc_text(parked_until) = ?", until));
    }

    @Test
    void a_status_that_no_triage_gives_a_missing_reason_and_an_outdated_note_are_refused_in_words() {
        String opportunity = new ProposalRows(bus).opportunity();

        assertEquals(
                "422 invalid_field status",
                refusal(() -> call(edit("opportunity", opportunity, "status", "converted_to_job")))
                        .brief());
        assertTrue(refusal(() -> call(edit("opportunity", opportunity, "status", "converted_to_job")))
                .expected()
                .endsWith("a job is made by the command convert-opportunity"));
        assertEquals(
                "422 invalid_field reason",
                refusal(() -> call(edit("opportunity", opportunity, "status", "accepted")))
                        .brief());
        bus.ask("triage_opportunity", "opportunityId", opportunity, "decision", "rejected", "notes", "Too dear.");
        var outdated = refusal(() -> call(edit("opportunity", opportunity, "status", "accepted", "reason", "yes")
                .put("outdated", true)));
        assertEquals("409 wrong_state status", outdated.brief());
        assertTrue(outdated.message().contains("was rejected by operator:anna"), outdated.message());
    }

    @Test
    void a_note_of_the_inbox_is_an_idea_once() {
        ObjectNode edit = inbox(
                "title",
                "Cache the packages",
                "body",
                "Half of each build waits for downloads.",
                "theme",
                "Build Speed",
                "tags",
                new String[] {"ci"});

        assertTrue(done(edit).startsWith("idea "));
        assertTrue(done(edit).endsWith("says the same already"));
        assertEquals(
                1,
                bus.count("ideas where theme = 'build speed' and source_agent = 'anna' and tags = '{ci}'"
                        + " and source_job_id is null"));
    }

    @Test
    void a_note_of_the_inbox_that_says_so_is_a_job() {
        ObjectNode edit = inbox(
                "noteKind",
                "job",
                "agent",
                "devops",
                "subject",
                "infra.check",
                "title",
                "Look at web-1",
                "body",
                "It answers slowly.");

        assertEquals(
                "enqueue a job of devops (infra.check): \"Look at web-1\"",
                call(edit).get("does").asText());
        assertTrue(done(edit).startsWith("job "));
        assertEquals(
                1,
                bus.count("jobs where target_agent = 'devops' and subject = 'infra.check' and payload ="
                        + " '{\"title\": \"Look at web-1\", \"task\": \"It answers slowly.\"}'"));
        assertEquals(
                "422 invalid_field kind",
                refusal(() -> call(inbox("noteKind", "memory", "title", "x"))).brief());
    }

    @Test
    void the_calls_are_of_the_vault_s_namespace_and_no_row_of_another_is_found() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        String memory = new MemoryRows(bus).memory();
        vault = vault("other");

        assertEquals(
                "there is no memory " + memory + " in namespace other",
                refusal(() -> call(edit("memory", memory, "title", "x", "body", "y")))
                        .message());
        assertEquals(
                "other", call(inbox("title", "An idea")).at("/input/namespace").asText());
        done(inbox("title", "An idea of the other shop"));
        assertEquals(1, bus.count("ideas where namespace = 'other'"));
        assertEquals(
                404,
                refusal(() -> call(edit("opportunity", UUID.randomUUID().toString(), "status", "accepted")))
                        .status());
    }
}
