package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.operator;
import static agentbus.sql.Machine.refusal;
import static agentbus.sql.Proposals.idea;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Ideas: what agents notice, below the bar of an opportunity. */
@ExtendWith(PostgresExtension.class)
class IdeasTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().update("update agents set budgets = '{\"ideas\": 5, \"opportunities\": 5}'");
    }

    @Test
    void an_idea_of_an_attempt_is_kept_with_its_job_and_told() {
        Attempt attempt = bus.running("jobType", "proactive");

        JsonNode answer = bus.call("create_idea", bus.principal(attempt), idea("tags", new String[] {"CI", "cost"}));

        assertTrue(answer.get("created").asBoolean());
        JsonNode idea = answer.get("idea");
        assertEquals("devops", idea.get("sourceAgent").asText());
        assertEquals(attempt.job(), idea.get("sourceJobId").asText());
        assertEquals("proactive", idea.get("sourceJobType").asText());
        assertEquals("[\"ci\",\"cost\"]", idea.get("tags").toString());
        assertEquals("new", idea.get("status").asText());
        assertTrue(bus.topics(attempt.job()).contains("idea.created"));
        assertEquals(1, bus.count("audit_log where action = 'idea.added' and actor = 'attempt:devops'"));
    }

    @Test
    void a_person_proposes_in_their_own_name_or_for_an_agent_and_an_agent_only_for_itself() {
        assertEquals(
                "anna",
                bus.call("create_idea", operator(), idea())
                        .at("/idea/sourceAgent")
                        .asText());
        JsonNode named = bus.call(
                "create_idea",
                operator(),
                idea(
                        "sourceAgent",
                        "devops",
                        "title",
                        "Rotate the old keys",
                        "body",
                        "Keys of 2024 still open doors."));
        assertEquals("devops", named.at("/idea/sourceAgent").asText());

        Refusal other = refusal(() -> bus.call("create_idea", agent("research"), idea("sourceAgent", "devops")));

        assertEquals("403 forbidden sourceAgent", other.brief());
    }

    @Test
    void the_same_dedupe_key_returns_the_idea_that_is_there_and_names_what_differs() {
        String first = bus.call("create_idea", agent("research"), idea("dedupeKey", "cache"))
                .at("/idea/ideaId")
                .asText();

        JsonNode again =
                bus.call("create_idea", agent("devops"), idea("dedupeKey", "cache", "title", "Cache everything"));

        assertFalse(again.get("created").asBoolean(true));
        assertEquals(first, again.at("/idea/ideaId").asText());
        assertEquals("[\"title\"]", again.get("differs").toString());
        assertEquals(1, bus.count("ideas"));
    }

    @Test
    void texts_are_data_with_their_markup_and_without_loose_white_space() {
        String markup = "<script>alert(1)</script>\r\n\r\n[[wiki]] **bold** {{x}} ' ; drop table ideas; --";

        JsonNode idea = bus.call(
                        "create_idea",
                        agent("research"),
                        idea("theme", "  Build \n Speed ", "title", " <b>Cache</b>\tit ", "body", markup))
                .get("idea");

        assertEquals("build speed", idea.get("theme").asText());
        assertEquals("<b>Cache</b> it", idea.get("title").asText());
        assertEquals(markup.replace("\r\n", "\n"), idea.get("body").asText());
        assertEquals(
                "422 invalid_field title",
                refusal(() -> bus.call("create_idea", agent("research"), idea("title", " \n ")))
                        .brief());
    }

    @Test
    void a_row_of_the_list_is_brief_and_pages_go_on_below_the_last_seq() {
        bus.jdbc()
                .update("insert into ideas (namespace, source_agent, theme, title, body) select 'default', 'research',"
                        + " case when n % 2 = 0 then 'even' else 'odd' end, 'idea ' || n, repeat('x', 5000)"
                        + " from generate_series(1, 7) n");

        JsonNode page = bus.ask("list_ideas", "limit", 3);
        JsonNode next =
                bus.ask("list_ideas", "limit", 3, "before", page.get("next").asLong());
        JsonNode last =
                bus.ask("list_ideas", "limit", 3, "before", next.get("next").asLong());

        assertEquals("idea 7", page.at("/ideas/0/title").asText());
        assertEquals(5000, page.at("/ideas/0/bodyBytes").asInt());
        assertEquals(201, page.at("/ideas/0/body").asText().length());
        assertFalse(page.at("/ideas/0").has("evidence"));
        assertEquals("idea 4", next.at("/ideas/0/title").asText());
        assertEquals(1, last.get("ideas").size());
        assertFalse(last.has("next"));
        assertEquals(3, bus.ask("list_ideas", "theme", "Even").get("ideas").size());
        assertEquals(
                7, bus.ask("list_ideas", "status", "new,reviewed").get("ideas").size());
        assertEquals(0, bus.ask("list_ideas", "status", "archived").get("ideas").size());
    }

    @Test
    void one_idea_is_shown_whole_and_an_unknown_one_is_refused() {
        JsonNode created = bus.call("create_idea", operator(), idea("body", "y".repeat(900)))
                .get("idea");

        JsonNode idea = bus.ask("get_idea", "ideaId", created.get("ideaId").asText());

        assertEquals(created, idea);
        assertEquals(900, idea.get("body").asText().length());
        Refusal unknown = refusal(() -> bus.ask("get_idea", "ideaId", "0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10"));
        assertEquals("404 unknown_idea ideaId", unknown.brief());
    }

    @Test
    void ideas_of_one_namespace_are_unknown_in_another() {
        bus.jdbc().update("insert into namespaces (namespace) values ('other') on conflict do nothing");
        String id = bus.call("create_idea", operator(), idea("dedupeKey", "k"))
                .at("/idea/ideaId")
                .asText();

        assertEquals(0, bus.ask("list_ideas", "namespace", "other").get("ideas").size());
        assertEquals(
                "404 unknown_idea ideaId",
                refusal(() -> bus.ask("get_idea", "namespace", "other", "ideaId", id))
                        .brief());
        assertTrue(bus.call("create_idea", operator(), idea("dedupeKey", "k", "namespace", "other"))
                .get("created")
                .asBoolean());
    }

    @Test
    void the_phase_must_be_on_to_write_and_not_to_read() {
        JsonNode route = json("kind", "operator", "name", "anna", "phase", 3);
        bus.ask("freeze", "kind", "phase", "name", "3", "reason", "too loud");

        assertEquals(409, refusal(() -> bus.call("create_idea", route, idea())).status());
        assertEquals(0, bus.ask("list_ideas").get("ideas").size());
    }
}
