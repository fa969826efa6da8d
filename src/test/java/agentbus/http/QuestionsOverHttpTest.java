package agentbus.http;

import static agentbus.harness.Door.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.Door.Work;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Questions through the door: an ask is a close, and only operators answer. */
@ExtendWith(PostgresExtension.class)
class QuestionsOverHttpTest {
    private static final String QUESTIONS = "/v1/questions";
    private static Door door;

    @BeforeAll
    static void open(TestDatabase database, @TempDir Path home) throws IOException {
        door = Door.open(database, home);
    }

    @AfterAll
    static void close() {
        door.close();
    }

    private static JsonNode asked(String path, String body) {
        Answer answer = door.call("POST", path, door.work().token(), Door.json(body));
        assertEquals(200, answer.status(), answer.text());
        return answer.json().get("question");
    }

    private static String answerOf(JsonNode question) {
        return QUESTIONS + "/" + question.get("questionId").asText() + "/answer";
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "/v1/questions|{'question':'Which?','options':['a','b']}",
                "/v1/questions/review|{'question':'Good?','what':{'a':1}}",
                "/v1/questions/approval|{'question':'May I?','content':{'a':1}}",
            })
    void an_ask_said_again_is_answered_byte_for_byte_the_same_and_another_close_is_late(String path, String body) {
        Work work = door.work();
        Answer first = door.call("POST", path, work.token(), Door.json(body));
        assertEquals(200, first.status(), first.text());
        assertEquals("blocked", first.json().at("/job/state").asText());

        assertEquals(
                first.text(),
                door.unchanged(() -> door.call("POST", path, work.token(), Door.json(body)))
                        .text());
        refused(
                door.call("POST", "/v1/jobs/" + work.jobId() + "/complete", work.token(), "{\"summary\":\"s\"}"),
                409,
                "stale_attempt",
                "token",
                null,
                "the token of the live attempt, which its own prompt holds");
        refused(
                door.unchanged(() -> door.call("GET", QUESTIONS, work.token(), null)),
                409,
                "stale_attempt",
                "token",
                null,
                "the token of a live attempt");
    }

    @Test
    void an_operator_answers_and_an_attempt_does_not() {
        JsonNode question = asked(QUESTIONS, "{'question':'Which?','options':['a','b']}");
        String path = answerOf(question);

        Work elsewhere = door.work();
        Answer attempt = door.unchanged(() -> door.call("POST", path, elsewhere.token(), "{\"option\":\"a\"}"));
        assertEquals("403 forbidden token", attempt.brief());
        Answer answered = door.call("POST", path, door.operator(), "{\"option\":\"a\"}");
        assertEquals(200, answered.status(), answered.text());
        assertEquals("a", answered.json().get("option").asText());
        assertFalse(answered.json().has("changed"));

        Answer again = door.unchanged(() -> door.call("POST", path, door.operator(), "{\"option\":\"a\"}"));
        assertFalse(again.json().get("changed").asBoolean(true));
        Answer other = door.unchanged(() -> door.call("POST", path, door.operator(), "{\"option\":\"b\"}"));
        assertEquals("409 question_closed questionId", other.brief());
        assertTrue(other.text().contains("was answered by operator:"), other.text());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "{}|422",
                "{'answer':''}|400",
                "{'decision':'perhaps'}|400",
                "{'answer':'x','contentHash':'ABC'}|400",
                "{'option':'c'}|422",
                "{'answer':'x','answeredBy':'operator:root'}|400"
            })
    void an_answer_that_is_none_changes_nothing(String body, int status) {
        JsonNode question = asked(QUESTIONS, "{'question':'Which?','options':['a','b']}");

        Answer refused = door.unchanged(() -> door.call("POST", answerOf(question), door.operator(), Door.json(body)));

        assertEquals(status, refused.status(), refused.text());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "{'question':''}|400",
                "{'question':'q','options':['a','a']}|400",
                "{'question':'q','options':['1','2','3','4','5','6','7','8','9']}|400",
                "{'question':'q','askedOf':{'person':'a','role':'b'}}|400",
                "{'question':'q','deadline':'tomorrow'}|400",
                "{'question':'q','deadline':'2020-01-01T00:00:00Z'}|422",
                "{'question':'q','onSilence':'best judgement'}|400",
                "{'question':'q','onSilence':'cancel'}|422"
            })
    void a_question_that_is_none_leaves_the_attempt_at_work(String body, int status) {
        Work work = door.work();

        Answer refused = door.unchanged(() -> door.call("POST", QUESTIONS, work.token(), Door.json(body)));

        assertEquals(status, refused.status(), refused.text());
    }

    @Test
    void an_operator_asks_without_a_job() {
        Answer asked = door.call("POST", QUESTIONS, door.operator(), "{\"question\":\"Is the door shut?\"}");

        assertEquals(200, asked.status(), asked.text());
        assertFalse(asked.json().has("job"));
    }
}
