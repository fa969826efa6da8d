-- The gates of the phases, computed from the ledger. docs/guide/phases.md explains each criterion.
--
-- A criterion is met only by rows that show it: an empty table gives not_measured. Each read follows an index
-- or stops after gate_looks rows, so the cost does not grow with the number of jobs.

-- Returns one criterion of a gate: its name, its sentence, its status (met, not_met or not_measured), since
-- when it has this status, why, the numbers and samples that were seen, and the command that shows them.
create or replace function criterion(
  p_name text, p_words text, p_status text, p_since timestamptz, p_why text, p_seen jsonb, p_evidence text
) returns jsonb language sql immutable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'name', p_name,
    'criterion', p_words,
    'status', p_status,
    'since', p_since,
    'why', p_why,
    'seen', jsonb_strip_nulls(p_seen),
    'evidence', p_evidence))
$$;

-- Returns a command of the command line for the namespace.
create or replace function gate_command(p_namespace text, p_command text) returns text
language sql immutable as $$
  select 'agentbus ' || p_command || case when p_namespace <> 'default' then ' --namespace ' || p_namespace else '' end
$$;

-- Returns a length of time in whole hours, for sentences.
create or replace function in_hours(p_length interval) returns text language sql immutable as $$
  select floor(extract(epoch from p_length) / 3600)::bigint || ' h'
$$;

-- Returns whether a job is work of the fleet, and no drill of week-one.
create or replace function is_real_work(p_subject text) returns boolean language sql immutable as $$
  select p_subject not like 'week-one.%'
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
  select count(*), count(s.job_id), (array_agg(s.job_id order by d.until desc) filter (where s.job_id is not null))[1],
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

-- Criterion: jobs that were blocked since p_from went on, and none has been blocked for too long. It looks at
-- the newest gate_looks blocks.
create or replace function gate_blocks(p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz)
returns jsonb language plpgsql stable as $$
declare
  v_blocked int;
  v_on int;
  v_sample text;
  v_stuck record;
begin
  select count(*), count(*) filter (where went_on), (array_agg(row_id order by at desc) filter (where went_on))[1]
  into v_blocked, v_on, v_sample
  from (
    select a.row_id, a.created_at as at, coalesce(j.state, h.state) in ('queued', 'leased', 'running', 'succeeded')
      as went_on
    from (
      select row_id, created_at
      from audit_log
      where namespace = p_namespace
        and action = 'job.blocked'
        -- The condition of the index audit_log_by_action.
        and action <> all ('{job.enqueued,job.leased,job.running,job.succeeded}')
        and created_at >= p_from
      order by created_at desc
      limit gate_looks()) a
    left join jobs j on j.job_id = a.row_id::uuid
    left join jobs_history h on h.job_id = a.row_id::uuid) b;
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
    case when v_stuck.jobs > 0 then 'not_met' when v_on > 0 then 'met' else 'not_measured' end,
    v_stuck.since + blocked_too_long(),
    case
      when v_stuck.jobs > 0 then format('%s blocked for more than a day',
        count_of(v_stuck.jobs, 'job has been', 'jobs have been'))
      when v_on > 0 then format('%s of %s went on', v_on, count_of(v_blocked, 'block', 'blocks'))
      when v_blocked > 0 then format('none of %s has gone on yet', count_of(v_blocked, 'block', 'blocks'))
      else 'no job has been blocked in this time; agentbus week-one blocks one' end,
    jsonb_build_object('blocks', v_blocked, 'wentOn', v_on, 'sample', coalesce(v_stuck.job_id::text, v_sample)),
    case when v_stuck.jobs > 0 then gate_command(p_namespace, 'list-jobs --state blocked')
      else gate_command(p_namespace, 'list-audit --action job.blocked --since ' || utc_text(p_from)) end);
end
$$;

-- Returns the jobs whose attempt was lost since p_from, because its lease ran out or another dispatcher took it
-- over; among the newest gate_looks losses of each kind.
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

-- Criterion: jobs whose dispatcher or worker was lost since p_from have succeeded afterwards, and no lease
-- that ran out lies around.
create or replace function gate_losses(p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz)
returns jsonb language plpgsql stable as $$
declare
  v_lost int;
  v_done int;
  v_sample uuid;
  v_since timestamptz;
  v_stuck record;
  v_nodes int;
begin
  select count(*), count(*) filter (where state = 'succeeded'),
    (array_agg(job_id order by at desc) filter (where state = 'succeeded'))[1],
    min(at) filter (where state = 'succeeded')
  into v_lost, v_done, v_sample, v_since
  from (
    select l.job_id, l.at, coalesce(j.state, h.state) as state
    from jobs_lost(p_namespace, p_from) l
    left join jobs j on j.job_id = l.job_id
    left join jobs_history h on h.job_id = l.job_id) s;
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
    case when v_stuck.jobs > 0 then 'not_met' when v_done > 0 then 'met' else 'not_measured' end,
    coalesce(v_stuck.since, v_since),
    case
      when v_stuck.jobs > 0 then format('the lease of %s has run out, and no sweep has ended it',
        count_of(v_stuck.jobs, 'job', 'jobs'))
      when v_done > 0 then format('%s of %s succeeded afterwards', v_done,
        count_of(v_lost, 'job that lost its attempt', 'jobs that lost their attempt'))
      when v_lost > 0 then format('none of %s has succeeded yet',
        count_of(v_lost, 'job that lost its attempt', 'jobs that lost their attempt'))
      else 'no attempt has been lost in this time; agentbus week-one loses one' end,
    jsonb_build_object('lost', v_lost, 'succeeded', v_done, 'nodesLost', v_nodes,
      'sample', coalesce(v_stuck.job_id, v_sample)),
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
  v_ended boolean := exists (select from jobs where namespace = p_namespace and ended_at >= p_from)
    or exists (select from jobs_history where namespace = p_namespace and ended_at >= p_from);
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

-- Criterion: every enabled agent has a standing order that left completed or no_work since p_from.
create or replace function gate_agent_orders(
  p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz
) returns jsonb language plpgsql stable as $$
declare
  v_agents int;
  v_with int;
  v_without text;
  v_since timestamptz;
begin
  select count(*), count(e.at), string_agg(a.agent_id, ', ' order by a.agent_id) filter (where e.at is null),
    max(e.at)
  into v_agents, v_with, v_without, v_since
  from agents a
  left join (
    select agent_id, min(at) as at
    from orders_with_evidence(p_namespace, p_phase, p_from)
    group by agent_id) e using (agent_id)
  where a.namespace = p_namespace
    and a.enabled;
  return criterion('every_agent_order', 'every agent has left evidence of a standing order',
    case when v_agents = 0 then 'not_measured' when v_with = v_agents then 'met' else 'not_met' end,
    case when v_with = v_agents then v_since end,
    case
      when v_agents = 0 then 'no agent is enabled'
      else format('%s of %s%s', v_with, count_of(v_agents, 'agent', 'agents'), coalesce('; not yet: ' || v_without, ''))
      end,
    jsonb_build_object('agents', v_agents, 'withEvidence', v_with),
    gate_command(p_namespace, 'standing-order-calendar --from ' || utc_text(p_from)));
end
$$;

-- Returns the newest job that an agent has done since p_from and that no standing order and no drill asked
-- for, among its newest gate_looks attempts; no row when there is none.
create or replace function real_job_of(p_namespace text, p_agent text, p_from timestamptz)
returns table (job_id uuid, at timestamptz) language sql stable as $$
  select a.job_id, a.finished_at
  from (
    (select t.job_id, t.finished_at, t.started_at, t.status
      from job_attempts t
      where t.namespace = p_namespace and t.agent_id = p_agent and t.finished_at is not null
        and t.started_at >= p_from
      order by t.started_at desc
      limit gate_looks())
    union all
    (select t.job_id, t.finished_at, t.started_at, t.status
      from job_attempts_history t
      where t.namespace = p_namespace and t.agent_id = p_agent and t.started_at >= p_from
      order by t.started_at desc
      limit gate_looks())) a
  left join jobs j on j.job_id = a.job_id
  left join jobs_history h on h.job_id = a.job_id
  where a.status = 'succeeded'
    and is_real_work(coalesce(j.subject, h.subject))
    and coalesce(j.subject, h.subject) not like 'standing\_order.%'
  order by a.started_at desc
  limit 1
$$;

-- Criterion: every enabled agent has done a job since p_from that was no standing order.
create or replace function gate_agent_jobs(
  p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz
) returns jsonb language plpgsql stable as $$
declare
  v_agents int;
  v_with int;
  v_without text;
  v_sample uuid;
begin
  select count(*), count(r.job_id),
    string_agg(a.agent_id, ', ' order by a.agent_id) filter (where r.job_id is null),
    (array_agg(r.job_id order by r.at desc nulls last))[1]
  into v_agents, v_with, v_without, v_sample
  from agents a
  left join lateral real_job_of(p_namespace, a.agent_id, p_from) r on true
  where a.namespace = p_namespace
    and a.enabled;
  return criterion('every_agent_job', 'every agent has done one real job',
    case when v_agents = 0 then 'not_measured' when v_with = v_agents then 'met' else 'not_met' end,
    null,
    case
      when v_agents = 0 then 'no agent is enabled'
      else format('%s of %s%s', v_with, count_of(v_agents, 'agent', 'agents'), coalesce('; not yet: ' || v_without, ''))
      end,
    jsonb_build_object('agents', v_agents, 'withJob', v_with, 'sample', v_sample),
    gate_command(p_namespace, 'list-jobs --state succeeded --since ' || utc_text(p_from)));
end
$$;

-- Returns the patterns of failures that showed for the first time from p_from on: the first
-- audit.failure_cluster of an agent and an error that the table of events has.
create or replace function new_failure_patterns(p_namespace text, p_from timestamptz)
returns table (at timestamptz, agent_id text, pattern text, event_id uuid) language sql stable as $$
  select *
  from (
    select distinct on (payload ->> 'agentId', payload ->> 'pattern')
      created_at as at, payload ->> 'agentId', payload ->> 'pattern', event_id
    from events
    where namespace = p_namespace
      and created_at > '-infinity'
      and topic = 'audit.failure_cluster'
      and (split_part(topic, '.', 1) in ('audit', 'standing_order') or topic = 'job.lease_lost')
    order by payload ->> 'agentId', payload ->> 'pattern', created_at) f
  where f.at >= p_from
$$;

-- Criterion: no agent failed in a new way within the demanded time; without ends of jobs there is nothing to
-- judge.
create or replace function gate_failures(p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz)
returns jsonb language plpgsql stable as $$
declare
  v_window timestamptz := greatest(p_from, p_now - gate_time(p_phase));
  v_new record;
  v_ended boolean := exists (select from jobs where namespace = p_namespace and ended_at >= v_window)
    or exists (select from jobs_history where namespace = p_namespace and ended_at >= v_window);
begin
  select count(*) as patterns, max(at) as at, (array_agg(agent_id order by at desc))[1] as agent_id,
    (array_agg(pattern order by at desc))[1] as pattern, (array_agg(event_id order by at desc))[1] as event_id
  into v_new
  from new_failure_patterns(p_namespace, v_window);
  return criterion('no_new_failure', 'no new kind of failure shows',
    case when v_new.patterns > 0 then 'not_met' when v_ended then 'met' else 'not_measured' end,
    v_new.at,
    case
      when v_new.patterns > 0 then format('agent %s failed in a new way: %s', v_new.agent_id,
        in_sentence(v_new.pattern))
      when v_ended then format('none since %s', utc_text(v_window))
      else 'no job has ended in this time' end,
    jsonb_build_object('newPatterns', v_new.patterns, 'sample', v_new.event_id),
    gate_command(p_namespace, 'list-events --topic audit.failure_cluster'));
end
$$;

-- Criterion: a person has signed off the phase before.
create or replace function gate_before(p_namespace text, p_phase int) returns jsonb
language plpgsql stable as $$
declare
  v_before phase_sign_offs := sign_off_of(p_namespace, p_phase - 1);
begin
  return criterion('phase_before', format('phase %s is signed off', p_phase - 1),
    case when v_before.sign_off_id is not null then 'met' else 'not_met' end,
    v_before.signed_at,
    case when v_before.sign_off_id is not null then sign_off_text(v_before)
      else format('nobody has signed off phase %s', p_phase - 1) end,
    jsonb_build_object('sample', v_before.sign_off_id),
    gate_command(p_namespace, 'list-sign-offs'));
end
$$;

-- Returns the criteria of a phase whose lanes are not built, so that no row can show them.
create or replace function unbuilt_criteria(p_phase int) returns table (place int, name text, words text, lane text)
language sql immutable as $$
  select u.place, u.name, u.words, u.lane
  from (values
    (3, 1, 'idea_surfaced', 'an idea has been proposed', 'ideas'),
    (3, 2, 'opportunity_converted', 'an opportunity has become a job', 'opportunities'),
    (3, 3, 'budgets_respected', 'the budgets of proposals hold', 'proposal budgets'),
    (3, 4, 'digest_is_short', 'the digest is short', 'digests'),
    (4, 1, 'memories_promoted', 'memories are promoted for three roles', 'memory'),
    (4, 2, 'memories_in_prompts', 'no prompt has more than ten memories', 'memory'),
    (4, 3, 'memories_reviewed', 'stale memories are reviewed', 'memory'),
    (5, 1, 'idle_under_budget', 'idle output stays within its budget', 'idle cognition'),
    (5, 2, 'vault_agrees', 'vault and database agree', 'the vault')) u (phase, place, name, words, lane)
  where u.phase = p_phase
$$;

-- Returns the newest breach of a gate since p_from, which begins its time anew: a missed slot, a job that
-- stands still because a sweep or a cascade did not move it, and from phase 2 on a new pattern of failures. All
-- null when there is none.
create or replace function last_breach(
  p_namespace text, p_phase int, p_from timestamptz, out o_at timestamptz, out o_what text, out o_sample text
) language sql stable as $$
  select b.at, b.what, b.sample
  from (
    (select r.finished_at as at, format('slot %s of standing order %s was missed: %s', utc_text(r.scheduled_for),
        r.order_name, r.summary) as what, r.run_id::text as sample
      from standing_order_runs r
      join standing_orders o on o.namespace = r.namespace and o.order_name = r.order_name
      where r.namespace = p_namespace
        and r.status = 'missed'
        and r.finished_at >= p_from
        and coalesce(o.phase, 1) <= p_phase
      order by r.finished_at desc
      limit 1)
    union all
    (select created_at, format('job %s stood still: %s', payload ->> 'jobId', payload ->> 'why'), payload ->> 'jobId'
      from events
      where namespace = p_namespace
        and created_at >= p_from
        and topic = 'audit.stuck_job'
        and (split_part(topic, '.', 1) in ('audit', 'standing_order') or topic = 'job.lease_lost')
        and payload ->> 'state' in ('leased', 'running', 'waiting')
      order by created_at desc
      limit 1)
    union all
    (select at, format('agent %s failed in a new way: %s', agent_id, in_sentence(pattern)), event_id::text
      from new_failure_patterns(p_namespace, p_from)
      where p_phase >= 2
      order by at desc
      limit 1)) b
  order by b.at desc
  limit 1
$$;

-- Criterion: the demanded time has passed since p_clock without a breach. p_breach is the breach that began
-- the time anew; null when the phase itself did.
create or replace function gate_clock(
  p_namespace text, p_phase int, p_clock timestamptz, p_breach text, p_sample text, p_now timestamptz
) returns jsonb language sql stable as $$
  select criterion('time_without_breach', format('this lasts for %s', in_hours(gate_time(p_phase))),
    case when p_now - p_clock >= gate_time(p_phase) then 'met' else 'not_met' end,
    p_clock,
    format('%s of %s since %s, when %s', in_hours(p_now - p_clock), in_hours(gate_time(p_phase)), utc_text(p_clock),
      coalesce(p_breach, format('phase %s was turned on', p_phase))),
    jsonb_build_object('hours', floor(extract(epoch from p_now - p_clock) / 3600), 'sample', p_sample),
    gate_command(p_namespace, 'list-standing-order-runs --status missed --from ' || utc_text(p_clock)))
$$;

-- Returns the criteria of the gate of a phase that has been on since p_from, in the order of the guide. The
-- breach that began the time of the gate anew is o_what of p_breach.
create or replace function gate_criteria(
  p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz
) returns jsonb language plpgsql stable as $$
declare
  v_criteria jsonb := '[]';
  v_breach record;
begin
  select * into v_breach from last_breach(p_namespace, p_phase, p_from);
  if p_phase = 1 then
    v_criteria := jsonb_build_array(
      gate_jobs(p_namespace, p_phase, p_from, p_now),
      gate_orders(p_namespace, p_phase, p_from, p_now),
      gate_blocks(p_namespace, p_phase, p_from, p_now),
      gate_losses(p_namespace, p_phase, p_from, p_now),
      gate_health(p_namespace, p_phase, p_from, p_now),
      gate_dead(p_namespace, p_phase, p_from, p_now));
  elsif p_phase = 2 then
    v_criteria := jsonb_build_array(
      gate_agent_orders(p_namespace, p_phase, p_from, p_now),
      gate_agent_jobs(p_namespace, p_phase, p_from, p_now),
      gate_failures(p_namespace, p_phase, p_from, p_now));
  end if;
  return v_criteria
    || coalesce((
      select jsonb_agg(criterion(name, words, 'not_measured', null,
        format('not measured: the lane of %s is not built', lane), '{}', null) order by place)
      from unbuilt_criteria(p_phase)), '[]')
    || case when p_phase > 1 then jsonb_build_array(gate_before(p_namespace, p_phase)) else '[]' end
    || gate_clock(p_namespace, p_phase, greatest(p_from, v_breach.o_at), v_breach.o_what, v_breach.o_sample, p_now);
end
$$;

-- Returns the result of the gate of a phase at p_now: its status (met when every criterion is, not_met when
-- one is not, otherwise not_measured), the time that it demands, and its criteria. While the phase is off no
-- criterion is measured.
create or replace function gate_result(p_namespace text, p_phase int, p_now timestamptz default now())
returns jsonb language plpgsql stable as $$
declare
  v_row phases := phase_row(p_namespace, p_phase);
  v_criteria jsonb := gate_criteria(p_namespace, p_phase, coalesce(v_row.changed_at, p_now), p_now);
begin
  if v_row.is_on is not true then
    select jsonb_agg(c || jsonb_build_object('status', 'not_measured', 'why',
      coalesce(phase_off_text(p_namespace, p_phase), 'no node has noted its phase yet')) - 'since' - 'seen'
      order by place)
    into v_criteria
    from jsonb_array_elements(v_criteria) with ordinality e (c, place);
  end if;
  return jsonb_build_object(
    'phase', p_phase,
    'name', phase_name(p_phase),
    'namespace', p_namespace,
    'status', (
      select case
        when bool_and(c ->> 'status' = 'met') then 'met'
        when bool_or(c ->> 'status' = 'not_met') then 'not_met'
        else 'not_measured' end
      from jsonb_array_elements(v_criteria) c),
    'demandedHours', floor(extract(epoch from gate_time(p_phase)) / 3600),
    'measuredAt', p_now,
    'criteria', v_criteria)
    || case when v_row.is_on then jsonb_build_object('onSince', v_row.changed_at) else '{}' end;
end
$$;

create or replace function phase_gate(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_phase int := phase_of(p_input);
  v_sign_off phase_sign_offs := sign_off_of(v_namespace, v_phase);
begin
  return gate_result(v_namespace, v_phase)
    || case when v_sign_off.sign_off_id is not null then jsonb_build_object('signOff', sign_off_text(v_sign_off))
      else '{}' end;
end
$$;
comment on function phase_gate(jsonb, jsonb) is
  'The operation phaseGate: the gate of a phase, criterion by criterion, computed from the ledger: met, not_met or not_measured, since when, why, and the command that shows the rows. Changes nothing. Refuses a phase that does not exist (422).';
