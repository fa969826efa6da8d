-- The criteria of the gate of phase 1, each computed from the ledger since p_from; p_now is the present time.

-- Returns whether a job is work of the fleet, and no drill of week-one.
create or replace function is_real_work(p_subject text) returns boolean language sql immutable as $$
  select p_subject not like 'week-one.%'
$$;

-- Returns how a job, live or retired, came out of a trouble: good (it has a state of p_good), bad (it failed
-- or is a dead letter, also a dismissed one) or open. Null for a job that shows nothing: an unknown one, a
-- drill that did not come out well, and one cancelled before its end, because a cancel by a person, an agent
-- or its parent is a decision and no loss. Each job is looked up by its key.
create or replace function outcome_of(p_job_id uuid, p_good text[]) returns text language sql stable as $$
  select case
    when j.state = any (p_good) then 'good'
    when not is_real_work(j.subject) then null
    when j.state in ('dead', 'failed') then 'bad'
    when j.state <> 'cancelled' then 'open'
    when exists (
      select from audit_log
      where table_name = 'jobs'
        and row_id = p_job_id::text
        and action = 'job.cancelled'
        and detail ->> 'from' = 'dead') then 'bad' end
  from (
    select state, subject from jobs where job_id = p_job_id
    union all
    select state, subject from jobs_history where job_id = p_job_id) j
$$;

-- Returns whether a job of the fleet has ended since p_from other than cancelled, among the newest gate_looks
-- ends.
create or replace function job_has_ended(p_namespace text, p_from timestamptz) returns boolean
language sql stable as $$
  select exists (
    select
    from (
      (select j.state, j.subject
        from jobs j
        where j.namespace = p_namespace and j.ended_at >= p_from
        order by j.ended_at desc
        limit gate_looks())
      union all
      (select h.state, h.subject
        from jobs_history h
        where h.namespace = p_namespace and h.ended_at >= p_from
        order by h.ended_at desc
        limit gate_looks())) e
    where e.state <> 'cancelled'
      and is_real_work(e.subject))
$$;

-- Returns the newest job of the fleet that succeeded from p_from to before p_to, among the newest gate_looks
-- ends; no row when there is none.
create or replace function newest_success(p_namespace text, p_from timestamptz, p_to timestamptz)
returns table (job_id uuid, ended_at timestamptz) language sql stable as $$
  select e.job_id, e.ended_at
  from (
    (select j.job_id, j.ended_at, j.state, j.subject
      from jobs j
      where j.namespace = p_namespace and j.ended_at >= p_from and j.ended_at < p_to
      order by j.ended_at desc
      limit gate_looks())
    union all
    (select h.job_id, h.ended_at, h.state, h.subject
      from jobs_history h
      where h.namespace = p_namespace and h.ended_at >= p_from and h.ended_at < p_to
      order by h.ended_at desc
      limit gate_looks())) e
  where e.state = 'succeeded'
    and is_real_work(e.subject)
  order by e.ended_at desc
  limit 1
$$;

-- Criterion: in each of the last 24 hours of the demanded time since p_from a job of the fleet succeeded.
create or replace function gate_jobs(p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz)
returns jsonb language plpgsql stable as $$
declare
  v_days int;
  v_with int;
  v_sample uuid;
  v_empty timestamptz;
begin
  select count(*), count(s.job_id),
    (array_agg(s.job_id order by d.until desc) filter (where s.job_id is not null))[1],
    max(d.until) filter (where s.job_id is null)
  into v_days, v_with, v_sample, v_empty
  from (
    select p_now - n * interval '1 day' as until, n
    from generate_series(0, extract(epoch from gate_time(p_phase))::int / 86400 - 1) n) d
  left join lateral newest_success(p_namespace, greatest(p_from, d.until - interval '1 day'), d.until) s on true
  -- Days before the phase do not count; the day that is under way always does.
  where d.n = 0 or d.until - interval '1 day' >= p_from;
  return criterion('jobs_end_to_end', 'jobs run from end to end, on every day',
    case when v_with = v_days then 'met' when v_with = 0 then 'not_measured' else 'not_met' end,
    null,
    case
      when v_with = v_days then format('a job succeeded in each of %s', count_of(v_days, 'day', 'days'))
      when v_with = 0 then 'no job has succeeded in this time'
      else format('no job succeeded in the 24 h before %s', utc_text(v_empty)) end,
    jsonb_build_object('days', v_days, 'daysWithSuccess', v_with, 'sample', v_sample),
    gate_command(p_namespace, 'list-jobs --state succeeded --since '
      || utc_text(greatest(p_from, p_now - gate_time(p_phase)))));
end
$$;

-- Returns the enabled orders of a namespace up to a phase, with the newest slot of each since p_from that
-- ended well (at and run_id null when there is none).
create or replace function orders_with_evidence(p_namespace text, p_phase int, p_from timestamptz)
returns table (agent_id text, order_name text, at timestamptz, run_id uuid) language sql stable as $$
  select o.agent_id, o.order_name, s.scheduled_for, s.run_id
  from standing_orders o
  left join lateral (
    select n.scheduled_for, n.run_id
    from newest_slot(o.namespace, o.order_name, good_statuses()) n
    where n.scheduled_for >= p_from) s on true
  where o.namespace = p_namespace
    and o.enabled
    and coalesce(o.phase, 1) <= p_phase
$$;

-- Criterion: a standing order has left completed or no_work since p_from.
create or replace function gate_orders(p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz)
returns jsonb language plpgsql stable as $$
declare
  v_orders int;
  v_with int;
  v_sample uuid;
  v_since timestamptz;
  v_without text;
begin
  select count(*), count(at), (array_agg(run_id order by at desc nulls last))[1], min(at),
    string_agg(order_name, ', ' order by order_name) filter (where at is null)
  into v_orders, v_with, v_sample, v_since, v_without
  from orders_with_evidence(p_namespace, p_phase, p_from);
  return criterion('order_evidence', 'a standing order ends completed or no_work',
    case when v_with > 0 then 'met' else 'not_measured' end,
    v_since,
    case
      when v_orders = 0 then 'no standing order is enabled (agentbus.orders.enabled)'
      when v_with = 0 then 'no slot has ended completed or no_work in this time'
      else format('%s of %s have ended a slot so%s', v_with, count_of(v_orders, 'order', 'orders'),
        coalesce('; not yet: ' || v_without, '')) end,
    jsonb_build_object('orders', v_orders, 'withEvidence', v_with, 'sample', v_sample),
    gate_command(p_namespace, 'list-standing-order-runs --status completed --from ' || utc_text(p_from)));
end
$$;

-- Criterion: all jobs that were blocked since p_from went on (outcome_of), and none has been blocked for too
-- long. It looks at the newest gate_looks blocks.
create or replace function gate_blocks(p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz)
returns jsonb language plpgsql stable as $$
declare
  v_seen record;
  v_stuck record;
begin
  select count(outcome) as blocks,
    count(*) filter (where outcome = 'good') as went_on,
    count(*) filter (where outcome = 'bad') as bad,
    count(*) filter (where outcome = 'open') as open,
    min(at) filter (where outcome = 'bad') as bad_since,
    (array_agg(row_id order by outcome = 'bad' desc, outcome = 'open' desc, at desc)
      filter (where outcome is not null))[1] as sample
  into v_seen
  from (
    select a.row_id, a.created_at as at,
      outcome_of(a.row_id::uuid, '{queued,leased,running,succeeded}') as outcome
    from (
      select row_id, created_at
      from audit_log
      where namespace = p_namespace
        and action = 'job.blocked'
        -- The condition of the index audit_log_by_action.
        and action <> all ('{job.enqueued,job.leased,job.running,job.succeeded}')
        and created_at >= p_from
      order by created_at desc
      limit gate_looks()) a) b;
  select count(*) as jobs, min(updated_at) as since, (array_agg(job_id order by updated_at))[1] as job_id
  into v_stuck
  from (
    select job_id, updated_at
    from jobs
    where namespace = p_namespace
      and state = 'blocked'
      and blocked_until is null
      and updated_at < p_now - blocked_too_long()
    limit gate_looks()) s;
  return criterion('blocks_recover', 'blocked jobs go on',
    case
      when v_stuck.jobs > 0 or v_seen.bad > 0 then 'not_met'
      when v_seen.open = 0 and v_seen.went_on > 0 then 'met'
      else 'not_measured' end,
    coalesce(v_stuck.since + blocked_too_long(), v_seen.bad_since),
    case
      when v_stuck.jobs > 0 then format('%s blocked for more than a day',
        count_of(v_stuck.jobs, 'job has been', 'jobs have been'))
      when v_seen.bad > 0 then format('%s of %s ended in a failure or a dead letter', v_seen.bad,
        count_of(v_seen.blocks, 'block', 'blocks'))
      when v_seen.blocks > 0 then format('%s of %s went on', v_seen.went_on,
        count_of(v_seen.blocks, 'block', 'blocks'))
      else 'no job has been blocked in this time; agentbus week-one blocks one' end,
    jsonb_build_object('blocks', v_seen.blocks, 'wentOn', v_seen.went_on, 'failed', v_seen.bad,
      'open', v_seen.open, 'sample', coalesce(v_stuck.job_id::text, v_seen.sample)),
    case when v_stuck.jobs > 0 then gate_command(p_namespace, 'list-jobs --state blocked')
      else gate_command(p_namespace, 'list-audit --action job.blocked --since ' || utc_text(p_from)) end);
end
$$;

-- Returns the jobs whose attempt was lost since p_from, because its lease ran out or another dispatcher took
-- it over; among the newest gate_looks losses of each kind.
create or replace function jobs_lost(p_namespace text, p_from timestamptz)
returns table (job_id uuid, at timestamptz) language sql stable as $$
  (select source_job_id, created_at
    from events
    where namespace = p_namespace
      and created_at >= p_from
      and topic = 'job.lease_lost'
      -- The condition of the index events_of_trouble.
      and (split_part(topic, '.', 1) in ('audit', 'standing_order') or topic = 'job.lease_lost')
    order by created_at desc
    limit gate_looks())
  union all
  (select row_id::uuid, created_at
    from audit_log
    where namespace = p_namespace
      and action = 'job.adopted'
      and action <> all ('{job.enqueued,job.leased,job.running,job.succeeded}')
      and created_at >= p_from
    order by created_at desc
    limit gate_looks())
$$;

-- Criterion: all jobs whose dispatcher or worker was lost since p_from have succeeded afterwards
-- (outcome_of), and no lease that ran out lies around.
create or replace function gate_losses(p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz)
returns jsonb language plpgsql stable as $$
declare
  v_seen record;
  v_stuck record;
  v_nodes int;
begin
  select count(outcome) as jobs,
    count(*) filter (where outcome = 'good') as succeeded,
    count(*) filter (where outcome = 'bad') as bad,
    count(*) filter (where outcome = 'open') as open,
    coalesce(min(at) filter (where outcome = 'bad'), min(at) filter (where outcome = 'good')) as since,
    (array_agg(job_id order by outcome = 'bad' desc, outcome = 'open' desc, at desc)
      filter (where outcome is not null))[1] as sample
  into v_seen
  from (
    select job_id, min(at) as at, outcome_of(job_id, '{succeeded}') as outcome
    from jobs_lost(p_namespace, p_from)
    group by job_id) s;
  select count(*) as jobs, min(leased_until) as since, (array_agg(job_id order by leased_until))[1] as job_id
  into v_stuck
  from jobs
  where namespace = p_namespace
    and state in ('leased', 'running')
    and leased_until < p_now - expired_to_stuck()
    -- A later moment than the present one only serves the clock of the gate.
    and leased_until < now() - expired_to_stuck();
  select count(*) into v_nodes
  from dispatcher_health_summary_v
  where status <> 'healthy'
    and last_seen >= p_from
    and p_namespace = any (namespaces_served(namespace))
    and dispatcher_id in (select dispatcher_id from dispatcher_heartbeats where stopped_at is null);
  return criterion('losses_recover', 'a dispatcher that is killed in the middle of a run loses nothing',
    case
      when v_stuck.jobs > 0 or v_seen.bad > 0 then 'not_met'
      when v_seen.open = 0 and v_seen.succeeded > 0 then 'met'
      else 'not_measured' end,
    coalesce(v_stuck.since, v_seen.since),
    case
      when v_stuck.jobs > 0 then format('the lease of %s has run out, and no sweep has ended it',
        count_of(v_stuck.jobs, 'job', 'jobs'))
      when v_seen.bad > 0 then format('%s of %s failed or became a dead letter', v_seen.bad,
        count_of(v_seen.jobs, 'job that lost its attempt', 'jobs that lost their attempt'))
      when v_seen.jobs > 0 then format('%s of %s succeeded afterwards', v_seen.succeeded,
        count_of(v_seen.jobs, 'job that lost its attempt', 'jobs that lost their attempt'))
      else 'no attempt has been lost in this time; agentbus week-one loses one' end,
    jsonb_build_object('lost', v_seen.jobs, 'succeeded', v_seen.succeeded, 'failed', v_seen.bad,
      'open', v_seen.open, 'nodesLost', v_nodes, 'sample', coalesce(v_stuck.job_id, v_seen.sample)),
    gate_command(p_namespace, 'list-events --topic job.lease_lost'));
end
$$;

-- Criterion: one query shows the health, and a dispatcher is alive.
create or replace function gate_health(p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz)
returns jsonb language plpgsql stable as $$
declare
  v_health record;
begin
  select * into v_health from system_health_snapshot_v where namespace = p_namespace;
  return criterion('health_in_one_query', 'one query shows the health',
    case when v_health.dispatchers_healthy > 0 then 'met' else 'not_met' end,
    null,
    case
      when v_health.dispatchers_healthy > 0 then format('one row, with %s alive',
        count_of(v_health.dispatchers_healthy, 'dispatcher', 'dispatchers'))
      else 'no dispatcher is alive' end,
    jsonb_build_object('queued', v_health.queued, 'live', v_health.live, 'blocked', v_health.blocked,
      'dead', v_health.dead, 'expiredLeases', v_health.expired_leases,
      'dispatchersHealthy', v_health.dispatchers_healthy),
    gate_command(p_namespace, 'health'));
end
$$;

-- Criterion: a person has looked at each dead letter, and has redriven or dismissed it with a reason. Without
-- any end of a job since p_from there is nothing to judge.
create or replace function gate_dead(p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz)
returns jsonb language plpgsql stable as $$
declare
  v_dead record;
  v_ended boolean := job_has_ended(p_namespace, p_from);
begin
  select count(*) as jobs, min(ended_at) as since, (array_agg(job_id order by ended_at))[1] as job_id
  into v_dead
  from (
    select job_id, ended_at from jobs where namespace = p_namespace and state = 'dead' limit count_cap()) d;
  return criterion('dead_letters_explained', 'the cause of every dead letter is known',
    case when v_dead.jobs > 0 then 'not_met' when v_ended then 'met' else 'not_measured' end,
    v_dead.since,
    case
      when v_dead.jobs > 0 then format('%s for a person (redrive-job or dismiss-job, each with the reason)',
        count_of(v_dead.jobs, 'dead letter waits', 'dead letters wait'))
      when v_ended then 'no dead letter waits'
      else 'no job has ended in this time' end,
    jsonb_build_object('dead', v_dead.jobs, 'sample', v_dead.job_id),
    gate_command(p_namespace, 'list-jobs --state dead'));
end
$$;
