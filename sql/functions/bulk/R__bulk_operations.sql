-- The operations of bulk actions: preview, start, list, get and stop. The nodes carry an action out in
-- batches (R__bulk_batches.sql).
--
-- What is frozen. An action takes the jobs that had arrived when it began (frozen_up_to), and compares each
-- of them with the filter when its batch comes. The action also takes a job
-- that has come to match the filter meanwhile. It leaves alone a job that no longer matches; such a job
-- counts as skipped only if it still matched when the batch was searched.

-- Returns the states of the jobs that an operation of a bulk action fits.
create or replace function bulk_fits(p_operation text) returns text[]
language sql immutable as $$
  select case p_operation
    when 'cancel' then array['waiting', 'queued', 'leased', 'running', 'blocked']
    when 'redrive' then array['failed', 'dead']
    when 'dismiss' then array['dead']
    when 'retry_now' then array['queued', 'blocked']
    when 'kill' then array['waiting', 'queued', 'leased', 'running', 'blocked']
    when 'set_priority' then array['waiting', 'queued', 'leased', 'running', 'blocked']
    when 'reassign' then array['waiting', 'queued', 'blocked', 'failed', 'dead'] end
$$;

-- Returns the filter of a bulk action in the normal form of job_filter, narrowed to the states that the
-- operation fits. Refuses (422) a filter without a field that does not say all, and one without a state that
-- fits.
create or replace function bulk_filter(p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_filter jsonb := job_filter(p_input -> 'filter', 'filter.');
  v_fits text[] := bulk_fits(p_input ->> 'operation');
  v_states text[] := v_fits;
begin
  if v_filter = '{}' and (p_input #>> '{filter,all}')::boolean is not true then
    perform refuse(422, 'invalid_field', 'a filter without a field would match every job',
      'filter', p_input -> 'filter', 'at least one field of the filter, or all: true');
  end if;
  if v_filter ? 'state' then
    v_states := array(select s from unnest(v_fits) s where v_filter -> 'state' ? s);
    if v_states = '{}' then
      perform refuse(422, 'invalid_field', format('%s does not fit jobs that are %s', p_input ->> 'operation',
          (select string_agg(value, ' or ') from jsonb_array_elements_text(v_filter -> 'state'))),
        'filter.state', v_filter -> 'state', 'one or several of: ' || array_to_string(v_fits, ', '));
    end if;
  end if;
  return v_filter || jsonb_build_object('state', v_states);
end
$$;

-- Returns a bulk action as the contract shows it.
create or replace function bulk_json(p_bulk bulk_actions) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'bulkId', (p_bulk).bulk_id,
    'namespace', (p_bulk).namespace,
    'operation', (p_bulk).operation,
    'filter', (p_bulk).filter,
    'priority', (p_bulk).priority,
    'targetAgent', (p_bulk).target_agent,
    'reason', (p_bulk).reason,
    'by', (p_bulk).started_by,
    'idempotencyKey', (p_bulk).idempotency_key,
    'frozenUpTo', (p_bulk).frozen_up_to,
    'status', (p_bulk).status,
    'stoppedBy', (p_bulk).stopped_by,
    'stopReason', (p_bulk).stop_reason,
    'total', (p_bulk).total,
    'done', (p_bulk).done,
    'skipped', (p_bulk).skipped,
    'failed', (p_bulk).failed,
    'waiting', nullif(cardinality((p_bulk).put_off), 0),
    'trouble', (p_bulk).trouble,
    'startedAt', (p_bulk).created_at,
    'endedAt', (p_bulk).ended_at))
$$;

-- Returns the bulk actions of a namespace that are under way, oldest first, in brief.
create or replace function bulk_under_way(p_namespace text) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object(
      'bulkId', bulk_id, 'operation', operation, 'by', started_by, 'startedAt', created_at, 'reason', cut(reason, list_text()))
    order by bulk_id), '[]')
  from bulk_actions
  where namespace = p_namespace and status = 'running'
$$;

create or replace function preview_bulk_action(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_filter jsonb := bulk_filter(p_input);
  v_window record;
  v_page record;
begin
  select * into v_window from job_window(v_namespace, v_filter);
  select * into v_page
  from job_page(v_namespace, v_filter, bulk_counted() + 1, v_window.o_after, v_window.o_before,
    p_to_start => p_input ->> 'operation' = 'retry_now');
  return jsonb_strip_nulls(jsonb_build_object(
    'count', least(cardinality(v_page.o_jobs), bulk_counted()),
    'countCapped', cardinality(v_page.o_jobs) > bulk_counted() or v_page.o_searched_to is not null,
    'searchedTo', v_page.o_searched_to,
    'samples', (
      select coalesce(jsonb_agg(job_row(j, null) order by seq desc), '[]')
      from jobs j
      where job_id = any (v_page.o_jobs[:5])),
    'fits', bulk_fits(p_input ->> 'operation'),
    'filter', v_filter,
    'underWay', bulk_under_way(v_namespace)));
end
$$;
comment on function preview_bulk_action(jsonb, jsonb) is
  'The operation previewBulkAction: how many jobs a bulk action would take (up to bulk_counted), the five newest of them, and the states that the operation fits. countCapped says that there may be more; searchedTo then says how far back the jobs were searched.';

-- Refuses (422) a bulk action whose operation lacks its priority or agent, or that has one without need.
create or replace function check_bulk(p_namespace text, p_input jsonb) returns void
language plpgsql stable as $$
declare
  v_operation text := p_input ->> 'operation';
  v_field text;
begin
  foreach v_field in array array['priority', 'targetAgent'] loop
    if (v_operation = case v_field when 'priority' then 'set_priority' else 'reassign' end) <> (p_input ? v_field) then
      perform refuse(422, 'invalid_field',
        format(case when p_input ? v_field then '%s takes no %s' else '%s needs %s' end, v_operation, v_field),
        v_field, p_input -> v_field,
        case v_field when 'priority' then 'a priority with set_priority alone' else 'an agent with reassign alone' end);
    end if;
  end loop;
  if v_operation = 'reassign' then
    perform require_enabled(agent_named(p_namespace, p_input ->> 'targetAgent', 'targetAgent'), 'targetAgent');
  end if;
end
$$;

create or replace function start_bulk_action(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_filter jsonb := bulk_filter(p_input);
  v_under_way jsonb := bulk_under_way(v_namespace);
  v_page record;
  v_bulk bulk_actions;
begin
  perform check_bulk(v_namespace, p_input);
  perform act_as(p_principal, p_input ->> 'reason');
  select * into v_page
  from job_page(v_namespace, v_filter, bulk_counted() + 1,
    p_to_start => p_input ->> 'operation' = 'retry_now');
  insert into bulk_actions (namespace, operation, filter, priority, target_agent, reason, started_by,
    idempotency_key, frozen_up_to, total)
  values (
    v_namespace, p_input ->> 'operation', v_filter, (p_input ->> 'priority')::int, p_input ->> 'targetAgent',
    p_input ->> 'reason', current_actor(), p_input ->> 'idempotencyKey',
    coalesce((select max(seq) from jobs where namespace = v_namespace), 0),
    case when v_page.o_next is null then cardinality(v_page.o_jobs) end)
  on conflict (namespace, idempotency_key) where idempotency_key is not null do nothing
  returning * into v_bulk;
  if found then
    perform pg_notify('jobs_ready', 'bulk_actions');
    return bulk_json(v_bulk) || jsonb_build_object('underWay', v_under_way);
  end if;
  select * into v_bulk
  from bulk_actions
  where namespace = v_namespace and idempotency_key = p_input ->> 'idempotencyKey';
  if v_bulk.operation <> p_input ->> 'operation'
    or v_bulk.filter <> v_filter
    or v_bulk.priority is distinct from (p_input ->> 'priority')::int
    or v_bulk.target_agent is distinct from p_input ->> 'targetAgent' then
    perform refuse(409, 'dedupe_conflict',
      format('bulk action %s (%s), which %s started at %s, has this key', v_bulk.bulk_id, v_bulk.operation,
        v_bulk.started_by, utc_text(v_bulk.created_at)),
      'idempotencyKey', p_input -> 'idempotencyKey', 'a new key for another action');
  end if;
  return bulk_json(v_bulk) || jsonb_build_object('changed', false);
end
$$;
comment on function start_bulk_action(jsonb, jsonb) is
  'The operation startBulkAction: begins an action on all jobs that match a filter. A repeated idempotencyKey returns the action that has it.';

-- Returns the row of a bulk action. Refuses an unknown one (404).
create or replace function bulk_of(p_namespace text, p_bulk_id uuid) returns bulk_actions
language plpgsql stable as $$
declare
  v_bulk bulk_actions;
begin
  select * into v_bulk from bulk_actions where bulk_id = p_bulk_id and namespace = p_namespace;
  if not found then
    perform refuse(404, 'unknown_bulk_action',
      format('there is no bulk action %s in namespace %s', p_bulk_id, p_namespace),
      'bulkId', to_jsonb(p_bulk_id), 'the id of a bulk action');
  end if;
  return v_bulk;
end
$$;

create or replace function list_bulk_actions(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_limit int := coalesce((p_input ->> 'limit')::int, 50);
  v_rows jsonb;
begin
  select coalesce(jsonb_agg(bulk_json(b) order by bulk_id desc), '[]') into v_rows
  from (
    select *
    from bulk_actions
    where namespace = v_namespace
      and bulk_id < coalesce((p_input ->> 'before')::uuid, last_id())
      and (p_input ->> 'status' is null or status = p_input ->> 'status')
    order by bulk_id desc
    limit v_limit) b;
  return jsonb_build_object('bulkActions', v_rows)
    || case
      when jsonb_array_length(v_rows) = v_limit then jsonb_build_object('next', v_rows -> -1 -> 'bulkId')
      else '{}' end;
end
$$;
comment on function list_bulk_actions(jsonb, jsonb) is
  'The operation listBulkActions: the bulk actions, newest first. For the following page the caller passes next of this answer as before.';

create or replace function get_bulk_action(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_bulk bulk_actions := bulk_of(namespace_of(p_principal, p_input), (p_input ->> 'bulkId')::uuid);
begin
  return bulk_json(v_bulk) || jsonb_build_object('sampleOfFailures', v_bulk.failures);
end
$$;
comment on function get_bulk_action(jsonb, jsonb) is
  'The operation getBulkAction: one bulk action with the first jobs that failed. Refuses an unknown one (404).';

create or replace function stop_bulk_action(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_bulk bulk_actions := bulk_of(namespace_of(p_principal, p_input), (p_input ->> 'bulkId')::uuid);
begin
  perform act_as(p_principal, p_input ->> 'reason');
  -- Waits for the end of the batch that is at work.
  select * into v_bulk from bulk_actions where bulk_id = v_bulk.bulk_id for no key update;
  if v_bulk.status = 'stopped' then
    return bulk_json(v_bulk) || jsonb_build_object('changed', false);
  end if;
  if v_bulk.status = 'done' then
    perform refuse(409, 'wrong_state', format('bulk action %s was done at %s', v_bulk.bulk_id, utc_text(v_bulk.ended_at)),
      'bulkId', to_jsonb(v_bulk.bulk_id), 'a bulk action that is running');
  end if;
  update bulk_actions
  set status = 'stopped', stopped_by = current_actor(), stop_reason = p_input ->> 'reason', ended_at = now(),
    updated_at = now()
  where bulk_id = v_bulk.bulk_id
  returning * into v_bulk;
  return bulk_json(v_bulk);
end
$$;
comment on function stop_bulk_action(jsonb, jsonb) is
  'The operation stopBulkAction: ends a bulk action after the batch that is at work. The jobs that it has moved stay as they are.';
