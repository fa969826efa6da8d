package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Approvals are bound to the hash of their content; reviews look at an object without that bond. */
@ExtendWith(PostgresExtension.class)
class ApprovalsTest {
    private static final ObjectNode SUNDAY = json("text", "We move on Sunday.", "to", "all");
    private static final ObjectNode MONDAY = json("text", "We move on Monday.", "to", "all");

    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private JsonNode request(Attempt attempt, ObjectNode content) {
        return bus.call(
                        "request_approval",
                        bus.principal(attempt),
                        json("question", "May I send this?", "content", content))
                .get("question");
    }

    private JsonNode decide(JsonNode question, String hash, Object... more) {
        ObjectNode input = json("questionId", question.get("questionId").asText(), "contentHash", hash);
        input.setAll(json(more));
        return bus.call("answer_question", Machine.operator(), input);
    }

    private static String hash(JsonNode question) {
        return question.get("contentHash").asText();
    }

    private JsonNode get(JsonNode question) {
        return bus.ask("get_question", "questionId", question.get("questionId").asText());
    }

    @Test
    void an_approval_holds_for_the_content_that_was_looked_at() {
        JsonNode question = request(bus.running(), SUNDAY);
        assertEquals(64, hash(question).length());
        assertEquals(SUNDAY, get(question).get("content"));

        Refusal other = refusal(() -> decide(question, "0".repeat(64), "decision", "approved"));
        assertEquals("409 content_changed contentHash", other.brief());
        assertTrue(other.message().contains("this decision is about another"), other.message());
        assertTrue(other.expected().startsWith(hash(question)), other.expected());
        assertEquals(
                "422 invalid_field contentHash",
                refusal(() -> bus.ask(
                                "answer_question",
                                "questionId",
                                question.get("questionId").asText(),
                                "decision",
                                "approved"))
                        .brief());
        assertEquals("open", get(question).get("status").asText());

        JsonNode approved = decide(question, hash(question), "decision", "approved", "answer", "go");
        assertTrue(approved.get("counts").asBoolean());
        assertEquals(
                "approved: go", bus.claim().claimed().at("/questions/0/told").asText());
    }

    @Test
    void the_hash_does_not_depend_on_the_order_of_the_keys_and_does_on_everything_else() {
        JsonNode question = request(bus.running(), SUNDAY);
        JsonNode turned = request(bus.running(), json("to", "all", "text", "We move on Sunday."));
        JsonNode monday = request(bus.running(), MONDAY);

        assertEquals(hash(question), hash(turned));
        assertNotEquals(hash(question), hash(monday));
    }

    @Test
    void an_earlier_approval_does_not_count_once_the_job_asks_about_another_content() {
        JsonNode first = request(bus.running(), SUNDAY);
        decide(first, hash(first), "decision", "approved");
        assertTrue(get(first).get("counts").asBoolean());

        Attempt next = bus.claim();
        JsonNode second = request(next, MONDAY);

        assertEquals("open", second.get("status").asText(), "it is asked again");
        assertFalse(get(first).get("counts").asBoolean());
        assertEquals(
                "409 content_changed contentHash",
                refusal(() -> decide(second, hash(first), "decision", "approved"))
                        .brief());
        decide(second, hash(second), "decision", "rejected", "answer", "not on a Monday");
        JsonNode prompt = bus.claim().claimed().get("questions");
        assertFalse(prompt.at("/0/counts").asBoolean(true));
        assertFalse(prompt.at("/1/counts").asBoolean(true));
        assertEquals("rejected: not on a Monday", prompt.at("/1/told").asText());
    }

    @Test
    void an_approval_needs_a_decision() {
        JsonNode question = request(bus.running(), SUNDAY);

        assertEquals(
                "422 invalid_field decision",
                refusal(() -> decide(question, hash(question), "answer", "fine with me"))
                        .brief());
    }

    @Test
    void silence_never_approves() {
        Attempt attempt = bus.running();

        assertEquals(
                "422 invalid_field defaultOption",
                refusal(() -> bus.call(
                                "request_approval",
                                bus.principal(attempt),
                                json(
                                        "question",
                                        "May I?",
                                        "content",
                                        SUNDAY,
                                        "deadline",
                                        "2100-01-01T00:00:00Z",
                                        "onSilence",
                                        "default",
                                        "defaultOption",
                                        "approved")))
                        .brief());
        assertEquals("running", bus.state(attempt.job()));
    }

    @Test
    void a_review_is_answered_in_words_or_with_a_decision() {
        JsonNode question = bus.call(
                        "request_review",
                        bus.principal(bus.running()),
                        json("question", "Does this plan miss anything?", "what", json("steps", "drain, patch")))
                .get("question");
        assertEquals("review", question.get("kind").asText());

        JsonNode answered = bus.ask(
                "answer_question",
                "questionId",
                question.get("questionId").asText(),
                "decision",
                "changes",
                "answer",
                "take a backup first");

        assertEquals("changes", answered.get("decision").asText());
        assertFalse(answered.has("counts"));
        JsonNode told = bus.claim().claimed().at("/questions/0");
        assertEquals("changes: take a backup first", told.get("told").asText());
        assertEquals("drain, patch", told.at("/content/steps").asText());
    }
}
