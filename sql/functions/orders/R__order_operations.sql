-- What people and agents do with standing orders: look, run one now, and start and finish runs that live elsewhere.

create or replace function order_json(p_order standing_orders) returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'order', (p_order).order_name, 'agentId', (p_order).agent_id, 'enabled', (p_order).enabled, 'schedule', (p_order).words,
    'purpose', (p_order).purpose, 'cron', (p_order).cron, 'zone', (p_order).zone, 'session', (p_order).session,
    'catchUp', (p_order).catch_up, 'catchUpCap', (p_order).catch_up_cap, 'staggerSeconds', (p_order).stagger_seconds,
    'overlap', (p_order).overlap, 'graceSeconds', (p_order).grace_seconds, 'timeoutSeconds', (p_order).timeout_seconds,
    'jobType', (p_order).job_type, 'priority', (p_order).priority, 'preCheck', (p_order).pre_check,
    'startedBy', (p_order).started_by, 'removedAt', (p_order).removed_at,
    'health', (select health from standing_order_health_summary_v
      where namespace = (p_order).namespace and order_name = (p_order).order_name),
    -- The newest slot that has an end or a run, whatever came of it.
    'last', (select jsonb_strip_nulls(jsonb_build_object('scheduledFor', scheduled_for, 'status', status, 'summary', summary))
      from standing_order_runs
      where namespace = (p_order).namespace and order_name = (p_order).order_name and status <> 'expected'
      order by scheduled_for desc limit 1),
    'nextFires', (select jsonb_agg(scheduled_for order by scheduled_for) from (
      select scheduled_for from standing_order_runs
      where namespace = (p_order).namespace and order_name = (p_order).order_name and status = 'expected' and scheduled_for > now()
      order by scheduled_for limit order_fires_shown()) f)))
$$;
comment on function order_json(standing_orders) is 'A standing order as the contract shows it: what it is, how it fares, its last run and its next five fires.';

create or replace function list_standing_orders(p_principal jsonb, p_input jsonb) returns jsonb language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
begin
  return jsonb_build_object('orders', (
    select coalesce(jsonb_agg(
      shown || jsonb_strip_nulls(jsonb_build_object(
        'lastStatus', shown #> '{last,status}', 'lastSlot', shown #> '{last,scheduledFor}'))
      order by o.order_name), '[]')
    from standing_orders o cross join lateral (select order_json(o) as shown offset 0) j
    where o.namespace = v_namespace
      and (p_input ->> 'agentId' is null or o.agent_id = p_input ->> 'agentId')
      and (o.enabled or coalesce((p_input ->> 'includeRemoved')::boolean, false))));
end
$$;
comment on function list_standing_orders(jsonb, jsonb) is 'The operation listStandingOrders.';

create or replace function get_standing_order(p_principal jsonb, p_input jsonb) returns jsonb language plpgsql stable as $$
declare
  v_order standing_orders := order_named(namespace_of(p_principal, p_input), p_input ->> 'orderName');
begin
  return order_json(v_order) || jsonb_build_object('instructions', v_order.instructions, 'runs', (
    select coalesce(jsonb_agg(run_json(r) order by r.scheduled_for desc), '[]') from (
      select * from standing_order_runs
      where namespace = v_order.namespace and order_name = v_order.order_name and status <> 'expected'
      order by scheduled_for desc limit order_runs_shown()) r));
end
$$;
comment on function get_standing_order(jsonb, jsonb) is 'The operation getStandingOrder: the order with its instructions and its newest 20 runs.';

create or replace function window_of(p_input jsonb, out o_from timestamptz, out o_to timestamptz) language plpgsql stable as $$
begin
  o_to := coalesce((p_input ->> 'to')::timestamptz, now());
  o_from := coalesce((p_input ->> 'from')::timestamptz, o_to - interval '1 day');
  if o_from >= o_to then
    perform refuse(422, 'invalid_field', format('the window ends at %s, before it begins (%s)', utc_text(o_to), utc_text(o_from)),
      'to', to_jsonb(o_to), 'a time after from');
  end if;
end
$$;
comment on function window_of(jsonb) is 'The window that from and to name: by default the day up to to, and to is now. Refuses an empty one (422).';

create or replace function list_standing_order_runs(p_principal jsonb, p_input jsonb) returns jsonb language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_limit int := coalesce((p_input ->> 'limit')::int, 50);
  v_window record;
  v_runs jsonb;
begin
  select * into v_window from window_of(p_input);
  select coalesce(jsonb_agg(run_json(r) order by r.scheduled_for desc, r.order_name), '[]') into v_runs
  from (
    select * from runs_between(v_namespace, v_window.o_from, v_window.o_to)
    where (p_input ->> 'order' is null or order_name = p_input ->> 'order')
      and (p_input ->> 'agentId' is null or agent_id = p_input ->> 'agentId')
      and (p_input ->> 'status' is null or status = p_input ->> 'status')
    order by scheduled_for desc, order_name
    limit v_limit + 1) r;
  return jsonb_build_object('from', v_window.o_from, 'to', v_window.o_to,
    'runs', case when jsonb_array_length(v_runs) > v_limit then v_runs - v_limit else v_runs end,
    'more', jsonb_array_length(v_runs) > v_limit);
end
$$;
comment on function list_standing_order_runs(jsonb, jsonb) is
  'The operation listStandingOrderRuns: the slots of a window, newest first; more says that the window holds others still.';

create or replace function standing_order_calendar(p_principal jsonb, p_input jsonb) returns jsonb language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_window record;
begin
  select * into v_window from window_of(p_input);
  return jsonb_build_object('from', v_window.o_from, 'to', v_window.o_to, 'orders', (
    select coalesce(jsonb_agg(camel_keys(to_jsonb(c)) order by c.agent_id, c.order_name nulls last), '[]')
    from (
      select agent_id, coalesce(order_name, '(all)') as "order", order_name,
        count(*) filter (where trigger_source <> 'manual') as slots,
        count(*) filter (where status = 'completed') as completed,
        count(*) filter (where status = 'no_work') as no_work,
        count(*) filter (where status = 'blocked') as blocked,
        count(*) filter (where status = 'failed') as failed,
        count(*) filter (where status = 'skipped') as skipped,
        count(*) filter (where status = 'missed') as missed,
        count(*) filter (where status = 'started') as started,
        count(*) filter (where status = 'expected') as expected,
        count(*) filter (where trigger_source = 'manual') as on_purpose
      from runs_between(v_namespace, v_window.o_from, v_window.o_to)
      where p_input ->> 'agentId' is null or agent_id = p_input ->> 'agentId'
      group by grouping sets ((agent_id, order_name), (agent_id))) c));
end
$$;
comment on function standing_order_calendar(jsonb, jsonb) is
  'The operation standingOrderCalendar: slots expected in a window against what became of them, for each order and each agent as a whole.';

create or replace function run_standing_order(p_principal jsonb, p_input jsonb) returns jsonb language plpgsql as $$
declare
  v_order standing_orders := locked_order(namespace_of(p_principal, p_input), p_input ->> 'orderName');
  v_live standing_order_runs;
  v_run standing_order_runs;
begin
  perform act_as(p_principal, coalesce(p_input ->> 'reason', 'run on purpose'));
  if coalesce((p_input ->> 'dryRun')::boolean, false) then
    return order_json(v_order) || jsonb_build_object('instructions', v_order.instructions, 'dryRun', true,
      'preCheckSays', coalesce(ask_pre_check(v_order, false), '{}'));
  end if;
  select * into v_live from standing_order_runs
  where namespace = v_order.namespace and order_name = v_order.order_name and status = 'started' limit 1;
  if found then
    perform refuse(409, 'run_under_way', format('the run of %s is still under way%s', utc_text(v_live.scheduled_for),
      coalesce(format(' (job %s)', v_live.job_id), '')), 'orderName', to_jsonb(v_order.order_name), 'an order without a run under way');
  end if;
  insert into standing_order_runs (namespace, agent_id, order_name, scheduled_for, trigger_source, requested_by)
  values (v_order.namespace, v_order.agent_id, v_order.order_name, clock_timestamp(), 'manual', current_actor())
  returning * into v_run;
  v_run := begin_run(v_order, v_run, v_run.scheduled_for);
  return jsonb_build_object('run', run_json(v_run));
end
$$;
comment on function run_standing_order(jsonb, jsonb) is
  'The operation runStandingOrder: a run now, marked manual, without asking the pre-check. With dryRun what it would be and what the pre-check says, and nothing changes.';

create or replace function require_own_order(p_principal jsonb, p_agent text, p_order text) returns void language plpgsql stable as $$
begin
  if p_principal ->> 'kind' <> 'operator' and p_principal ->> 'name' is distinct from p_agent then
    perform refuse(403, 'forbidden', format('standing order %s is agent %s''s, not agent %s''s', p_order, p_agent, p_principal ->> 'name'),
      'token', null, 'an operator''s token or that of agent ' || p_agent);
  end if;
end
$$;
comment on function require_own_order(jsonb, text, text) is 'Refuses (403) an agent that speaks for another one''s order.';

create or replace function start_standing_order(p_principal jsonb, p_input jsonb) returns jsonb language plpgsql as $$
declare
  v_order standing_orders := locked_order(namespace_of(p_principal, p_input), p_input ->> 'orderName');
  v_slot timestamptz := (p_input ->> 'scheduledFor')::timestamptz;
  v_run standing_order_runs;
begin
  perform require_own_order(p_principal, v_order.agent_id, v_order.order_name);
  perform act_as(p_principal, 'started elsewhere');
  if v_slot is null then
    select * into v_run from standing_order_runs
    where namespace = v_order.namespace and order_name = v_order.order_name and status = 'started' and job_id is null
      and requested_by = current_actor() limit 1;
    if found then
      -- Said twice, as a caller does whose first answer was lost: it is the run that it has begun.
      return jsonb_build_object('run', run_json(v_run));
    end if;
  end if;
  -- Without a slot named: the one that is due, or a run of its own.
  select * into v_run from standing_order_runs
  where namespace = v_order.namespace and order_name = v_order.order_name
    and (v_slot is not null and scheduled_for = v_slot or v_slot is null and status = 'expected' and scheduled_for <= now())
  order by scheduled_for desc limit 1;
  if v_slot is not null and not found then
    perform refuse(404, 'unknown_slot', format('standing order %s has no slot at %s', v_order.order_name, utc_text(v_slot)),
      'scheduledFor', p_input -> 'scheduledFor', 'a slot of the order (list-standing-order-runs)');
  end if;
  if v_run.status <> 'expected' then
    perform refuse(409, 'slot_taken', format('the slot of %s is %s already', utc_text(v_run.scheduled_for), v_run.status),
      'scheduledFor', to_jsonb(v_run.scheduled_for), 'a slot that is expected');
  end if;
  if v_run.run_id is null then
    insert into standing_order_runs (namespace, agent_id, order_name, scheduled_for)
    values (v_order.namespace, v_order.agent_id, v_order.order_name, clock_timestamp())
    returning * into v_run;
  end if;
  update standing_order_runs
  set status = 'started', trigger_source = 'external', requested_by = current_actor(), started_at = now(), updated_at = now(),
    deadline = now() + make_interval(secs => coalesce((p_input ->> 'timeoutSeconds')::int, v_order.timeout_seconds,
      external_run_timeout_seconds()))
  where run_id = v_run.run_id
  returning * into v_run;
  return jsonb_build_object('run', run_json(v_run));
end
$$;
comment on function start_standing_order(jsonb, jsonb) is
  'The operation startStandingOrder: a run that begins elsewhere takes the slot that is due (or the one named). Without a slot named, the caller''s own run that is still under way is the answer. Unfinished within timeoutSeconds (the order''s, or 1800) it has failed.';

create or replace function finish_standing_order(p_principal jsonb, p_input jsonb) returns jsonb language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_run standing_order_runs;
begin
  select * into v_run from standing_order_runs
  where run_id = (p_input ->> 'runId')::uuid and namespace = v_namespace for no key update;
  if not found then
    perform refuse(404, 'unknown_run', format('there is no run %s in namespace %s', p_input ->> 'runId', v_namespace),
      'runId', p_input -> 'runId', 'the id of a run');
  end if;
  perform require_own_order(p_principal, v_run.agent_id, v_run.order_name);
  if v_run.job_id is not null then
    perform refuse(409, 'wrong_state', format('this run ends with its job %s', v_run.job_id), 'runId', p_input -> 'runId',
      'a run that was started with start-standing-order; close the job instead');
  end if;
  perform require_evidence(p_input ->> 'status', p_input -> 'evidence');
  if v_run.status = p_input ->> 'status' and v_run.summary = p_input ->> 'summary' then
    -- Said twice, as a caller does whose first answer was lost.
    return jsonb_build_object('run', run_json(v_run));
  end if;
  if v_run.status <> 'started' then
    perform refuse(409, 'wrong_state', format('the run is %s already', v_run.status), 'runId', p_input -> 'runId', 'a run that is started');
  end if;
  perform act_as(p_principal, p_input ->> 'summary');
  perform close_runs(array[v_run.run_id], p_input ->> 'status', p_input ->> 'summary', now(), p_input -> 'evidence');
  if p_input ->> 'status' = 'failed' then
    perform tell_failure(v_namespace, v_run.order_name);
  end if;
  select * into v_run from standing_order_runs where run_id = v_run.run_id;
  return jsonb_build_object('run', run_json(v_run));
end
$$;
comment on function finish_standing_order(jsonb, jsonb) is
  'The operation finishStandingOrder: ends a run that was started elsewhere; the same end said twice answers the same.';

create or replace function end_overdue_runs(p_now timestamptz default now()) returns setof jsonb language plpgsql as $$
declare
  v_run standing_order_runs;
begin
  for v_run in
    select * from standing_order_runs where status = 'started' and deadline <= p_now for no key update skip locked
  loop
    return query select close_runs(array[v_run.run_id], 'failed',
      format('started elsewhere and not finished by %s', utc_text(v_run.deadline)), p_now);
    perform tell_failure(v_run.namespace, v_run.order_name);
  end loop;
end
$$;
comment on function end_overdue_runs(timestamptz) is 'Runs that were started elsewhere and passed their deadline have failed. Returns run_json of each.';
