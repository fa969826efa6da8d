package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What agents say of the memories in their prompts, and what is counted of it. */
@ExtendWith(PostgresExtension.class)
class MemoryFeedbackTest {
    private Machine bus;
    private RememberedLessons lessons;
    private String memory;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        lessons = new RememberedLessons(bus);
        memory = lessons.add("web-1");
    }

    /** An attempt at work with the memory in its prompt. */
    private Attempt working() {
        Attempt attempt = lessons.leased("web-1");
        assertEquals(1, lessons.inject(attempt).size());
        bus.admitted(attempt);
        return attempt;
    }

    private static ObjectNode said(String id, String verdict, Object... more) {
        ObjectNode said = Machine.json("id", id, "verdict", verdict);
        said.setAll(Machine.json(more));
        return said;
    }

    private JsonNode complete(Attempt attempt, ObjectNode... memories) {
        return bus.say(attempt, "complete_job", "summary", "done", "memories", List.of(memories));
    }

    private Map<String, Object> injection() {
        return bus.jdbc().queryForMap("select * from memory_injections");
    }

    private Map<String, Object> uses() {
        return bus.jdbc().queryForMap("select * from memory_uses where memory_id = ?::uuid", memory);
    }

    private static List<String> ignored(JsonNode answer) {
        return StreamSupport.stream(answer.path("memoriesIgnored").spliterator(), false)
                .map(JsonNode::asText)
                .toList();
    }

    @Test
    void a_verdict_is_kept_by_id_or_by_the_number_in_the_prompt() {
        for (String id : List.of(memory, memory.toUpperCase(Locale.ROOT), "m1", " M1 ")) {
            bus.jdbc().execute("delete from memory_injections");
            JsonNode answer = complete(working(), said(id, "used", "note", " saved\r\nan hour "));

            assertFalse(answer.has("memoriesIgnored"), answer::toString);
            assertEquals("used", injection().get("verdict"));
            assertEquals("saved\nan hour", injection().get("verdict_note"));
        }
    }

    @Test
    void failing_and_blocking_take_verdicts_too() {
        bus.say(working(), "fail_job", "error", "no", "retry", false, "memories", List.of(said("m1", "irrelevant")));
        assertEquals("irrelevant", injection().get("verdict"));
        bus.jdbc().execute("delete from memory_injections");
        bus.say(working(), "block_job", "reason", "no key", "memories", List.of(said("m1", "used")));
        assertEquals("used", injection().get("verdict"));
    }

    @Test
    void what_names_no_memory_of_this_prompt_is_told_and_holds_nothing_up() {
        String other = lessons.add("web-2");

        JsonNode answer =
                complete(working(), said(other, "wrong"), said("m2", "used"), said("…", "used"), said("m1", "used"));

        assertEquals("succeeded", answer.at("/job/state").asText());
        assertEquals(List.of(other, "m2", "…"), ignored(answer));
        assertEquals("used", injection().get("verdict"));
        assertEquals(0, bus.count("memory_reviews"));
    }

    @Test
    void a_verdict_that_there_is_not_and_an_entry_without_an_id_hold_nothing_up() {
        ObjectNode nothing = Machine.json("verdict", "used");

        JsonNode answer = complete(working(), said("m1", "helpful"), nothing, Machine.json("id", "m1"));

        assertEquals("succeeded", answer.at("/job/state").asText());
        assertEquals(List.of("m1", "no id"), ignored(answer));
        assertNull(injection().get("verdict"));
    }

    @Test
    void a_long_note_is_cut() {
        complete(working(), said("m1", "wrong", "note", "x".repeat(5_000)));

        assertEquals(2_000, ((String) injection().get("verdict_note")).length());
    }

    @Test
    void of_two_verdicts_about_one_memory_the_first_counts() {
        JsonNode answer = complete(working(), said("m1", "used"), said(memory, "wrong"));

        assertFalse(answer.has("memoriesIgnored"), answer::toString);
        assertEquals("used", injection().get("verdict"));
        assertEquals(0, bus.count("memory_reviews"));
    }

    @Test
    void wrong_asks_for_a_review_at_once_and_once() {
        Attempt first = working();
        complete(first, said("m1", "wrong", "note", "web-1 drains by itself now"));
        complete(working(), said("m1", "wrong"));

        Map<String, Object> review = bus.jdbc().queryForMap("select * from memory_reviews");
        assertEquals("wrong", review.get("kind"));
        assertEquals("attempt:devops", review.get("opened_by"));
        assertEquals(
                "agent devops called it wrong at the end of attempt 1 of job " + first.job()
                        + ": web-1 drains by itself now",
                review.get("detail"));
        assertEquals("active", bus.jdbc().queryForObject("select status from memories", String.class));
    }

    @Test
    void wrong_about_a_memory_that_has_ended_meanwhile_is_kept_without_a_review() {
        Attempt attempt = working();
        bus.jdbc().update("update memories set status = 'expired', ended_at = now()");

        complete(attempt, said("m1", "wrong"));

        assertEquals("wrong", injection().get("verdict"));
        assertEquals(0, bus.count("memory_reviews"));
    }

    @Test
    void the_verdict_of_an_attempt_that_is_over_changes_nothing() {
        Attempt late = working();
        bus.expire(late.job());
        bus.recover();

        JsonNode answer = complete(late, said("m1", "wrong"));

        assertEquals("stale_attempt", answer.at("/problem/code").asText());
        assertNull(injection().get("verdict"));
        assertEquals(0, bus.count("memory_reviews"));
    }

    @Test
    void a_repeated_close_with_other_verdicts_is_the_same_close_and_the_first_verdicts_stay() {
        Attempt attempt = working();
        JsonNode first = complete(attempt, said("m1", "used"), said("m7", "used"));

        assertEquals(first, complete(attempt, said("m1", "wrong")));
        assertEquals(first, bus.complete(attempt));
        assertEquals("used", injection().get("verdict"));
        assertEquals(0, bus.count("memory_reviews"));
        assertEquals(0, bus.count("events where topic = 'job.late_report'"));
    }

    @Test
    void a_close_with_verdicts_is_left_out_of_a_batch_of_plain_closes() {
        Attempt attempt = working();

        assertEquals(
                0,
                bus.jdbc()
                        .queryForList(
                                "select * from complete_jobs(array[?::uuid], array[?::jsonb])",
                                attempt.id(),
                                Machine.json(
                                                "jobId",
                                                attempt.job(),
                                                "summary",
                                                "done",
                                                "memories",
                                                List.of(said("m1", "used")))
                                        .toString())
                        .size());
        assertEquals("running", bus.state(attempt.job()));
    }

    @Test
    void while_the_phase_is_off_or_frozen_a_close_goes_through_and_its_verdicts_are_ignored() {
        Attempt attempt = working();
        bus.ask("freeze", "kind", "phase", "name", "4", "reason", "polluted");

        JsonNode answer = complete(attempt, said("m1", "wrong"));

        assertEquals("succeeded", answer.at("/job/state").asText());
        assertEquals(List.of("m1"), ignored(answer));
        assertNull(injection().get("verdict"));
    }

    @Test
    void outcomes_are_counted_once_by_verdict() {
        complete(working(), said("m1", "used"));
        complete(working(), said("m1", "irrelevant"));
        complete(working());
        bus.say(working(), "fail_job", "error", "no", "retry", false, "memories", List.of(said("m1", "wrong")));
        bus.say(working(), "fail_job", "error", "no", "retry", false);
        bus.block(working(), "at", "2099-01-01T00:00:00Z");
        Attempt undelivered = lessons.leased("web-1");
        lessons.inject(undelivered);
        bus.undelivered(undelivered, null);
        bus.jdbc().update("update jobs set run_after = now() + interval '1 hour' where state = 'queued'");
        bus.jdbc().update("update gateways set held_until = null, hold_reason = null");
        working();

        assertEquals(7, bus.one("select settle_memories()").get("settled").asInt());
        assertEquals(0, bus.one("select settle_memories()").get("settled").asInt());

        Map<String, Object> uses = uses();
        assertEquals(6, uses.get("injected"), "a prompt that reached nobody does not count");
        assertEquals(1, uses.get("used"));
        assertEquals(1, uses.get("irrelevant"));
        assertEquals(1, uses.get("wrong"));
        assertEquals(2, uses.get("helped"));
        assertEquals(1, uses.get("hurt"));
        assertTrue(uses.get("last_used_at") != null, uses::toString);
        assertEquals(
                List.of("blocked", "failed", "failed", "succeeded", "succeeded", "succeeded", "undelivered"),
                bus.jdbc()
                        .queryForList(
                                "select outcome from memory_injections where settled_at is not null order by outcome",
                                String.class));
    }

    @Test
    void attempts_that_are_retired_or_gone_and_memories_that_are_gone_are_settled_too() {
        Attempt retired = working();
        complete(retired, said("m1", "used"));
        bus.jdbc()
                .update(
                        "insert into memory_injections"
                                + " (namespace, attempt_id, memory_id, version, job_id, agent_id, bucket, rank, score, score_parts, tokens)"
                                + " select 'default', new_id(), m, 1, new_id(), 'devops', 'exact', 1, 1, '{}', 9"
                                + " from (values (?::uuid), (new_id())) v (m)",
                        memory);

        assertEquals(3, bus.one("select settle_memories()").get("settled").asInt());

        assertEquals(1, uses().get("injected"));
        assertEquals(1, bus.count("memory_uses"));
        assertEquals(2, bus.count("memory_injections where outcome = 'gone'"));
    }

    @Test
    void live_attempts_do_not_hold_up_those_that_have_ended_later() {
        working();
        complete(working(), said("m1", "used"));

        assertEquals(1, bus.one("select settle_memories(1)").get("settled").asInt());
        assertEquals(1, uses().get("used"));
    }

    @Test
    void the_injections_of_a_frozen_namespace_are_left_as_they_are() {
        complete(working(), said("m1", "used"));
        bus.ask("freeze", "kind", "phase", "name", "4", "reason", "polluted");

        assertEquals(0, bus.one("select settle_memories()").get("settled").asInt());
        bus.ask("unfreeze", "kind", "phase", "name", "4", "reason", "cleaned");
        assertEquals(1, bus.one("select settle_memories()").get("settled").asInt());
    }
}
