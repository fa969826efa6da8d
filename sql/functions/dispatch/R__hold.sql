-- Why a due job has not been claimed, in the words of next_move.

-- Describes a full lane in words: the number of jobs at work, the limit, and the job that began first.
create or replace function full_lane(p_agent agents, p_at_work bigint) returns text
language plpgsql stable as $$
declare
  v_oldest record;
begin
  select j.job_id, t.started_at into v_oldest
  from jobs j
  join job_attempts t on t.attempt_id = j.live_attempt
  where j.state in ('leased', 'running') and j.moved_xid >= claim_floor() and j.leased_until > now()
    and not is_idle(j.job_type) and j.namespace = p_agent.namespace and j.target_agent = p_agent.agent_id
  order by t.started_at
  limit 1;
  return format('lane full: %s of %s, job %s since %s', p_at_work, p_agent.max_concurrency, v_oldest.job_id,
    utc_text(v_oldest.started_at));
end
$$;

-- Returns the words of hold_of_lane for a lane that nothing holds.
create or replace function no_hold() returns text language sql immutable as $$ select 'the next claim' $$;

-- Returns what holds the due jobs of an agent, in words: a pause of everything, the agent, its gateway, a
-- full lane or gateway, no dispatcher, or no_hold when nothing holds them. The pause of a job type
-- is added for each job (next_move_held).
-- Every enqueue calls this function. So it is in plpgsql, which is planned once for each connection; it
-- reads only jobs at work and skips dead entries as a claim does.
create or replace function hold_of_lane(p_namespace text, p_agent text) returns text
language plpgsql stable as $$
declare
  v_agent agents;
  v_gateway gateways;
  v_pause pauses;
  v_floor xid8;
  v_at_work bigint;
  v_runs bigint;
  v_going_on record;
begin
  select * into v_agent from agents where namespace = p_namespace and agent_id = p_agent;
  if not v_agent.enabled then
    return format('an operator: agent %s is disabled', v_agent.agent_id);
  end if;
  v_pause := pause_over(p_namespace, v_agent.gateway, null);
  if v_pause.kind = 'everything' then
    return stop_text(v_pause);
  end if;
  if lane_paused(v_agent) then
    return pause_text(v_agent);
  end if;
  if v_pause.kind = 'gateway' then
    return stop_text(v_pause);
  end if;
  select * into v_gateway from gateways where namespace = v_agent.namespace and gateway = v_agent.gateway;
  if gateway_shut(v_gateway) then
    return format('gateway %s %s since %s: %s', v_gateway.gateway, v_gateway.state,
      utc_text(v_gateway.state_since), v_gateway.state_reason);
  end if;
  if v_gateway.held_until > now() then
    return format('gateway %s held until %s: %s', v_gateway.gateway, utc_text(v_gateway.held_until),
      v_gateway.hold_reason);
  end if;
  v_floor := claim_floor();
  select count(*) filter (where j.target_agent = v_agent.agent_id), count(*) filter (where j.delivery = 'hook')
  into v_at_work, v_runs
  from jobs j
  join agents a on a.namespace = j.namespace and a.agent_id = j.target_agent
  where j.state in ('leased', 'running') and j.moved_xid >= v_floor and j.leased_until > now()
    and not is_idle(j.job_type) and a.namespace = v_agent.namespace and a.gateway = v_agent.gateway;
  if v_at_work >= v_agent.max_concurrency then
    return full_lane(v_agent, v_at_work);
  end if;
  select count(*) filter (where agent_id = v_agent.agent_id) as of_lane,
    count(*) filter (where gateway = v_agent.gateway) as of_gateway
  into v_going_on
  from runs_with_place()
  where namespace = v_agent.namespace;
  if v_at_work + v_going_on.of_lane >= v_agent.max_concurrency then
    return format('lane full: %s of %s, %s', v_at_work + v_going_on.of_lane, v_agent.max_concurrency,
      run_text(run_going_on(v_agent.namespace, v_agent.agent_id)));
  end if;
  if v_runs + v_going_on.of_gateway >= v_gateway.max_in_flight then
    return format('gateway %s full: %s of %s', v_gateway.gateway, v_runs + v_going_on.of_gateway,
      v_gateway.max_in_flight);
  end if;
  -- A bus that has never had a dispatcher is used by workers that pull, so no dispatcher is missing.
  if exists (select from dispatcher_heartbeats)
    and not exists (
      select from dispatcher_heartbeats
      where stopped_at is null and heartbeat_is_recent(last_seen, beat_seconds)) then
    return 'no dispatcher is alive';
  end if;
  return no_hold();
end
$$;

-- Returns whether a job is queued and may be claimed now.
create or replace function is_due(p_job jobs) returns boolean
language sql stable as $$
  select (p_job).state = 'queued' and (p_job).run_after <= now()
$$;

-- Returns hold_of_lane of a job that is due; null for every other job.
create or replace function hold_of(p_job jobs) returns text
language sql stable as $$
  select case when is_due(p_job) then hold_of_lane((p_job).namespace, (p_job).target_agent) end
$$;
