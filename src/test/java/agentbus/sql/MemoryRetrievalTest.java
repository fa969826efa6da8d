package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which memories stand in the prompt of a job, and which a search finds. */
@ExtendWith(PostgresExtension.class)
class MemoryRetrievalTest {
    private static final String DRAIN = "Drain %s before each restart";
    private static final String DRAIN_BODY = "A restart without a drain has doubled charges twice.";
    private static final String MAPPING =
            """
            {"project": "project, repo", "person": "requester", "service": "service, meta.host"}""";

    private Machine bus;
    private MemoryRows rows;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        rows = new MemoryRows(bus);
    }

    private List<String> titlesFor(String agent, String text, String keys) {
        return bus.jdbc()
                .queryForList(
                        "select title from memories_for_job('default', ?, 'infra.check', ?, ?::jsonb) order by rank",
                        String.class,
                        agent,
                        text,
                        keys);
    }

    private List<String> titles(String text, String keys) {
        return titlesFor("devops", text, keys);
    }

    private List<String> found(JsonNode principal, String query) {
        JsonNode answer = bus.call("search_memories", principal, json("query", query));
        return StreamSupport.stream(answer.get("memories").spliterator(), false)
                .map(memory -> memory.get("title").asText())
                .toList();
    }

    private void drain(String service, Object... more) {
        Object[] columns = {"subject_key", service, "title", DRAIN.formatted(service), "body", DRAIN_BODY};
        Object[] all = java.util.Arrays.copyOf(columns, columns.length + more.length);
        System.arraycopy(more, 0, all, columns.length, more.length);
        rows.memory(all);
    }

    @Test
    void a_job_gets_the_memory_about_its_service_and_not_the_same_one_about_another() {
        drain("payments-api");
        drain("orders-api");

        assertEquals(
                List.of(DRAIN.formatted("payments-api")),
                titles("Restart it, then charge again", "{\"service\": [\"payments-api\"]}"));
        assertEquals(
                List.of(DRAIN.formatted("payments-api")),
                titles("Restart Payments API; then drain the queue", "{}"),
                "the text names the service");
        assertEquals(List.of(), titles("Restart it", "{\"service\": [\"billing\"]}"));
    }

    @Test
    void other_words_of_the_same_meaning_and_other_spellings_of_an_identifier_find_a_memory() {
        drain("payments-api");
        rows.memory("scope", "global", "title", "ERR_CONN_42 is a full pool", "body", "Raise nothing; look for leaks.");

        assertEquals(
                List.of(DRAIN.formatted("payments-api")),
                titles("reboot after the charges", "{\"service\": \"payments-api\"}"));
        assertEquals(List.of("ERR_CONN_42 is a full pool"), titles("the log says err-conn-42 again", "{}"));
    }

    @Test
    void a_job_to_which_no_memory_matters_gets_none() {
        drain("payments-api");
        rows.memory("scope", "global", "title", "Reports have at most one page", "body", "Numbers come first.");

        assertEquals(List.of(), titles("The printer needs toner", "{}"));
    }

    @Test
    void a_job_about_a_service_gets_its_memories_also_when_no_word_is_the_same() {
        drain("payments-api");

        assertEquals(
                List.of(DRAIN.formatted("payments-api")),
                titles("People were billed two times", "{\"service\": [\"payments-api\"]}"));
    }

    @Test
    void ended_memories_and_those_of_others_stay_out_of_prompts_and_searches() {
        drain("payments-api", "expires_at", rows.ago("hours => 1"));
        drain("payments-api", "visibility", "private", "owner_agent", "research");
        drain("payments-api", "visibility", "role", "owner_agent", "research");
        drain("payments-api", "status", "expired", "ended_at", rows.ago("hours => 1"));
        String keys = "{\"service\": [\"payments-api\"]}";
        String text = "restart and drain, charges doubled";

        assertEquals(List.of(), titles(text, keys));
        assertEquals(List.of(), found(agent("devops"), text));
        assertEquals(1, titlesFor("research", text, keys).size(), "its own, and the second says the same");
        assertEquals(2, found(agent("research"), text).size());
        assertEquals(2, found(Machine.operator(), text).size());
    }

    @Test
    void a_curator_reads_role_memories_of_others_in_a_search_and_gets_none_in_a_prompt() {
        bus.jdbc().update("update agents set may_promote = 'shared' where agent_id = 'devops'");
        drain("payments-api", "visibility", "role", "owner_agent", "research");
        drain("payments-api", "visibility", "private", "owner_agent", "research");

        assertEquals(1, found(agent("devops"), "drain and restart").size());
        assertEquals(List.of(), titles("drain and restart", "{\"service\": [\"payments-api\"]}"));
    }

    @Test
    void a_prompt_has_at_most_ten_memories_and_600_tokens() {
        for (int i = 0; i < 30; i++) {
            drain(
                    "payments-api",
                    "title",
                    "Restart rule " + "abcdefghijklmnopqrstuvwxyzABCD".charAt(i) + i * 7919,
                    "body",
                    ("drain " + i * 104_729 + " charges ").repeat(i % 3 == 0 ? 30 : 2));
        }
        String sql = "select count(*) <= 10 and sum(tokens) <= 600 and count(*) > 3 from memories_for_job("
                + "'default', 'devops', 'infra.check', 'restart, drain, charges', '{\"service\": \"payments-api\"}')";

        assertEquals(Boolean.TRUE, bus.jdbc().queryForObject(sql, Boolean.class));
    }

    @Test
    void memories_of_another_namespace_are_not_found() {
        bus.jdbc().update("insert into namespaces (namespace) values ('east') on conflict do nothing");
        drain("payments-api", "namespace", "east");

        assertEquals(List.of(), titles("restart and drain", "{\"service\": [\"payments-api\"]}"));
        assertEquals(List.of(), found(Machine.operator(), "restart and drain"));
        assertEquals(
                1,
                bus.call("search_memories", Machine.operator(), json("query", "drain", "namespace", "east"))
                        .get("memories")
                        .size());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "the of and",
                "'; drop table memories; --",
                "a & b | !(c <-> d) :* \\ ' '' \" %_",
                "перезапуск сервиса 再起動 إعادة",
                "\u0001\u0007\ud83d\ude80"
            })
    void a_query_of_any_text_is_answered(String text) {
        drain("payments-api");

        assertEquals(List.of(), titles(text, "{}"));
        assertEquals(List.of(), found(Machine.operator(), text));
    }

    @Test
    void a_query_of_a_thousand_words_finds_the_rare_ones() {
        drain("payments-api");
        String noise = "GET /static/app.js 200 ok 17 ".repeat(200);

        assertEquals(List.of(DRAIN.formatted("payments-api")), found(Machine.operator(), noise + " drain the charges"));
        assertEquals(
                List.of(DRAIN.formatted("payments-api")),
                titles(noise + " restart, drain and charges", "{\"service\": [\"payments-api\"]}"));
    }

    @Test
    void a_subject_and_words_in_another_script_are_found() {
        rows.memory(
                "subject_key",
                "платежи",
                "title",
                "Перед перезапуском остановить очередь",
                "body",
                "Иначе заказы двоятся.");

        assertEquals(
                List.of("Перед перезапуском остановить очередь"),
                titles("остановить очередь", "{\"service\": [\"ПЛАТЕЖИ\"]}"));
    }

    @Test
    void a_search_finds_parts_of_identifiers_and_is_narrowed_by_fields() {
        rows.memory("title", "SW_VERSION is raised in each release", "body", "Else a white page is shown to people.");
        drain("payments-api");

        assertEquals(List.of("SW_VERSION is raised in each release"), found(Machine.operator(), "SW_VERS"));
        assertEquals(
                0,
                bus.ask("search_memories", "query", "SW_VERSION", "subjectKey", "payments-api")
                        .get("memories")
                        .size());
        JsonNode first = bus.ask("search_memories", "query", "drain", "subjectKey", "Payments-API")
                .at("/memories/0");
        assertTrue(first.get("score").asDouble() > 0);
        assertTrue(first.at("/scoreParts/words").asDouble() > 0);
    }

    @Test
    void the_counts_of_words_follow_the_active_memories() {
        drain("payments-api");
        drain("orders-api");
        assertEquals(2, count("drain"));
        assertEquals(2, count(""));

        bus.jdbc().update("update memories set status = 'expired', ended_at = now() where subject_key = 'orders-api'");
        assertEquals(1, count("drain"));
        assertEquals(0, count("order"));

        bus.jdbc().update("delete from memories");
        assertEquals(0, bus.count("memory_words"));
    }

    private int count(String word) {
        return bus.jdbc()
                .queryForObject(
                        "select coalesce(sum(memories), 0) from memory_words where namespace = 'default' and word = ?",
                        Integer.class,
                        word);
    }

    @Test
    void the_keys_of_a_job_come_from_its_payload_and_its_flow() {
        String payload =
                """
                {"repo": " Acme/Web ", "service": ["A", "b", {"no": 1}], "meta": {"host": "web-1"}, "requester": 7}""";

        assertEquals(
                Machine.parse(
                        """
                        {"project": ["acme/web", "quill"], "person": ["7"], "service": ["a", "b", "web-1"]}"""),
                bus.one("select job_keys(?::jsonb, 'project:Quill', 'other:x', ?::jsonb)", payload, MAPPING));
        assertEquals(json(), bus.one("select job_keys('[1]'::jsonb, null, null, ?::jsonb)", MAPPING));
    }

    @Test
    void a_key_is_the_same_whichever_form_of_unicode_its_letters_have() {
        String composed = "m\u00fc-api";
        for (String written : List.of("Mu\u0308-API", "\uff2d\u00dc-\uff21\uff30\uff29", " M\u00fc-Api ")) {
            assertEquals(
                    Machine.parse("{\"service\": [\"" + composed + "\"]}"),
                    bus.one(
                            "select job_keys(?::jsonb, 'service:' || ?, null, ?::jsonb)",
                            json("service", written).toString(),
                            written,
                            MAPPING),
                    written);
        }
        drain(composed);
        for (String written : List.of("Mu\u0308-API", "\uff2d\u00dc-\uff21\uff30\uff29")) {
            assertEquals(
                    List.of(DRAIN.formatted(composed)),
                    titles(
                            "Restart it, then charge again",
                            json("service", List.of("acme/" + written)).toString()));
            for (String list : List.of("list_memories", "search_memories")) {
                assertEquals(
                        1,
                        bus.ask(list, "subjectKey", written, "query", "restart")
                                .get("memories")
                                .size(),
                        list + " " + written);
            }
        }
    }

    @Test
    void a_payload_with_hundreds_of_keys_gives_ten() {
        String payload = "{\"service\": [" + "\"s1\",".repeat(5)
                + String.join(",", java.util.Collections.nCopies(1, "\"s2\"")) + ","
                + java.util.stream.IntStream.range(0, 400)
                        .mapToObj(i -> "\"k" + i + "\"")
                        .collect(java.util.stream.Collectors.joining(","))
                + "]}";

        assertEquals(
                10,
                bus.one("select job_keys(?::jsonb, null, null, ?::jsonb)", payload, MAPPING)
                        .get("service")
                        .size());
    }
}
