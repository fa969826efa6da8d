-- Settling decides what happens to slots that are due. A Quartz trigger settles at the time of a slot, and
-- a sweep finds slots that were not settled then; any node may settle any number of times. One transaction
-- at a time settles an order. Slots that are not due, or settled already, stay as they are.

-- Returns the order's slots that may start now, oldest first.
create or replace function due_slots(p_order standing_orders, p_now timestamptz)
returns setof standing_order_runs language sql stable as $$
  select *
  from standing_order_runs
  where namespace = (p_order).namespace
    and order_name = (p_order).order_name
    and status = 'expected'
    and scheduled_for <= p_now
    and (not_before is null or not_before <= p_now)
  order by scheduled_for
$$;

-- Returns the newest slot of the order that is under way; no row when there is none.
create or replace function slot_under_way(p_order standing_orders) returns setof standing_order_runs
language sql stable as $$
  select * from newest_slot((p_order).namespace, (p_order).order_name, '{started}')
$$;

-- Returns whether a slot is late at p_now: its time is longer ago than the order's grace_seconds.
create or replace function is_late(p_order standing_orders, p_slot standing_order_runs, p_now timestamptz)
returns boolean language sql stable as $$
  select (p_slot).scheduled_for + make_interval(secs => (p_order).grace_seconds) < p_now
$$;

-- Returns when the next catch-up slot of the namespace may start: at p_now, or p_stagger_seconds after the
-- last catch-up slot of any order, whichever is later. After three days of downtime a fleet must not spend
-- the budget of a day within a minute.
create or replace function catch_up_turn(p_namespace text, p_stagger_seconds int, p_now timestamptz)
returns timestamptz language sql stable as $$
  select greatest(p_now, max(not_before) + make_interval(secs => p_stagger_seconds))
  from standing_order_runs
  where namespace = p_namespace
    and trigger_source = 'catch_up'
    and not_before > p_now - catch_up_memory()
$$;

-- Returns the late slots of the order, oldest first. Held slots are not late; slots that wait for their
-- turn to catch up are late, so that the policy judges them again together with the new ones.
create or replace function late_slots(p_order standing_orders, p_now timestamptz) returns uuid[]
language sql stable as $$
  select array(
    select run_id
    from standing_order_runs r
    where namespace = (p_order).namespace
      and order_name = (p_order).order_name
      and status = 'expected'
      and held_by is null
      and is_late(p_order, r, p_now)
    order by scheduled_for)
$$;

-- Returns whether a due slot of the order is newer than all of p_slots, so that it runs in their place. A
-- held slot that is older does not count.
create or replace function newer_slot_is_due(p_order standing_orders, p_slots uuid[], p_now timestamptz)
returns boolean language sql stable as $$
  select exists (
    select from standing_order_runs
    where namespace = (p_order).namespace
      and order_name = (p_order).order_name
      and status = 'expected'
      and scheduled_for <= p_now
      and scheduled_for > (select max(scheduled_for) from standing_order_runs where run_id = any (p_slots)))
$$;

-- Returns the late slots that the order's catch-up policy lets run (o_kept), and why the others are missed
-- (o_why). p_late has the oldest slot first.
create or replace function catch_up_choice(
  p_order standing_orders, p_late uuid[], p_now timestamptz, out o_kept uuid[], out o_why text
) language plpgsql stable as $$
begin
  o_kept := '{}';
  if p_order.catch_up = 'all' then
    o_kept := p_late[greatest(1, cardinality(p_late) - p_order.catch_up_cap + 1):];
    o_why := format('not started in time; catch-up runs the newest %s only', p_order.catch_up_cap);
  elsif p_order.catch_up = 'latest' then
    o_why := 'not started in time; a later slot runs in its place';
    if not newer_slot_is_due(p_order, p_late, p_now) then
      o_kept := p_late[cardinality(p_late):];
    end if;
  else
    o_why := 'not started in time, and the order does not catch up';
  end if;
end
$$;

-- Returns the ids of p_ids that are not in p_others.
create or replace function without(p_ids uuid[], p_others uuid[]) returns uuid[] language sql immutable as $$
  select array(select unnest(p_ids) except select unnest(p_others))
$$;

-- Applies the order's catch-up policy to its late slots: a slot is missed, or is caught up at its turn.
-- Returns slot_json of each missed slot.
create or replace function settle_late(p_order standing_orders, p_now timestamptz) returns setof jsonb
language plpgsql as $$
declare
  v_late uuid[] := late_slots(p_order, p_now);
  v_choice record;
  v_slot uuid;
begin
  if cardinality(v_late) = 0 then
    return;
  end if;
  select * into v_choice from catch_up_choice(p_order, v_late, p_now);
  return query
    select miss_slots(p_order, without(v_late, v_choice.o_kept), v_choice.o_why, p_now);
  if cardinality(v_choice.o_kept) > 0 then
    -- Nodes that settle different orders at once must see each other's turns. There is no deadlock, because
    -- a call that waits here holds only orders, and settling skips locked orders.
    perform pg_advisory_xact_lock(hashtextextended('agentbus.catch_up', 0));
  end if;
  foreach v_slot in array v_choice.o_kept loop
    update standing_order_runs
    set trigger_source = 'catch_up',
      not_before = catch_up_turn(p_order.namespace, p_order.stagger_seconds, p_now),
      updated_at = now()
    where run_id = v_slot
      and trigger_source = 'schedule';
  end loop;
end
$$;

-- Returns the due slots that the order's overlap policy lets wait for the slot under way (o_kept), and why
-- the others are skipped (o_why). p_due has the oldest slot first.
create or replace function overlap_choice(
  p_order standing_orders, p_live standing_order_runs, p_due uuid[], out o_kept uuid[], out o_why text
) language plpgsql stable as $$
begin
  o_kept := '{}';
  if p_order.overlap = 'queue' then
    o_kept := p_due[:p_order.catch_up_cap];
    o_why := format('%s slots wait already for the run of %s to end',
      p_order.catch_up_cap, utc_text(p_live.scheduled_for));
  elsif p_order.overlap = 'coalesce' then
    o_kept := p_due[cardinality(p_due):];
    o_why := coalesced_summary();
  else
    o_why := format('the run of %s was still under way', utc_text(p_live.scheduled_for));
  end if;
end
$$;

-- Returns the summary of a slot that was skipped because a later slot runs for it too.
create or replace function coalesced_summary() returns text language sql immutable as $$
  select 'folded into the next slot: one run for all that waited'
$$;

-- Applies the order's overlap policy to the due slots while p_live is under way: a slot is skipped or held.
-- Returns slot_json of each skipped slot. Catch-up slots wait for their turn under every policy.
create or replace function hold_slots(p_order standing_orders, p_live standing_order_runs, p_now timestamptz)
returns setof jsonb language plpgsql as $$
declare
  v_due uuid[] := array(select run_id from due_slots(p_order, p_now) where trigger_source = 'schedule');
  v_choice record;
begin
  select * into v_choice from overlap_choice(p_order, p_live, v_due);
  update standing_order_runs
  set held_by = p_live.run_id, updated_at = now()
  where run_id = any (v_choice.o_kept)
    and held_by is null;
  return query
    select end_slots(without(v_due, v_choice.o_kept), 'skipped', v_choice.o_why, p_now);
end
$$;

-- Skips the due slots of a removed order. Returns slot_json of each.
create or replace function settle_removed(p_order standing_orders, p_now timestamptz) returns setof jsonb
language sql as $$
  select end_slots(
    array(select run_id from due_slots(p_order, 'infinity') where scheduled_for <= p_now),
    'skipped', 'the order was removed before it ran', p_now)
$$;

-- Settles the due slots of an order whose runs are started elsewhere: late slots are missed or, with p_away
-- (order_away), skipped, and the others wait, so that a start after a short stop takes its slot. Returns
-- slot_json of each slot that ended.
create or replace function settle_external(p_order standing_orders, p_away text, p_now timestamptz)
returns setof jsonb
language plpgsql as $$
declare
  v_late uuid[] := array(select run_id from due_slots(p_order, p_now) s where is_late(p_order, s, p_now));
begin
  if p_away is not null then
    return query select end_slots(v_late, 'skipped', p_away, p_now);
  else
    return query
      select miss_slots(p_order, v_late, format('nobody started it within %s s', p_order.grace_seconds), p_now);
  end if;
end
$$;
drop function if exists settle_external(standing_orders, timestamptz);

-- Returns why an agent takes no slot at p_now, in words: the agent is disabled, or an operator has paused
-- it. Null when the agent takes slots. A lane that the bus has stopped for a time tries again by itself, so
-- a slot starts and its job waits.
create or replace function agent_away(p_namespace text, p_agent text, p_now timestamptz) returns text
language sql stable as $$
  select case
    when not enabled then format('agent %s is disabled', agent_id)
    when lane_paused(a, p_now) and (refusal_cause is null or paused_until is null) then
      format('agent %s is paused: %s', agent_id, paused_reason) end
  from agents a
  where namespace = p_namespace and agent_id = p_agent
$$;

-- Returns why an order takes no slot at p_now, in words: a person has disabled it or frozen its phase or its
-- agent, or has paused everything, its agent, the gateway of its agent or its job type. Null when it takes
-- slots. An order whose runs start elsewhere depends on no agent, gateway or job type of the bus.
-- Slots that a person has stopped are skipped, so that a resume starts no run for times that have passed;
-- trouble of the bus or of a gateway only lets jobs wait.
create or replace function order_away(p_order standing_orders, p_now timestamptz) returns text
language plpgsql stable as $$
declare
  v_pause pauses := pause_over(p_order.namespace,
    (select gateway from agents where namespace = p_order.namespace and agent_id = p_order.agent_id),
    p_order.job_type, p_now);
begin
  if v_pause.kind = 'everything' then
    return stop_text(v_pause);
  elsif p_order.disabled_at is not null then
    return disabled_text(p_order);
  elsif order_freeze(p_order) is not null then
    return order_freeze(p_order);
  elsif p_order.started_by = 'external' then
    return null;
  end if;
  return coalesce(
    agent_away(p_order.namespace, p_order.agent_id, p_now),
    case when v_pause.pause_id is not null then stop_text(v_pause) end);
end
$$;

-- Starts due slots one after another until one is under way, and applies the overlap policy to the rest.
-- Slots on time come before catch-up slots, because they would be skipped for a slot that is late anyway.
-- Returns slot_json of each slot that changed.
create or replace function start_due_slots(p_order standing_orders, p_now timestamptz) returns setof jsonb
language plpgsql as $$
declare
  v_live standing_order_runs;
  v_next standing_order_runs;
  v_due uuid[];
begin
  loop
    select * into v_live from slot_under_way(p_order);
    if found then
      return query select hold_slots(p_order, v_live, p_now);
      return;
    end if;
    if p_order.overlap = 'coalesce' then
      v_due := array(select run_id from due_slots(p_order, p_now));
      return query select end_slots(v_due[:cardinality(v_due) - 1], 'skipped', coalesced_summary(), p_now);
    end if;
    select * into v_next
    from due_slots(p_order, p_now)
    order by trigger_source = 'catch_up', scheduled_for
    limit 1;
    exit when not found;
    return next slot_json(try_slot(p_order, v_next, p_now));
  end loop;
end
$$;

-- Starts one slot, unless the order's pre-check settles it. noWork of the pre-check ends the slot as
-- no_work with that evidence, and skip ends it as skipped with that reason. Returns the slot.
create or replace function try_slot(p_order standing_orders, p_slot standing_order_runs, p_now timestamptz)
returns standing_order_runs language plpgsql as $$
declare
  v_verdict jsonb := pre_check_verdict(p_order);
begin
  if v_verdict ? 'noWork' then
    update standing_order_runs set started_at = p_now where run_id = p_slot.run_id;
    return end_slot(p_slot, 'no_work',
      format('pre-check %s: nothing to do, the agent was not woken', p_order.pre_check),
      p_now, v_verdict -> 'noWork');
  elsif v_verdict ? 'skip' then
    return end_slot(p_slot, 'skipped', v_verdict ->> 'skip', p_now);
  end if;
  return start_slot(p_order, p_slot, p_now);
end
$$;

-- Settles the due slots of one locked order: the catch-up policy for late slots, the overlap policy for
-- overlapping slots, and the start of the next slot. Returns slot_json of each slot that changed.
create or replace function settle_order(p_order standing_orders, p_now timestamptz) returns setof jsonb
language plpgsql as $$
declare
  v_away text := order_away(p_order, p_now);
begin
  if not p_order.enabled then
    return query select settle_removed(p_order, p_now);
    return;
  end if;
  if p_order.started_by = 'external' then
    return query select settle_external(p_order, v_away, p_now);
    return;
  end if;
  return query select settle_late(p_order, p_now);
  if v_away is not null then
    return query
      select end_slots(array(select run_id from due_slots(p_order, p_now)), 'skipped', v_away, p_now);
  else
    return query select start_due_slots(p_order, p_now);
  end if;
end
$$;

-- Writes down that an overdue slot could not be ended, and emits standing_order.unsettled, at most once an
-- hour for the order.
create or replace function note_unsettled_slot(p_slot standing_order_runs, p_now timestamptz, p_error text)
returns void language plpgsql as $$
begin
  perform note_sweep_failure('slot', p_slot.run_id, p_slot.namespace, p_error);
  perform note_unsettled(p_slot.namespace, p_slot.order_name, p_slot.agent_id, p_now, p_error);
end
$$;

-- Emits standing_order.unsettled about an order, at most once an hour.
create or replace function note_unsettled(
  p_namespace text, p_order text, p_agent text, p_now timestamptz, p_error text
) returns void language sql as $$
  select append_event_of_failure(p_namespace, 'standing_order.unsettled', null,
    jsonb_build_object('order', p_order, 'agentId', p_agent, 'error', p_error),
    once_key(p_order, date_trunc('hour', p_now, 'UTC')))
$$;

-- Settles the due slots of one order (null: of all orders) in one namespace (null: in all). Returns
-- slot_json of each slot that began or ended.
-- Orders that another call has locked are skipped. An order that cannot be settled does not stop the
-- others; it emits standing_order.unsettled, at most once an hour.
create or replace function settle_standing_orders(
  p_namespace text, p_order text default null, p_now timestamptz default now()
) returns setof jsonb language plpgsql as $$
declare
  v_order standing_orders;
  v_settled jsonb[];
begin
  perform act_as('{"kind": "dispatcher", "name": "standing-orders"}', 'slot is due');
  perform hold_phases();
  for v_order in
    select o.*
    from standing_orders o
    where o.namespace = coalesce(p_namespace, o.namespace)
      and o.order_name = coalesce(p_order, o.order_name)
      and exists (
        select from standing_order_runs r
        where r.namespace = o.namespace
          and r.order_name = o.order_name
          and r.status = 'expected'
          and r.scheduled_for <= p_now)
    order by o.namespace, o.order_name
    for no key update skip locked
  loop
    exit when sweep_time_is_up();
    begin
      v_settled := array(select settle_order(v_order, p_now));
      return query select unnest(v_settled);
    exception when others then
      perform note_unsettled(v_order.namespace, v_order.order_name, v_order.agent_id, p_now, sqlerrm);
    end;
  end loop;
end
$$;
