-- The criteria of the gate of phase 2, each computed from the ledger since p_from; p_now is the present time.

-- Returns the enabled agents of the fleet. The agent week-one does not belong to it, although drills that
-- were broken off leave it enabled.
create or replace function agents_of_fleet(p_namespace text) returns setof text language sql stable as $$
  select agent_id
  from agents
  where namespace = p_namespace
    and enabled
    and gateway <> 'week-one'
$$;

-- Criterion: every enabled agent of the fleet has a standing order that left completed or no_work since
-- p_from.
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
  from agents_of_fleet(p_namespace) a (agent_id)
  left join (
    select agent_id, min(at) as at
    from orders_with_evidence(p_namespace, p_phase, p_from)
    group by agent_id) e using (agent_id);
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
  cross join lateral (
    select coalesce(
      (select subject from jobs where job_id = a.job_id),
      (select subject from jobs_history where job_id = a.job_id)) as subject
    offset 0) s
  where a.status = 'succeeded'
    and is_real_work(s.subject)
    and s.subject not like 'standing\_order.%'
  order by a.started_at desc
  limit 1
$$;

-- Criterion: every enabled agent of the fleet has done a job since p_from that was no standing order.
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
  from agents_of_fleet(p_namespace) a (agent_id)
  left join lateral real_job_of(p_namespace, a.agent_id, p_from) r on true;
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
  v_ended boolean := job_has_ended(p_namespace, v_window);
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
