-- These views show the health of the bus. Each run of this file drops and creates them, so that their
-- columns can change; only functions depend on them.

drop view if exists
  system_health_snapshot_v,
  queue_health_summary_v,
  dispatcher_health_summary_v,
  stuck_jobs_v,
  unmoved_jobs_v,
  ready_jobs_v;

create view ready_jobs_v as
select
  j.namespace,
  j.target_agent,
  j.job_id,
  j.subject,
  j.priority,
  j.run_after,
  now() - greatest(j.run_after, j.created_at) as waiting_for,
  not lane_open(a) or exists (
    select from pauses p
    where p.namespace = j.namespace
      and p.ended_at is null
      and p.mode <> 'freeze'
      and pause_in_force(p)
      and (p.kind = 'everything'
        or p.kind = 'gateway' and p.name = a.gateway
        or p.kind = 'job_type' and type_is_in(j.job_type, array[p.name]))) as lane_stopped
from jobs j
join agents a on a.namespace = j.namespace and a.agent_id = j.target_agent
where j.state = 'queued'
  and j.run_after <= now();
comment on view ready_jobs_v is
  'The queued jobs that are due; lane_stopped marks those that no claim may take.';

create view unmoved_jobs_v as
select
  j.namespace,
  j.job_id,
  j.target_agent,
  j.subject,
  j.state,
  j.updated_at,
  next_move(j) as next_move,
  case
    when j.state in ('leased', 'running') then 'its lease has run out'
    when j.state = 'blocked' then 'it waits for somebody: ' || j.blocked_reason
    else 'it waits for dependencies that have all ended' end as why,
  j.blocked_on_job
from jobs j
-- Each other job is looked up by its key, so that the cost does not depend on the plan of a join.
where (j.state in ('leased', 'running') and j.leased_until < now() - expired_to_stuck())
  or (j.state = 'blocked' and j.blocked_until is null
    -- An open question has reminders of its own.
    and not question_open(j.question_id)
    and (select o.ended_at is null from jobs o where o.job_id = j.blocked_on_job) is not true)
  or (j.state = 'waiting' and (
    select true
    from job_dependencies d
    where d.job_id = j.job_id
      and (select t.ended_at is null from jobs t where t.job_id = d.depends_on)
    limit 1) is null);
comment on view unmoved_jobs_v is
  'The rows of stuck_jobs_v except queued jobs, with the job on which each is blocked.';

create view stuck_jobs_v as
with stopped_lanes as materialized (
  -- Materialized, so that the hold is worked out once for each lane and not for each job.
  select namespace, agent_id, coalesce(paused_reason, 'the agent is disabled') as reason,
    hold_of_lane(namespace, agent_id) as hold
  from agents a
  -- The stop of a lane by the bus is one message for all of its jobs, and most such lanes try again.
  where not lane_open(a) and (not enabled or refusal_cause is null)
  union all
  select a.namespace, a.agent_id, stop_text(p), stop_text(p)
  from agents a
  cross join lateral pause_over(a.namespace, a.gateway, null) p
  where lane_open(a) and p.pause_id is not null
)
select namespace, job_id, target_agent, subject, state, updated_at, next_move, why
from unmoved_jobs_v
union all
select j.namespace, j.job_id, j.target_agent, j.subject, j.state, j.updated_at, l.hold,
  'its lane is stopped: ' || l.reason
from stopped_lanes l
join jobs j on j.namespace = l.namespace and j.target_agent = l.agent_id
where j.state = 'queued'
  and j.run_after <= now()
union all
select j.namespace, j.job_id, j.target_agent, j.subject, j.state, j.updated_at, stop_text(p),
  'its job type is stopped: ' || p.reason
from pauses p
join jobs j on j.namespace = p.namespace and type_is_in(j.job_type, array[p.name])
where p.kind = 'job_type'
  and p.ended_at is null
  and pause_in_force(p)
  -- One row for each job, also while dev and dev.<kind> are paused.
  and (p.name = split_part(p.name, '.', 1)
    or split_part(p.name, '.', 1) <> all (paused_types(p.namespace)))
  and j.state = 'queued'
  and j.run_after <= now()
  and not exists (
    select from stopped_lanes l where l.namespace = j.namespace and l.agent_id = j.target_agent);
comment on view stuck_jobs_v is
  'Jobs that move only when a person or an agent acts, and jobs that should have moved and did not.';

create view queue_health_summary_v as
select
  namespace,
  target_agent,
  coalesce(sum(jobs) filter (where state = 'waiting'), 0)::bigint as waiting,
  coalesce(sum(jobs) filter (where state = 'queued'), 0)::bigint as queued,
  coalesce(sum(jobs) filter (where state = 'live'), 0)::bigint as live,
  coalesce(sum(jobs) filter (where state = 'blocked'), 0)::bigint as blocked,
  coalesce(sum(jobs) filter (where state = 'dead'), 0)::bigint as dead,
  coalesce(sum(jobs) filter (where state = 'expired'), 0)::bigint as expired_leases,
  coalesce(sum(jobs) filter (where state = 'hotspot'), 0)::bigint as retry_hotspots,
  now() - min(oldest) filter (where state = 'queued') as oldest_queued,
  now() - min(oldest) filter (where state = 'blocked') as oldest_blocked
from (
  -- One query for each partial index. All but those of blocked jobs and of jobs at work read the index alone.
  -- Jobs at work and due jobs are read from the claim mark on, so that a transaction held open costs little.
  select a.namespace, a.agent_id as target_agent, 'queued' as state, q.jobs, q.oldest
  from agents a
  cross join lateral (
    select count(*) as jobs, min(run_after) as oldest
    from jobs
    where namespace = a.namespace
      and target_agent = a.agent_id
      and state = 'queued'
      and run_after <= now()
      and moved_xid >= lane_floor(a.namespace, a.agent_id)
    having count(*) > 0) q
  union all
  select namespace, target_agent, 'queued', count(*), null
  from jobs
  where state = 'queued'
    and run_after > now()
  group by namespace, target_agent
  union all
  select namespace, target_agent, 'waiting', count(*), null
  from jobs
  where state = 'waiting'
  group by namespace, target_agent
  union all
  select namespace, target_agent, 'blocked', count(*), min(updated_at)
  from jobs
  where state = 'blocked'
  group by namespace, target_agent
  union all
  select namespace, target_agent, 'dead', count(*), null
  from jobs
  where state = 'dead'
  group by namespace, target_agent
  union all
  select namespace, target_agent, kind, count(*), null
  from jobs
  cross join lateral (
    values ('live', true), ('expired', leased_until <= now())) k (kind, counts)
  where state in ('leased', 'running')
    and moved_xid >= claim_floor()
    and counts
  group by namespace, target_agent, kind
  union all
  select namespace, target_agent, 'hotspot', count(*), null
  from jobs
  where attempt_count >= hotspot_attempts()
    and ended_at is null
  group by namespace, target_agent) j
group by namespace, target_agent;
comment on view queue_health_summary_v is
  'For each agent with jobs: the number of jobs that have not ended, of dead letters, and the ages of the oldest jobs.';

create view dispatcher_health_summary_v as
select
  dispatcher_id,
  host,
  pid,
  version,
  wake_source,
  listener_connected,
  case
    when stopped_at is not null then 'gone'
    when heartbeat_is_recent(last_seen, beat_seconds) then 'healthy'
    when last_seen > now() - stale_shown() then 'stale'
    else 'gone' end as status,
  round(extract(epoch from now() - last_seen), 1) as age_seconds,
  last_seen,
  last_sweep,
  leases_owned,
  busy_agents,
  created_at as started_at,
  -- Null for a dispatcher of an older version, which serves every namespace.
  metrics ->> 'namespace' as namespace
from dispatcher_heartbeats;
comment on view dispatcher_health_summary_v is
  'Each start of a dispatcher with its status: healthy, stale (it missed its heartbeats a short while ago), or gone.';

create view system_health_snapshot_v as
select n.namespace, q.*, l.*, d.*, r.*, i.*, o.*, c.*, m.*, k.*, v.*
from namespaces n
cross join lateral (
  select
    coalesce(sum(waiting), 0)::bigint as waiting,
    coalesce(sum(queued), 0)::bigint as queued,
    coalesce(sum(live), 0)::bigint as live,
    coalesce(sum(blocked), 0)::bigint as blocked,
    coalesce(sum(dead), 0)::bigint as dead,
    coalesce(sum(expired_leases), 0)::bigint as expired_leases,
    coalesce(sum(retry_hotspots), 0)::bigint as retry_hotspots,
    coalesce(round(extract(epoch from max(oldest_queued))), 0) as oldest_queued_seconds,
    coalesce(round(extract(epoch from max(oldest_blocked))), 0) as oldest_blocked_seconds
  from queue_health_summary_v
  where namespace = n.namespace) q
cross join lateral (
  select
    coalesce(sum(succeeded), 0)::bigint as succeeded_24h,
    coalesce(sum(failed), 0)::bigint as failed_24h,
    coalesce(sum(dead), 0)::bigint as dead_24h,
    coalesce(sum(cancelled), 0)::bigint as cancelled_24h
  from ends_between(n.namespace, now() - interval '24 hours', 'infinity')) l
cross join lateral (
  select
    count(*) filter (where status = 'healthy') as dispatchers_healthy,
    count(*) filter (where status = 'stale') as dispatchers_stale,
    coalesce(sum(leases_owned) filter (where status = 'healthy'), 0)::bigint as leases_owned
  from dispatcher_health_summary_v v
  where n.namespace = any (namespaces_served(v.namespace))) d
cross join lateral (
  select
    count(*) filter (where status = 'started') as runs_started,
    count(*) filter (where status = 'completed') as runs_completed_24h,
    count(*) filter (where status = 'no_work') as runs_no_work_24h,
    count(*) filter (where status = 'blocked') as runs_blocked_24h,
    count(*) filter (where status = 'failed') as runs_failed_24h,
    count(*) filter (where status = 'skipped') as runs_skipped_24h,
    count(*) filter (where status = 'missed') as runs_missed_24h
  from standing_order_runs
  where namespace = n.namespace
    and scheduled_for > now() - interval '24 hours'
    and scheduled_for <= now()) r
cross join lateral (
  select count(*) as ideas_open
  from ideas
  where namespace = n.namespace
    and ended_at is null) i
cross join lateral (
  select
    count(*) as opportunities_open,
    count(*) filter (where status in ('new', 'triaged')) as opportunities_undecided,
    coalesce(round(extract(epoch from now() - min(touched_at) filter (where status in ('new', 'triaged')))), 0)
      as oldest_undecided_seconds
  from opportunities
  where namespace = n.namespace
    and ended_at is null) o
cross join lateral (
  select
    count(*) filter (where status = 'converted_to_job') as opportunities_converted_24h,
    count(*) filter (where status = 'rejected') as opportunities_rejected_24h
  from opportunities
  where namespace = n.namespace
    and decided_at > now() - interval '24 hours') c
cross join lateral (
  select count(*) as memories_active
  from memories
  where namespace = n.namespace
    and status = 'active') m
cross join lateral (
  select count(*) as memory_candidates_open
  from memory_candidates
  where namespace = n.namespace
    and ended_at is null) k
cross join lateral (
  select
    count(*) as memory_reviews_open,
    coalesce(round(extract(epoch from now() - min(created_at))), 0) as oldest_memory_review_seconds
  from memory_reviews
  where namespace = n.namespace
    and closed_at is null) v;
comment on view system_health_snapshot_v is
  'The counts of jobs, dispatchers, slots, proposals and memories: one row for each namespace, also for an empty one.';
