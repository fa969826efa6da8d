package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.jdbc.core.JdbcTemplate;

/** A week with load and quiet hours: idle thinking never keeps work waiting, and never passes a budget. */
@ExtendWith(PostgresExtension.class)
class IdleWeekTest {
    /** Idle runs that went on, unasked, while a job of their agent was due and not claimed. */
    private static final String BESIDE_WAITING_WORK =
            """
            select r.agent_id || ': idle run of ' || r.began_at || ' while job ' || j.job_id || ' waited'
            from idle_runs r
            join jobs j on j.target_agent = r.agent_id and j.job_type <> 'idle'
            join lateral (select min(started_at) as at from job_attempts where job_id = j.job_id) claimed on true
            where r.began_at is not null
              and greatest(j.created_at, r.began_at)
                < least(coalesce(claimed.at, 'infinity'), coalesce(r.stop_asked_at, r.ended_at, 'infinity'))""";

    private static final String SPENT =
            """
            select r.agent_id || ' on ' || r.day || ': ' || concat_ws(', ', r.runs || ' runs', r.minutes || ' minutes', r.tokens || ' tokens')
            from (
              select r.agent_id, (r.created_at at time zone 'UTC')::date as day, idle_budget_of(a) as budget, count(*) as runs,
                round(sum(r.seconds) / 60.0, 1) as minutes, sum(r.tokens) as tokens,
                sum(r.tokens) - (array_agg(r.tokens order by r.created_at desc))[1] as before_the_last
              from idle_runs r join agents a using (namespace, agent_id)
              where r.began_at is not null
              group by 1, 2, 3) r
            where r.runs > (budget ->> 'runs')::numeric
              -- The sweep ends a run a few seconds late, and each run may have the least time of a run.
              or r.minutes > (budget ->> 'minutes')::numeric + 0.5
              -- No gateway stops a run at a number of tokens, so the last run of a day may pass it.
              or r.before_the_last >= (budget ->> 'tokens')::numeric""";

    @Test
    void no_idle_run_goes_on_while_work_of_its_agent_waits_and_no_day_passes_its_budget(TestDatabase database)
            throws Exception {
        long begun = System.nanoTime();
        database.clear();
        try (VirtualClock clock = new VirtualClock(database.jdbc(), IdleWeek.BEGIN)) {
            IdleWeek week = new IdleWeek(clock);
            week.pass();
            JdbcTemplate jdbc = clock.jdbc();
            String figures = figures(jdbc, week);
            Files.writeString(Path.of("target/idle-week.md"), figures);
            System.out.println("idle week: in " + (System.nanoTime() - begun) / 1_000_000 + " ms\n" + figures);

            assertEquals(List.of(), week.broken);
            assertEquals(List.of(), jdbc.queryForList(BESIDE_WAITING_WORK, String.class));
            assertEquals(List.of(), jdbc.queryForList(SPENT, String.class));
            assertEquals(List.of(), Invariants.broken(jdbc));
            Map<String, Object> runs = jdbc.queryForMap("select count(*) filter (where began_at is not null) as began,"
                    + " count(*) filter (where outcome = 'stopped' and began_at is not null) as stopped,"
                    + " count(*) filter (where outcome = 'failed') as failed, count(distinct agent_id) as agents,"
                    + " count(*) - count(distinct (agent_id, question)) as repeated,"
                    + " max(seconds) as longest from idle_runs");
            assertTrue((long) runs.get("began") > 40, runs::toString);
            assertTrue((long) runs.get("stopped") > 0, runs::toString);
            assertTrue((long) runs.get("failed") > 0, runs::toString);
            assertEquals(10L, runs.get("agents"), runs::toString);
            assertEquals(0L, runs.get("repeated"), "no question is asked twice within two weeks");
            assertTrue((int) runs.get("longest") <= 1200 + 30, runs::toString);
            assertTrue(week.besideIdle.size() > 3, week.besideIdle::toString);
            assertEquals(
                    0,
                    jdbc.queryForObject(
                            "select count(*) from jobs where job_type = 'idle' and (state = 'dead' or attempt_no > 1)",
                            Integer.class));
            assertEquals(
                    0,
                    jdbc.queryForObject(
                            "select count(*) from jobs j join job_attempts a on a.attempt_id = j.live_attempt"
                                    + " where j.job_type = 'idle' and j.created_at < ?::timestamptz",
                            Integer.class,
                            IdleWeek.END.minus(Duration.ofHours(1)).toString()));
        }
    }

    private static String figures(JdbcTemplate jdbc, IdleWeek week) {
        StringBuilder text =
                new StringBuilder("| day | jobs | idle slots | skipped | begun | completed | no work | stopped"
                        + " | wall clock | minutes | tokens | ideas |\n" + "| ---: ".repeat(12) + "|\n");
        for (int day = 0; day < 7; day++) {
            Instant begin = IdleWeek.BEGIN.plus(Duration.ofDays(day));
            Instant end = begin.plus(Duration.ofDays(1));
            text.append(jdbc.queryForObject(
                            """
                            select format('| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |', ?::text, (
                                select count(*) from jobs where job_type <> 'idle' and created_at >= f and created_at < t),
                              (select count(*) from standing_order_runs where scheduled_for >= f and scheduled_for < t),
                              (select count(*) from standing_order_runs
                                where scheduled_for >= f and scheduled_for < t and status = 'skipped'),
                              count(began_at), count(*) filter (where outcome = 'completed'),
                              count(*) filter (where outcome = 'no_work'),
                              count(*) filter (where outcome = 'stopped' and began_at is not null),
                              count(*) filter (where outcome = 'failed'), round(coalesce(sum(seconds), 0) / 60.0, 1),
                              coalesce(sum(tokens), 0), (
                                select count(*) from ideas where created_at >= f and created_at < t))
                            from (select ?::timestamptz as f, ?::timestamptz as t) d
                            left join idle_runs r on r.created_at >= f and r.created_at < t
                            group by f, t""",
                            String.class, day + 1, begin.toString(), end.toString()))
                    .append('\n');
        }
        text.append("\nslots skipped: ")
                .append(jdbc.queryForList(
                        "select count(*) || ' ' || error_pattern(summary) from standing_order_runs where status = 'skipped'"
                                + " group by error_pattern(summary) order by count(*) desc",
                        String.class))
                .append("\njobs that had room: ")
                .append(week.besideIdle.size() + week.alone.size())
                .append(", each claimed at its arrival; beside an idle run: ")
                .append(week.besideIdle.size())
                .append(", the slowest claim ")
                .append(week.besideIdle.stream()
                        .mapToLong(Long::longValue)
                        .max()
                        .orElse(0))
                .append(" ms (without one ")
                .append(week.alone.stream().mapToLong(Long::longValue).max().orElse(0))
                .append(" ms)\nideas refused by the budget of proposals: ")
                .append(week.refused)
                .append('\n');
        return text.toString();
    }
}
