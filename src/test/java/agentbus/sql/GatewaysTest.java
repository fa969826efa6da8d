package agentbus.sql;

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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several gateways, and how each is. */
@ExtendWith(PostgresExtension.class)
class GatewaysTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        bus.jdbc().queryForList("select configure_gateway('default', 'east', 5, 'http://127.0.0.1:2', 'mapped')");
        bus.jdbc().update("update agents set gateway = 'east' where agent_id = 'research'");
    }

    private void checked(String node, String gateway, String state) {
        bus.one("select gateway_checked(?, ?, ?, ?)", node, gateway, state, state.equals("ready") ? null : "because");
    }

    private List<String> claimable(String gateways) {
        return bus
                .jdbc()
                .queryForList(
                        "select claim_for_dispatch('d', 10, 60000, string_to_array(?, ','))::text",
                        String.class,
                        gateways)
                .stream()
                .map(Machine::parse)
                .map(job -> job.get("targetAgent").asText())
                .sorted()
                .toList();
    }

    private void enqueueForBoth() {
        bus.enqueue();
        bus.enqueue("targetAgent", "research", "subject", "research.packet");
    }

    private String state(String gateway) {
        return bus.jdbc()
                .queryForObject(
                        "select state from gateways where namespace = 'default' and gateway = ?",
                        String.class,
                        gateway);
    }

    @Test
    void a_dispatcher_claims_for_the_gateways_it_knows_and_no_other() {
        enqueueForBoth();
        assertEquals(List.of(), claimable(""));
        assertEquals(List.of("research"), claimable("east"));
        assertEquals(List.of("devops"), claimable("east,default"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"down", "draining"})
    void a_gateway_that_takes_nothing_holds_its_lanes_and_nothing_else(String state) {
        checked("n1", "east", state);
        enqueueForBoth();
        assertEquals(List.of("devops"), claimable("default,east"));

        checked("n1", "east", "ready");
        assertEquals(List.of("research"), claimable("default,east"));
    }

    @Test
    void ready_again_ends_the_hold_of_the_calls_that_failed_meanwhile() {
        checked("n1", "east", "down");
        bus.jdbc()
                .update("update gateways set held_until = now() + interval '30 seconds', hold_reason = 'refused',"
                        + " failures = 6 where gateway = 'east'");
        enqueueForBoth();

        checked("n1", "east", "ready");

        assertEquals(List.of("devops", "research"), claimable("default,east"));
        assertEquals(
                0, bus.jdbc().queryForObject("select failures from gateways where gateway = 'east'", Integer.class));
    }

    @Test
    void ready_does_not_end_the_hold_of_a_gateway_that_was_ready_all_along() {
        checked("n1", "east", "ready");
        bus.jdbc()
                .update("update gateways set held_until = now() + interval '30 seconds', hold_reason = 'full'"
                        + " where gateway = 'east'");
        enqueueForBoth();

        checked("n1", "east", "ready");

        assertEquals(List.of("devops"), claimable("default,east"));
    }

    @Test
    void a_node_that_has_lost_its_way_does_not_call_the_gateway_down_for_the_others() {
        checked("n1", "east", "ready");
        checked("n2", "east", "down");
        assertEquals("ready", state("east"));

        checked("n1", "east", "down");
        assertEquals("down", state("east"));
        checked("n2", "east", "ready");
        assertEquals("ready", state("east"));
    }

    @Test
    void an_answer_that_is_older_than_a_minute_holds_nothing() {
        checked("n1", "east", "down");
        bus.jdbc().update("update gateways set checked_at = now() - interval '2 minutes' where gateway = 'east'");
        enqueueForBoth();

        assertEquals(List.of("devops", "research"), claimable("default,east"));
        assertEquals("unknown", shown("east").get("state").asText());
    }

    private JsonNode shown(String name) {
        for (JsonNode gateway : bus.ask("list_gateways").get("gateways")) {
            if (gateway.get("name").asText().equals(name)) {
                return gateway;
            }
        }
        throw new AssertionError("no gateway " + name);
    }

    @Test
    void the_list_says_how_each_gateway_is_and_what_runs_on_it() {
        checked("n1", "east", "draining");
        bus.running();

        JsonNode east = shown("east");
        assertEquals("draining", east.get("state").asText());
        assertEquals("because", east.get("reason").asText());
        assertEquals("http://127.0.0.1:2", east.get("url").asText());
        assertEquals(5, east.get("maxInFlight").asInt());
        assertEquals(0, east.get("inFlight").asInt());
        assertEquals("[\"research\"]", east.get("agents").toString());
        assertEquals(1, shown("default").get("inFlight").asInt());
        assertFalse(shown("default").has("heldUntil"));
    }

    @Test
    void a_change_is_an_event_and_the_same_answer_again_is_none() {
        for (String state : List.of("ready", "ready", "down", "down", "ready", "draining")) {
            checked("n1", "east", state);
        }
        assertEquals(
                List.of("gateway.down", "gateway.ready", "gateway.draining"),
                bus.jdbc()
                        .queryForList(
                                "select topic from events where topic like 'gateway.%' order by seq", String.class));
    }

    @Test
    void health_and_the_jobs_next_move_name_the_gateway() {
        checked("n1", "east", "down");
        String job = bus.enqueue("targetAgent", "research", "subject", "research.packet");

        assertTrue(bus.ask("health").get("problems").toString().contains("gateway east is down since "));
        String move = bus.ask("get_job", "jobId", job).get("nextMove").asText();
        assertTrue(move.matches("gateway east down since \\S+Z: because"), move);

        bus.jdbc().update("update gateways set checked_at = now() - interval '2 minutes' where gateway = 'east'");
        assertTrue(bus.ask("health").get("problems").toString().contains("gateway east has not been asked how it is"));
    }

    @Test
    void a_gateway_serves_every_namespace() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        checked("n1", "default", "down");
        assertEquals(
                2,
                bus.count(
                        "gateways where gateway = 'default' and state = 'down' and namespace in ('default', 'other')"));
    }
}
