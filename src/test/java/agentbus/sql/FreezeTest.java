package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static agentbus.sql.Orders.HOUR;
import static agentbus.sql.Orders.T0;
import static agentbus.sql.Orders.hour;
import static agentbus.sql.Orders.order;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Frozen agents and phases refuse new work with words; disabled and stopped orders skip their slots. */
@ExtendWith(PostgresExtension.class)
class FreezeTest {
    private static final Instant ONE = T0.plus(HOUR);
    private static final Instant TWO = ONE.plus(HOUR);

    private Machine bus;
    private Orders orders;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        orders = new Orders(bus);
    }

    private JsonNode freeze(String kind, String name) {
        return bus.ask("freeze", "kind", kind, "name", name, "reason", "the site moves");
    }

    private JsonNode unfreeze(String kind, String name) {
        return bus.ask("unfreeze", "kind", kind, "name", name, "reason", "it has moved");
    }

    private void assertFrozen(Refusal refusal, String subject) {
        assertEquals(409, refusal.status());
        assertEquals("frozen", refusal.code());
        assertTrue(
                refusal.message().matches(subject + " is frozen by operator:anna since \\S+Z: the site moves"),
                refusal.message());
    }

    @Test
    void a_frozen_agent_takes_no_new_job_and_finishes_the_old_ones() {
        String before = bus.enqueue("dedupeKey", "k");
        assertTrue(freeze("agent", "devops").get("changed").asBoolean());

        assertFrozen(refusal(() -> bus.enqueue()), "agent devops");
        assertFrozen(
                refusal(() -> bus.enqueue("dedupeKey", "k", "dedupeMode", "replace_queued", "priority", 7)),
                "agent devops");
        assertEquals(before, bus.enqueue("dedupeKey", "k"), "a repeated request writes nothing new");
        assertEquals(1, bus.count("jobs"));
        bus.enqueue("targetAgent", "research", "subject", "research.packet");
        assertEquals(2, bus.claimedIds(10).size());

        assertEquals(
                "it has moved", unfreeze("agent", "devops").get("endReason").asText());
        bus.enqueue();
    }

    @Test
    void a_follow_up_to_a_frozen_agent_is_refused_with_the_whole_close() {
        Attempt attempt = bus.running("targetAgent", "research", "subject", "research.packet");
        freeze("agent", "devops");

        assertFrozen(
                refusal(() -> bus.say(
                        attempt,
                        "complete_job",
                        "summary",
                        "done",
                        "followUps",
                        List.of(json("targetAgent", "devops", "subject", "infra.check")))),
                "agent devops");
        assertEquals("running", bus.state(attempt.job()), "the agent closes without it, or blocks");
        bus.complete(attempt);
    }

    @Test
    void an_event_of_a_frozen_subscriber_is_kept_and_the_refusal_is_an_event() {
        bus.jdbc()
                .update("insert into subscriptions (namespace, topic_pattern, agent_id, subject, coalesces) values"
                        + " ('default', 'site.changed', 'devops', 'infra.check', false),"
                        + " ('default', 'site.moved', 'devops', 'infra.repair', true)");
        bus.ask("emit_event", "topic", "site.moved");
        freeze("agent", "devops");

        bus.ask("emit_event", "topic", "site.changed");
        bus.ask("emit_event", "topic", "site.moved");

        assertEquals(1, bus.count("jobs"));
        assertEquals(1, bus.count("jobs where payload ->> 'eventCount' = '1'"), "no event joins a waiting job");
        assertEquals(3, bus.count("events where topic like 'site.%'"));
        assertEquals(
                2,
                bus.count(
                        "events where topic = 'agent.subscription_refused'"
                                + " and payload ->> 'reason' like 'agent devops is frozen by operator:anna since %: the site moves'"));
    }

    @Test
    void a_block_while_the_coordinator_is_frozen_asks_an_operator() {
        Attempt attempt = bus.running();
        freeze("agent", "coordinator");

        bus.block(attempt);

        assertEquals("blocked", bus.state(attempt.job()));
        assertEquals(1, bus.count("events where topic = 'job.needs_operator'"));
    }

    @ParameterizedTest
    @CsvSource({"agent, devops, agent devops", "phase, 3, phase 3"})
    void the_slots_of_a_frozen_phase_or_agent_are_skipped_with_the_reason(String kind, String name, String subject) {
        orders.hourly(hour(6), order("patrol", "phase", 3));
        freeze(kind, name);

        orders.settle(hour(1));

        assertEquals("skipped", orders.of("patrol", ONE, "status"));
        String summary = orders.of("patrol", ONE, "summary");
        assertTrue(summary.startsWith(subject + " is frozen by operator:anna since "), summary);
        assertFrozen(refusal(() -> bus.ask("run_standing_order", "orderName", "patrol")), subject);
        assertFrozen(refusal(() -> bus.ask("start_standing_order", "orderName", "patrol")), subject);

        unfreeze(kind, name);
        orders.settle(hour(2));
        assertEquals("started", orders.of("patrol", TWO, "status"));
    }

    @Test
    void another_phase_goes_on() {
        orders.hourly(hour(6), order("patrol", "phase", 2));
        freeze("phase", "3");

        orders.settle(hour(1));

        assertEquals("started", orders.of("patrol", ONE, "status"));
    }

    @Test
    void a_repeated_freeze_or_unfreeze_changes_nothing() {
        JsonNode first = freeze("phase", "3");
        assertFalse(freeze("phase", "3").get("changed").asBoolean());
        bus.ask("pause", "kind", "agent", "name", "devops", "reason", "rest");
        freeze("agent", "devops");
        assertEquals(3, bus.ask("list_pauses").get("pauses").size(), "an agent may be paused and frozen");

        assertEquals(first.get("pauseId"), unfreeze("phase", "3").get("pauseId"));
        JsonNode again = unfreeze("phase", "3");
        assertFalse(again.get("changed").asBoolean());
        assertEquals("operator:anna", again.get("endedBy").asText());
        assertFalse(unfreeze("phase", "4").get("changed").asBoolean());
        assertEquals("there is no phase 9", refusal(() -> freeze("phase", "9")).message());
        assertEquals("unknown_agent", refusal(() -> freeze("agent", "nobody")).code());
    }

    @ParameterizedTest
    @CsvSource({"everything,", "gateway, default", "job_type, scheduled", "agent, devops"})
    void slots_while_a_person_has_paused_are_skipped_with_the_reason(String kind, String name) {
        orders.hourly(hour(6), order("patrol"));
        var input = json("kind", kind, "reason", "holiday");
        if (name != null) {
            input.put("name", name);
        }
        bus.call("pause", Machine.operator(), input);

        orders.settle(hour(1));

        assertEquals("skipped", orders.of("patrol", ONE, "status"));
        assertTrue(orders.of("patrol", ONE, "summary").endsWith(": holiday"));
        bus.call("resume", Machine.operator(), input);
        orders.settle(hour(2));
        assertEquals("started", orders.of("patrol", TWO, "status"), "the skipped slot is not made up for");
        assertEquals(1, bus.count("jobs"));
    }

    @Test
    void a_stop_reaches_orders_whose_runs_start_elsewhere() {
        orders.hourly(hour(6), order("patrol", "startedBy", "external"));
        bus.ask("stop_everything", "reason", "no");

        orders.settle(hour(1).plusSeconds(600));

        assertEquals("skipped", orders.of("patrol", ONE, "status"));
        Refusal refusal = refusal(() -> bus.ask("start_standing_order", "orderName", "patrol"));
        assertEquals(409, refusal.status());
        assertTrue(refusal.message().startsWith("everything is stopped by operator:anna since "), refusal.message());
    }

    @Test
    void a_start_elsewhere_after_a_short_stop_takes_the_slot_that_was_due_meanwhile() {
        orders.hourly(hour(1), order("patrol", "startedBy", "external"));
        bus.ask("stop_everything", "reason", "no");
        orders.settle(hour(1));
        assertEquals("expected", orders.of("patrol", ONE, "status"), "its start is not late yet");

        bus.ask("resume", "kind", "everything", "reason", "yes");
        bus.ask("start_standing_order", "orderName", "patrol");

        assertEquals("started", orders.of("patrol", ONE, "status"));
        assertEquals(1, bus.count("standing_order_runs"));
    }

    @Test
    void a_disabled_order_skips_its_slots_through_syncs_until_it_is_enabled() {
        orders.hourly(hour(6), order("patrol"));
        JsonNode disabled = bus.ask("disable_standing_order", "orderName", "patrol", "reason", "runs elsewhere");
        assertTrue(disabled.get("changed").asBoolean());
        assertEquals("operator:anna", disabled.get("disabledBy").asText());
        assertEquals("disabled", disabled.get("health").asText());
        assertFalse(bus.ask("disable_standing_order", "orderName", "patrol", "reason", "runs elsewhere")
                .get("changed")
                .asBoolean());

        orders.settle(hour(1));
        orders.sync(hour(1), order("patrol", "purpose", "another text"));
        orders.settle(hour(2));

        for (Instant slot : List.of(ONE, TWO)) {
            assertTrue(orders.of("patrol", slot, "summary")
                    .matches("standing order patrol is disabled by operator:anna since \\S+Z: runs elsewhere"));
        }
        assertEquals(0, bus.count("jobs"));
        orders.sync(hour(2));
        orders.hourly(hour(6), order("patrol"));
        assertEquals(
                "runs elsewhere",
                bus.ask("get_standing_order", "orderName", "patrol")
                        .get("disabledReason")
                        .asText(),
                "also after the file was gone");
        assertEquals(
                "started",
                bus.ask("run_standing_order", "orderName", "patrol")
                        .at("/run/status")
                        .asText());
        bus.jdbc().update("update jobs set state = 'cancelled', ended_at = now()");

        assertTrue(bus.ask("enable_standing_order", "orderName", "patrol", "reason", "back")
                .get("changed")
                .asBoolean());
        assertFalse(bus.ask("enable_standing_order", "orderName", "patrol", "reason", "back")
                .get("changed")
                .asBoolean());
        orders.settle(hour(3));
        assertEquals("started", orders.of("patrol", TWO.plus(HOUR), "status"));
        assertEquals(
                List.of("standing_order.disabled runs elsewhere", "standing_order.enabled back"),
                bus.jdbc()
                        .queryForList(
                                "select action || ' ' || why from audit_log where action ~ 'abled$' order by audit_id",
                                String.class));
    }
}
