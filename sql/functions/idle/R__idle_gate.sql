-- The idle gate: whether an agent may think idly now. It reads rows only and asks no model. Each function
-- below returns the reason of one rule in words, and null when the rule lets the run begin.

-- Returns how often an agent thinks: 1 as its order says, 0.5 half as often, 2 twice as often.
create or replace function idle_factor(p_namespace text, p_agent text) returns real
language sql stable as $$
  select coalesce((select factor from idle_cadences where namespace = p_namespace and agent_id = p_agent), 1)
$$;

-- Returns when an agent has rested since its last idle run: idle_rest, divided by its factor, after the start
-- of the slot. Null when it has had none lately.
create or replace function idle_rested_at(p_namespace text, p_agent text) returns timestamptz
language sql stable as $$
  select max(created_at) + idle_rest() / idle_factor(p_namespace, p_agent)
  from idle_runs_since(p_namespace, p_agent, now() - idle_rest() / idle_factor(p_namespace, p_agent))
$$;

-- Returns the reason while the last idle run of the agent is too recent.
create or replace function idle_rest_text(p_namespace text, p_agent text) returns text
language sql stable as $$
  select format('it has thought idly lately; the next run may begin at %s%s', utc_text(rested_at),
    case when factor <> 1 then format(' (its cadence factor is %s)', factor) else '' end)
  from idle_rested_at(p_namespace, p_agent) rested_at, idle_factor(p_namespace, p_agent) factor
  where rested_at is not null
$$;

-- Returns a job in the words of a reason.
create or replace function idle_job_text(p_job jobs) returns text
language sql stable as $$
  select format('job %s (%s)', (p_job).job_id, (p_job).subject)
$$;

-- Returns a job of an agent that keeps it from thinking: one at work, also an idle one, or else work that is
-- due. All null when there is none.
create or replace function work_before_thinking(p_namespace text, p_agent text) returns jobs
language plpgsql stable as $$
declare
  v_floor xid8 := claim_floor();
  v_lane_floor xid8 := lane_floor(p_namespace, p_agent);
  v_job jobs;
begin
  select * into v_job
  from jobs
  where state in ('leased', 'running')
    and moved_xid >= v_floor
    and namespace = p_namespace
    and target_agent = p_agent
  limit 1;
  if not found then
    select * into v_job
    from jobs
    where namespace = p_namespace
      and target_agent = p_agent
      and state = 'queued'
      and run_after <= now()
      and moved_xid >= v_lane_floor
      and not is_idle(job_type)
    limit 1;
  end if;
  return v_job;
end
$$;

-- Returns the reason while an agent has work of its own: a run that goes on, a job at work or due, or a
-- blocked job that it can move itself. A block on a person, a time, another job or another agent is none of
-- them, and a job of another agent that waits for this agent is one.
create or replace function idle_work_text(p_namespace text, p_agent text) returns text
language plpgsql stable as $$
declare
  v_going_on job_attempts := run_going_on(p_namespace, p_agent);
  v_job jobs := work_before_thinking(p_namespace, p_agent);
begin
  if v_going_on.attempt_id is not null then
    return run_text(v_going_on);
  end if;
  if v_job.job_id is not null then
    return format('%s is %s', idle_job_text(v_job), case v_job.state when 'queued' then 'due' else 'at work' end);
  end if;
  select * into v_job
  from jobs j
  where namespace = p_namespace and state = 'blocked'
    and (target_agent = p_agent and blocked_on_agent is null or blocked_on_agent = p_agent)
    and blocked_on_job is null and blocked_on_person is null
    and (blocked_until is null or blocked_until <= now())
    and not question_open(question_id)
  order by seq
  limit 1;
  if found then
    return format('%s is blocked, and agent %s can move it: %s', idle_job_text(v_job), p_agent,
      one_line(v_job.blocked_reason, list_text()));
  end if;
  return null;
end
$$;

-- Returns the reason while something urgent waits in the namespace: a due job of urgent_priority or more, or
-- an alert that no person has handled.
create or replace function idle_urgent_text(p_namespace text) returns text
language plpgsql stable as $$
declare
  v_job jobs;
  v_alert text;
begin
  -- For each agent and both halves of the index jobs_to_claim, which has the highest priority first.
  select j.* into v_job
  from agents a
  cross join (values (false), (true)) p (proactive)
  cross join lateral (
    select *
    from jobs
    where namespace = p_namespace and target_agent = a.agent_id and state = 'queued'
      and is_proactive(job_type) = p.proactive and priority >= urgent_priority() and run_after <= now()
    limit 1) j
  where a.namespace = p_namespace
  limit 1;
  if found then
    return format('%s of priority %s waits for agent %s', idle_job_text(v_job), v_job.priority,
      v_job.target_agent);
  end if;
  select item ->> 'sentence' into v_alert
  from (
    select since, item from needs_urgent(p_namespace)
    union all
    select since, item from needs_anomalies(p_namespace)
    union all
    select since, item from needs_critical(p_namespace)) alerts
  order by since
  limit 1;
  if found then
    return format('an alert waits for a person (needs-me): %s', cut(v_alert, list_text()));
  end if;
  return null;
end
$$;

-- Returns how many further runs a gateway has room for: its max_in_flight without the runs that take a place
-- there.
create or replace function gateway_room(p_gateway gateways) returns bigint
language sql stable as $$
  select (p_gateway).max_in_flight - runs_in_flight(p_gateway)
$$;

-- Returns the room that a gateway must have for an idle run: idle_reserve, or all its places if it has fewer.
create or replace function idle_room_needed(p_gateway gateways) returns int
language sql stable as $$
  select least(idle_reserve(), (p_gateway).max_in_flight)
$$;

-- Returns the reason while a gateway has too little room left for an idle run.
create or replace function idle_room_text(p_gateway gateways) returns text
language sql stable as $$
  select case when room < idle_room_needed(p_gateway) then
    format('gateway %s has room for %s, and an idle run needs room for %s', (p_gateway).gateway,
      count_of(greatest(room, 0), 'run', 'runs'), idle_room_needed(p_gateway)) end
  from gateway_room(p_gateway) room
$$;

-- Returns the reason while the gateway of an agent takes no idle run: another one goes on there or is about
-- to begin, the gateway is held, draining or down, or it has too little room left.
create or replace function idle_gateway_text(p_agent agents) returns text
language plpgsql stable as $$
declare
  v_gateway gateways;
  v_other idle_runs;
begin
  select * into v_gateway
  from gateways
  where namespace = p_agent.namespace and gateway = p_agent.gateway;
  -- A run that is blocked on the answer of a person takes no place until it goes on.
  select r.* into v_other
  from idle_runs r
  join jobs j using (job_id)
  where r.namespace = p_agent.namespace and r.gateway = p_agent.gateway and r.ended_at is null
    and j.state in ('queued', 'leased', 'running')
  limit 1;
  if found then
    return format('gateway %s has an idle run of agent %s (job %s)', v_gateway.gateway, v_other.agent_id,
      v_other.job_id);
  end if;
  if not gateway_open(v_gateway) then
    return format('gateway %s takes no work: %s', v_gateway.gateway,
      coalesce(v_gateway.hold_reason, v_gateway.state_reason, v_gateway.state));
  end if;
  return idle_room_text(v_gateway);
end
$$;

-- Returns why an agent must not think idly now, the first reason that holds; null when it may.
create or replace function idle_reason(p_namespace text, p_agent text) returns text
language plpgsql stable as $$
declare
  v_agent agents := agent_named(p_namespace, p_agent, 'agentId');
begin
  return coalesce(
    idle_budget_text(v_agent),
    idle_rest_text(p_namespace, p_agent),
    idle_work_text(p_namespace, p_agent),
    idle_urgent_text(p_namespace),
    idle_gateway_text(v_agent),
    no_question_text(p_namespace, p_agent));
end
$$;

-- The pre-check idle. Returns skip with the reason of idle_reason, or null when the agent may think.
create or replace function precheck_idle(p_namespace text, p_agent text, p_since timestamptz)
returns jsonb language sql stable as $$
  select case when reason is not null then jsonb_build_object('skip', reason) end
  from idle_reason(p_namespace, p_agent) reason
$$;

-- Returns the idle thinking of an agent as get-agent shows it: its questions, the next one, its cadence
-- factor, its budget for a day with what is spent, and why it must not think now; absent when it may.
create or replace function idle_json(p_agent agents) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'questions', to_jsonb((p_agent).idle_questions),
    'nextQuestion', next_idle_question((p_agent).namespace, (p_agent).agent_id),
    'cadenceFactor', idle_factor((p_agent).namespace, (p_agent).agent_id),
    'budget', idle_budget_of(p_agent),
    'spentToday', idle_spent((p_agent).namespace, (p_agent).agent_id),
    'notNow', idle_reason((p_agent).namespace, (p_agent).agent_id)))
$$;
