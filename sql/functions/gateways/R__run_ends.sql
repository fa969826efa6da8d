-- The reports of a gateway: it has started, a run is alive, a run has ended.
-- R__run_sessions.sql finds the attempt to which a report belongs.

drop function if exists wrong_agent(jsonb, jobs);

-- Returns the agent of a report that is not p_agent, the agent of the attempt; null when the report names no
-- other. A mapping with a mistyped agent makes OpenClaw run its default agent, which has other tools and
-- another workspace.
create or replace function wrong_agent(p_input jsonb, p_agent text) returns text language sql immutable as $$
  select agent
  from (values
    (1, lower(nullif(p_input ->> 'agentId', ''))),
    (2, (regexp_match(lower(p_input ->> 'sessionKey'), '^agent:([^:]+):'))[1])) ran (place, agent)
  where agent <> p_agent
  order by place
  limit 1
$$;

-- Handles the report that another agent runs a locked job. The attempt ends without counting, its run is
-- stopped at the gateway, and the lane stops until an operator resumes it or the gateway restarts; a further
-- try would give the work to the wrong agent again. When that agent has closed the job already, only the lane
-- stops. Returns the answer to the report.
create or replace function reject_wrong_agent(p_input jsonb, p_job jobs, p_attempt job_attempts, p_agent text)
returns jsonb language plpgsql as $$
declare
  v_live boolean := p_job.live_attempt is not distinct from p_attempt.attempt_id;
  v_reason text := format(
    'the gateway ran agent %1$s in place of agent %2$s: correct agentId in its mapping for %2$s, then run'
      ' resume-agent %2$s',
    p_agent, p_job.target_agent);
begin
  if p_attempt.run_ended_at is not null
    or p_job.delivery <> 'hook'
    or p_attempt.session_key is not distinct from lower(p_input ->> 'sessionKey')
      and p_attempt.error is not distinct from v_reason then
    return run_answer(false, 'over', v_reason, p_job, p_attempt);
  end if;
  if v_live then
    p_job := finish_attempt(p_job, 'failed', 'queued', p_error => v_reason, p_counts => false,
      p_run_after => now() + refused_job_delay());
    perform request_abort(p_attempt.attempt_id, v_reason, lower(p_input ->> 'sessionKey'));
  elsif p_attempt.status not in ('succeeded', 'blocked') then
    return run_answer(false, 'over', v_reason, p_job, p_attempt);
  end if;
  update job_attempts
  set session_key = lower(p_input ->> 'sessionKey'), error = v_reason, updated_at = now()
  where attempt_id = p_attempt.attempt_id;
  perform stop_lane_of_wrong_agent(p_job, p_agent, v_reason);
  return run_answer(true, 'failed', v_reason, p_job, p_attempt);
end
$$;

-- Finds the attempt of a report, sets the gateway as the actor, and locks the job of the attempt and the
-- jobs that may move when it ends. Returns job and attempt as they are under the lock. When there is no
-- such attempt, both are null and nothing is locked.
create or replace function reported_run(
  p_principal jsonb, p_input jsonb, p_began timestamptz, p_why text,
  out o_job jobs, out o_attempt job_attempts
) language plpgsql as $$
begin
  o_attempt := attempt_of_run(p_principal, p_input, p_began);
  if o_attempt.attempt_id is null then
    return;
  end if;
  perform act_as(p_principal, p_why);
  perform lock_for_end(array[o_attempt.job_id]);
  select * into o_job from jobs where job_id = o_attempt.job_id;
  select * into o_attempt from job_attempts where attempt_id = o_attempt.attempt_id;
end
$$;

-- Returns the answer to a report of a run: applied (whether the report changed anything), outcome, the
-- reason, and the job and attempt concerned.
create or replace function run_answer(
  p_applied boolean, p_outcome text, p_reason text, p_job jobs, p_attempt job_attempts
) returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'applied', p_applied,
    'outcome', p_outcome,
    'reason', p_reason,
    'jobId', (p_job).job_id,
    'state', (p_job).state,
    'attemptNo', (p_attempt).attempt_no))
$$;

-- Returns the answer to a report about no known attempt, such as a report of a person's session or of an
-- attempt in history.
create or replace function no_run_answer(p_principal jsonb, p_input jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_object('applied', false, 'outcome', 'ignored', 'reason', format(
    'no attempt on gateway %s has the session %s and had begun by then',
    p_principal ->> 'name', p_input ->> 'sessionKey'))
$$;

-- Notes that a run has reported again after a restart of its gateway.
create or replace function run_is_alive(p_attempt uuid) returns void language sql as $$
  update job_attempts
  set interrupted_at = null, updated_at = now()
  where attempt_id = p_attempt
    and interrupted_at is not null
$$;

-- Returns the time p_ms milliseconds before now; null for null.
create or replace function ms_ago(p_ms text) returns timestamptz language sql stable as $$
  select now() - make_interval(secs => p_ms::double precision / 1000)
$$;

create or replace function report_gateway_start(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_name text := p_principal ->> 'name';
  v_booted timestamptz := ms_ago(coalesce(p_input ->> 'uptimeMs', '0'));
  v_new boolean;
  v_runs int := 0;
begin
  perform require_principal(p_principal);
  perform act_as(p_principal, 'the gateway has started');
  -- Only one such report runs at a time. The lock is not the row of the gateway, because an admission locks
  -- its job first and that row second.
  perform pg_advisory_xact_lock(hashtextextended('agentbus.gateway.' || v_name, 0));
  select bool_or(boot_id is distinct from p_input ->> 'bootId') into v_new
  from gateways
  where gateway = v_name
    and namespace = coalesce(p_principal ->> 'namespace', namespace);
  if v_new is null then
    perform refuse(404, 'unknown_gateway', format('there is no gateway %s any more', v_name),
      'token', to_jsonb(v_name), 'a gateway in agentbus.gateways');
  end if;
  if v_new then
    v_runs := mark_runs_suspect(p_principal, v_booted);
  end if;
  update gateways
  set version = p_input ->> 'version',
    boot_id = p_input ->> 'bootId',
    booted_at = case when v_new then v_booted else booted_at end,
    updated_at = now()
  where gateway = v_name
    and namespace = coalesce(p_principal ->> 'namespace', namespace);
  if v_new then
    perform retry_lanes(namespace, gateway, true)
    from gateways
    where gateway = v_name
      and namespace = coalesce(p_principal ->> 'namespace', namespace);
    perform forget_runs_going_on(p_principal, v_booted);
  end if;
  return jsonb_build_object(
    'gateway', v_name,
    'newBoot', v_new,
    'runsInDoubt', v_runs,
    'recoverySeconds', extract(epoch from recovery_window())::int);
end
$$;
comment on function report_gateway_start(jsonb, jsonb) is
  'The operation reportGatewayStart: keeps the version and boot id of the gateway. After a new boot every run that was admitted before it is suspect: the run has died, or the gateway resumes it. Lanes that refusals of the gateway have stopped try again at once.';

-- Frees the places of runs that went on after their attempts when the gateway ended, because a run that has
-- died reports no end. A run that the gateway resumes reports its start again.
-- Locks attempts without their jobs, against the order of all other calls. So it waits for no lock, and no
-- call that waits may follow it. The lock on an attempt that it skips is that of a report of its run.
create or replace function forget_runs_going_on(p_principal jsonb, p_booted timestamptz) returns void
language sql as $$
  update job_attempts
  set run_started_at = null, updated_at = now()
  where attempt_id in (
    select a.attempt_id
    from runs_going_on() r
    join job_attempts a using (attempt_id)
    where r.gateway = p_principal ->> 'name'
      and r.namespace = coalesce(p_principal ->> 'namespace', r.namespace)
      and a.run_started_at < p_booted
    for no key update of a skip locked)
$$;

-- Gives live runs of the gateway the recovery window in which to report, if they were admitted or their
-- outcome became unknown before the boot. Returns how many; locks their jobs in the order of their ids.
create or replace function mark_runs_suspect(p_principal jsonb, p_booted timestamptz) returns int
language plpgsql as $$
declare
  v_job jobs;
  v_runs int := 0;
begin
  for v_job in
    select j.*
    from jobs j
    join job_attempts a on a.attempt_id = j.live_attempt
    where j.state in ('leased', 'running')
      and j.delivery = 'hook'
      and j.namespace = coalesce(p_principal ->> 'namespace', j.namespace)
      and a.gateway = p_principal ->> 'name'
      and (a.admitted_at < p_booted or a.unknown_since < p_booted)
    order by j.job_id
    for no key update of j
  loop
    update job_attempts
    set interrupted_at = now(), run_started_at = null, updated_at = now()
    where attempt_id = v_job.live_attempt;
    update jobs
    set leased_until = least(leased_until, now() + recovery_window()), updated_at = now()
    where job_id = v_job.job_id;
    perform append_event(v_job.namespace, 'job.gateway_restarted', v_job.target_agent, v_job.job_id,
      jsonb_build_object(
        'jobId', v_job.job_id,
        'attemptNo', v_job.attempt_no,
        'gateway', p_principal ->> 'name'));
    v_runs := v_runs + 1;
  end loop;
  return v_runs;
end
$$;

-- Gives a locked job its lease back after a restart of its gateway, never past the hard deadline. Returns
-- the job.
create or replace function restore_lease(p_job jobs) returns jobs language plpgsql as $$
declare
  v_lease interval := case
    when p_job.keeps_lease then renewal_lease()
    else make_interval(secs => p_job.timeout_seconds) end;
begin
  update jobs
  set leased_until = greatest(leased_until, least(hard_deadline, now() + v_lease)), updated_at = now()
  where job_id = p_job.job_id
  returning * into p_job;
  return p_job;
end
$$;

create or replace function report_run_start(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v record;
  v_job jobs;
  v_attempt job_attempts;
  v_other text;
begin
  select * into v from reported_run(p_principal, p_input, now(), 'the run is alive');
  v_job := v.o_job;
  v_attempt := v.o_attempt;
  if v_attempt.attempt_id is null then
    return no_run_answer(p_principal, p_input);
  end if;
  v_other := wrong_agent(p_input, agent_of_attempt(v_job, v_attempt));
  if v_other is not null then
    return reject_wrong_agent(p_input, v_job, v_attempt, v_other);
  end if;
  perform right_agent_runs(v_job);
  update job_attempts
  set run_started_at = now(), updated_at = now()
  where attempt_id = v_attempt.attempt_id
    and run_started_at is null
    and (run_ended_at is null or status = 'running');
  if v_job.live_attempt is distinct from v_attempt.attempt_id or v_job.state <> 'running' then
    -- Only the answer to the hook call confirms a leased job, because this may be an earlier run that the
    -- gateway resumes.
    return run_answer(false, 'ignored', format('attempt %s is %s', v_attempt.attempt_no, v_attempt.status),
      v_job, v_attempt)
      || case when v_job.live_attempt = v_attempt.attempt_id
        then watch_idle_tokens(v_job, p_input -> 'usage') else '{}' end;
  end if;
  if v_attempt.interrupted_at is not null then
    v_job := restore_lease(v_job);
  end if;
  update job_attempts
  set interrupted_at = null, run_ended_at = null, updated_at = now()
  where attempt_id = v_attempt.attempt_id
    and (interrupted_at is not null or run_ended_at is not null);
  return run_answer(found, 'alive', null, v_job, v_attempt) || watch_idle_tokens(v_job, p_input -> 'usage');
end
$$;
comment on function report_run_start(jsonb, jsonb) is
  'The operation reportRunStart: the run of the session is alive, and keeps its place in the lane until its end is reported. After a restart of the gateway the run gets its lease back, and a run that was reported as ended goes on. A run of another agent than the job''s ends the attempt and stops the lane. The answer about an idle run has tokenCap; a report with more tokens asks the run to close.';

-- Returns the answer to a report of a run's end that changes nothing; null when the report is to be
-- applied. Until the admission of the attempt is recorded, a report without durationMs can be about an
-- earlier run.
create or replace function run_end_ignored(p_input jsonb, p_job jobs, p_attempt job_attempts) returns jsonb
language sql stable as $$
  select case
    when (p_attempt).admitted_at is null and not p_input ? 'durationMs' then
      run_answer(false, 'ignored',
        'the attempt''s admission has not been noted, so that this may be an earlier run; say durationMs',
        p_job, p_attempt)
    when (p_attempt).run_ended_at is not null then
      run_answer(false, 'noted', 'it was said before', p_job, p_attempt) end
$$;

create or replace function report_run_end(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_began timestamptz := ms_ago(coalesce(p_input ->> 'durationMs', '0'));
  v record;
  v_job jobs;
  v_attempt job_attempts;
  v_other text;
  v_answer jsonb;
begin
  select * into v
  from reported_run(p_principal, p_input, v_began, 'the run has ended');
  v_job := v.o_job;
  v_attempt := v.o_attempt;
  if v_attempt.attempt_id is null then
    return no_run_answer(p_principal, p_input);
  end if;
  v_other := wrong_agent(p_input, agent_of_attempt(v_job, v_attempt));
  if v_other is not null and not p_input ? 'durationMs' then
    -- Without its length, the run may belong to an earlier attempt than the newest.
    return run_answer(false, 'ignored',
      'the report of another agent''s run needs durationMs', v_job, v_attempt);
  end if;
  if v_other is not null then
    v_answer := reject_wrong_agent(p_input, v_job, v_attempt, v_other);
    update job_attempts
    set run_ended_at = coalesce(run_ended_at, now())
    where attempt_id = v_attempt.attempt_id;
    return v_answer;
  end if;
  if v_job.live_attempt is distinct from v_attempt.attempt_id or v_job.delivery <> 'hook' then
    -- Usually the agent has closed its job and then ended its turn. Otherwise the report is about an
    -- earlier run.
    update job_attempts
    set run_ended_at = coalesce(run_ended_at, now()), usage = coalesce(usage, p_input -> 'usage')
    where attempt_id = v_attempt.attempt_id
      and (run_ended_at is null or usage is null);
    if v_attempt.run_started_at is not null and v_attempt.run_ended_at is null then
      -- The place of the run is free.
      perform pg_notify('jobs_ready', '');
    end if;
    return run_answer(false, 'over',
      format('attempt %s was over already: %s', v_attempt.attempt_no, v_attempt.status), v_job, v_attempt);
  end if;
  v_answer := run_end_ignored(p_input, v_job, v_attempt);
  if v_answer is not null then
    return v_answer;
  end if;
  update job_attempts
  set run_ended_at = now(), usage = coalesce(usage, p_input -> 'usage'), updated_at = now()
  where attempt_id = v_attempt.attempt_id;
  if (p_input ->> 'success')::boolean then
    perform pg_notify('jobs_ready', 'runs_ended');
    return run_answer(true, 'noted',
      format('unless the job is closed within %s s, the attempt has ended without closing',
        extract(epoch from run_end_grace())::int),
      v_job, v_attempt);
  end if;
  v_job := retry_or_die(v_job, 'failed',
    'the run ended with an error: ' || coalesce(nullif(p_input ->> 'error', ''), 'no reason given'));
  return run_answer(true, 'failed', null, v_job, v_attempt);
end
$$;
comment on function report_run_end(jsonb, jsonb) is
  'The operation reportRunEnd. A failed run ends its attempt at once, with the backoff of the job type. After a run that ended well, end_silent_runs ends the attempt unless a close comes within run_end_grace. A repeated report, or a report of an earlier run, changes nothing.';

-- Returns whether there are live attempts whose run has ended and which end_silent_runs may try.
create or replace function ended_runs_left() returns boolean language sql stable as $$
  select exists (
    select from job_attempts
    where run_ended_at is not null
      and status in ('leased', 'running')
      and sweep_may_try('run_end', job_id))
$$;

-- Ends the attempts whose run has ended and whose job was not closed within run_end_grace, at most p_limit
-- (null: run_ends_batch). Returns the jobs as job_row. Jobs that another call has locked are left to the
-- next call. A job that cannot be moved does not stop the others.
create or replace function end_silent_runs(p_limit int default null) returns setof jsonb
language plpgsql as $$
declare
  v_job jobs;
  v_ended jsonb;
begin
  for v_job in
    select j.*
    from job_attempts a
    join jobs j on j.job_id = a.job_id and j.live_attempt = a.attempt_id
    where a.run_ended_at <= now() - run_end_grace()
      and a.status in ('leased', 'running')
      and sweep_may_try('run_end', j.job_id)
    order by a.run_ended_at
    limit coalesce(p_limit, run_ends_batch())
    for no key update of j skip locked
  loop
    exit when sweep_time_is_up();
    -- Read again under the lock, because a report may have said meanwhile that the run is alive.
    continue when not exists (
      select from job_attempts
      where attempt_id = v_job.live_attempt
        and run_ended_at <= now() - run_end_grace());
    perform act_as('{"kind": "dispatcher", "name": "sweep"}', 'ended without closing');
    begin
      v_job := end_without_close(v_job);
      v_ended := job_row(v_job, hold_of(v_job));
      perform forget_sweep_failure('run_end', v_job.job_id);
      return next v_ended;
    exception when others then
      perform note_sweep_failure('run_end', v_job.job_id, v_job.namespace, sqlerrm);
    end;
  end loop;
end
$$;

-- Ends the live attempt of a locked job whose run is over without a close. The first time the job is
-- retried at once, with the reason in its prompt; from silent_ends_to_block times in a row on it is blocked
-- for the coordinator. Returns the job.
create or replace function end_without_close(p_job jobs) returns jobs language plpgsql as $$
declare
  v_error text := 'ended_without_closing: the run ended its turn and the job was still open. A final reply closes nothing; run one of the commands'
    ' of the prompt (complete, block or fail) and wait for its answer before the turn ends.';
begin
  update jobs
  set ended_without_closing = ended_without_closing + 1
  where job_id = p_job.job_id
  returning * into p_job;
  perform append_event(p_job.namespace, 'job.ended_without_closing', p_job.target_agent, p_job.job_id,
    jsonb_build_object(
      'jobId', p_job.job_id,
      'attemptNo', p_job.attempt_no,
      'targetAgent', p_job.target_agent,
      'subject', p_job.subject,
      'inARow', p_job.ended_without_closing));
  if p_job.ended_without_closing < silent_ends_to_block() then
    return retry_or_die(p_job, 'failed', v_error, interval '0');
  end if;
  return block_live_job(p_job, 'failed', v_error,
    format('%s runs in a row of agent %s ended without closing this job: it cannot reach the bus,'
      ' or does not use the commands of its prompt', p_job.ended_without_closing, p_job.target_agent));
end
$$;
