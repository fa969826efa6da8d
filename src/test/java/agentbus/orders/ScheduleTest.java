package agentbus.orders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ScheduleTest {
    private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");
    /** The clocks go forward from 02:00 to 03:00, so this local day has 23 hours. */
    private static final String SHORT_DAY = "2026-03-29";
    /** The clocks go back from 03:00 to 02:00, so this local day has 25 hours. */
    private static final String LONG_DAY = "2026-10-25";

    private static List<Instant> day(String cron, ZoneId zone, String date) {
        Instant begin =
                ZonedDateTime.parse(date + "T00:00:00Z").withZoneSameLocal(zone).toInstant();
        Instant end = ZonedDateTime.parse(date + "T00:00:00Z")
                .withZoneSameLocal(zone)
                .plusDays(1)
                .toInstant();
        return Schedule.of(cron, zone).between(begin.minusMillis(1), end.minusMillis(1));
    }

    private static List<String> times(List<Instant> slots) {
        return slots.stream().map(Instant::toString).toList();
    }

    @Test
    void a_time_that_is_skipped_runs_once_when_the_gap_ends() {
        assertEquals(List.of("2026-03-29T01:00:00Z"), times(day("0 30 2 * * ?", BERLIN, SHORT_DAY)));
    }

    @Test
    void a_time_that_is_repeated_runs_once_the_first_time() {
        assertEquals(List.of("2026-10-25T00:30:00Z"), times(day("0 30 2 * * ?", BERLIN, LONG_DAY)));
    }

    @ParameterizedTest
    @CsvSource({
        "0 0/15 * * * ?, 2026-03-29, 92",
        "0 0/15 * * * ?, 2026-10-25, 100",
        "0 0/15 * * * ?, 2026-10-26, 96",
        "0 15 * * * ?, 2026-03-29, 23",
        "0 15 * * * ?, 2026-10-25, 25",
        "0 15 00-23 * * ?, 2026-10-25, 25",
        "0 0 0/2 * * ?, 2026-03-29, 12",
        "0 0 0/2 * * ?, 2026-10-25, 12",
        "'0 30 2,3 * * ?', 2026-03-29, 2",
        "'0 30 2,3 * * ?', 2026-10-25, 2"
    })
    void an_order_for_every_hour_follows_real_time_and_any_other_local_time(String cron, String date, int slots) {
        assertEquals(slots, day(cron, BERLIN, date).size());
    }

    @Test
    void two_times_of_which_one_is_skipped_stay_two_slots_in_order() {
        assertEquals(
                List.of("2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"),
                times(day("0 30 2,3 * * ?", BERLIN, SHORT_DAY)));
    }

    @Test
    void a_clock_that_moves_by_half_an_hour_is_no_exception() {
        ZoneId island = ZoneId.of("Australia/Lord_Howe");
        // Back from 02:00 to 01:30, and forward from 02:00 to 02:30.
        assertEquals(49, day("0 0/30 * * * ?", island, "2026-04-05").size());
        assertEquals(47, day("0 0/30 * * * ?", island, "2026-10-04").size());
        assertEquals(List.of("2026-10-03T15:30:00Z"), times(day("0 15 2 * * ?", island, "2026-10-04")));
    }

    @Test
    void neither_loses_nor_doubles_a_slot_over_a_year_by_a_count_minute_by_minute() {
        Instant begin = Instant.parse("2026-01-01T00:00:00Z");
        Instant end = Instant.parse("2027-01-01T00:00:00Z");
        assertEquals(
                minutes(begin, end, time -> time.getMinute() % 15 == 0),
                Schedule.of("0 0/15 * * * ?", BERLIN).between(begin.minusMillis(1), end.minusMillis(1)));
        List<Instant> weekdays = minutes(
                begin,
                end,
                time -> time.getHour() == 9
                        && time.getMinute() == 0
                        && time.getDayOfWeek().getValue() <= 5);
        assertEquals(
                weekdays, Schedule.of("0 0 9 ? * MON-FRI", BERLIN).between(begin.minusMillis(1), end.minusMillis(1)));
    }

    private static List<Instant> minutes(Instant begin, Instant end, Predicate<ZonedDateTime> due) {
        List<Instant> minutes = new ArrayList<>();
        for (Instant time = begin; time.isBefore(end); time = time.plusSeconds(60)) {
            if (due.test(time.atZone(BERLIN))) {
                minutes.add(time);
            }
        }
        return minutes;
    }

    @Test
    void windows_that_meet_give_each_slot_once() {
        Schedule schedule = Schedule.of("0 0/7 * * * ?", BERLIN);
        Instant begin = Instant.parse("2026-10-24T00:00:00Z");
        Instant end = begin.plus(Duration.ofDays(3));
        List<Instant> pieces = new ArrayList<>();
        for (Instant from = begin; from.isBefore(end); from = from.plus(Duration.ofMinutes(21))) {
            Instant until = from.plus(Duration.ofMinutes(21));
            pieces.addAll(schedule.between(from, until.isAfter(end) ? end : until));
        }
        assertEquals(schedule.between(begin, end), pieces);
    }

    @Test
    void the_next_slots_may_be_years_away() {
        Instant now = Instant.parse("2026-11-24T00:00:00Z");
        assertEquals(
                List.of("2028-02-29T12:00:00Z", "2032-02-29T12:00:00Z"),
                times(Schedule.of("0 0 12 29 2 ?", ZoneId.of("UTC")).next(now, 2)));
        assertEquals(
                List.of("2026-11-30T09:00:00Z", "2026-12-07T09:00:00Z"),
                times(Schedule.of("0 0 9 ? * MON", ZoneId.of("UTC")).next(now, 2)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0 0 0 1 1 ? 2020", "0 0 0 30 2 ?"})
    void a_schedule_that_never_comes_again_has_no_next_slot(String cron) {
        assertTrue(Schedule.of(cron, BERLIN)
                .next(Instant.parse("2026-11-24T00:00:00Z"), 5)
                .isEmpty());
    }

    @Test
    void a_slot_may_come_more_than_a_hundred_years_later() {
        assertTrue(Schedule.of("0 0 0 1 1 ? 2080", BERLIN).comesAfter(Instant.EPOCH));
        assertFalse(Schedule.of("0 0 0 1 1 ? 2080", BERLIN).comesAfter(Instant.parse("2080-01-01T00:00:00Z")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0 0 12 24 11 ? 2026",
                "0 0 * 29 3 ? 2026",
                "0 30 2 29 3 ? 2026",
                "0 30 2 25 10 ? 2026",
                "0 0/5 * * * ?",
                "0 0 0 30 2 ?"
            })
    void a_slot_comes_after_a_time_when_there_is_a_next_one(String cron) {
        Schedule schedule = Schedule.of(cron, BERLIN);
        for (String day : List.of("2026-03-27", "2026-10-23", "2026-11-22")) {
            Instant start = Instant.parse(day + "T00:00:00Z");
            for (int hour = 0; hour < 96; hour++) {
                Instant after = start.plus(Duration.ofMinutes(60L * hour + 30));
                assertEquals(
                        !schedule.next(after, 1).isEmpty(), schedule.comesAfter(after), () -> cron + " after " + after);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0 0/15 * * * ?     | UTC           | every 15 minutes",
                "0 0 18 * * ?       | UTC           | at 18:00 every day",
                "0 0 18 * * ?       | Europe/Berlin | at 18:00 every day (Europe/Berlin)",
                "0 0 10 ? * MON     | UTC           | at 10:00 on Monday",
                "0 0 9 ? * MON-FRI  | UTC           | at 09:00 from Monday to Friday",
                "0 15 * * * ?       | UTC           | every hour at minute 15",
                "0 0 9 ? * L        | UTC           | 0 0 9 ? * L",
                "0 5/15 * * * ?     | UTC           | 0 5/15 * * * ?"
            })
    void a_schedule_is_said_in_plain_words(String cron, String zone, String words) {
        assertEquals(words, Schedule.of(cron, ZoneId.of(zone)).words());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "*/5 * * * *      | has five fields as Unix has them; Quartz wants six, seconds first: 0 */5 * * * ? *",
                "0 0 25 * * ?     | is no Quartz expression",
                "0 0 9 * * *      | is no Quartz expression",
                "every ten hours  | is no Quartz expression",
                "0 , * * * ?      | is no Quartz expression",
                "x 0 0 * * ?      | is no Quartz expression"
            })
    void a_wrong_expression_is_refused_with_what_would_be_right(String cron, String said) {
        String message = assertThrows(IllegalArgumentException.class, () -> Schedule.of(cron, BERLIN))
                .getMessage();
        assertTrue(message.startsWith(said), message);
    }
}
