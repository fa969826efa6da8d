package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.operator;
import static agentbus.sql.Machine.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** How large the answers are, and how much an agent may store. */
@ExtendWith(PostgresExtension.class)
class SizesTest {
    private static final int PAGE = 524_288;
    /** A page, the names of its fields, and the last row that still began below the limit. */
    private static final int ANSWER = PAGE + 10_000;

    private static final String LARGE = "x".repeat(240_000);

    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    private static int bytes(JsonNode answer) {
        return answer.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8).length;
    }

    @Test
    void lists_show_sizes_in_place_of_payloads() {
        Attempt attempt = bus.running("payload", json("text", LARGE));
        bus.say(
                attempt,
                "complete_job",
                "summary",
                "s".repeat(8000),
                "result",
                json("r", LARGE),
                "outcome",
                "no_work",
                "evidence",
                json("e", LARGE));
        bus.ask("emit_event", "topic", "infra.checked", "payload", json("text", LARGE));

        JsonNode job = bus.ask("list_jobs").at("/jobs/0");
        JsonNode event = bus.ask("list_events", "topic", "infra.checked").at("/events/0");

        assertEquals(List.of(false, false, false), List.of(job.has("payload"), job.has("result"), job.has("evidence")));
        assertEquals(240_012, job.get("payloadBytes").asInt());
        assertEquals(240_009, job.get("resultBytes").asInt());
        assertEquals(240_009, job.get("evidenceBytes").asInt());
        assertEquals(201, job.get("summary").asText().length());
        assertFalse(event.has("payload"));
        assertEquals(240_012, event.get("payloadBytes").asInt());
        JsonNode whole = bus.ask("get_event", "eventId", event.get("eventId").asText());
        assertEquals(240_000, whole.at("/payload/text").asText().length());
        assertEquals(
                8000,
                bus.ask("get_job", "jobId", attempt.job())
                        .get("summary")
                        .asText()
                        .length());
    }

    @Test
    void the_size_of_a_row_from_an_earlier_version_is_measured() {
        String job = bus.enqueue("payload", json("n", 1));
        bus.jdbc().update("alter table jobs disable trigger measure_payload");
        bus.jdbc().update("update jobs set payload_bytes = null, payload = payload");
        bus.jdbc().update("alter table jobs enable trigger measure_payload");

        assertEquals(8, bus.ask("list_jobs").at("/jobs/0/payloadBytes").asInt(), job);
    }

    @Test
    void a_page_of_jobs_ends_early_and_says_how_to_go_on() {
        bus.jdbc()
                .update(
                        "insert into jobs (namespace, target_agent, job_type, subject, state, ended_at, summary, last_error,"
                                + " answer, timeout_seconds, hard_timeout_seconds)"
                                + " select 'default', 'devops', 'reactive', 'infra.check', 'succeeded', now(), text, text,"
                                + " text, 60, 60 from generate_series(1, 700), repeat('ä', 8000) text");
        int seen = 0;
        Long before = null;
        int pages = 0;
        do {
            JsonNode page = before == null
                    ? bus.ask("list_jobs", "limit", 500)
                    : bus.ask("list_jobs", "limit", 500, "before", before);
            assertTrue(bytes(page) < ANSWER, () -> bytes(page) + " bytes");
            seen += page.get("jobs").size();
            before = page.has("next") ? page.get("next").asLong() : null;
            assertTrue(++pages < 20);
        } while (before != null);

        assertEquals(700, seen);
        assertEquals(
                10,
                bus.ask("list_jobs", "limit", 500, "answerBytes", 1).get("jobs").size()
                        + bus.ask("list_jobs", "limit", 9).get("jobs").size());
    }

    @Test
    void events_are_read_on_from_the_last_seq_of_a_page_that_ended_early() {
        for (int i = 0; i < 5; i++) {
            bus.ask("emit_event", "topic", "infra.checked", "payload", json("text", LARGE));
        }

        JsonNode first = bus.ask("list_events", "after", 0, "answerBytes", 400);
        JsonNode rest = bus.ask("list_events", "after", first.get("next").asLong());

        assertEquals(2, first.get("events").size());
        assertEquals(3, rest.get("events").size());
        assertFalse(rest.has("next"));
    }

    @Test
    void get_job_is_bounded_however_many_attempts_events_and_prompts_the_job_has() {
        String job = bus.enqueue("maxAttempts", 100);
        bus.jdbc()
                .update(
                        "insert into job_attempts (namespace, job_id, attempt_no, status, dispatcher_id, finished_at, prompt,"
                                + " summary, usage)"
                                + " select 'default', ?::uuid, n, 'failed', 'd', now(), repeat('p', 60000), repeat('s', 8000),"
                                + " jsonb_build_object('u', repeat('u', 50000)) from generate_series(1, 300) n",
                        job);
        bus.jdbc()
                .update(
                        "insert into events (namespace, topic, source_job_id, payload)"
                                + " select 'default', 'a.b', ?::uuid, jsonb_build_object('t', repeat('t', 9 * n * n))"
                                + " from generate_series(1, 50) n",
                        job);

        JsonNode shown = bus.ask("get_job", "jobId", job, "prompt", true);

        assertTrue(bytes(shown) < 2 * PAGE, () -> bytes(shown) + " bytes");
        assertEquals(100, shown.get("attempts").size());
        assertEquals(300, shown.at("/attempts/99/attemptNo").asInt());
        assertEquals(60_000, shown.at("/attempts/99/prompt").asText().length());
        assertEquals(60_000, shown.at("/attempts/0/promptBytes").asInt());
        assertEquals(50_009, shown.at("/attempts/99/usageBytes").asInt());
        JsonNode small = shown.at("/events/1");
        JsonNode large = shown.at("/events/50");
        assertTrue(small.has("payload"), small::toString);
        assertFalse(large.has("payload"), large::toString);
        assertEquals(22_509, large.get("payloadBytes").asInt());
    }

    @Test
    void a_recovery_returns_rows_without_payloads() {
        Attempt attempt = bus.running("payload", json("text", LARGE));
        bus.expire(attempt.job());

        JsonNode moved = bus.ask("requeue_expired").at("/jobs/0");

        assertEquals(attempt.job(), moved.get("jobId").asText());
        assertFalse(moved.has("payload"));
        assertEquals(240_012, moved.get("payloadBytes").asInt());
    }

    @Test
    void a_worker_gets_no_more_payloads_than_fit_into_an_answer() {
        for (int i = 0; i < 4; i++) {
            bus.enqueue("payload", json("text", LARGE));
        }

        JsonNode claimed = bus.ask("claim_jobs", "targetAgent", "devops", "limit", 4);

        assertEquals(3, claimed.get("jobs").size());
        assertEquals(1, bus.count("jobs where state = 'queued'"));
    }

    @Test
    void numbers_that_grow_when_they_are_written_out_are_refused_with_their_size() {
        String numbers = "[" + "1e999,".repeat(999) + "1e999]";

        Refusal payload = refusal(() -> bus.one(
                "select enqueue_job(?::jsonb, ?::jsonb)",
                operator().toString(),
                "{\"targetAgent\":\"devops\",\"subject\":\"infra.check\",\"payload\":{\"a\":" + numbers + "}}"));
        Refusal event = refusal(() -> bus.one(
                "select emit_event(?::jsonb, ?::jsonb)",
                operator().toString(),
                "{\"topic\":\"a.b\",\"payload\":{\"a\":" + numbers + "}}"));
        Attempt attempt = bus.running("payload", json("text", LARGE + LARGE));
        Refusal result = refusal(() -> bus.one(
                "select complete_job(?::jsonb, ?::jsonb)",
                bus.principal(attempt).toString(),
                "{\"jobId\":\"" + attempt.job() + "\",\"summary\":\"s\",\"result\":{\"a\":" + numbers + "}}"));

        assertEquals("422 invalid_field payload", payload.brief());
        assertTrue(payload.message().startsWith("payload is 1002007 bytes"), payload.message());
        assertEquals("422 invalid_field payload", event.brief());
        assertEquals("422 invalid_field result", result.brief());
    }

    @Test
    void late_reports_are_cut_and_a_few_of_an_attempt_are_kept() {
        Attempt attempt = bus.running();
        bus.complete(attempt);

        for (int i = 0; i < 30; i++) {
            JsonNode answer = bus.say(attempt, "complete_job", "summary", "late " + i, "result", json("r", LARGE + i));
            assertEquals("stale_attempt", answer.at("/problem/code").asText());
        }

        assertEquals(5, bus.count("events where topic = 'job.late_report'"));
        JsonNode job = bus.ask("get_job", "jobId", attempt.job());
        assertEquals(25, job.at("/attempts/0/lateReports").asInt());
        assertTrue(bytes(job) < 30_000, () -> bytes(job) + " bytes");
        JsonNode kept = bus.one("select payload -> 'report' from events where topic = 'job.late_report' limit 1");
        assertEquals("late 0", kept.get("summary").asText());
        assertEquals(1001, kept.get("result").asText().length());
        assertTrue(kept.get("bytes").asInt() > 240_000);
    }

    @Test
    void an_agents_day_has_a_limit_of_bytes_over_all_its_tokens() {
        String hash = "ab".repeat(32);
        bus.ask("issue_agent_token", "agentId", "devops", "tokenHash", hash);
        Attempt attempt = bus.running();

        count("tokenHash", hash, 600_000);
        count("attemptId", attempt.id(), 300_000);
        Refusal refused = refusal(() -> count("attemptId", attempt.id(), 200_000));
        count("attemptId", attempt.id(), 100_000);

        // What only an attempt may do, such as a close, is never refused, because the run would be lost.
        bus.one(
                "select principal_of(?::jsonb)",
                json("attemptId", attempt.id(), "allowed", List.of("attempt"), "bytes", 300_000, "bytesADay", 1_000_000)
                        .toString());
        assertEquals("429 too_many_bytes", refused.brief());
        assertEquals(
                "agent devops has stored 900000 bytes today (UTC), and this call has 200000 more", refused.message());
        assertEquals(1, bus.count("agent_bytes where bytes = 1300000"));
        bus.jdbc().update("update agent_bytes set day = day - 1");
        count("tokenHash", hash, 600_000);
    }

    private void count(String key, String value, int bytes) {
        bus.one(
                "select principal_of(?::jsonb)",
                json(
                                key,
                                value,
                                "allowed",
                                List.of("agent", "attempt", "operator"),
                                "bytes",
                                bytes,
                                "bytesADay",
                                1_000_000)
                        .toString());
    }

    @Test
    void calls_of_one_agent_count_at_the_same_moment_without_waiting_for_each_other() throws Exception {
        bus.ask("issue_agent_token", "agentId", "devops", "tokenHash", "ab".repeat(32));

        Race.won(8, i -> () -> {
            count("tokenHash", "ab".repeat(32), 1000);
            return i;
        });

        assertEquals(8000, bus.jdbc().queryForObject("select sum(bytes)::int from agent_bytes", Integer.class));
    }

    @Test
    void evidence_of_slots_is_shown_as_its_size_when_it_is_large() {
        bus.jdbc()
                .update(
                        "insert into standing_orders (namespace, order_name, agent_id, words, cron, zone, purpose, instructions,"
                                + " definition_hash)"
                                + " values ('default', 'look', 'devops', 'daily', '0 0 9 * * ?', 'UTC', 'p', 'i', 'h')");
        String run = bus.ask("start_standing_order", "orderName", "look")
                .at("/run/runId")
                .asText();
        bus.ask(
                "finish_standing_order",
                "runId",
                run,
                "status",
                "no_work",
                "summary",
                "s",
                "evidence",
                json("e", LARGE));

        JsonNode listed = bus.ask(
                        "list_standing_order_runs", "to", "2100-01-01T00:00:00Z", "from", "2020-01-01T00:00:00Z")
                .at("/runs/0");
        JsonNode order = bus.ask("get_standing_order", "orderName", "look").at("/runs/0");

        JsonNode whole = bus.ask("get_standing_order_run", "runId", run);
        assertEquals(240_000, whole.at("/run/evidence/e").asText().length());
        assertEquals(
                "404 unknown_run runId",
                refusal(() -> bus.ask("get_standing_order_run", "runId", java.util.UUID.randomUUID()))
                        .brief());
        for (JsonNode slot : List.of(listed, order)) {
            assertFalse(slot.has("evidence"), slot::toString);
            assertEquals(240_009, slot.get("evidenceBytes").asInt());
        }
    }

    @Test
    void an_unknown_event_is_refused_and_another_namespace_has_none_of_it() {
        String event =
                bus.ask("emit_event", "topic", "a.b").at("/event/eventId").asText();
        bus.jdbc().update("insert into namespaces (namespace) values ('sizes') on conflict do nothing");

        assertEquals(
                "404 unknown_event eventId",
                refusal(() -> bus.ask("get_event", "eventId", event, "namespace", "sizes"))
                        .brief());
        assertEquals(
                event,
                bus.call("get_event", agent("devops"), json("eventId", event))
                        .get("eventId")
                        .asText());
    }
}
