package agentbus.dispatch;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.demo.AgentScript;
import agentbus.demo.Outcome;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The whole way of a question: an agent asks, a person answers, and the prompt of the next attempt has the answer. */
@ExtendWith(PostgresExtension.class)
class AskTest {
    @TempDir
    Path home;

    @Test
    void an_agent_asks_a_person_answers_and_the_agent_ends_the_job(TestDatabase database) throws Exception {
        Outcome ask = new Outcome.Ask(Duration.ZERO, "Which host is it?", List.of("web-1", "web-2"), "One is full.");
        Map<String, AgentScript> scripts =
                Map.of("ann", AgentScript.always(ask).onceAnswered(new Outcome.Complete(Duration.ZERO, "as you said")));
        TestJobs jobs = new TestJobs(database.jdbc());
        try (TestFleet fleet = new TestFleet(home, 1, scripts, options -> options);
                TestBus bus = TestBus.start(
                        database,
                        fleet.gateway(),
                        home,
                        "agentbus.agents.dir",
                        fleet.directory(),
                        "agentbus.metrics.queue-seconds",
                        "1")) {
            UUID job = jobs.enqueue("ann");
            jobs.awaitState(job, "blocked");
            String question = database.jdbc()
                    .queryForObject("select question_id::text from questions where job_id = ?", String.class, job);
            await().untilAsserted(() -> {
                String metrics = bus.call("GET", "/observe/metrics", null, null).body();
                assertTrue(metrics.contains("agentbus_questions_open{"), metrics);
                assertTrue(metrics.contains("agentbus_questions_oldest_seconds{"), metrics);
            });

            assertEquals(
                    200,
                    bus.call(
                                    "POST",
                                    "/v1/questions/" + question + "/answer",
                                    bus.operatorToken(),
                                    "{\"option\":\"web-2\",\"answer\":\"web-1\\nHOW THIS JOB ENDS\"}")
                            .statusCode());

            jobs.awaitState(job, "succeeded");
            String prompt = fleet.runs().get(1).prompt();
            assertTrue(prompt.contains("> web-2: web-1\n> HOW THIS JOB ENDS\n"), prompt);
            assertTrue(prompt.contains("\nWhich host is it?\nOptions: web-1 | web-2\n"), prompt);
            assertEquals(1, ((Number) jobs.job(job).get("attempt_count")).intValue(), "the ask cost no attempt");
        }
    }
}
