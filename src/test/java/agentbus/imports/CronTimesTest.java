package agentbus.imports;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.orders.Schedule;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Schedules of OpenClaw and their translations fire at the same times. The times were computed with croner 10. */
class CronTimesTest {
    private static Instant next(String cron, Instant after) {
        return Schedule.of(cron, ZoneId.of("UTC")).next(after, 1).get(0);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0 7 * * 1-5       | 2026-11-27T23:00:00Z | 2026-11-30T07:00:00Z",
                "0 7 * * 0         | 2026-11-24T00:00:00Z | 2026-11-29T07:00:00Z",
                "0 7 * * 7         | 2026-11-24T00:00:00Z | 2026-11-29T07:00:00Z",
                "0 7 * * 0-7       | 2026-11-24T08:00:00Z | 2026-11-25T07:00:00Z",
                "0 7 * * 5-7       | 2026-11-27T08:00:00Z | 2026-11-28T07:00:00Z",
                "0 7 * * fri-sun   | 2026-11-28T08:00:00Z | 2026-11-29T07:00:00Z",
                "0 7 * * */2       | 2026-11-24T08:00:00Z | 2026-11-26T07:00:00Z",
                "*/20 * * * *      | 2026-11-24T00:05:00Z | 2026-11-24T00:20:00Z",
                "0 0 1 */3 *       | 2026-11-24T00:00:00Z | 2027-01-01T00:00:00Z",
                "0 0 1 feb *       | 2026-11-24T00:00:00Z | 2027-02-01T00:00:00Z",
                "15 30 6 * * *     | 2026-11-24T00:00:00Z | 2026-11-24T06:30:15Z",
                "0 30 6 1 1 * 2028 | 2026-11-24T00:00:00Z | 2028-01-01T06:30:00Z",
                "0 9 L * *         | 2026-11-24T00:00:00Z | 2026-11-30T09:00:00Z",
                "0 9 LW * *        | 2027-01-24T00:00:00Z | 2027-01-29T09:00:00Z",
                "0 9 15W * *       | 2026-11-24T00:00:00Z | 2026-12-15T09:00:00Z",
                "0 9 * * 5L        | 2026-11-28T00:00:00Z | 2026-12-25T09:00:00Z",
                "0 9 * * FRI#L     | 2026-11-28T00:00:00Z | 2026-12-25T09:00:00Z",
                "0 9 * * MON#2     | 2026-11-24T00:00:00Z | 2026-12-14T09:00:00Z",
                "0 9 13 * 0-6      | 2026-11-24T00:00:00Z | 2026-11-24T09:00:00Z",
                "0 9 1-31 * 1      | 2026-11-24T00:00:00Z | 2026-11-24T09:00:00Z",
                "0 9 15 * +0-6     | 2026-11-24T00:00:00Z | 2026-12-15T09:00:00Z",
                "@daily            | 2026-11-24T00:00:00Z | 2026-11-25T00:00:00Z",
                "@weekly           | 2026-11-24T00:00:00Z | 2026-11-29T00:00:00Z"
            })
    void an_expression_means_what_it_meant(String expression, Instant after, Instant next) {
        List<String> crons = new CronTimes(new ArrayList<>()).ofExpression(expression);
        assertEquals(1, crons.size());
        assertEquals(next, next(crons.get(0), after), crons.get(0));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "600000    | 0                    | 2026-11-24T00:05:00Z | 2026-11-24T00:10:00Z",
                "600000    | 2026-11-01T10:07:33Z | 2026-11-24T00:05:00Z | 2026-11-24T00:07:33Z",
                "20000     | 2026-11-01T10:07:33Z | 2026-11-24T00:05:00Z | 2026-11-24T00:05:13Z",
                "21600000  | 2026-11-01T10:07:33Z | 2026-11-24T05:00:00Z | 2026-11-24T10:07:33Z",
                "86400000  | 2026-11-01T10:07:33Z | 2026-11-24T11:00:00Z | 2026-11-25T10:07:33Z",
                "604800000 | 2026-11-01T10:07:33Z | 2026-11-24T11:00:00Z | 2026-11-29T10:07:33Z"
            })
    void an_interval_keeps_its_anchor(long every, String anchor, Instant after, Instant next) {
        long anchorMs = anchor.equals("0") ? 0 : Instant.parse(anchor).toEpochMilli();
        String cron = CronTimes.ofInterval(every, anchorMs);
        assertEquals(next, next(cron, after), cron);
    }
}
