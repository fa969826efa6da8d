package agentbus.sql;

import static agentbus.sql.Machine.agent;
import static agentbus.sql.Machine.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the bus sees of itself without a model. */
@ExtendWith(PostgresExtension.class)
class AuditBusTest {
    private Machine bus;
    private Orders orders;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
        orders = new Orders(bus);
    }

    /** Looks three times: what is said is said once. */
    private void audit(String later) {
        for (int i = 0; i < 3; i++) {
            bus.jdbc().queryForList("select audit_bus(now() + ?::interval)", later);
        }
    }

    private void failWith(String agent, String subject, String error) {
        bus.enqueue("targetAgent", agent, "subject", subject);
        Attempt attempt = bus.claim();
        bus.admitted(attempt);
        bus.say(attempt, "fail_job", "error", error, "retry", false);
    }

    @Test
    void nodes_in_different_zones_say_the_same_thing_once() {
        for (int i = 0; i < 3; i++) {
            failWith("devops", "infra.check", "disk full");
        }
        for (String zone : new String[] {"UTC", "Asia/Kolkata", "America/New_York"}) {
            bus.jdbc().execute("set timezone to '" + zone + "'; select audit_bus(now()); reset timezone");
        }

        assertEquals(1, orders.told("audit.failure_cluster").size());
    }

    @Test
    void an_id_at_the_end_of_a_long_error_does_not_make_it_another_one() {
        for (int i = 0; i < 3; i++) {
            failWith("devops", "infra.check", "x".repeat(180) + " " + UUID.randomUUID());
        }
        audit("0 s");

        assertEquals(1, orders.told("audit.failure_cluster").size());
    }

    @Test
    void the_same_error_three_times_is_a_cluster_whatever_ids_and_numbers_are_in_it() {
        for (int i = 0; i < 3; i++) {
            failWith("devops", "infra.check", "web-" + i + " did not answer within " + i + "0 s");
            failWith("research", "research.packet", "source " + UUID.randomUUID() + " is gone");
        }
        failWith("devops", "infra.repair", "disk full");
        failWith("devops", "infra.repair", "disk full");
        audit("0 s");

        assertEquals(2, orders.told("audit.failure_cluster").size(), "two clusters at once, each said once");
        JsonNode cluster = orders.told("audit.failure_cluster").stream()
                .filter(event -> event.get("agentId").asText().equals("devops"))
                .findFirst()
                .orElseThrow();
        assertEquals(3, cluster.get("failures").asInt());
        assertEquals("web-# did not answer within # s", cluster.get("pattern").asText());
        assertEquals(3, cluster.get("jobs").size());
    }

    @Test
    void more_dead_letters_than_in_the_hour_before_are_told() {
        for (int i = 0; i < 3; i++) {
            bus.enqueue("maxAttempts", 1);
            Attempt attempt = bus.claim();
            bus.admitted(attempt);
            bus.fail(attempt);
        }
        audit("0 s");
        JsonNode rising = orders.told("audit.dead_letters_rising").get(0);
        assertEquals(1, orders.told("audit.dead_letters_rising").size());
        assertEquals(3, rising.get("lastHour").asInt());
        assertEquals(0, rising.get("hourBefore").asInt());
        audit("90 minutes");
        assertEquals(1, orders.told("audit.dead_letters_rising").size(), "they rise no more");
    }

    @Test
    void a_job_that_nothing_moves_is_told_after_ten_minutes() {
        bus.block(bus.running(), "person", "anna");
        audit("0 s");
        assertEquals(0, orders.told("audit.stuck_job").size());
        audit("11 minutes");
        assertEquals(1, orders.told("audit.stuck_job").size());
        assertTrue(orders.told("audit.stuck_job").get(0).get("why").asText().contains("no credentials"));
    }

    @Test
    void a_run_that_ended_without_closing_is_told() {
        Attempt attempt = bus.running();
        bus.jdbc().update("update jobs set leased_until = now() where job_id = ?::uuid", attempt.job());
        bus.jdbc().queryForList("select recover()");
        audit("0 s");
        assertEquals(1, orders.told("audit.ended_without_closing").size());
        assertEquals(
                attempt.job(),
                orders.told("audit.ended_without_closing").get(0).get("jobId").asText());
    }

    @Test
    void an_order_that_does_not_run_is_told_once_for_each_silence() {
        orders.hourly(Orders.hour(9), Orders.order("check"));
        bus.jdbc().update("update standing_orders set created_at = ?::timestamptz", Orders.T0.toString());
        audit("0 s");
        assertEquals(1, orders.told("standing_order.silent").size());
        bus.ask("run_standing_order", "orderName", "check");
        bus.complete(orders.running());
        audit("0 s");
        assertEquals(1, orders.told("standing_order.silent").size());
    }

    @Test
    void what_the_bus_says_of_itself_nobody_else_may_say() {
        refused(
                422,
                "invalid_field",
                () -> bus.call("emit_event", agent("devops"), json("topic", "audit.failure_cluster")));
    }

    @ParameterizedTest
    @CsvSource({
        "backlog, noWork",
        "leases, noWork",
        "gaps, noWork",
        "failures, noWork",
        "ended_work, noWork",
        "quiet_queue, wake"
    })
    void a_quiet_bus_is_answered_for_without_the_agent(String preCheck, String answer) {
        assertEquals(answer, answer(preCheck));
    }

    @Test
    void a_pre_check_wakes_the_agent_where_there_is_something_to_see() {
        Attempt attempt = bus.running();
        assertEquals("skip", answer("quiet_queue"));
        bus.jdbc().update("update jobs set leased_until = now() where job_id = ?::uuid", attempt.job());
        bus.jdbc().queryForList("select recover()");
        assertEquals("wake", answer("leases"));
        audit("0 s");
        assertEquals("wake", answer("failures"));
        assertEquals("noWork", answer("ended_work"));
        bus.ask("cancel_job", "jobId", attempt.job(), "reason", "enough");
        assertEquals("wake", answer("ended_work"));
        bus.block(bus.running(), "person", "anna");
        assertEquals("wake", answer("backlog"));
        bus.jdbc().update("update agents set emits = '{standing_order.missed}' where agent_id = 'devops'");
        bus.call("emit_event", agent("devops"), json("topic", "standing_order.missed"));
        assertEquals("noWork", answer("gaps"), "the bus has said nothing");
        orders.hourly(Orders.hour(3), Orders.order("check", "catchUp", "skip"));
        orders.settle(Orders.hour(4));
        assertEquals("wake", answer("gaps"));
    }

    private String answer(String preCheck) {
        JsonNode said =
                bus.one("select precheck_" + preCheck + "('default', 'auditor', now() - interval '1 hour')::text");
        return said == null ? "wake" : said.fieldNames().next();
    }

    private static Refusal refused(int status, String code, Executable call) {
        Refusal refusal = Machine.refusal(call);
        assertEquals(status, refusal.status(), refusal.message());
        assertEquals(code, refusal.code());
        return refusal;
    }
}
