package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.TestDatabase;
import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.function.Executable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;

/** The functions of the state machine, with JSON in and out; each call is its own transaction. */
final class Machine {
    static final String D1 = "dispatcher-1";
    static final String D2 = "dispatcher-2";
    static final int LEASE_MS = 60_000;

    private final JdbcTemplate jdbc;

    Machine(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    /** An empty database with the agents devops, research and coordinator, each with room for five. */
    static Machine fresh(TestDatabase database) {
        database.clear();
        database.agents(Map.of(
                "devops", new String[] {"infra.check", "infra.repair"},
                "research", new String[] {"research.packet"},
                "coordinator", new String[] {"plan.new", "blocked.replan"}));
        database.jdbc().update("update agents set max_concurrency = 5");
        return new Machine(database.jdbc());
    }

    /** The same functions on one connection, whose transaction the caller ends. */
    static Machine on(DataSource source) {
        return new Machine(new JdbcTemplate(source));
    }

    JdbcTemplate jdbc() {
        return jdbc;
    }

    static ObjectNode json(Object... keysAndValues) {
        ObjectNode node = Json.object();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            node.set((String) keysAndValues[i], Json.tree(keysAndValues[i + 1]));
        }
        return node;
    }

    static JsonNode parse(String json) {
        try {
            return json == null ? null : Json.read(json);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    static ObjectNode operator() {
        return json("kind", "operator", "name", "anna");
    }

    static ObjectNode agent(String name) {
        return json("kind", "agent", "name", name, "namespace", "default");
    }

    JsonNode principal(Attempt attempt) {
        return one("select authenticate_attempt(?::uuid)", attempt.id());
    }

    /** The JSON that a query gives in its only row. */
    JsonNode one(String sql, Object... arguments) {
        return parse(jdbc.queryForObject(sql, String.class, arguments));
    }

    /** The pages that the server looked at, by the answer to {@code explain (analyze, buffers, format json)}. */
    static long pagesOf(JsonNode plan) {
        JsonNode whole = plan.at("/0/Plan");
        return whole.required("Shared Hit Blocks").asLong()
                + whole.required("Shared Read Blocks").asLong();
    }

    JsonNode call(String function, JsonNode principal, JsonNode input) {
        return one("select " + function + "(?::jsonb, ?::jsonb)", principal.toString(), input.toString());
    }

    JsonNode ask(String function, Object... input) {
        return call(function, operator(), json(input));
    }

    JsonNode say(Attempt attempt, String function, Object... input) {
        return call(function, principal(attempt), json(input).put("jobId", attempt.job()));
    }

    JsonNode complete(Attempt attempt) {
        return say(attempt, "complete_job", "summary", "done");
    }

    JsonNode fail(Attempt attempt, Object... more) {
        return say(attempt, "fail_job", with(more, "error", "it broke"));
    }

    JsonNode block(Attempt attempt, Object... unblock) {
        return unblock.length == 0
                ? say(attempt, "block_job", "reason", "no credentials")
                : say(attempt, "block_job", "reason", "no credentials", "unblock", json(unblock));
    }

    /** Enqueues for devops unless told otherwise; returns the job's id. */
    String enqueue(Object... more) {
        return ask("enqueue_job", with(more, "targetAgent", "devops", "subject", "infra.check"))
                .at("/job/jobId")
                .asText();
    }

    private static Object[] with(Object[] more, Object... defaults) {
        Object[] all = java.util.Arrays.copyOf(defaults, defaults.length + more.length);
        System.arraycopy(more, 0, all, defaults.length, more.length);
        return all;
    }

    List<JsonNode> claim(String dispatcher, int limit) {
        return jdbc
                .queryForList("select claim_for_dispatch(?, ?, ?)::text", String.class, dispatcher, limit, LEASE_MS)
                .stream()
                .map(Machine::parse)
                .toList();
    }

    List<String> claimedIds(int limit) {
        return claim(D1, limit).stream().map(j -> j.get("jobId").asText()).toList();
    }

    /** Claims the one job that is due. */
    Attempt claim() {
        List<JsonNode> claimed = claim(D1, 50);
        assertEquals(1, claimed.size(), "jobs that were due");
        return Attempt.of(claimed.get(0));
    }

    /** Enqueues a job, claims it and has it admitted. */
    Attempt running(Object... more) {
        Attempt attempt = leased(more);
        admitted(attempt);
        return attempt;
    }

    /** Enqueues a job and claims it. */
    Attempt leased(Object... more) {
        String job = enqueue(more);
        Attempt attempt = claim();
        assertEquals(job, attempt.job());
        return attempt;
    }

    JsonNode admitted(Attempt attempt) {
        return one("select hook_admitted(?, ?::uuid, 'run-1', 'session-1')", D1, attempt.id());
    }

    JsonNode undelivered(Attempt attempt, Integer retryAfter) {
        return one("select hook_undelivered(?, ?::uuid, 'HTTP 503', ?::int)", D1, attempt.id(), retryAfter);
    }

    JsonNode unknown(String dispatcher, Attempt attempt) {
        return one("select hook_unknown(?, ?::uuid, 'no answer in 15 s')", dispatcher, attempt.id());
    }

    JsonNode refused(Attempt attempt) {
        return one("select hook_refused(?, ?::uuid, 'HTTP 401: wrong hook token')", D1, attempt.id());
    }

    String keepPrompt(String dispatcher, Attempt attempt, String prompt) {
        return jdbc.queryForObject(
                "select (select o_prompt from keep_prompts(?, array[?::uuid], array[?], '{hash}', '{template}', array[?]))",
                String.class,
                dispatcher,
                attempt.id(),
                prompt,
                "00".repeat(32));
    }

    List<JsonNode> recover() {
        return jdbc.queryForList("select recover()::text", String.class).stream()
                .map(Machine::parse)
                .toList();
    }

    /** Carries out the cascades that are due now, as the nodes do; returns the number of batches. */
    int cascade() {
        int batches = 0;
        while (count("cascades where retry_at <= now()") > 0) {
            jdbc.queryForObject("select run_cascade()", Boolean.class);
            batches++;
        }
        return batches;
    }

    /** Carries out all cascades, also those that rest because another call had locked some of their jobs. */
    void finishCascades() {
        for (int pass = 0; count("cascades") > 0; pass++) {
            assertTrue(pass < 100, "the cascades end");
            jdbc.update("update cascades set retry_at = now()");
            cascade();
        }
    }

    /** Moves the end of a job's lease into the past. */
    void expire(String job) {
        jdbc.update("update jobs set leased_until = now() - interval '1 second' where job_id = ?::uuid", job);
    }

    /** Makes a queued job due and opens every gateway. */
    void makeDue(String job) {
        jdbc.update("update jobs set run_after = now() - interval '1 second' where job_id = ?::uuid", job);
        jdbc.update("update gateways set held_until = null, hold_reason = null");
    }

    /** Ends a job dead: one attempt, and it fails. */
    String dead(Object... more) {
        Attempt attempt = running(with(more, "maxAttempts", 1));
        fail(attempt);
        return attempt.job();
    }

    String state(String job) {
        return column(job, "state", String.class);
    }

    <T> T column(String job, String column, Class<T> type) {
        return jdbc.queryForObject("select " + column + " from jobs where job_id = ?::uuid", type, job);
    }

    <T> T ofAttempt(Attempt attempt, String column, Class<T> type) {
        return jdbc.queryForObject(
                "select " + column + " from job_attempts where attempt_id = ?::uuid", type, attempt.id());
    }

    /** Topics of the events about a job, oldest first. */
    List<String> topics(String job) {
        return jdbc.queryForList(
                "select topic from events where source_job_id = ?::uuid order by seq", String.class, job);
    }

    /** Audited actions on a job, oldest first. */
    List<String> audit(String job) {
        return jdbc.queryForList("select action from audit_log where row_id = ? order by audit_id", String.class, job);
    }

    long count(String sql, Object... arguments) {
        return jdbc.queryForObject("select count(*) from " + sql, Long.class, arguments);
    }

    /** What the call is refused with. */
    static Refusal refusal(Executable call) {
        DataAccessException thrown = assertThrows(DataAccessException.class, call);
        PSQLException cause = (PSQLException) thrown.getMostSpecificCause();
        ServerErrorMessage server = cause.getServerErrorMessage();
        String state = cause.getSQLState();
        if (!state.startsWith("AB")) {
            throw new AssertionError("not a refusal but " + state, thrown);
        }
        return new Refusal(
                Integer.parseInt(state.substring(2)),
                parse(server.getDetail()).path("code").asText(),
                server.getMessage(),
                parse(server.getDetail()));
    }

    /** The SQLSTATE that a statement fails with. */
    static String sqlState(Executable call) {
        DataAccessException thrown = assertThrows(DataAccessException.class, call);
        return ((java.sql.SQLException) thrown.getMostSpecificCause()).getSQLState();
    }
}
