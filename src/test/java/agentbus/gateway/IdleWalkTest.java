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
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * Idle thinking on a real gateway: a run writes down what it thinks and goes on, work for its agent arrives and is done
 * beside it, and the run is asked to close and then aborted.
 */
@Tag("real-gateway")
@ExtendWith(PostgresExtension.class)
class IdleWalkTest {
    private static final String ORDER = "research-idle-cognition";
    private static final String SUBJECT = "standing_order." + ORDER;
    private static final String IDEA = "Ask who pays for the source that we quote most";
    private static final String LESSON = "Check the year of a number before it is quoted";
    /** Goes on when the grace of the request to close is over. */
    private static final String LONG_COMMAND = "sleep 47";

    @TempDir
    Path home;

    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch never = new CountDownLatch(1);
    private RealFleet fleet;
    private JdbcTemplate jdbc;
    private volatile UUID seen;

    @Test
    void work_is_done_beside_an_idle_run_which_is_asked_to_close_and_aborted_and_its_thoughts_stay(
            TestDatabase database) throws Exception {
        jdbc = database.jdbc();
        try (RealFleet real = new RealFleet(
                database, home, "idle", this::move, "agentbus.phase", "5", "agentbus.orders.enabled", "true")) {
            fleet = real;
            // No slot of a schedule may come in between.
            jdbc.update("update standing_orders set planned_until = now() + interval '1 day'");
            jdbc.update("delete from standing_order_runs where status = 'expected'");
            walk();
        }
    }

    private void walk() throws Exception {
        seen = fleet.enqueue("research");
        fleet.awaitState(seen, "succeeded");

        Instant begun = Instant.now();
        UUID idle = think();
        RealFleet.waiting("the run has written its thoughts and goes on")
                .until(() -> fleet.model().answers(idle).size() == 3
                        && fleet.model().thinking() == 1
                        && fleet.state(idle).equals("running"));
        RealFleet.say(
                "an idle run had an idea and a candidate %d ms after its order was run",
                Duration.between(begun, Instant.now()).toMillis());
        String question = run(idle).get("question").toString();
        String prompt = told(idle).prompt();
        assertTrue(prompt.contains("The question of this run: " + question), prompt);
        assertTrue(prompt.contains("IDLE THINKING"), prompt);
        List<String> answers = fleet.model().answers(idle);
        assertFalse(answers.get(0).contains("closeNow"), answers::toString);
        assertFalse(answers.get(1).contains("closeNow"), answers::toString);
        assertTrue(answers.get(2).contains("\"code\":\"idle_scope\""), answers::toString);
        assertTrue(answers.get(2).contains("403"), answers::toString);
        assertEquals(
                0,
                jdbc.queryForObject("select count(*) from jobs where subject = 'plan.new'", Integer.class),
                "a refused call enqueues nothing");

        UUID work = fleet.enqueue("research");
        RealFleet.waiting("the work is claimed")
                .until(() -> !fleet.attempts(work).isEmpty());
        asked.countDown();
        RealFleet.waiting("the idle run has been told to close")
                .until(() -> fleet.model().answers(idle).size() > 3);
        String progress = fleet.model().answers(idle).get(3);
        assertTrue(progress.contains("closeNow"), progress);
        assertTrue(progress.contains("because work arrived for research (job " + work + ")"), progress);
        fleet.awaitState(work, "succeeded");
        fleet.awaitState(idle, "cancelled");

        Instant claimed = time(fleet.attempts(work).get(0), "created_at");
        Map<String, Object> run = run(idle);
        assertTrue(claimed.isBefore(time(run, "ended_at")), () -> claimed + ", " + run);
        assertEquals("stopped", run.get("outcome"), run::toString);
        assertEquals(1, fleet.attempts(idle).size(), "an idle run is not tried again");
        Map<String, Object> slot =
                jdbc.queryForMap("select status, summary from standing_order_runs where job_id = ?", idle);
        assertEquals("skipped", slot.get("status"), slot::toString);
        assertTrue(
                slot.get("summary")
                        .toString()
                        .matches("stopped after [0-9]+ s, because work arrived for research \\(job " + work + "\\)"),
                slot::toString);
        thoughtsStay(idle);
        aborted(idle);

        Map<String, Object> job = jdbc.queryForMap("select * from jobs where job_id = ?", work);
        RealFleet.say(
                "work beside an idle run was claimed %d ms after its enqueue, and done after %d ms; the idle run ended"
                        + " %d ms after it was asked to close",
                Duration.between(time(job, "created_at"), claimed).toMillis(),
                Duration.between(time(job, "created_at"), time(job, "ended_at")).toMillis(),
                Duration.between(time(run, "stop_asked_at"), time(run, "ended_at"))
                        .toMillis());
    }

    /** Runs the order of idle thinking of research, and returns the job of the run. */
    private UUID think() throws Exception {
        return UUID.fromString(
                fleet.call("POST", "/v1/standing-orders/" + ORDER + "/run", "{\"reason\": \"walk\", \"force\": true}")
                        .at("/run/jobId")
                        .asText());
    }

    private void thoughtsStay(UUID idle) throws Exception {
        JsonNode idea =
                fleet.call("GET", "/v1/ideas?status=new", null).path("ideas").path(0);
        assertEquals(IDEA, idea.path("title").asText(), idea::toString);
        assertEquals("idle", idea.path("sourceJobType").asText(), idea::toString);
        JsonNode candidate = fleet.call("GET", "/v1/memory-candidates?status=new", null)
                .path("candidates")
                .path(0);
        assertEquals(LESSON, candidate.path("title").asText(), candidate::toString);
        assertEquals(
                List.of(idle, idle),
                jdbc.queryForList(
                        "select source_job_id from ideas union all select source_job_id from memory_candidates",
                        UUID.class));
    }

    private void aborted(UUID idle) {
        fleet.awaitAborted(idle);
        RealFleet.waiting("the gateway has reported the end of the run")
                .until(() -> fleet.attempts(idle).get(0).get("run_ended_at") != null);
        assertEquals("cancelled", fleet.state(idle));
    }

    private Map<String, Object> run(UUID idle) {
        return jdbc.queryForMap("select * from idle_runs where job_id = ?", idle);
    }

    private static Instant time(Map<String, Object> row, String column) {
        return ((Timestamp) row.get(column)).toInstant();
    }

    private Told told(UUID job) {
        return fleet.model().told().stream()
                .filter(one -> one.jobId().equals(job))
                .findFirst()
                .orElseThrow();
    }

    /** The model's moves: in an idle run it writes, tries to set others to work, and stays busy; other jobs it does. */
    private Move move(Told told) {
        if (!told.subject().equals(SUBJECT)) {
            return Move.complete();
        }
        Move busy = new Move.Work(
                told.command("progress", "{\"line\": \"I read on.\"}"),
                new Move.Work(LONG_COMMAND, new Move.Think(never, Move.complete())));
        Move tryToEnqueue = new Move.Work(told.post("/v1/jobs", handoff().toString()), new Move.Think(asked, busy));
        return new Move.Work(
                told.proposal("idea", idea().toString()),
                new Move.Call("agentbus__propose", candidate(), tryToEnqueue));
    }

    private static ObjectNode handoff() {
        return Json.object().put("targetAgent", "coordinator").put("subject", "plan.new");
    }

    private static ObjectNode idea() {
        return Json.object()
                .put("kind", "idea")
                .put("theme", "sources")
                .put("title", IDEA)
                .put("body", "Two of our packets rest on one source, and nobody has looked up its owner.");
    }

    private ObjectNode candidate() {
        ObjectNode lesson = Json.object()
                .put("kind", "memory")
                .put("candidateKind", "lesson")
                .put("scope", "agent")
                .put("subjectKey", "research")
                .put("title", LESSON)
                .put("body", "A number without its year was quoted as if it were new; look up the year first.")
                .put("seen", "The packet of the last job has such a number.")
                .put("confidenceScore", 3);
        lesson.putArray("evidence").addObject().put("kind", "job").put("id", seen.toString());
        return lesson;
    }
}
