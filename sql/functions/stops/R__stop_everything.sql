-- The operation stop-everything, and the sweep that carries stops, drains and ends of pauses on.
--
-- A stop needs the database only. Its transaction takes the lock of the claims, writes the pause, and ends
-- the live attempts, so that no claim comes between. The answer waits for no other call and for no more than
-- stop_batch attempts; the sweep ends the others.

-- Ends the live attempts of a namespace with p_why and queues their jobs, or cancels idle jobs; stop_batch at
-- most, and those with a hook first. The attempts do not count against max_attempts, and their runs are
-- aborted. Late calls of these attempts get the problem stale_attempt. Returns the ended attempts; jobs that
-- another call has locked are skipped.
create or replace function end_live_attempts(p_namespace text, p_why text) returns uuid[]
language plpgsql
-- Compiling the statements costs more than they do.
set jit = off as $$
declare
  v_jobs uuid[];
  v_attempts uuid[];
begin
  select array_agg(job_id), array_agg(live_attempt) into v_jobs, v_attempts
  from (
    select job_id, live_attempt
    from jobs
    where namespace = p_namespace and state in ('leased', 'running')
    order by delivery, leased_until
    limit stop_batch()
    for no key update skip locked) live;
  if v_jobs is null then
    return '{}';
  end if;
  perform ask_idle_to_stop(p_namespace, null, null, p_why);
  update job_attempts
  set status = 'cancelled', error = p_why, finished_at = now(), updated_at = now()
  where attempt_id = any (v_attempts);
  update jobs
  set state = case when is_idle(job_type) then 'cancelled' else 'queued' end,
    ended_at = case when is_idle(job_type) then now() end,
    attempt_count = attempt_count - 1,
    delivery_failures = 0,
    last_error = p_why,
    updated_at = now()
  where job_id = any (v_jobs);
  perform request_abort(a.attempt_id, p_why)
  from job_attempts a
  join jobs j using (job_id)
  where a.attempt_id = any (v_attempts) and j.delivery = 'hook';
  perform release_dependents(j)
  from jobs j
  where job_id = any (v_jobs) and is_idle(job_type);
  return v_attempts;
end
$$;

-- Returns the runs that may still be at work after a stop, newest first and at most stopped_runs_shown: the
-- attempts p_ended, the live attempts that are not ended yet, those whose run is still being aborted, and
-- those whose run goes on.
create or replace function runs_at_work(p_namespace text, p_ended uuid[]) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'jobId', job_id,
    'targetAgent', target_agent,
    'subject', subject,
    'attemptNo', attempt_no,
    'gateway', case delivery when 'hook' then gateway end,
    'delivery', delivery,
    'since', started_at)) order by started_at desc, job_id), '[]')
  from (
    select j.job_id, j.target_agent, j.subject, j.delivery, a.attempt_no, a.gateway, a.started_at
    from job_attempts a
    join jobs j using (job_id)
    where a.attempt_id in (
      select unnest(p_ended)
      union all
      select live_attempt from jobs where namespace = p_namespace and state in ('leased', 'running')
      union all
      select attempt_id from run_aborts where namespace = p_namespace and done_at is null
      union all
      select attempt_id from runs_going_on() where namespace = p_namespace)
    order by a.started_at desc, j.job_id
    limit stopped_runs_shown()) r
$$;

create or replace function stop_everything(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_reason text := p_input ->> 'reason';
  v_pause pauses;
  v_changed boolean;
  v_ended uuid[];
begin
  perform act_as(p_principal, v_reason);
  perform lock_claims();
  v_pause := locked_pause(v_namespace, 'everything', null, false);
  v_changed := v_pause.mode is distinct from 'stop';
  if v_changed then
    v_pause := write_pause(v_namespace, 'everything', null, 'stop', v_reason, null);
  end if;
  v_ended := end_live_attempts(v_namespace, stop_text(v_pause));
  return pause_json(v_pause) || jsonb_build_object(
    'running', runs_at_work(v_namespace, v_ended),
    'ended', cardinality(v_ended),
    'left', (
      select count(*) from jobs where namespace = v_namespace and state in ('leased', 'running')),
    'aborting', (
      select count(*) from run_aborts where namespace = v_namespace and done_at is null),
    'changed', v_changed);
end
$$;
comment on function stop_everything(jsonb, jsonb) is
  'The operation stopEverything: nothing is claimed until somebody resumes everything, every live attempt ends without counting, and the gateways are asked to abort the runs. Takes reason; returns the pause with running (runs that may still be at work), ended, left (attempts that another call had locked or beyond stop_batch, which the sweep ends within seconds), aborting and changed. A repeated call keeps the first reason.';

-- Ends pauses whose time is over and the live attempts that a stop has left, and reports drains whose last
-- run is over. Rows that another call has locked are left to the next sweep, and so are the attempts of a
-- stop beyond stop_batch, so that a resume does not wait longer than for one batch of its namespace. A pause
-- that cannot be handled does not stop the others. While there are no pauses it reads a few pages.
create or replace function sweep_pauses() returns void
language plpgsql as $$
declare
  v_sweep jsonb := '{"kind": "dispatcher", "name": "sweep"}';
  v_pause pauses;
begin
  for v_pause in
    select *
    from pauses p
    where ended_at is null
      and sweep_may_try('pause', pause_id)
      and case
        when not pause_in_force(p) then true
        when kind = 'agent' and mode <> 'freeze' and not lane_is_paused_by_a_person(namespace, name) then true
        when mode = 'stop' then exists (
          select from jobs j where j.namespace = p.namespace and j.state in ('leased', 'running'))
        when mode = 'drain' and drained_at is null then paused_running(namespace, kind, name) = 0
        else false end
    order by pause_id
    for no key update skip locked
  loop
    exit when sweep_time_is_up();
    begin
      if not pause_in_force(v_pause) then
        perform act_as(v_sweep, pause_over_text(v_pause));
        perform end_pause(v_pause, pause_over_text(v_pause));
      elsif v_pause.kind = 'agent' and not lane_is_paused_by_a_person(v_pause.namespace, v_pause.name) then
        perform act_as(v_sweep, 'the lane was opened by hand');
        perform end_pause(v_pause, 'the lane was opened by hand');
      elsif v_pause.mode = 'stop' then
        perform act_as(v_sweep, stop_text(v_pause));
        perform end_live_attempts(v_pause.namespace, stop_text(v_pause));
      elsif v_pause.mode = 'drain' then
        perform act_as(v_sweep, 'nothing runs any more');
        perform note_drained(v_pause);
      end if;
      perform forget_sweep_failure('pause', v_pause.pause_id);
    exception when others then
      perform note_sweep_failure('pause', v_pause.pause_id, v_pause.namespace, sqlerrm);
    end;
  end loop;
end
$$;
