-- The rules that the tables obey after every transaction. The property tests
-- check them after random operations, and a restore drill checks them on a restored database.

-- Returns the status that the newest audit row of a row with a status gives it; no row when none does. A set,
-- so that the planner makes it a part of the query that asks for many rows.
create or replace function status_in_audit(p_table text, p_row_id text) returns table (status text)
language sql stable as $$
  select detail ->> 'status'
  from audit_log
  where table_name = p_table
    and row_id = p_row_id
    and detail ->> 'status' is not null
  order by audit_id desc
  limit 1
$$;

-- Returns each broken rule with the id of the row that breaks it; no row when nothing is broken. A cascade
-- that is under way leaves jobs that it has still to move, so callers run the cascades first.
create or replace function broken_invariants() returns table (what text, id text)
language sql stable
set jit = off as $$
  select 'a job has another live attempt than its own, or two', j.job_id::text
  from jobs j
  left join job_attempts a on a.job_id = j.job_id and a.status in ('leased', 'running')
  group by j.job_id, j.live_attempt
  having count(a.*) <> (j.live_attempt is not null)::int
    or (j.live_attempt is not null and not j.live_attempt = any (array_agg(a.attempt_id)))
  union all
  select 'a live attempt and its job are not in the same state', j.job_id::text
  from jobs j
  join job_attempts a on a.attempt_id = j.live_attempt
  where a.status <> j.state
  union all
  select 'attempt numbers have a gap, or run against that of the job', j.job_id::text
  from jobs j
  left join (
    select job_id, count(*) as attempts, max(attempt_no) as last_no from job_attempts group by job_id) a
    using (job_id)
  where j.attempt_no <> coalesce(a.attempts, 0)
    or j.attempt_no <> coalesce(a.last_no, 0)
  union all
  select 'more attempts are counted than were made, or than are allowed', job_id::text
  from jobs
  where attempt_count > attempt_no or attempt_count > max_attempts
  union all
  select 'open_dependencies is not the count of what is open', job_id::text
  from jobs
  where ended_at is null and open_dependencies <> open_count(job_id)
  union all
  select 'a job waits and nothing is open, or does not wait and something is', job_id::text
  from jobs
  where state in ('waiting', 'queued', 'leased', 'running')
    and (state = 'waiting') <> (open_dependencies > 0)
  union all
  select 'a job waits for what has all ended', j.job_id::text
  from jobs j
  where j.state = 'waiting'
    and not exists (
      select
      from job_dependencies d
      join jobs t on t.job_id = d.depends_on
      where d.job_id = j.job_id and t.ended_at is null)
  union all
  select 'a job waits although a dependency has spoiled it', j.job_id::text
  from jobs j
  where j.state = 'waiting' and exists (select from spoiled_dependency(j.job_id))
  union all
  select 'a blocked job has no mover and is not among the stuck, which people look at', j.job_id::text
  from jobs j
  where j.state = 'blocked'
    and j.blocked_until is null
    and not waits_for_answer(j)
    and not exists (select from jobs o where o.job_id = j.blocked_on_job and o.ended_at is null)
    and not exists (select from stuck_jobs_v s where s.job_id = j.job_id)
  union all
  select 'nobody was asked about a blocked job that only somebody can move', j.job_id::text
  from jobs j
  where j.state = 'blocked'
    and j.blocked_until is null
    and j.subject <> 'blocked.replan'
    and not waits_for_answer(j)
    and not exists (select from jobs o where o.job_id = j.blocked_on_job and o.ended_at is null)
    and not exists (
      select
      from jobs r
      where r.parent_job_id = j.job_id
        and r.subject = 'blocked.replan'
        and not replan_was_withdrawn(r.state, r.last_error))
    and not exists (
      select
      from jobs r
      where r.coalesce_key = replan_key(j.blocked_on_job)
        and not replan_was_withdrawn(r.state, r.last_error))
    and not exists (
      select
      from events e
      where e.topic = 'job.needs_operator'
        and (e.source_job_id = j.job_id or e.payload ->> 'failedDependency' = j.blocked_on_job::text))
    -- What was asked long ago has moved to history, and the job is still blocked.
    and not exists (
      select
      from jobs_history r
      where (r.parent_job_id = j.job_id and r.subject = 'blocked.replan'
          or r.coalesce_key = replan_key(j.blocked_on_job))
        and not replan_was_withdrawn(r.state, r.last_error))
    and not exists (
      select
      from events_history e
      where e.topic = 'job.needs_operator' and e.payload ->> 'failedDependency' = j.blocked_on_job::text)
  union all
  select 'a question is open and its job does not wait for it', q.question_id::text
  from questions q
  left join jobs j using (job_id)
  where q.status = 'open'
    and q.job_id is not null
    and (j.state is distinct from 'blocked' or j.question_id is distinct from q.question_id)
  union all
  select 'the coordinator is asked about a job that waits for a person', j.job_id::text
  from jobs j
  join jobs r on r.parent_job_id = j.job_id and r.subject = 'blocked.replan'
  join questions q on q.question_id = j.question_id
  where waits_for_answer(j) and r.created_at >= q.created_at
  union all
  select 'a cascade is left', job_id::text
  from cascades
  union all
  select 'a job has not ended and says no next move', job_id::text
  from jobs j
  where j.ended_at is null and next_move(j) = ''
  union all
  select 'an ended job still holds something', job_id::text
  from jobs
  where ended_at is not null
    and (leased_until is not null or live_attempt is not null or lease_owner is not null
      or blocked_until is not null or blocked_on_job is not null)
  union all
  select 'the audit log does not lead to the state', j.job_id::text
  from jobs j
  where j.state is distinct from (
    select l.detail ->> 'to'
    from audit_log l
    where l.table_name = 'jobs'
      and l.row_id = j.job_id::text
      and l.action like 'job.%'
      and l.action <> 'job.adopted'
      and l.detail ->> 'to' is not null
    order by l.audit_id desc
    limit 1)
  union all
  select 'the audit log has a gap, or a step that the state machine does not have', row_id
  from (
    select row_id, detail ->> 'from' as came_from, detail ->> 'to' as went_to,
      lag(detail ->> 'to') over (partition by row_id order by audit_id) as was
    from audit_log
    where table_name = 'jobs'
      and action like 'job.%'
      and action <> 'job.adopted'
      and detail ->> 'to' is not null
      -- Retirement moves the older audit rows of a retired job first.
      and row_id in (select job_id::text from jobs)) step
  where came_from is distinct from was
    or came_from in ('succeeded', 'cancelled')
    or (came_from = 'failed' and went_to <> 'queued')
    or (came_from = 'dead' and went_to not in ('queued', 'waiting', 'cancelled'))
  union all
  select 'two live jobs share a dedupe key', min(job_id::text)
  from jobs
  where dedupe_key is not null and ended_at is null
  group by namespace, target_agent, dedupe_key
  having count(*) > 1
  union all
  select 'a job is due or at work and claims pass over it', job_id::text
  from jobs
  where state in ('leased', 'running') and moved_xid < claim_floor()
    or state = 'queued' and run_after <= now() and moved_xid < lane_floor(namespace, target_agent)
  union all
  select what, id from broken_proposal_invariants()
  union all
  select what, id from broken_memory_invariants()
  union all
  select what, id from broken_idle_invariants()
$$;
