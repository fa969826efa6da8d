package agentbus.sql;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.springframework.jdbc.core.JdbcTemplate;

/** What must hold of the tables after every operation, whoever did what before. */
public final class Invariants {
    /** What is broken, and a query for the jobs that it is broken for. */
    private static final Map<String, String> QUERIES = queries();

    private static final String ALL = QUERIES.entrySet().stream()
            .map(e -> "select '" + e.getKey() + "' as what, id::text from (" + e.getValue() + ") q(id)")
            .collect(Collectors.joining(" union all "));

    private Invariants() {}

    /**
     * Looks at every table.
     *
     * @param jdbc statements in the schema
     * @return what is broken and for which job, empty when nothing is
     */
    public static List<String> broken(JdbcTemplate jdbc) {
        return jdbc.query(ALL, (row, n) -> row.getString("what") + ": " + row.getString("id"));
    }

    private static Map<String, String> queries() {
        Map<String, String> all = new LinkedHashMap<>();
        all.put(
                "a job has another live attempt than its own, or two",
                """
                select j.job_id from jobs j
                left join job_attempts a on a.job_id = j.job_id and a.status in ('leased', 'running')
                group by j.job_id, j.live_attempt
                having count(a.*) <> (j.live_attempt is not null)::int
                  or (j.live_attempt is not null and not j.live_attempt = any (array_agg(a.attempt_id)))""");
        all.put(
                "a live attempt and its job are not in the same state",
                """
                select j.job_id from jobs j join job_attempts a on a.attempt_id = j.live_attempt where a.status <> j.state""");
        all.put(
                "attempt numbers have a gap, or run against that of the job",
                """
                select j.job_id from jobs j
                where j.attempt_no <> (select count(*) from job_attempts a where a.job_id = j.job_id)
                  or j.attempt_no <> coalesce((select max(attempt_no) from job_attempts a where a.job_id = j.job_id), 0)""");
        all.put(
                "more attempts are counted than were made, or than are allowed",
                "select job_id from jobs where attempt_count > attempt_no or attempt_count > max_attempts");
        all.put(
                "open_dependencies is not the count of what is open",
                "select job_id from jobs where ended_at is null and open_dependencies <> open_count(job_id)");
        all.put(
                "a job waits and nothing is open, or does not wait and something is",
                """
                select job_id from jobs
                where state in ('waiting', 'queued', 'leased', 'running') and (state = 'waiting') <> (open_dependencies > 0)""");
        all.put(
                "a job waits for what has all ended",
                """
                select j.job_id from jobs j where j.state = 'waiting' and not exists (
                  select from job_dependencies d join jobs t on t.job_id = d.depends_on
                  where d.job_id = j.job_id and t.ended_at is null)""");
        all.put(
                "a job waits although a dependency has spoiled it",
                "select j.job_id from jobs j where j.state = 'waiting' and exists (select from spoiled_dependency(j.job_id))");
        all.put(
                "a blocked job has no mover and is not among the stuck, which people look at",
                """
                select j.job_id from jobs j
                where j.state = 'blocked' and j.blocked_until is null and not waits_for_answer(j)
                  and not exists (select from jobs o where o.job_id = j.blocked_on_job and o.ended_at is null)
                  and not exists (select from stuck_jobs_v s where s.job_id = j.job_id)""");
        all.put(
                "nobody was asked about a blocked job that only somebody can move",
                """
                select j.job_id from jobs j
                where j.state = 'blocked' and j.blocked_until is null and j.subject <> 'blocked.replan'
                  and not waits_for_answer(j)
                  and not exists (select from jobs o where o.job_id = j.blocked_on_job and o.ended_at is null)
                  and not exists (select from jobs r where r.parent_job_id = j.job_id and r.subject = 'blocked.replan')
                  and not exists (select from jobs r where r.coalesce_key = replan_key(j.blocked_on_job))
                  and not exists (select from events e where e.topic = 'job.needs_operator'
                    and (e.source_job_id = j.job_id or e.payload ->> 'failedDependency' = j.blocked_on_job::text))""");
        all.put(
                "a question is open and its job does not wait for it",
                """
                select q.question_id from questions q left join jobs j using (job_id)
                where q.status = 'open' and q.job_id is not null
                  and (j.state is distinct from 'blocked' or j.question_id is distinct from q.question_id)""");
        all.put(
                "the coordinator is asked about a job that waits for a person",
                """
                select j.job_id from jobs j join jobs r on r.parent_job_id = j.job_id and r.subject = 'blocked.replan'
                join questions q on q.question_id = j.question_id
                where waits_for_answer(j) and r.created_at >= q.created_at""");
        all.put("a cascade is left", "select job_id from cascades");
        all.put(
                "a job has not ended and says no next move",
                "select job_id from jobs j where j.ended_at is null and next_move(j) = ''");
        all.put(
                "an ended job still holds something",
                """
                select job_id from jobs
                where ended_at is not null and (leased_until is not null or live_attempt is not null or lease_owner is not null
                  or blocked_until is not null or blocked_on_job is not null)""");
        all.put(
                "the audit log does not lead to the state",
                """
                select j.job_id from jobs j
                where j.state is distinct from (select l.detail ->> 'to' from audit_log l
                  where l.table_name = 'jobs' and l.row_id = j.job_id::text
                    and l.action like 'job.%' and l.action <> 'job.adopted' and l.detail ->> 'to' is not null
                  order by l.audit_id desc limit 1)""");
        all.put(
                "the audit log has a gap, or a step that the state machine does not have",
                """
                select row_id from (
                  select row_id, detail ->> 'from' as came_from, detail ->> 'to' as went_to,
                    lag(detail ->> 'to') over (partition by row_id order by audit_id) as was
                  from audit_log where table_name = 'jobs' and action like 'job.%' and action <> 'job.adopted'
                    and detail ->> 'to' is not null) x
                where came_from is distinct from was or came_from in ('succeeded', 'cancelled')
                  or (came_from = 'failed' and went_to <> 'queued')
                  or (came_from = 'dead' and went_to not in ('queued', 'waiting', 'cancelled'))""");
        all.put(
                "two live jobs share a dedupe key",
                """
                select min(job_id::text) from jobs where dedupe_key is not null and ended_at is null
                group by namespace, target_agent, dedupe_key having count(*) > 1""");
        all.put(
                "a job is due or at work and claims pass over it",
                """
                select job_id from jobs
                where state in ('leased', 'running') and moved_xid < claim_floor()
                  or state = 'queued' and run_after <= now() and moved_xid < lane_floor(namespace, target_agent)""");
        return all;
    }
}
