-- A run: how it begins, how it follows its job, how it ends, and what is told of that.

create or replace function run_json(p_run standing_order_runs) returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'runId', (p_run).run_id, 'namespace', (p_run).namespace, 'order', (p_run).order_name, 'agentId', (p_run).agent_id,
    'scheduledFor', (p_run).scheduled_for, 'status', (p_run).status, 'triggerSource', (p_run).trigger_source,
    'notBefore', case when (p_run).status = 'expected' then (p_run).not_before end, 'heldBy', (p_run).held_by,
    'jobId', (p_run).job_id, 'requestedBy', (p_run).requested_by, 'deadline', (p_run).deadline,
    'startedAt', (p_run).started_at, 'finishedAt', (p_run).finished_at, 'summary', (p_run).summary))
    || case when (p_run).evidence is null then '{}' else jsonb_build_object('evidence', (p_run).evidence) end
$$;
comment on function run_json(standing_order_runs) is 'A run as the contract shows it.';

create or replace function close_runs(p_runs uuid[], p_status text, p_summary text, p_now timestamptz, p_evidence jsonb default null)
returns setof jsonb language sql as $$
  update standing_order_runs r
  set status = p_status, summary = p_summary, evidence = coalesce(p_evidence, evidence), finished_at = p_now, updated_at = now()
  where run_id = any (p_runs)
  returning run_json(r)
$$;
comment on function close_runs(uuid[], text, text, timestamptz, jsonb) is 'Ends runs with one status and summary; returns run_json of each.';

create or replace function miss_runs(p_order standing_orders, p_runs uuid[], p_summary text, p_now timestamptz) returns setof jsonb
language plpgsql as $$
declare
  v_first timestamptz;
  v_last timestamptz;
begin
  if cardinality(p_runs) = 0 then
    return;
  end if;
  select min(scheduled_for), max(scheduled_for) into v_first, v_last from standing_order_runs where run_id = any (p_runs);
  perform append_event(p_order.namespace, 'standing_order.missed', null, null, jsonb_build_object('order', p_order.order_name,
    'agentId', p_order.agent_id, 'slots', cardinality(p_runs), 'first', v_first, 'last', v_last, 'reason', p_summary));
  return query select close_runs(p_runs, 'missed', p_summary, p_now);
end
$$;
comment on function miss_runs(standing_orders, uuid[], text, timestamptz) is
  'Ends slots as missed, with one event standing_order.missed for all of them; returns run_json of each.';

create or replace function last_run(p_namespace text, p_order text) returns standing_order_runs language sql stable as $$
  select * from standing_order_runs
  where namespace = p_namespace and order_name = p_order and status in ('started', 'completed', 'no_work', 'blocked', 'failed')
  order by scheduled_for desc
  limit 1
$$;
comment on function last_run(text, text) is 'The newest run of an order that really began; all null when none ever did.';

create or replace function looked_until(p_order standing_orders) returns timestamptz language sql stable as $$
  select coalesce((
    select scheduled_for from standing_order_runs
    where namespace = (p_order).namespace and order_name = (p_order).order_name and status in ('completed', 'no_work')
    order by scheduled_for desc
    limit 1), (p_order).created_at)
$$;
comment on function looked_until(standing_orders) is 'Up to when the order has been looked after: its newest run that ended well, or since it exists.';

create or replace function ask_pre_check(p_order standing_orders, p_tell boolean) returns jsonb language plpgsql as $$
declare
  v_verdict jsonb;
begin
  if p_order.pre_check is null then
    return null;
  end if;
  execute format('select %I($1, $2, $3)', pre_check_function(p_order.pre_check))
    into v_verdict using p_order.namespace, p_order.agent_id, looked_until(p_order);
  return v_verdict;
exception when others then
  if not p_tell then
    return jsonb_build_object('error', sqlerrm);
  end if;
  -- A question that cannot be answered is no reason to keep the agent asleep, and none to keep silent.
  perform append_event(p_order.namespace, 'standing_order.pre_check_failed', null, null, jsonb_build_object(
    'order', p_order.order_name, 'preCheck', p_order.pre_check, 'error', sqlerrm));
  return null;
end
$$;
comment on function ask_pre_check(standing_orders, boolean) is
  'What the order''s pre-check says: null to go on, noWork with evidence, or skip with a reason. One that fails means: go on, and is told as an event; with p_tell false nothing is written and its error is the answer.';

create or replace function run_pre_check(p_order standing_orders) returns jsonb language sql as $$
  select ask_pre_check(p_order, true)
$$;
comment on function run_pre_check(standing_orders) is 'ask_pre_check of a run that is due: a failure is told.';

create or replace function begin_run(p_order standing_orders, p_run standing_order_runs, p_now timestamptz) returns standing_order_runs
language plpgsql as $$
declare
  v_last standing_order_runs := last_run(p_order.namespace, p_order.order_name);
  v_job uuid;
begin
  v_job := (insert_job('{"kind": "operator", "name": "standing-order"}', p_order.namespace, jsonb_strip_nulls(jsonb_build_object(
    'targetAgent', p_order.agent_id, 'subject', 'standing_order.' || p_order.order_name, 'jobType', p_order.job_type,
    'priority', p_order.priority, 'timeoutSeconds', p_order.timeout_seconds, 'dedupeKey', 'standing_order:' || p_run.run_id))
    || jsonb_build_object('payload', jsonb_strip_nulls(jsonb_build_object('order', p_order.order_name, 'purpose', p_order.purpose,
      'slot', p_run.scheduled_for, 'trigger', p_run.trigger_source, 'lookedUntil', looked_until(p_order),
      'lastRun', case when v_last.run_id is not null then jsonb_build_object(
        'slot', v_last.scheduled_for, 'status', v_last.status, 'summary', v_last.summary) end)))
    ) -> 'job' ->> 'jobId')::uuid;
  update jobs set instructions = p_order.instructions, session = nullif(p_order.session, 'isolated') where job_id = v_job;
  update standing_order_runs set status = 'started', agent_id = p_order.agent_id, job_id = v_job, started_at = p_now, updated_at = now()
  where run_id = p_run.run_id
  returning * into p_run;
  return p_run;
exception when sqlstate 'AB422' then
  perform close_runs(array[p_run.run_id], 'failed', 'its job could not be enqueued: ' || sqlerrm, p_now);
  perform tell_failure(p_order.namespace, p_order.order_name);
  select * into p_run from standing_order_runs where run_id = p_run.run_id;
  return p_run;
end
$$;
comment on function begin_run(standing_orders, standing_order_runs, timestamptz) is
  'Enqueues the job of a run and marks the run started; failed when the job is refused. Returns the run.';

create or replace function failures_in_a_row(p_namespace text, p_order text) returns int language sql stable as $$
  select count(*)::int from standing_order_runs
  where namespace = p_namespace and order_name = p_order and status = 'failed' and scheduled_for > coalesce((
    select max(scheduled_for) from standing_order_runs
    where namespace = p_namespace and order_name = p_order and status in ('completed', 'no_work')), '-infinity')
$$;
comment on function failures_in_a_row(text, text) is 'Failed runs of an order since it last ended well.';

create or replace function tell_failure(p_namespace text, p_order text) returns void language plpgsql as $$
declare
  v_failures int := failures_in_a_row(p_namespace, p_order);
  v_last standing_order_runs;
begin
  -- Not the newest run: that may be under way while an older one fails.
  select * into v_last from standing_order_runs
  where namespace = p_namespace and order_name = p_order and status = 'failed'
  order by scheduled_for desc
  limit 1;
  if v_failures >= failing_after() then
    perform append_event(p_namespace, 'standing_order.failing', null, v_last.job_id, jsonb_build_object('order', p_order,
      'agentId', v_last.agent_id, 'failures', v_failures, 'lastSlot', v_last.scheduled_for, 'lastError', v_last.summary),
      v_last.run_id || ':' || v_failures);
  end if;
end
$$;
comment on function tell_failure(text, text) is 'The event standing_order.failing, from the second failure in a row on.';

create or replace function follow_jobs() returns trigger language plpgsql as $$
declare
  v_run record;
begin
  for v_run in
    update standing_order_runs r
    set status = n.run_status,
      -- A run that goes on is no longer what it was blocked or failed for.
      summary = case when n.run_status <> 'started' then coalesce(n.said, r.summary) end,
      evidence = coalesce(n.evidence, case when n.state = 'succeeded' then n.result end, r.evidence),
      finished_at = case when n.run_status <> 'started' then now() end,
      updated_at = now()
    from (
      select j.*,
        case
          when j.state = 'succeeded' then coalesce(j.outcome, 'completed')
          when j.state = 'blocked' then 'blocked'
          when j.state in ('failed', 'dead', 'cancelled') then 'failed'
          else 'started' end as run_status,
        case
          when j.state = 'succeeded' then j.summary
          when j.state = 'blocked' then j.blocked_reason
          when j.state in ('failed', 'dead', 'cancelled') then j.state || coalesce(': ' || j.last_error, '') end as said
      from new_rows j join old_rows o using (job_id)
      where j.state <> o.state and j.subject like 'standing\_order.%'
    ) n
    where r.job_id = n.job_id and r.status <> n.run_status
    returning r.namespace, r.order_name, r.status
  loop
    if v_run.status = 'failed' then
      perform tell_failure(v_run.namespace, v_run.order_name);
    end if;
  end loop;
  return null;
end
$$;
comment on function follow_jobs() is
  'A run follows its job, in the job''s own transaction: completed or no_work, blocked, failed, and started again when the job goes on.';

create or replace trigger follow_jobs after update on jobs
  referencing old table as old_rows new table as new_rows for each statement execute function follow_jobs();
