-- The operations on a job for callers other than its agent: unblock, cancel, redrive.

-- Refuses (403) every caller except operators and the named agents.
create or replace function require_say(p_principal jsonb, p_job jobs, p_may_agents text[]) returns void
language plpgsql as $$
begin
  -- A null among the agents makes the comparison null, not false.
  if p_principal ->> 'kind' <> 'operator' and (p_principal ->> 'name' = any (p_may_agents)) is not true then
    perform refuse(403, 'forbidden',
      format('agent %s has no say over job %s', p_principal ->> 'name', p_job.job_id), 'jobId', to_jsonb(p_job.job_id),
      'an operator, or one of: ' || array_to_string(array_remove(p_may_agents, null), ', '));
  end if;
end
$$;

-- Returns the row of a job, locked until the end of the transaction. Refuses an unknown job (404) and a
-- retired one (409).
create or replace function locked_job(p_namespace text, p_job_id uuid) returns jobs
language plpgsql as $$
declare
  v_job jobs;
begin
  select * into v_job from jobs where job_id = p_job_id and namespace = p_namespace for no key update;
  if not found then
    return job_of(p_namespace, p_job_id);
  end if;
  return v_job;
end
$$;

-- Refuses (409, wrong_state) an operation that is not possible in the state of the job.
create or replace function refuse_state(p_job jobs, p_what text, p_expected text) returns void
language plpgsql as $$
begin
  perform refuse(409, 'wrong_state', format('job %s is %s and cannot be %s', p_job.job_id, p_job.state, p_what),
    'jobId', to_jsonb(p_job.job_id), p_expected);
end
$$;

create or replace function unblock_job(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_job jobs := locked_job(namespace_of(p_principal, p_input), (p_input ->> 'jobId')::uuid);
begin
  perform act_as(p_principal, p_input ->> 'answer');
  perform require_say(p_principal, v_job, array['coordinator', v_job.blocked_on_agent, v_job.source_agent]);
  if v_job.state <> 'blocked' then
    perform refuse_state(v_job, 'unblocked', 'a blocked job');
  end if;
  return job_json(leave_block(v_job, p_input ->> 'answer'));
end
$$;
comment on function unblock_job(jsonb, jsonb) is
  'The operation unblockJob: for operators, the coordinator, the agent that the block names, and the agent that requested the job.';

-- Cancels one locked job that has not ended, together with its live attempt, or dismisses a dead letter.
-- Returns the job.
create or replace function cancel_one(p_job jobs, p_reason text) returns jobs
language plpgsql as $$
begin
  if p_job.live_attempt is not null then
    return end_attempt(p_job, 'cancelled', 'cancelled', p_error => p_reason);
  end if;
  update jobs
  -- A dead letter keeps the error of its death; the audit log has the reason of its dismissal.
  set state = 'cancelled', last_error = case when state = 'dead' then last_error else p_reason end, ended_at = now(),
    open_dependencies = 0,
    updated_at = now()
  where job_id = p_job.job_id
  returning * into p_job;
  perform drop_replan(p_job);
  perform release_dependents(p_job);
  return p_job;
end
$$;

-- Returns every unfinished job below p_job_id, newest first, except p_but and the jobs below p_but.
create or replace function unfinished_below(p_job_id uuid, p_but uuid) returns setof uuid
language sql stable as $$
  with recursive below as (
    select job_id from jobs where parent_job_id = p_job_id and job_id is distinct from p_but
    union
    select j.job_id
    from jobs j
    join below b on j.parent_job_id = b.job_id
    where j.job_id is distinct from p_but
  )
  select job_id from jobs join below using (job_id) where ended_at is null order by seq desc
$$;

create or replace function cancel_job(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_job jobs := job_of(namespace_of(p_principal, p_input), (p_input ->> 'jobId')::uuid);
  v_below uuid[];
  v_child_id uuid;
  v_child jobs;
begin
  perform act_as(p_principal, p_input ->> 'reason');
  perform require_say(p_principal, v_job, array['coordinator', v_job.source_agent]);
  if coalesce((p_input ->> 'includeChildren')::boolean, true) then
    -- The job of the calling attempt stays, so that a coordinator can cancel the job about which it was
    -- asked and go on.
    v_below := array(select unfinished_below(v_job.job_id, (p_principal ->> 'jobId')::uuid));
  end if;
  perform lock_for_end(v_job.job_id || v_below);
  v_job := job_of(v_job.namespace, v_job.job_id);
  if v_job.ended_at is not null and v_job.state <> 'dead' then
    perform refuse_state(v_job, 'cancelled', 'a job that has not ended, or a dead letter');
  end if;
  foreach v_child_id in array coalesce(v_below, '{}') loop
    -- The cancelling of one child may have ended or moved the next one.
    select * into v_child from jobs where job_id = v_child_id;
    if v_child.ended_at is null then
      perform cancel_one(v_child, format('its parent was cancelled: %s', p_input ->> 'reason'));
    end if;
  end loop;
  v_job := job_of(v_job.namespace, v_job.job_id);
  return job_json(cancel_one(v_job, p_input ->> 'reason'));
end
$$;
comment on function cancel_job(jsonb, jsonb) is
  'The operation cancelJob: cancels a job or dismisses a dead letter. Unless includeChildren is false, it also cancels every unfinished job below, except the caller''s own job and the jobs below that.';

create or replace function redrive_job(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_job jobs := locked_job(namespace_of(p_principal, p_input), (p_input ->> 'jobId')::uuid);
begin
  perform act_as(p_principal, p_input ->> 'reason');
  if v_job.state not in ('dead', 'failed') then
    perform refuse_state(v_job, 'redriven', 'a dead or failed job');
  end if;
  update jobs
  set state = 'queued',
    attempt_count = 0,
    delivery_failures = 0,
    ended_without_closing = 0,
    redrives = redrives + 1,
    run_after = now(),
    ended_at = null, updated_at = now()
  where job_id = v_job.job_id
  returning * into v_job;
  return job_json(v_job);
exception when unique_violation then
  perform refuse(409, 'dedupe_conflict', format('another live job of agent %s has the dedupe key %s meanwhile',
    v_job.target_agent, v_job.dedupe_key), 'jobId', p_input -> 'jobId', 'a job whose dedupe key is free');
end
$$;
comment on function redrive_job(jsonb, jsonb) is
  'The operation redriveJob: gives a dead or failed job all its attempts again.';
