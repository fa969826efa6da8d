-- Claims of idle jobs, and the work that stops them (docs/adr/0023).
--
-- Idle work takes no place. A claim counts no idle run against the room of its lane or its gateway, so work
-- that arrives is claimed as if the run were not there, and the run is asked to close beside it.
--
-- An idle job is never due: its run_after is the time at which the bus gives it up. So claims, alarms and
-- metrics of due work do not see it. choose_idle_jobs takes it before that time, when a claim has found no
-- other work.

-- Returns why no idle run of the agent may begin now, in words; null when it may. Its lane and its gateway
-- are open, and nothing of the agent is at work or due. No other idle run is on the gateway, which has room
-- for idle_reserve runs. With p_pulls a worker would run the job, which needs neither the gateway nor its
-- room.
create or replace function idle_hold(p_agent agents, p_pulls boolean default false) returns text
language plpgsql stable as $$
declare
  v_gateway gateways;
  v_pause pauses := pause_over(p_agent.namespace, p_agent.gateway, 'idle');
  v_job jobs := work_before_thinking(p_agent.namespace, p_agent.agent_id);
  v_going_on job_attempts;
begin
  if not p_agent.enabled then
    return format('agent %s is disabled', p_agent.agent_id);
  elsif lane_paused(p_agent) then
    return pause_text(p_agent);
  elsif v_pause.pause_id is not null then
    return stop_text(v_pause);
  end if;
  if v_job.job_id is not null then
    return format('%s of agent %s is %s', idle_job_text(v_job), p_agent.agent_id,
      case v_job.state when 'queued' then 'due' else 'at work' end);
  end if;
  select * into v_gateway from gateways where namespace = p_agent.namespace and gateway = p_agent.gateway;
  select * into v_job from idle_runs_on(v_gateway) limit 1;
  if found then
    return format('gateway %s has an idle run of agent %s (job %s)', v_gateway.gateway, v_job.target_agent,
      v_job.job_id);
  end if;
  v_going_on := run_going_on(p_agent.namespace, p_agent.agent_id);
  if v_going_on.attempt_id is not null then
    return run_text(v_going_on);
  end if;
  if p_pulls then
    return null;
  elsif gateway_shut(v_gateway) then
    return format('gateway %s is %s', v_gateway.gateway, v_gateway.state);
  elsif v_gateway.held_until > now() then
    return format('gateway %s is held until %s: %s', v_gateway.gateway, utc_text(v_gateway.held_until),
      v_gateway.hold_reason);
  end if;
  return idle_room_text(v_gateway);
end
$$;

-- Returns why a queued idle job of p_agent may not begin now, in words; null when it may. Beside idle_hold,
-- phase 5 must be on and neither it nor the agent frozen, and nobody may have disabled the order since. A job
-- that goes on after an answer needs a budget too; the gate has looked at that of the others.
create or replace function idle_job_hold(
  p_job jobs, p_agent agents, p_pulls boolean default false
) returns text
language plpgsql stable as $$
declare
  v_hold text := idle_hold(p_agent, p_pulls);
  v_freeze pauses;
  v_run idle_runs;
  v_order standing_orders;
begin
  v_hold := coalesce(v_hold, phase_stop(p_job.namespace, 5));
  if v_hold is not null then
    return v_hold;
  end if;
  v_freeze := freeze_of(p_agent.namespace, 'agent', p_agent.agent_id);
  if v_freeze.pause_id is not null then
    return stop_text(v_freeze);
  end if;
  select * into v_run from idle_runs where job_id = p_job.job_id;
  select * into v_order
  from standing_orders
  where namespace = v_run.namespace and order_name = v_run.order_name;
  -- A person may run an order by hand that was disabled before.
  if v_order.disabled_at > v_run.created_at then
    return disabled_text(v_order);
  end if;
  return case when v_run.began_at is not null then idle_budget_text(p_agent, true) end;
end
$$;

-- Sets the time of a locked idle job that goes on after an answer: what its attempt before has left of its
-- wall clock, within the minutes of the day. Its payload says what is left then (budgetLeft).
create or replace function set_idle_time(p_job uuid, p_agent agents) returns void
language sql as $$
  update jobs
  set timeout_seconds = idle_seconds(p_agent, timeout_seconds - spent),
    hard_timeout_seconds = idle_seconds(p_agent, hard_timeout_seconds - spent),
    payload = payload || jsonb_build_object('budgetLeft', idle_budget_left(p_agent))
  from (
    select coalesce(extract(epoch from finished_at - admitted_at)::int, 0) as spent
    from job_attempts
    where job_id = p_job
    order by attempt_no desc
    limit 1) before
  where job_id = p_job
$$;

-- Returns the next move of a queued idle job, in words.
create or replace function idle_move(p_job jobs) returns text
language sql stable as $$
  select format('%s; given up at %s', coalesce(idle_job_hold(p_job, a), no_hold()),
    utc_text((p_job).run_after))
  from agents a
  where a.namespace = (p_job).namespace and a.agent_id = (p_job).target_agent
$$;

-- Returns the idle jobs whose run is on a gateway: at work, or still going on after its attempt.
create or replace function idle_runs_on(p_gateway gateways) returns setof jobs
language sql stable as $$
  select j.*
  from jobs j
  join job_attempts a on a.attempt_id = j.live_attempt
  where is_idle(j.job_type)
    and j.state in ('leased', 'running')
    and j.namespace = (p_gateway).namespace
    and a.gateway = (p_gateway).gateway
  union all
  select j.*
  from runs_going_on() r
  join jobs j using (job_id)
  where r.namespace = (p_gateway).namespace
    and r.gateway = (p_gateway).gateway
    and is_idle(j.job_type)
$$;

-- Chooses idle jobs for a claim that has found no other work, at most p_limit and one on each gateway, and
-- locks them: of p_namespaces, on p_gateways (null: any), for p_agent (null: any). p_pulls is as in
-- idle_hold. Call it under lock_claims. Without idle jobs it reads two pages of an index.
create or replace function choose_idle_jobs(
  p_limit int, p_namespaces text[], p_gateways text[], p_agent text default null,
  p_pulls boolean default false
) returns uuid[] language plpgsql as $$
declare
  v_candidate jobs;
  v_goes_on boolean;
  v_agent agents;
  v_chosen uuid[] := '{}';
  v_gateways text[] := '{}';
begin
  for v_candidate in
    select *
    from jobs
    where is_idle(job_type)
      and state = 'queued'
      and namespace = any (p_namespaces)
      and (p_agent is null or target_agent = p_agent)
      and run_after > now()
    order by namespace, seq
    limit idle_looks()
  loop
    exit when cardinality(v_chosen) >= p_limit;
    select * into v_agent
    from agents
    where namespace = v_candidate.namespace and agent_id = v_candidate.target_agent;
    continue when v_agent.gateway <> all (coalesce(p_gateways, array[v_agent.gateway]))
      or v_agent.namespace || ' ' || v_agent.gateway = any (v_gateways)
      or idle_job_hold(v_candidate, v_agent, p_pulls) is not null;
    select i.began_at is not null into v_goes_on
    from jobs j
    join idle_runs i using (job_id)
    where j.job_id = v_candidate.job_id
      and j.state = 'queued'
      and j.target_agent = v_agent.agent_id
      and i.stop_asked_at is null
    for no key update of j skip locked;
    if found then
      if v_goes_on then
        perform set_idle_time(v_candidate.job_id, v_agent);
      end if;
      v_chosen := v_chosen || v_candidate.job_id;
      v_gateways := v_gateways || (v_agent.namespace || ' ' || v_agent.gateway);
    end if;
  end loop;
  return v_chosen;
end
$$;

-- Asks the idle runs to close that the jobs p_jobs stop, which a claim has just leased: those of the same
-- agents, and those on a gateway that has now too little room left. Without idle jobs it reads two pages of
-- an index.
create or replace function make_way_for(p_jobs uuid[]) returns void
language plpgsql as $$
declare
  v_run record;
  v_work record;
begin
  for v_run in
    select i.namespace, i.target_agent, a.gateway
    from jobs i
    join job_attempts a on a.attempt_id = i.live_attempt
    where is_idle(i.job_type)
      and i.state in ('leased', 'running')
      and i.moved_xid >= claim_floor()
      and i.job_id <> all (p_jobs)
  loop
    -- Work of the same agent comes first, because its reason is the better one.
    select j.target_agent, work_arrived_text(j) as arrived, idle_room_text(g) as room into v_work
    from jobs j
    join agents a on a.namespace = j.namespace and a.agent_id = j.target_agent
    join gateways g on g.namespace = a.namespace and g.gateway = a.gateway
    where j.job_id = any (p_jobs)
      and j.namespace = v_run.namespace
      and (j.target_agent = v_run.target_agent or a.gateway = v_run.gateway)
    order by j.target_agent = v_run.target_agent desc
    limit 1;
    if v_work.target_agent = v_run.target_agent then
      perform ask_idle_to_stop(v_run.namespace, v_run.target_agent, null, v_work.arrived);
    elsif v_work.room is not null then
      perform ask_idle_to_stop(v_run.namespace, null, v_run.gateway,
        format('%s: %s', v_work.arrived, v_work.room));
    end if;
  end loop;
end
$$;
