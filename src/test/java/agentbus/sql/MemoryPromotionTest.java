package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.operator;
import static agentbus.sql.Machine.refusal;
import static agentbus.sql.MemoryScene.DEVOPS;
import static agentbus.sql.MemoryScene.KNOWLEDGE;
import static agentbus.sql.MemoryScene.RESEARCH;
import static agentbus.sql.MemoryScene.text;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How a candidate becomes a memory, what the promoter may change, and conflicts; MemoryBadInputTest has the other refusals. */
@ExtendWith(PostgresExtension.class)
class MemoryPromotionTest {
    private Machine bus;
    private MemoryScene scene;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        scene = new MemoryScene(bus);
    }

    @Test
    void a_promoter_shortens_and_narrows_and_the_audit_log_has_both_words() {
        String candidate = scene.candidate(RESEARCH, scene.lesson(0));

        JsonNode answer =
                scene.promote(KNOWLEDGE, candidate, "scope", "service", "subjectKey", "Billing", "confidenceScore", 3);

        assertTrue(answer.get("created").asBoolean());
        assertEquals("billing", answer.at("/memory/subjectKey").asText());
        assertEquals("research", answer.at("/memory/sourceAgent").asText());
        assertEquals("agent:knowledge", answer.at("/memory/promotedBy").asText());
        assertEquals(
                "[\"confidenceScore\",\"scope\",\"subjectKey\"]",
                answer.get("edited").toString());
        assertEquals(
                1,
                bus.count("audit_log where action = 'memory.edited' and actor = 'agent:knowledge'"
                        + " and detail #>> '{scope,from}' = 'global' and detail #>> '{scope,to}' = 'service'"));
        assertEquals("promoted", answer.at("/candidate/status").asText());
    }

    @Test
    void a_repeated_promotion_answers_the_memory_and_where_the_request_differs() {
        String candidate = scene.candidate(RESEARCH, scene.lesson(0));
        String memory = MemoryScene.id(scene.promote(KNOWLEDGE, candidate));

        JsonNode again = scene.promote(operator(), candidate, "confidenceScore", 5);

        assertFalse(again.get("created").asBoolean());
        assertEquals(memory, MemoryScene.id(again));
        assertEquals("[\"confidenceScore\"]", again.get("differs").toString());
        assertEquals(1, bus.count("memories"));
    }

    @ParameterizedTest
    @CsvSource({"volatile, 14", "medium, 60", "stable, 180"})
    void the_review_date_follows_from_the_stability(String stability, int days) {
        String candidate = scene.candidate(RESEARCH, scene.lesson(0, "stability", stability));

        scene.promote(KNOWLEDGE, candidate);

        assertEquals(
                1,
                bus.count(
                        "memories where next_review_at"
                                + " = date_trunc('day', created_at + make_interval(days => ?), 'UTC')",
                        days));
    }

    @Test
    void the_word_of_a_person_is_enough_evidence() {
        String candidate = scene.candidate(operator(), scene.lesson(0, "sourceRefs", List.of(scene.seen())));

        assertTrue(scene.promote(KNOWLEDGE, candidate).get("promoted").asBoolean());
    }

    @Test
    void agents_make_no_more_memories_a_day_than_the_limit_and_people_go_on() {
        bus.jdbc()
                .update(
                        "insert into memories (namespace, source_agent, kind, scope, title, body, evidence, source_refs,"
                                + " confidence, stability, visibility, trust, promoted_by, notes, next_review_at)"
                                + " select 'default', 'research', 'context', 'global', 'Title ' || i, 'Body ' || i, 'seen', '[]', 4,"
                                + " 'medium', 'shared', 'trusted', 'agent:knowledge', 'seen', now() + interval '1 day'"
                                + " from generate_series(1, promotions_a_day()) i");
        String candidate = scene.candidate(RESEARCH, scene.lesson(0));

        Refusal refused = refusal(() -> scene.promote(KNOWLEDGE, candidate));

        assertTrue(refused.message().startsWith("gate limit: agents have made 20 memories today"), refused.message());
        assertTrue(scene.promote(operator(), candidate).get("promoted").asBoolean());
    }

    @Test
    void an_event_about_a_memory_of_one_agent_tells_its_words_to_nobody() {
        scene.promote(DEVOPS, scene.candidate(RESEARCH, scene.lesson(0, "visibility", "role", "ownerAgent", "devops")));

        String payload = bus.jdbc()
                .queryForObject("select payload::text from events where topic = 'memory.promoted'", String.class);

        assertFalse(payload.contains(text(0).get("title").asText()), payload);
        assertFalse(payload.contains("subjectKey"), payload);
    }

    /** A candidate about the matter of a memory, with the same title and another body. */
    private String other(int number) {
        return scene.candidate(
                RESEARCH,
                scene.lesson(number, "body", text(number + 1).get("body").asText()));
    }

    @Test
    void two_claims_about_one_matter_wait_for_a_decision_with_both_texts() {
        String memory = scene.memory(0);
        String candidate = other(0);

        JsonNode first = scene.promote(KNOWLEDGE, candidate);
        JsonNode again = scene.promote(KNOWLEDGE, candidate);

        assertFalse(first.get("promoted").asBoolean());
        assertEquals(memory, first.at("/conflict/memories/0/memoryId").asText());
        assertEquals(
                text(0).get("body").asText(),
                first.at("/conflict/memories/0/body").asText());
        assertEquals(
                text(1).get("body").asText(),
                first.at("/conflict/candidate/body").asText());
        assertEquals(first, again, "a repeated call changes nothing");
        assertEquals(1, bus.count("memory_reviews where kind = 'conflict' and closed_at is null"));
        assertEquals(1, bus.count("events where topic = 'memory.conflict.detected'"));
        JsonNode review = bus.call("list_memory_reviews", RESEARCH, json()).at("/reviews/0");
        assertEquals(text(0).get("body").asText(), review.at("/memory/body").asText());
        assertEquals(text(1).get("body").asText(), review.at("/candidate/body").asText());
    }

    @ParameterizedTest
    @CsvSource({"supersede, superseded, superseded", "beside, active, narrowed", "narrow, active, narrowed"})
    void each_way_out_of_a_conflict_closes_its_review(String way, String status, String outcome) {
        String memory = scene.memory(0);
        String candidate = other(0);
        scene.promote(KNOWLEDGE, candidate);

        JsonNode answer =
                switch (way) {
                    case "supersede" -> scene.promote(KNOWLEDGE, candidate, "supersedesMemoryId", memory);
                    case "beside" -> scene.promote(KNOWLEDGE, candidate, "besideMemoryIds", List.of(memory));
                    default -> scene.promote(KNOWLEDGE, candidate, "scope", "service", "subjectKey", "billing");
                };

        assertTrue(answer.get("promoted").asBoolean(), answer::toString);
        assertEquals(status, scene.status(memory));
        assertEquals(1, bus.count("memory_reviews where outcome = ?", outcome));
        JsonNode shown = bus.call("get_memory", RESEARCH, json("memoryId", memory));
        assertEquals(way.equals("supersede") ? 2 : 1, shown.get("versions").size());
    }

    @Test
    void a_review_that_is_nothing_is_withdrawn_by_a_curator_and_not_by_others() {
        String memory = scene.memory(0);
        String review =
                scene.act("mark_memory_wrong", RESEARCH, memory).get("reviewId").asText();
        ObjectNode input = json("reviewId", review, "notes", "It had read another page.");

        assertEquals(
                403,
                refusal(() -> bus.call("close_memory_review", DEVOPS, input)).status());
        assertTrue(
                bus.call("close_memory_review", KNOWLEDGE, input).get("changed").asBoolean());
        assertFalse(
                bus.call("close_memory_review", KNOWLEDGE, input).get("changed").asBoolean());
        assertEquals("active", scene.status(memory));
        assertEquals(
                "409 wrong_state reviewId",
                refusal(() -> bus.call("close_memory_review", operator(), input))
                        .brief());
    }
}
