package agentbus.sql;

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

/** Which memories an attempt gets, once, and who is shown that. */
@ExtendWith(PostgresExtension.class)
class MemoryInjectionTest {
    private Machine bus;
    private RememberedLessons lessons;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        lessons = new RememberedLessons(bus);
    }

    private JsonNode inject(Attempt attempt) {
        return lessons.inject(attempt);
    }

    private static List<String> ids(JsonNode injected) {
        return injected.findValuesAsText("memoryId");
    }

    private JsonNode attempts(ObjectNode principal, Attempt attempt, Object... more) {
        ObjectNode input = Machine.json("jobId", attempt.job());
        input.setAll(Machine.json(more));
        return bus.call("get_job", principal, input).get("attempts");
    }

    @Test
    void what_stands_in_a_prompt_is_written_down_with_the_reasons() {
        String memory = lessons.add("web-1");
        Attempt attempt = lessons.leased("web-1");

        JsonNode injected = inject(attempt);

        assertEquals(List.of(memory), ids(injected));
        assertEquals("lesson", injected.at("/0/kind").asText());
        assertEquals("web-1", injected.at("/0/subjectKey").asText());
        assertEquals(lessons.body("web-1"), injected.at("/0/body").asText());
        JsonNode row =
                bus.ask("list_memory_injections", "attemptId", attempt.id()).at("/injections/0");
        assertEquals(memory, row.get("memoryId").asText());
        assertEquals(attempt.job(), row.get("jobId").asText());
        assertEquals("devops", row.get("agentId").asText());
        assertEquals(1, row.get("rank").asInt());
        assertEquals("exact", row.get("bucket").asText());
        assertTrue(row.get("tokens").asInt() > 20, row::toString);
        assertTrue(row.get("scoreParts").size() > 2, row::toString);
        assertEquals(lessons.title("web-1"), row.get("title").asText());
    }

    @Test
    void an_agent_that_reads_nothing_from_outside_gets_no_untrusted_memory() {
        String trusted = lessons.add("web-1");
        String untrusted = lessons.add("web-1");
        bus.jdbc()
                .update(
                        "update memories set trust = 'untrusted', title = 'Another matter of the same service',"
                                + " body = 'Something quite different that came by mail.' where memory_id = ?::uuid",
                        untrusted);
        assertEquals(List.of(trusted, untrusted), sorted(ids(inject(lessons.leased("web-1")))));

        bus.jdbc().update("update agents set reads = 'trusted'");

        assertEquals(List.of(trusted), ids(inject(lessons.leased("web-1"))));
    }

    @Test
    void an_untrusted_memory_in_the_prompt_makes_the_candidates_of_its_attempt_untrusted() {
        String memory = lessons.add("web-1");
        bus.jdbc().update("update memories set trust = 'untrusted'");
        Attempt attempt = lessons.leased("web-1");
        assertEquals(List.of(memory), ids(inject(attempt)));

        assertEquals(
                "memory " + memory + " in its prompt is untrusted",
                bus.jdbc()
                        .queryForObject(
                                "select untrusted_because(jsonb_build_object('kind', 'attempt', 'name', 'devops',"
                                        + " 'attemptId', ?::text, 'jobId', ?::text, 'namespace', 'default'), '[]')",
                                String.class,
                                attempt.id(),
                                attempt.job()));
    }

    private static List<String> sorted(List<String> ids) {
        return ids.stream().sorted().toList();
    }

    @Test
    void a_job_to_which_nothing_matters_gets_nothing_and_no_row() {
        lessons.add("web-1");
        Attempt attempt = bus.leased("payload", Machine.json("colour", "green"));

        assertEquals("[]", inject(attempt).toString());
        assertEquals(0, bus.count("memory_injections"));
    }

    @Test
    void a_repeated_call_gives_the_same_bytes_also_when_better_memories_have_come() {
        lessons.add("web-1");
        Attempt attempt = lessons.leased("web-1");
        String first = inject(attempt).toString();
        lessons.add("web-1", "confidence", 5);

        assertEquals(first, inject(attempt).toString());
        assertEquals(1, bus.count("memory_injections"));
    }

    @Test
    void each_attempt_at_a_job_has_its_own_memories() {
        String old = lessons.add("web-1");
        Attempt first = lessons.leased("web-1");
        assertEquals(List.of(old), ids(inject(first)));
        bus.admitted(first);
        bus.fail(first);
        bus.makeDue(first.job());
        bus.jdbc().update("update memories set status = 'wrong', ended_at = now() where memory_id = ?::uuid", old);
        String newer = lessons.add("web-1");

        Attempt second = bus.claim();

        assertEquals(List.of(newer), ids(inject(second)));
        JsonNode attempts = attempts(Machine.operator(), first);
        assertEquals(List.of(old), ids(attempts.at("/0/memories")));
        assertEquals("wrong", attempts.at("/0/memories/0/memoryStatus").asText());
        assertEquals(List.of(newer), ids(attempts.at("/1/memories")));
    }

    @Test
    void a_memory_that_ends_before_the_prompt_is_kept_does_not_stand_in_it() {
        String ended = lessons.add("web-1");
        String stays = lessons.add("web-2");
        Attempt attempt = lessons.leased("web-1", "web-2");
        assertEquals(2, inject(attempt).size());
        bus.jdbc().update("update memories set status = 'expired', ended_at = now() where memory_id = ?::uuid", ended);

        // Its dispatcher is gone, and another one renders the prompt.
        assertEquals(List.of(stays), ids(inject(attempt)));
        assertEquals(1, bus.count("memory_injections"));

        bus.keepPrompt(Machine.D1, attempt, "the prompt");
        bus.jdbc().update("update memories set status = 'expired', ended_at = now() where memory_id = ?::uuid", stays);
        assertEquals(List.of(stays), ids(inject(attempt)), "what the kept prompt says is not changed");
    }

    @Test
    void nothing_is_injected_while_the_phase_is_off_or_frozen_or_the_attempt_is_over() {
        lessons.add("web-1");
        Attempt attempt = lessons.leased("web-1");
        bus.ask("freeze", "kind", "phase", "name", "4", "reason", "polluted");
        assertEquals("[]", inject(attempt).toString());
        bus.ask("unfreeze", "kind", "phase", "name", "4", "reason", "cleaned");
        lessons.phase(3);
        assertEquals("[]", inject(attempt).toString());
        lessons.phase(4);
        bus.admitted(attempt);
        bus.complete(attempt);
        assertEquals("[]", inject(attempt).toString());

        assertEquals(0, bus.count("memory_injections"));
        assertEquals("[]", bus.one("select inject_memories(new_id(), '{}')").toString());
    }

    @Test
    void an_agent_sees_neither_a_private_memory_of_another_nor_the_prompt_with_it() {
        String open = lessons.add("web-1");
        String secret = lessons.add(
                "web-1",
                "visibility",
                "private",
                "owner_agent",
                "devops",
                "title",
                "Sessions of web-1 live in the cache");
        Attempt attempt = lessons.leased("web-1");
        assertEquals(2, inject(attempt).size());
        bus.keepPrompt(Machine.D1, attempt, "prompt with both");

        ObjectNode research = Machine.agent("research");
        JsonNode shown = attempts(research, attempt, "prompt", true).get(0);
        assertEquals(List.of(open), ids(shown.get("memories")));
        assertFalse(shown.has("prompt"), shown::toString);
        assertEquals(
                List.of(open), ids(bus.call("list_memory_injections", research, Machine.json("jobId", attempt.job()))));
        assertEquals(
                0,
                bus.call("list_memory_injections", research, Machine.json("memoryId", secret))
                        .get("injections")
                        .size());

        for (ObjectNode reader : List.of(Machine.agent("devops"), Machine.operator())) {
            JsonNode whole = attempts(reader, attempt, "prompt", true).get(0);
            assertEquals(2, whole.get("memories").size(), reader::toString);
            assertEquals("prompt with both", whole.get("prompt").asText());
        }
        JsonNode one = bus.ask("get_attempt", "jobId", attempt.job(), "attemptNo", 1);
        assertEquals(2, one.get("memories").size());
    }

    @Test
    void injections_are_listed_page_by_page_and_by_verdict() {
        for (int i = 1; i <= 3; i++) {
            lessons.add("web-" + i);
        }
        Attempt attempt = lessons.leased("web-1", "web-2", "web-3");
        List<String> all = ids(inject(attempt));
        assertEquals(3, all.size());

        JsonNode first = bus.ask("list_memory_injections", "limit", 2);
        JsonNode rest = bus.ask("list_memory_injections", "limit", 2, "before", first.get("next"));

        assertEquals(all.subList(0, 2), ids(first));
        assertEquals(all.subList(2, 3), ids(rest));
        assertFalse(rest.has("next"), rest::toString);
        assertEquals(
                0,
                bus.ask("list_memory_injections", "verdict", "used")
                        .get("injections")
                        .size());
        Refusal gone = Machine.refusal(() -> bus.ask("list_memory_injections", "before", attempt.id()));
        assertEquals("invalid_field", gone.code());
    }

    @Test
    void another_namespace_has_its_own_memories_and_phase() {
        lessons.add("web-1");
        bus.jdbc().update("insert into namespaces (namespace) values ('east') on conflict do nothing");
        String theirs = lessons.add("web-1", "namespace", "east");
        Attempt attempt = lessons.leased("web-1");

        List<String> injected = ids(inject(attempt));

        assertEquals(1, injected.size());
        assertNotEquals(theirs, injected.get(0));
        assertEquals(
                0,
                bus.ask("list_memory_injections", "namespace", "east")
                        .get("injections")
                        .size());
    }
}
