-- Standing orders as the route files have them, and their slots written ahead of time.
-- Schedules are understood outside (Quartz expressions); what they mean arrives here as slots.
-- Functions that look at the time take it as p_now, so that a test can have a clock of its own.

create or replace function order_named(p_namespace text, p_order text) returns standing_orders language plpgsql stable as $$
declare
  v_order standing_orders;
begin
  select * into v_order from standing_orders where namespace = p_namespace and order_name = p_order;
  if not found then
    perform refuse(404, 'unknown_standing_order', format('there is no standing order %s in namespace %s', p_order, p_namespace),
      'orderName', to_jsonb(p_order), 'one of: ' || (
        select coalesce(string_agg(order_name, ', ' order by order_name), '(no order yet)')
        from standing_orders where namespace = p_namespace and enabled));
  end if;
  return v_order;
end
$$;
comment on function order_named(text, text) is 'The order''s row, or a refusal (404, unknown_standing_order).';

create or replace function locked_order(p_namespace text, p_order text) returns standing_orders language plpgsql as $$
declare
  v_order standing_orders;
begin
  select * into v_order from standing_orders where namespace = p_namespace and order_name = p_order for no key update;
  if not found then
    return order_named(p_namespace, p_order);
  end if;
  if not v_order.enabled then
    perform refuse(409, 'wrong_state', format('standing order %s was removed at %s', p_order, utc_text(v_order.removed_at)),
      'orderName', to_jsonb(p_order), 'an order that the route files have');
  end if;
  return v_order;
end
$$;
comment on function locked_order(text, text) is 'The order''s row, locked until the end of the transaction. Refuses an unknown order (404) and one that was removed (409).';

create or replace function standing_orders_to_plan(p_namespace text, p_now timestamptz default now()) returns setof jsonb
language sql stable as $$
  select jsonb_build_object('namespace', namespace, 'order', order_name, 'cron', cron, 'zone', zone,
    'plannedUntil', planned_until, 'definitionHash', definition_hash, 'now', p_now)
  from standing_orders
  where namespace = p_namespace and enabled
  order by order_name
$$;
comment on function standing_orders_to_plan(text, timestamptz) is
  'Each order that is in force: its schedule, up to when its slots are written, and what time it is.';

create or replace function plan_slots(
  p_namespace text, p_order text, p_cron text, p_zone text, p_from timestamptz, p_slots timestamptz[], p_until timestamptz
) returns int language plpgsql as $$
declare
  v_order standing_orders;
  v_written int;
begin
  select * into v_order from standing_orders where namespace = p_namespace and order_name = p_order and enabled for no key update;
  -- Another node was faster, or has another schedule by now: what was worked out does not follow on what is written.
  if not found or (v_order.cron, v_order.zone, v_order.planned_until) is distinct from (p_cron, p_zone, p_from) then
    return 0;
  end if;
  insert into standing_order_runs (namespace, agent_id, order_name, scheduled_for)
  select p_namespace, v_order.agent_id, p_order, slot from unnest(p_slots) slot
  on conflict on constraint one_run_for_each_slot do nothing;
  get diagnostics v_written = row_count;
  update standing_orders set planned_until = greatest(planned_until, p_until)
  where namespace = p_namespace and order_name = p_order;
  return v_written;
end
$$;
comment on function plan_slots(text, text, text, text, timestamptz, timestamptz[], timestamptz) is
  'Writes an order''s slots after p_from up to p_until as expected; returns how many are new. Does nothing when the order''s schedule is another by now, or its slots are written up to another time.';

create or replace function withdraw_slots(p_namespace text, p_order text, p_now timestamptz) returns int language plpgsql as $$
declare
  v_withdrawn int;
begin
  delete from standing_order_runs
  where namespace = p_namespace and order_name = p_order and status = 'expected' and scheduled_for > p_now;
  get diagnostics v_withdrawn = row_count;
  return v_withdrawn;
end
$$;
comment on function withdraw_slots(text, text, timestamptz) is 'Removes an order''s slots that are not due yet; returns how many. What was due stays.';

create or replace function note_order(p_namespace text, p_order text, p_what text, p_detail jsonb) returns void language sql as $$
  insert into audit_log (namespace, actor, action, table_name, row_id, why, detail)
  values (p_namespace, current_actor(), 'standing_order.' || p_what, 'standing_orders', p_order,
    nullif(current_setting('agentbus.why', true), ''), jsonb_strip_nulls(p_detail))
$$;
comment on function note_order(text, text, text, jsonb) is 'Audit row of a change of an order.';

create or replace function pre_check_function(p_pre_check text) returns text language sql immutable strict as $$
  select 'precheck_' || replace(p_pre_check, '-', '_')
$$;
comment on function pre_check_function(text) is 'The function that answers a pre-check: x-y is precheck_x_y.';

create or replace function write_order(p_namespace text, p_wanted jsonb, p_now timestamptz) returns void language plpgsql as $$
declare
  v_old standing_orders;
  v_new_schedule boolean;
  v_withdrawn int;
begin
  select * into v_old from standing_orders
  where namespace = p_namespace and order_name = p_wanted ->> 'name' for no key update;
  v_new_schedule := v_old.order_name is null or not v_old.enabled
    or (v_old.cron, v_old.zone, v_old.agent_id) is distinct from (p_wanted ->> 'cron', p_wanted ->> 'zone', p_wanted ->> 'agent');
  if v_new_schedule then
    v_withdrawn := withdraw_slots(p_namespace, p_wanted ->> 'name', p_now);
  end if;
  insert into standing_orders as o (namespace, order_name, agent_id, cron, zone, words, purpose, instructions, session, catch_up,
    catch_up_cap, stagger_seconds, overlap, grace_seconds, timeout_seconds, job_type, priority, pre_check, started_by,
    definition_hash, planned_until)
  values (p_namespace, p_wanted ->> 'name', p_wanted ->> 'agent', p_wanted ->> 'cron', p_wanted ->> 'zone', p_wanted ->> 'words',
    p_wanted ->> 'purpose', p_wanted ->> 'instructions', p_wanted ->> 'session', p_wanted ->> 'catchUp',
    (p_wanted ->> 'catchUpCap')::int, (p_wanted ->> 'staggerSeconds')::int, p_wanted ->> 'overlap',
    (p_wanted ->> 'graceSeconds')::int, nullif((p_wanted ->> 'timeoutSeconds')::int, 0), p_wanted ->> 'jobType',
    (p_wanted ->> 'priority')::int, nullif(p_wanted ->> 'preCheck', ''), p_wanted ->> 'startedBy',
    p_wanted ->> 'definitionHash', p_now)
  on conflict (namespace, order_name) do update set
    enabled = true, removed_at = null, agent_id = excluded.agent_id, cron = excluded.cron, zone = excluded.zone,
    words = excluded.words, purpose = excluded.purpose, instructions = excluded.instructions, session = excluded.session,
    catch_up = excluded.catch_up, catch_up_cap = excluded.catch_up_cap, stagger_seconds = excluded.stagger_seconds,
    overlap = excluded.overlap, grace_seconds = excluded.grace_seconds, timeout_seconds = excluded.timeout_seconds,
    job_type = excluded.job_type, priority = excluded.priority, pre_check = excluded.pre_check,
    started_by = excluded.started_by, definition_hash = excluded.definition_hash, updated_at = now(),
    planned_until = case when v_new_schedule then p_now else o.planned_until end;
  perform note_order(p_namespace, p_wanted ->> 'name', case when v_old.order_name is null then 'added' else 'changed' end,
    jsonb_build_object('definitionHash', p_wanted -> 'definitionHash', 'cron', p_wanted -> 'cron', 'zone', p_wanted -> 'zone',
      'slotsWithdrawn', nullif(v_withdrawn, 0)));
end
$$;
comment on function write_order(text, jsonb, timestamptz) is
  'Adds or changes one order. With another schedule or agent its slots that are not due yet are withdrawn, and new ones are written from now on.';

create or replace function sync_standing_orders(p_namespace text, p_orders jsonb, p_now timestamptz default now()) returns jsonb
language plpgsql as $$
declare
  v_wanted jsonb;
  v_written text[] := '{}';
  v_removed text[] := '{}';
  v_name text;
begin
  perform act_as('{"kind": "operator", "name": "routes-directory"}', 'synced from the route files');
  perform pg_advisory_xact_lock(hashtextextended('agentbus.orders', 0));
  for v_wanted in select value from jsonb_array_elements(p_orders) loop
    perform agent_named(p_namespace, v_wanted ->> 'agent', 'agent');
    if v_wanted ->> 'preCheck' <> ''
      and to_regprocedure(pre_check_function(v_wanted ->> 'preCheck') || '(text, text, timestamptz)') is null then
      perform refuse(422, 'invalid_field', format('order %s: preCheck is %s, and there is no function %s(text, text, timestamptz) in sql/functions',
        v_wanted ->> 'name', v_wanted ->> 'preCheck', pre_check_function(v_wanted ->> 'preCheck')));
    end if;
    if not exists (select from standing_orders where namespace = p_namespace and order_name = v_wanted ->> 'name'
      and enabled and definition_hash = v_wanted ->> 'definitionHash') then
      perform write_order(p_namespace, v_wanted, p_now);
      v_written := v_written || (v_wanted ->> 'name');
    end if;
  end loop;
  for v_name in
    select order_name from standing_orders
    where namespace = p_namespace and enabled and order_name not in (select value ->> 'name' from jsonb_array_elements(p_orders))
    order by order_name
    for no key update
  loop
    update standing_orders set enabled = false, removed_at = p_now, updated_at = now()
    where namespace = p_namespace and order_name = v_name;
    perform note_order(p_namespace, v_name, 'removed',
      jsonb_build_object('slotsWithdrawn', withdraw_slots(p_namespace, v_name, p_now)));
    v_removed := v_removed || v_name;
  end loop;
  return jsonb_build_object('written', to_jsonb(v_written), 'removed', to_jsonb(v_removed));
end
$$;
comment on function sync_standing_orders(text, jsonb, timestamptz) is
  'Makes the standing orders equal to the given array (the route files'' orders, read and checked). Orders that are gone are disabled and keep their past. Returns the names written and removed. Refuses an unknown agent or pre-check (422).';
