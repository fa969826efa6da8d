-- The operations on standing orders: read orders, run one now, and start and finish slots that run
-- elsewhere.

-- Returns the times of the next slots of an order, as an array; null when no slot is written.
create or replace function next_fires(p_order standing_orders) returns jsonb language sql stable as $$
  select jsonb_agg(scheduled_for order by scheduled_for)
  from (
    select scheduled_for
    from standing_order_runs
    where namespace = (p_order).namespace
      and order_name = (p_order).order_name
      and status = 'expected'
      and scheduled_for > now()
    order by scheduled_for
    limit order_fires_shown()) f
$$;

-- Returns the newest slots of an order that are no longer expected, newest first.
create or replace function past_slots(p_order standing_orders, p_limit int) returns setof standing_order_runs
language sql stable as $$
  select *
  from standing_order_runs
  where namespace = (p_order).namespace
    and order_name = (p_order).order_name
    and status <> 'expected'
  order by scheduled_for desc
  limit p_limit
$$;

-- Returns a standing order as the contract shows it: its parameters, its health, its last slot and its next
-- ones.
create or replace function order_json(p_order standing_orders) returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'order', (p_order).order_name,
    'agentId', (p_order).agent_id,
    'enabled', (p_order).enabled,
    'schedule', (p_order).words,
    'purpose', (p_order).purpose,
    'cron', (p_order).cron,
    'zone', (p_order).zone,
    'session', (p_order).session,
    'catchUp', (p_order).catch_up,
    'catchUpCap', (p_order).catch_up_cap,
    'staggerSeconds', (p_order).stagger_seconds,
    'overlap', (p_order).overlap,
    'graceSeconds', (p_order).grace_seconds,
    'timeoutSeconds', (p_order).timeout_seconds,
    'jobType', (p_order).job_type,
    'priority', (p_order).priority,
    'preCheck', (p_order).pre_check,
    'startedBy', (p_order).started_by,
    'report', (p_order).report,
    'removedAt', (p_order).removed_at,
    'disabledAt', (p_order).disabled_at,
    'disabledBy', (p_order).disabled_by,
    'disabledReason', (p_order).disabled_reason,
    'health', (
      select health
      from standing_order_health_summary_v
      where namespace = (p_order).namespace and order_name = (p_order).order_name),
    'last', (
      select jsonb_build_object('scheduledFor', scheduled_for, 'status', status, 'summary', summary)
      from past_slots(p_order, 1)),
    'nextFires', next_fires(p_order)))
$$;

-- Returns the answer of the operations on one slot.
create or replace function slot_answer(p_slot standing_order_runs) returns jsonb language sql stable as $$
  select jsonb_build_object('run', slot_json(p_slot))
$$;

create or replace function list_standing_orders(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
begin
  return jsonb_build_object('orders', (
    select coalesce(jsonb_agg(
      shown || jsonb_strip_nulls(jsonb_build_object(
        'lastStatus', shown #> '{last,status}',
        'lastSlot', shown #> '{last,scheduledFor}'))
      order by o.order_name), '[]')
    from standing_orders o
    cross join lateral (select order_json(o) as shown offset 0) j
    where o.namespace = v_namespace
      and (p_input ->> 'agentId' is null or o.agent_id = p_input ->> 'agentId')
      and (o.enabled or coalesce((p_input ->> 'includeRemoved')::boolean, false))));
end
$$;
comment on function list_standing_orders(jsonb, jsonb) is
  'The operation listStandingOrders: the enabled orders, and with includeRemoved also the removed ones.';

create or replace function get_standing_order(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_order standing_orders := order_named(namespace_of(p_principal, p_input), p_input ->> 'orderName');
begin
  return order_json(v_order) || jsonb_build_object(
    'instructions', v_order.instructions,
    'runs', (
      select coalesce(jsonb_agg(slot_row(s) order by s.scheduled_for desc), '[]')
      from past_slots(v_order, order_runs_shown()) s));
end
$$;
comment on function get_standing_order(jsonb, jsonb) is
  'The operation getStandingOrder: the order with its instructions and its newest slots that are no longer expected.';

-- Returns the window of the input, from its field from up to its field to. Without to the window ends now,
-- and without from it is slots_window long. Refuses an empty window (422).
create or replace function window_of(p_input jsonb, out o_from timestamptz, out o_to timestamptz)
language plpgsql stable as $$
begin
  o_to := coalesce((p_input ->> 'to')::timestamptz, now());
  -- No answer can show a time before the year 1.
  o_from := coalesce((p_input ->> 'from')::timestamptz, greatest(o_to - slots_window(), '0001-01-01T00:00:00Z'));
  if o_from >= o_to then
    perform refuse(422, 'invalid_field',
      format('the window ends at %s, before it begins (%s)', utc_text(o_to), utc_text(o_from)),
      'to', to_jsonb(o_to), 'a time after from');
  end if;
end
$$;

create or replace function list_standing_order_runs(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable
-- Planned anew each time, so that a filter which is not given disappears from the plan.
set plan_cache_mode = force_custom_plan as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_limit int := coalesce((p_input ->> 'limit')::int, 50);
  v_most int := list_bytes(p_input);
  v_window record;
  v_slot standing_order_runs;
  v_row jsonb;
  v_rows jsonb[] := '{}';
  v_bytes int := 0;
  v_more boolean := false;
begin
  select * into v_window from window_of(p_input);
  for v_slot in
    select *
    from runs_between(v_namespace, v_window.o_from, v_window.o_to)
    where (p_input ->> 'order' is null or order_name = p_input ->> 'order')
      and (p_input ->> 'agentId' is null or agent_id = p_input ->> 'agentId')
      and (p_input ->> 'status' is null or status = p_input ->> 'status')
    order by scheduled_for desc, order_name
    limit v_limit + 1
  loop
    v_row := slot_row(v_slot);
    v_bytes := v_bytes + octet_length(v_row::text);
    v_more := cardinality(v_rows) = v_limit or (v_bytes > v_most and cardinality(v_rows) > 0);
    exit when v_more;
    v_rows := v_rows || v_row;
  end loop;
  return jsonb_build_object(
    'from', v_window.o_from,
    'to', v_window.o_to,
    'runs', to_jsonb(v_rows),
    'more', v_more);
end
$$;
comment on function list_standing_order_runs(jsonb, jsonb) is
  'The operation listStandingOrderRuns: the slots of a window, newest first, at most limit (default 50) and at most answer_bytes, and whether the window has more of them.';

create or replace function get_standing_order_run(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_slot standing_order_runs;
begin
  select * into v_slot
  from slot_of((p_input ->> 'runId')::uuid)
  where namespace = v_namespace;
  if not found then
    perform refuse(404, 'unknown_run', format('there is no run %s in namespace %s', p_input ->> 'runId', v_namespace),
      'runId', p_input -> 'runId', 'the id of a run');
  end if;
  return slot_answer(v_slot);
end
$$;
comment on function get_standing_order_run(jsonb, jsonb) is
  'The operation getStandingOrderRun: one slot, live or retired, with its whole summary and evidence. Refuses an unknown id (404).';

-- Returns the number of slots of a window in each status, by agent and order, with one more row for all
-- orders of each agent (order_name null).
create or replace function slot_counts(p_namespace text, p_from timestamptz, p_to timestamptz) returns table (
  agent_id text, "order" text, order_name text, slots bigint, completed bigint, no_work bigint,
  blocked bigint, failed bigint, skipped bigint, missed bigint, started bigint, expected bigint,
  on_purpose bigint
) language sql stable as $$
  select agent_id, coalesce(order_name, '(all)'), order_name,
    count(*) filter (where trigger_source <> 'manual'),
    count(*) filter (where status = 'completed'),
    count(*) filter (where status = 'no_work'),
    count(*) filter (where status = 'blocked'),
    count(*) filter (where status = 'failed'),
    count(*) filter (where status = 'skipped'),
    count(*) filter (where status = 'missed'),
    count(*) filter (where status = 'started'),
    count(*) filter (where status = 'expected'),
    count(*) filter (where trigger_source = 'manual')
  from runs_between(p_namespace, p_from, p_to)
  group by grouping sets ((agent_id, order_name), (agent_id))
$$;

create or replace function standing_order_calendar(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_window record;
begin
  select * into v_window from window_of(p_input);
  return jsonb_build_object('from', v_window.o_from, 'to', v_window.o_to, 'orders', (
    select coalesce(jsonb_agg(camel_keys(to_jsonb(c)) order by c.agent_id, c.order_name nulls last), '[]')
    from slot_counts(v_namespace, v_window.o_from, v_window.o_to) c
    where p_input ->> 'agentId' is null or c.agent_id = p_input ->> 'agentId'));
end
$$;
comment on function standing_order_calendar(jsonb, jsonb) is
  'The operation standingOrderCalendar: the number of slots of a window in each status, by order and by agent.';

-- Inserts a slot outside the schedule, at the present moment, and returns it.
create or replace function insert_slot(p_order standing_orders, p_trigger text) returns standing_order_runs
language sql as $$
  insert into standing_order_runs (
    namespace, agent_id, order_name, scheduled_for, trigger_source, requested_by)
  values (
    (p_order).namespace, (p_order).agent_id, (p_order).order_name, clock_timestamp(), p_trigger,
    current_actor())
  returning *
$$;

create or replace function run_standing_order(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_order standing_orders := locked_order(namespace_of(p_principal, p_input), p_input ->> 'orderName');
  v_live standing_order_runs;
  v_slot standing_order_runs;
begin
  perform act_as(p_principal, coalesce(p_input ->> 'reason', 'run on purpose'));
  if coalesce((p_input ->> 'dryRun')::boolean, false) then
    return order_json(v_order) || jsonb_build_object(
      'instructions', v_order.instructions,
      'dryRun', true,
      'preCheckSays', pre_check_preview(v_order));
  end if;
  select * into v_live from slot_under_way(v_order);
  if found and not coalesce((p_input ->> 'force')::boolean, false) then
    perform refuse(409, 'run_under_way',
      format('the run of %s is still under way%s', utc_text(v_live.scheduled_for),
        coalesce(format(' (job %s)', v_live.job_id), '')),
      'orderName', to_jsonb(v_order.order_name), 'an order without a run under way, or force');
  end if;
  perform refuse_frozen_order(v_order);
  v_slot := insert_slot(v_order, 'manual');
  return slot_answer(start_slot(v_order, v_slot, v_slot.scheduled_for));
end
$$;
comment on function run_standing_order(jsonb, jsonb) is
  'The operation runStandingOrder: starts a slot now, marked manual, without its pre-check, and with force also while a run of the order is under way. With dryRun nothing changes; the answer shows the order and the answer of its pre-check.';

-- Refuses (403) an agent that acts on another agent's order.
create or replace function require_own_order(p_principal jsonb, p_agent text, p_order text) returns void
language plpgsql stable as $$
begin
  if p_principal ->> 'kind' <> 'operator' and p_principal ->> 'name' is distinct from p_agent then
    perform refuse(403, 'forbidden',
      format('standing order %s is agent %s''s, not agent %s''s', p_order, p_agent, p_principal ->> 'name'),
      'token', null, 'an operator''s token or that of agent ' || p_agent);
  end if;
end
$$;

-- Returns the slot of the order at scheduledFor of the input. Refuses a time without a slot (404,
-- unknown_slot) and a slot that is not expected (409, slot_taken).
create or replace function expected_slot(p_order standing_orders, p_input jsonb) returns standing_order_runs
language plpgsql stable as $$
declare
  v_at timestamptz := (p_input ->> 'scheduledFor')::timestamptz;
  v_slot standing_order_runs;
begin
  select * into v_slot
  from standing_order_runs
  where namespace = p_order.namespace
    and order_name = p_order.order_name
    and scheduled_for = v_at
  limit 1;
  if not found then
    perform refuse(404, 'unknown_slot',
      format('standing order %s has no slot at %s', p_order.order_name, utc_text(v_at)),
      'scheduledFor', p_input -> 'scheduledFor', 'a slot of the order (list-standing-order-runs)');
  end if;
  if v_slot.status <> 'expected' then
    perform refuse(409, 'slot_taken',
      format('the slot of %s is %s already', utc_text(v_slot.scheduled_for), v_slot.status),
      'scheduledFor', to_jsonb(v_slot.scheduled_for), 'a slot that is expected');
  end if;
  return v_slot;
end
$$;

-- Returns the slot of the order that the caller has started elsewhere and not finished; no row when there
-- is none.
create or replace function own_external_slot(p_order standing_orders) returns setof standing_order_runs
language sql stable as $$
  select *
  from standing_order_runs
  where namespace = (p_order).namespace
    and order_name = (p_order).order_name
    and status = 'started'
    and job_id is null
    and requested_by = current_actor()
  limit 1
$$;

-- Returns the slot that a start without scheduledFor takes: the newest due slot, or a new one at the
-- present moment.
create or replace function slot_to_start(p_order standing_orders) returns standing_order_runs
language plpgsql as $$
declare
  v_slot standing_order_runs;
begin
  select * into v_slot
  from standing_order_runs
  where namespace = p_order.namespace
    and order_name = p_order.order_name
    and status = 'expected'
    and scheduled_for <= now()
  order by scheduled_for desc
  limit 1;
  if found then
    return v_slot;
  end if;
  return insert_slot(p_order, 'external');
end
$$;

create or replace function start_standing_order(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_order standing_orders := locked_order(namespace_of(p_principal, p_input), p_input ->> 'orderName');
  v_slot standing_order_runs;
  v_timeout int := coalesce(
    (p_input ->> 'timeoutSeconds')::int,
    v_order.timeout_seconds,
    external_run_timeout_seconds());
begin
  perform require_own_order(p_principal, v_order.agent_id, v_order.order_name);
  perform act_as(p_principal, 'started elsewhere');
  if p_input ->> 'scheduledFor' is not null then
    perform refuse_order_away(v_order);
    v_slot := expected_slot(v_order, p_input);
  else
    select * into v_slot from own_external_slot(v_order);
    if found then
      -- A repeated call: the caller lost the first answer.
      return slot_answer(v_slot);
    end if;
    perform refuse_order_away(v_order);
    v_slot := slot_to_start(v_order);
  end if;
  update standing_order_runs
  set status = 'started',
    trigger_source = 'external',
    requested_by = current_actor(),
    started_at = now(),
    deadline = now() + make_interval(secs => v_timeout),
    updated_at = now()
  where run_id = v_slot.run_id
  returning * into v_slot;
  return slot_answer(v_slot);
end
$$;
comment on function start_standing_order(jsonb, jsonb) is
  'The operation startStandingOrder: a run that begins elsewhere takes the due slot, or the named one. A repeated call without a named slot returns the caller''s own unfinished slot. A slot that is not finished within timeoutSeconds (the input''s, the order''s, or the default) has failed.';

-- Returns the slot of the namespace with this id, locked. Refuses an unknown id (404, unknown_run).
create or replace function locked_slot(p_namespace text, p_slot text) returns standing_order_runs
language plpgsql as $$
declare
  v_slot standing_order_runs;
begin
  select * into v_slot
  from standing_order_runs
  where run_id = p_slot::uuid and namespace = p_namespace
  for no key update;
  if not found then
    perform refuse(404, 'unknown_run', format('there is no run %s in namespace %s', p_slot, p_namespace),
      'runId', to_jsonb(p_slot), 'the id of a run');
  end if;
  return v_slot;
end
$$;

create or replace function finish_standing_order(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_slot standing_order_runs := locked_slot(namespace_of(p_principal, p_input), p_input ->> 'runId');
  v_status text := p_input ->> 'status';
  v_summary text := p_input ->> 'summary';
begin
  perform require_own_order(p_principal, v_slot.agent_id, v_slot.order_name);
  if v_slot.job_id is not null then
    perform refuse(409, 'wrong_state', format('this run ends with its job %s', v_slot.job_id),
      'runId', p_input -> 'runId', 'a run that was started with start-standing-order; close the job instead');
  end if;
  perform require_evidence(v_status, p_input -> 'evidence');
  if v_slot.status = v_status and v_slot.summary = v_summary then
    -- A repeated call: the caller lost the first answer.
    return slot_answer(v_slot);
  end if;
  if v_slot.status <> 'started' then
    perform refuse(409, 'wrong_state', format('the run is %s already', v_slot.status),
      'runId', p_input -> 'runId', 'a run that is started');
  end if;
  perform act_as(p_principal, v_summary);
  return slot_answer(end_slot(v_slot, v_status, v_summary, now(), p_input -> 'evidence'));
end
$$;
comment on function finish_standing_order(jsonb, jsonb) is
  'The operation finishStandingOrder: ends a slot that was started elsewhere. A repeated call with the same end gets the same answer.';

-- Ends as failed the slots that were started elsewhere and not finished by their deadline. Returns
-- slot_json of each; slots that another call has locked are left to the next call. A slot that cannot be
-- ended does not stop the others (note_unsettled_slot).
create or replace function end_overdue_slots(p_now timestamptz default now()) returns setof jsonb
language plpgsql as $$
declare
  v_slot standing_order_runs;
  v_ended jsonb;
begin
  for v_slot in
    select *
    from standing_order_runs
    where status = 'started' and deadline <= p_now and sweep_may_try('slot', run_id)
    for no key update skip locked
  loop
    exit when sweep_time_is_up();
    begin
      v_ended := slot_json(end_slot(v_slot, 'failed',
        format('started elsewhere and not finished by %s', utc_text(v_slot.deadline)), p_now));
      perform forget_sweep_failure('slot', v_slot.run_id);
      return next v_ended;
    exception when others then
      perform note_unsettled_slot(v_slot, p_now, sqlerrm);
    end;
  end loop;
end
$$;
