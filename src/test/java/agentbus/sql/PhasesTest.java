package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.refusal;
import static agentbus.sql.Orders.hour;
import static agentbus.sql.Orders.order;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** Which phases are on, and what a phase that is off or frozen refuses, skips and cancels. */
@ExtendWith(PostgresExtension.class)
class PhasesTest {
    private static final String OFF =
            "phase 3 \\(proactive\\) is off since \\S+Z: node host-7 started with agentbus.phase=1";

    private final TestDatabase database;
    private Machine bus;
    private Orders orders;
    private Needs needs;

    PhasesTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void empty() {
        bus = Machine.fresh(database);
        orders = new Orders(bus);
        needs = new Needs(bus);
    }

    /** A node of namespace default starts; returns what it logs as a warning. */
    private String start(int phase) {
        return start("default", phase);
    }

    private String start(String namespace, int phase) {
        return bus.jdbc().queryForObject("select note_phase(?, ?, 'host-7')", String.class, namespace, phase);
    }

    /** A call of an operation with x-phase: the door puts the phase into the credential. */
    private JsonNode write(int phase) {
        return bus.call(
                "enqueue_job",
                json("kind", "operator", "name", "anna", "phase", phase),
                json("targetAgent", "devops", "subject", "infra.check"));
    }

    private void assertOff(Refusal refusal, String text) {
        assertEquals("409 phase_off", refusal.status() + " " + refusal.code());
        assertTrue(refusal.message().matches(text), refusal.message());
        assertEquals(
                "start a node with agentbus.phase=3 or more, and none with less; reads are answered as before",
                refusal.expected());
    }

    @Test
    void the_node_that_started_last_decides_which_phases_are_on() {
        start(2);
        String since = bus.jdbc().queryForObject("select changed_at::text from phases where phase = 1", String.class);
        start(3);
        JsonNode phases = bus.ask("list_phases").get("phases");

        assertEquals(
                List.of("true", "true", "true", "false", "false"), phases.findValuesAsText("isOn"), phases::toString);
        assertEquals(List.of("spine", "fleet", "proactive", "memory", "idle"), phases.findValuesAsText("name"));
        assertEquals(
                since, bus.jdbc().queryForObject("select changed_at::text from phases where phase = 1", String.class));
        assertEquals(
                1,
                bus.count("audit_log where action = 'phase.changed' and actor = 'dispatcher:host-7'"
                        + " and why = 'started with agentbus.phase=3' and row_id = '3'"));
        start(3);
        assertEquals(1, bus.count("audit_log where action = 'phase.changed'"), "the same start changes nothing");
    }

    @Test
    void a_write_of_a_phase_that_is_off_is_refused_with_the_node_that_turned_it_off_and_reads_go_on() {
        write(3);
        start(3);
        write(3);
        start(1);

        assertOff(refusal(() -> write(3)), OFF);
        assertEquals(2, bus.count("jobs"), "the data of the phase stay");
        write(1);
        bus.enqueue();
        assertEquals(4, bus.ask("list_jobs").get("jobs").size());
        start(3);
        write(3);
    }

    @Test
    void a_freeze_of_a_phase_refuses_the_same_writes() {
        start(3);
        bus.ask("freeze", "kind", "phase", "name", "3", "reason", "too many ideas");

        Refusal refusal = refusal(() -> write(3));
        assertEquals("409 frozen", refusal.status() + " " + refusal.code());
        assertTrue(
                refusal.message().matches("phase 3 is frozen by operator:anna since \\S+Z: too many ideas"),
                refusal.message());
        write(2);
        bus.ask("unfreeze", "kind", "phase", "name", "3", "reason", "enough thought");
        write(3);
    }

    @Test
    void the_door_hands_the_phase_of_the_operation_to_the_check() {
        bus.jdbc().queryForList("select register_operator_token(decode(repeat('05', 32), 'hex'), 'berta')");

        assertEquals(
                3,
                bus.one(
                                "select principal_of(?::jsonb)",
                                json("tokenHash", "05".repeat(32), "allowed", List.of("operator"), "phase", 3)
                                        .toString())
                        .get("phase")
                        .asInt());
    }

    @Test
    void the_slots_of_a_phase_that_is_off_are_skipped_with_the_reason_and_its_runs_are_refused() {
        start(3);
        orders.hourly(hour(6), order("patrol", "phase", 3), order("sweep", "phase", 1));
        start(1);

        orders.settle(hour(1));

        assertTrue(orders.summaries("patrol", "skipped").get(0).matches(OFF), orders.counts("patrol"));
        assertEquals(1, bus.count("jobs"), "the order of phase 1 goes on");
        assertOff(refusal(() -> bus.ask("run_standing_order", "orderName", "patrol")), OFF);
        orders.sync(hour(2), order("sweep", "phase", 1));
        assertOff(refusal(() -> bus.ask("start_standing_order", "orderName", "patrol")), OFF);
    }

    @Test
    void jobs_of_its_orders_that_nobody_has_begun_are_cancelled_and_all_others_stay() {
        start(3);
        orders.hourly(hour(6), order("patrol", "phase", 3), order("begun", "phase", 3), order("sweep", "phase", 2));
        bus.ask("run_standing_order", "orderName", "begun");
        Attempt begun = orders.running();
        orders.settle(hour(1));
        bus.enqueue();

        start(2);

        assertEquals(
                1,
                bus.count("jobs where state = 'cancelled' and subject = 'standing_order.patrol'"
                        + " and last_error like 'phase 3 (proactive) is off since %'"));
        assertEquals("running", bus.state(begun.job()));
        assertEquals(2, bus.count("jobs where state = 'queued'"), "the order of phase 2 and the job of a person");
        assertEquals(1, bus.count("audit_log where action = 'job.cancelled' and actor = 'dispatcher:host-7'"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"settle", "run"})
    void a_slot_that_starts_while_its_phase_goes_off_is_cancelled_too(String way) throws Exception {
        start(3);
        orders.hourly(hour(6), order("patrol", "phase", 3));
        CompletableFuture<String> stop;
        try (Connection connection = bus.jdbc().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            Machine node = Machine.on(new SingleConnectionDataSource(connection, true));
            if (way.equals("run")) {
                node.ask("run_standing_order", "orderName", "patrol");
            } else {
                new Orders(node).settle(hour(1));
            }
            stop = CompletableFuture.supplyAsync(() -> start(1));
            await().until(() ->
                    stop.isDone() || bus.count("pg_locks where locktype = 'advisory' and not granted") == 1);
            connection.commit();
            connection.setAutoCommit(true);
        }
        stop.get(20, TimeUnit.SECONDS);

        assertEquals(1, bus.count("jobs where state = 'cancelled' and last_error like 'phase 3 (proactive) is off%'"));
        assertEquals(1, bus.count("jobs"));
    }

    @Test
    void a_dead_letter_of_an_order_whose_phase_is_off_may_be_redriven() {
        start(3);
        orders.hourly(hour(6), order("patrol", "phase", 3));
        bus.ask("run_standing_order", "orderName", "patrol");
        Attempt begun = orders.running();
        bus.ask("kill_job", "jobId", begun.job(), "reason", "r");
        start(1);

        bus.ask("redrive_job", "jobId", begun.job(), "reason", "the report is still wanted");

        assertEquals("queued", bus.state(begun.job()));
    }

    @Test
    void a_phase_that_runs_without_a_sign_off_is_a_warning_and_needs_a_person() {
        assertNull(start(1), "phase 1 comes after none");
        assertEquals(List.of(), needs.ids());

        assertEquals(
                "Phase 3 (proactive) runs although phase 1 has no sign-off: look with agentbus phase-gate 1, then"
                        + " agentbus sign-off-phase 1",
                start(3));
        JsonNode item = needs.only("phase/1");
        assertTrue(
                item.get("sentence")
                        .asText()
                        .matches("Phase 2 \\(fleet\\) runs, and nobody has signed off phase 1 \\(spine\\)\\."),
                item::toString);

        needs.act(item, "Sign off although the gate is not met");
        assertEquals(List.of("phase/2"), needs.ids());
        start(1);
        assertEquals(List.of(), needs.ids(), "a phase that is off needs no sign-off");
    }

    @Test
    void each_namespace_has_its_own_phases_and_without_nodes_those_of_default() {
        bus.jdbc().update("insert into namespaces (namespace) values ('lab'), ('guest') on conflict do nothing");
        start(4);
        start("lab", 1);

        assertEquals(1, highest("lab"));
        assertEquals(4, highest("guest"));
        assertEquals(
                List.of("true", "false", "false", "false", "false"),
                bus.ask("list_phases", "namespace", "lab").get("phases").findValuesAsText("isOn"));
        assertEquals(0, bus.ask("needs_me", "namespace", "lab").get("count").asInt());
    }

    private int highest(String namespace) {
        return bus.jdbc().queryForObject("select highest_phase(?)", Integer.class, namespace);
    }
}
