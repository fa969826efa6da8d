package agentbus;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.demo.SimulatedAgents;
import agentbus.demo.TestAgents;
import agentbus.demo.TestGateway;
import agentbus.demo.TestGatewayOptions;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(PostgresExtension.class)
class DispatchTest {
    @Test
    void a_job_travels_from_enqueue_to_closed_by_its_agent(TestDatabase database, @TempDir Path home) throws Exception {
        try (TestAgents agents = new TestAgents(SimulatedAgents.Options.of(Map.of(), 1));
                TestGateway gateway = new TestGateway(
                        TestGatewayOptions.defaults(TestBus.HOOK_TOKEN).withAgents(Set.of("devops")), agents);
                TestBus bus = TestBus.start(database, gateway, home)) {
            var answer = bus.call(
                    "POST",
                    "/v1/jobs",
                    bus.operatorToken(),
                    "{\"targetAgent\":\"devops\",\"subject\":\"infra.check\"}");

            assertEquals(200, answer.statusCode(), answer.body());
            await().atMost(Duration.ofSeconds(60))
                    .untilAsserted(() -> assertEquals(
                            "succeeded", database.jdbc().queryForObject("select state from jobs", String.class)));
            assertEquals(1, gateway.ledger().runsStarted());
        }
    }
}
