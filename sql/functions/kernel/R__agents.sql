-- These functions find agents, sync them from their files, pause them and resume them.

-- Returns the agent's row. Refuses an unknown agent with p_status and the code unknown_agent, and names
-- p_field as the wrong field.
create or replace function agent_named(p_namespace text, p_agent text, p_field text, p_status int default 422)
returns agents language plpgsql stable as $$
declare
  v_agent agents;
begin
  select * into v_agent from agents where namespace = p_namespace and agent_id = p_agent;
  if not found then
    perform refuse(p_status, 'unknown_agent', format('there is no agent %s in namespace %s', p_agent, p_namespace),
      p_field, to_jsonb(p_agent),
      'one of: ' || (select coalesce(string_agg(agent_id, ', ' order by agent_id), '(no agent yet)')
        from agents where namespace = p_namespace and enabled));
  end if;
  return v_agent;
end
$$;

-- Returns whether the lane of the agent is paused at p_now, by an operator or, after a refused hook call,
-- by a dispatcher. A pause without paused_until lasts until the agent is resumed.
create or replace function lane_paused(p_agent agents, p_now timestamptz default now()) returns boolean
language sql stable as $$
  select (p_agent).paused_at is not null
    and ((p_agent).paused_until is null or (p_agent).paused_until > p_now)
$$;

-- Describes a pause of the agent's lane in words that begin with the next move: the time of the next try when
-- the bus has stopped the lane, otherwise an operator.
create or replace function pause_text(p_agent agents) returns text
language sql stable as $$
  select case
    when (p_agent).refusal_cause is not null and (p_agent).paused_until is not null then
      format('the next try at %s: the lane of agent %s is stopped: %s',
        utc_text((p_agent).paused_until), (p_agent).agent_id, (p_agent).paused_reason)
    else format('an operator: agent %s is paused: %s', (p_agent).agent_id, (p_agent).paused_reason) end
$$;

-- Returns whether jobs of the agent may be claimed at p_now: the agent is enabled and its lane is not
-- paused.
create or replace function lane_open(p_agent agents, p_now timestamptz default now()) returns boolean
language sql stable as $$
  select (p_agent).enabled and not lane_paused(p_agent, p_now)
$$;

-- Refuses (422) a disabled agent and names p_field.
create or replace function require_enabled(p_agent agents, p_field text) returns void
language plpgsql stable as $$
begin
  if not p_agent.enabled then
    perform refuse(422, 'agent_disabled', format('agent %s is disabled: its agent.yaml is gone', p_agent.agent_id),
      p_field, to_jsonb(p_agent.agent_id), 'an enabled agent');
  end if;
end
$$;

-- Refuses (422) a disabled agent, and a subject that the agent does not accept. The last two arguments are
-- the fields that the refusals name.
create or replace function require_accepted(
  p_agent agents, p_subject text, p_field_of_agent text, p_field_of_subject text
) returns void language plpgsql stable as $$
begin
  perform require_enabled(p_agent, p_field_of_agent);
  if not (p_subject = any (p_agent.accepts) or '*' = any (p_agent.accepts) or p_subject like 'standing\_order.%') then
    perform refuse(422, 'subject_not_accepted',
      format('agent %s does not accept the subject %s', p_agent.agent_id, p_subject),
      p_field_of_subject, to_jsonb(p_subject), 'one of: ' || array_to_string(p_agent.accepts, ', ') || ', standing_order.<name>');
  end if;
end
$$;

-- Returns the handoffs that the agent may make: an array of objects with agent and, where they are limited,
-- subjects and jobTypes.
create or replace function handoffs_of(p_agent agents) returns jsonb
language sql stable as $$
  select coalesce((p_agent).handoffs,
    (select jsonb_agg(jsonb_build_object('agent', a)) from unnest((p_agent).may_enqueue_to) a), '[]')
$$;

-- Returns an agent as the contract shows it, with p_lane, the numbers and the status of its lane
-- (lane_fields).
create or replace function agent_shown(p_agent agents, p_lane jsonb) returns jsonb
language sql stable as $$
  select p_lane || jsonb_strip_nulls(jsonb_build_object(
    'agentId', (p_agent).agent_id,
    'namespace', (p_agent).namespace,
    'mission', (p_agent).mission,
    'enabled', (p_agent).enabled,
    'gateway', (p_agent).gateway,
    'maxConcurrency', (p_agent).max_concurrency,
    'accepts', to_jsonb((p_agent).accepts),
    'mayEnqueueTo', to_jsonb((p_agent).may_enqueue_to),
    'handoffs', handoffs_of(p_agent),
    'emits', to_jsonb((p_agent).emits),
    'maxFollowUps', (p_agent).max_follow_ups,
    'reads', (p_agent).reads,
    'mayTriage', (p_agent).may_triage,
    'mayConvert', (p_agent).may_convert,
    'mayPromoteMemories', (p_agent).may_promote,
    'proposalBudget', nullif((p_agent).budgets, '{}'),
    'idleBudget', nullif((p_agent).idle_budget, '{}'),
    'paused', (p_agent).paused_at is not null,
    'pausedReason', (p_agent).paused_reason,
    'pausedBy', (p_agent).paused_by,
    'pausedUntil', (p_agent).paused_until,
    'refusals24h', refusals_of((p_agent).namespace, (p_agent).agent_id),
    'lastEndedJobId', (select job_id from last_attempt((p_agent).namespace, (p_agent).agent_id))))
$$;

-- Returns one agent as the contract shows it.
create or replace function agent_json(p_agent agents) returns jsonb
language sql stable as $$
  select agent_shown(p_agent, lane_fields(p_agent, w.live, w.attempt_id, w.since))
  from (select (p_agent).agent_id) a
  left join lanes_at_work((p_agent).namespace) w using (agent_id)
$$;

create or replace function list_agents(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable
-- Planned once for each connection; planning costs more than the reads.
set plan_cache_mode = force_generic_plan as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
begin
  return jsonb_build_object('agents', (
    select coalesce(jsonb_agg(
      agent_shown(a, lane_fields(a, w.live, w.attempt_id, w.since)) order by a.agent_id), '[]')
    from agents a
    left join lanes_at_work(v_namespace) w using (agent_id)
    where a.namespace = v_namespace));
end
$$;
comment on function list_agents(jsonb, jsonb) is 'The operation listAgents: every agent of the namespace.';

create or replace function pause_agent(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_agent agents := agent_named(v_namespace, p_input ->> 'agentId', 'agentId', 404);
begin
  perform begin_pause(p_principal,
    p_input - 'agentId' || jsonb_build_object('kind', 'agent', 'name', v_agent.agent_id), 'pause');
  return agent_json(agent_named(v_namespace, v_agent.agent_id, 'agentId', 404));
end
$$;
comment on function pause_agent(jsonb, jsonb) is
  'The operation pauseAgent: stops an agent''s lane, with a reason and optionally until. Runs that are under way go on.';

-- An earlier version of this script returned the agent.
drop function if exists pause_lane(text, text, text, text, timestamptz);

-- Pauses the lane of an agent for a person, in place of a stop by the bus, and emits agent.paused. The caller
-- writes the row of pauses.
create or replace function pause_lane(
  p_namespace text, p_agent text, p_by text, p_reason text, p_until timestamptz
) returns void language plpgsql as $$
begin
  update agents
  set paused_at = now(),
    paused_by = p_by,
    paused_reason = p_reason,
    paused_until = p_until,
    refusal_cause = null,
    refusal_stops = 0,
    refused_job = null,
    updated_at = now()
  where namespace = p_namespace and agent_id = p_agent;
  perform append_event(p_namespace, 'agent.paused', null, null,
    jsonb_strip_nulls(jsonb_build_object('agentId', p_agent, 'by', p_by, 'reason', p_reason, 'until', p_until)));
end
$$;
-- Returns whether a person has paused the lane of an agent, and not the bus.
create or replace function lane_is_paused_by_a_person(p_namespace text, p_agent text) returns boolean
language sql stable as $$
  select exists (
    select from agents
    where namespace = p_namespace and agent_id = p_agent and paused_at is not null and refusal_cause is null)
$$;

-- Opens the lane of an agent, whoever has paused it, emits agent.resumed and notifies the dispatchers.
-- Returns whether the lane was paused, or one of its jobs refused.
create or replace function open_paused_lane(p_namespace text, p_agent text) returns boolean
language plpgsql as $$
declare
  v_agents text[] := open_lanes(p_namespace, null, null, p_agent);
begin
  update agents
  set paused_at = null, paused_by = null, paused_reason = null, paused_until = null, updated_at = now()
  where namespace = p_namespace and agent_id = p_agent and paused_at is not null;
  if not found and v_agents = '{}' then
    return false;
  end if;
  perform append_event(p_namespace, 'agent.resumed', null, null, jsonb_build_object('agentId', p_agent));
  perform pg_notify('jobs_ready', p_namespace);
  return true;
end
$$;

create or replace function resume_agent(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_agent agents := agent_named(v_namespace, p_input ->> 'agentId', 'agentId', 404);
begin
  perform resume(p_principal,
    p_input - 'agentId' || jsonb_build_object('kind', 'agent', 'name', v_agent.agent_id, 'reason', 'resumed'));
  return agent_json(agent_named(v_namespace, v_agent.agent_id, 'agentId', 404));
end
$$;
comment on function resume_agent(jsonb, jsonb) is
  'The operation resumeAgent: opens an agent''s lane again and notifies the dispatchers.';

-- Makes the agents and subscriptions of a namespace equal to p_agents, the checked agent files. Disables
-- agents that are gone, and refuses (422) a gateway that does not exist. Returns the ids of the changed and
-- of the disabled agents.
create or replace function sync_agents(p_namespace text, p_agents jsonb) returns jsonb
language plpgsql as $$
declare
  v_changed text[];
  v_disabled text[];
begin
  perform act_as('{"kind": "operator", "name": "agents-directory"}', 'synced from agents/');
  perform refuse(422, 'invalid_field', format('agents/%s/agent.yaml: gateway is %s, and there is no such gateway', w ->> 'id', w ->> 'gateway'))
  from jsonb_array_elements(p_agents) w
  where not exists (select from gateways where namespace = p_namespace and gateway = coalesce(w ->> 'gateway', 'default'));
  with wanted as (
    select
      w ->> 'id' as agent_id,
      coalesce(w ->> 'mission', '') as mission,
      coalesce((w ->> 'maxConcurrency')::int, 1) as max_concurrency,
      coalesce(w ->> 'gateway', 'default') as gateway,
      array(select jsonb_array_elements_text(coalesce(w -> 'accepts', '[]'))) as accepts,
      array(select jsonb_array_elements_text(coalesce(w -> 'mayEnqueueTo', '[]'))) as may_enqueue_to,
      w -> 'handoffs' as handoffs,
      coalesce((w ->> 'maxFollowUps')::int, default_follow_ups()) as max_follow_ups,
      coalesce(w -> 'proposalBudget', '{}') as budgets,
      coalesce(w ->> 'reads', 'untrusted') as reads,
      coalesce((w ->> 'mayTriage')::boolean, false) as may_triage,
      coalesce((w ->> 'mayConvert')::boolean, false) as may_convert,
      w ->> 'mayPromoteMemories' as may_promote,
      array(select jsonb_array_elements_text(coalesce(w -> 'idleQuestions', '[]'))) as idle_questions,
      coalesce(w -> 'idleBudget', '{}') as idle_budget,
      array(select jsonb_array_elements_text(coalesce(w -> 'emits', '[]'))) as emits,
      w ->> 'model' as model,
      w ->> 'thinking' as thinking,
      (w ->> 'timeoutSeconds')::int as timeout_seconds,
      w ->> 'configHash' as config_hash,
      w ->> 'agentsMdHash' as agents_md_hash
    from jsonb_array_elements(p_agents) w
  ), written as (
    insert into agents as a (namespace, agent_id, mission, enabled, max_concurrency, gateway, accepts,
      may_enqueue_to, emits, handoffs, max_follow_ups, budgets, reads, may_triage, may_convert, may_promote,
      idle_questions, idle_budget, model, thinking, timeout_seconds, config_hash, agents_md_hash)
    select p_namespace, agent_id, mission, true, max_concurrency, gateway, accepts, may_enqueue_to, emits,
      handoffs, max_follow_ups, budgets, reads, may_triage, may_convert, may_promote, idle_questions,
      idle_budget, model, thinking, timeout_seconds, config_hash, agents_md_hash
    from wanted
    on conflict (namespace, agent_id) do update set
      mission = excluded.mission,
      enabled = true,
      max_concurrency = excluded.max_concurrency,
      gateway = excluded.gateway,
      accepts = excluded.accepts, may_enqueue_to = excluded.may_enqueue_to, emits = excluded.emits,
      handoffs = excluded.handoffs,
      max_follow_ups = excluded.max_follow_ups,
      budgets = excluded.budgets,
      reads = excluded.reads,
      may_triage = excluded.may_triage,
      may_convert = excluded.may_convert,
      may_promote = excluded.may_promote,
      idle_questions = excluded.idle_questions, idle_budget = excluded.idle_budget,
      model = excluded.model, thinking = excluded.thinking, timeout_seconds = excluded.timeout_seconds,
      config_hash = excluded.config_hash, agents_md_hash = excluded.agents_md_hash, updated_at = now()
    where not a.enabled
      or a.config_hash is distinct from excluded.config_hash
      or a.agents_md_hash is distinct from excluded.agents_md_hash
    returning a.agent_id
  )
  select coalesce(array_agg(agent_id order by agent_id), '{}') into v_changed from written;

  -- An agent that is gone from the files keeps its history and gets no more work.
  with gone as (
    update agents set enabled = false, updated_at = now()
    where namespace = p_namespace and enabled
      and agent_id not in (select w ->> 'id' from jsonb_array_elements(p_agents) w)
    returning agent_id
  )
  select coalesce(array_agg(agent_id order by agent_id), '{}') into v_disabled from gone;

  delete from subscriptions s
  where s.namespace = p_namespace and not exists (
    select from jsonb_array_elements(p_agents) w, jsonb_array_elements(coalesce(w -> 'subscriptions', '[]')) x
    where w ->> 'id' = s.agent_id and x ->> 'topic' = s.topic_pattern and x ->> 'subject' = s.subject);
  insert into subscriptions (namespace, topic_pattern, agent_id, subject, priority, coalesces)
  select p_namespace, x ->> 'topic', w ->> 'id', x ->> 'subject', coalesce((x ->> 'priority')::int, 100),
    coalesce((x ->> 'coalesce')::boolean, false)
  from jsonb_array_elements(p_agents) w, jsonb_array_elements(coalesce(w -> 'subscriptions', '[]')) x
  on conflict (namespace, topic_pattern, agent_id, subject) do update
  set priority = excluded.priority, coalesces = excluded.coalesces, updated_at = now()
  where (subscriptions.priority, subscriptions.coalesces)
    is distinct from (excluded.priority, excluded.coalesces);

  return jsonb_build_object('changed', to_jsonb(v_changed), 'disabled', to_jsonb(v_disabled));
end
$$;
