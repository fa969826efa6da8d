-- The life of a slot of a standing order: its start, its job, its end, and the events about it. The row in
-- standing_order_runs exists before the slot is due; sql/migrations/V0003__standing_orders.sql has a
-- diagram of the states.

-- Returns a slot as the contract shows it.
create or replace function slot_json(p_slot standing_order_runs) returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'runId', (p_slot).run_id,
    'namespace', (p_slot).namespace,
    'order', (p_slot).order_name,
    'agentId', (p_slot).agent_id,
    'scheduledFor', (p_slot).scheduled_for,
    'status', (p_slot).status,
    'triggerSource', (p_slot).trigger_source,
    'notBefore', case when (p_slot).status = 'expected' then (p_slot).not_before end,
    'heldBy', (p_slot).held_by,
    'jobId', (p_slot).job_id,
    'requestedBy', (p_slot).requested_by,
    'deadline', (p_slot).deadline,
    'startedAt', (p_slot).started_at,
    'finishedAt', (p_slot).finished_at,
    'summary', (p_slot).summary))
    || case
      when (p_slot).evidence is null then '{}'
      else jsonb_build_object('evidence', (p_slot).evidence) end
$$;

-- Returns a slot as the row of a list: a large evidence is replaced by its size, and a long summary is cut.
create or replace function slot_row(p_slot standing_order_runs) returns jsonb language sql stable as $$
  select slot_json(p_slot) - 'evidence'
    || jsonb_strip_nulls(jsonb_build_object('summary', cut((p_slot).summary, late_report_text())))
    || shown_if_small('evidence', (p_slot).evidence, (p_slot).evidence_bytes, small_json())
$$;

-- Ends slots with the same status, summary and, if given, evidence. Returns slot_json of each.
create or replace function end_slots(
  p_slots uuid[], p_status text, p_summary text, p_now timestamptz, p_evidence jsonb default null
) returns setof jsonb language sql as $$
  update standing_order_runs r
  set status = p_status,
    summary = p_summary,
    evidence = coalesce(p_evidence, evidence),
    finished_at = p_now,
    updated_at = now()
  where run_id = any (p_slots)
  returning slot_json(r)
$$;

-- Ends slots of one order as missed, with one event standing_order.missed for all of them. Returns slot_json
-- of each.
create or replace function miss_slots(
  p_order standing_orders, p_slots uuid[], p_summary text, p_now timestamptz
) returns setof jsonb language plpgsql as $$
declare
  v_first timestamptz;
  v_last timestamptz;
begin
  if cardinality(p_slots) = 0 then
    return;
  end if;
  select min(scheduled_for), max(scheduled_for) into v_first, v_last
  from standing_order_runs
  where run_id = any (p_slots);
  perform append_event(p_order.namespace, 'standing_order.missed', null, null, jsonb_build_object(
    'order', p_order.order_name,
    'agentId', p_order.agent_id,
    'slots', cardinality(p_slots),
    'first', v_first,
    'last', v_last,
    'reason', p_summary));
  return query select end_slots(p_slots, 'missed', p_summary, p_now);
end
$$;

-- Returns the newest slot of an order with one of the given statuses; no row when there is none.
create or replace function newest_slot(p_namespace text, p_order text, p_statuses text[])
returns setof standing_order_runs language sql stable as $$
  select *
  from standing_order_runs
  where namespace = p_namespace
    and order_name = p_order
    and status = any (p_statuses)
  order by scheduled_for desc
  limit 1
$$;

-- Returns the statuses of a slot that has begun; a skipped or missed slot has not.
create or replace function begun_statuses() returns text[] language sql immutable as $$
  select array['started', 'completed', 'no_work', 'blocked', 'failed']
$$;

-- Returns the statuses of a slot that ended well.
create or replace function good_statuses() returns text[] language sql immutable as $$
  select array['completed', 'no_work']
$$;

-- Returns the time up to which an order has done its work: the time of its newest slot that ended well, or
-- of its creation.
create or replace function looked_until(p_order standing_orders) returns timestamptz language sql stable as $$
  select coalesce(
    (select scheduled_for from newest_slot((p_order).namespace, (p_order).order_name, good_statuses())),
    (p_order).created_at)
$$;

-- Returns the number of slots of an order that have failed since the last one that ended well.
create or replace function failures_in_a_row(p_namespace text, p_order text) returns int
language sql stable as $$
  select count(*)::int
  from standing_order_runs
  where namespace = p_namespace
    and order_name = p_order
    and status = 'failed'
    and scheduled_for > coalesce(
      (select scheduled_for from newest_slot(p_namespace, p_order, good_statuses())), '-infinity')
$$;

-- Emits standing_order.failing when at least failing_after slots of an order have failed in a row, once for
-- each further failure. Called after a slot has failed; the function reads the newest failed slot, because
-- a newer slot may be under way.
create or replace function emit_failing(p_namespace text, p_order text) returns void language plpgsql as $$
declare
  v_failures int := failures_in_a_row(p_namespace, p_order);
  v_last standing_order_runs;
begin
  if v_failures < failing_after() then
    return;
  end if;
  select * into v_last from newest_slot(p_namespace, p_order, '{failed}');
  perform append_event(p_namespace, 'standing_order.failing', null, v_last.job_id,
    jsonb_build_object(
      'order', p_order,
      'agentId', v_last.agent_id,
      'failures', v_failures,
      'lastSlot', v_last.scheduled_for,
      'lastError', v_last.summary),
    v_last.run_id || ':' || v_failures);
end
$$;

-- Returns the answer of the order's pre-check: null to go on, noWork with evidence, or skip with a reason.
-- An order without a pre-check gives null; an error of the pre-check is raised.
create or replace function call_pre_check(p_order standing_orders) returns jsonb language plpgsql as $$
declare
  v_verdict jsonb;
begin
  if p_order.pre_check is null then
    return null;
  end if;
  execute format('select %I($1, $2, $3)', pre_check_function(p_order.pre_check))
    into v_verdict
    using p_order.namespace, p_order.agent_id, looked_until(p_order);
  return v_verdict;
end
$$;

-- Returns the answer of the pre-check for a due slot. When the pre-check fails, the bus emits
-- standing_order.pre_check_failed, and the answer is null, so that the agent is woken. For idle thinking, for
-- which nobody waits, the answer is a skip.
create or replace function pre_check_verdict(p_order standing_orders) returns jsonb language plpgsql as $$
begin
  return call_pre_check(p_order);
exception when others then
  perform append_event(p_order.namespace, 'standing_order.pre_check_failed', null, null, jsonb_build_object(
    'order', p_order.order_name, 'preCheck', p_order.pre_check, 'error', sqlerrm));
  return case when is_idle(p_order.job_type)
    then jsonb_build_object('skip', format('pre-check %s failed: %s', p_order.pre_check, sqlerrm)) end;
end
$$;

-- Returns the answer of the pre-check for a dry run, {} for null. When the pre-check fails, the answer is
-- its error, and nothing is written.
create or replace function pre_check_preview(p_order standing_orders) returns jsonb language plpgsql as $$
begin
  return coalesce(call_pre_check(p_order), '{}');
exception when others then
  return jsonb_build_object('error', sqlerrm);
end
$$;

-- Returns the payload of a slot's job: the order, the slot, and the result of the newest slot that began
-- before it.
create or replace function slot_payload(p_order standing_orders, p_slot standing_order_runs) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'order', (p_order).order_name,
    'purpose', (p_order).purpose,
    'slot', (p_slot).scheduled_for,
    'trigger', (p_slot).trigger_source,
    'lookedUntil', looked_until(p_order),
    'lastRun', (
      select jsonb_build_object('slot', scheduled_for, 'status', status, 'summary', summary)
      from newest_slot((p_order).namespace, (p_order).order_name, begun_statuses()))))
$$;

-- Enqueues the job of a slot and returns its id. Only this function writes the instructions and the session
-- of the order to a job, so that no caller can give an agent instructions. The report of the order is part of
-- the payload; it quotes other agents, so the job is untrusted. A slot of idle thinking is enqueued by
-- begin_idle_run. Raises the refusals of insert_job and begin_idle_run.
create or replace function enqueue_slot_job(p_order standing_orders, p_slot standing_order_runs) returns uuid
language plpgsql as $$
declare
  v_report reports := report_of_slot(p_order, p_slot);
  v_job jsonb := jsonb_strip_nulls(jsonb_build_object(
    'targetAgent', p_order.agent_id,
    'subject', 'standing_order.' || p_order.order_name,
    'jobType', p_order.job_type,
    'priority', p_order.priority,
    'timeoutSeconds', p_order.timeout_seconds,
    'dedupeKey', 'standing_order:' || p_slot.run_id,
    -- An idle job is never due, and is given up at this time (idle/R__idle_claims.sql).
    'runAfter', case when is_idle(p_order.job_type) then now() + idle_patience() end,
    'trust', case when v_report.report_id is not null then 'untrusted' end,
    'payload', slot_payload(p_order, p_slot) || report_payload(v_report)));
  v_job_id uuid;
begin
  if is_idle(p_order.job_type) then
    v_job_id := begin_idle_run(p_order, p_slot, v_job);
  else
    v_job_id := insert_slot_job(p_order, v_job, p_order.instructions);
  end if;
  perform keep_report(v_report, v_job_id);
  return v_job_id;
end
$$;

-- Inserts the job of a slot, with these instructions and the session of its order. Returns its id.
create or replace function insert_slot_job(p_order standing_orders, p_job jsonb, p_instructions text)
returns uuid
language plpgsql as $$
declare
  v_job_id uuid := (insert_job('{"kind": "operator", "name": "standing-order", "slot": true}',
    p_order.namespace, p_job) #>> '{job,jobId}')::uuid;
begin
  update jobs
  set instructions = p_instructions, session = nullif(p_order.session, 'isolated')
  where job_id = v_job_id;
  return v_job_id;
end
$$;

-- Starts a slot together with its job and returns the slot. When the job is refused, the slot fails with
-- the refusal in its summary.
create or replace function start_slot(p_order standing_orders, p_slot standing_order_runs, p_now timestamptz)
returns standing_order_runs language plpgsql as $$
declare
  v_job uuid;
begin
  v_job := enqueue_slot_job(p_order, p_slot);
  update standing_order_runs
  set status = 'started',
    agent_id = p_order.agent_id,
    job_id = v_job,
    started_at = p_now,
    updated_at = now()
  where run_id = p_slot.run_id
  returning * into p_slot;
  return p_slot;
exception when sqlstate 'AB422' or sqlstate 'AB409' then
  return end_slot(p_slot, 'failed', 'its job could not be enqueued: ' || sqlerrm, p_now);
end
$$;

-- Ends one slot and returns it. A failed slot also emits standing_order.failing when enough slots have
-- failed in a row.
create or replace function end_slot(
  p_slot standing_order_runs, p_status text, p_summary text, p_now timestamptz, p_evidence jsonb default null
) returns standing_order_runs language plpgsql as $$
begin
  perform end_slots(array[p_slot.run_id], p_status, p_summary, p_now, p_evidence);
  if p_status = 'failed' then
    perform emit_failing(p_slot.namespace, p_slot.order_name);
  end if;
  select * into p_slot from standing_order_runs where run_id = p_slot.run_id;
  return p_slot;
end
$$;

-- Returns the status of a slot for the state and outcome of its job: completed or no_work, blocked, failed,
-- or started while the job goes on.
create or replace function slot_status_of(p_state text, p_outcome text) returns text
language sql immutable as $$
  select case
    when p_state = 'succeeded' then coalesce(p_outcome, 'completed')
    when p_state = 'blocked' then 'blocked'
    when p_state in ('failed', 'dead', 'cancelled') then 'failed'
    else 'started' end
$$;

-- Returns the summary of a slot from its job; null while the job goes on.
create or replace function slot_summary_of(
  p_state text, p_summary text, p_blocked_reason text, p_last_error text
) returns text language sql immutable as $$
  select case
    when p_state = 'succeeded' then p_summary
    when p_state = 'blocked' then p_blocked_reason
    when p_state in ('failed', 'dead', 'cancelled') then p_state || coalesce(': ' || p_last_error, '') end
$$;

-- Trigger: a slot takes the status of its job in the same transaction, also back to started when the job
-- goes on. The slot of an idle run that was stopped is skipped. A slot keeps its summary when the job has
-- none, and loses it when the job goes on.
create or replace function follow_jobs() returns trigger language plpgsql as $$
declare
  v_slot record;
begin
  -- Nearly no change is one of a slot's job, and this look is cheaper than an update that finds none.
  if not exists (select from new_rows where subject like 'standing\_order.%') then
    return null;
  end if;
  for v_slot in
    update standing_order_runs r
    set status = n.slot_status,
      summary = case when n.slot_status <> 'started' then coalesce(n.slot_summary, r.summary) end,
      evidence = coalesce(n.evidence, case when n.state = 'succeeded' then n.result end, r.evidence),
      finished_at = case when n.slot_status <> 'started' then now() end,
      updated_at = now()
    from (
      select j.*,
        case when s.stopped is not null then 'skipped' else slot_status_of(j.state, j.outcome) end
          as slot_status,
        coalesce(s.stopped, slot_summary_of(j.state, j.summary, j.blocked_reason, j.last_error))
          as slot_summary
      from new_rows j
      join old_rows o using (job_id)
      cross join lateral (
        select case when is_idle(j.job_type) and j.ended_at is not null then idle_stop_text(j.job_id) end
          as stopped) s
      where j.state <> o.state
        and j.subject like 'standing\_order.%'
    ) n
    where r.job_id = n.job_id
      and r.status <> n.slot_status
    returning r.namespace, r.order_name, r.status
  loop
    if v_slot.status = 'failed' then
      perform emit_failing(v_slot.namespace, v_slot.order_name);
    end if;
  end loop;
  return null;
end
$$;

create or replace trigger follow_jobs after update on jobs
  referencing old table as old_rows new table as new_rows
  for each statement execute function follow_jobs();
