package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the auditor finds in the memories without a model: each matter once, and not below its threshold. */
@ExtendWith(PostgresExtension.class)
class AuditMemoriesTest {
    private Machine bus;
    private MemoryRows rows;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        rows = new MemoryRows(bus);
    }

    /** Looks three times, as the nodes do, an hour apart, because not all of the looks are taken each minute. */
    private void look() {
        for (int hours = 0; hours < 3; hours++) {
            bus.jdbc().queryForList("select audit_bus(now() + make_interval(hours => ?))", hours);
            bus.jdbc().update("delete from bus_facts where name = 'memories_looked_at'");
        }
        assertEquals(0, bus.count("events where topic = 'audit.check_failed'"));
    }

    private List<JsonNode> found(String finding) {
        look();
        return bus
                .jdbc()
                .queryForList(
                        "select payload::text from events where topic = ? order by seq",
                        String.class,
                        "audit.memories." + finding)
                .stream()
                .map(Machine::parse)
                .toList();
    }

    /** The open reviews of a kind: each its memory and its detail. */
    private List<String> reviews(String kind) {
        look();
        return bus.jdbc()
                .queryForList(
                        "select memory_id || ' ' || detail from memory_reviews"
                                + " where kind = ? and closed_at is null order by seq",
                        String.class,
                        kind);
    }

    private void close(String outcome) {
        bus.jdbc()
                .update(
                        "update memory_reviews set closed_at = now(), closed_by = 'operator:anna', outcome = ?",
                        outcome);
    }

    private void used(String memory, int injected, int irrelevant, String lastUsed) {
        bus.jdbc()
                .update(
                        "insert into memory_uses (memory_id, namespace, injected, irrelevant, last_injected_at, last_used_at)"
                                + " values (?::uuid, 'default', ?, ?, '2026-02-01T10:00:00Z', ?::timestamptz)",
                        memory,
                        injected,
                        irrelevant,
                        lastUsed);
    }

    @Test
    void a_memory_whose_review_date_has_come_gets_one_review_for_that_date() {
        String overdue = rows.memory("next_review_at", "2026-01-02T03:04:05Z");
        rows.memory("next_review_at", rows.ago("hours => -4"));
        rows.memory("next_review_at", rows.ago("days => 3"), "status", "expired", "ended_at", rows.ago("days => 1"));

        assertEquals(List.of(overdue + " Its review date 2026-01-02T03:04:05Z has come."), reviews("overdue"));
        assertEquals(1, bus.count("audit_log where action = 'memory_review.added' and actor = 'dispatcher:auditor'"));

        close("withdrawn");
        assertEquals(List.of(), reviews("overdue"), "somebody has said why it is not looked at");
        bus.jdbc()
                .update(
                        "update memories set next_review_at = next_review_at + interval '5 years' where status = 'active'");
        bus.jdbc().update("update memory_reviews set created_at = '2026-01-03T00:00:00Z'");
        bus.jdbc().update("update memories set next_review_at = '2026-02-02T00:00:00Z' where status = 'active'");
        assertEquals(2, reviews("overdue").size(), "the new dates have come, that of the other memory among them");
    }

    @Test
    void only_so_many_reviews_are_opened_at_once_and_the_rest_with_the_next_looks() {
        bus.jdbc()
                .update(
                        """
                        insert into memories (namespace, source_agent, promoted_by, notes, kind, scope, subject_key, title, body,
                          evidence, source_refs, confidence, stability, visibility, trust, next_review_at)
                        select 'default', 'research', 'operator:anna', 'n', 'lesson', 'service', 'api-' || g, 't', 'b', 'e',
                          '[{}]', 4, 'stable', 'shared', 'trusted', now() - make_interval(hours => g)
                        from generate_series(1, 250) g""");
        bus.jdbc().queryForList("select audit_overdue_memories(now())");
        assertEquals(200, bus.count("memory_reviews"));
        assertEquals(
                51,
                bus.jdbc()
                        .queryForObject(
                                "select min(extract(epoch from now() - next_review_at) / 3600)::int"
                                        + " from memory_reviews join memories using (memory_id)",
                                Integer.class),
                "the longest overdue first");
        bus.jdbc().queryForList("select audit_overdue_memories(now())");
        assertEquals(250, bus.count("memory_reviews"));
    }

    @Test
    void a_memory_that_nobody_used_for_sixty_days_gets_a_review_whether_it_stood_in_prompts_or_not() {
        String old = "2026-01-02T03:04:05Z";
        String never = rows.memory("created_at", old);
        String useless = rows.memory("created_at", old);
        used(useless, 12, 3, null);
        String useful = rows.memory("created_at", old);
        used(useful, 12, 3, rows.ago("days => 59"));
        rows.memory("created_at", old, "confirmed_at", rows.ago("days => 59"));
        rows.memory("created_at", rows.ago("days => 59"));

        assertEquals(
                List.of(
                        never + " It has stood in no prompt since " + old + ".",
                        useless + " It has stood in 12 prompts, the last time at 2026-02-01T10:00:00Z. Since " + old
                                + " no agent has called it used; 3 agents have called it irrelevant."),
                reviews("unused").stream()
                        .sorted((a, b) -> Boolean.compare(a.startsWith(useless), b.startsWith(useless)))
                        .toList());

        close("withdrawn");
        assertEquals(List.of(), reviews("unused"));
        bus.jdbc().update("update memory_uses set last_used_at = now() - interval '61 days'");
        bus.jdbc().update("update memory_reviews set created_at = created_at - interval '80 days'");
        assertEquals(2, reviews("unused").size(), "used since, and then not for another sixty days");
    }

    @Test
    void a_look_at_every_memory_is_taken_once_an_hour() {
        rows.memory("created_at", rows.ago("days => 70"));
        bus.jdbc().queryForList("select audit_every_memory(now())");
        assertEquals(1, bus.count("memory_reviews"));

        rows.memory("created_at", rows.ago("days => 70"));
        bus.jdbc().queryForList("select audit_every_memory(now() + interval '59 minutes')");
        assertEquals(1, bus.count("memory_reviews"));
        bus.jdbc().queryForList("select audit_every_memory(now() + interval '60 minutes')");
        assertEquals(2, bus.count("memory_reviews"));
    }

    @Test
    void a_memory_that_rests_on_one_that_has_ended_gets_a_review_unless_it_was_confirmed_since() {
        String source = rows.memory(
                "title",
                "Imports run at night",
                "status",
                "wrong",
                "ended_at",
                "2026-01-02T03:04:05Z",
                "ended_by",
                "operator:anna",
                "end_reason",
                "They run at noon.",
                "created_at",
                "2026-01-01T00:00:00Z");
        JsonNode onIt = Machine.parse("[{\"kind\": \"job\", \"id\": \"" + UUID.randomUUID()
                + "\"}, {\"kind\": \"memory\", \"id\": \"" + source + "\"}]");
        String early = "2026-01-01T12:00:00Z";
        String resting = rows.memory("source_refs", onIt, "created_at", early, "confirmed_at", early);
        rows.memory("source_refs", onIt, "created_at", early, "confirmed_at", "2026-01-05T00:00:00Z");
        rows.memory("source_refs", onIt, "created_at", "2026-01-03T00:00:00Z");
        rows.memory("created_at", early);

        assertEquals(
                List.of(resting + " Its source memory " + source
                        + " (\"Imports run at night\") was ended by operator:anna at"
                        + " 2026-01-02T03:04:05Z (wrong): They run at noon."),
                reviews("source_changed"));
        close("withdrawn");
        assertEquals(List.of(), reviews("source_changed"));
    }

    @Test
    void a_review_of_a_changed_source_does_not_tell_the_words_of_a_source_that_not_all_may_read() {
        String source = rows.memory(
                "title",
                "Imports run at night",
                "visibility",
                "private",
                "owner_agent",
                "devops",
                "status",
                "wrong",
                "ended_at",
                "2026-01-02T03:04:05Z",
                "ended_by",
                "attempt:devops",
                "end_reason",
                "They run at noon.",
                "created_at",
                "2026-01-01T00:00:00Z");
        String resting = rows.memory(
                "source_refs",
                Machine.parse("[{\"kind\": \"memory\", \"id\": \"" + source + "\"}]"),
                "created_at",
                "2026-01-01T12:00:00Z");

        assertEquals(List.of(resting + " Its source memory " + source + " has ended."), reviews("source_changed"));
    }

    @Test
    void no_review_is_opened_of_a_memory_that_has_ended_or_that_a_call_is_just_ending() throws SQLException {
        String ended = rows.memory("status", "expired", "ended_at", rows.ago("days => 1"));
        String ending = rows.memory();
        try (Connection connection = bus.jdbc().getDataSource().getConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("update memories set status = 'expired', ended_at = now() where status = 'active'");
            open(ended);
            open(ending);
            connection.commit();
            connection.setAutoCommit(true);
        }
        open(ending);

        assertEquals(0, bus.count("memory_reviews"));
    }

    private void open(String memory) {
        bus.jdbc().queryForList("select open_memory_review('default', ?::uuid, 'overdue', 'It is time.')", memory);
    }

    @Test
    void conflicts_that_stay_open_for_three_days_are_one_finding_a_day() {
        String memory = rows.memory();
        rows.review(
                memory,
                "conflict",
                "created_at",
                rows.ago("days => 2"),
                "candidate_id",
                UUID.randomUUID().toString());
        rows.review(memory, "wrong", "created_at", rows.ago("days => 9"));
        assertEquals(List.of(), found("contradicted"));

        String old = rows.review(
                memory,
                "conflict",
                "created_at",
                rows.ago("days => 5"),
                "candidate_id",
                UUID.randomUUID().toString());
        String older = rows.review(rows.memory(), "conflict", "created_at", rows.ago("days => 6"));

        List<JsonNode> findings = found("contradicted");
        JsonNode finding = findings.get(0);
        assertEquals(2, finding.get("contradicted").asInt());
        assertEquals(6, finding.get("oldestDays").asInt());
        assertEquals(
                List.of(old, older).toString(),
                finding.get("reviews").toString().replace("\"", "").replace(",", ", "));
        assertEquals(memory, finding.at("/memories/0").asText());
    }

    @Test
    void a_memory_that_was_called_wrong_twice_is_a_finding_once_for_its_review() {
        String memory = rows.memory();
        String review = rows.review(memory, "wrong");
        rows.injection(memory, UUID.randomUUID().toString(), "verdict", "wrong");
        rows.injection(memory, UUID.randomUUID().toString(), "verdict", "used");
        assertEquals(List.of(), found("twice_wrong"));

        rows.injection(memory, UUID.randomUUID().toString(), "verdict", "wrong");
        List<JsonNode> findings = found("twice_wrong");
        assertEquals(1, findings.size());
        assertEquals(review, findings.get(0).get("reviewId").asText());
        assertEquals(memory, findings.get(0).get("memoryId").asText());
        assertEquals(2, findings.get(0).get("wrong").asInt());

        close("confirmed");
        assertEquals(1, found("twice_wrong").size());
        rows.review(memory, "wrong");
        assertEquals(2, found("twice_wrong").size(), "wrong again after somebody had confirmed it");
    }

    @ParameterizedTest
    @CsvSource({"29, 0", "30, 1"})
    void thirty_new_memories_on_a_day_grow_too_fast(int number, int findings) {
        for (int i = 0; i < number; i++) {
            rows.memory("source_agent", i == 0 ? "devops" : "research");
        }
        rows.memory("supersedes", UUID.randomUUID().toString(), "version", 2);
        rows.memory("created_at", rows.ago("hours => 30"));

        bus.jdbc().queryForList("select audit_memory_growth(now()) from generate_series(1, 2)");
        List<JsonNode> found = bus
                .jdbc()
                .queryForList("select payload::text from events where topic = 'audit.memories.growth'", String.class)
                .stream()
                .map(Machine::parse)
                .toList();

        assertEquals(findings, found.size());
        found.forEach(finding -> {
            assertEquals(30, finding.get("added").asInt());
            assertEquals("[\"devops\",\"research\"]", finding.get("authors").toString());
            assertEquals("[\"attempt:knowledge\"]", finding.get("promotedBy").toString());
        });
    }

    @Test
    void a_subject_with_more_memories_than_prompts_can_show_is_crowded() {
        for (int i = 0; i < 49; i++) {
            rows.memory();
        }
        rows.memory("subject_key", "other");
        rows.memory("status", "expired", "ended_at", rows.ago("days => 1"));
        look();
        assertEquals(0, bus.count("events where topic = 'audit.memories.crowded'"));

        rows.memory();
        bus.jdbc().queryForList("select audit_crowded_subjects('default', now()) from generate_series(1, 2)");
        JsonNode crowded = bus.one("select payload from events where topic = 'audit.memories.crowded'");
        assertEquals("importer", crowded.get("subjectKey").asText());
        assertEquals(50, crowded.get("active").asInt());
    }

    @Test
    void nothing_is_found_while_the_phase_is_off_because_nobody_could_settle_it() {
        String memory = rows.memory("next_review_at", rows.ago("days => 3"), "created_at", rows.ago("days => 90"));
        rows.review(memory, "conflict", "created_at", rows.ago("days => 9"));
        bus.jdbc().queryForObject("select note_phase('default', 3, 'host-7')", String.class);

        assertEquals(List.of(), reviews("overdue"));
        assertEquals(List.of(), reviews("unused"));
        assertEquals(List.of(), found("contradicted"));
    }
}
