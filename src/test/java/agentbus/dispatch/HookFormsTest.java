package agentbus.dispatch;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.demo.AdmittedRun;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The exact request of a hook call in each form. */
@ExtendWith(PostgresExtension.class)
class HookFormsTest {

    @BeforeEach
    void clear(TestDatabase database) {
        database.clear();
    }

    @Test
    void the_direct_form_says_all_that_a_mapping_would(TestDatabase database, @TempDir Path home) throws Exception {
        TestJobs jobs = new TestJobs(database.jdbc());
        try (TestFleet fleet = TestFleet.of(home, Duration.ZERO, "ann");
                TestBus bus = start(database, fleet, home, "direct")) {
            UUID plain = jobs.enqueue("ann");
            jobs.awaitState(plain, "succeeded");
            UUID chosen =
                    jobs.enqueue("ann", "{\"model\": \"fake/fake-2\", \"thinking\": \"high\", \"timeoutSeconds\": 77}");
            jobs.awaitState(chosen, "succeeded");

            assertEquals(
                    expected(
                            plain,
                            "{\"agentId\": \"ann\", \"name\": \"agentbus ID\", \"sessionKey\": \"job:ID\","
                                    + " \"sessionMode\": \"persistent\", \"deliver\": false,"
                                    + " \"wakeMode\": \"next-heartbeat\", \"timeoutSeconds\": 14400}"),
                    sent(fleet, 0));
            assertEquals(
                    expected(
                            chosen,
                            "{\"agentId\": \"ann\", \"name\": \"agentbus ID\", \"sessionKey\": \"job:ID\","
                                    + " \"sessionMode\": \"persistent\", \"deliver\": false,"
                                    + " \"wakeMode\": \"next-heartbeat\", \"timeoutSeconds\": 14400,"
                                    + " \"model\": \"fake/fake-2\", \"thinking\": \"high\"}"),
                    sent(fleet, 1));
            assertEquals("agent:ann:job:" + plain, fleet.runs().get(0).sessionKey());
            // The agent may close its job before the admission is written.
            await().until(() -> jobs.job(plain).get("session_key"), key -> ("agent:ann:job:" + plain).equals(key));
            assertEquals(List.of("/hooks/agent", "/hooks/agent"), paths(fleet));
            assertTrue(bus.bus().dispatches());
        }
    }

    @Test
    void the_runs_of_a_standing_order_go_on_in_its_session_in_the_direct_form(TestDatabase database, @TempDir Path home)
            throws Exception {
        TestJobs jobs = new TestJobs(database.jdbc());
        try (TestFleet fleet = TestFleet.of(home, Duration.ZERO, "ann");
                TestBus bus = start(database, fleet, home, "direct")) {
            UUID job = jobs.enqueue("ann", "{\"delaySeconds\": 3600}");
            // A standing order sets the session in the transaction that enqueues the job.
            database.jdbc()
                    .update("update jobs set session = 'session:plans', run_after = now() where job_id = ?", job);
            jobs.awaitState(job, "succeeded");

            assertEquals("agent:ann:job:session:plans", fleet.runs().get(0).sessionKey());
            assertTrue(bus.bus().dispatches());
        }
    }

    @Test
    void the_mapped_form_leaves_all_but_the_prompt_to_the_mapping(TestDatabase database, @TempDir Path home)
            throws Exception {
        TestJobs jobs = new TestJobs(database.jdbc());
        try (TestFleet fleet = TestFleet.of(home, Duration.ZERO, "ann");
                TestBus bus = start(database, fleet, home, "mapped")) {
            UUID job = jobs.enqueue("ann", "{\"model\": \"fake/fake-2\"}");
            jobs.awaitState(job, "succeeded");

            assertEquals(expected(job, "{\"jobId\": \"ID\"}"), sent(fleet, 0));
            assertEquals(job + "-1", fleet.runs().get(0).idempotencyKey());
            assertEquals("agent:ann:job:" + job, fleet.runs().get(0).sessionKey());
            assertEquals(List.of("/hooks/job/ann"), paths(fleet));
            assertTrue(bus.bus().dispatches());
        }
    }

    private static TestBus start(TestDatabase database, TestFleet fleet, Path home, String form) {
        return TestBus.start(
                database,
                fleet.gateway(),
                home,
                "agentbus.agents.dir",
                fleet.directory(),
                "agentbus.gateway.form",
                form);
    }

    private static JsonNode expected(UUID job, String fields) throws Exception {
        return Json.read(fields.replace("ID", job.toString()));
    }

    private static JsonNode sent(TestFleet fleet, int index) {
        AdmittedRun run = fleet.runs().get(index);
        ObjectNode sent = ((ObjectNode) run.payload()).deepCopy();
        assertTrue(sent.remove("message").textValue().startsWith("You are ann."), "the prompt is the message");
        return sent;
    }

    private static List<String> paths(TestFleet fleet) {
        return fleet.gateway().ledger().requests().stream()
                .map(request -> request.path())
                .toList();
    }
}
