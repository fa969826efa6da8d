-- The sources of needs-me about idle thinking. Nothing waits for it, so people see only runs that do not stop
-- and thinking that costs more than it brings.

-- Returns the idle runs that were asked to stop more than idle_overstay ago and still go on.
create or replace function idle_overstays(p_namespace text)
returns setof idle_runs language sql stable as $$
  select *
  from idle_runs
  where namespace = p_namespace
    and ended_at is null
    and stop_asked_at < now() - idle_overstay()
$$;

-- Returns the idle runs that go on although they were asked to stop.
create or replace function needs_idle_overstays(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'idle_overstay/' || r.idle_run_id,
    'idle_overstay',
    r.stop_asked_at,
    needs_item(
      format('The idle run of %s on gateway %s was asked to stop and still goes on: %s.', r.agent_id, r.gateway,
        in_sentence(r.stop_reason)),
      'It goes on beside the work of the gateway and spends tokens.',
      jsonb_build_object('agentId', r.agent_id, 'jobId', r.job_id, 'orderName', r.order_name),
      needs_action('Cancel its job', 'cancelJob', jsonb_build_object('jobId', r.job_id), '{reason}', true))
  from idle_overstays(p_namespace) r
$$;

-- Returns the action that takes an order of idle thinking from an agent.
create or replace function disable_idle_action(p_order text) returns jsonb language sql stable as $$
  select needs_action('Disable the order', 'disableStandingOrder', jsonb_build_object('orderName', p_order),
    '{reason}', true)
$$;

-- Returns whether a budget of a day allows an idle run at all, when nothing of it is spent.
create or replace function idle_budget_allows(p_budget jsonb) returns boolean language sql immutable as $$
  select bool_and(value::numeric > 0) and (p_budget ->> 'minutes')::numeric >= idle_least_minutes()
  from jsonb_each_text(p_budget)
$$;

-- Returns the agents whose newest settled idle run has spent more tokens than the agent might on its day, and
-- more than it may now, while their order is enabled and their budget allows another run.
create or replace function needs_idle_over_cap(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'idle_over_cap/' || o.order_name,
    'idle_over_cap',
    r.ended_at,
    needs_item(
      format('The last idle run of %s has spent %s tokens, and its budget of that day was %s.', r.agent_id,
        r.tokens, r.budget ->> 'tokens'),
      'Its next idle run may spend as much; no gateway stops a run at a number of tokens.',
      jsonb_build_object('agentId', r.agent_id, 'jobId', r.job_id, 'orderName', o.order_name),
      disable_idle_action(o.order_name))
  from standing_orders o
  join agents a using (namespace, agent_id)
  cross join lateral idle_budget_of(a) as b (budget)
  cross join lateral (
    select *
    from idle_runs
    where namespace = p_namespace and agent_id = o.agent_id and order_name = o.order_name
      and settled_at is not null
    order by created_at desc
    limit 1) r
  where o.namespace = p_namespace
    and o.enabled
    and o.disabled_at is null
    and is_idle(o.job_type)
    and r.tokens > (r.budget ->> 'tokens')::numeric
    and r.tokens > (b.budget ->> 'tokens')::numeric
    and idle_budget_allows(b.budget)
$$;

-- Returns the agents that think as rarely as an agent can and whose yield is still below idle_yield_floor.
create or replace function needs_idle_unwanted(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'idle_unwanted/' || o.order_name,
    'idle_unwanted',
    c.changed_at,
    needs_item(
      format('Nobody wants what comes of the idle thinking of %s: %s.', c.agent_id,
        yield_text(y.wanted, y.outputs, y.judged)),
      format('It thinks %s. Other idleQuestions in its agent.yaml may help.', factor_text(c.factor)),
      jsonb_build_object('agentId', c.agent_id, 'orderName', o.order_name),
      disable_idle_action(o.order_name))
  from idle_cadences c
  join standing_orders o using (namespace, agent_id)
  cross join lateral idle_yields(p_namespace, c.agent_id, now() - idle_yield_over()) y
  where c.namespace = p_namespace
    and c.factor <= idle_slowest()
    and y.yield < idle_yield_floor()
    and o.enabled
    and o.disabled_at is null
    and is_idle(o.job_type)
$$;

-- Returns the items of all sources about idle thinking. While phase 5 is off or frozen no agent thinks, and
-- only runs that go on are shown.
create or replace function needs_idle(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language plpgsql stable as $$
begin
  return query select * from needs_idle_overstays(p_namespace);
  if phase_stop(p_namespace, 5) is null then
    return query
      select * from needs_idle_over_cap(p_namespace)
      union all
      select * from needs_idle_unwanted(p_namespace);
  end if;
end
$$;
