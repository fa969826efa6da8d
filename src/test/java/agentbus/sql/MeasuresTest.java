package agentbus.sql;

import static agentbus.sql.Machine.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The gauges that the database measures: they say the same as health and needs-me, for every namespace. */
@ExtendWith(PostgresExtension.class)
class MeasuresTest {
    private static final String DUE = "agentbus_due_seconds{agent=devops,namespace=default}";

    private Machine bus;

    @BeforeEach
    void empty(TestDatabase database) {
        bus = Machine.fresh(database);
    }

    /** Every measured value, by its series. */
    private Map<String, Double> measures() {
        Map<String, Double> values = new TreeMap<>();
        for (Map<String, Object> row :
                bus.jdbc().queryForList("select metric, labels::text as labels, value from measures()")) {
            TreeSet<String> labels = new TreeSet<>();
            Machine.parse((String) row.get("labels"))
                    .properties()
                    .forEach(label ->
                            labels.add(label.getKey() + "=" + label.getValue().asText()));
            String series = row.get("metric") + "{" + String.join(",", labels) + "}";
            assertEquals(null, values.put(series, (Double) row.get("value")), "a second value of " + series);
        }
        return values;
    }

    private void assertMeasured(String series, double value) {
        Map<String, Double> measured = measures();
        assertEquals(value, measured.get(series), () -> series + " in " + measured);
    }

    private void assertAges(String series, double atLeast) {
        Double value = measures().get(series);
        assertTrue(value != null && value >= atLeast && value < atLeast + 60, series + " is " + value);
    }

    private void heartbeat(String dispatcher, boolean connected) {
        bus.one(
                "select dispatcher_heartbeat(?, ?::jsonb)",
                dispatcher,
                json("host", "h", "pid", 1, "version", "1", "wakeSource", "listen", "beatSeconds", 2, "leaseMs", 60_000)
                        .put("listenerConnected", connected)
                        .put("namespace", "default")
                        .set("attempts", Machine.parse("[]"))
                        .toString());
    }

    /** A node has just asked the gateway how it is. */
    private void asked() {
        bus.one("select gateway_checked('n1', 'default', 'ready', null)");
    }

    @Test
    void a_bus_without_trouble_has_good_values_and_the_time_of_the_measurement() {
        heartbeat("d", true);
        asked();
        bus.running();

        Map<String, Double> measured = measures();

        for (String check :
                List.of("database", "dispatchers", "routes", "sweeps", "lanes", "pauses", "jobs", "orders", "zones")) {
            assertEquals(1.0, measured.get("agentbus_health{check=" + check + ",namespace=default}"), check);
        }
        assertEquals(1.0, measured.get("agentbus_jobs{agent=devops,namespace=default,state=running}"));
        assertEquals(1.0, measured.get("agentbus_dispatchers{namespace=default,status=healthy}"));
        assertEquals(0.0, measured.get("agentbus_dispatchers{namespace=default,status=stale}"));
        assertEquals(1.0, measured.get("agentbus_listener_up{namespace=default}"));
        assertEquals(1.0, measured.get("agentbus_gateway_takes_work{gateway=default,namespace=default}"));
        assertEquals(1.0, measured.get("agentbus_gateway_runs{gateway=default,namespace=default}"));
        assertEquals(0.0, measured.get("agentbus_lanes_stopped{gateway=default,namespace=default}"));
        assertEquals(0.0, measured.get("agentbus_database_worry{watch=read_only}"));
        assertTrue(measured.containsKey("agentbus_database_watch{watch=dead_rows}"));
        assertFalse(measured.keySet().stream().anyMatch(series -> series.startsWith("agentbus_needs_me")));
        double age = Instant.now().toEpochMilli() / 1000.0 - measured.get("agentbus_measured_timestamp_seconds{}");
        assertTrue(Math.abs(age) < 60, "measured " + age + " s ago");
    }

    @Test
    void each_problem_of_health_is_a_zero_of_its_check() {
        bus.dead();
        bus.jdbc()
                .update("insert into sweep_failures (what, row_id, namespace, error, retry_at)"
                        + " values ('lease', gen_random_uuid(), 'default', 'broken trigger', now())");
        bus.ask("pause", "kind", "everything", "reason", "fire drill");
        heartbeat("d", true);
        bus.jdbc().update("update dispatcher_heartbeats set last_seen = now() - interval '1 minute'");
        bus.jdbc().update("update gateways set held_until = now() + interval '1 minute', hold_reason = 'HTTP 503'");

        Map<String, Double> measured = measures();

        List<String> bad = measured.keySet().stream()
                .filter(series -> series.startsWith("agentbus_health") && measured.get(series) == 0)
                .filter(series -> series.contains("namespace=default"))
                .map(series -> series.replaceAll(".*check=(\\w+).*", "$1"))
                .toList();
        assertEquals(List.of("dispatchers", "jobs", "lanes", "pauses", "sweeps"), bad);
        assertEquals(0.0, measured.get("agentbus_dispatchers{namespace=default,status=healthy}"));
        assertEquals(1.0, measured.get("agentbus_dispatchers{namespace=default,status=stale}"));
        assertEquals(0.0, measured.get("agentbus_gateway_takes_work{gateway=default,namespace=default}"));
        List<String> checks = bus.jdbc()
                .queryForList("select distinct check_name from problems_of('default', 0, 1) order by 1", String.class);
        assertEquals(bad, checks);
    }

    @Test
    void an_expired_lease_is_a_problem_of_jobs() {
        bus.expire(bus.running().job());
        assertMeasured("agentbus_health{check=jobs,namespace=default}", 0);
    }

    @Test
    void the_checks_are_those_that_find_problems() {
        List<String> named = bus.jdbc().queryForList("select unnest(health_checks())", String.class);
        String source =
                bus.jdbc().queryForObject("select prosrc from pg_proc where proname = 'problems_of'", String.class);
        List<String> found = java.util.regex.Pattern.compile("select '(\\w+)'")
                .matcher(source)
                .results()
                .map(check -> check.group(1))
                .toList();
        assertEquals(found, named);
    }

    @Test
    void a_lost_listener_is_seen_once_its_node_has_had_time_to_connect() {
        heartbeat("d", false);
        assertMeasured("agentbus_listener_up{namespace=default}", 1);

        bus.jdbc().update("update dispatcher_heartbeats set created_at = now() - interval '1 minute'");
        assertMeasured("agentbus_listener_up{namespace=default}", 0);
    }

    @Test
    void a_job_counts_as_due_while_nothing_but_the_next_claim_is_missing() {
        asked();
        String job = bus.enqueue();
        bus.jdbc().update("update jobs set run_after = now() - interval '20 minutes' where job_id = ?::uuid", job);
        assertAges(DUE, 1200);
        assertAges("agentbus_oldest_seconds{agent=devops,namespace=default,state=queued}", 1200);

        bus.ask("pause", "kind", "agent", "name", "devops", "reason", "maintenance");
        assertFalse(measures().containsKey(DUE), "a person has paused the lane");
        bus.ask("resume", "kind", "agent", "name", "devops", "reason", "done");
        assertAges(DUE, 1200);

        bus.jdbc().update("update agents set max_concurrency = 1 where agent_id = 'devops'");
        bus.jdbc()
                .update(
                        "update jobs set run_after = now() - interval '1 hour', priority = 900 where job_id = ?::uuid",
                        bus.enqueue());
        bus.claim();
        assertFalse(measures().containsKey(DUE), "the lane is full");
    }

    @Test
    void jobs_of_a_paused_type_do_not_count_as_due() {
        asked();
        String paused = bus.enqueue("jobType", "dev.build");
        bus.jdbc().update("update jobs set run_after = now() - interval '20 minutes' where job_id = ?::uuid", paused);
        bus.ask("pause", "kind", "job_type", "name", "dev", "reason", "no builds");
        assertFalse(measures().containsKey(DUE));

        String other = bus.enqueue("jobType", "reactive");
        bus.jdbc().update("update jobs set run_after = now() - interval '15 minutes' where job_id = ?::uuid", other);
        assertAges(DUE, 900);
    }

    @Test
    void jobs_of_an_agent_whose_gateway_no_node_asks_wait_for_workers_and_do_not_count_as_due() {
        bus.jdbc()
                .update(
                        "update jobs set run_after = now() - interval '20 minutes' where job_id = ?::uuid",
                        bus.enqueue());
        assertFalse(measures().containsKey(DUE), "no node has ever dispatched");

        heartbeat("d", true);
        assertFalse(measures().containsKey(DUE), "a node dispatches to other gateways");

        asked();
        assertAges(DUE, 1200);
    }

    @Test
    void a_gateway_that_no_node_asks_any_more_neither_takes_nor_refuses_work() {
        String takes = "agentbus_gateway_takes_work{gateway=default,namespace=default}";
        assertFalse(measures().containsKey(takes), "nobody has ever asked it");
        asked();
        assertMeasured(takes, 1);
        bus.one("select gateway_checked('n1', 'default', 'down', 'refused')");
        assertMeasured(takes, 0);

        bus.jdbc().update("update gateways set checked_at = now() - interval '2 minutes'");
        assertFalse(measures().containsKey(takes), "its node was ended");
        assertMeasured("agentbus_gateway_runs{gateway=default,namespace=default}", 0);
    }

    @Test
    void a_dispatcher_that_stopped_in_order_is_not_missed_and_one_that_crashed_is_for_a_day() {
        String healthy = "agentbus_dispatchers{namespace=default,status=healthy}";
        heartbeat("crashed", true);
        heartbeat("stopped", true);
        bus.jdbc()
                .update("update dispatcher_heartbeats set last_seen = now() - interval '3 hours'"
                        + " where dispatcher_id = 'crashed'");
        assertMeasured(healthy, 1);

        bus.jdbc().queryForList("select dispatcher_stopped('stopped')");
        assertFalse(measures().containsKey(healthy), "the last one was stopped");

        bus.jdbc()
                .update("update dispatcher_heartbeats set stopped_at = now() - interval '4 hours',"
                        + " last_seen = now() - interval '4 hours' where dispatcher_id = 'stopped'");
        assertMeasured(healthy, 0);

        bus.jdbc().update("update dispatcher_heartbeats set last_seen = now() - interval '25 hours'");
        assertFalse(measures().containsKey(healthy), "it has been gone for more than a day");
    }

    @Test
    void the_first_start_is_as_old_as_the_oldest_namespace() {
        double expected =
                bus.jdbc().queryForObject("select extract(epoch from min(created_at)) from namespaces", Double.class);
        assertMeasured("agentbus_first_start_timestamp_seconds{}", expected);
    }

    @Test
    void what_waits_for_people_is_counted_with_the_age_of_the_oldest() {
        bus.dead();
        bus.ask("pause", "kind", "agent", "name", "research", "reason", "vacation");
        bus.jdbc().update("update pauses set since = now() - interval '2 days'");
        bus.jdbc().update("update agents set paused_at = now() - interval '2 days' where agent_id = 'research'");

        assertMeasured("agentbus_paused{kind=agent,namespace=default}", 1);
        assertAges("agentbus_paused_oldest_seconds{kind=agent,namespace=default}", 172_800);
        assertMeasured("agentbus_needs_me{kind=dead,namespace=default}", 1);
        assertMeasured("agentbus_needs_me{kind=paused,namespace=default}", 1);
        assertAges("agentbus_needs_me_oldest_seconds{kind=paused,namespace=default}", 172_800);
        assertEquals(2, bus.ask("needs_me").get("count").asInt());
    }

    @Test
    void lanes_that_a_gateway_refuses_are_counted() {
        bus.jdbc()
                .update("update agents set paused_at = now(), paused_by = 'dispatcher', paused_reason = 'HTTP 401',"
                        + " refusal_cause = 'HTTP 401', refusal_stops = 1, paused_until = now() + interval '1 minute'"
                        + " where agent_id in ('devops', 'research')");
        assertMeasured("agentbus_lanes_stopped{gateway=default,namespace=default}", 2);
        assertMeasured("agentbus_health{check=lanes,namespace=default}", 0);
    }

    @Test
    void an_order_that_missed_a_slot_is_counted_and_slots_that_no_node_settles_are() {
        Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        Instant past = now.minus(Duration.ofHours(3));
        Orders orders = new Orders(bus);
        orders.sync(past, Orders.order("patrol", "catchUp", "skip"));
        orders.plan(
                "patrol",
                "0 0 * * * ?",
                past,
                now.plus(Duration.ofHours(1)),
                now.minus(Duration.ofHours(2)),
                now.plus(Duration.ofHours(1)));
        assertMeasured("agentbus_slots_unsettled{namespace=default}", 1);
        assertMeasured("agentbus_standing_orders{namespace=default,outcome=missed}", 0);

        orders.settle(now);

        assertMeasured("agentbus_slots_unsettled{namespace=default}", 0);
        assertMeasured("agentbus_standing_orders{namespace=default,outcome=missed}", 1);
        assertMeasured("agentbus_standing_orders{namespace=default,outcome=silent}", 0);
    }

    @Test
    void a_value_above_its_threshold_is_a_worry_and_namespaces_share_the_row_of_the_database() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        bus.complete(bus.running());
        bus.jdbc().execute("alter table jobs disable trigger user");
        bus.jdbc().update("update jobs set ended_at = now() - interval '61 days'");
        bus.jdbc().execute("alter table jobs enable trigger user");

        Map<String, Double> measured = measures();

        assertEquals(1.0, measured.get("agentbus_database_worry{watch=not_retired}"));
        assertEquals(61.0, measured.get("agentbus_database_watch{watch=not_retired}"));
    }

    @Test
    void each_namespace_has_its_own_values() {
        bus.jdbc().update("insert into namespaces values ('other') on conflict do nothing");
        bus.jdbc()
                .update(
                        "insert into agents (namespace, agent_id, accepts) values ('other', 'devops', '{infra.check}')");
        bus.ask("pause", "namespace", "other", "kind", "everything", "reason", "fire drill");

        Map<String, Double> measured = measures();

        assertEquals(0.0, measured.get("agentbus_health{check=pauses,namespace=other}"));
        assertEquals(1.0, measured.get("agentbus_health{check=pauses,namespace=default}"));
        assertEquals(1.0, measured.get("agentbus_paused{kind=everything,namespace=other}"));
        assertEquals(1.0, measured.get("agentbus_needs_me{kind=paused,namespace=other}"));
        assertFalse(measured.containsKey("agentbus_paused{kind=everything,namespace=default}"));
    }

    @Test
    void the_health_of_a_namespace_agrees_with_the_operation() {
        bus.dead();
        JsonNode health = bus.ask("health");
        assertEquals(1, health.get("problems").size(), health::toString);
        Map<String, Double> measured = measures();
        assertEquals(
                1,
                measured.keySet().stream()
                        .filter(series -> series.startsWith("agentbus_health") && series.contains("namespace=default"))
                        .filter(series -> measured.get(series) == 0)
                        .count());
    }
}
