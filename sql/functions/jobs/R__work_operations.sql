-- The operations for the agent or worker of a job, with the token of its attempt: mark it running, report
-- progress, renew the lease, and the three closes.

-- Returns a hash of an operation and its input: two closes with the same hash are the same close. Verdicts on
-- memories do not make it another close, so they are left out; the first ones count.
create or replace function close_hash(p_operation text, p_input jsonb) returns bytea
language sql stable as $$
  select sha256(convert_to(p_operation || (p_input - 'memories')::text, 'UTF8'))
$$;

-- Returns null while the attempt is live. After its end, returns the kept answer when the same close is
-- repeated, otherwise the problem stale_attempt.
create or replace function earlier_answer(p_operation text, p_job jobs, p_attempt job_attempts, p_input jsonb)
returns jsonb language plpgsql as $$
begin
  if p_job.live_attempt = p_attempt.attempt_id then
    return null;
  end if;
  if p_attempt.close_hash = close_hash(p_operation, p_input) then
    return p_attempt.response;
  end if;
  return late_report(p_operation, p_job, p_attempt, p_input);
end
$$;

-- Keeps the answer to a close, so that a repeated close gets the same answer. Returns the answer.
create or replace function keep_answer(p_operation text, p_attempt uuid, p_input jsonb, p_answer jsonb)
returns jsonb
language sql as $$
  update job_attempts
  set response = p_answer,
    close_hash = close_hash(p_operation, p_input),
    usage = coalesce(p_input -> 'usage', usage)
  where attempt_id = p_attempt
  returning response
$$;

create or replace function mark_running_job(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v record;
  v_job jobs;
begin
  perform act_as(p_principal);
  select * into v from fenced_job(p_principal, p_input);
  v_job := v.o_job;
  if v_job.live_attempt is distinct from (v.o_attempt).attempt_id then
    return late_report('markRunningJob', v_job, v.o_attempt, p_input);
  end if;
  if v_job.state = 'leased' then
    v_job := begin_running(v_job);
  end if;
  update jobs
  set run_id = coalesce(p_input ->> 'runId', run_id),
    session_key = coalesce(p_input ->> 'sessionKey', session_key)
  where job_id = v_job.job_id;
  perform run_is_alive(v_job.live_attempt);
  update job_attempts
  set run_id = coalesce(p_input ->> 'runId', run_id), session_key = coalesce(p_input ->> 'sessionKey', session_key)
  where attempt_id = v_job.live_attempt;
  return job_brief(v_job);
end
$$;
comment on function mark_running_job(jsonb, jsonb) is
  'The operation markRunningJob: makes a leased job running and keeps the ids of its run. The call may be repeated.';

-- Renews the lease of a live attempt to leaseSeconds from now. Without leaseSeconds the lease becomes
-- renewal_lease from now, unless the agent has already renewed it for longer. The hard deadline limits
-- both.
-- The answer to an idle run that is asked to close says so (closeNow).
-- From then on the agent must renew in time (keeps_lease). Writes p_status as the live status when it is
-- given.
create or replace function renew(p_operation text, p_principal jsonb, p_input jsonb, p_status jsonb)
returns jsonb
language plpgsql as $$
declare
  v record;
  v_job jobs;
begin
  perform act_as(p_principal);
  select * into v from fenced_job(p_principal, p_input);
  v_job := v.o_job;
  if v_job.live_attempt is distinct from (v.o_attempt).attempt_id then
    return late_report(p_operation, v_job, v.o_attempt, p_input);
  end if;
  if v_job.state = 'leased' then
    -- A call from the agent shows that the run has started, even when the gateway's admission has not
    -- arrived yet.
    v_job := begin_running(v_job);
  end if;
  update jobs
  set leased_until = least(hard_deadline, case
      when p_input ? 'leaseSeconds' then now() + make_interval(secs => (p_input ->> 'leaseSeconds')::int)
      -- A renewal without leaseSeconds does not shorten a longer lease.
      else greatest(now() + renewal_lease(), case when keeps_lease then leased_until end) end),
    keeps_lease = true, status = coalesce(p_status, status), updated_at = now()
  where job_id = v_job.job_id
  returning * into v_job;
  perform run_is_alive(v_job.live_attempt);
  return job_brief(v_job) || close_now_of(v_job);
end
$$;

create or replace function renew_job_lease(p_principal jsonb, p_input jsonb) returns jsonb
language sql as $$
  select renew('renewJobLease', p_principal, p_input, null)
$$;
comment on function renew_job_lease(jsonb, jsonb) is
  'The operation renewJobLease: renews the lease of a live attempt.';

create or replace function report_progress(p_principal jsonb, p_input jsonb) returns jsonb
language sql as $$
  select renew('reportProgress', p_principal, p_input,
    jsonb_strip_nulls(jsonb_build_object('percent', p_input -> 'percent', 'line', p_input -> 'line', 'at', now())))
$$;
comment on function report_progress(jsonb, jsonb) is
  'The operation reportProgress: renews the lease and writes the live status.';

-- Refuses (422, evidence_missing) the outcome no_work without evidence of what was checked.
create or replace function require_evidence(p_outcome text, p_evidence jsonb) returns void
language plpgsql stable as $$
begin
  if p_outcome = 'no_work' and coalesce(p_evidence, '{}') = '{}' then
    perform refuse(422, 'evidence_missing', 'no_work says that there was nothing to do, and needs evidence of what was looked at',
      'evidence', p_evidence, 'an object that names what was looked at: counts, ids, times');
  end if;
end
$$;

create or replace function complete_job(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql
-- Planned once for each connection, see R__batches.sql.
set plan_cache_mode = force_generic_plan set jit = off as $$
declare
  v record;
  v_job_id uuid := (p_input ->> 'jobId')::uuid;
  v_job jobs;
  v_answer jsonb;
  v_item record;
  v_made jsonb;
  v_jobs jsonb := '[]';
  v_events jsonb := '[]';
  v_ignored jsonb;
begin
  if p_principal ? 'idle' then
    perform refuse_idle(key, value)
    from jsonb_each(p_input)
    where key in ('followUps', 'events') and value <> '[]';
  end if;
  perform act_as(p_principal, p_input ->> 'summary');
  perform lock_jobs(v_job_id || dependents_to_lock(array[v_job_id]) || array(
    select d::uuid from jsonb_array_elements(p_input -> 'followUps') f, jsonb_array_elements_text(f -> 'dependsOn') d));
  select * into v from fenced_job(p_principal, p_input);
  v_answer := earlier_answer('completeJob', v.o_job, v.o_attempt, p_input);
  if v_answer is not null then
    return v_answer;
  end if;
  perform require_evidence(p_input ->> 'outcome', p_input -> 'evidence');
  v_ignored := keep_verdicts(v.o_attempt, p_input -> 'memories');
  if p_input ?| '{outcome,evidence}' then
    update jobs set outcome = coalesce(p_input ->> 'outcome', 'completed'), evidence = p_input -> 'evidence'
    where job_id = (v.o_job).job_id;
  end if;
  v_job := finish_attempt(v.o_job, 'succeeded', 'succeeded',
    p_summary => p_input ->> 'summary', p_result => p_input -> 'result');
  for v_item in
    select value, ordinality - 1 as i from jsonb_array_elements(p_input -> 'followUps') with ordinality
  loop
    v_made := insert_job(p_principal, v_job.namespace, v_item.value, format('followUps[%s].', v_item.i));
    v_jobs := v_jobs || (v_made -> 'job' -> 'jobId');
  end loop;
  for v_item in
    select value, ordinality - 1 as i from jsonb_array_elements(p_input -> 'events') with ordinality
  loop
    v_made := insert_event(p_principal, v_job.namespace, v_item.value, format('events[%s].', v_item.i));
    v_events := v_events || (v_made -> 'event' -> 'eventId');
  end loop;
  return keep_answer('completeJob', (v.o_attempt).attempt_id, p_input,
    jsonb_build_object('job', job_brief(v_job), 'followUps', v_jobs, 'events', v_events)
      || v_ignored);
end
$$;
comment on function complete_job(jsonb, jsonb) is
  'The operation completeJob: the job succeeds as completed, or as no_work with evidence of what was checked. Follow-up jobs and events are written in the same transaction; a refusal of one of them undoes the close.';

create or replace function fail_job(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v record;
  v_job jobs;
  v_answer jsonb;
  v_ignored jsonb;
begin
  perform act_as(p_principal, p_input ->> 'error');
  perform lock_for_end(array[(p_input ->> 'jobId')::uuid]);
  select * into v from fenced_job(p_principal, p_input);
  v_answer := earlier_answer('failJob', v.o_job, v.o_attempt, p_input);
  if v_answer is not null then
    return v_answer;
  end if;
  v_ignored := keep_verdicts(v.o_attempt, p_input -> 'memories');
  if coalesce((p_input ->> 'retry')::boolean, true) then
    v_job := retry_or_die(v.o_job, 'failed', p_input ->> 'error',
      make_interval(secs => (p_input ->> 'retryAfterSeconds')::int), p_input -> 'result');
  else
    v_job := finish_attempt(v.o_job, 'failed', 'failed', p_error => p_input ->> 'error', p_result => p_input -> 'result');
  end if;
  return keep_answer('failJob', (v.o_attempt).attempt_id, p_input,
    jsonb_build_object('job', job_brief(v_job)) || v_ignored);
end
$$;
comment on function fail_job(jsonb, jsonb) is
  'The operation failJob: the job is queued again, is dead when its attempts are used up, or has failed for good when retry is false.';

create or replace function block_job(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v record;
  v_job jobs;
  v_answer jsonb;
  v_unblock jsonb := coalesce(p_input -> 'unblock', '{}');
  v_other_id uuid := (v_unblock ->> 'jobId')::uuid;
  v_other jobs;
  v_ignored jsonb;
begin
  perform act_as(p_principal, p_input ->> 'reason');
  if v_other_id is not null then
    perform lock_cycles();
    perform lock_jobs(array[(p_input ->> 'jobId')::uuid, v_other_id]);
  end if;
  select * into v from fenced_job(p_principal, p_input);
  v_job := v.o_job;
  v_answer := earlier_answer('blockJob', v_job, v.o_attempt, p_input);
  if v_answer is not null then
    return v_answer;
  end if;
  if (v_unblock ->> 'at')::timestamptz <= now() then
    perform refuse(422, 'invalid_field', format('the time %s is past', v_unblock ->> 'at'), 'unblock.at', v_unblock -> 'at',
      'a time in the future; to try again soon, fail with retryAfterSeconds');
  end if;
  if v_unblock ? 'agent' then
    perform agent_named(v_job.namespace, v_unblock ->> 'agent', 'unblock.agent');
  end if;
  if v_other_id is not null then
    select * into v_other from jobs where job_id = v_other_id and namespace = v_job.namespace;
    if not found then
      perform refuse(422, 'unknown_job', format('there is no job %s in namespace %s', v_other_id, v_job.namespace),
        'unblock.jobId', to_jsonb(v_other_id), 'the id of a job');
    end if;
    perform refuse_cycle(v_job.job_id, v_other_id, 'unblock.jobId');
  end if;

  v_ignored := keep_verdicts(v.o_attempt, p_input -> 'memories');
  v_job := block_attempt(v_job, p_input ->> 'reason', v_unblock);
  if v_other.ended_at is not null then
    v_job := leave_block(v_job, format('job %s (%s) has ended %s', v_other.job_id, v_other.subject, v_other.state));
  elsif v_job.blocked_until is null and v_job.blocked_on_job is null then
    perform ask_for_replan(v_job);
  end if;
  return keep_answer('blockJob', (v.o_attempt).attempt_id, p_input,
    jsonb_build_object('job', job_brief(v_job)) || v_ignored);
end
$$;
comment on function block_job(jsonb, jsonb) is
  'The operation blockJob: ends the attempt and blocks the job. A named time, or the end of a named job, ends the block by itself; otherwise the coordinator is asked.';
