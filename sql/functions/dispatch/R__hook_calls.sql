-- These functions record the outcome of a hook call. A 200 means admission and not success; a missing
-- answer does not mean failure.
--
-- The functions hook_admitted to hook_refused take the dispatcher that called and the attempt, and return
-- hook_answer. A dispatcher that no longer holds the attempt does not change the job; only an admission
-- counts whichever dispatcher reports it.

-- Returns the job of an attempt, locked together with its dependents, because the outcome of a hook call
-- may end the job.
create or replace function job_of_hook_call(p_attempt uuid) returns jobs
language plpgsql as $$
declare
  v_job jobs;
  v_job_id uuid := (select job_id from job_attempts where attempt_id = p_attempt);
begin
  perform lock_for_end(array[v_job_id]);
  select * into v_job from jobs where job_id = v_job_id;
  return v_job;
end
$$;

-- Returns the milliseconds since the job could first be claimed; 0 for idle thinking, for which nobody waits.
create or replace function waited_ms(p_job jobs) returns numeric
language sql volatile as $$
  select case
    when is_idle((p_job).job_type) then 0
    else round(
      extract(epoch from clock_timestamp() - greatest((p_job).run_after, (p_job).created_at)) * 1000) end
$$;

-- Returns the answer about a hook call: applied (whether the job changed), outcome, job (job_brief), and
-- waitedMs, how long the job had waited.
create or replace function hook_answer(p_job jobs, p_applied boolean, p_outcome text) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'applied', p_applied,
    'outcome', p_outcome,
    'job', job_brief(p_job),
    'waitedMs', waited_ms(p_job))
$$;

-- Returns whether the dispatcher still holds the attempt of a locked job, and the job is still leased.
create or replace function holds_hook_call(p_job jobs, p_dispatcher text, p_attempt uuid) returns boolean
language sql immutable as $$
  select (p_job).live_attempt is not distinct from p_attempt
    and (p_job).state = 'leased'
    and (p_job).lease_owner is not distinct from p_dispatcher
$$;

-- The gateway has admitted the run: the job is running and its agent holds the lease. If the attempt has
-- ended already, only the ids of the run are kept; after a cancellation or a timeout the run is to be
-- stopped.
-- Locks only the one job, because an admission ends nothing and hooks_admitted holds other jobs when it
-- calls this function.
create or replace function hook_admitted(p_dispatcher text, p_attempt uuid, p_run_id text, p_session_key text)
returns jsonb
language plpgsql as $$
declare
  v_job_id uuid := (select job_id from job_attempts where attempt_id = p_attempt);
  v_job jobs;
  v_live boolean;
  v_status text;
begin
  perform lock_jobs(array[v_job_id]);
  select * into v_job from jobs where job_id = v_job_id;
  v_live := v_job.live_attempt is not distinct from p_attempt;
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_dispatcher), 'admitted by the gateway');
  update job_attempts
  set run_id = p_run_id,
    session_key = p_session_key,
    admitted_at = coalesce(admitted_at, now()),
    unknown_since = null,
    interrupted_at = null,
    updated_at = now()
  where attempt_id = p_attempt
  returning status into v_status;
  update gateways g
  set failures = 0, held_until = null, hold_reason = null, updated_at = now()
  from job_attempts a
  where a.attempt_id = p_attempt and g.namespace = a.namespace and g.gateway = a.gateway and g.failures > 0;
  perform lanes_accepted(array[p_attempt]);
  if v_live then
    update jobs
    set run_id = p_run_id, session_key = p_session_key, delivery_failures = 0, updated_at = now()
    where job_id = v_job.job_id
    returning * into v_job;
    if v_job.state = 'leased' then
      v_job := begin_running(v_job);
    end if;
  elsif v_status in ('cancelled', 'timed_out') then
    perform request_abort(p_attempt, 'admitted after its attempt had ended: ' || v_status);
  end if;
  return hook_answer(v_job, v_live, 'admitted');
end
$$;

-- Holds the gateway of an attempt: for Retry-After (1 s to retry_after_cap_seconds) when the gateway gave
-- one, otherwise for short_backoff up to gateway_hold_cap_seconds. A call that was under way when the hold
-- began neither increases the backoff nor shortens the hold.
create or replace function hold_gateway(p_attempt uuid, p_reason text, p_retry_after_seconds int) returns void
language plpgsql as $$
begin
  update gateways g
  set hold_reason = p_reason,
    failures = g.failures + (g.held_until is null or g.held_until <= now())::int,
    held_until = case
      when p_retry_after_seconds is not null then greatest(
        g.held_until,
        now() + make_interval(secs => least(greatest(p_retry_after_seconds, 1), retry_after_cap_seconds())))
      when g.held_until > now() then g.held_until
      else now() + short_backoff(g.failures, gateway_hold_cap_seconds())
    end,
    updated_at = now()
  from job_attempts a
  where a.attempt_id = p_attempt and g.namespace = a.namespace and g.gateway = a.gateway;
end
$$;

-- Functions with fewer parameters, which an earlier version of this script made.
drop function if exists give_back(jobs, text, uuid, text, text);
drop function if exists hook_busy(text, uuid, text);

-- Queues a locked job whose run has not started again, after short_backoff up to undelivered_cap_seconds.
-- The attempt does not count. A job for which no run starts in p_tries hook calls is set aside; with p_alone
-- these are all calls since its last run, and it is set aside only when other jobs of the gateway were
-- admitted meanwhile. Otherwise only calls with the cause of this one are counted (refusal_cause).
-- When an earlier call of the attempt may have started a run, this failure does not prove that there is
-- none, so the outcome is unknown (hook_unknown).
create or replace function give_back(
  p_job jobs, p_dispatcher text, p_attempt uuid, p_error text, p_outcome text, p_tries int, p_alone boolean
) returns jsonb
language plpgsql as $$
declare
  v_first uuid;
  v_tries int;
begin
  if p_job.live_attempt is distinct from p_attempt or p_job.lease_owner is distinct from p_dispatcher then
    return hook_answer(p_job, false, p_outcome);
  end if;
  if exists (select from job_attempts where attempt_id = p_attempt and unknown_since is not null) then
    return hook_unknown(p_dispatcher, p_attempt, p_error);
  end if;
  if p_job.delivery_failures + 1 >= p_tries then
    select 1 + count(*) filter (where attempt_no < p_job.attempt_no
        and (p_alone or refusal_cause(error) = refusal_cause(p_error))),
      min(attempt_id::text)::uuid
    into v_tries, v_first
    from job_attempts
    where job_id = p_job.job_id and attempt_no >= p_job.attempt_no - p_job.delivery_failures;
    if v_tries >= p_tries and (not p_alone or others_admitted_since(p_job, v_first, null)) then
      p_job := set_aside(p_job, p_error, format(
        '%s hook calls have started no run of this job, the last one because: %s', v_tries, p_error));
      return hook_answer(p_job, true, p_outcome);
    end if;
  end if;
  p_job := finish_attempt(p_job, 'undelivered', 'queued', p_error => p_error, p_counts => false,
    p_run_after => now() + short_backoff(p_job.delivery_failures, undelivered_cap_seconds()));
  return hook_answer(p_job, true, p_outcome);
end
$$;

-- The gateway takes no calls at present (no connection, 408, 429, 502, 503), so the run has certainly not
-- started. The job is queued again and the gateway is held; p_retry_after_seconds is the Retry-After of the
-- gateway, or null.
create or replace function hook_undelivered(
  p_dispatcher text, p_attempt uuid, p_error text, p_retry_after_seconds int default null
) returns jsonb
language plpgsql as $$
declare
  v_job jobs := job_of_hook_call(p_attempt);
begin
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_dispatcher), p_error);
  perform hold_gateway(p_attempt, p_error, p_retry_after_seconds);
  return give_back(v_job, p_dispatcher, p_attempt, p_error, 'undelivered', undelivered_tries(), true);
end
$$;

-- The gateway had no free session or run for this job in time (p_status 409, or 503 for admission). The job
-- is queued again, and the gateway is not held, so that it goes on with other jobs.
-- A 409 is about the session of this job, so after busy_tries the job is set aside. A 503 is about the whole
-- gateway, so the job is set aside only when it alone finds no place.
create or replace function hook_busy(
  p_dispatcher text, p_attempt uuid, p_error text, p_status int default 409
) returns jsonb
language plpgsql as $$
declare
  v_job jobs := job_of_hook_call(p_attempt);
begin
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_dispatcher), p_error);
  return give_back(v_job, p_dispatcher, p_attempt, p_error, 'busy',
    case p_status when 409 then busy_tries() else undelivered_tries() end, p_status <> 409);
end
$$;

-- The run may or may not have started (timeout, lost connection). The attempt stays, and any dispatcher
-- repeats its call with the same key and bytes after short_backoff up to unknown_cap_seconds. That wait is
-- the lease, which belongs to no dispatcher and is never renewed.
-- The attempt times out when the job's timeout has passed since its start, or key_memory since the outcome
-- became unknown.
create or replace function hook_unknown(p_dispatcher text, p_attempt uuid, p_error text) returns jsonb
language plpgsql as $$
declare
  v_job jobs := job_of_hook_call(p_attempt);
  v_attempt job_attempts;
begin
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_dispatcher), p_error);
  if not holds_hook_call(v_job, p_dispatcher, p_attempt) then
    return hook_answer(v_job, false, 'unknown');
  end if;
  update job_attempts
  set unknown_since = coalesce(unknown_since, now()), error = p_error, updated_at = now()
  where attempt_id = p_attempt
  returning * into v_attempt;
  if v_attempt.started_at + make_interval(secs => v_job.timeout_seconds) <= now()
    or v_attempt.unknown_since <= now() - key_memory() then
    v_job := retry_or_die(v_job, 'timed_out', 'the gateway never confirmed the run: ' || p_error);
    return hook_answer(v_job, true, 'timed_out');
  end if;
  update jobs
  set lease_owner = null,
    leased_until = now() + short_backoff(v_attempt.deliveries - 1, unknown_cap_seconds()),
    last_error = p_error,
    updated_at = now()
  where job_id = v_job.job_id
  returning * into v_job;
  return hook_answer(v_job, true, 'unknown');
end
$$;

-- The gateway refuses the call and certainly starts no run (400, 401, 404, 405, 413, a redirect, a page). The
-- job is queued again and its attempt does not count; the lane of the agent stops, or the job is set aside
-- when it alone is refused (R__refusals.sql). The field told of the answer is the message for people, if
-- there is one. The refusal of an idle job ends its run and leaves the lane open for work, because work that
-- arrives finds the cause out by its own call.
-- A refusal from a dispatcher that no longer holds the attempt changes nothing: the new holder makes the
-- call itself, and the cause may have been removed by then.
create or replace function hook_refused(p_dispatcher text, p_attempt uuid, p_reason text) returns jsonb
language plpgsql as $$
declare
  v_job jobs := job_of_hook_call(p_attempt);
  v_idle boolean := is_idle(v_job.job_type);
  v_alone int := 0;
  v_told text;
  v_next_try timestamptz;
begin
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_dispatcher), p_reason);
  if not holds_hook_call(v_job, p_dispatcher, p_attempt) then
    return hook_answer(v_job, false, 'refused');
  end if;
  update job_attempts set refused_at = now() where attempt_id = p_attempt;
  if not v_idle then
    v_alone := refusals_alone(v_job);
    if v_alone = 0 then
      v_told := stop_lane(v_job, p_reason);
    end if;
  end if;
  if exists (select from job_attempts where attempt_id = p_attempt and unknown_since is not null) then
    -- As in give_back, an earlier call may have started a run.
    return hook_unknown(p_dispatcher, p_attempt, p_reason)
      || jsonb_strip_nulls(jsonb_build_object('told', v_told));
  end if;
  if v_alone >= refused_tries() then
    v_job := set_aside(v_job, p_reason, format(
      'the gateway refuses this job alone, other jobs of agent %s go through: %s',
      v_job.target_agent, p_reason));
    return hook_answer(v_job, true, 'refused');
  end if;
  select greatest(case when refusal_cause is not null then paused_until end, now()) into v_next_try
  from agents
  where namespace = v_job.namespace and agent_id = v_job.target_agent;
  v_job := finish_attempt(v_job, 'undelivered', 'queued', p_error => p_reason, p_counts => false,
    p_run_after => v_next_try + refused_job_delay());
  return hook_answer(v_job, true, 'refused') || jsonb_strip_nulls(jsonb_build_object('told', v_told));
end
$$;
