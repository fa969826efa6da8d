-- What became of a hook call. A 200 is admission, not success; no answer is not failure.

create or replace function delivered_job(p_attempt uuid) returns jobs language plpgsql as $$
declare
  v_job jobs;
  v_job_id uuid := (select job_id from job_attempts where attempt_id = p_attempt);
begin
  -- A delivery that is given up may be the job's end.
  perform lock_for_end(array[v_job_id]);
  select * into v_job from jobs where job_id = v_job_id;
  return v_job;
end
$$;
comment on function delivered_job(uuid) is 'The job of an attempt, locked for an end.';

create or replace function delivery_answer(p_job jobs, p_applied boolean, p_outcome text) returns jsonb language sql stable as $$
  select jsonb_build_object('applied', p_applied, 'outcome', p_outcome, 'job', job_brief(p_job),
    'waitedMs', round(extract(epoch from clock_timestamp() - greatest((p_job).run_after, (p_job).created_at)) * 1000))
$$;
comment on function delivery_answer(jobs, boolean, text) is
  'What a delivery function answers: whether it changed the job, the outcome, the job''s brief, and the milliseconds since the job was due.';

create or replace function hook_admitted(p_dispatcher text, p_attempt uuid, p_run_id text, p_session_key text) returns jsonb
language plpgsql as $$
declare
  v_job_id uuid := (select job_id from job_attempts where attempt_id = p_attempt);
  v_job jobs;
  v_live boolean;
  v_status text;
begin
  -- Not delivered_job: an admission ends nothing, and hooks_admitted holds other jobs when it calls this.
  perform lock_jobs(array[v_job_id]);
  select * into v_job from jobs where job_id = v_job_id;
  v_live := v_job.live_attempt is not distinct from p_attempt;
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_dispatcher), 'admitted by the gateway');
  update job_attempts
  set run_id = p_run_id, session_key = p_session_key, admitted_at = coalesce(admitted_at, now()), unknown_since = null,
    interrupted_at = null, updated_at = now()
  where attempt_id = p_attempt
  returning status into v_status;
  update gateways g set failures = 0, held_until = null, hold_reason = null, updated_at = now()
  from job_attempts a
  where a.attempt_id = p_attempt and g.namespace = a.namespace and g.gateway = a.gateway and g.failures > 0;
  if v_live then
    update jobs set run_id = p_run_id, session_key = p_session_key, delivery_failures = 0, updated_at = now()
    where job_id = v_job.job_id
    returning * into v_job;
    if v_job.state = 'leased' then
      v_job := begin_running(v_job);
    end if;
  elsif v_status in ('cancelled', 'timed_out') then
    perform request_abort(p_attempt, 'admitted after its attempt had ended: ' || v_status);
  end if;
  return delivery_answer(v_job, v_live, 'admitted');
end
$$;
comment on function hook_admitted(text, uuid, text, text) is
  'The gateway has admitted the run: the job is running and its agent holds the lease. An agent may have closed already; then only the run''s id is kept. A run whose attempt was cancelled or timed out meanwhile is to be stopped.';

create or replace function hold_gateway(p_attempt uuid, p_reason text, p_retry_after_seconds int) returns void language plpgsql as $$
begin
  -- One to thirty seconds, doubling: long enough not to hammer a gateway that boots (7 to 14 s, measured on OpenClaw
  -- 2026.9.6), short enough that work flows again soon after.
  update gateways g
  set hold_reason = p_reason, updated_at = now(),
    -- Calls that were under way when the hold began say nothing new: they neither lengthen the doubling nor shorten the hold.
    failures = g.failures + (g.held_until is null or g.held_until <= now())::int,
    held_until = case
      when p_retry_after_seconds is not null
        then greatest(g.held_until, now() + make_interval(secs => least(greatest(p_retry_after_seconds, 1), retry_after_cap_seconds())))
      when g.held_until > now() then g.held_until
      else now() + short_backoff(g.failures, gateway_hold_cap_seconds())
    end
  from job_attempts a
  where a.attempt_id = p_attempt and g.namespace = a.namespace and g.gateway = a.gateway;
end
$$;
comment on function hold_gateway(uuid, text, int) is
  'Holds the gateway of an attempt: for Retry-After (1 to 300 s) when it gave one, else 1 to 30 s, doubling with each failure in a row.';

create or replace function give_back(p_job jobs, p_dispatcher text, p_attempt uuid, p_error text, p_outcome text) returns jsonb
language plpgsql as $$
begin
  if p_job.live_attempt is distinct from p_attempt or p_job.lease_owner is distinct from p_dispatcher then
    return delivery_answer(p_job, false, p_outcome);
  end if;
  if exists (select from job_attempts where attempt_id = p_attempt and unknown_since is not null) then
    -- An earlier call of this attempt may have started a run: this one's refusal does not prove that none works.
    return hook_unknown(p_dispatcher, p_attempt, p_error);
  end if;
  p_job := end_attempt(p_job, 'undelivered', 'queued', p_error => p_error, p_counts => false,
    p_run_after => now() + short_backoff(p_job.delivery_failures, undelivered_cap_seconds()));
  return delivery_answer(p_job, true, p_outcome);
end
$$;
comment on function give_back(jobs, text, uuid, text, text) is
  'Queues a locked job whose run has not started again, after 1 to 60 s, doubling with each such failure in a row; no attempt is used up.';

create or replace function hook_undelivered(p_dispatcher text, p_attempt uuid, p_error text, p_retry_after_seconds int default null)
returns jsonb language plpgsql as $$
declare
  v_job jobs := delivered_job(p_attempt);
begin
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_dispatcher), p_error);
  perform hold_gateway(p_attempt, p_error, p_retry_after_seconds);
  return give_back(v_job, p_dispatcher, p_attempt, p_error, 'undelivered');
end
$$;
comment on function hook_undelivered(text, uuid, text, int) is
  'The gateway takes nothing just now (no connection, 408, 429, 502, 503): the run has certainly not started, the job is queued again, and the gateway is held.';

create or replace function hook_busy(p_dispatcher text, p_attempt uuid, p_error text) returns jsonb language plpgsql as $$
declare
  v_job jobs := delivered_job(p_attempt);
begin
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_dispatcher), p_error);
  return give_back(v_job, p_dispatcher, p_attempt, p_error, 'busy');
end
$$;
comment on function hook_busy(text, uuid, text) is
  'This job''s session, or a place to run, was not free in time (409, or 503 for admission): the job is queued again, and the gateway goes on with the others.';

create or replace function hook_unknown(p_dispatcher text, p_attempt uuid, p_error text) returns jsonb language plpgsql as $$
declare
  v_job jobs := delivered_job(p_attempt);
  v_attempt job_attempts;
begin
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_dispatcher), p_error);
  if v_job.live_attempt is distinct from p_attempt or v_job.state <> 'leased' or v_job.lease_owner is distinct from p_dispatcher then
    return delivery_answer(v_job, false, 'unknown');
  end if;
  update job_attempts set unknown_since = coalesce(unknown_since, now()), error = p_error, updated_at = now()
  where attempt_id = p_attempt
  returning * into v_attempt;
  if v_attempt.started_at + make_interval(secs => v_job.timeout_seconds) <= now()
    or v_attempt.unknown_since <= now() - key_memory() then
    return delivery_answer(retry_or_die(v_job, 'timed_out', 'the gateway never confirmed the run: ' || p_error), true, 'timed_out');
  end if;
  -- Whoever claims next repeats the call with the same key and bytes. Nobody renews this lease: it ends when the wait does.
  update jobs
  set lease_owner = null, updated_at = now(), last_error = p_error,
    leased_until = now() + short_backoff(v_attempt.deliveries - 1, unknown_cap_seconds())
  where job_id = v_job.job_id
  returning * into v_job;
  return delivery_answer(v_job, true, 'unknown');
end
$$;
comment on function hook_unknown(text, uuid, text) is
  'The run may or may not have started (timeout, lost connection): the attempt stays, and its call is repeated by whichever dispatcher after 1 to 30 s. Past the job''s timeout, or past the gateway''s memory for keys, without a word the attempt has timed out.';

create or replace function hook_refused(p_dispatcher text, p_attempt uuid, p_reason text) returns jsonb language plpgsql as $$
declare
  v_job jobs := delivered_job(p_attempt);
begin
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_dispatcher), p_reason);
  if v_job.live_attempt is distinct from p_attempt or v_job.state <> 'leased' or v_job.lease_owner is distinct from p_dispatcher then
    -- Old news: whoever has the attempt now finds out by itself, and somebody may have mended the cause.
    return delivery_answer(v_job, false, 'refused');
  end if;
  if not exists (
    select from agents a
    where a.namespace = v_job.namespace and a.agent_id = v_job.target_agent and lane_paused(a)) then
    perform pause_lane(v_job.namespace, v_job.target_agent, 'dispatcher', p_reason, null);
  end if;
  if exists (select from job_attempts where attempt_id = p_attempt and unknown_since is not null) then
    -- As in hook_undelivered: an earlier call may have started a run.
    return hook_unknown(p_dispatcher, p_attempt, p_reason);
  end if;
  v_job := end_attempt(v_job, 'undelivered', 'queued', p_error => p_reason, p_counts => false);
  return delivery_answer(v_job, true, 'refused');
end
$$;
comment on function hook_refused(text, uuid, text) is
  'The gateway will not take this call however often it is repeated (400, 401, 404, 405, 413): the agent''s lane stops with the reason until somebody resumes it, the job is queued again and no attempt is used up.';
