-- What a gateway reports of the runs in it: that it has started itself, that a run is alive, that a run has ended.
--
-- A run is known by its session's key, agent:<agent>:job:<job id>, or <session> for a standing order's own session in the
-- direct form. The gateway lower-cases keys (measured on OpenClaw 2026.9.6).

create or replace function session_key_of(p_job jobs, p_form text) returns text language sql immutable as $$
  select 'agent:' || (p_job).target_agent || ':job:'
    || lower(case when p_form = 'direct' then coalesce((p_job).session, (p_job).job_id::text) else (p_job).job_id::text end)
$$;
comment on function session_key_of(jobs, text) is
  'The key of the session in which a gateway of the given form runs the job. Worked out, never read from what an agent said of itself.';

create or replace function attempt_of_run(p_principal jsonb, p_input jsonb, p_began timestamptz) returns job_attempts
language plpgsql stable as $$
declare
  v_key text[] := regexp_match(lower(p_input ->> 'sessionKey'), '^(?:agent:([^:]+):)?job:(.+)$');
  v_agent text := coalesce(v_key[1], p_input ->> 'agentId');
  v_job uuid := case when v_key[2] ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then v_key[2]::uuid end;
  v_attempt job_attempts;
begin
  select a.* into v_attempt
  from (
    select job_id, namespace from jobs where job_id = v_job and target_agent = v_agent
    union all
    -- The runs of a session come one after another: the newest few jobs are enough.
    select job_id, namespace from (
      select job_id, namespace from jobs
      where v_job is null and target_agent = v_agent and session is not null and lower(session) = v_key[2]
      order by seq desc limit session_jobs_searched()) s
  ) j join job_attempts a using (job_id)
  where a.gateway = p_principal ->> 'name'
    and (p_principal ->> 'namespace' is null or j.namespace = p_principal ->> 'namespace')
    and a.created_at <= p_began
  order by a.created_at desc
  limit 1;
  return v_attempt;
end
$$;
comment on function attempt_of_run(jsonb, jsonb, timestamptz) is
  'The newest attempt on the calling gateway with the session key of the report that had begun at the given time; all null when there is none.';

create or replace function run_answer(p_applied boolean, p_outcome text, p_reason text, p_job jobs, p_attempt job_attempts)
returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object('applied', p_applied, 'outcome', p_outcome, 'reason', p_reason,
    'jobId', (p_job).job_id, 'state', (p_job).state, 'attemptNo', (p_attempt).attempt_no))
$$;
comment on function run_answer(boolean, text, text, jobs, job_attempts) is
  'What a report of a run is answered with: whether it changed anything, what it was taken for, and why it changed nothing.';

create or replace function no_run_of(p_principal jsonb, p_input jsonb) returns jsonb language sql stable as $$
  select jsonb_build_object('applied', false, 'outcome', 'ignored', 'reason', format(
    'no attempt on gateway %s has the session %s and had begun by then', p_principal ->> 'name', p_input ->> 'sessionKey'))
$$;
comment on function no_run_of(jsonb, jsonb) is 'The answer to a report that is about no attempt: a session of somebody''s own, or one long gone.';

create or replace function lock_run(p_attempt job_attempts, out o_job jobs, out o_attempt job_attempts) language plpgsql as $$
begin
  -- Its end may move others.
  perform lock_for_end(array[p_attempt.job_id]);
  select * into o_job from jobs where job_id = p_attempt.job_id;
  select * into o_attempt from job_attempts where attempt_id = p_attempt.attempt_id;
end
$$;
comment on function lock_run(job_attempts) is 'Locks the attempt''s job for an end and fetches both as they are then.';

create or replace function run_is_alive(p_attempt uuid) returns void language sql as $$
  update job_attempts set interrupted_at = null, updated_at = now() where attempt_id = p_attempt and interrupted_at is not null
$$;
comment on function run_is_alive(uuid) is 'The run of an attempt has been heard of again after a restart of its gateway.';

create or replace function report_gateway_start(p_principal jsonb, p_input jsonb) returns jsonb language plpgsql as $$
declare
  v_name text := p_principal ->> 'name';
  v_booted timestamptz := now() - make_interval(secs => coalesce((p_input ->> 'uptimeMs')::double precision, 0) / 1000);
  v_new boolean;
  v_runs int := 0;
begin
  perform act_as(p_principal, 'the gateway has started');
  -- One such report at a time. Not by the gateway's row: an admission locks its job first and that row after it.
  perform pg_advisory_xact_lock(hashtextextended('agentbus.gateway.' || v_name, 0));
  select bool_or(boot_id is distinct from p_input ->> 'bootId') into v_new
  from gateways
  where gateway = v_name and (p_principal ->> 'namespace' is null or namespace = p_principal ->> 'namespace');
  if v_new is null then
    perform refuse(404, 'unknown_gateway', format('there is no gateway %s any more', v_name), 'token', to_jsonb(v_name), 'a gateway in agentbus.gateways');
  end if;
  if v_new then
    v_runs := doubt_runs(p_principal, v_booted);
  end if;
  update gateways
  set version = p_input ->> 'version', boot_id = p_input ->> 'bootId', booted_at = case when v_new then v_booted else booted_at end, updated_at = now()
  where gateway = v_name and (p_principal ->> 'namespace' is null or namespace = p_principal ->> 'namespace');
  return jsonb_build_object('gateway', v_name, 'newBoot', v_new, 'runsInDoubt', v_runs,
    'recoverySeconds', extract(epoch from recovery_window())::int);
end
$$;
comment on function report_gateway_start(jsonb, jsonb) is
  'The operation reportGatewayStart: keeps version and boot. A new boot puts every run in doubt that was admitted before it: it has died, or the gateway resumes it.';

create or replace function doubt_runs(p_principal jsonb, p_booted timestamptz) returns int language plpgsql as $$
declare
  v_job jobs;
  v_runs int := 0;
begin
  for v_job in
    select j.* from jobs j join job_attempts a on a.attempt_id = j.live_attempt
    where j.state in ('leased', 'running') and j.delivery = 'hook' and a.gateway = p_principal ->> 'name'
      and (p_principal ->> 'namespace' is null or j.namespace = p_principal ->> 'namespace')
      and (a.admitted_at < p_booted or a.unknown_since < p_booted)
    order by j.job_id
    for no key update of j
  loop
    update job_attempts set interrupted_at = now(), updated_at = now() where attempt_id = v_job.live_attempt;
    update jobs set leased_until = least(leased_until, now() + recovery_window()), updated_at = now() where job_id = v_job.job_id;
    perform append_event(v_job.namespace, 'job.gateway_restarted', v_job.target_agent, v_job.job_id,
      jsonb_build_object('jobId', v_job.job_id, 'attemptNo', v_job.attempt_no, 'gateway', p_principal ->> 'name'));
    v_runs := v_runs + 1;
  end loop;
  return v_runs;
end
$$;
comment on function doubt_runs(jsonb, timestamptz) is
  'Gives each live run of the gateway that was admitted before the given time, or whose outcome is unknown since before it, the recovery window to speak; returns how many.';

create or replace function report_run_start(p_principal jsonb, p_input jsonb) returns jsonb language plpgsql as $$
declare
  v record;
  v_attempt job_attempts := attempt_of_run(p_principal, p_input, now());
  v_job jobs;
begin
  if v_attempt.attempt_id is null then
    return no_run_of(p_principal, p_input);
  end if;
  perform act_as(p_principal, 'the run is alive');
  select * into v from lock_run(v_attempt);
  v_job := v.o_job;
  v_attempt := v.o_attempt;
  if v_job.live_attempt is distinct from v_attempt.attempt_id or v_job.state <> 'running' then
    -- A leased one is for its hook call to confirm: what starts just now may be an earlier run that the gateway resumes.
    return run_answer(false, 'ignored', format('attempt %s is %s', v_attempt.attempt_no, v_attempt.status), v_job, v_attempt);
  end if;
  if v_attempt.interrupted_at is not null then
    update jobs
    set leased_until = greatest(leased_until, least(hard_deadline,
        now() + case when keeps_lease then renewal_lease() else make_interval(secs => timeout_seconds) end)), updated_at = now()
    where job_id = v_job.job_id
    returning * into v_job;
  end if;
  update job_attempts set interrupted_at = null, run_ended_at = null, updated_at = now()
  where attempt_id = v_attempt.attempt_id and (interrupted_at is not null or run_ended_at is not null);
  return run_answer(found, 'alive', null, v_job, v_attempt);
end
$$;
comment on function report_run_start(jsonb, jsonb) is
  'The operation reportRunStart: the run of the session is alive. After a restart of its gateway it gets its lease back; one that was said to have ended goes on.';

create or replace function report_run_end(p_principal jsonb, p_input jsonb) returns jsonb language plpgsql as $$
declare
  v record;
  v_began timestamptz := now() - make_interval(secs => coalesce((p_input ->> 'durationMs')::double precision, 0) / 1000);
  v_attempt job_attempts := attempt_of_run(p_principal, p_input, v_began);
  v_job jobs;
  v_error text := coalesce(nullif(p_input ->> 'error', ''), 'no reason given');
begin
  if v_attempt.attempt_id is null then
    return no_run_of(p_principal, p_input);
  end if;
  perform act_as(p_principal, 'the run has ended');
  select * into v from lock_run(v_attempt);
  v_job := v.o_job;
  v_attempt := v.o_attempt;
  if v_job.live_attempt is distinct from v_attempt.attempt_id or v_job.delivery <> 'hook' then
    -- The usual end: it has closed its job, and then its turn. Or the report is of an earlier run than the live one.
    update job_attempts set run_ended_at = coalesce(run_ended_at, now()), usage = coalesce(usage, p_input -> 'usage')
    where attempt_id = v_attempt.attempt_id and (run_ended_at is null or usage is null);
    return run_answer(false, 'over', format('attempt %s was over already: %s', v_attempt.attempt_no, v_attempt.status), v_job, v_attempt);
  end if;
  if v_attempt.admitted_at is null and not p_input ? 'durationMs' then
    return run_answer(false, 'ignored', 'the attempt''s admission has not been noted, so that this may be an earlier run; say durationMs', v_job, v_attempt);
  end if;
  if v_attempt.run_ended_at is not null then
    return run_answer(false, 'noted', 'it was said before', v_job, v_attempt);
  end if;
  update job_attempts set run_ended_at = now(), usage = coalesce(usage, p_input -> 'usage'), updated_at = now()
  where attempt_id = v_attempt.attempt_id;
  if (p_input ->> 'success')::boolean then
    perform pg_notify('jobs_ready', 'runs_ended');
    return run_answer(true, 'noted', format('unless the job is closed within %s s, the attempt has ended without closing',
      extract(epoch from run_end_grace())::int), v_job, v_attempt);
  end if;
  v_job := retry_or_die(v_job, 'failed', 'the run ended with an error: ' || v_error);
  return run_answer(true, 'failed', null, v_job, v_attempt);
end
$$;
comment on function report_run_end(jsonb, jsonb) is
  'The operation reportRunEnd. A run that failed ends its attempt at once, with the job type''s backoff. One that ended well is noted: end_silent_runs ends its attempt when no close comes within run_end_grace. A report of an earlier run than the live attempt''s, or one said before, changes nothing.';

create or replace function ended_runs_left() returns boolean language sql stable as $$
  select exists (select from job_attempts where run_ended_at is not null and status in ('leased', 'running'))
$$;
comment on function ended_runs_left() is 'Whether there are runs that have ended and whose attempt has not.';

create or replace function end_silent_runs(p_limit int default null) returns setof jsonb language plpgsql as $$
declare
  v_job jobs;
begin
  for v_job in
    select j.* from job_attempts a join jobs j on j.live_attempt = a.attempt_id
    where a.run_ended_at <= now() - run_end_grace() and a.status in ('leased', 'running')
    order by a.run_ended_at
    limit coalesce(p_limit, run_ends_batch())
    for no key update of j skip locked
  loop
    continue when not try_lock_dependents(v_job.job_id);
    -- Read again under the lock: the run may have been heard of since.
    continue when not exists (select from job_attempts
      where attempt_id = v_job.live_attempt and run_ended_at <= now() - run_end_grace());
    perform act_as('{"kind": "dispatcher", "name": "sweep"}', 'ended without closing');
    return next job_json(end_without_close(v_job));
  end loop;
end
$$;
comment on function end_silent_runs(int) is
  'Ends every attempt whose run has ended and whose job was not closed within run_end_grace; returns the jobs.';

create or replace function end_without_close(p_job jobs) returns jobs language plpgsql as $$
declare
  v_error text := 'ended_without_closing: the run ended its turn and the job was still open. A final reply closes nothing; run one of the commands'
    ' of the prompt (complete, block or fail) and wait for its answer before the turn ends.';
begin
  update jobs set ended_without_closing = ended_without_closing + 1 where job_id = p_job.job_id returning * into p_job;
  perform append_event(p_job.namespace, 'job.ended_without_closing', p_job.target_agent, p_job.job_id,
    jsonb_build_object('jobId', p_job.job_id, 'attemptNo', p_job.attempt_no, 'targetAgent', p_job.target_agent,
      'subject', p_job.subject, 'inARow', p_job.ended_without_closing));
  if p_job.ended_without_closing < silent_ends_to_block() then
    return retry_or_die(p_job, 'failed', v_error, interval '0');
  end if;
  return block_live_job(p_job, 'failed', v_error, format('%s runs in a row of agent %s ended without closing this job: it cannot'
    ' reach the bus, or does not use the commands of its prompt', p_job.ended_without_closing, p_job.target_agent));
end
$$;
comment on function end_without_close(jobs) is
  'Ends the live attempt of a locked job whose run is over: at once again the first time, with the reason in the prompt; blocked for the coordinator the second time in a row.';
