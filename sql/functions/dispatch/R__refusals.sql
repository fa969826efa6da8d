-- A gateway refuses hook calls: the lane of the agent stops and tries again by itself, and a job that alone
-- is refused is set aside.
--
-- One refusal does not show what is wrong: the job, the mapping of the agent or the whole gateway. So after
-- the first refusal another due job of the lane is tried. When it is refused too, or no other job is due, the
-- lane stops for refusal_pause; an admission opens it again, together with all lanes that the same cause has
-- stopped. docs/adr/0018 has the reasons.
--
-- Locks: job, then gateway, then agents. Refused jobs that become due are locked last and without waiting.

-- Returns the cause of a refusal: its reason up to the first colon, such as "gateway answered 404". The rest
-- quotes the answer, whose ids and times may differ from call to call.
create or replace function refusal_cause(p_reason text) returns text
language sql immutable as $$
  select split_part(p_reason, ':', 1)
$$;

-- Returns how long the next stop of a lane lasts, after p_stops stops in a row because of refusals.
create or replace function refusal_pause(p_stops int) returns interval
language sql immutable as $$
  select make_interval(secs =>
    least(refusal_pause_cap_seconds(), refusal_pause_seconds() * 2 ^ least(p_stops, 10)))
$$;

-- Returns whether another job of the same lane is due.
create or replace function other_job_is_due(p_job jobs) returns boolean
language sql stable as $$
  select exists (
    select from jobs
    where namespace = p_job.namespace
      and target_agent = p_job.target_agent
      and state = 'queued'
      and run_after <= now()
      and job_id <> p_job.job_id)
$$;

-- Returns whether the hook calls of other jobs were admitted since an attempt began: jobs of the agent, or
-- of the whole gateway when p_agent is null. Ids of attempts grow with time, so the primary key finds the
-- newer ones. It searches the newest others_searched attempts; a miss only means one more try.
create or replace function others_admitted_since(p_job jobs, p_attempt uuid, p_agent text) returns boolean
language sql stable as $$
  select exists (
    select from (
      select * from job_attempts
      where attempt_id > p_attempt
      order by attempt_id desc
      limit others_searched()) a
    join jobs j using (job_id)
    where a.admitted_at is not null
      and a.namespace = p_job.namespace
      and a.gateway = (select gateway from job_attempts where attempt_id = p_attempt)
      and a.job_id <> p_job.job_id
      and (p_agent is null or j.target_agent = p_agent))
$$;

-- Returns how many hook calls of a locked job were refused since its last run, if these refusals are about
-- this job alone: the lane has admitted another job since the first of them. Otherwise returns 0.
create or replace function refusals_alone(p_job jobs) returns int
language plpgsql stable as $$
declare
  v_refusals int;
  v_first uuid;
begin
  select count(*), min(attempt_id::text)::uuid into v_refusals, v_first
  from job_attempts
  where job_id = p_job.job_id
    and attempt_no >= p_job.attempt_no - p_job.delivery_failures
    and refused_at is not null;
  return case when others_admitted_since(p_job, v_first, p_job.target_agent) then v_refusals else 0 end;
end
$$;

-- Sets aside a locked job whose hook calls start no run: ends its live attempt, which does not count, and
-- blocks the job with the reason, so that the lane goes on with other jobs. Returns the job.
create or replace function set_aside(p_job jobs, p_error text, p_reason text) returns jobs
language plpgsql as $$
begin
  update job_attempts set prompt = null where attempt_id = p_job.live_attempt;
  update jobs
  set attempt_count = attempt_count - 1, delivery_failures = 0
  where job_id = p_job.job_id
  returning * into p_job;
  return block_live_job(p_job, 'undelivered', p_error, p_reason);
end
$$;

-- Stops the lane of a locked job because of a refusal, unless it is stopped already or another due job is to
-- be tried first. Returns the news for people, or null when there is none: the first lane that a cause stops
-- is news and emits gateway.calls_refused; further lanes and further stops are not.
create or replace function stop_lane(p_job jobs, p_reason text) returns text
language plpgsql as $$
declare
  v_cause text := refusal_cause(p_reason);
  v_agent agents;
  v_known boolean;
begin
  -- One refusal of a gateway at a time, so that of two lanes only one is the first.
  perform
  from gateways g
  join agents a on a.namespace = g.namespace and a.gateway = g.gateway
  where a.namespace = p_job.namespace and a.agent_id = p_job.target_agent
  for no key update of g;
  select * into v_agent
  from agents
  where namespace = p_job.namespace and agent_id = p_job.target_agent
  for no key update;
  if lane_paused(v_agent) then
    return null;
  end if;
  v_known := exists (
    select from agents
    where namespace = v_agent.namespace
      and gateway = v_agent.gateway
      and enabled
      and refusal_cause = v_cause);
  if v_agent.refused_job is null and not v_known and other_job_is_due(p_job) then
    update agents
    set refused_job = p_job.job_id, updated_at = now()
    where namespace = v_agent.namespace and agent_id = v_agent.agent_id;
    return null;
  end if;
  update agents
  set paused_at = now(),
    paused_by = 'dispatcher',
    paused_reason = p_reason,
    paused_until = now() + refusal_pause(refusal_stops),
    refusal_cause = v_cause,
    refusal_stops = refusal_stops + 1,
    refused_job = null,
    updated_at = now()
  where namespace = v_agent.namespace and agent_id = v_agent.agent_id;
  if v_known then
    return null;
  end if;
  perform append_event(v_agent.namespace, 'gateway.calls_refused', null, p_job.job_id, jsonb_build_object(
    'gateway', v_agent.gateway,
    'cause', v_cause,
    'reason', p_reason,
    'agentId', v_agent.agent_id,
    'jobId', p_job.job_id,
    'nextTryAt', now() + refusal_pause(v_agent.refusal_stops)));
  return format(
    'The lane of agent %1$s stops, and the next try is at %2$s: %3$s. Further lanes that gateway %4$s stops'
      ' for this cause are not logged; agentbus resume-gateway %4$s tries all of them at once.',
    v_agent.agent_id,
    utc_text(now() + refusal_pause(v_agent.refusal_stops)),
    p_reason,
    v_agent.gateway);
end
$$;

-- Makes queued jobs of these lanes due at once if their last hook calls started no run, at most sweep_batch
-- jobs, and notifies the dispatchers. Jobs that another call has locked are skipped.
create or replace function make_refused_due(p_namespace text, p_agents text[]) returns void
language sql as $$
  update jobs
  set run_after = now(), updated_at = now()
  where job_id in (
    select job_id
    from jobs
    where namespace = p_namespace
      and target_agent = any (p_agents)
      and state = 'queued'
      and run_after > now()
      and delivery_failures > 0
    limit sweep_batch()
    for no key update skip locked);
  select pg_notify('jobs_ready', '');
$$;

-- Opens lanes that the bus has stopped, on a gateway (null: on any), for a cause (null: for any), or of one
-- agent (null: of all). Returns the agents; their refused jobs are due at once.
create or replace function open_lanes(
  p_namespace text, p_gateway text, p_cause text, p_agent text default null
) returns text[]
language plpgsql as $$
declare
  v_agents text[];
begin
  v_agents := array(
    select agent_id
    from agents
    where namespace = p_namespace
      and (p_gateway is null or gateway = p_gateway)
      and (p_cause is null or refusal_cause = p_cause)
      and (p_agent is null or agent_id = p_agent)
      and (refusal_cause is not null or refused_job is not null)
    order by agent_id
    for no key update);
  if v_agents = '{}' then
    return v_agents;
  end if;
  update agents
  set paused_at = null,
    paused_by = null,
    paused_reason = null,
    paused_until = null,
    refusal_cause = null,
    refusal_stops = 0,
    refused_job = null,
    updated_at = now()
  where namespace = p_namespace and agent_id = any (v_agents);
  perform make_refused_due(p_namespace, v_agents);
  return v_agents;
end
$$;

-- Opens the lanes of admitted attempts, and all lanes that the same cause has stopped. An attempt that has
-- ended opens its lane only if its agent has ended it. Emits gateway.calls_accepted for each cause that is
-- over. Costs one look at the small table agents when no refusal is open.
create or replace function lanes_accepted(p_attempts uuid[]) returns void
language plpgsql as $$
declare
  v_lane record;
  v_agents text[];
begin
  if not exists (select from agents where refusal_stops > 0 or refused_job is not null) then
    return;
  end if;
  for v_lane in
    select distinct a.namespace, a.gateway, a.refusal_cause,
      case when a.refusal_cause is null then a.agent_id end as agent
    from job_attempts t
    join jobs j using (job_id)
    join agents a on a.namespace = j.namespace and a.agent_id = j.target_agent
    where t.attempt_id = any (p_attempts)
      and t.status in ('leased', 'running', 'succeeded', 'blocked')
      and (a.refusal_stops > 0 or a.refused_job is not null and a.refusal_cause is null)
    order by 1, 2, 3, 4
  loop
    v_agents := open_lanes(v_lane.namespace, v_lane.gateway, v_lane.refusal_cause, v_lane.agent);
    if v_lane.refusal_cause is not null and v_agents <> '{}' then
      perform append_event(v_lane.namespace, 'gateway.calls_accepted', null, null, jsonb_build_object(
        'gateway', v_lane.gateway,
        'cause', v_lane.refusal_cause,
        'agents', to_jsonb(v_agents)));
    end if;
  end loop;
end
$$;

drop function if exists retry_lanes(text, text);

-- Lets the lanes that the bus has stopped on a gateway try again now, because the gateway is ready again or,
-- with p_restarted, was restarted. Only a restart can have corrected a mapping, so without one the lanes of
-- stop_lane_of_wrong_agent stay stopped. A lane opens for good only when its call is admitted, or the right
-- agent has run.
create or replace function retry_lanes(p_namespace text, p_gateway text, p_restarted boolean) returns void
language plpgsql as $$
declare
  v_agents text[];
begin
  v_agents := array(
    select agent_id
    from agents
    where namespace = p_namespace
      and gateway = p_gateway
      and refusal_cause is not null
      and (p_restarted or refusal_stops > 0)
    order by agent_id
    for no key update);
  if v_agents = '{}' then
    return;
  end if;
  update agents
  set paused_until = now(), refusal_stops = least(refusal_stops, 1), updated_at = now()
  where namespace = p_namespace and agent_id = any (v_agents);
  perform make_refused_due(p_namespace, v_agents);
end
$$;

-- Stops the lane of a locked job because the gateway ran another agent, p_agent, in its place. The stop has
-- no end, since each further try would give the work to that agent. Emits gateway.wrong_agent when this is
-- news.
create or replace function stop_lane_of_wrong_agent(p_job jobs, p_agent text, p_reason text) returns void
language plpgsql as $$
declare
  v_cause text := format('agent %s ran in place of agent %s', p_agent, p_job.target_agent);
  v_agent agents;
begin
  select * into v_agent
  from agents
  where namespace = p_job.namespace and agent_id = p_job.target_agent
  for no key update;
  if lane_paused(v_agent) and (v_agent.refusal_cause is null or v_agent.refusal_cause = v_cause) then
    return;
  end if;
  update agents
  set paused_at = now(),
    paused_by = 'dispatcher',
    paused_reason = p_reason,
    paused_until = null,
    refusal_cause = v_cause,
    refusal_stops = 0,
    refused_job = null,
    updated_at = now()
  where namespace = v_agent.namespace and agent_id = v_agent.agent_id;
  if v_agent.refusal_cause is distinct from v_cause then
    perform append_event(v_agent.namespace, 'gateway.wrong_agent', null, p_job.job_id, jsonb_build_object(
      'gateway', v_agent.gateway,
      'agentId', v_agent.agent_id,
      'ranAgent', p_agent,
      'jobId', p_job.job_id,
      'reason', p_reason));
  end if;
end
$$;

-- Opens the lane of a job that was stopped because another agent ran, now that the right agent runs.
create or replace function right_agent_runs(p_job jobs) returns void
language sql as $$
  select open_lanes(a.namespace, a.gateway, a.refusal_cause, a.agent_id)
  from agents a
  where a.namespace = p_job.namespace
    and a.agent_id = p_job.target_agent
    and a.refusal_cause is not null
    and a.refusal_stops = 0
$$;
