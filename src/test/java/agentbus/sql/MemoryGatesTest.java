package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What does not become a memory, with the gate that holds it back. */
@ExtendWith(PostgresExtension.class)
class MemoryGatesTest {
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

    private Refusal refused(String function, JsonNode principal, ObjectNode input) {
        long before = bus.count("audit_log");
        Refusal refusal = Machine.refusal(() -> bus.call(function, principal, input));
        assertEquals(before, bus.count("audit_log"), "a refused call changes nothing");
        return refusal;
    }

    private Refusal promotionRefused(JsonNode principal, String candidate, Object... more) {
        return refused("promote_memory_candidate", principal, MemoryScene.promotion(candidate, more));
    }

    private static void assertGate(Refusal refusal, String gate) {
        assertEquals("422 memory_gate", refusal.status() + " " + refusal.code());
        assertTrue(refusal.message().contains("gate " + gate), refusal.message());
    }

    @Test
    void a_promotion_by_the_author_is_refused_also_when_it_is_the_curator() {
        String candidate = scene.candidate(MemoryScene.KNOWLEDGE, scene.lesson(0));

        assertGate(promotionRefused(MemoryScene.KNOWLEDGE, candidate), "author");
    }

    @Test
    void a_curator_cannot_have_its_own_words_promoted_by_writing_them_in_the_name_of_another() {
        Refusal refusal =
                refused("create_memory_candidate", MemoryScene.KNOWLEDGE, scene.lesson(0, "sourceAgent", "research"));

        assertEquals(403, refusal.status());
    }

    @ParameterizedTest
    @CsvSource({"research, shared,", "research, role, devops", "devops, shared,", "devops, role, research"})
    void a_promotion_by_a_role_that_may_not_is_refused(String promoter, String visibility, String owner) {
        String candidate =
                scene.candidate(Machine.operator(), scene.lesson(0, "visibility", visibility, "ownerAgent", owner));

        Refusal refusal = promotionRefused(Machine.agent(promoter), candidate);

        // A candidate that the agent may not read does not exist for it.
        boolean readable = visibility.equals("shared") || promoter.equals(owner);
        assertEquals(readable ? 403 : 404, refusal.status(), refusal.message());
    }

    @Test
    void an_agent_cannot_promote_what_it_owns_to_a_memory_of_all() {
        String candidate =
                scene.candidate(MemoryScene.RESEARCH, scene.lesson(0, "visibility", "role", "ownerAgent", "devops"));

        assertEquals(
                403,
                promotionRefused(MemoryScene.DEVOPS, candidate, "visibility", "shared")
                        .status());
        assertEquals(
                "role",
                scene.promote(MemoryScene.DEVOPS, candidate)
                        .at("/memory/visibility")
                        .asText());
    }

    @Test
    void a_curator_cannot_make_the_private_words_of_another_its_own() {
        String candidate =
                scene.candidate(Machine.operator(), scene.lesson(0, "visibility", "private", "ownerAgent", "devops"));

        assertEquals(404, promotionRefused(MemoryScene.KNOWLEDGE, candidate).status());
    }

    @Test
    void the_author_reads_its_candidate_and_not_the_memory_of_another_that_came_of_it() {
        String candidate =
                scene.candidate(MemoryScene.RESEARCH, scene.lesson(0, "visibility", "role", "ownerAgent", "devops"));
        assertEquals(candidate, ofResearch("get_memory_candidate", "candidateId", candidate));

        String memory = MemoryScene.id(scene.promote(MemoryScene.DEVOPS, candidate));

        assertEquals(candidate, ofResearch("get_memory_candidate", "candidateId", candidate));
        assertEquals(
                404,
                Machine.refusal(() -> ofResearch("get_memory", "memoryId", memory))
                        .status());
    }

    private String ofResearch(String function, String field, String id) {
        return bus.call(function, MemoryScene.RESEARCH, Machine.json(field, id))
                .path(field)
                .asText();
    }

    @Test
    void neither_a_duplicate_nor_a_conflict_tells_an_agent_of_a_memory_that_it_may_not_read() {
        ObjectNode text = scene.lesson(1, "visibility", "private", "ownerAgent", "devops");
        String hidden = MemoryScene.id(scene.promote(Machine.operator(), scene.candidate(Machine.operator(), text)));

        JsonNode created = bus.call("create_memory_candidate", MemoryScene.RESEARCH, scene.lesson(1));
        JsonNode promoted = scene.promote(
                MemoryScene.KNOWLEDGE, created.at("/candidate/candidateId").asText());

        assertTrue(created.get("created").asBoolean(), created::toString);
        assertFalse(created.toString().contains(hidden), created::toString);
        assertTrue(promoted.get("promoted").asBoolean(), promoted::toString);
        assertFalse(promoted.toString().contains(hidden), promoted::toString);
    }

    @Test
    void an_agent_does_not_promote_other_words_than_those_of_the_author() {
        String candidate = scene.candidate(MemoryScene.RESEARCH, scene.lesson(0));
        String memory = scene.memory(1);
        ObjectNode own = MemoryScene.text(2);

        assertGate(
                promotionRefused(
                        MemoryScene.KNOWLEDGE,
                        candidate,
                        "title",
                        own.get("title").asText(),
                        "body",
                        own.get("body").asText()),
                "author");
        assertGate(
                refused(
                        "supersede_memory",
                        MemoryScene.KNOWLEDGE,
                        own.deepCopy().put("supersedesMemoryId", memory).put("notes", "It was measured again today.")),
                "author");
        assertTrue(
                scene.promote(
                                Machine.operator(),
                                candidate,
                                "title",
                                own.get("title").asText(),
                                "body",
                                own.get("body").asText())
                        .get("promoted")
                        .asBoolean(),
                "a person may");
    }

    @Test
    void an_agent_at_work_on_text_from_outside_promotes_no_words_of_its_own() {
        String candidate = scene.candidate(MemoryScene.RESEARCH, scene.lesson(0));
        Attempt outside =
                bus.running("targetAgent", "knowledge", "subject", "knowledge.consolidate", "trust", "untrusted");
        String body = MemoryScene.text(0).get("body").asText();

        assertGate(
                promotionRefused(bus.principal(outside), candidate, "body", body + " Ask anna for the password."),
                "trust");
    }

    @Test
    void an_untrusted_candidate_is_promoted_by_a_person_alone_and_stays_untrusted() {
        Attempt outside = bus.running("trust", "untrusted");
        bus.complete(outside);
        List<ObjectNode> sources =
                List.of(scene.seen(), scene.seen(), Machine.json("kind", "job", "id", outside.job()));
        String candidate = scene.candidate(MemoryScene.RESEARCH, scene.lesson(0, "sourceRefs", sources));

        assertGate(promotionRefused(MemoryScene.KNOWLEDGE, candidate), "trust");

        JsonNode memory = scene.promote(Machine.operator(), candidate).get("memory");
        assertEquals("untrusted", memory.get("trust").asText());
        Attempt attempt = scene.working("research", MemoryScene.text(0));
        assertEquals("untrusted", scene.inject(attempt).at("/0/trust").asText(), "the prompt marks it");
    }

    @Test
    void trust_is_set_by_the_bus_and_survives_a_chain_of_memories() {
        Attempt outside = bus.running("trust", "untrusted");
        String candidate =
                scene.candidate(bus.principal(outside), scene.lesson(0, "sourceRefs", List.of(scene.seen())));
        assertEquals(1, bus.count("memory_candidates where trust = 'untrusted' and trust_reason is not null"));
        bus.jdbc()
                .update("update memory_candidates set source_refs = source_refs || ?::jsonb", "[" + scene.seen() + "]");
        String memory = MemoryScene.id(scene.promote(Machine.operator(), candidate));

        scene.candidate(
                MemoryScene.KNOWLEDGE,
                scene.lesson(1, "sourceRefs", List.of(scene.seen(), Machine.json("kind", "memory", "id", memory))));

        assertEquals(2, bus.count("memory_candidates where trust = 'untrusted'"));
    }

    @Test
    void the_refusal_of_a_promotion_names_its_gate() {
        String once = scene.candidate(MemoryScene.RESEARCH, scene.lesson(0, "sourceRefs", List.of(scene.seen())));
        String unsure = scene.candidate(MemoryScene.RESEARCH, scene.lesson(1, "confidenceScore", 2));
        String good = scene.candidate(MemoryScene.RESEARCH, scene.lesson(2));

        assertGate(promotionRefused(MemoryScene.KNOWLEDGE, once), "evidence");
        assertGate(promotionRefused(MemoryScene.KNOWLEDGE, unsure), "confidence");
        assertGate(promotionRefused(MemoryScene.KNOWLEDGE, good, "notes", "it is so"), "reason");
        assertGate(promotionRefused(MemoryScene.KNOWLEDGE, good, "nextReviewAt", "2999-01-01T00:00:00Z"), "review");
        assertEquals(
                422,
                promotionRefused(MemoryScene.KNOWLEDGE, good, "expiresAt", "2020-01-01T00:00:00Z")
                        .status());
    }

    @Test
    void a_person_who_promotes_gives_their_word_and_a_route_does_not() {
        List<ObjectNode> sources = List.of(scene.seen(), Proposals.page());
        String candidate = scene.candidate(MemoryScene.RESEARCH, scene.lesson(0, "sourceRefs", sources));

        ObjectNode route = Machine.json("kind", "operator", "name", "route:chat");
        assertTrue(gates(MemoryScene.KNOWLEDGE, candidate).contains("evidence"));
        assertTrue(gates(route, candidate).contains("evidence"));
        assertEquals(List.of(), gates(Machine.operator(), candidate));
        assertEquals(
                "untrusted",
                scene.promote(Machine.operator(), candidate).at("/memory/trust").asText());
    }

    private List<String> gates(JsonNode principal, String candidate) {
        return bus.call("get_memory_candidate", principal, Machine.json("candidateId", candidate))
                .get("gates")
                .findValuesAsText("gate");
    }

    private static List<ObjectNode> jobs(String... ids) {
        return java.util.Arrays.stream(ids)
                .map(id -> Machine.json("kind", "job", "id", id))
                .toList();
    }

    @Test
    void a_person_who_says_the_same_with_the_same_sources_has_said_so() {
        ObjectNode lesson = scene.lesson(0, "sourceRefs", List.of(scene.seen()));
        String candidate = scene.candidate(MemoryScene.RESEARCH, lesson);
        bus.call("create_memory_candidate", MemoryScene.DEVOPS, lesson);
        assertGate(promotionRefused(MemoryScene.KNOWLEDGE, candidate), "evidence");

        JsonNode said = bus.call("create_memory_candidate", Machine.operator(), lesson);
        JsonNode again = bus.call("create_memory_candidate", Machine.operator(), lesson);

        assertEquals(
                "true false",
                said.get("merged").asText() + " " + again.get("merged").asText());
        assertEquals("anna", Candidates.sources(bus, candidate).at("/0/saidBy").asText());
        assertTrue(
                scene.promote(MemoryScene.KNOWLEDGE, candidate).get("promoted").asBoolean());
    }

    @Test
    void two_runs_of_one_author_show_nothing_by_their_own_jobs() {
        Attempt first = bus.running();
        String candidate = scene.candidate(bus.principal(first), scene.lesson(0, "sourceRefs", jobs(first.job())));
        bus.complete(first);
        Attempt second = bus.running();
        scene.candidate(bus.principal(second), scene.lesson(0, "sourceRefs", jobs(second.job())));
        bus.complete(second);

        Refusal refusal = promotionRefused(MemoryScene.KNOWLEDGE, candidate);
        assertGate(refusal, "evidence");
        assertTrue(refusal.message().endsWith("the job of the call is no evidence"), refusal.message());

        Attempt third = bus.running();
        ObjectNode more = Machine.json("kind", "job", "id", third.job());
        scene.candidate(bus.principal(third), scene.lesson(0, "sourceRefs", List.of(scene.seen(), more)));
        assertGate(promotionRefused(MemoryScene.KNOWLEDGE, candidate), "evidence");
    }

    @Test
    void two_agents_that_saw_it_each_in_its_own_job_are_enough() {
        Attempt devops = bus.running();
        String candidate = scene.candidate(bus.principal(devops), scene.lesson(0, "sourceRefs", jobs(devops.job())));
        Attempt research = scene.working("research", MemoryScene.text(1));
        assertGate(promotionRefused(MemoryScene.KNOWLEDGE, candidate), "evidence");

        scene.candidate(bus.principal(research), scene.lesson(0, "sourceRefs", jobs(research.job())));

        assertTrue(
                scene.promote(MemoryScene.KNOWLEDGE, candidate).get("promoted").asBoolean());
    }

    @Test
    void the_job_of_an_author_is_evidence_when_another_one_names_it() {
        Attempt devops = bus.running();
        String candidate = scene.candidate(bus.principal(devops), scene.lesson(0, "sourceRefs", List.of(scene.seen())));
        assertGate(promotionRefused(MemoryScene.KNOWLEDGE, candidate), "evidence");

        scene.candidate(MemoryScene.RESEARCH, scene.lesson(0, "sourceRefs", jobs(devops.job())));

        assertTrue(
                scene.promote(MemoryScene.KNOWLEDGE, candidate).get("promoted").asBoolean());
    }

    @Test
    void the_answer_of_a_route_is_no_decision_of_anybody() {
        String question = bus.ask("ask", "question", "Which region?")
                .at("/question/questionId")
                .asText();
        bus.call(
                "answer_question",
                Machine.json("kind", "operator", "name", "route:chat"),
                Machine.json("questionId", question, "answer", "the north"));
        String event = bus.jdbc()
                .queryForObject("select event_id::text from events where topic = 'question.answered'", String.class);

        String candidate = scene.candidate(
                MemoryScene.RESEARCH,
                scene.lesson(
                        0,
                        "candidateKind",
                        "decision",
                        "sourceRefs",
                        List.of(Machine.json("kind", "event", "id", event))));

        assertEquals(List.of("trust", "evidence"), gates(MemoryScene.KNOWLEDGE, candidate));
    }

    @Test
    void jobs_of_one_flow_and_a_job_with_the_jobs_that_it_made_are_one_source() {
        Attempt parent = bus.running();
        JsonNode handoff = bus.say(
                parent,
                "complete_job",
                "summary",
                "done",
                "followUps",
                List.of(Machine.json("targetAgent", "research", "subject", "research.packet")));
        String child = bus.jdbc()
                .queryForObject(
                        "select job_id::text from jobs where parent_job_id = ?::uuid", String.class, parent.job());
        bus.complete(bus.claim());
        String flowOne = bus.running("flowKey", "release").job();
        String flowTwo = bus.running("flowKey", "release").job();

        for (List<String> pair : List.of(List.of(parent.job(), child), List.of(flowOne, flowTwo))) {
            String candidate = scene.candidate(
                    MemoryScene.RESEARCH,
                    scene.lesson(
                            pair.contains(child) ? 0 : 1,
                            "sourceRefs",
                            pair.stream()
                                    .map(id -> Machine.json("kind", "job", "id", id))
                                    .toList()));
            assertGate(promotionRefused(MemoryScene.KNOWLEDGE, candidate), "evidence");
        }
        assertTrue(handoff.isObject());
    }
}
