-- The operation idleReport: what came of idle thinking for each agent, and what it has taken.

-- Returns the slots of the orders of idle thinking of a namespace since p_since that were skipped before a
-- run began, by agent and reason, the most frequent reason first; reasons that differ in their numbers only
-- are one, and it has the words of the newest.
create or replace function idle_skips(p_namespace text, p_since timestamptz)
returns table (agent_id text, reason text, slots bigint) language sql stable as $$
  select r.agent_id, (array_agg(r.summary order by r.scheduled_for desc))[1], count(*)
  from standing_orders o
  join standing_order_runs r using (namespace, order_name)
  left join idle_runs i on i.slot_id = r.run_id
  where o.namespace = p_namespace
    and is_idle(o.job_type)
    and r.status = 'skipped'
    and i.began_at is null
    and r.scheduled_for >= p_since
  group by r.agent_id, error_pattern(r.summary)
  order by r.agent_id, count(*) desc, 2
$$;

-- Returns one agent of the report: its cadence, its yield since p_since, its skipped slots by reason, its
-- budget of a day and what is spent of it today.
create or replace function idle_agent_shown(p_agent agents, p_order text, p_yield jsonb, p_skips jsonb)
returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
      'agentId', (p_agent).agent_id,
      'orderName', p_order,
      'factor', coalesce(c.factor, 1),
      'cadence', factor_text(coalesce(c.factor, 1)),
      'cadenceReason', c.reason,
      'cadenceSince', c.changed_at)
    || coalesce(p_yield, '{"runs": 0, "outputs": 0, "reviewed": 0, "wanted": 0, "used": 0}')
    || jsonb_build_object(
      'skipped', (select coalesce(sum((s ->> 'slots')::int), 0) from jsonb_array_elements(p_skips) s),
      'lastRunAt', (
        select max(began_at)
        from idle_runs
        where namespace = (p_agent).namespace and agent_id = (p_agent).agent_id),
      'nextQuestion', next_idle_question((p_agent).namespace, (p_agent).agent_id),
      'budget', idle_budget_of(p_agent),
      'spentToday', idle_spent((p_agent).namespace, (p_agent).agent_id)))
    || jsonb_build_object('skips', p_skips)
  from (select 1) one
  left join idle_cadences c on c.namespace = (p_agent).namespace and c.agent_id = (p_agent).agent_id
$$;

-- Returns the numbers of a row of idle_yields as the report shows them, with minutes in place of seconds.
create or replace function yield_shown(p_yield jsonb) returns jsonb language sql stable as $$
  select camel_keys(p_yield - '{agent_id,seconds}'::text[])
    || jsonb_build_object('minutes', round((p_yield ->> 'seconds')::numeric / 60, 1))
$$;

create or replace function idle_report(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_agent text := p_input ->> 'agentId';
  v_days int := coalesce((p_input ->> 'days')::int, 14);
  v_since timestamptz := now() - make_interval(days => v_days);
  v_agents jsonb;
begin
  if v_agent is not null then
    perform agent_named(v_namespace, v_agent, 'agentId');
  end if;
  with yields as materialized (
    select * from idle_yields(v_namespace, v_agent, v_since)
  ), skips as materialized (
    select agent_id, jsonb_agg(jsonb_build_object('reason', reason, 'slots', slots)) as skips
    from idle_skips(v_namespace, v_since)
    group by agent_id
  ), orders as materialized (
    select agent_id, min(order_name) as order_name
    from standing_orders
    where namespace = v_namespace and enabled and is_idle(job_type)
    group by agent_id
  )
  select coalesce(jsonb_agg(
      idle_agent_shown(a, o.order_name, yield_shown(to_jsonb(y)), coalesce(s.skips, '[]'))
      order by a.agent_id), '[]')
  into v_agents
  from agents a
  left join yields y using (agent_id)
  left join skips s using (agent_id)
  left join orders o using (agent_id)
  where a.namespace = v_namespace
    and a.agent_id = coalesce(v_agent, a.agent_id)
    and (v_agent is not null or y.agent_id is not null or o.agent_id is not null);
  return jsonb_build_object(
    'namespace', v_namespace, 'days', v_days, 'since', v_since, 'agents', v_agents,
    'measuredAt', now());
end
$$;
comment on function idle_report(jsonb, jsonb) is
  'The operation idleReport: for each agent that thinks, what came of its idle runs of the last days (default 14), what they have taken, why slots were skipped, and how often it thinks. Changes nothing. Refuses an unknown agent (422).';
