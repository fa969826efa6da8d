package agentbus.sql;

import static agentbus.sql.Machine.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Runs of a job that has gone from one agent to another since: they belong to the agent that had the attempt. */
@ExtendWith(PostgresExtension.class)
class ReassignedRunsTest {
    private Machine bus;
    private GatewayReports gateway;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        gateway = new GatewayReports(bus);
        bus.jdbc().update("update agents set accepts = '{infra.check}' where agent_id in ('devops', 'research')");
    }

    private void reassign(Attempt attempt) {
        bus.ask("reassign_job", "jobId", attempt.job(), "targetAgent", "research", "reason", "devops is away");
    }

    private List<String> stoppedLanes() {
        return bus.jdbc().queryForList("select agent_id from agents where paused_at is not null", String.class);
    }

    @Test
    void the_late_end_of_the_first_agents_run_stops_no_lane() {
        Attempt first = bus.running();
        bus.block(first);
        reassign(first);

        JsonNode report = gateway.ended(first, true, "agentId", "devops", "durationMs", 10);

        assertFalse(report.get("outcome").asText().equals("failed"), report::toString);
        assertEquals(List.of(), stoppedLanes());
    }

    @Test
    void a_run_of_the_first_agent_leaves_the_attempt_of_the_second_alone() {
        Attempt first = bus.running();
        bus.block(first);
        reassign(first);
        bus.ask("unblock_job", "jobId", first.job());
        Attempt second = bus.claim();
        bus.admitted(second);

        gateway.started(first);

        assertEquals("running", bus.state(first.job()));
        assertEquals(List.of(), stoppedLanes());
    }

    @Test
    void the_old_token_stays_that_of_the_first_agent_and_an_abort_names_its_session() {
        Attempt first = bus.leased();
        bus.ask("end_attempt", "jobId", first.job(), "reason", "wrong agent");
        reassign(first);

        assertEquals("devops", bus.principal(first).get("name").asText());
        bus.admitted(first);
        assertEquals(
                List.of("agent:devops:job:" + first.job()),
                bus.jdbc().queryForList("select session_key from run_aborts", String.class));
        assertEquals(
                "research",
                bus.call("get_job", Machine.operator(), json("jobId", first.job()))
                        .get("targetAgent")
                        .asText());
    }
}
