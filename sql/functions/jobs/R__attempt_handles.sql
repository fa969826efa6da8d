-- The handles of an operator on the live attempt of a job: extend it, or end it.

-- Returns whether the live attempt of a locked job is the one that the input means: attemptNo, or any
-- attempt when the input names none. Returns false when the attempt attemptNo is over, which is not refused,
-- so that a repeated call changes nothing. Refuses a job without a live attempt (409).
create or replace function attempt_is_live(p_job jobs, p_input jsonb, p_what text) returns boolean
language plpgsql stable as $$
declare
  v_asked int := (p_input ->> 'attemptNo')::int;
begin
  if v_asked > p_job.attempt_no then
    perform refuse(422, 'invalid_field', format('job %s has no attempt %s yet', p_job.job_id, v_asked),
      'attemptNo', to_jsonb(v_asked), format('at most %s', p_job.attempt_no));
  end if;
  if v_asked < p_job.attempt_no or v_asked is not null and p_job.live_attempt is null then
    return false;
  end if;
  if p_job.live_attempt is null then
    perform refuse_state(p_job, p_what, 'a job with a live attempt');
  end if;
  return true;
end
$$;

create or replace function extend_attempt(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_job jobs := locked_job(namespace_of(p_principal, p_input), (p_input ->> 'jobId')::uuid);
  v_until timestamptz := now() + make_interval(secs => (p_input ->> 'seconds')::int);
begin
  perform act_as(p_principal, p_input ->> 'reason');
  if not attempt_is_live(v_job, p_input, 'extended') then
    return handled(v_job, false);
  end if;
  if v_job.state <> 'running' then
    perform refuse_state(v_job, 'extended', 'a running job: the time of a run begins when the gateway has admitted it');
  end if;
  if v_job.leased_until >= v_until then
    return handled(v_job, false);
  end if;
  update jobs
  set leased_until = v_until,
    hard_deadline = greatest(hard_deadline, v_until),
    -- A renewal without leaseSeconds then leaves the longer lease.
    keeps_lease = true,
    updated_at = now()
  where job_id = v_job.job_id;
  perform note_act(v_job.namespace, v_job.job_id, 'job.extended',
    jsonb_build_object('leasedUntil', v_until, 'before', v_job.leased_until, 'attemptNo', v_job.attempt_no));
  return handled(v_job, true);
end
$$;
comment on function extend_attempt(jsonb, jsonb) is
  'The operation extendAttempt: lets the live attempt run for at least so many seconds from now, also beyond its hard timeout.';

-- Returns whether the newest ended attempt of a locked job was ended by the caller of act_as with the same
-- reason within end_attempt_repeats. A call that names no attempt is then a repetition, and must not reach
-- the next attempt.
create or replace function end_is_repeated(p_job jobs) returns boolean
language sql stable as $$
  select exists (
    select from audit_log
    where table_name = 'jobs'
      and row_id = (p_job).job_id::text
      and created_at > now() - end_attempt_repeats()
      and action in ('job.queued', 'job.dead')
      and detail ->> 'from' in ('leased', 'running')
      and (detail ->> 'attemptNo')::int = (p_job).attempt_no - ((p_job).live_attempt is not null)::int
      and actor = current_actor()
      and why = current_setting('agentbus.why'))
$$;

create or replace function end_attempt(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_job jobs := job_to_end(namespace_of(p_principal, p_input), (p_input ->> 'jobId')::uuid);
begin
  perform act_as(p_principal, p_input ->> 'reason');
  if not p_input ? 'attemptNo' and end_is_repeated(v_job)
    or not attempt_is_live(v_job, p_input, 'taken from its agent') then
    return handled(v_job, false);
  end if;
  perform retry_or_die(v_job, 'cancelled', p_input ->> 'reason');
  return handled(v_job, true);
end
$$;
comment on function end_attempt(jsonb, jsonb) is
  'The operation endAttempt: ends the live attempt and stops its run. The attempt counts, and the job is retried after its backoff or is dead. Without attemptNo, a repeated call of the same actor with the same reason within end_attempt_repeats changes nothing.';
