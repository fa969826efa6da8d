package agentbus.start;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.LogCapture;
import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.orders.ZoneData;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Timestamp;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@ExtendWith(PostgresExtension.class)
class StandingOrdersStartTest {
    private final TestDatabase database;

    @TempDir
    private Path home;

    StandingOrdersStartTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void empty() {
        database.clear();
    }

    private Bus start(String phase, List<String> routes) {
        Map<String, String> settings = TestBus.settings(
                database.url(),
                null,
                "agentbus.orders.enabled",
                "true",
                "agentbus.phase",
                phase,
                // So that what starts here is started by its own trigger.
                "agentbus.orders.settle-ms",
                "600000");
        return Bus.start(Settings.load(home, Map.of(), settings), Map.of(), routes, Map.of());
    }

    private List<String> orders() {
        return database.jdbc()
                .queryForList("select order_name from standing_orders where enabled order by 1", String.class);
    }

    /** A route file with one order, whose parameters are those given and what else it needs. */
    private List<String> file(String name, String... parameters) throws Exception {
        StringBuilder text = new StringBuilder("- templatedRoute:\n    routeTemplateRef: standing-order\n    routeId: "
                + name + "\n    parameters:\n");
        for (int i = 0; i < parameters.length; i += 2) {
            text.append("      - name: ").append(parameters[i]).append('\n');
            text.append("        value: '").append(parameters[i + 1]).append("'\n");
        }
        Path file = home.resolve("own-standing-orders.camel.yaml");
        Files.writeString(file, text);
        return List.of("file:" + file);
    }

    private List<String> order(String key, String value) throws Exception {
        Map<String, String> all = new TreeMap<>(Map.of(
                "agent", "devops", "cron", "0 0 9 ? * MON", "purpose", "A check.", "instructions", "Look, and say."));
        all.put(key, value);
        return file(
                "own-check",
                all.entrySet().stream()
                        .flatMap(each -> List.of(each.getKey(), each.getValue()).stream())
                        .toArray(String[]::new));
    }

    @Test
    void a_start_soon_after_another_plans_no_order_again() {
        String plannedUntil = "select planned_until from standing_orders where order_name = 'publisher-daily-digest'";
        start("1", List.of()).close();
        Object first = database.jdbc().queryForObject(plannedUntil, Object.class);

        start("1", List.of()).close();

        assertEquals(first, database.jdbc().queryForObject(plannedUntil, Object.class));
    }

    @Test
    void a_higher_phase_has_the_orders_of_all_before_it_and_every_one_its_next_slots() {
        start("1", List.of()).close();
        assertEquals(
                List.of(
                        "audit-lease-reaper",
                        "audit-standing-order-gaps",
                        "coord-backlog-rebalance",
                        "devops-health-check",
                        "publisher-daily-digest"),
                orders());
        Timestamp before = database.jdbc().queryForObject("select now()", Timestamp.class);
        start("5", List.of()).close();
        assertEquals(56, orders().size());
        assertEquals(
                List.of("1 5", "2 17", "3 12", "4 12", "5 10"),
                database.jdbc()
                        .queryForList(
                                "select phase || ' ' || count(*) from standing_orders group by phase order by phase",
                                String.class),
                "each order has the phase of its folder");
        assertEquals(
                0,
                database.jdbc()
                        .queryForObject(
                                "select count(*) from standing_orders o where (select count(*) from standing_order_runs r"
                                        + " where r.order_name = o.order_name and r.scheduled_for > ?) < 5",
                                Integer.class,
                                before));
        assertEquals(
                "{1,2,3,4,5}",
                database.jdbc()
                        .queryForObject(
                                "select array_agg(phase order by phase)::text from phases where is_on", String.class));
        start("1", List.of()).close();
        assertEquals(
                1,
                database.jdbc()
                        .queryForObject(
                                "select count(*) from phases where phase = 5 and not is_on and setting = 1 and changed_by like '%-"
                                        + ProcessHandle.current().pid() + "'",
                                Integer.class));
        assertEquals(5, orders().size());
        assertEquals(
                0,
                database.jdbc()
                        .queryForObject(
                                "select count(*) from standing_order_runs r join standing_orders o using (namespace, order_name)"
                                        + " where not o.enabled and r.scheduled_for > now()",
                                Integer.class));
    }

    @Test
    void an_order_of_ones_own_fires_by_itself_and_is_taken_away_again() throws Exception {
        try (Bus bus = start("1", order("cron", "* * * * * ?"))) {
            await().until(() -> database.jdbc()
                            .queryForObject(
                                    "select count(*) from standing_order_runs where order_name = 'own-check' and job_id is not null",
                                    Integer.class)
                    > 0);
            assertTrue(
                    bus.camel().getRouteController().getRouteStatus("own-check").isStarted());
        }
        start("1", List.of()).close();
        assertEquals(5, orders().size());
        assertTrue(database.jdbc()
                        .queryForObject(
                                "select count(*) from standing_order_runs where order_name = 'own-check' and job_id is not null",
                                Integer.class)
                > 0);
    }

    @Test
    void an_order_whose_last_slot_has_passed_lets_the_bus_start_and_is_shown_as_over() throws Exception {
        for (String cron : List.of("0 0 9 1 1 ? 2026", "0 0 9 1 1 ? 2020", "0 0 9 L 2 ? 2024")) {
            start("1", order("cron", cron)).close();

            assertEquals(
                    "over",
                    database.jdbc()
                            .queryForObject(
                                    "select health from standing_order_health_summary_v where order_name = 'own-check'",
                                    String.class),
                    cron);
            assertEquals(
                    cron,
                    database.jdbc()
                            .queryForObject(
                                    "select cron from standing_orders where order_name = 'own-check'", String.class));
        }
    }

    @Test
    void the_start_notes_its_time_zone_data_and_warns_of_zones_on_which_postgres_disagrees() throws Exception {
        database.jdbc()
                .execute(
                        "create or replace function zone_offset(p_zone text, p_time timestamptz) returns int"
                                + " language sql stable as $$ select case p_zone when 'UTC' then 0 when 'Europe/Berlin' then -1 end $$");
        try (LogCapture log = new LogCapture()) {
            start("1", order("zone", "Europe/Berlin")).close();

            String version = ZoneData.version();
            assertTrue(
                    log.lines().stream()
                            .anyMatch(line -> line.contains("(time zone data " + version
                                            + ") and Postgres have different rules for Europe/Berlin at ")
                                    && line.contains("own-check")),
                    log.lines().toString());
            String health = database.jdbc()
                    .queryForObject(
                            "select health('{\"kind\": \"operator\", \"name\": \"test\"}', '{}')", String.class);
            assertTrue(health.contains("have different rules for Europe/Berlin: update the older one"), health);
            assertTrue(health.contains("\"java\": \"" + version + "\""), health);
        }
    }

    @ParameterizedTest
    @CsvSource({"devops-health-check", "call-hook"})
    void an_order_cannot_take_the_name_of_another_or_of_a_route(String taken) throws Exception {
        List<String> routes =
                file(taken, "agent", "devops", "cron", "0 0 9 ? * MON", "purpose", "A check.", "instructions", "Look.");
        StartFailure failure =
                assertThrows(StartFailure.class, () -> start("1", routes).close());
        assertTrue(failure.getMessage().contains("two routes have the id " + taken), failure.getMessage());
    }

    @Test
    void a_node_that_has_no_orders_leaves_them_alone() {
        start("2", List.of()).close();
        Map<String, String> settings = TestBus.settings(database.url(), null);
        Bus.start(Settings.load(home, Map.of(), settings), Map.of(), List.of(), Map.of())
                .close();
        assertEquals(22, orders().size());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "agent          | devopps       | agent is \"devopps\"; it must be one of auditor, coordinator",
                "agent          | devopps       | did you mean devops?",
                "cron           | */5 * * * *   | cron is \"*/5 * * * *\"; it has five fields as Unix has them",
                "cron           | 0 0 25 * * ?  | cron is \"0 0 25 * * ?\"; it is no Quartz expression",
                "cron           | 0 0 0 30 2 ?  | which never comes",
                "zone           | Europe/Berln  | zone is \"Europe/Berln\"; it must be a known one; did you mean Europe/Berlin?",
                "session        | main          | session is \"main\"; it must be isolated, or session:",
                "catchUp        | some          | catchUp is \"some\"; it must be one of all, latest, skip",
                "overlap        | never         | overlap is \"never\"; it must be one of coalesce, queue, skip",
                "graceSeconds   | soon          | graceSeconds is \"soon\"; it must be a whole number from 1 to 604800",
                "catchUpCap     | 0             | catchUpCap is \"0\"; it must be a whole number from 1 to 100",
                "instructions   | ' '           | instructions is empty",
                "preCheck       | no-such-check | preCheck is \"no-such-check\"; it must be one of backlog",
                "report         | daily         | report is \"daily\"; it must be one of daily_digest, ideas_digest, weekly_bets, weekly_report",
                "grace          | 5             | grace is no parameter of a standing order",
                "jobType        | reactive      | jobType is \"reactive\"; it must be one of idle, proactive, scheduled",
                "jobType        | idle          | jobType is idle, so preCheck must be idle"
            })
    void a_mistake_stops_the_start_with_the_order_and_what_is_wrong(String key, String value, String said)
            throws Exception {
        List<String> routes = order(key, value.equals("' '") ? " " : value);
        StartFailure failure =
                assertThrows(StartFailure.class, () -> start("1", routes).close());
        assertTrue(failure.getMessage().contains("own-check"), failure.getMessage());
        assertTrue(failure.getMessage().contains(said), failure.getMessage());
        assertTrue(failure.getMessage().contains("own-standing-orders.camel.yaml"), failure.getMessage());
    }
}
