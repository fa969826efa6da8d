-- The agent of the drills of agentbus week-one. Its gateway belongs to no node, so no dispatcher claims its
-- jobs and no model runs: the command is the worker that pulls them.

-- Cancels the unfinished jobs of the agent week-one, with p_reason. Returns how many.
create or replace function cancel_drill_jobs(p_namespace text, p_reason text) returns int
language sql as $$
  select cancel_in_states(array(
    select job_id
    from jobs
    where namespace = p_namespace and target_agent = 'week-one' and ended_at is null
    order by job_id), '{waiting,queued,leased,running,blocked}', p_reason)
$$;

create or replace function begin_week_one(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_agent agents;
  v_cancelled int := 0;
begin
  perform act_as(p_principal, p_input ->> 'reason');
  insert into gateways (namespace, gateway) values (v_namespace, 'week-one') on conflict do nothing;
  insert into agents as a (namespace, agent_id, mission, enabled, gateway, max_concurrency, accepts)
  values (v_namespace, 'week-one', 'Does the drills of agentbus week-one; no model.', false, 'week-one', 10,
    '{week-one.end-to-end,week-one.block,week-one.loss}')
  on conflict (namespace, agent_id) do nothing;
  select * into v_agent from agents where namespace = v_namespace and agent_id = 'week-one' for no key update;
  if v_agent.gateway <> 'week-one' then
    perform refuse(409, 'wrong_state',
      format('agent week-one of namespace %s belongs to the fleet (gateway %s)', v_namespace, v_agent.gateway),
      'namespace', to_jsonb(v_namespace), 'a namespace without an agent of this name');
  end if;
  if v_agent.enabled and v_agent.updated_at > now() - drill_time() then
    perform refuse(409, 'wrong_state',
      format('the drills of week-one are under way since %s', utc_text(v_agent.updated_at)),
      'namespace', to_jsonb(v_namespace), 'a time after their end; end-week-one ends those that were broken off');
  end if;
  v_cancelled := cancel_drill_jobs(v_namespace, 'earlier drills of week-one were broken off');
  update agents
  set enabled = true, updated_at = now()
  where namespace = v_namespace and agent_id = 'week-one';
  return jsonb_build_object('agentId', 'week-one', 'cancelled', v_cancelled);
end
$$;
comment on function begin_week_one(jsonb, jsonb) is
  'The operation beginWeekOne: enables the agent week-one, whose gateway no node has, and cancels what earlier drills have left. Refused (409) while other drills are under way, and where the fleet has an agent of this name. Takes reason; returns agentId and cancelled.';

create or replace function end_week_one(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_cancelled int;
  v_changed boolean;
begin
  perform act_as(p_principal, p_input ->> 'reason');
  if not exists (
    select from agents where namespace = v_namespace and agent_id = 'week-one' and gateway = 'week-one') then
    return '{"cancelled": 0, "changed": false}';
  end if;
  v_cancelled := cancel_drill_jobs(v_namespace, p_input ->> 'reason');
  update agents
  set enabled = false, updated_at = now()
  where namespace = v_namespace and agent_id = 'week-one' and enabled;
  v_changed := found;
  return jsonb_build_object('cancelled', v_cancelled, 'changed', v_changed or v_cancelled > 0);
end
$$;
comment on function end_week_one(jsonb, jsonb) is
  'The operation endWeekOne: cancels the unfinished jobs of the drills and disables their agent; a repeated call changes nothing. Takes reason; returns cancelled and changed.';
