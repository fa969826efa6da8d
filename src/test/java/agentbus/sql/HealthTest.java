package agentbus.sql;

import static agentbus.sql.Machine.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.core.ConnectionCallback;

@ExtendWith(PostgresExtension.class)
class HealthTest {
    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    @Test
    void it_says_the_version_and_the_commit_of_the_node_that_started_last() {
        bus.jdbc().queryForList("select note_program('default', '1.0.0', 2, '1a2b3c4')");
        assertEquals("1.0.0", bus.ask("health").get("version").asText());
        assertEquals("1a2b3c4", bus.ask("health").get("commit").asText());

        // A node of an earlier version gives no commit.
        bus.jdbc().queryForList("select note_program('default', '0.9.0', 2)");
        assertEquals("0.9.0", bus.ask("health").get("version").asText());
        assertFalse(bus.ask("health").has("commit"));
    }

    private void beat(String dispatcher, boolean connected) {
        bus.one(
                "select dispatcher_heartbeat(?, ?::jsonb)",
                dispatcher,
                json(
                                "host",
                                "host-1",
                                "pid",
                                1,
                                "version",
                                "1",
                                "wakeSource",
                                "listen",
                                "listenerConnected",
                                connected,
                                "beatSeconds",
                                2,
                                "leaseMs",
                                60_000,
                                "sweepAgeMs",
                                10,
                                "attempts",
                                List.of())
                        .toString());
    }

    private List<String> problems() {
        List<String> problems = new ArrayList<>();
        JsonNode health = bus.ask("health");
        health.get("problems").forEach(p -> problems.add(p.asText()));
        assertEquals(
                problems.isEmpty() ? "ok" : "degraded", health.get("status").asText());
        return problems;
    }

    @Test
    void a_bus_with_a_live_dispatcher_and_no_trouble_is_ok() {
        beat("d", true);
        bus.running();
        bus.enqueue();

        assertEquals(List.of(), problems());
        JsonNode health = bus.ask("health");
        assertEquals(1, health.get("live").asInt());
        assertEquals(1, health.get("queued").asInt());
        assertEquals(1, health.get("dispatchersHealthy").asInt());
        assertEquals("d", health.at("/dispatchers/0/dispatcherId").asText());
        assertEquals("default", health.get("namespace").asText());
    }

    @Test
    void a_bus_that_has_never_had_a_dispatcher_is_ok_because_workers_pull() {
        bus.enqueue();
        assertEquals(List.of(), problems());
    }

    @Test
    void no_living_dispatcher_is_a_problem() {
        beat("stopped", true);
        bus.jdbc().update("update dispatcher_heartbeats set stopped_at = now()");
        assertEquals(List.of("no dispatcher is alive: nothing is being dispatched"), problems());
    }

    @Test
    void a_silent_dispatcher_is_a_problem_for_an_hour() {
        beat("alive", true);
        beat("silent", true);
        bus.jdbc()
                .update(
                        "update dispatcher_heartbeats set last_seen = now() - interval '7 seconds' where dispatcher_id = 'silent'");
        assertEquals(
                List.of("dispatcher silent on host-1 has been silent for 7.0 s"),
                problems().stream().map(p -> p.replaceAll("7\\.\\d s", "7.0 s")).toList());

        bus.jdbc()
                .update(
                        "update dispatcher_heartbeats set last_seen = now() - interval '2 hours' where dispatcher_id = 'silent'");
        assertEquals(List.of(), problems());
        assertEquals(0, bus.jdbc().queryForObject("select forget_old_dispatchers(1)", Integer.class));
        bus.jdbc()
                .update(
                        "update dispatcher_heartbeats set last_seen = now() - interval '2 days' where dispatcher_id = 'silent'");
        assertEquals(1, bus.jdbc().queryForObject("select forget_old_dispatchers(1)", Integer.class));
    }

    @Test
    void a_dispatcher_that_said_good_bye_is_no_problem() {
        beat("alive", true);
        beat("gone", true);
        bus.jdbc().queryForList("select dispatcher_stopped('gone')");

        assertEquals(List.of(), problems());
        assertEquals(1, bus.count("dispatcher_health_summary_v where status = 'gone'"));
        beat("gone", true);
        assertEquals(2, bus.count("dispatcher_health_summary_v where status = 'healthy'"));
    }

    @Test
    void a_lost_listener_is_a_problem() {
        beat("d", false);
        assertEquals(List.of(), problems(), "a start takes a moment");

        bus.jdbc().update("update dispatcher_heartbeats set created_at = now() - interval '1 minute'");

        assertEquals(List.of("dispatcher d has lost its listener: the sweep alone wakes it"), problems());
    }

    @Test
    void a_held_gateway_and_a_paused_agent_are_problems_as_long_as_they_last() {
        beat("d", true);
        bus.jdbc()
                .update(
                        "update gateways set held_until = '2100-01-01', hold_reason = 'drains' where namespace = 'default'");
        bus.ask("pause_agent", "agentId", "devops", "reason", "maintenance");

        List<String> problems = problems();
        assertEquals(2, problems.size());
        assertTrue(problems.get(0).startsWith("gateway default is held until 2100-01-01")
                && problems.get(0).endsWith(": drains"));
        assertEquals("agent devops is paused by anna: maintenance", problems.get(1));

        bus.jdbc().update("update gateways set held_until = now() - interval '1 second'");
        bus.jdbc().update("update agents set paused_until = now() - interval '1 second' where agent_id = 'devops'");
        assertEquals(List.of(), problems());
    }

    @Test
    void expired_leases_dead_jobs_and_old_blocks_are_problems() {
        beat("d", true);
        bus.dead();
        Attempt blocked = bus.running();
        bus.block(blocked, "at", "2100-01-01T00:00:00Z");
        bus.jdbc().update("update jobs set updated_at = now() - interval '25 hours' where state = 'blocked'");
        Attempt expired = bus.running();
        bus.expire(expired.job());

        assertEquals(
                List.of(
                        "1 job whose lease has run out",
                        "1 dead job waits for an operator (list-jobs --state dead)",
                        "1 blocked job has stood still for more than a day"),
                problems());
    }

    @Test
    void an_empty_namespace_has_a_row_of_zeros() {
        bus.jdbc().update("insert into namespaces values ('empty-one') on conflict do nothing");

        JsonNode row = bus.one("select to_jsonb(v) from system_health_snapshot_v v where namespace = 'empty-one'");

        for (String column : List.of(
                "waiting",
                "queued",
                "live",
                "blocked",
                "dead",
                "expired_leases",
                "retry_hotspots",
                "oldest_queued_seconds",
                "oldest_blocked_seconds",
                "succeeded_24h",
                "failed_24h",
                "dead_24h",
                "cancelled_24h",
                "dispatchers_healthy",
                "dispatchers_stale",
                "leases_owned")) {
            assertTrue(row.has(column), column);
            assertEquals(0, row.get(column).asInt(), column);
        }
    }

    @Test
    void the_snapshot_counts_by_state_and_by_day() {
        bus.complete(bus.running());
        bus.dead();
        Attempt hot = bus.running();
        bus.jdbc().update("update jobs set attempt_count = 3 where job_id = ?::uuid", hot.job());
        String old = bus.enqueue();
        // The age of a job counts from its arrival, so the arrival moves back too.
        bus.jdbc()
                .update(
                        "update jobs set run_after = now() - interval '90 seconds',"
                                + " created_at = now() - interval '90 seconds' where job_id = ?::uuid",
                        old);
        bus.complete(hot);
        bus.jdbc().update("update jobs set ended_at = now() - interval '25 hours' where job_id = ?::uuid", hot.job());

        JsonNode row = bus.one("select to_jsonb(v) from system_health_snapshot_v v where namespace = 'default'");

        assertEquals(1, row.get("dead").asInt());
        assertEquals(1, row.get("dead_24h").asInt());
        assertEquals(1, row.get("succeeded_24h").asInt());
        assertTrue(row.get("oldest_queued_seconds").asInt() >= 90);
    }

    @Test
    void queue_depths_say_how_many_and_how_old() {
        bus.complete(bus.running());
        bus.enqueue();
        String old = bus.enqueue();
        bus.jdbc().update("update jobs set run_after = now() - interval '90 seconds' where job_id = ?::uuid", old);
        bus.enqueue("targetAgent", "research", "subject", "research.packet", "dependsOn", List.of(old));

        JsonNode depths = bus.one("select jsonb_agg(d order by d ->> 'agent') from queue_depths() d");

        assertEquals(2, depths.size(), "history is not counted");
        assertEquals(
                "devops queued 2",
                depths.at("/0/agent").asText() + " " + depths.at("/0/state").asText() + " "
                        + depths.at("/0/jobs").asInt());
        assertTrue(depths.at("/0/oldestSeconds").asInt() >= 90);
        assertEquals("waiting", depths.at("/1/state").asText());
    }

    @Test
    void a_job_without_a_next_move_is_shown_as_stuck() {
        bus.jdbc().update("update agents set enabled = false where agent_id = 'coordinator'");
        Attempt expired = bus.running();
        bus.jdbc().update("update jobs set leased_until = now() - interval '2 minutes'");
        Attempt waitsForSomebody = bus.running();
        bus.block(waitsForSomebody, "person", "anna");
        Attempt waitsForTime = bus.running();
        bus.block(waitsForTime, "at", "2100-01-01T00:00:00Z");
        String stopped = bus.enqueue();
        bus.ask("pause_agent", "agentId", "devops", "reason", "maintenance");

        assertEquals(
                List.of(
                        expired.job() + " its lease has run out",
                        waitsForSomebody.job() + " it waits for somebody: no credentials",
                        stopped + " its lane is stopped: maintenance"),
                bus.jdbc().queryForList("select job_id || ' ' || why from stuck_jobs_v order by job_id", String.class));
        assertEquals(1, bus.count("ready_jobs_v where lane_stopped"));
    }

    @Test
    void schedules_that_no_node_runs_are_a_problem_and_so_is_said_when_there_are_none() {
        beat("one", true);
        assertEquals(0, bus.ask("health").get("standingOrders").asInt());
        assertEquals(List.of(), problems());

        Orders orders = new Orders(bus);
        orders.hourly(Orders.hour(3), Orders.order("check"), Orders.order("elsewhere", "startedBy", "external"));

        assertEquals(2, bus.ask("health").get("standingOrders").asInt());
        assertEquals(
                List.of("3 slots are due and not settled: standing orders are off on every node"
                        + " (agentbus.orders.enabled), or their settling fails"),
                problems());

        orders.settle(Instant.now());
        assertTrue(problems().stream().noneMatch(problem -> problem.contains("not settled")), problems()::toString);
    }

    @Test
    void the_transaction_of_a_viewer_is_no_database_that_only_reads() {
        Long problems = bus.jdbc().execute((ConnectionCallback<Long>) connection -> {
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.execute("select set_config('transaction_read_only', 'on', true)");
                try (ResultSet rows = statement.executeQuery("select count(*) from database_problems()")) {
                    rows.next();
                    return rows.getLong(1);
                }
            } finally {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        });
        assertEquals(0, problems);
    }
}
