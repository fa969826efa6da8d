package agentbus.sql;

import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The lists of questions. */
class QuestionListsTest extends AskingPeople {
    @Test
    void the_list_is_newest_first_and_goes_on_by_key() {
        JsonNode first = asked();
        JsonNode second = asked("question", "x".repeat(2000));
        answer(first, "option", "web-1");

        JsonNode page = bus.ask("list_questions", "limit", 1);
        assertEquals(second.get("questionId"), page.at("/questions/0/questionId"));
        assertEquals(201, page.at("/questions/0/question").asText().length(), "long texts are cut");
        JsonNode next =
                bus.ask("list_questions", "limit", 1, "before", page.get("next").asLong());
        assertEquals(first.get("questionId"), next.at("/questions/0/questionId"));
        assertEquals("infra.check", next.at("/questions/0/subject").asText());

        assertEquals(
                1, bus.ask("list_questions", "status", "open").get("questions").size());
        assertEquals(
                1,
                bus.ask("list_questions", "jobId", job(first)).get("questions").size());
        assertEquals(
                2,
                bus.ask("list_questions", "agentId", "devops").get("questions").size());
        assertEquals(
                0,
                bus.ask("list_questions", "agentId", "research")
                        .get("questions")
                        .size());
        assertEquals(job(second), get(second).at("/job/jobId").asText());
        assertFalse(get(second).get("job").has("payload"), "the row of the job");
    }

    @Test
    void the_open_questions_are_found_among_many_closed_ones() {
        bus.jdbc().execute("alter table questions disable trigger audit_row");
        bus.jdbc()
                .update("insert into questions (namespace, kind, asked_by, question, status, answered_by, closed_at)"
                        + " select 'default', 'question', 'operator:anna', 'Is it so?', 'answered', 'operator:anna', now()"
                        + " from generate_series(1, 20000)");
        bus.jdbc().execute("alter table questions enable trigger audit_row");
        JsonNode open = asked();
        bus.jdbc().execute("analyze questions");

        assertEquals(
                open.get("questionId"),
                bus.ask("list_questions", "status", "open").at("/questions/0/questionId"));
        for (String input : List.of(
                "{\"status\": \"open\"}", "{}", "{\"agentId\": \"devops\"}", "{\"jobId\": \"" + job(open) + "\"}")) {
            List<String> plan = bus.jdbc()
                    .queryForList(
                            "explain select * from questions_to_list('default', '" + input
                                    + "', 9223372036854775807, 50)",
                            String.class);
            assertFalse(String.join("\n", plan).contains("Seq Scan"), () -> input + "\n" + String.join("\n", plan));
        }
    }

    @Test
    void a_list_that_finds_little_among_many_stops_and_says_how_far_it_has_searched() {
        JsonNode withdrawn = asked();
        bus.ask("withdraw_question", "questionId", withdrawn.get("questionId").asText(), "reason", "not needed");
        bus.jdbc().execute("alter table questions disable trigger audit_row");
        bus.jdbc()
                .update("insert into questions (namespace, kind, asked_by, question, status, answered_by, closed_at)"
                        + " select 'default', 'question', 'operator:anna', 'Is it so?', 'answered', 'operator:anna', now()"
                        + " from generate_series(1, question_looks())");
        bus.jdbc().execute("alter table questions enable trigger audit_row");

        JsonNode first = bus.ask("list_questions", "status", "withdrawn");
        assertEquals(0, first.get("questions").size());
        assertTrue(first.has("searchedTo"));
        JsonNode second = bus.ask(
                "list_questions",
                "status",
                "withdrawn",
                "before",
                first.get("next").asLong());
        assertEquals(withdrawn.get("questionId"), second.at("/questions/0/questionId"));
        assertFalse(second.has("next"));
        assertFalse(bus.ask("list_questions", "limit", 2).has("searchedTo"), "a full page");
    }

    @Test
    void each_namespace_has_its_own_questions() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        JsonNode question = asked();
        JsonNode elsewhere =
                bus.ask("ask", "namespace", "other", "question", "Is it so?").get("question");

        assertEquals(
                1,
                bus.ask("list_questions", "namespace", "other").get("questions").size());
        assertEquals(
                "404 unknown_question questionId",
                refusal(() -> bus.ask(
                                "get_question",
                                "namespace",
                                "other",
                                "questionId",
                                question.get("questionId").asText()))
                        .brief());
        assertEquals(
                List.of("default 1", "other 1"),
                bus.jdbc()
                        .queryForList(
                                "select q ->> 'namespace' || ' ' || (q ->> 'open') from questions_open() q order by 1",
                                String.class));
        bus.call("answer_question", person("anna"), withId(elsewhere, "answer", "yes", "namespace", "other"));
        assertEquals(1, bus.count("questions where status = 'open'"));
    }
}
