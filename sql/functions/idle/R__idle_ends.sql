-- The ends of idle runs. A run that is asked to close has idle_grace for it; then the sweep ends it. What it
-- has written stays. No idle job is tried again, and none becomes a dead letter by itself.

-- Asks the idle runs of an agent (null: of any), whose gateway is p_gateway (null: any), to close because of
-- p_reason, also those that have not begun. A run that was asked before keeps the first reason.
-- Claims call this function under lock_claims, so it waits for no row. A run that another call has locked is
-- left to ask_missed_idle_runs.
create or replace function ask_idle_to_stop(
  p_namespace text, p_agent text, p_gateway text, p_reason text
) returns void language sql as $$
  update idle_runs
  set stop_asked_at = now(), stop_reason = p_reason, updated_at = now()
  where idle_run_id in (
    select i.idle_run_id
    from jobs j
    join idle_runs i using (job_id)
    join agents a on a.namespace = j.namespace and a.agent_id = j.target_agent
    left join job_attempts t on t.attempt_id = j.live_attempt
    where is_idle(j.job_type)
      and j.state in ('queued', 'leased', 'running')
      and j.namespace = p_namespace
      and (p_agent is null or j.target_agent = p_agent)
      and (p_gateway is null or coalesce(t.gateway, a.gateway) = p_gateway)
      and i.stop_asked_at is null
      and (j.state = 'queued' or i.ended_at is null)
    for no key update of i skip locked)
$$;

-- Asks the idle runs at work to close that should have been asked before and were locked then: work of their
-- agent is at work beside them, or a pause or their phase stops them.
create or replace function ask_missed_idle_runs() returns void
language plpgsql as $$
declare
  v_run record;
begin
  for v_run in
    select j.namespace, j.target_agent,
      coalesce((
        select work_arrived_text(w)
        from jobs w
        where w.namespace = j.namespace
          and w.target_agent = j.target_agent
          and w.state in ('leased', 'running')
          and not is_idle(w.job_type)
        limit 1), (
        select stop_text(p)
        from pause_over(j.namespace, t.gateway, 'idle') p
        where p.pause_id is not null), (
        select stop_text(p)
        from pauses p
        where p.namespace = j.namespace
          and p.kind = 'agent'
          and p.name = j.target_agent
          and p.mode <> 'freeze'
          and pause_in_force(p)
        limit 1),
        phase_off_text(j.namespace, 5)) as why
    from jobs j
    join idle_runs i using (job_id)
    join job_attempts t on t.attempt_id = j.live_attempt
    where is_idle(j.job_type)
      and j.state in ('leased', 'running')
      and i.stop_asked_at is null
      and i.ended_at is null
  loop
    if v_run.why is not null then
      perform ask_idle_to_stop(v_run.namespace, v_run.target_agent, null, v_run.why);
    end if;
  end loop;
end
$$;

-- Keeps what the live attempt of a locked idle job has spent so far (p_usage, from its gateway; null: not
-- reported), and asks the run to close when all its attempts together are over idle_token_cap. A run that has
-- ended is settled by settle_idle_runs. Returns tokenCap, how many tokens the live attempt may spend; {} for
-- every other job.
create or replace function watch_idle_tokens(p_job jobs, p_usage jsonb) returns jsonb
language plpgsql as $$
declare
  v_run idle_runs;
  v_before record;
  v_cap bigint;
  v_tokens bigint;
begin
  if not is_idle(p_job.job_type) then
    return '{}';
  end if;
  select * into v_run from idle_runs where job_id = p_job.job_id and ended_at is null for no key update;
  if not found then
    return '{}';
  end if;
  select * into v_before from spent_by_job(p_job.job_id);
  v_cap := idle_token_cap(v_run);
  v_tokens := round(usage_number(p_usage, 'total'))::bigint + coalesce(v_before.o_tokens, 0);
  if v_tokens is not null then
    update idle_runs
    set tokens = v_tokens,
      cost_usd = coalesce(usage_number(p_usage, 'costUsd') + coalesce(v_before.o_cost_usd, 0), cost_usd),
      updated_at = now()
    where idle_run_id = v_run.idle_run_id;
  end if;
  if v_tokens > v_cap then
    perform ask_idle_to_stop(p_job.namespace, p_job.target_agent, null,
      format('it has spent %s tokens and might spend %s', v_tokens, v_cap));
  end if;
  return jsonb_build_object('tokenCap', greatest(v_cap - coalesce(v_before.o_tokens, 0), 0));
end
$$;

-- Returns the reason for which work that a claim has taken stops an idle run of its agent, in words.
create or replace function work_arrived_text(p_job jobs) returns text
language sql stable as $$
  select format('work arrived for %s (job %s)', (p_job).target_agent, (p_job).job_id)
$$;

-- Returns closeNow, with the reason in words, for the answer to a call of an idle run that is asked to close
-- or whose time is nearly over; {} for every other job.
create or replace function close_now_of(p_job jobs) returns jsonb
language plpgsql stable as $$
begin
  return (
    select case when is_idle((p_job).job_type) then coalesce((
      select jsonb_build_object('closeNow', format(
        'close job %s now, because %s; the run is stopped at %s', job_id, why, utc_text(until)))
      from (
        select job_id,
          coalesce(stop_reason, 'its time is nearly over') as why,
          least(stop_asked_at + idle_grace(), (p_job).hard_deadline) as until
        from idle_runs
        where job_id = (p_job).job_id
          and (stop_asked_at is not null or (p_job).hard_deadline < now() + idle_last_call())) asked), '{}')
      else '{}' end);
end
$$;

-- Returns close_now_of the job of a caller with the token of an attempt, {} for every other caller.
create or replace function close_now(p_principal jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_job jobs;
begin
  if not p_principal ? 'attemptId' then
    return '{}';
  end if;
  select * into v_job from jobs where job_id = (p_principal ->> 'jobId')::uuid;
  return coalesce(close_now_of(v_job), '{}');
end
$$;

-- Writes down that the idle run of a locked job was stopped for p_reason. A run that was asked to close
-- before keeps that time and reason. Returns the reason that stands.
create or replace function note_idle_stop(p_job_id uuid, p_reason text) returns text
language sql as $$
  update idle_runs
  set stop_asked_at = coalesce(stop_asked_at, now()),
    stop_reason = coalesce(stop_reason, p_reason),
    updated_at = now()
  where job_id = p_job_id
  returning stop_reason
$$;

-- Returns the state of a locked idle job whose live attempt ends with p_status and p_error and which would
-- otherwise be queued again or be dead. When no run has begun, because the gateway took no hook call, the
-- run counts as stopped.
create or replace function end_of_idle_attempt(p_job jobs, p_status text, p_error text) returns text
language plpgsql as $$
begin
  if p_status <> 'undelivered' then
    return 'failed';
  end if;
  perform note_idle_stop(p_job.job_id,
    'the gateway took no hook call: ' || coalesce(p_error, 'no reason given'));
  return 'cancelled';
end
$$;

-- Returns why an idle job that has ended was stopped, in words for its slot; null when it was not stopped.
create or replace function idle_stop_text(p_job_id uuid) returns text
language sql stable as $$
  select case when began_at is null then format('not begun, because %s', stop_reason)
    else format('stopped after %s s, because %s', seconds, stop_reason) end
  from idle_runs
  where job_id = p_job_id
    and outcome = 'stopped'
$$;

-- Refuses (409, wrong_state) to redrive or reassign an idle job; p_what is the word for it. Its question is
-- for its agent, and is not asked a second time.
create or replace function refuse_idle_job(p_job jobs, p_what text) returns void
language plpgsql as $$
begin
  if is_idle(p_job.job_type) then
    perform refuse(409, 'wrong_state',
      format('job %s is idle thinking of agent %s and cannot be %s', p_job.job_id, p_job.target_agent, p_what),
      'jobId', to_jsonb(p_job.job_id),
      'run-standing-order with an order of idle thinking, whose next run has another question');
  end if;
end
$$;

-- Trigger: an idle run begins, ends and has its outcome in the transaction that moves its job. A block is the
-- end of a run that has asked a question, also when it was asked to close; the run begins anew when a claim
-- takes the answered job.
create or replace function follow_idle_job() returns trigger
language plpgsql as $$
declare
  v_from timestamptz;
begin
  if new.state = 'leased' then
    update idle_runs
    set outcome = null, ended_at = null, settled_at = null, updated_at = now()
    where job_id = new.job_id and ended_at is not null;
  elsif new.state = 'running' then
    update idle_runs
    set began_at = coalesce(began_at, now()), updated_at = now()
    where job_id = new.job_id;
  elsif new.state not in ('waiting', 'queued') then
    -- A worker that pulls may close its job without a word before.
    select coalesce(admitted_at, case when new.state in ('succeeded', 'blocked') then started_at end)
    into v_from
    from job_attempts
    where attempt_id = old.live_attempt;
    update idle_runs
    set outcome = case
        when new.state = 'succeeded' then coalesce(new.outcome, 'completed')
        when new.state = 'blocked' then 'completed'
        when stop_reason is not null then 'stopped'
        else 'failed' end,
      stop_asked_at = case when new.state <> 'blocked' then stop_asked_at end,
      stop_reason = case when new.state <> 'blocked' then stop_reason end,
      began_at = coalesce(began_at, v_from),
      ended_at = now(),
      seconds = seconds + coalesce(extract(epoch from now() - v_from)::int, 0),
      updated_at = now()
    where job_id = new.job_id;
  end if;
  return null;
end
$$;

create or replace trigger follow_idle_job after update of state on jobs
  for each row
  when (new.job_type = 'idle' and new.state <> old.state)
  execute function follow_idle_job();

-- Ends a locked idle job for the reason p_reason (null: that of the request to close). Its run is stopped at
-- the gateway. Returns the job.
create or replace function stop_idle_job(p_job jobs, p_reason text) returns jobs
language plpgsql as $$
declare
  v_reason text := note_idle_stop(p_job.job_id, p_reason);
begin
  if p_job.live_attempt is null then
    return cancel_one(p_job, v_reason);
  end if;
  return finish_attempt(p_job, 'cancelled', 'cancelled', p_error => v_reason);
end
$$;

-- Returns why a queued idle job is given up, in words.
create or replace function given_up_text(p_job jobs) returns text
language sql stable as $$
  select format('it found no quiet moment until %s: %s', utc_text((p_job).run_after),
    coalesce(idle_job_hold(p_job, a), 'no claim came'))
  from agents a
  where a.namespace = (p_job).namespace and a.agent_id = (p_job).target_agent
$$;

-- Ends the idle runs whose time for the close is over, and gives up the queued ones that found no quiet
-- moment, at most sweep_batch. Returns their jobs as job_row. Jobs that another call has locked are left to
-- the next sweep. A job that cannot be moved does not stop the others.
create or replace function end_idle_runs() returns setof jsonb
language plpgsql as $$
declare
  v_job jobs;
  v_moved jsonb;
begin
  perform ask_missed_idle_runs();
  for v_job in
    select j.*
    from jobs j
    join idle_runs i using (job_id)
    where is_idle(j.job_type)
      and case
        when j.state = 'queued' then j.run_after <= now() or i.stop_asked_at is not null
        when j.state in ('leased', 'running') then i.stop_asked_at <= now() - idle_grace()
        else false end
      and j.state in ('queued', 'leased', 'running')
      and sweep_may_try('idle', j.job_id)
    order by j.seq
    limit sweep_batch()
    for no key update of j skip locked
  loop
    exit when sweep_time_is_up();
    begin
      v_job := stop_idle_job(v_job, case when v_job.state = 'queued' then given_up_text(v_job) end);
      v_moved := job_row(v_job, null);
      perform forget_sweep_failure('idle', v_job.job_id);
      return next v_moved;
    exception when others then
      perform note_sweep_failure('idle', v_job.job_id, v_job.namespace, sqlerrm);
    end;
  end loop;
end
$$;
