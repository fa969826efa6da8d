-- The operation standing-order-slots: the slots of a window in a form that is small enough for a calendar.

-- Returns by how many seconds a slot began late; of a slot that has not begun, how late it is by now. Null
-- for a slot that is not late, and for one that did not run.
create or replace function slot_late_seconds(
  p_status text, p_trigger text, p_scheduled_for timestamptz, p_started_at timestamptz
) returns int language sql stable as $$
  select case when p_trigger <> 'manual' and p_status not in ('skipped', 'missed') then
    nullif(greatest(0, extract(epoch from
      coalesce(p_started_at, case when p_status = 'expected' then now() end) - p_scheduled_for)::int), 0) end
$$;

-- Returns the newest slots of a window, live or retired, newest first, at most p_most: agent, order and the
-- compact row (time, status, seconds late, run and job). p_agent and p_order narrow the list (null: all).
create or replace function compact_slots(
  p_namespace text, p_from timestamptz, p_to timestamptz, p_agent text, p_order text, p_most int
) returns table (agent_id text, order_name text, scheduled_for timestamptz, slot jsonb)
language plpgsql stable
-- Planned anew each time, so that a filter which is not given disappears from the plan.
set plan_cache_mode = force_custom_plan as $$
begin
  return query
  select r.agent_id, r.order_name, r.scheduled_for,
    jsonb_build_array(r.scheduled_for, r.status,
      slot_late_seconds(r.status, r.trigger_source, r.scheduled_for, r.started_at), r.run_id, r.job_id)
  from (
    select s.agent_id, s.order_name, s.scheduled_for, s.status, s.trigger_source, s.started_at, s.run_id,
      s.job_id
    from standing_order_runs s
    where s.namespace = p_namespace
      and s.scheduled_for >= p_from
      and s.scheduled_for < p_to
      and (p_agent is null or s.agent_id = p_agent)
      and (p_order is null or s.order_name = p_order)
    union all
    select s.agent_id, s.order_name, s.scheduled_for, s.status, s.trigger_source, s.started_at, s.run_id,
      s.job_id
    from standing_order_runs_history s
    where s.namespace = p_namespace
      and s.scheduled_for >= p_from
      and s.scheduled_for < p_to
      and (p_agent is null or s.agent_id = p_agent)
      and (p_order is null or s.order_name = p_order)) r
  order by r.scheduled_for desc
  limit p_most;
end
$$;

-- Returns the window of the input as window_of. Refuses (422) one of more than longest_window.
create or replace function bounded_window_of(p_input jsonb, out o_from timestamptz, out o_to timestamptz)
language plpgsql stable as $$
begin
  select w.o_from, w.o_to into o_from, o_to from window_of(p_input) w;
  if o_to - o_from > longest_window() then
    perform refuse(422, 'invalid_field',
      format('the window from %s to %s has %s days', utc_text(o_from), utc_text(o_to),
        ceil(extract(epoch from o_to - o_from) / 86400)),
      'from', to_jsonb(o_from),
      format('a time at most %s days before to', extract(epoch from longest_window())::int / 86400));
  end if;
end
$$;

create or replace function standing_order_slots(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_window record;
  v_answer jsonb;
begin
  select * into v_window from bounded_window_of(p_input);
  with slots as materialized (
    select * from compact_slots(v_namespace, v_window.o_from, v_window.o_to, p_input ->> 'agentId',
      p_input ->> 'order', calendar_slots() + 1)
  ), shown as (
    select * from slots order by scheduled_for desc limit calendar_slots()
  ), by_order as (
    select agent_id, order_name, jsonb_agg(slot order by scheduled_for) as slots
    from shown
    group by agent_id, order_name
    union all
    -- An order without a slot in the window has a row too.
    select agent_id, order_name, '[]'
    from standing_orders o
    where namespace = v_namespace
      and enabled
      and (p_input ->> 'agentId' is null or agent_id = p_input ->> 'agentId')
      and (p_input ->> 'order' is null or order_name = p_input ->> 'order')
      and not exists (select from shown s where s.order_name = o.order_name and s.agent_id = o.agent_id)
  )
  select jsonb_build_object(
    'from', v_window.o_from,
    'to', v_window.o_to,
    'orders', (
      select coalesce(jsonb_agg(
        jsonb_strip_nulls(jsonb_build_object(
          'order', b.order_name,
          'agentId', b.agent_id,
          'schedule', o.words,
          'zone', o.zone,
          'graceSeconds', o.grace_seconds,
          'enabled', o.enabled)) || jsonb_build_object(
          'total', jsonb_array_length(b.slots),
          'late', (
            select count(*)
            from jsonb_array_elements(b.slots) s
            where (s ->> 2)::int > coalesce(o.grace_seconds, 0)),
          'slots', b.slots)
        order by b.agent_id, b.order_name), '[]')
      from by_order b
      left join standing_orders o on o.namespace = v_namespace and o.order_name = b.order_name),
    'more', (select count(*) from slots) > calendar_slots())
    || case
      when (select count(*) from slots) > calendar_slots()
        then jsonb_build_object('completeFrom', (select min(scheduled_for) from shown))
      else '{}' end
  into v_answer;
  return v_answer;
end
$$;
comment on function standing_order_slots(jsonb, jsonb) is
  'The operation standingOrderSlots: the slots of a window by order, oldest first, each as an array of time, status, seconds late, run id and job id. An answer has the newest calendar_slots slots; when there are more, completeFrom says from when on it has all of them.';
