package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Needs.assertSays;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Orders, lanes, gateways, pauses, sweeps and bulk actions that need a person. */
@ExtendWith(PostgresExtension.class)
class NeedsOfBusTest {
    private Machine bus;
    private Needs needs;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        needs = new Needs(bus);
    }

    @Test
    void what_stops_everything_is_shown_at_once_and_other_pauses_after_a_day() {
        bus.ask("pause", "kind", "agent", "name", "devops", "reason", "maintenance");
        bus.ask("freeze", "kind", "agent", "name", "research", "reason", "audit");
        assertEquals(List.of(), needs.items());
        bus.ask("pause", "kind", "everything", "reason", "fire drill");

        JsonNode item = needs.only();
        assertTrue(
                item.get("sentence").asText().startsWith("Everything is paused by operator:anna since "),
                item::toString);
        needs.act(item, "Resume");

        bus.jdbc().update("update pauses set since = now() - interval '25 hours' where ended_at is null");
        bus.jdbc().update("update agents set paused_at = now() - interval '25 hours' where agent_id = 'devops'");
        assertEquals(List.of("frozen/agent/research", "paused/agent/devops"), needs.ids());
        needs.act(needs.only("paused/agent/devops"), "Resume");
        needs.act(needs.only("frozen/agent/research"), "End the freeze");
        assertEquals(List.of(), needs.ids());
    }

    @Test
    void a_bulk_action_of_which_jobs_failed_is_shown_for_a_day() {
        bus.jdbc()
                .update(
                        "insert into bulk_actions (namespace, operation, filter, reason, started_by, frozen_up_to, status,"
                                + " failed, failures, ended_at) values ('default', 'redrive', '{}', 'again',"
                                + " 'operator:anna', 1, 'done', 2, '[{\"detail\": \"its key is taken\"}]', now())");

        assertSays("2 jobs have failed in the bulk action redrive of anna, such as: its key is taken.", needs.only());

        bus.jdbc().update("update bulk_actions set ended_at = now() - interval '25 hours'");
        assertEquals(List.of(), needs.items());
    }

    @Test
    void an_order_that_missed_a_slot_is_shown_until_it_runs() {
        Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        Orders orders = new Orders(bus);
        Instant past = now.minus(Duration.ofHours(3));
        orders.sync(past, Orders.order("patrol", "catchUp", "skip"));
        orders.plan(
                "patrol",
                "0 0 * * * ?",
                past,
                now.plus(Duration.ofHours(1)),
                now.minus(Duration.ofHours(2)),
                now.plus(Duration.ofHours(1)));
        orders.settle(now);

        JsonNode item = needs.only();
        assertEquals("order_missed", item.get("kind").asText());
        assertEquals("patrol", item.get("orderName").asText());
        assertTrue(
                item.get("sentence")
                        .asText()
                        .startsWith("Standing order patrol of devops missed 1 slot within 24 hours: "),
                item::toString);
        assertTrue(item.get("ifNobodyActs").asText().startsWith("Its next slot: "), item::toString);

        needs.act(item, "Run it now");

        assertEquals(List.of(), needs.items());
    }

    @Test
    void an_order_that_fails_is_shown_with_its_last_error() {
        Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        Orders orders = new Orders(bus);
        orders.sync(now.minus(Duration.ofHours(3)), Orders.order("patrol"));
        for (int i = 0; i < 2; i++) {
            bus.ask("run_standing_order", "orderName", "patrol");
            Attempt attempt = bus.claim();
            bus.admitted(attempt);
            bus.fail(attempt, "retry", false);
        }

        JsonNode item = needs.items().stream()
                .filter(i -> i.get("kind").asText().equals("order_failing"))
                .findFirst()
                .orElseThrow();
        assertTrue(
                item.get("sentence")
                        .asText()
                        .startsWith("Standing order patrol of devops has failed 2 times in a row: "),
                item::toString);
    }

    @Test
    void a_stopped_lane_a_gateway_that_is_down_and_a_forgotten_pause_are_shown() {
        bus.jdbc()
                .update("update agents set paused_at = now() - interval '2 minutes', paused_by = 'dispatcher',"
                        + " paused_reason = 'gateway answered 404: no mapping', refusal_cause = 'gateway answered 404',"
                        + " refusal_stops = 1, paused_until = now() + interval '1 minute' where agent_id = 'devops'");
        bus.jdbc()
                .update("update agents set paused_at = now() - interval '25 hours', paused_by = 'anna',"
                        + " paused_reason = 'vacation' where agent_id = 'research'");
        bus.jdbc()
                .update("update gateways set state = 'down', state_since = now() - interval '1 minute',"
                        + " state_reason = 'connection refused', checked_at = now() where namespace = 'default'");

        List<JsonNode> items = needs.items();

        assertEquals(
                List.of("paused", "lane_stopped", "gateway"),
                items.stream().map(item -> item.get("kind").asText()).toList());
        assertTrue(
                items.get(0).get("sentence").asText().startsWith("Agent research is paused by anna since "),
                items::toString);
        assertSays(
                "Gateway default refuses the jobs of devops, so the bus has stopped its lane:"
                        + " gateway answered 404: no mapping.",
                items.get(1));
        assertTrue(items.get(2).get("sentence").asText().startsWith("Gateway default is down since "), items::toString);
        assertEquals(
                "The jobs of coordinator, devops, research wait.",
                items.get(2).get("ifNobodyActs").asText());
        needs.act(items.get(0), "Resume");
        needs.act(items.get(1), "Try again now");
        assertEquals(List.of("gateway/default"), needs.ids());

        bus.jdbc().update("update gateways set state_since = now() - interval '20 seconds'");
        assertEquals(List.of(), needs.items(), "a restart takes some seconds");
    }

    @Test
    void a_dead_dispatcher_a_row_that_no_sweep_handles_and_an_idle_recovery_are_shown() {
        bus.one(
                "select dispatcher_heartbeat('d', ?::jsonb)",
                json("host", "h", "pid", 1, "version", "1", "wakeSource", "poll", "beatSeconds", 2, "leaseMs", 60_000)
                        .set("attempts", Machine.parse("[]"))
                        .toString());
        assertEquals(List.of(), needs.items());
        bus.jdbc().update("update dispatcher_heartbeats set last_seen = now() - interval '1 hour'");
        bus.jdbc()
                .update("insert into sweep_failures (what, row_id, namespace, error, retry_at, created_at)"
                        + " values ('lease', gen_random_uuid(), 'default', 'broken trigger', now(),"
                        + " now() - interval '10 minutes')");
        bus.jdbc()
                .update("insert into bus_facts (namespace, name, value)"
                        + " values ('default', 'last_recovery', now() - interval '2 minutes')");

        List<JsonNode> items = needs.items();

        assertEquals(
                List.of("dispatcher", "database", "database"),
                items.stream().map(item -> item.get("kind").asText()).toList());
        assertTrue(items.get(0).get("sentence").asText().startsWith("No dispatcher is alive since "), items::toString);
        assertSays("A sweep cannot handle 1 job (lease): broken trigger.", items.get(1));
    }
}
