-- Starts of standing orders before their slot, when work has come in that should not wait for it. The sweeps
-- of the lanes decide what such work is.

-- Returns when a run of the order last began; null when none has.
create or replace function last_start(p_order standing_orders) returns timestamptz language sql stable as $$
  select max(started_at) from past_slots(p_order, order_runs_shown())
$$;

-- Returns the order of this name, locked, if it may start early now; else all null: when another call has
-- locked it, when a person has stopped it, while a run of it is under way, when one began less than p_rest
-- ago, or when its next slot comes within p_rest.
create or replace function order_free_early(p_namespace text, p_order text, p_rest interval)
returns standing_orders language plpgsql as $$
declare
  v_order standing_orders;
begin
  select * into v_order
  from standing_orders
  where namespace = p_namespace and order_name = p_order and enabled and started_by = 'bus'
  for no key update skip locked;
  if not found
    or order_away(v_order, now()) is not null
    or last_start(v_order) > now() - p_rest
    or exists (select from slot_under_way(v_order))
    or (next_fires(v_order) ->> 0)::timestamptz < now() + p_rest then
    return null;
  end if;
  return v_order;
end
$$;

-- Starts a run of the order now, by the actor dispatcher:<p_actor> and with p_reason in the audit log.
-- Returns the slot's id; null without a reason, when nothing is started.
create or replace function start_early(p_order standing_orders, p_actor text, p_reason text) returns uuid
language plpgsql as $$
declare
  v_slot standing_order_runs;
begin
  if p_reason is null then
    return null;
  end if;
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_actor), p_reason);
  v_slot := insert_slot(p_order, 'manual');
  return (start_slot(p_order, v_slot, v_slot.scheduled_for)).run_id;
end
$$;
