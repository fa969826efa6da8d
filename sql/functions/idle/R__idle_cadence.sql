-- How often an agent thinks. Its cadence is a factor of its rest between two idle runs (idle_rest): it halves
-- when nobody wants what came of two weeks, and doubles when much of it was wanted.

-- Returns the namespaces where agents think: those whose phase 5 is on and not frozen.
create or replace function namespaces_that_think() returns setof text
language sql stable as $$
  select namespace from namespaces where phase_stop(namespace, 5) is null
$$;

-- Returns how many judged runs a yield needs before it changes a factor: idle_judged_runs, and fewer for an
-- agent that thinks less often, because its runs of two weeks are fewer.
create or replace function judged_runs_needed(p_factor real) returns int
language sql immutable as $$
  select ceil(idle_judged_runs() * least(p_factor, 1))::int
$$;

-- Returns the factor that follows from a factor and a yield; the same one when the yield is neither poor nor
-- good, has too few judged runs, or the factor is at its limit.
create or replace function next_idle_factor(p_factor real, p_yield numeric, p_judged int) returns real
language sql immutable as $$
  select case
    when p_yield is null or p_judged < judged_runs_needed(p_factor) then p_factor
    when p_yield < idle_yield_floor() then greatest(p_factor / 2, idle_slowest())
    when p_yield > idle_yield_good() then least(p_factor * 2, idle_fastest())
    else p_factor end
$$;

-- Describes a factor in words, such as half as often as its order says.
create or replace function factor_text(p_factor real) returns text
language sql stable as $$
  select case
    when p_factor = 1 then 'as often as its order says'
    when p_factor = 2 then 'twice as often as its order says'
    when p_factor = 0.5 then 'half as often as its order says'
    else format('1/%s as often as its order says', round(1 / p_factor)) end
$$;

-- Describes a yield in words, such as 1 of 12 outputs of 9 judged runs was wanted.
create or replace function yield_text(p_wanted int, p_outputs int, p_judged int) returns text
language sql stable as $$
  select format('%s of %s of %s %s wanted', p_wanted, count_of(p_outputs, 'output', 'outputs'),
    count_of(p_judged, 'judged run', 'judged runs'), case when p_wanted = 1 then 'was' else 'were' end)
$$;

-- Looks at the yield of each agent of a namespace that thinks, once in idle_looked_at_every, and changes its
-- factor (next_idle_factor) when the last change is idle_yield_over ago or longer. The first look writes a
-- row with the factor 1, so the first change comes after two weeks of runs. Emits idle.cadence.halved or
-- idle.cadence.doubled for each change. Returns the agents whose factor has changed.
create or replace function look_at_cadences(p_namespace text) returns setof text
language plpgsql as $$
declare
  v_seen idle_cadences;
  v_yield record;
  v_factor real;
begin
  insert into idle_cadences (namespace, agent_id, reason, looked_at)
  select p_namespace, r.agent_id, 'it has begun to think', '-infinity'
  from agents a
  join idle_runs r using (namespace, agent_id)
  where a.namespace = p_namespace
    and a.enabled
    and r.created_at >= now() - idle_yield_over()
    and not exists (
      select from idle_cadences c where c.namespace = p_namespace and c.agent_id = r.agent_id)
  group by r.agent_id
  on conflict do nothing;
  for v_seen in
    select c.*
    from idle_cadences c
    join agents a using (namespace, agent_id)
    where c.namespace = p_namespace
      and a.enabled
      and c.looked_at < now() - idle_looked_at_every()
    order by c.agent_id
    for no key update of c skip locked
  loop
    select * into v_yield
    from idle_yields(p_namespace, v_seen.agent_id, now() - idle_yield_over());
    v_factor := case when v_seen.changed_at > now() - idle_yield_over() then v_seen.factor
      else next_idle_factor(v_seen.factor, v_yield.yield, v_yield.judged) end;
    update idle_cadences
    set factor = v_factor,
      reason = case when v_factor <> factor then yield_text(v_yield.wanted, v_yield.outputs, v_yield.judged)
        else reason end,
      changed_at = case when v_factor <> factor then now() else changed_at end,
      looked_at = now(),
      updated_at = now()
    where namespace = p_namespace and agent_id = v_seen.agent_id;
    if v_factor <> v_seen.factor then
      perform append_event(p_namespace,
        case when v_factor < v_seen.factor then 'idle.cadence.halved' else 'idle.cadence.doubled' end,
        null, null, jsonb_build_object('agentId', v_seen.agent_id, 'factor', v_factor, 'before', v_seen.factor,
          'runs', v_yield.runs, 'judged', v_yield.judged, 'outputs', v_yield.outputs, 'wanted', v_yield.wanted,
          'yield', v_yield.yield, 'tokens', v_yield.tokens));
      return next v_seen.agent_id;
    end if;
  end loop;
end
$$;

-- Starts the idle order of each agent of a namespace that may think more often than its order says, unless it
-- may not start early (order_free_early) or its pre-check has an objection or fails. Returns the slots' ids.
create or replace function think_early(p_namespace text) returns setof uuid
language plpgsql as $$
declare
  v_due record;
  v_order standing_orders;
begin
  for v_due in
    select o.order_name, c.agent_id, c.factor
    from idle_cadences c
    join standing_orders o using (namespace, agent_id)
    where c.namespace = p_namespace
      and c.factor > 1
      and o.enabled
      and is_idle(o.job_type)
    order by o.order_name
  loop
    v_order := order_free_early(p_namespace, v_due.order_name, idle_rest() / v_due.factor);
    if v_order.order_name is not null and pre_check_preview(v_order) = '{}' then
      return next start_early(v_order, 'idle', 'it may think ' || factor_text(v_due.factor));
    end if;
  end loop;
end
$$;
