-- These functions keep the standing orders as the route files have them, and write their slots ahead of
-- time.
--
-- Java evaluates the schedules (Quartz expressions) and passes the slots as times. A function that needs
-- the present time takes it as p_now, so that a test can set it.

-- Returns the order's row. Refuses an unknown order (404, unknown_standing_order).
create or replace function order_named(p_namespace text, p_order text) returns standing_orders
language plpgsql stable as $$
declare
  v_order standing_orders;
begin
  select * into v_order from standing_orders where namespace = p_namespace and order_name = p_order;
  if not found then
    perform refuse(404, 'unknown_standing_order',
      format('there is no standing order %s in namespace %s', p_order, p_namespace),
      'orderName', to_jsonb(p_order), 'one of: ' || (
        select coalesce(string_agg(order_name, ', ' order by order_name), '(no order yet)')
        from standing_orders
        where namespace = p_namespace and enabled));
  end if;
  return v_order;
end
$$;

-- Returns the order's row, locked until the end of the transaction. Refuses an unknown order (404) and a
-- removed one (409), which also has been removed when its phase is off.
create or replace function locked_order(p_namespace text, p_order text) returns standing_orders
language plpgsql as $$
declare
  v_order standing_orders;
begin
  perform hold_phases();
  select * into v_order
  from standing_orders
  where namespace = p_namespace and order_name = p_order
  for no key update;
  if not found then
    return order_named(p_namespace, p_order);
  end if;
  if not v_order.enabled then
    perform refuse_phase(p_namespace, v_order.phase, 'orderName');
    perform refuse(409, 'wrong_state',
      format('standing order %s was removed at %s', p_order, utc_text(v_order.removed_at)),
      'orderName', to_jsonb(p_order), 'an order that the route files have');
  end if;
  return v_order;
end
$$;

-- Returns the enabled orders of one namespace (null: of all), each with namespace, order, cron, zone,
-- definitionHash, now, and plannedUntil, the time up to which its slots are written.
create or replace function standing_orders_to_plan(p_namespace text, p_now timestamptz default now())
returns setof jsonb language sql stable as $$
  select jsonb_build_object(
    'namespace', namespace,
    'order', order_name,
    'cron', cron,
    'zone', zone,
    'plannedUntil', planned_until,
    'definitionHash', definition_hash,
    'now', p_now)
  from standing_orders
  where enabled
    and namespace = coalesce(p_namespace, namespace)
  order by namespace, order_name
$$;

-- Writes an order's slots after p_from and up to p_until as expected, and locks the order. Returns how many
-- are new.
-- Writes nothing when the order has another schedule by now, or when its slots are not written up to
-- exactly p_from. In both cases another node was faster, and these slots would leave a gap.
create or replace function plan_slots(
  p_namespace text, p_order text, p_cron text, p_zone text,
  p_from timestamptz, p_slots timestamptz[], p_until timestamptz
) returns int language plpgsql as $$
declare
  v_order standing_orders;
  v_written int;
begin
  select * into v_order
  from standing_orders
  where namespace = p_namespace and order_name = p_order and enabled
  for no key update;
  if not found
    or (v_order.cron, v_order.zone, v_order.planned_until) is distinct from (p_cron, p_zone, p_from) then
    return 0;
  end if;
  insert into standing_order_runs (namespace, agent_id, order_name, scheduled_for)
  select p_namespace, v_order.agent_id, p_order, slot
  from unnest(p_slots) slot
  on conflict on constraint one_run_for_each_slot do nothing;
  get diagnostics v_written = row_count;
  update standing_orders
  set planned_until = greatest(planned_until, p_until)
  where namespace = p_namespace and order_name = p_order;
  return v_written;
end
$$;

-- Deletes an order's expected slots that are not due yet, and returns how many. Due slots stay.
create or replace function withdraw_slots(p_namespace text, p_order text, p_now timestamptz) returns int
language plpgsql as $$
declare
  v_withdrawn int;
begin
  delete from standing_order_runs
  where namespace = p_namespace
    and order_name = p_order
    and status = 'expected'
    and scheduled_for > p_now;
  get diagnostics v_withdrawn = row_count;
  return v_withdrawn;
end
$$;

-- Writes the audit row of a change of an order: standing_order.added, .changed or .removed.
create or replace function note_order(p_namespace text, p_order text, p_what text, p_detail jsonb)
returns void language sql as $$
  insert into audit_log (namespace, actor, action, table_name, row_id, why, detail)
  values (p_namespace, current_actor(), 'standing_order.' || p_what, 'standing_orders', p_order,
    nullif(current_setting('agentbus.why', true), ''), jsonb_strip_nulls(p_detail))
$$;

-- Returns the name of the function that answers a pre-check: precheck_x_y for x-y.
create or replace function pre_check_function(p_pre_check text) returns text
language sql immutable strict as $$
  select 'precheck_' || replace(p_pre_check, '-', '_')
$$;

-- Writes the row of an order from its JSON, which comes checked from a route file. A new row, and with
-- p_replan also an existing row, is planned from p_now on.
create or replace function upsert_order(p_namespace text, p_wanted jsonb, p_replan boolean, p_now timestamptz)
returns void language sql as $$
  insert into standing_orders as o (
    namespace, order_name, agent_id, cron, zone, words, purpose, instructions, session, catch_up,
    catch_up_cap, stagger_seconds, overlap, grace_seconds, timeout_seconds, job_type, priority, pre_check,
    started_by, report, definition_hash, planned_until)
  select
    p_namespace, name, agent, cron, zone, words, purpose, instructions, session, "catchUp",
    "catchUpCap", "staggerSeconds", overlap, "graceSeconds", nullif("timeoutSeconds", 0), "jobType", priority,
    nullif("preCheck", ''), "startedBy", nullif(report, ''), "definitionHash", p_now
  from jsonb_to_record(p_wanted) as w (
    name text, agent text, cron text, zone text, words text, purpose text, instructions text, session text,
    "catchUp" text, "catchUpCap" int, "staggerSeconds" int, overlap text, "graceSeconds" int,
    "timeoutSeconds" int, "jobType" text, priority int, "preCheck" text, "startedBy" text, report text,
    "definitionHash" text)
  on conflict (namespace, order_name) do update
  set enabled = true,
    removed_at = null,
    agent_id = excluded.agent_id,
    cron = excluded.cron,
    zone = excluded.zone,
    words = excluded.words,
    purpose = excluded.purpose,
    instructions = excluded.instructions,
    session = excluded.session,
    catch_up = excluded.catch_up,
    catch_up_cap = excluded.catch_up_cap,
    stagger_seconds = excluded.stagger_seconds,
    overlap = excluded.overlap,
    grace_seconds = excluded.grace_seconds,
    timeout_seconds = excluded.timeout_seconds,
    job_type = excluded.job_type,
    priority = excluded.priority,
    pre_check = excluded.pre_check,
    started_by = excluded.started_by,
    report = excluded.report,
    definition_hash = excluded.definition_hash,
    planned_until = case when p_replan then excluded.planned_until else o.planned_until end,
    updated_at = now()
$$;

-- Adds or changes one order, locks it, and writes the audit row. When the schedule or the agent changes,
-- the slots that are not due yet are withdrawn, and the order is planned anew from p_now on.
create or replace function write_order(p_namespace text, p_wanted jsonb, p_now timestamptz) returns void
language plpgsql as $$
declare
  v_name text := p_wanted ->> 'name';
  v_old standing_orders;
  v_replan boolean;
  v_withdrawn int;
begin
  select * into v_old
  from standing_orders
  where namespace = p_namespace and order_name = v_name
  for no key update;
  v_replan := v_old.enabled is not true
    or (v_old.cron, v_old.zone, v_old.agent_id)
      is distinct from (p_wanted ->> 'cron', p_wanted ->> 'zone', p_wanted ->> 'agent');
  if v_replan then
    v_withdrawn := withdraw_slots(p_namespace, v_name, p_now);
  end if;
  perform upsert_order(p_namespace, p_wanted, v_replan, p_now);
  perform note_order(p_namespace, v_name,
    case when v_old.order_name is null then 'added' else 'changed' end,
    jsonb_build_object(
      'definitionHash', p_wanted -> 'definitionHash',
      'cron', p_wanted -> 'cron',
      'zone', p_wanted -> 'zone',
      'slotsWithdrawn', nullif(v_withdrawn, 0)));
end
$$;

-- Refuses (422) a wanted order whose agent or pre-check function does not exist.
create or replace function require_order(p_namespace text, p_wanted jsonb) returns void
language plpgsql stable as $$
declare
  v_function text := pre_check_function(p_wanted ->> 'preCheck');
begin
  perform agent_named(p_namespace, p_wanted ->> 'agent', 'agent');
  if p_wanted ->> 'preCheck' <> '' and to_regprocedure(v_function || '(text, text, timestamptz)') is null then
    perform refuse(422, 'invalid_field', format(
      'order %s: preCheck is %s, and there is no function %s(text, text, timestamptz) in sql/functions',
      p_wanted ->> 'name', p_wanted ->> 'preCheck', v_function));
  end if;
end
$$;

-- Disables the orders of a namespace that are not in p_wanted and withdraws their slots that are not due
-- yet; past slots stay. Returns the names of these orders; locks them in the order of their names.
create or replace function remove_orders(p_namespace text, p_wanted jsonb, p_now timestamptz) returns text[]
language plpgsql as $$
declare
  v_name text;
  v_removed text[] := '{}';
begin
  for v_name in
    select order_name
    from standing_orders
    where namespace = p_namespace
      and enabled
      and order_name not in (select value ->> 'name' from jsonb_array_elements(p_wanted))
    order by order_name
    for no key update
  loop
    update standing_orders
    set enabled = false, removed_at = p_now, updated_at = now()
    where namespace = p_namespace and order_name = v_name;
    perform note_order(p_namespace, v_name, 'removed',
      jsonb_build_object('slotsWithdrawn', withdraw_slots(p_namespace, v_name, p_now)));
    v_removed := v_removed || v_name;
  end loop;
  return v_removed;
end
$$;

-- Makes the standing orders of a namespace equal to p_orders, the checked orders of the route files.
-- Returns the names that were written and removed. Refuses an unknown agent or pre-check (422); only one
-- sync runs at a time.
create or replace function sync_standing_orders(
  p_namespace text, p_orders jsonb, p_now timestamptz default now()
) returns jsonb language plpgsql as $$
declare
  v_wanted jsonb;
  v_written text[] := '{}';
begin
  perform act_as('{"kind": "operator", "name": "routes-directory"}', 'synced from the route files');
  perform pg_advisory_xact_lock(hashtextextended('agentbus.orders', 0));
  for v_wanted in select value from jsonb_array_elements(p_orders) loop
    perform require_order(p_namespace, v_wanted);
    continue when exists (
      select from standing_orders
      where namespace = p_namespace
        and order_name = v_wanted ->> 'name'
        and enabled
        and definition_hash = v_wanted ->> 'definitionHash');
    perform write_order(p_namespace, v_wanted, p_now);
    v_written := v_written || (v_wanted ->> 'name');
  end loop;
  -- The phase follows from the folder of the file, so it is not part of the definition.
  update standing_orders o
  set phase = (w ->> 'phase')::int, updated_at = now()
  from jsonb_array_elements(p_orders) w
  where o.namespace = p_namespace
    and o.order_name = w ->> 'name'
    and o.phase is distinct from (w ->> 'phase')::int;
  return jsonb_build_object(
    'written', to_jsonb(v_written),
    'removed', to_jsonb(remove_orders(p_namespace, p_orders, p_now)));
end
$$;
