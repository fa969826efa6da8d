package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Orders.order;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;

/** Tests of the gates of the phases: rows for them, and their criteria. */
@ExtendWith(PostgresExtension.class)
abstract class PhaseGates {
    Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    /** A node starts, and its phase has been on for so many hours. */
    void onFor(int phase, int hours) {
        bus.jdbc().queryForObject("select note_phase('default', ?, 'host-7')", String.class, phase);
        bus.jdbc().update("update phases set changed_at = now() - make_interval(hours => ?)", hours);
    }

    JsonNode gate(int phase) {
        return bus.ask("phase_gate", "phase", String.valueOf(phase));
    }

    JsonNode criterion(int phase, String name) {
        for (JsonNode criterion : gate(phase).get("criteria")) {
            if (criterion.get("name").asText().equals(name)) {
                return criterion;
            }
        }
        throw new AssertionError("no criterion " + name);
    }

    static Map<String, String> statuses(JsonNode gate) {
        Map<String, String> statuses = new TreeMap<>();
        gate.get("criteria")
                .forEach(each -> statuses.put(
                        each.get("name").asText(), each.get("status").asText()));
        return statuses;
    }

    void assertCriterion(int phase, String name, String status, String why) {
        JsonNode criterion = criterion(phase, name);
        assertEquals(status, criterion.get("status").asText(), criterion::toString);
        assertTrue(criterion.get("why").asText().matches(why), criterion::toString);
    }

    void heartbeat() {
        bus.one(
                "select dispatcher_heartbeat('d', ?::jsonb)",
                json(
                                "host",
                                "h",
                                "pid",
                                1,
                                "version",
                                "1",
                                "wakeSource",
                                "poll",
                                "beatSeconds",
                                5,
                                "leaseMs",
                                1000,
                                "attempts",
                                List.of())
                        .toString());
    }

    /** A slot of an order that ended so many hours ago. */
    void slot(String agent, String name, String status, int hoursAgo) {
        bus.jdbc()
                .update(
                        """
                        insert into standing_order_runs (namespace, agent_id, order_name, scheduled_for, status, summary,
                          evidence, finished_at)
                        values ('default', ?, ?, now() - make_interval(hours => ?), ?, 'nobody started it', '{"n": 3}',
                          now() - make_interval(hours => ?))""",
                        agent,
                        name,
                        hoursAgo,
                        status,
                        hoursAgo);
    }

    Attempt lost() {
        Attempt first = bus.running();
        bus.expire(first.job());
        bus.recover();
        bus.makeDue(first.job());
        Attempt second = bus.claim();
        bus.admitted(second);
        return second;
    }

    /** Everything that the gate of phase 1 asks for, on each of the last three days. */
    void threeGoodDays() {
        heartbeat();
        new Orders(bus).sync(Instant.now(), order("patrol", "phase", 1));
        slot("devops", "patrol", "completed", 5);
        Attempt blocked = bus.running();
        bus.block(blocked, "at", Instant.now().plusSeconds(3600).toString());
        bus.ask("retry_now", "jobId", blocked.job(), "reason", "it is there");
        Attempt again = bus.claim();
        bus.admitted(again);
        bus.complete(again);
        Attempt lost = lost();
        bus.complete(lost);
        Attempt third = bus.running();
        bus.complete(third);
        ended(again.job(), 2);
        ended(lost.job(), 26);
        ended(third.job(), 50);
        onFor(1, 80);
    }

    void ended(String job, int hoursAgo) {
        bus.jdbc()
                .update(
                        "update jobs set ended_at = now() - make_interval(hours => ?) where job_id = ?::uuid",
                        hoursAgo,
                        job);
    }
}
