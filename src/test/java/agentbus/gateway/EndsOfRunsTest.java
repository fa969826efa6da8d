package agentbus.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Runs of a real gateway that end without a close: the agent only talks, or the job is cancelled. */
@Tag("real-gateway")
@ExtendWith(PostgresExtension.class)
class EndsOfRunsTest {
    /** The bus needs one second of grace and half a second to the next look; the rest is for a slow machine. */
    private static final Duration KNOWN_WITHIN = Duration.ofSeconds(20);

    @TempDir
    static Path home;

    private static RealFleet fleet;

    @BeforeAll
    static void start(TestDatabase database) throws Exception {
        fleet = new RealFleet(database, home, "ends-of-runs", told -> Move.complete());
    }

    @AfterAll
    static void stop() {
        fleet.close();
    }

    @Test
    void an_agent_that_ends_without_closing_is_told_so_once_and_then_the_job_is_blocked() throws Exception {
        fleet.model().script(told -> told.agent().equals("devops") ? new Move.Say("All is well.") : Move.complete());
        UUID job = fleet.enqueue("devops");
        fleet.awaitState(job, "blocked");

        List<Instant> known = fleet.events(job, "job.ended_without_closing");
        assertEquals(2, known.size());
        for (int attempt = 1; attempt <= 2; attempt++) {
            Duration after = Duration.between(fleet.model().spoke(job, attempt), known.get(attempt - 1));
            RealFleet.say(
                    "attempt %d: job.ended_without_closing %d ms after the model's last word",
                    attempt, after.toMillis());
            assertTrue(after.compareTo(KNOWN_WITHIN) < 0, after::toString);
        }
        List<Told> told = fleet.model().told().stream()
                .filter(one -> one.jobId().equals(job))
                .toList();
        assertFalse(told.get(0).prompt().contains("ended_without_closing"));
        assertTrue(told.get(told.size() - 1).prompt().contains("ended_without_closing: the run ended its turn"));
        assertEquals(2, fleet.attempts(job).size());
        RealFleet.waiting("the coordinator has been asked")
                .until(() -> fleet.jdbc()
                                .queryForObject(
                                        "select count(*) from jobs where parent_job_id = ?"
                                                + " and target_agent = 'coordinator' and subject = 'blocked.replan'",
                                        Long.class,
                                        job)
                        == 1);
    }

    @Test
    void the_next_job_of_an_agent_begins_when_the_run_of_the_one_before_has_ended() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        // The agent closes its job, and works on in the same run.
        fleet.model()
                .script(told -> new Move.Work(
                        told.command("complete", "{\"summary\": \"It's done.\"}"),
                        new Move.Think(go, new Move.Say("That is all."))));
        UUID first = fleet.enqueue("security");
        fleet.awaitState(first, "succeeded");
        RealFleet.waiting("the run goes on, and the bus knows it")
                .until(() -> fleet.model().thinking() == 1
                        && fleet.attempts(first).get(0).get("run_started_at") != null);

        UUID second = fleet.enqueue("security");
        String nextMove =
                fleet.call("GET", "/v1/jobs/" + second, null).path("nextMove").asText();
        assertTrue(nextMove.startsWith("lane full: 1 of 1, the run of job " + first + " still goes on"), nextMove);
        go.countDown();

        fleet.awaitState(second, "succeeded");
        Duration after =
                Duration.between(fleet.model().spoke(first, 1), fleet.model().asked(second));
        assertFalse(after.isNegative(), after::toString);
        RealFleet.say("the next run began %d ms after the last word of the run before", after.toMillis());
    }

    @Test
    void cancelling_a_job_stops_the_run_that_works_on_it() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        fleet.model().script(told -> new Move.Think(never, Move.complete()));
        UUID job = fleet.enqueue("research");
        RealFleet.waiting("the model thinks about it").until(() -> fleet.model().thinking() == 1);
        RealFleet.waiting("the bus knows the run").until(() -> fleet.state(job).equals("running"));

        Instant cancelled = Instant.now();
        fleet.call("POST", "/v1/jobs/" + job + "/cancel", "{\"reason\": \"nobody wants it any more\"}");

        RealFleet.waiting("the gateway has hung up on the model")
                .until(() -> fleet.model().hungUp(job) != null);
        RealFleet.waiting("the bus knows that the run was stopped")
                .until(() -> !fleet.events(job, "job.run_aborted").isEmpty());
        RealFleet.say(
                "the model's connection was closed %d ms after the cancel",
                Duration.between(cancelled, fleet.model().hungUp(job)).toMillis());
        assertEquals("cancelled", fleet.state(job));
        assertEquals(
                List.of(Map.of("outcome", "aborted")),
                fleet.jdbc()
                        .queryForList(
                                "select outcome from run_aborts join job_attempts using (attempt_id) where job_id = ?",
                                job));
    }
}
