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
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an agent may not do with its right to curate. */
@ExtendWith(PostgresExtension.class)
class MemoryCuratorTest {
    private Machine bus;
    private MemoryScene scene;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        scene = new MemoryScene(bus);
    }

    @AfterEach
    void nothing_is_broken() {
        assertEquals(List.of(), Invariants.broken(bus.jdbc()));
    }

    private JsonNode supersede(JsonNode principal, String memory, Object... more) {
        return bus.call(
                "supersede_memory",
                principal,
                Proposals.with(
                        json("supersedesMemoryId", memory, "notes", "It was looked at again this morning."), more));
    }

    private long open(String memory, String kind) {
        return bus.count("memory_reviews where memory_id = ?::uuid and kind = ? and closed_at is null", memory, kind);
    }

    /** The body of a lesson in which each of the words from the end, so many as given, is another one. */
    private static String changed(String body, int words) {
        String[] all = body.split(" ");
        for (int i = all.length - words; i < all.length; i++) {
            all[i] = "other" + i;
        }
        return String.join(" ", Arrays.asList(all));
    }

    @Test
    void the_author_clears_no_review_by_a_version_of_its_own_memory_or_by_another_memory() {
        String other = scene.memory(1);
        String own = MemoryScene.id(scene.promote(operator(), scene.candidate(KNOWLEDGE, scene.lesson(0))));
        scene.act("mark_memory_wrong", RESEARCH, own);

        String body = text(0).get("body").asText() + " So it is.";
        assertEquals(
                "403 forbidden supersedesMemoryId",
                refusal(() -> supersede(KNOWLEDGE, own, "body", body)).brief());
        assertEquals(
                "403 forbidden supersedesMemoryId",
                refusal(() -> supersede(KNOWLEDGE, own, "memoryId", other)).brief());
        assertEquals(
                "403 forbidden memoryId",
                refusal(() -> supersede(KNOWLEDGE, other, "memoryId", own)).brief());
        assertEquals(1, open(own, "wrong"));
    }

    @Test
    void a_version_that_says_the_same_is_refused_also_to_people() {
        String memory = scene.memory(0);

        Refusal refused = refusal(() ->
                supersede(operator(), memory, "title", text(0).get("title").asText()));

        assertEquals("422 invalid_field body", refused.brief());
        assertTrue(refused.message().contains("says the same as memory " + memory), refused.message());
    }

    @Test
    void a_version_by_an_agent_takes_the_open_reviews_over_and_one_by_a_person_closes_them() {
        String candidate = scene.candidate(
                RESEARCH, scene.lesson(0, "body", text(1).get("body").asText()));
        String memory = scene.memory(0);
        scene.promote(KNOWLEDGE, candidate);
        scene.act("mark_memory_wrong", RESEARCH, memory);

        String body = text(0).get("body").asText() + " So it is.";
        String version = MemoryScene.id(supersede(KNOWLEDGE, memory, "body", body));

        assertEquals(1, open(version, "wrong"));
        assertEquals(1, open(version, "conflict"));
        supersede(operator(), version, "body", body + " It was measured.");
        assertEquals(2, bus.count("memory_reviews where outcome = 'superseded'"));
    }

    @Test
    void small_steps_do_not_lead_away_from_the_words_of_the_author() {
        ObjectNode lesson = scene.lesson(0);
        String candidate = scene.candidate(RESEARCH, lesson);
        String memory = MemoryScene.id(scene.promote(KNOWLEDGE, candidate));
        String body = lesson.get("body").asText();
        int words = body.split(" ").length;

        String near = MemoryScene.id(supersede(KNOWLEDGE, memory, "body", changed(body, words / 3)));
        Refusal refused = refusal(() -> supersede(KNOWLEDGE, near, "body", changed(body, words * 2 / 3)));

        assertTrue(refused.message().startsWith("gate author:"), refused.message());
    }

    @Test
    void an_agent_does_not_undo_the_words_of_a_person() {
        String memory = scene.memory(0);
        String right = MemoryScene.id(
                supersede(operator(), memory, "body", text(2).get("body").asText()));

        Refusal refused = refusal(
                () -> supersede(KNOWLEDGE, right, "body", text(0).get("body").asText()));

        assertTrue(refused.message().startsWith("gate author:"), refused.message());
        supersede(KNOWLEDGE, right, "body", text(2).get("body").asText() + " So it is.");
    }

    @Test
    void an_agent_makes_global_narrower_and_neither_widens_nor_moves_nor_changes_the_kind() {
        String candidate = scene.candidate(RESEARCH, scene.lesson(0, "scope", "service", "subjectKey", "billing"));
        String memory = scene.memory(1, "scope", "service", "subjectKey", "billing");

        for (List<Object> more : List.<List<Object>>of(
                List.of("scope", "global"),
                List.of("subjectKey", "shipping"),
                List.of("scope", "project", "subjectKey", "billing"),
                List.of("kind", "constraint"))) {
            Refusal refused = refusal(() -> scene.promote(KNOWLEDGE, candidate, more.toArray()));
            assertEquals(403, refused.status(), more::toString);
            assertTrue(refused.message().startsWith("gate who:"), refused.message());
        }
        Refusal version = refusal(() -> supersede(KNOWLEDGE, memory, "scope", "global"));
        assertEquals("403 forbidden scope", version.brief());
        assertTrue(version.message().startsWith("gate who:"), version.message());

        String wide = scene.memory(2);
        assertEquals(
                "billing",
                supersede(KNOWLEDGE, wide, "scope", "service", "subjectKey", "billing")
                        .at("/memory/subjectKey")
                        .asText());
        assertTrue(scene.promote(operator(), candidate, "scope", "global", "kind", "constraint")
                .get("promoted")
                .asBoolean());
    }

    @Test
    void a_memory_of_another_kind_about_the_same_matter_is_a_conflict() {
        String memory = scene.memory(0);
        String candidate = scene.candidate(
                RESEARCH,
                scene.lesson(
                        0,
                        "candidateKind",
                        "mistake",
                        "body",
                        text(1).get("body").asText()));

        JsonNode answer = scene.promote(KNOWLEDGE, candidate);

        assertEquals(memory, answer.at("/conflict/memories/0/memoryId").asText(), answer::toString);
    }

    @Test
    void a_new_version_decides_about_the_others_like_a_promotion() {
        String other = scene.memory(0);
        String memory = scene.memory(1);
        String title = text(0).get("title").asText();

        Refusal refused = refusal(() -> supersede(operator(), memory, "title", title));

        assertEquals("422 memory_gate besideMemoryIds", refused.brief());
        assertTrue(refused.message().startsWith("gate conflict:"), refused.message());
        assertTrue(refused.message().contains(other), refused.message());
        assertTrue(supersede(operator(), memory, "title", title, "besideMemoryIds", List.of(other))
                .get("changed")
                .asBoolean());
    }

    @Test
    void a_promotion_that_does_not_decide_a_conflict_leaves_its_review_open() {
        String memory = scene.memory(0);
        String candidate = scene.candidate(
                RESEARCH, scene.lesson(0, "body", text(1).get("body").asText()));
        scene.promote(KNOWLEDGE, candidate);
        // Not near any more: a person has given the memory another subject by hand.
        bus.jdbc().update("update memories set scope = 'service', subject_key = 'billing'");

        assertTrue(scene.promote(operator(), candidate, "confidenceScore", 3)
                .get("promoted")
                .asBoolean());

        assertEquals(1, open(memory, "conflict"));
    }

    @Test
    void a_promoted_candidate_shows_no_more_than_its_memory_to_those_who_may_not_read_it() {
        String candidate = scene.candidate(RESEARCH, scene.lesson(0));
        scene.promote(
                operator(), candidate, "visibility", "private", "ownerAgent", "devops", "notes", "Seen by anna alone.");

        assertEquals(404, refusal(() -> scene.promote(KNOWLEDGE, candidate)).status());
        assertEquals(
                0,
                bus.call("list_memory_candidates", KNOWLEDGE, json())
                        .get("candidates")
                        .size());
        assertEquals(
                1,
                bus.call("list_memory_candidates", DEVOPS, json())
                        .get("candidates")
                        .size());
        JsonNode author = bus.call("get_memory_candidate", RESEARCH, json("candidateId", candidate));
        assertFalse(author.has("notes"), author::toString);
    }

    @Test
    void the_author_with_the_right_to_curate_does_not_read_the_private_memory_of_its_candidate() {
        String candidate = scene.candidate(KNOWLEDGE, scene.lesson(0));
        scene.promote(operator(), candidate, "visibility", "private", "ownerAgent", "devops");

        assertEquals(
                "409 wrong_state candidateId",
                refusal(() -> scene.promote(KNOWLEDGE, candidate)).brief());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "expire_memory",
                "confirm_memory",
                "mark_memory_wrong",
                "supersede_memory",
                "close_memory_review",
                "promote_memory_candidate",
                "reject_memory_candidate"
            })
    void a_frozen_agent_curates_nothing(String function) {
        String memory = scene.memory(0);
        String review =
                scene.act("mark_memory_wrong", RESEARCH, memory).get("reviewId").asText();
        String candidate = scene.candidate(RESEARCH, scene.lesson(1));
        ObjectNode input = json("notes", "It was looked at again this morning.");
        if (function.equals("supersede_memory")) {
            input.put("supersedesMemoryId", memory).put("confidenceScore", 3);
        } else if (function.equals("close_memory_review")) {
            input.put("reviewId", review);
        } else if (function.endsWith("candidate")) {
            input.put("candidateId", candidate);
        } else {
            input.put("memoryId", memory);
        }
        bus.ask("freeze", "kind", "agent", "name", "knowledge", "reason", "it ran wild");

        Refusal refused = refusal(() -> bus.call(function, KNOWLEDGE, input));

        assertEquals("409 frozen", refused.status() + " " + refused.code());
        bus.ask("unfreeze", "kind", "agent", "name", "knowledge", "reason", "it is tame");
        bus.call(function, KNOWLEDGE, input);
    }

    @Test
    void a_frozen_agent_opens_no_review_and_does_not_reject_its_own_candidate() {
        String memory = scene.memory(0);
        String candidate = scene.candidate(RESEARCH, scene.lesson(1));
        bus.ask("freeze", "kind", "agent", "name", "research", "reason", "it ran wild");

        assertEquals(
                "frozen",
                refusal(() -> scene.act("mark_memory_wrong", RESEARCH, memory)).code());
        assertEquals(
                "frozen",
                refusal(() -> bus.call(
                                "reject_memory_candidate",
                                RESEARCH,
                                json("candidateId", candidate, "notes", "It holds for one host only.")))
                        .code());
    }
}
