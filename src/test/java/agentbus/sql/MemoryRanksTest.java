package agentbus.sql;

import static agentbus.sql.Machine.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a job is searched by, which memories come first, and that old memories follow new rules for words. */
@ExtendWith(PostgresExtension.class)
class MemoryRanksTest {
    private static final String DRAIN = "Drain the queue before each restart";
    private static final String DRAIN_BODY = "A restart without a drain has doubled charges twice.";

    private Machine bus;
    private MemoryRows rows;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        rows = new MemoryRows(bus);
    }

    private String textOf(String payload) {
        return bus.jdbc()
                .queryForObject(
                        "select job_text(jsonb_populate_record(null::jobs, jsonb_build_object('payload', " + payload
                                + ")))",
                        String.class);
    }

    private List<String> bucketsFor(String text, String keys, String trust) {
        return bus.jdbc()
                .queryForList(
                        "select bucket from memories_for_job('default', 'devops', 'infra.check', ?, ?::jsonb,"
                                + " p_trust => ?) order by rank",
                        String.class,
                        text,
                        keys,
                        trust);
    }

    private JsonNode search(Object... input) {
        return bus.call("search_memories", Machine.operator(), json(input)).get("memories");
    }

    @Test
    void a_payload_of_120_000_values_is_searched_by_its_first_level_and_a_part_of_its_lists() {
        String text = textOf(
                "(select jsonb_build_object('list', jsonb_agg(i), 'symptom', 'slow') from generate_series(1, 120000) i)");

        assertTrue(text.startsWith("slow\n1\n2\n"), text.substring(0, 20));
        assertEquals(201, text.lines().count());
        assertEquals(
                200,
                textOf("(select jsonb_object_agg('k' || i, i) from generate_series(1, 30000) i)")
                        .lines()
                        .count());
        assertEquals("", textOf("(repeat('[', 3000) || '1' || repeat(']', 3000))::jsonb"));
        assertEquals("", textOf("'{\"a\": null, \"b\": [true, {}]}'::jsonb"));
    }

    @Test
    void a_long_log_leaves_room_for_the_other_texts_of_a_payload() {
        String text = textOf("jsonb_build_object('log', repeat('GET /x 200 ', 5000), 'symptom', 'slow')");

        assertTrue(text.endsWith("\nslow"), text.substring(text.length() - 20));
    }

    @Test
    void a_subject_that_only_stands_in_the_text_is_no_key() {
        rows.memory("subject_key", "payments-api", "title", DRAIN, "body", DRAIN_BODY);

        assertEquals(List.of(), bucketsFor("Payments API is green today", "{}", "trusted"));
        assertEquals(List.of("global"), bucketsFor("Restart Payments API and drain its queue", "{}", "trusted"));
        assertEquals(List.of("exact"), bucketsFor("It is green today", "{\"service\": [\"payments-api\"]}", "trusted"));
    }

    @Test
    void the_text_of_an_untrusted_job_names_no_person() {
        rows.memory("scope", "person", "subject_key", "anna bell", "title", DRAIN, "body", DRAIN_BODY);
        String text = "Restart, then drain the queue of Anna Bell";

        assertEquals(1, bucketsFor(text, "{}", "trusted").size());
        assertEquals(List.of(), bucketsFor(text, "{}", "untrusted"));
        assertEquals(List.of("exact"), bucketsFor(text, "{\"person\": [\"anna bell\"]}", "untrusted"));
    }

    @Test
    void of_two_thousand_memories_of_a_subject_the_newest_come_first_and_each_is_found() {
        bus.jdbc()
                .update(
                        """
                        insert into memories (namespace, kind, scope, subject_key, title, body, evidence, source_refs,
                          confidence, stability, visibility, trust, source_agent, promoted_by, notes, next_review_at)
                        select 'default', 'lesson', 'service', 'web', 'Drain rule of customer alpha' || i,
                          'Charges were doubled once.', 'seen', '[]', 3, 'medium', 'shared', 'trusted', 'research',
                          'operator:anna', 'seen', now() + interval '60 days'
                        from generate_series(1, 2000) i
                        order by i""");

        for (Object[] input :
                new Object[][] {{"query", "drain charges"}, {"query", "drain charges", "subjectKey", "Web"}}) {
            assertEquals(
                    "Drain rule of customer alpha2000",
                    search(input).at("/0/title").asText(),
                    json(input).toString());
        }
        assertEquals(
                "Drain rule of customer alpha3",
                search("query", "drain alpha3", "subjectKey", "web")
                        .at("/0/title")
                        .asText());
        assertEquals(
                0,
                search("query", "drain alpha3", "subjectKey", "web", "scope", "project")
                        .size());
        assertEquals(
                "Drain rule of customer alpha2000",
                bus.jdbc()
                        .queryForObject(
                                "select title from memories_for_job('default', 'devops', '', 'drain the charges',"
                                        + " '{\"service\": \"web\"}') where rank = 1",
                                String.class));
    }

    @Test
    void a_list_of_wrong_injections_does_not_read_the_others() {
        String memory = rows.memory();
        bus.jdbc()
                .update(
                        """
                        insert into memory_injections (namespace, attempt_id, memory_id, version, job_id, agent_id,
                          bucket, rank, score, score_parts, tokens, verdict)
                        select 'default', new_id(), ?::uuid, 1, new_id(), 'devops', 'exact', 1, 1, '{}', 40,
                          case when i = 1 then 'wrong' end
                        from generate_series(1, 5000) i""",
                        memory);
        bus.jdbc().execute("analyze memory_injections");
        String list = "list_memory_injections(?::jsonb, '{\"verdict\": \"wrong\"}')";
        String operator = Machine.operator().toString();

        assertEquals(1, bus.one("select " + list, operator).get("injections").size());
        JsonNode plan = bus.one("explain (analyze, buffers, format json) select " + list, operator);
        long pages = plan.at("/0/Plan/Shared Hit Blocks").asLong();
        assertTrue(pages < 100, pages + " pages");
    }

    @Test
    void memories_follow_when_another_build_finds_other_words_in_texts() {
        String active = rows.memory("subject_key", "payments-api", "title", DRAIN, "body", DRAIN_BODY);
        String words = wordsOf(active);
        again();
        String ended = rows.memory("status", "expired", "ended_at", rows.ago("hours => 1"));
        long audited = bus.count("audit_log");
        bus.jdbc().update("update memories set words = '''default old'':1A', identifiers = ' old '");
        long auditedAfterwards = bus.count("audit_log");
        assertEquals(0, again(), "the same functions");

        bus.jdbc().update("update bus_facts set value = 'an earlier build' where name = 'memory_words_made_by'");

        assertEquals(1, again());
        assertEquals(words, wordsOf(active));
        assertEquals("'default old':1A", wordsOf(ended));
        assertEquals(
                1, bus.jdbc().queryForObject("select memories from memory_words where word = 'drain'", Integer.class));
        assertEquals(audited, auditedAfterwards, "columns that only index texts are not audited");
        assertEquals(audited, bus.count("audit_log"));
        assertEquals(0, again(), "once");
    }

    private String wordsOf(String memory) {
        return bus.jdbc()
                .queryForObject("select words::text from memories where memory_id = ?::uuid", String.class, memory);
    }

    private int again() {
        return bus.jdbc().queryForObject("select index_memories_again()", Integer.class);
    }

    @Test
    void tokens_count_the_mark_of_each_line_the_subject_and_other_scripts() {
        assertEquals(31, tokens(null, "abcd", "abcd"), "a head of 110, 9 of text and 4 of marks, by 4");
        assertEquals(tokens(null, "abcd", "abcd") + 5, tokens("a-service-of-20-char", "abcd", "abcd"));
        assertEquals(tokens(null, "abcd", "abcd") + 4, tokens(null, "abcd", "abcd\na\nb\nc\nd"));
        assertEquals(tokens(null, "abcd", "abcd") + 3, tokens(null, "abcd", "再起動す"));
        assertEquals(tokens(null, "abcd", "abcd"), tokens(null, "abcd", "очер"));
    }

    private int tokens(String subject, String title, String body) {
        return bus.jdbc().queryForObject("select memory_tokens(?, ?, ?)", Integer.class, subject, title, body);
    }

    @Test
    void the_source_of_a_memory_is_told_in_right_plurals() {
        assertEquals(
                "research, 1 job, 2 memories, 2 opportunities, 2 slots",
                bus.jdbc()
                        .queryForObject(
                                """
                                select memory_source('research', jsonb_agg(jsonb_build_object('kind', kind)))
                                from unnest('{job,memory,memory,opportunity,opportunity,slot,slot}'::text[]) kind""",
                                String.class));
    }
}
