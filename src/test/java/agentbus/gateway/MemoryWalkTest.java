package agentbus.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * The memory lane on a real gateway: two jobs fail because their agent does not know something, it is written down and
 * promoted, and the next job of the kind is told and succeeds.
 */
@Tag("real-gateway")
@ExtendWith(PostgresExtension.class)
class MemoryWalkTest {
    private static final String TITLE = "Remove the lock file before a restart of cellar";
    private static final String BODY =
            "A crash of cellar leaves cellar.lock behind, and no restart succeeds until it is removed.";
    private static final String DONE = "cellar runs: its lock file was removed first.";
    private static final Pattern ID = Pattern.compile("\\[m1\\].*? id ([0-9a-f-]{36})");

    @TempDir
    Path home;

    private RealFleet fleet;
    private JdbcTemplate jdbc;

    @Test
    void a_lesson_of_two_failed_jobs_is_promoted_and_the_next_job_is_told_and_succeeds(TestDatabase database)
            throws Exception {
        Instant begun = Instant.now();
        jdbc = database.jdbc();
        try (RealFleet real = new RealFleet(
                database, home, "memory", this::move, "agentbus.phase", "4", "agentbus.orders.enabled", "true")) {
            fleet = real;
            // No slot of a schedule may come in between.
            jdbc.update("update standing_orders set planned_until = now() + interval '1 day'");
            jdbc.update("delete from standing_order_runs where status = 'expected'");
            walk();
        }
        RealFleet.say(
                "a lesson went from two failed jobs into the prompt of the third in %d ms",
                Duration.between(begun, Instant.now()).toMillis());
    }

    private void walk() throws Exception {
        List<UUID> failed = List.of(restart("host-1"), restart("host-2"));
        for (UUID job : failed) {
            fleet.awaitState(job, "failed");
            assertFalse(told(job).prompt().contains(TITLE), "nobody knows it yet");
        }

        UUID review = enqueue("devops", "ops.runbook", Map.of("failed", failed));
        fleet.awaitState(review, "succeeded");
        JsonNode candidate = fleet.call("GET", "/v1/memory-candidates?status=new", null)
                .path("candidates")
                .path(0);
        assertEquals(TITLE, candidate.path("title").asText(), () -> fleet.model()
                .toolAnswers()
                .toString());
        assertEquals("trusted", candidate.path("trust").asText(), candidate::toString);

        UUID promotion = enqueue(
                "knowledge",
                "knowledge.promote_fact",
                Map.of("candidate", candidate.path("candidateId").asText()));
        fleet.awaitState(promotion, "succeeded");
        JsonNode memories = fleet.call("GET", "/v1/memories", null).path("memories");
        assertEquals(1, memories.size(), () -> fleet.model().toolAnswers().toString());
        JsonNode memory = memories.path(0);
        assertEquals("attempt:knowledge", memory.path("promotedBy").asText(), memory::toString);
        String id = memory.path("memoryId").asText();

        UUID next = restart("host-3");
        fleet.awaitState(next, "succeeded");
        String prompt = told(next).prompt();
        assertTrue(prompt.contains(TITLE), prompt);
        assertTrue(prompt.contains(id), prompt);

        JsonNode injected =
                fleet.call("GET", "/v1/memory-injections?jobId=" + next, null).path("injections");
        assertEquals(1, injected.size(), injected::toString);
        assertEquals("used", injected.path(0).path("verdict").asText(), injected::toString);
        assertTrue(
                fleet.call("GET", "/v1/jobs/" + next, null).toString().contains(id), "the job shows what it was told");
        RealFleet.waiting("the verdict is counted")
                .until(() -> jdbc.queryForObject(
                                "select count(*) from memory_uses where memory_id = ?::uuid and used = 1 and helped = 1",
                                Integer.class,
                                id)
                        == 1);

        UUID other = fleet.enqueue("design");
        fleet.awaitState(other, "succeeded");
        assertFalse(told(other).prompt().contains(TITLE), "a job about something else is told nothing");
    }

    /** A job of devops that needs the lesson. */
    private UUID restart(String host) throws Exception {
        return enqueue(
                "devops",
                "service.diagnose",
                Map.of("service", "cellar", "host", host, "task", "Restart cellar after the crash."));
    }

    private UUID enqueue(String agent, String subject, Map<String, Object> payload) throws Exception {
        ObjectNode job = Json.object().put("targetAgent", agent).put("subject", subject);
        job.set("payload", Json.tree(payload));
        return UUID.fromString(fleet.call("POST", "/v1/jobs", job.toString())
                .path("job")
                .path("jobId")
                .asText());
    }

    private Told told(UUID job) {
        return fleet.model().told().stream()
                .filter(one -> one.jobId().equals(job))
                .findFirst()
                .orElseThrow();
    }

    /** The model's moves: devops fails as long as its prompt does not carry the lesson. */
    private Move move(Told told) {
        return switch (told.subject()) {
            case "service.diagnose" -> restart(told);
            case "ops.runbook" -> new Move.Call("agentbus__propose", lesson(told), Move.complete());
            case "knowledge.promote_fact" -> new Move.Work(promotion(told), Move.complete());
            default -> Move.complete();
        };
    }

    private static Move restart(Told told) {
        Matcher id = ID.matcher(told.prompt());
        if (!told.prompt().contains(TITLE) || !id.find()) {
            return new Move.Curl(
                    "fail", "{\"error\": \"cellar does not start, for no known reason\", \"retry\": false}");
        }
        ObjectNode close = Json.object().put("summary", DONE);
        close.putArray("memories").addObject().put("id", id.group(1)).put("verdict", "used");
        return new Move.Curl("complete", close.toString());
    }

    private static ObjectNode lesson(Told told) {
        ObjectNode lesson = Json.object()
                .put("kind", "memory")
                .put("candidateKind", "lesson")
                .put("scope", "service")
                .put("subjectKey", "cellar")
                .put("title", TITLE)
                .put("body", BODY)
                .put("seen", "Both restarts failed, and cellar.lock was there both times.")
                .put("confidenceScore", 4)
                .put("stability", "medium")
                .put("visibility", "shared");
        Matcher failed = Pattern.compile("\"failed\" ?: ?\\[([^\\]]*)]").matcher(told.prompt());
        if (!failed.find()) {
            throw new IllegalStateException("no failed jobs in " + told.prompt());
        }
        Matcher ids = Pattern.compile("\"([0-9a-f-]{36})\"").matcher(failed.group(1));
        while (ids.find()) {
            lesson.withArray("evidence").addObject().put("kind", "job").put("id", ids.group(1));
        }
        return lesson;
    }

    private static String promotion(Told told) {
        Matcher candidate =
                Pattern.compile("\"candidate\" ?: ?\"([0-9a-f-]{36})\"").matcher(told.prompt());
        if (!candidate.find()) {
            throw new IllegalStateException("no candidate in " + told.prompt());
        }
        return told.post(
                "/v1/memory-candidates/" + candidate.group(1) + "/promote",
                Json.object()
                        .put("notes", "Two jobs of different hosts failed by it.")
                        .toString());
    }
}
