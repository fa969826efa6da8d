-- These checks are the part of the auditor that needs no model. They cover every namespace and emit one
-- event for each finding; the standing orders of the auditor agent judge what the findings mean.

-- Returns an error with its ids and numbers replaced, so that the same error always has the same text. The
-- text is cut last, because half an id would not be replaced.
create or replace function error_pattern(p_error text) returns text language sql immutable as $$
  select left(
    regexp_replace(lower(p_error), '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]+', '#', 'g'),
    200)
$$;

-- Returns a dedupe key made of a name and a time, so that append_event keeps one event for each pair; a null
-- time becomes 'never'. The time is written as seconds since 1970, because as text it would differ between
-- nodes with different time zones.
create or replace function once_key(p_what text, p_at timestamptz) returns text language sql immutable as $$
  select p_what || ':' || coalesce(extract(epoch from p_at)::text, 'never')
$$;

-- Emits audit.failure_cluster for at least cluster_size failures of one agent with the same error within
-- cluster_window, at most once in each clock hour for an agent and an error.
create or replace function audit_failure_clusters(p_now timestamptz) returns void language sql as $$
  select append_event(namespace, 'audit.failure_cluster', null, null,
    jsonb_build_object(
      'agentId', target_agent,
      'error', sample,
      'pattern', pattern,
      'failures', failures,
      'jobs', jobs,
      'windowMinutes', extract(epoch from cluster_window())::int / 60),
    once_key(target_agent || ':' || md5(pattern), date_trunc('hour', p_now, 'UTC')))
  from (
    select a.namespace, j.target_agent, error_pattern(a.error) as pattern,
      min(a.error) as sample,
      count(*) as failures,
      (array_agg(distinct a.job_id))[:cluster_jobs_listed()] as jobs
    from job_attempts a
    join jobs j using (job_id)
    where a.status in ('failed', 'timed_out')
      and a.finished_at > p_now - cluster_window()
      and a.error is not null
    group by a.namespace, j.target_agent, error_pattern(a.error)
    having count(*) >= cluster_size()) c
$$;

-- Emits audit.dead_letters_rising for an agent that got at least dead_letters_to_tell dead letters in the
-- last hour, and more than in the hour before; at most once in each clock hour.
create or replace function audit_rising_dead_letters(p_now timestamptz) returns void language sql as $$
  select append_event(namespace, 'audit.dead_letters_rising', null, null,
    jsonb_build_object('agentId', target_agent, 'lastHour', last_hour, 'hourBefore', hour_before),
    once_key(target_agent, date_trunc('hour', p_now, 'UTC')))
  from (
    select namespace, target_agent,
      count(*) filter (where ended_at > p_now - interval '1 hour') as last_hour,
      count(*) filter (
        where ended_at <= p_now - interval '1 hour'
          and ended_at > p_now - interval '2 hours') as hour_before
    from jobs
    where state = 'dead'
    group by namespace, target_agent) d
  where last_hour >= dead_letters_to_tell()
    and last_hour > hour_before
$$;

-- Emits audit.stuck_job about the jobs in stuck_jobs_v that have not changed for longer than stuck_after. One
-- event stands for all jobs that are blocked on the same job, and one for all due jobs of a stopped lane,
-- because one decision moves all of them.
create or replace function audit_stuck_jobs(p_now timestamptz) returns void language plpgsql as $$
begin
  perform audit_unmoved_jobs(p_now);
  perform audit_stopped_lanes(p_now);
end
$$;

-- Emits audit.stuck_job for each job in unmoved_jobs_v, or for the first that is blocked on the same job. A
-- job gets a second event only after it has changed and is stuck again.
create or replace function audit_unmoved_jobs(p_now timestamptz) returns void language sql as $$
  select append_event(namespace, 'audit.stuck_job', target_agent, job_id,
    jsonb_build_object(
      'jobId', job_id,
      'targetAgent', target_agent,
      'subject', subject,
      'state', state,
      'why', why,
      'nextMove', next_move,
      'jobs', jobs,
      'since', updated_at),
    once_key(coalesce(blocked_on_job, job_id)::text, coalesce(
      (select ended_at from jobs where job_id = blocked_on_job), updated_at)))
  from (
    select distinct on (coalesce(blocked_on_job, job_id)) *,
      count(*) over (partition by coalesce(blocked_on_job, job_id)) as jobs
    from unmoved_jobs_v
    where updated_at < p_now - stuck_after()
    order by coalesce(blocked_on_job, job_id), job_id) u
$$;

-- Emits audit.stuck_job for the first due job of each stopped lane, once for each stop. Reads one job of a
-- lane, so that a long queue costs nothing.
create or replace function audit_stopped_lanes(p_now timestamptz) returns void language sql as $$
  select append_event(a.namespace, 'audit.stuck_job', a.agent_id, j.job_id,
    jsonb_build_object(
      'jobId', j.job_id,
      'targetAgent', a.agent_id,
      'subject', j.subject,
      'state', 'queued',
      'why', 'its lane is stopped: ' || coalesce(a.paused_reason, 'the agent is disabled'),
      'nextMove', hold_of_lane(a.namespace, a.agent_id),
      'since', j.updated_at),
    once_key('lane:' || a.agent_id, coalesce(a.paused_at, a.updated_at)))
  from agents a
  cross join lateral (
    select job_id, subject, updated_at
    from jobs
    where namespace = a.namespace
      and target_agent = a.agent_id
      and state = 'queued'
      and run_after <= p_now
    order by is_proactive(job_type), priority desc, run_after, seq
    limit 1) j
  -- Without the lanes that gateway.calls_refused or gateway.wrong_agent has reported, as in stuck_jobs_v.
  where not lane_open(a)
    and (not a.enabled or a.refusal_cause is null)
    and j.updated_at < p_now - stuck_after()
$$;

-- Emits audit.ended_without_closing once for each attempt that was admitted and never closed: its gateway
-- reported the end of its run, or its lease ran out. An attempt whose run died with its gateway does not
-- count, because its agent did nothing wrong.
create or replace function audit_silent_ends(p_now timestamptz) returns void language sql as $$
  select append_event(a.namespace, 'audit.ended_without_closing', j.target_agent, a.job_id,
    jsonb_build_object(
      'jobId', a.job_id,
      'attemptNo', a.attempt_no,
      'targetAgent', j.target_agent,
      'subject', j.subject,
      'error', a.error),
    a.attempt_id::text)
  from job_attempts a
  join jobs j using (job_id)
  where a.finished_at > p_now - silent_ends_window()
    and (a.status = 'failed' and a.error like 'ended\_without\_closing:%'
      or a.status = 'timed_out' and a.admitted_at is not null and a.interrupted_at is null)
    -- The slot of an idle run says so, and nothing that an idle run brings up is an alert.
    and not is_idle(j.job_type)
$$;

-- Emits standing_order.silent for each order whose health is silent, and not again until the order has run.
create or replace function audit_silent_orders(p_now timestamptz) returns void language sql as $$
  select append_event(namespace, 'standing_order.silent', null, null,
    jsonb_build_object(
      'order', order_name,
      'agentId', agent_id,
      'lastRun', last_run_at,
      'slotsSince', slots_since_last_run),
    once_key(order_name, last_run_at))
  from standing_order_health_summary_v
  where health = 'silent'
$$;

-- Cancels stale blocked.replan jobs; one of the checks of audit_bus.
create or replace function audit_stale_replans(p_now timestamptz) returns void language sql as $$
  select cancel_stale_replans()
$$;
drop function if exists audit_stale_questions(timestamptz);

-- Runs every check of the auditor at p_now, and cancels stale blocked.replan jobs. A
-- check that fails does not stop the others: it emits audit.check_failed, at most once an hour.
create or replace function audit_bus(p_now timestamptz default now()) returns void language plpgsql as $$
declare
  v_check text;
begin
  perform act_as('{"kind": "dispatcher", "name": "auditor"}', 'seen by the bus itself');
  foreach v_check in array '{audit_failure_clusters,audit_rising_dead_letters,audit_stuck_jobs,'
    'audit_silent_ends,audit_silent_orders,audit_stale_replans,'
    'audit_spam,audit_stale_proposals,audit_duplicates,audit_low_confidence,audit_budget_abuse,'
    'audit_orphaned_conversions,'
    'audit_overdue_memories,audit_every_memory,audit_contradicted_memories,audit_wrong_memories,'
    'audit_memory_growth,'
    'audit_idle_overstays,audit_idle_never_ran}'::text[]
  loop
    begin
      execute format('select %I($1)', v_check) using p_now;
    exception when others then
      perform append_event_of_failure('default', 'audit.check_failed', null,
        jsonb_build_object('check', v_check, 'error', sqlerrm),
        once_key(v_check, date_trunc('hour', p_now, 'UTC')));
    end;
  end loop;
end
$$;
