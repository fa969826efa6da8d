-- The numbers and the status of each agent's lane, computed from the ledger alone: its jobs, its attempts and
-- its row in agents.

-- Returns the number of jobs of one agent that are queued, waiting, blocked or dead. Each count stops one
-- above count_cap.
create or replace function lane_counts(
  p_namespace text, p_agent text, out queued bigint, out waiting bigint, out blocked bigint, out dead bigint
) language plpgsql stable as $$
begin
  -- One query for each state, because each reads its own partial index.
  select count(*) into queued
  from (
    select from jobs
    where namespace = p_namespace and target_agent = p_agent and state = 'queued'
    limit count_cap() + 1) j;
  select count(*) into waiting
  from (
    select from jobs
    where namespace = p_namespace and target_agent = p_agent and state = 'waiting'
    limit count_cap() + 1) j;
  select count(*) into blocked
  from (
    select from jobs
    where namespace = p_namespace and target_agent = p_agent and state = 'blocked'
    limit count_cap() + 1) j;
  select count(*) into dead
  from (
    select from jobs
    where namespace = p_namespace and target_agent = p_agent and state = 'dead'
    limit count_cap() + 1) j;
end
$$;

-- Returns the due job of an agent that waits for the longest time, and since when; all null when no job is
-- due. Of each priority only the first job is read, because the index has the earliest first; the index holds
-- proactive jobs apart.
create or replace function oldest_due(p_namespace text, p_agent text, out job_id uuid, out since timestamptz)
language sql stable as $$
  with recursive firsts as (
    select n.*
    from (values (false), (true)) p (proactive)
    cross join lateral (
      select p.proactive, priority, run_after, job_id
      from jobs
      where namespace = p_namespace and target_agent = p_agent and state = 'queued'
        and is_proactive(job_type) = p.proactive
      order by priority desc, run_after, seq
      limit 1) n
    union all
    select n.*
    from firsts f
    cross join lateral (
      select f.proactive, priority, run_after, job_id
      from jobs
      where namespace = p_namespace and target_agent = p_agent and state = 'queued'
        and is_proactive(job_type) = f.proactive
        and priority < f.priority
      order by priority desc, run_after, seq
      limit 1) n
  )
  select job_id, run_after
  from firsts
  where run_after <= now()
  order by run_after
  limit 1
$$;

-- Returns the agents of a namespace with jobs at work: how many, and the attempt that began first. Idle runs
-- take no place in a lane and do not count.
create or replace function lanes_at_work(p_namespace text)
returns table (agent_id text, live bigint, attempt_id uuid, since timestamptz) language sql stable as $$
  select
    j.target_agent,
    count(*),
    (array_agg(t.attempt_id order by t.started_at))[1],
    min(t.started_at)
  from jobs j
  join job_attempts t on t.attempt_id = j.live_attempt
  where j.state in ('leased', 'running')
    and j.moved_xid >= claim_floor()
    and j.namespace = p_namespace
    and not is_idle(j.job_type)
  group by j.target_agent
$$;

-- Returns the attempt of the idle run of an agent, and why the run is asked to close (null: it is not); all
-- null without an idle run.
create or replace function idle_run_of(
  p_namespace text, p_agent text, out attempt_id uuid, out since timestamptz, out stop_reason text
) language sql stable as $$
  select a.attempt_id, a.started_at, i.stop_reason
  from jobs j
  join job_attempts a on a.attempt_id = j.live_attempt
  left join idle_runs i on i.job_id = j.job_id
  where is_idle(j.job_type)
    and j.state in ('leased', 'running')
    and j.moved_xid >= claim_floor()
    and j.namespace = p_namespace
    and j.target_agent = p_agent
  limit 1
$$;

-- Returns the attempt of an agent that ended last, of its newest attempts_looked_at, live or retired, with
-- its job; all null when no attempt names the agent.
create or replace function last_attempt(
  p_namespace text, p_agent text, out attempt_id uuid, out job_id uuid, out finished_at timestamptz
) language sql stable as $$
  select attempt_id, job_id, finished_at
  from (
    (
      select attempt_id, job_id, finished_at, started_at
      from job_attempts
      where namespace = p_namespace
        and agent_id = p_agent
        and finished_at is not null
      order by started_at desc
      limit attempts_looked_at())
    union all
    (
      select attempt_id, job_id, finished_at, started_at
      from job_attempts_history
      where namespace = p_namespace
        and agent_id = p_agent
      order by started_at desc
      limit 1)) a
  order by finished_at desc
  limit 1
$$;

-- Returns whether the namespace has ended attempts of a version that did not note their agent.
create or replace function has_nameless_attempts(p_namespace text) returns boolean language sql stable as $$
  select exists (
      select from job_attempts
      where namespace = p_namespace and agent_id is null and finished_at is not null)
    or exists (
      select from job_attempts_history
      where namespace = p_namespace and agent_id is null)
$$;

-- Returns how many calls of an agent, with its own token or with that of an attempt, were refused within 24
-- hours.
create or replace function refusals_of(p_namespace text, p_agent text) returns bigint
language sql stable as $$
  select coalesce(sum(refused), 0)::bigint
  from refusals
  where namespace = p_namespace
    and actor = any (actors_of(p_agent))
    and minute > now() - interval '24 hours'
$$;

-- Returns one status of an agent with the time and the row from which it follows; without a time when no row
-- tells it.
create or replace function status_with_row(p_status text, p_since timestamptz, p_row text, p_id text)
returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'status', p_status,
    'statusSince', p_since,
    'statusFrom', p_row || ' ' || p_id))
$$;

-- Returns the status of an agent, the first that holds: disabled, stopped (by the bus, because its gateway
-- refuses hook calls, or by a person who stopped everything), paused (by a person: the agent, its gateway or
-- everything), working (since the attempt at work that began first, or since that of a run that goes on after
-- its attempt, which waitsFor describes), waiting (since its oldest due job was due), thinking (since its
-- idle run began; waitsFor says why the run is asked to close) or idle (since the end of the attempt that
-- ended last).
create or replace function lane_status(p_agent agents, p_attempt uuid, p_at_work_since timestamptz)
returns jsonb language plpgsql stable as $$
declare
  v_pause pauses := pause_over(p_agent.namespace, p_agent.gateway, null);
  v_going_on job_attempts;
  v_due record;
  v_idle record;
  v_ended record;
begin
  if not p_agent.enabled then
    return status_with_row('disabled', p_agent.updated_at, 'agent', p_agent.agent_id);
  end if;
  if v_pause.kind = 'everything' then
    return status_with_row(
      case v_pause.mode when 'stop' then 'stopped' else 'paused' end,
      v_pause.since, 'pause', v_pause.pause_id::text);
  end if;
  if lane_paused(p_agent) then
    return status_with_row(
      case when p_agent.refusal_cause is null then 'paused' else 'stopped' end,
      p_agent.paused_at, 'agent', p_agent.agent_id);
  end if;
  if v_pause.kind = 'gateway' then
    return status_with_row('paused', v_pause.since, 'pause', v_pause.pause_id::text);
  end if;
  if p_attempt is not null then
    return status_with_row('working', p_at_work_since, 'attempt', p_attempt::text);
  end if;
  v_going_on := run_going_on(p_agent.namespace, p_agent.agent_id);
  if v_going_on.attempt_id is not null then
    return status_with_row('working', v_going_on.started_at, 'attempt', v_going_on.attempt_id::text)
      || jsonb_build_object('waitsFor', run_text(v_going_on));
  end if;
  select * into v_due from oldest_due(p_agent.namespace, p_agent.agent_id);
  if v_due.job_id is not null then
    return status_with_row('waiting', v_due.since, 'job', v_due.job_id::text)
      || jsonb_build_object('waitsFor', hold_of_lane(p_agent.namespace, p_agent.agent_id));
  end if;
  select * into v_idle from idle_run_of(p_agent.namespace, p_agent.agent_id);
  if v_idle.attempt_id is not null then
    return status_with_row('thinking', v_idle.since, 'attempt', v_idle.attempt_id::text)
      || jsonb_strip_nulls(jsonb_build_object('waitsFor', 'its close, because ' || v_idle.stop_reason));
  end if;
  select * into v_ended from last_attempt(p_agent.namespace, p_agent.agent_id);
  if v_ended.attempt_id is not null then
    return status_with_row('idle', v_ended.finished_at, 'attempt', v_ended.attempt_id::text);
  end if;
  return status_with_row('idle',
    case when not has_nameless_attempts(p_agent.namespace) then p_agent.created_at end,
    'agent', p_agent.agent_id);
end
$$;

-- Returns the numbers and the status of the lane of an agent, as list-agents and overview show them. p_live,
-- p_attempt and p_since are the agent's row of lanes_at_work, null when it has none. capped names the counts
-- that stopped at count_cap.
create or replace function lane_fields(p_agent agents, p_live bigint, p_attempt uuid, p_since timestamptz)
returns jsonb language plpgsql stable as $$
declare
  v_counts record;
  v_capped text[];
begin
  select * into v_counts from lane_counts(p_agent.namespace, p_agent.agent_id);
  v_capped := array(
    select key
    from jsonb_each_text(to_jsonb(v_counts))
    where value::bigint > count_cap()
    order by key);
  return jsonb_build_object(
      'queued', least(v_counts.queued, count_cap()),
      'waiting', least(v_counts.waiting, count_cap()),
      'blocked', least(v_counts.blocked, count_cap()),
      'dead', least(v_counts.dead, count_cap()),
      'live', coalesce(p_live, 0))
    || case when v_capped = '{}' then '{}' else jsonb_build_object('capped', to_jsonb(v_capped)) end
    || lane_status(p_agent, p_attempt, p_since);
end
$$;
