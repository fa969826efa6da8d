package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** One attempt as it was: prompt, injected parts, answer, usage and run; also of a retired job. */
@ExtendWith(PostgresExtension.class)
class AttemptReadsTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().execute("truncate jobs_history, job_attempts_history");
    }

    private Attempt told(String prompt) {
        Attempt attempt = bus.leased();
        bus.keepPrompt(Machine.D1, attempt, prompt);
        bus.admitted(attempt);
        return attempt;
    }

    private JsonNode look(Attempt attempt, int no) {
        return bus.ask("get_attempt", "jobId", attempt.job(), "attemptNo", no);
    }

    @Test
    void an_attempt_shows_its_prompt_its_answer_its_usage_and_its_run() {
        Attempt attempt = bus.leased();
        String nonce = bus.ofAttempt(attempt, "nonce", String.class);
        bus.keepPrompt(Machine.D1, attempt, "Check web-1 with <token:" + nonce + ">.");
        bus.admitted(attempt);
        bus.jdbc().update("update job_attempts set injected = '[{\"kind\": \"memory\", \"id\": 7}]'");
        bus.say(attempt, "complete_job", "summary", "done", "usage", json("total", 120, "costUsd", 0.5));

        JsonNode shown = look(attempt, 1);

        assertEquals("Check web-1 with <token>.", shown.get("prompt").asText());
        assertFalse(shown.toString().contains(nonce));
        assertEquals("devops", shown.get("agentId").asText());
        assertEquals("infra.check", shown.get("subject").asText());
        assertEquals("succeeded", shown.get("status").asText());
        assertEquals("succeeded", shown.get("jobState").asText());
        assertEquals(7, shown.at("/injected/0/id").asInt());
        assertEquals(120, shown.at("/usage/total").asInt());
        assertEquals("succeeded", shown.at("/response/job/state").asText());
        assertEquals("run-1", shown.get("runId").asText());
        assertEquals("session-1", shown.get("sessionKey").asText());
        assertTrue(shown.hasNonNull("promptHash") && shown.hasNonNull("templateHash") && shown.hasNonNull("gateway"));
    }

    @Test
    void an_attempt_keeps_its_agent_when_the_job_goes_to_another() {
        Attempt attempt = told("x");
        bus.fail(attempt);
        bus.jdbc()
                .update(
                        "update jobs set target_agent = 'research', subject = 'research.packet' where job_id = ?::uuid",
                        attempt.job());

        JsonNode shown = look(attempt, 1);

        assertEquals("devops", shown.get("agentId").asText());
        assertEquals("research", shown.get("targetAgent").asText());
        bus.jdbc().update("update job_attempts set agent_id = null");
        assertEquals("research", look(attempt, 1).get("agentId").asText(), "an attempt of an earlier version");
    }

    @Test
    void the_attempt_of_a_retired_job_is_shown_from_history() {
        Attempt attempt = told("Check web-1.");
        bus.complete(attempt);
        JsonNode before = look(attempt, 1);
        bus.jdbc().execute("alter table jobs disable trigger user");
        bus.jdbc().update("update jobs set ended_at = now() - interval '31 days'");
        bus.jdbc().execute("alter table jobs enable trigger user");
        bus.one("select retire_finished_work(30, 100, '{\"part\": \"jobs\"}')");
        assertEquals(0, bus.count("jobs"));

        JsonNode after = look(attempt, 1);

        assertEquals(before, after);
    }

    @Test
    void values_that_are_too_large_show_their_size() {
        Attempt attempt = told("p".repeat(600_000));
        bus.jdbc()
                .update("update job_attempts set injected = jsonb_build_array(repeat('i', 70000)),"
                        + " usage = jsonb_build_object('x', repeat('u', 70000))");

        JsonNode shown = look(attempt, 1);

        assertEquals(600_000, shown.get("promptBytes").asInt());
        assertEquals(131_073, shown.get("prompt").asText().length());
        assertTrue(shown.get("injectedBytes").asInt() > 70_000 && !shown.has("injected"));
        assertTrue(shown.get("usageBytes").asInt() > 70_000 && !shown.has("usage"));
        assertTrue(shown.toString().length() < 200_000);
    }

    @Test
    void an_unknown_job_or_attempt_is_refused() {
        Attempt attempt = told("x");
        Refusal none = refusal(() -> look(attempt, 2));
        assertEquals("404 unknown_attempt attemptNo", none.brief());
        assertEquals("1 to 1", none.detail().get("expected").asText());
        String queued = bus.enqueue("targetAgent", "research", "subject", "research.packet");
        assertEquals(
                "a job that has been claimed",
                refusal(() -> bus.ask("get_attempt", "jobId", queued, "attemptNo", 1))
                        .detail()
                        .get("expected")
                        .asText());
        assertEquals(
                "404 unknown_job jobId",
                refusal(() -> bus.ask("get_attempt", "jobId", "0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10", "attemptNo", 1))
                        .brief());
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        assertEquals(
                "404 unknown_job jobId",
                refusal(() -> bus.ask("get_attempt", "namespace", "other", "jobId", attempt.job(), "attemptNo", 1))
                        .brief());
    }

    @Test
    void nulls_in_the_usage_stay() {
        Attempt attempt = told("x");
        ObjectNode usage = json("total", 1);
        usage.putNull("costUsd");
        bus.say(attempt, "complete_job", "summary", "done", "usage", usage);

        assertEquals(usage, look(attempt, 1).get("usage"));
    }
}
