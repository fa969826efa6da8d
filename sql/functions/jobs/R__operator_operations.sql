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

-- Refuses (409, wrong_state) an operation that is not possible in the state of the job, and says who did
-- the last thing to it: of two people who act at once, the second learns of the first.
create or replace function refuse_state(p_job jobs, p_what text, p_expected text) returns void
language plpgsql as $$
begin
  perform refuse(409, 'wrong_state',
    format('job %s is %s and cannot be %s%s', p_job.job_id, p_job.state, p_what, last_act_text(p_job.job_id)),
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
  perform require_no_question(p_principal, v_job, p_input ->> 'answer');
  if p_input ->> 'answer' is not null then
    perform take_answer_of_route(v_job.job_id);
  end if;
  v_job := leave_block(v_job, p_input ->> 'answer');
  if p_input ->> 'answer' is not null then
    update jobs
    set answered_by = current_actor()
    where job_id = v_job.job_id
    returning * into v_job;
  end if;
  return job_json(v_job);
end
$$;
comment on function unblock_job(jsonb, jsonb) is
  'The operation unblockJob: for operators, the coordinator, the agent that the block names, and the agent that requested the job. An open question of the job is withdrawn, which only an operator may do, and only without an answer.';

-- Cancels locked jobs that have not ended, together with their live attempts, or dismisses dead letters. With
-- p_state dead it kills jobs that have not ended; idle jobs, which have no second try, are then cancelled.
-- The caller releases the jobs that wait for them.
create or replace function cancel_jobs(p_jobs uuid[], p_reason text, p_state text default 'cancelled')
returns void language plpgsql as $$
declare
  v_causes uuid[] := block_causes(p_jobs);
  v_attempts uuid[] := array(
    select live_attempt from jobs where job_id = any (p_jobs) and live_attempt is not null);
begin
  if p_jobs = '{}' then
    return;
  end if;
  update job_attempts
  set status = 'cancelled', error = p_reason, finished_at = now(), updated_at = now()
  where attempt_id = any (v_attempts);
  update jobs
  -- A dead letter keeps the error of its death; the audit log has the reason of its dismissal.
  set state = case when is_idle(job_type) then 'cancelled' else p_state end,
    last_error = case when state = 'dead' then last_error else p_reason end, ended_at = now(),
    open_dependencies = 0,
    updated_at = now()
  where job_id = any (p_jobs);
  -- The runs of these attempts may still be at work and have to be stopped.
  perform request_abort(attempt, p_reason) from unnest(v_attempts) attempt;
  perform drop_replans(p_jobs, v_causes);
end
$$;

-- The function with fewer parameters, which an earlier version of this script made.
drop function if exists cancel_jobs(uuid[], text);

-- Cancels one locked job as cancel_jobs does, and releases the jobs that wait for it. Returns the job.
create or replace function cancel_one(p_job jobs, p_reason text) returns jobs
language plpgsql as $$
begin
  perform cancel_jobs(array[p_job.job_id], p_reason);
  select * into p_job from jobs where job_id = p_job.job_id;
  perform release_dependents(p_job);
  return p_job;
end
$$;

-- Cancels each of the jobs that is in one of p_states once all are locked, with p_reason. Returns how many.
create or replace function cancel_in_states(p_jobs uuid[], p_states text[], p_reason text) returns int
language plpgsql as $$
declare
  v_job jobs;
  v_cancelled int := 0;
begin
  perform lock_for_end(p_jobs);
  for v_job in
    select * from jobs where job_id = any (p_jobs) and state = any (p_states) order by job_id
  loop
    perform cancel_one(v_job, p_reason);
    v_cancelled := v_cancelled + 1;
  end loop;
  return v_cancelled;
end
$$;

-- Returns the jobs below p_job_id, ended ones too, except p_but and the jobs below p_but; at most p_limit.
-- A blocked.replan job about several jobs is not below any of them (asks_for_several).
create or replace function jobs_below(p_job_id uuid, p_but uuid, p_limit int) returns setof uuid
language sql stable as $$
  with recursive below as (
    select job_id
    from jobs j
    where parent_job_id = p_job_id and job_id is distinct from p_but and not asks_for_several(j)
    union
    select c.job_id
    from below b
    -- The offset keeps the planner from a join that reads all jobs.
    cross join lateral (
      select job_id
      from jobs j
      where parent_job_id = b.job_id and job_id is distinct from p_but and not asks_for_several(j)
      offset 0) c
  )
  select job_id from below limit p_limit
$$;
drop function if exists unfinished_below(uuid, uuid);

-- Cancels a locked job and the jobs p_below, which are locked too, and releases the jobs that wait for them.
-- When more than a batch of jobs wait for several of them, cascades release these jobs: a batch for each
-- cancelled job would together take longer than a statement may.
create or replace function cancel_tree(p_job jobs, p_below uuid[], p_reason text, p_reason_below text)
returns void language plpgsql as $$
declare
  v_cancelled uuid[];
  v_waiting int;
begin
  perform cancel_jobs(
    array(select job_id from jobs where job_id = any (p_below) and ended_at is null), p_reason_below);
  perform cancel_jobs(array[p_job.job_id], p_reason);
  v_cancelled := array(
    select job_id from jobs where job_id = any (p_job.job_id || p_below) and state = 'cancelled');
  select count(*) into v_waiting
  from (
    select
    from unnest(v_cancelled) j
    cross join lateral dependents_after(j, nil_id(), cascade_batch() + 1) d
    where (select state from jobs where job_id = d) in ('waiting', 'blocked')
    limit cascade_batch() + 1) w;
  if cardinality(v_cancelled) > 1 and v_waiting > cascade_batch() then
    perform cascade_later(array(select waited_for(v_cancelled)), 'release', p_reason_below);
    return;
  end if;
  perform release_dependents(j)
  from jobs j
  where job_id = any (v_cancelled)
  order by job_id;
end
$$;

create or replace function cancel_job(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql
-- The planner takes the tree for a huge one, and compiling its statement costs more than the call.
set jit = off as $$
declare
  v_job jobs := job_of(namespace_of(p_principal, p_input), (p_input ->> 'jobId')::uuid);
  v_reason_below text := format('its parent was cancelled: %s', p_input ->> 'reason');
  -- The job of the calling attempt stays, so that a coordinator can cancel the job about which it was
  -- asked and go on.
  v_spared uuid := (p_principal ->> 'jobId')::uuid;
  v_below uuid[] := '{}';
begin
  perform act_as(p_principal, p_input ->> 'reason');
  perform require_say(p_principal, v_job, array['coordinator', v_job.source_agent]);
  if coalesce((p_input ->> 'includeChildren')::boolean, true) then
    v_below := array(select jobs_below(v_job.job_id, v_spared, cascade_batch() + 1));
  end if;
  if cardinality(v_below) > cascade_batch() then
    perform lock_jobs(array[v_job.job_id]);
  else
    perform lock_for_end(v_job.job_id || v_below);
  end if;
  v_job := job_of(v_job.namespace, v_job.job_id);
  if v_job.ended_at is not null and v_job.state <> 'dead' then
    perform refuse_state(v_job, 'cancelled', 'a job that has not ended, or a dead letter');
  end if;
  if cardinality(v_below) > cascade_batch() then
    perform cancel_jobs(array[v_job.job_id], p_input ->> 'reason');
    perform cascade_later(array[v_job.job_id], 'cancel', v_reason_below, v_spared);
    perform cascade_later(array[v_job.job_id], 'release', p_input ->> 'reason');
  else
    perform cancel_tree(v_job, v_below, p_input ->> 'reason', v_reason_below);
  end if;
  return job_json(job_of(v_job.namespace, v_job.job_id));
end
$$;
comment on function cancel_job(jsonb, jsonb) is
  'The operation cancelJob: cancels a job or dismisses a dead letter. Unless includeChildren is false, it also cancels every unfinished job below, except the caller''s own job and the jobs below that. Below a job with more than cascade_batch jobs they follow in batches after the answer.';

create or replace function redrive_job(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_job jobs := job_of(namespace_of(p_principal, p_input), (p_input ->> 'jobId')::uuid);
begin
  perform act_as(p_principal, p_input ->> 'reason');
  perform lock_jobs(v_job.job_id || array(select open_dependencies_of(v_job.job_id)));
  return job_json(redrive_one(job_of(v_job.namespace, v_job.job_id)));
end
$$;
comment on function redrive_job(jsonb, jsonb) is
  'The operation redriveJob: gives a dead or failed job all its attempts again.';
