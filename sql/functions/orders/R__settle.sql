-- What becomes of slots that are due. Anything may ask, any number of times, on any node: a Quartz trigger at the slot, the
-- sweep behind it. Each order is settled by one at a time; what is not due, or settled already, is left as it is.

create or replace function due_slots(p_order standing_orders, p_now timestamptz) returns setof standing_order_runs language sql stable as $$
  select * from standing_order_runs
  where namespace = (p_order).namespace and order_name = (p_order).order_name and status = 'expected'
    and scheduled_for <= p_now and (not_before is null or not_before <= p_now)
  order by scheduled_for
$$;
comment on function due_slots(standing_orders, timestamptz) is 'The order''s slots that may start now, oldest first.';

create or replace function catch_up_turn(p_namespace text, p_stagger_seconds int, p_now timestamptz) returns timestamptz language sql stable as $$
  -- One after the other over all orders: after three days down a fleet must not burn a day's budget in a minute.
  select greatest(p_now, max(not_before) + make_interval(secs => p_stagger_seconds))
  from standing_order_runs
  where namespace = p_namespace and trigger_source = 'catch_up' and not_before > p_now - catch_up_memory()
$$;
comment on function catch_up_turn(text, int, timestamptz) is 'When the next catch-up run may start: now, or the stagger after the one before it, whatever its order.';

create or replace function settle_late(p_order standing_orders, p_now timestamptz) returns setof jsonb language plpgsql as $$
declare
  v_late uuid[];
  v_kept uuid[] := '{}';
  v_run uuid;
  v_why text;
begin
  -- Oldest first. Those that already wait for their turn to catch up are looked at again with the new ones.
  v_late := array(
    select run_id from standing_order_runs
    where namespace = p_order.namespace and order_name = p_order.order_name and status = 'expected'
      and scheduled_for + make_interval(secs => p_order.grace_seconds) < p_now and held_by is null
    order by scheduled_for);
  if cardinality(v_late) = 0 then
    return;
  end if;
  if p_order.catch_up = 'all' then
    v_kept := v_late[greatest(1, cardinality(v_late) - p_order.catch_up_cap + 1):];
    v_why := format('not started in time; catch-up runs the newest %s only', p_order.catch_up_cap);
  elsif p_order.catch_up = 'latest' then
    v_why := 'not started in time; a later slot runs in its place';
    if not exists (
      select from standing_order_runs
      where namespace = p_order.namespace and order_name = p_order.order_name and status = 'expected'
        and scheduled_for <= p_now and not run_id = any (v_late)
        -- One that was held since before is no later slot.
        and scheduled_for > (select max(scheduled_for) from standing_order_runs where run_id = any (v_late))) then
      v_kept := v_late[cardinality(v_late):];
    end if;
  else
    v_why := 'not started in time, and the order does not catch up';
  end if;
  return query select miss_runs(p_order, array(select unnest(v_late) except select unnest(v_kept)), v_why, p_now);
  if cardinality(v_kept) > 0 then
    -- Nodes that settle different orders at once must see each other's turns. Whoever waits here holds nothing that is waited for:
    -- orders in somebody's hands are passed over.
    perform pg_advisory_xact_lock(hashtextextended('agentbus.catch_up', 0));
  end if;
  foreach v_run in array v_kept loop
    update standing_order_runs
    set trigger_source = 'catch_up', not_before = catch_up_turn(p_order.namespace, p_order.stagger_seconds, p_now), updated_at = now()
    where run_id = v_run and trigger_source = 'schedule';
  end loop;
end
$$;
comment on function settle_late(standing_orders, timestamptz) is
  'Sorts the slots past their grace by the order''s catch-up policy: missed, or to be caught up when their turn comes. Returns run_json of what was missed.';

create or replace function hold_slots(p_order standing_orders, p_live standing_order_runs, p_now timestamptz) returns setof jsonb
language plpgsql as $$
declare
  -- A catch-up run waits for its turn whatever the order does with slots that overlap.
  v_due uuid[] := array(select run_id from due_slots(p_order, p_now) where trigger_source = 'schedule');
  v_kept uuid[] := '{}';
  v_why text;
begin
  if p_order.overlap = 'queue' then
    v_kept := v_due[:p_order.catch_up_cap];
    v_why := format('%s slots wait already for the run of %s to end', p_order.catch_up_cap, utc_text(p_live.scheduled_for));
  elsif p_order.overlap = 'coalesce' then
    v_kept := v_due[cardinality(v_due):];
    v_why := 'folded into the next slot: one run for all that waited';
  else
    v_why := format('the run of %s was still under way', utc_text(p_live.scheduled_for));
  end if;
  update standing_order_runs set held_by = p_live.run_id, updated_at = now() where run_id = any (v_kept) and held_by is null;
  return query select close_runs(array(select unnest(v_due) except select unnest(v_kept)), 'skipped', v_why, p_now);
end
$$;
comment on function hold_slots(standing_orders, standing_order_runs, timestamptz) is
  'What becomes of due slots while a run is under way, by the order''s overlap policy: skipped, folded into one, or waiting. Returns run_json of what was skipped.';

create or replace function settle_order(p_order standing_orders, p_now timestamptz) returns setof jsonb language plpgsql as $$
declare
  v_agent agents;
  v_live standing_order_runs;
  v_run standing_order_runs;
  v_due uuid[];
begin
  if not p_order.enabled then
    v_due := array(select run_id from due_slots(p_order, 'infinity') where scheduled_for <= p_now);
    return query select close_runs(v_due, 'skipped', 'the order was removed before it ran', p_now);
    return;
  end if;
  if p_order.started_by = 'external' then
    v_due := array(select run_id from due_slots(p_order, p_now)
      where scheduled_for + make_interval(secs => p_order.grace_seconds) < p_now);
    return query select miss_runs(p_order, v_due, format('nobody started it within %s s', p_order.grace_seconds), p_now);
    return;
  end if;
  return query select settle_late(p_order, p_now);
  if not exists (select from due_slots(p_order, p_now)) then
    return;
  end if;
  select * into v_agent from agents where namespace = p_order.namespace and agent_id = p_order.agent_id;
  if not lane_open(v_agent, p_now) then
    return query select close_runs(array(select run_id from due_slots(p_order, p_now)), 'skipped',
      format('agent %s is %s', v_agent.agent_id, case when v_agent.enabled then 'paused: ' || v_agent.paused_reason else 'disabled' end), p_now);
    return;
  end if;
  loop
    select * into v_live from standing_order_runs
    where namespace = p_order.namespace and order_name = p_order.order_name and status = 'started'
    order by scheduled_for desc limit 1;
    if found then
      return query select hold_slots(p_order, v_live, p_now);
      return;
    end if;
    if p_order.overlap = 'coalesce' then
      v_due := array(select run_id from due_slots(p_order, p_now));
      return query select close_runs(v_due[:cardinality(v_due) - 1], 'skipped', 'folded into the next slot: one run for all that waited', p_now);
    end if;
    -- What is on time goes first: it would be skipped for a run that is late anyway.
    select * into v_run from due_slots(p_order, p_now) order by trigger_source = 'catch_up', scheduled_for limit 1;
    exit when not found;
    return query select start_slot(p_order, v_run, p_now);
  end loop;
end
$$;
comment on function settle_order(standing_orders, timestamptz) is
  'Settles the due slots of one locked order: late ones by its catch-up policy, held ones by its overlap policy, the next one is started. Returns run_json of every run it changed.';

create or replace function start_slot(p_order standing_orders, p_run standing_order_runs, p_now timestamptz) returns setof jsonb
language plpgsql as $$
declare
  v_verdict jsonb := run_pre_check(p_order);
begin
  if v_verdict ? 'noWork' then
    update standing_order_runs set started_at = p_now where run_id = p_run.run_id;
    return query select close_runs(array[p_run.run_id], 'no_work',
      format('pre-check %s: nothing to do, the agent was not woken', p_order.pre_check), p_now, v_verdict -> 'noWork');
  elsif v_verdict ? 'skip' then
    return query select close_runs(array[p_run.run_id], 'skipped', v_verdict ->> 'skip', p_now);
  else
    return next run_json(begin_run(p_order, p_run, p_now));
  end if;
end
$$;
comment on function start_slot(standing_orders, standing_order_runs, timestamptz) is
  'Starts one slot, unless the order''s pre-check answers for the agent. Returns run_json of the run.';

create or replace function settle_standing_orders(p_namespace text, p_order text default null, p_now timestamptz default now())
returns setof jsonb language plpgsql as $$
declare
  v_order standing_orders;
  v_settled jsonb[];
begin
  perform act_as('{"kind": "dispatcher", "name": "standing-orders"}', 'slot is due');
  for v_order in
    select o.* from standing_orders o
    where o.namespace = p_namespace and (p_order is null or o.order_name = p_order)
      and exists (select from standing_order_runs r
        where r.namespace = o.namespace and r.order_name = o.order_name and r.status = 'expected' and r.scheduled_for <= p_now)
    order by o.order_name
    -- Somebody else is at it.
    for no key update skip locked
  loop
    begin
      v_settled := array(select settle_order(v_order, p_now));
      return query select unnest(v_settled);
    exception when others then
      -- One order that cannot be settled must not keep the others from running; said once an hour, and tried again.
      perform append_event(p_namespace, 'standing_order.unsettled', null, null,
        jsonb_build_object('order', v_order.order_name, 'agentId', v_order.agent_id, 'error', sqlerrm),
        v_order.order_name || ':' || date_trunc('hour', p_now));
    end;
  end loop;
end
$$;
comment on function settle_standing_orders(text, text, timestamptz) is
  'Settles the due slots of one order or of all. Returns run_json of every run that began or ended thereby.';
