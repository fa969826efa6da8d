package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The tokens of an idle run, which its gateway reports while it goes on. */
@ExtendWith(PostgresExtension.class)
class IdleTokensTest {
    private Machine bus;
    private Idle idle;
    private GatewayReports gateway;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        idle = Idle.of(bus);
        gateway = new GatewayReports(bus);
    }

    private JsonNode spent(Attempt attempt, long tokens) {
        return bus.call(
                "report_run_start",
                GatewayReports.gateway("default"),
                Machine.json(
                        "sessionKey",
                        GatewayReports.session(attempt),
                        "usage",
                        Machine.json("total", tokens, "costUsd", 0.5)));
    }

    @Test
    void a_run_that_passes_its_tokens_is_asked_to_close_and_then_aborted() {
        Attempt thinking = idle.running("devops");
        assertEquals(200_000, gateway.started(thinking).get("tokenCap").asLong());

        assertEquals("alive", spent(thinking, 200_000).get("outcome").asText());
        assertNull(idle.run(thinking.job(), "stop_reason"));
        assertEquals("200000", idle.run(thinking.job(), "tokens"));
        assertFalse(bus.say(thinking, "report_progress", "line", "reading").has("closeNow"));

        spent(thinking, 200_001);
        String reason = "it has spent 200001 tokens and might spend 200000";
        assertEquals(reason, idle.run(thinking.job(), "stop_reason"));
        String told = bus.say(thinking, "report_progress", "line", "reading")
                .get("closeNow")
                .asText();
        assertTrue(told.contains("because " + reason), told);

        idle.pass(11);
        bus.recover();
        assertEquals("cancelled", bus.state(thinking.job()));
        assertEquals(1, bus.count("run_aborts where attempt_id = ?::uuid", thinking.id()));
        assertTrue(idle.slot(thinking.job()).matches("skipped: stopped after [0-9]+ s, because " + reason));
    }

    @Test
    void the_tokens_of_a_run_are_those_that_the_day_has_left_and_of_a_run_by_hand_those_of_a_day() {
        Attempt thinking = idle.running("devops");
        new IdleRows(bus).run(0, "agent_id", "devops", "tokens", 150_000);
        assertEquals(200_000, gateway.started(thinking).get("tokenCap").asLong());

        bus.jdbc().update("update idle_runs set by_hand = false");

        assertEquals(50_000, gateway.started(thinking).get("tokenCap").asLong());
        spent(thinking, 50_001);
        assertEquals("it has spent 50001 tokens and might spend 50000", idle.run(thinking.job(), "stop_reason"));
    }

    @Test
    void a_run_whose_end_names_no_tokens_keeps_those_that_were_reported_before() {
        Attempt thinking = idle.running("devops");
        spent(thinking, 12_000);
        bus.complete(thinking);
        bus.jdbc().update("update idle_runs set ended_at = now() - interval '61 minutes'");

        bus.one("select settle_idle()");

        assertEquals("12000", idle.run(thinking.job(), "tokens"));
        assertEquals("0.5", idle.run(thinking.job(), "cost_usd"));
    }

    @Test
    void other_work_has_no_cap() {
        bus.enqueue("targetAgent", "devops");
        Attempt work = bus.claim();
        bus.admitted(work);

        assertFalse(spent(work, 900_000).has("tokenCap"));
        assertEquals("running", bus.state(work.job()));
    }
}
