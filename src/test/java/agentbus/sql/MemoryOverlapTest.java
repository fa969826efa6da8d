package agentbus.sql;

import static agentbus.sql.Candidates.BODY;
import static agentbus.sql.Candidates.TITLE;
import static agentbus.sql.Candidates.id;
import static agentbus.sql.Candidates.lesson;
import static agentbus.sql.Candidates.seen;
import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.operator;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Nothing twice: which candidates come together, which are held back, and which are only linked. */
@ExtendWith(PostgresExtension.class)
class MemoryOverlapTest {
    private Machine bus;
    private MemoryRows rows;
    private String job;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        rows = new MemoryRows(bus);
        job = seen(bus);
    }

    private JsonNode create(JsonNode principal, ObjectNode input) {
        return bus.call("create_memory_candidate", principal, input);
    }

    private Refusal refused(JsonNode principal, ObjectNode input) {
        return refusal(() -> create(principal, input));
    }

    private JsonNode get(JsonNode principal, String candidate) {
        return bus.call("get_memory_candidate", principal, Machine.json("candidateId", candidate));
    }

    @Test
    void the_same_words_of_a_second_agent_add_its_sources_to_the_candidate_that_is_there() {
        String first = id(create(agent("research"), lesson(job)));
        String other = seen(bus);
        Attempt attempt = bus.running();

        JsonNode merged = create(
                bus.principal(attempt),
                lesson(other, "title", "RESTART the cache, before the web-server!", "body", BODY + "\n"));

        assertEquals(first, id(merged));
        assertFalse(merged.get("created").asBoolean(true));
        assertTrue(merged.get("merged").asBoolean());
        JsonNode sources = Candidates.sources(bus, first);
        assertEquals(2, sources.size());
        assertEquals(other, sources.at("/1/id").asText());
        assertEquals("devops", sources.at("/1/addedBy").asText());
        assertEquals(attempt.job(), sources.at("/1/addedJob").asText());
        JsonNode again = create(bus.principal(attempt), lesson(other));
        assertFalse(again.get("merged").asBoolean(true));
        assertEquals(2, Candidates.sources(bus, first).size());
        assertEquals(1, bus.count("memory_candidates"));
    }

    @Test
    void the_opposite_and_the_same_for_another_subject_stay_apart() {
        String first = id(create(agent("research"), lesson(job)));

        assertNotEquals(first, id(create(agent("devops"), lesson(job, "title", "Do not r" + TITLE.substring(1)))));
        assertNotEquals(first, id(create(agent("devops"), lesson(job, "subjectKey", "web-2"))));
        assertNotEquals(first, id(create(agent("devops"), lesson(job, "candidateKind", "playbook"))));
        assertNotEquals(first, id(create(agent("devops"), lesson(job, "visibility", "role"))));
        assertNotEquals(
                first,
                id(create(agent("devops"), lesson(job, "sourceRefs", List.of(Proposals.page())))),
                "an untrusted source does not make a trusted candidate untrusted");
        assertEquals(6, bus.count("memory_candidates"));
    }

    @Test
    void near_duplicates_of_the_subject_are_linked_and_not_refused() {
        String memory = rows.memory("subject_key", "web-1", "title", TITLE + " does", "body", BODY + " Always.");
        rows.memory("subject_key", "web-2", "title", TITLE, "body", BODY);
        rows.memory("subject_key", "web-1");
        String first = id(create(agent("devops"), lesson(job, "body", "Before " + BODY)));
        String hidden = rows.candidate(
                "subject_key",
                "web-1",
                "title",
                TITLE,
                "body",
                BODY + " So.",
                "visibility",
                "private",
                "owner_agent",
                "coordinator",
                "source_agent",
                "coordinator");

        String second = id(create(agent("research"), lesson(job)));

        List<String> alike = get(agent("research"), second).get("alike").findValuesAsText("id");
        assertEquals(java.util.Set.of(memory, first), java.util.Set.copyOf(alike));
        assertTrue(get(operator(), second).get("alike").findValuesAsText("id").contains(hidden));
    }

    @Test
    void the_words_of_an_active_memory_are_refused_where_the_author_may_read_it() {
        String memory = rows.memory("scope", "global", "title", TITLE, "body", BODY);

        Refusal refusal = refused(agent("research"), lesson(job));

        assertEquals("422 near_duplicate title", refusal.brief());
        assertTrue(refusal.message().contains(memory), refusal.message());
        bus.jdbc().update("update memories set visibility = 'private', owner_agent = 'devops'");
        assertTrue(create(agent("research"), lesson(job)).get("created").asBoolean());
    }

    @Test
    void a_rejected_candidate_comes_back_only_with_a_new_source() {
        String first = id(create(agent("research"), lesson(job)));
        bus.ask("reject_memory_candidate", "candidateId", first, "notes", "One incident, and the disk was full.");

        Refusal refusal = refused(agent("devops"), lesson(job, "body", BODY + " Always."));

        assertEquals("422 rejected_before title", refusal.brief());
        assertTrue(refusal.message().contains("operator:anna"), refusal.message());
        assertTrue(refusal.message().contains("the disk was full"), refusal.message());
        Attempt attempt = bus.running();
        assertEquals(
                "422 rejected_before title",
                refused(
                                bus.principal(attempt),
                                lesson(
                                        job,
                                        "sourceRefs",
                                        List.of(Candidates.ref("job", job), Candidates.ref("job", attempt.job()))))
                        .brief(),
                "each run has a new job");
        assertTrue(create(agent("devops"), lesson(seen(bus))).get("created").asBoolean());
        bus.jdbc()
                .update("update memory_candidates set ended_at = now() - interval '31 days' where status = 'rejected'");
        assertTrue(create(agent("devops"), lesson(job, "candidateKind", "playbook"))
                .get("created")
                .asBoolean());
    }

    @Test
    void what_stood_in_the_prompt_of_the_attempt_is_no_candidate_of_it() {
        Attempt attempt = bus.running();
        String memory = rows.memory("subject_key", "cache", "title", "Order of restarts of the tier", "body", BODY);
        rows.injection(memory, attempt.id(), "job_id", attempt.job());
        String half = "Half of the hosts also need a new lease, which the owner of the zone hands out on Mondays only.";

        Refusal recalled = refused(bus.principal(attempt), lesson(job));

        assertEquals("422 recalled_text body", recalled.brief());
        assertTrue(recalled.message().contains(memory), recalled.message());
        assertEquals(
                "422 recalled_text body",
                refused(agent("devops"), lesson(job)).brief(),
                "the agent's own token is no way around");
        JsonNode more = create(bus.principal(attempt), lesson(job, "body", BODY.substring(40) + " " + half));
        double overlap = more.at("/candidate/overlap").asDouble();
        assertTrue(overlap > 0.1 && overlap < 0.5, more.toString());
        assertTrue(create(agent("research"), lesson(job)).get("created").asBoolean(), "another agent saw it itself");
    }

    @Test
    void a_memory_in_a_script_without_spaces_is_recalled_too() {
        Attempt attempt = bus.running();
        String body = "デプロイの前に必ずキャッシュを再起動してください。順番が逆だと古い接続が残ります。";
        rows.injection(rows.memory("title", "キャッシュの再起動について一言", "body", body), attempt.id());

        assertEquals(
                "422 recalled_text body",
                refused(bus.principal(attempt), lesson(job, "body", body + "以上です。"))
                        .brief());
    }

    @Test
    void the_column_of_the_same_words_is_the_key_that_the_functions_compare() {
        rows.candidate("title", "Ünter, DEN\tLinden: no. 7", "body", "a-b  C\n«d»");

        assertEquals(1, bus.count("memory_candidates where same_as = text_key(title, body)"));
        assertEquals(
                1,
                bus.count("(select rows from (values (text_key('A b', 'C.'), text_key('ab', 'c'))) rows (x, y)"
                        + " where x = y) same"));
    }
}
