package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.orders.OrderPlanner;
import agentbus.settings.Settings;
import agentbus.start.Bus;
import agentbus.text.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * A week of all 56 orders on a clock of the test's own. The ordinary build plans all of it and runs the slots of two days,
 * {@code -Pgrowth} those of the whole week. The slots it expects are worked out from the list of orders in Unix
 * cron, minute by minute, and share nothing with the code that plans them.
 */
@ExtendWith(PostgresExtension.class)
class StandingOrderWeekTest {
    private static final Instant BEGIN = Instant.parse("2026-12-07T00:00:00Z");
    private static final Instant END = BEGIN.plus(Duration.ofDays(7));
    /** The end of the days whose slots run. */
    private static final Instant RUN_UNTIL = BEGIN.plus(Duration.ofDays(Integer.getInteger("orders.days", 2)));
    /** Every order of the list is due at a multiple of this. */
    private static final Duration STEP = Duration.ofMinutes(5);

    @TempDir
    private Path home;

    @Test
    void the_ledger_of_a_week_is_exactly_the_list_of_orders_written_out(TestDatabase database) throws Exception {
        Map<String, String> settings =
                TestBus.settings(database.url(), null, "agentbus.orders.enabled", "true", "agentbus.phase", "5");
        Bus.start(Settings.load(home, Map.of(), settings), Map.of(), List.of(), Map.of())
                .close();
        JdbcTemplate jdbc = database.jdbc();
        jdbc.execute(
                "truncate run_aborts, standing_order_runs, jobs, job_attempts, job_dependencies, events, audit_log");
        // Idle cognition and the like ask first whether there is work; here every slot is to run.
        jdbc.update(
                "update standing_orders set planned_until = ?::timestamptz, pre_check = null",
                BEGIN.minusSeconds(1).toString());

        OrderPlanner planner = new OrderPlanner(Duration.ofHours(24));
        for (Instant now = BEGIN; now.isBefore(END); now = now.plus(STEP)) {
            if (Duration.between(BEGIN, now).toHours() % 12 == 0) {
                plan(jdbc, planner, now);
            }
            if (now.isBefore(RUN_UNTIL)) {
                jdbc.queryForList("select settle_standing_orders('default', null, ?::timestamptz)", now.toString());
                closeWhatRuns(jdbc);
            }
        }

        TreeSet<String> expected = new TreeSet<>();
        int run = 0;
        for (String line : Files.readAllLines(Path.of("src/test/resources/standing-orders.csv"))) {
            String[] fields = line.split(",");
            if (!fields[0].equals("phase")) {
                for (Instant slot : slots(fields[3])) {
                    expected.add(fields[2] + " " + fields[1] + " " + slot);
                    run += slot.isBefore(RUN_UNTIL) ? 1 : 0;
                }
            }
        }
        assertTrue(expected.size() > 6_000, "the list itself: " + expected.size());
        List<String> ledger = jdbc.queryForList(
                "select agent_id || ' ' || order_name || ' ' || to_char(scheduled_for at time zone 'UTC',"
                        + " 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from standing_order_runs where scheduled_for < ?::timestamptz",
                String.class,
                END.toString());
        assertEquals(expected.size(), ledger.size());
        assertEquals(expected, new TreeSet<>(ledger));
        assertEquals(
                List.of("completed"),
                jdbc.queryForList(
                        "select distinct status from standing_order_runs where scheduled_for < ?::timestamptz",
                        String.class,
                        RUN_UNTIL.toString()));
        assertEquals(run, jdbc.queryForObject("select count(*) from jobs where state = 'succeeded'", Integer.class));
    }

    private static void plan(JdbcTemplate jdbc, OrderPlanner planner, Instant now) throws Exception {
        for (String row : jdbc.queryForList(
                "select standing_orders_to_plan('default', ?::timestamptz)::text", String.class, now.toString())) {
            JsonNode order = Json.read(row);
            Map<String, Object> slots = planner.slots(order);
            jdbc.queryForObject(
                    "select plan_slots(?, ?, ?, ?, ?::timestamptz, ?::timestamptz[], ?::timestamptz)",
                    Integer.class,
                    slots.get("namespace"),
                    slots.get("order"),
                    slots.get("cron"),
                    slots.get("zone"),
                    slots.get("from"),
                    slots.get("slots"),
                    slots.get("until"));
        }
    }

    /** What agents do between two slots, without the agents. */
    private static void closeWhatRuns(JdbcTemplate jdbc) {
        jdbc.queryForList(
                "select lease_jobs(array(select job_id from jobs where state = 'queued'), 'pull', 'test', '1 hour')");
        jdbc.queryForList(
                "select (finish_attempt(j, 'succeeded', 'succeeded', p_summary => 'done')).job_id from jobs j where state = 'leased'");
    }

    private static List<Instant> slots(String unixCron) {
        String[] fields = unixCron.split(" ");
        List<Instant> slots = new ArrayList<>();
        for (Instant minute = BEGIN; minute.isBefore(END); minute = minute.plusSeconds(60)) {
            ZonedDateTime time = minute.atZone(ZoneOffset.UTC);
            if (matches(fields[0], time.getMinute())
                    && matches(fields[1], time.getHour())
                    && matches(fields[2], time.getDayOfMonth())
                    && matches(fields[3], time.getMonthValue())
                    && matches(fields[4], time.getDayOfWeek().getValue() % 7)) {
                slots.add(minute);
            }
        }
        return slots;
    }

    /** What the list uses of cron: a star, a star with a step, one number, a range. */
    private static boolean matches(String field, int value) {
        if (field.equals("*")) {
            return true;
        }
        if (field.startsWith("*/")) {
            return value % Integer.parseInt(field.substring(2)) == 0;
        }
        String[] range = field.split("-");
        return value >= Integer.parseInt(range[0]) && value <= Integer.parseInt(range[range.length - 1]);
    }
}
