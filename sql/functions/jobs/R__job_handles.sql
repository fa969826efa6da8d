-- The handles of an operator on one job: start now, kill, set the priority, reassign, dismiss and redrive.
-- Those on its attempt are in R__attempt_handles.sql.
--
-- Each handle has a function that changes a locked job and returns whether it changed anything; bulk actions
-- call the same functions (bulk/R__bulk_batches.sql). A handle answers with the job as it is now. When the
-- job already was as the caller wants it, the answer has changed: false and lastAct, which says who did what.

-- Returns the verb for an audit row about a job.
create or replace function act_verb(p_act audit_log) returns text
language sql immutable as $$
  select case
    when (p_act).action = 'job.queued' then case (p_act).detail ->> 'from'
      when 'dead' then 'redriven'
      when 'failed' then 'redriven'
      when 'blocked' then 'unblocked'
      when 'waiting' then 'released by its dependencies'
      else 'queued again' end
    when (p_act).action = 'job.cancelled' and (p_act).detail ->> 'from' = 'dead' then 'dismissed'
    when (p_act).action = 'job.dead' then case
      when (p_act).actor like 'operator:%' then 'killed'
      else 'given up' end
    when (p_act).action = 'job.leased' then 'claimed'
    when (p_act).action = 'job.running' then 'begun'
    when (p_act).action = 'job.succeeded' then 'completed'
    else replace(split_part((p_act).action, '.', 2), '_', ' ') end
$$;

-- Returns the newest audit row about a job that records a change; all null when there is none.
create or replace function last_act(p_job_id uuid) returns audit_log
language sql stable as $$
  select *
  from audit_log
  where table_name = 'jobs' and row_id = p_job_id::text and action like 'job.%'
  order by created_at desc, audit_id desc
  limit 1
$$;

-- Returns the last act on a job as words that continue a sentence, such as "; it was redriven by
-- operator:anna at 2026-11-28T14:02:11Z (web-1 is back)"; empty when there is none.
create or replace function last_act_text(p_job_id uuid) returns text
language sql stable as $$
  select coalesce(format('; it was %s by %s at %s', act_verb(a), a.actor, utc_text(a.created_at))
    || coalesce(' (' || cut(a.why, list_text()) || ')', ''), '')
  from last_act(p_job_id) a
$$;

-- Returns the answer of a handle: the job as it is now, with changed and lastAct when nothing was changed.
-- Volatile, so that it sees the change that the same statement has made.
create or replace function handled(p_job jobs, p_changed boolean) returns jsonb
language sql volatile as $$
  select job_json(j) || case when p_changed then '{}' else jsonb_build_object('changed', false) || (
    select jsonb_strip_nulls(jsonb_build_object('lastAct', jsonb_build_object(
      'act', act_verb(a), 'by', a.actor, 'at', a.created_at, 'why', cut(a.why, list_text()))))
    from last_act(j.job_id) a) end
  from jobs j
  where j.job_id = (p_job).job_id
$$;

-- Writes the audit row of a change that moves a job to no other state, with the reason of act_as.
create or replace function note_act(p_namespace text, p_job_id uuid, p_action text, p_detail jsonb)
returns void language sql as $$
  insert into audit_log (namespace, actor, action, table_name, row_id, why, detail)
  values (p_namespace, current_actor(), p_action, 'jobs', p_job_id::text,
    nullif(current_setting('agentbus.why', true), ''), p_detail)
$$;

-- Returns the row of a job for a handle that may end it: the job is locked together with the jobs that may
-- move when it ends (lock_for_end). Refuses an unknown job (404) and a retired one (409).
create or replace function job_to_end(p_namespace text, p_job_id uuid) returns jobs
language plpgsql as $$
declare
  v_job jobs := job_of(p_namespace, p_job_id);
begin
  perform lock_for_end(array[v_job.job_id]);
  return job_of(p_namespace, p_job_id);
end
$$;

-- Makes those of the locked jobs due that are queued for a later time, except idle jobs, which are never due.
-- Returns them.
create or replace function start_queued(p_jobs uuid[]) returns setof uuid
language plpgsql as $$
begin
  return query
    with early as (
      select job_id, run_after
      from jobs
      where job_id = any (p_jobs) and state = 'queued' and run_after > now() and not is_idle(job_type)
    ), moved as (
      update jobs
      set run_after = now(), updated_at = now()
      where job_id in (select e.job_id from early e)
      returning jobs.namespace, jobs.job_id
    ), noted as materialized (
      select m.job_id,
        note_act(m.namespace, m.job_id, 'job.started_early', jsonb_build_object('runAfter', e.run_after))
      from moved m
      join early e on e.job_id = m.job_id
    )
    select n.job_id from noted n;
  if found then
    perform wake_dispatchers();
  end if;
end
$$;

-- Starts a locked job now: a queued job that waits for its time is due, and a block until a time ends, with
-- the reason as its answer. Returns false for a job that is due already.
create or replace function start_now(p_job jobs, p_reason text) returns boolean
language plpgsql as $$
begin
  if p_job.state = 'queued' then
    return exists (select from start_queued(array[p_job.job_id]));
  end if;
  if p_job.state <> 'blocked' or p_job.blocked_until is null then
    perform refuse_state(p_job, 'started now', case p_job.state
      when 'blocked' then 'a job that is queued, or blocked until a time; unblock-job ends another block'
      when 'dead' then 'a job that is queued, or blocked until a time; redrive-job gives a dead letter new attempts'
      when 'failed' then 'a job that is queued, or blocked until a time; redrive-job gives a failed job new attempts'
      else 'a job that is queued, or blocked until a time' end);
  end if;
  perform leave_block(p_job,
    format('the wait until %s was ended early: %s', utc_text(p_job.blocked_until), p_reason));
  update jobs set answered_by = current_actor() where job_id = p_job.job_id;
  return true;
end
$$;

-- Makes a locked job a dead letter, whatever its attempts are: its live attempt is cancelled and its run is
-- stopped, and the jobs that wait for it are blocked. Returns false for a dead letter.
create or replace function kill_one(p_job jobs, p_reason text) returns boolean
language plpgsql as $$
begin
  if p_job.state = 'dead' then
    return false;
  end if;
  if p_job.ended_at is not null then
    perform refuse_state(p_job, 'killed', 'a job that has not ended');
  end if;
  perform cancel_jobs(array[p_job.job_id], p_reason, 'dead');
  select * into p_job from jobs where job_id = p_job.job_id;
  perform release_dependents(p_job);
  return true;
end
$$;

-- Sets the priority of locked jobs. Returns those that had another one.
create or replace function set_priorities(p_jobs uuid[], p_priority int) returns setof uuid
language sql as $$
  with other as (
    select job_id, priority from jobs where job_id = any (p_jobs) and priority <> p_priority
  ), moved as (
    update jobs
    set priority = p_priority, updated_at = now()
    where job_id in (select o.job_id from other o)
    returning namespace, job_id
  ), noted as materialized (
    select m.job_id,
      note_act(m.namespace, m.job_id, 'job.priority_set',
        jsonb_build_object('priority', p_priority, 'before', o.priority))
    from moved m
    join other o on o.job_id = m.job_id
  )
  select job_id from noted
$$;

-- Sets the priority of a locked job that has not ended. Returns false when the job has this priority.
create or replace function set_priority_of(p_job jobs, p_priority int) returns boolean
language plpgsql as $$
begin
  if p_job.ended_at is not null then
    perform refuse_state(p_job, 'given another priority', 'a job that has not ended');
  end if;
  return exists (select from set_priorities(array[p_job.job_id], p_priority));
end
$$;

-- Refuses (422) an agent that is disabled, does not accept the subject, may not read a payload with this
-- trust, or would have no say over the jobs that a blocked.replan job is about, and (409) a frozen one.
create or replace function require_fit(p_agent agents, p_subject text, p_trust text) returns void
language plpgsql stable as $$
begin
  if p_subject = 'blocked.replan' and p_agent.agent_id <> 'coordinator' then
    perform refuse(422, 'subject_not_accepted',
      format('a blocked.replan job asks the coordinator, and agent %s has no say over the blocked jobs',
        p_agent.agent_id),
      'targetAgent', to_jsonb(p_agent.agent_id),
      'unblock-job or reassign-job with a blocked job itself; cancel-job ends the question about it');
  end if;
  perform require_accepted(p_agent, p_subject, 'targetAgent', 'targetAgent');
  perform refuse_frozen_agent(p_agent.namespace, p_agent.agent_id, 'targetAgent');
  if p_trust = 'untrusted' and p_agent.reads = 'trusted' then
    perform refuse(422, 'untrusted_input',
      format('agent %s reads trusted payloads only, and this one comes from outside', p_agent.agent_id),
      'targetAgent', to_jsonb(p_agent.agent_id), 'an agent that reads untrusted payloads');
  end if;
end
$$;

-- Hands locked jobs to another agent that fits. Each keeps its state, and the model, thinking and timeout
-- that it had from its old agent become those of the new one.
create or replace function give_jobs(p_jobs uuid[], p_agent agents) returns void
language plpgsql as $$
declare
  v_before jsonb := (select jsonb_object_agg(job_id, target_agent) from jobs where job_id = any (p_jobs));
begin
  update jobs j
  set target_agent = p_agent.agent_id,
    model = case when j.model is not distinct from o.model then p_agent.model else j.model end,
    thinking = case when j.thinking is not distinct from o.thinking then p_agent.thinking else j.thinking end,
    timeout_seconds = n.timeout_seconds,
    hard_timeout_seconds = greatest(j.hard_timeout_seconds, n.timeout_seconds),
    -- Events of the old agent's subscription no longer join the job.
    coalesce_key = null,
    delivery_failures = 0,
    -- The claim mark of the new lane does not know the job (dispatch/R__claim_mark.sql).
    moved_xid = pg_current_xact_id(),
    updated_at = now()
  from jobs b
  join agents o on o.namespace = b.namespace and o.agent_id = b.target_agent
  cross join lateral job_type_settings(b.namespace, b.job_type) t
  cross join lateral (
    select case
      when b.timeout_seconds = coalesce(o.timeout_seconds, t.timeout_seconds)
        then coalesce(p_agent.timeout_seconds, t.timeout_seconds)
      else b.timeout_seconds end as timeout_seconds) n
  where j.job_id = any (p_jobs) and b.job_id = j.job_id;
  perform give_replans(p_jobs, p_agent.agent_id, v_before);
  perform note_act(j.namespace, j.job_id, 'job.reassigned',
      jsonb_build_object('targetAgent', p_agent.agent_id, 'before', v_before -> j.job_id::text)),
    append_event(j.namespace, 'job.reassigned', p_agent.agent_id, j.job_id,
      jsonb_strip_nulls(jsonb_build_object('jobId', j.job_id, 'targetAgent', p_agent.agent_id,
        'before', v_before -> j.job_id::text, 'subject', j.subject,
        'reason', nullif(current_setting('agentbus.why', true), ''))))
  from jobs j
  where job_id = any (p_jobs);
  perform wake_dispatchers();
end
$$;

-- Makes the queued blocked.replan jobs about blocked jobs speak of their new agent, so that the end of the
-- block still withdraws them. p_before has the old agent of each job. Questions that another call has locked
-- are left as they are.
create or replace function give_replans(p_jobs uuid[], p_agent text, p_before jsonb) returns void
language sql as $$
  update jobs
  set source_agent = p_agent,
    payload = payload || jsonb_build_object('targetAgent', p_agent),
    updated_at = now()
  where job_id in (
    select job_id
    from jobs
    where parent_job_id = any (p_jobs)
      and subject = 'blocked.replan'
      and state = 'queued'
      and coalesce_key is null
      and source_agent = p_before ->> parent_job_id::text
    for no key update skip locked)
$$;

-- Hands a locked job to another agent as give_jobs does. Returns false when the agent has the job already.
-- Refuses a job with a live attempt or a good end (409), an idle job (409), an agent that does not fit (422),
-- and a dedupe key that another live job of the agent has (409).
create or replace function reassign_one(p_job jobs, p_agent text) returns boolean
language plpgsql as $$
declare
  v_agent agents := agent_named(p_job.namespace, p_agent, 'targetAgent');
begin
  if p_job.live_attempt is not null then
    perform refuse_state(p_job, 'reassigned', 'a job without a live attempt; end-attempt ends it');
  end if;
  if p_job.state in ('succeeded', 'cancelled') then
    perform refuse_state(p_job, 'reassigned', 'a job that waits, is queued or blocked, or has failed');
  end if;
  if p_job.target_agent = p_agent then
    return false;
  end if;
  perform refuse_idle_job(p_job, 'reassigned');
  perform require_fit(v_agent, p_job.subject, p_job.trust);
  perform give_jobs(array[p_job.job_id], v_agent);
  return true;
exception when unique_violation then
  perform refuse(409, 'dedupe_conflict',
    format('another live job of agent %s has the dedupe key %s', p_agent, p_job.dedupe_key),
    'targetAgent', to_jsonb(p_agent), 'an agent of which no live job has this key');
end
$$;

-- Dismisses a locked dead letter, which is then cancelled. Returns false for a job that was dismissed before.
create or replace function dismiss_one(p_job jobs, p_reason text) returns boolean
language plpgsql as $$
begin
  if p_job.state = 'cancelled' and act_verb(last_act(p_job.job_id)) = 'dismissed' then
    return false;
  end if;
  if p_job.state <> 'dead' then
    perform refuse_state(p_job, 'dismissed', 'a dead letter; cancel-job ends a job that has not ended');
  end if;
  perform cancel_one(p_job, p_reason);
  return true;
end
$$;

-- Gives locked dead or failed jobs all their attempts again. They are queued, or waiting with p_state
-- waiting.
create or replace function redrive_jobs(p_jobs uuid[], p_state text) returns void
language sql as $$
  update jobs
  set state = p_state,
    open_dependencies = case p_state when 'waiting' then open_count(job_id) else 0 end,
    attempt_count = 0,
    delivery_failures = 0,
    ended_without_closing = 0,
    redrives = redrives + 1,
    run_after = now(),
    ended_at = null,
    updated_at = now()
  where job_id = any (p_jobs)
$$;

-- Redrives a locked dead or failed job. The job is queued, or waits when it was killed before its
-- dependencies had succeeded. Refuses another state, an idle job, and a dedupe key that another live job has
-- meanwhile (409).
create or replace function redrive_one(p_job jobs) returns jobs
language plpgsql as $$
declare
  v_spoiled jobs;
begin
  if p_job.state not in ('dead', 'failed') then
    perform refuse_state(p_job, 'redriven', 'a dead or failed job');
  end if;
  perform refuse_idle_job(p_job, 'redriven');
  -- Locked, so that none can succeed unseen between the count below and the commit. Without waiting, because
  -- redrive_job has locked them in the order of ids, and a bulk action tries the job again later.
  perform job_id
  from jobs
  where job_id in (select waited from open_dependencies_of(p_job.job_id) waited)
  order by job_id
  for no key update nowait;
  perform redrive_jobs(array[p_job.job_id],
    case when open_count(p_job.job_id) = 0 then 'queued' else 'waiting' end);
  select * into p_job from jobs where job_id = p_job.job_id;
  if p_job.state = 'waiting' then
    select * into v_spoiled from spoiled_dependency(p_job.job_id);
    if found then
      p_job := block_for_dependency(p_job.job_id, v_spoiled);
    end if;
  end if;
  return p_job;
exception when unique_violation then
  perform refuse(409, 'dedupe_conflict', format('another live job of agent %s has the dedupe key %s meanwhile',
      p_job.target_agent, p_job.dedupe_key),
    'jobId', to_jsonb(p_job.job_id), 'a job whose dedupe key is free');
end
$$;

-- Returns the dependencies of a job that are neither satisfied nor waived.
create or replace function open_dependencies_of(p_job_id uuid) returns setof uuid
language sql stable as $$
  select depends_on
  from job_dependencies
  where job_id = p_job_id and satisfied_at is null and waived_at is null
$$;

create or replace function retry_now(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_job jobs := locked_job(namespace_of(p_principal, p_input), (p_input ->> 'jobId')::uuid);
begin
  perform act_as(p_principal, p_input ->> 'reason');
  return handled(v_job, start_now(v_job, p_input ->> 'reason'));
end
$$;
comment on function retry_now(jsonb, jsonb) is
  'The operation retryNow: starts a job at once that waits for its time, in the queue or in a block.';

create or replace function kill_job(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_job jobs := job_to_end(namespace_of(p_principal, p_input), (p_input ->> 'jobId')::uuid);
begin
  perform act_as(p_principal, p_input ->> 'reason');
  return handled(v_job, kill_one(v_job, p_input ->> 'reason'));
end
$$;
comment on function kill_job(jsonb, jsonb) is
  'The operation killJob: makes a job that has not ended a dead letter, and stops its run.';

create or replace function set_priority(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_job jobs := locked_job(namespace_of(p_principal, p_input), (p_input ->> 'jobId')::uuid);
begin
  perform act_as(p_principal, p_input ->> 'reason');
  return handled(v_job, set_priority_of(v_job, (p_input ->> 'priority')::int));
end
$$;
comment on function set_priority(jsonb, jsonb) is
  'The operation setPriority: sets the priority of a job that has not ended.';

create or replace function reassign_job(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_job jobs := locked_job(namespace_of(p_principal, p_input), (p_input ->> 'jobId')::uuid);
begin
  perform act_as(p_principal, p_input ->> 'reason');
  return handled(v_job, reassign_one(v_job, p_input ->> 'targetAgent'));
end
$$;
comment on function reassign_job(jsonb, jsonb) is
  'The operation reassignJob: hands a job without a live attempt to another agent that accepts its subject.';

create or replace function dismiss_job(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_job jobs := job_to_end(namespace_of(p_principal, p_input), (p_input ->> 'jobId')::uuid);
begin
  perform act_as(p_principal, p_input ->> 'reason');
  return handled(v_job, dismiss_one(v_job, p_input ->> 'reason'));
end
$$;
comment on function dismiss_job(jsonb, jsonb) is
  'The operation dismissJob: ends a dead letter as cancelled; it keeps the error of its death.';
