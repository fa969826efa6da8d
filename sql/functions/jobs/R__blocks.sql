-- How a job becomes blocked, and how its block ends without an operation.

-- Ends the live attempt of a locked job with p_status and p_error, blocks the job with p_reason and asks
-- the coordinator. The attempt counts against max_attempts. Returns the job.
create or replace function block_live_job(p_job jobs, p_status text, p_error text, p_reason text) returns jobs
language plpgsql as $$
begin
  update job_attempts set status = p_status, error = p_error, finished_at = now(), updated_at = now()
  where attempt_id = p_job.live_attempt;
  update jobs
  set state = 'blocked', blocked_reason = p_reason, last_error = p_error,
    updated_at = now()
  where job_id = p_job.job_id
  returning * into p_job;
  perform ask_for_replan(p_job);
  return p_job;
end
$$;

-- Blocks a job on a dependency that ended without success, and asks the coordinator. The job goes on if the
-- dependency succeeds after a redrive. Returns the job.
create or replace function block_for_dependency(p_job jobs, p_dependency jobs) returns jobs
language plpgsql as $$
begin
  update jobs
  set state = 'blocked',
    blocked_on_job = p_dependency.job_id,
    blocked_reason = format('it depends on job %s (%s), which has ended %s', p_dependency.job_id,
      p_dependency.subject, p_dependency.state),
    open_dependencies = open_count(job_id),
    updated_at = now()
  where job_id = p_job.job_id and state in ('waiting', 'blocked')
  returning * into p_job;
  perform drop_replan(p_job);
  perform ask_for_replan(p_job);
  return p_job;
end
$$;

-- Returns the jobs for which a job waits: its open dependencies and the job on which it is blocked; none
-- when the job has ended.
create or replace function waits_for(p_job_id uuid) returns setof uuid
language sql stable as $$
  select x.other from (
    select job_id, depends_on as other
    from job_dependencies
    where job_id = p_job_id and satisfied_at is null and waived_at is null
    union
    select job_id, blocked_on_job from jobs where job_id = p_job_id and blocked_on_job is not null
  ) x join jobs j using (job_id)
  where j.ended_at is null
$$;

-- Refuses (409, dependency_cycle) to let p_job_id wait for p_waits_for when p_waits_for already waits for
-- p_job_id, directly or through other jobs. Call it under lock_cycles.
create or replace function refuse_cycle(p_job_id uuid, p_waits_for uuid, p_field text) returns void
language plpgsql as $$
declare
  v_path text;
begin
  -- The first query only finds whether there is a cycle, and visits each job once. The second finds the
  -- path for the message.
  if not exists (
    with recursive reached (job_id) as (
      select p_waits_for
      union
      select w.other from reached r cross join lateral waits_for(r.job_id) w (other)
    )
    select from reached where job_id = p_job_id
  ) then
    return;
  end if;
  with recursive waits (job_id, path) as (
    select p_waits_for, array[p_job_id, p_waits_for]
    union all
    select n.other, w.path || n.other
    from waits w cross join lateral waits_for(w.job_id) n (other)
    where w.job_id <> p_job_id and not n.other = any (w.path[2:])
  )
  select array_to_string(path, ' -> ') into v_path from waits where job_id = p_job_id limit 1;
  perform refuse(409, 'dependency_cycle', format('these jobs would wait for each other: %s', v_path),
    p_field, to_jsonb(p_waits_for), 'a job that does not itself wait for this one');
end
$$;

-- Waits until no other transaction blocks a job on a job.
create or replace function lock_cycles() returns void
language sql as $$
  -- Without this lock, two checks at once could each miss the half of a cycle that the other adds. It comes
  -- before any lock on a job, because otherwise two jobs that block on each other would end in a deadlock.
  select pg_advisory_xact_lock(hashtextextended('agentbus.cycle', 0))
$$;

-- Enqueues a blocked.replan job for the coordinator about a blocked job. When no coordinator can take it,
-- emits job.needs_operator instead.
create or replace function ask_for_replan(p_job jobs) returns void
language plpgsql as $$
begin
  if p_job.subject <> 'blocked.replan'
    and exists (select from agents where namespace = p_job.namespace and agent_id = 'coordinator' and enabled) then
    begin
      perform insert_job(jsonb_build_object('kind', 'operator', 'name', 'bus'), p_job.namespace,
        jsonb_build_object('targetAgent', 'coordinator', 'subject', 'blocked.replan', 'jobType', 'recovery',
          'priority', greatest(p_job.priority, replan_priority()), 'parentJobId', p_job.job_id, 'sourceAgent', p_job.target_agent,
          'payload', jsonb_strip_nulls(jsonb_build_object('jobId', p_job.job_id, 'targetAgent', p_job.target_agent,
            'subject', p_job.subject, 'reason', p_job.blocked_reason, 'agent', p_job.blocked_on_agent,
            'person', p_job.blocked_on_person, 'failedDependency', p_job.blocked_on_job))));
      return;
    exception when sqlstate 'AB422' then
      -- The coordinator cannot take the job (hop limit, subject), so the event below asks an operator.
      null;
    end;
  end if;
  perform append_event(p_job.namespace, 'job.needs_operator', p_job.target_agent, p_job.job_id,
    jsonb_build_object('jobId', p_job.job_id, 'subject', p_job.subject, 'reason', p_job.blocked_reason));
end
$$;

-- Cancels the queued blocked.replan jobs about a job. A replan job stays when the coordinator works on it
-- already, or when another call has locked it or its dependents.
create or replace function drop_replan(p_job jobs) returns void
language plpgsql as $$
declare
  v_replan jobs;
begin
  for v_replan in
    select * from jobs
    where parent_job_id = p_job.job_id and subject = 'blocked.replan' and source_agent = p_job.target_agent and state = 'queued'
    for no key update skip locked
  loop
    continue when not try_lock_dependents(v_replan.job_id);
    perform cancel_one(v_replan, format('job %s is no longer blocked as it was', p_job.job_id));
  end loop;
end
$$;

-- Ends the block of a locked job and returns the job, which is queued, or waiting while other dependencies
-- are open. Waives failed dependencies, and keeps p_answer for the prompt of the next attempt.
create or replace function leave_block(p_job jobs, p_answer text) returns jobs
language plpgsql as $$
begin
  update job_dependencies d set waived_at = now()
  from jobs t
  where d.job_id = p_job.job_id and t.job_id = d.depends_on and t.state in ('failed', 'dead', 'cancelled')
    and d.satisfied_at is null and d.waived_at is null;
  update jobs
  set open_dependencies = open_count(job_id),
    state = case when open_count(job_id) = 0 then 'queued' else 'waiting' end,
    run_after = now(),
    answer = coalesce(p_answer, answer),
    ended_without_closing = 0, updated_at = now()
  where job_id = p_job.job_id and state = 'blocked'
  returning * into p_job;
  perform drop_replan(p_job);
  return p_job;
end
$$;

-- Ends blocks whose time has come, and blocks on jobs that have ended, at most p_limit of each kind (null:
-- sweep_batch). Returns job_brief of each job.
create or replace function move_blocked(p_limit int default null) returns setof jsonb
language plpgsql as $$
declare
  v_job jobs;
  v_other jobs;
begin
  for v_job in
    select * from jobs where state = 'blocked' and blocked_until <= now()
    order by blocked_until limit coalesce(p_limit, sweep_batch()) for no key update skip locked
  loop
    return next job_brief(leave_block(v_job, format('the time %s has come', utc_text(v_job.blocked_until))));
  end loop;
  -- The end of a job releases the jobs blocked on it in its own transaction. This query finds the jobs that
  -- a change by hand has left behind.
  for v_job in
    select j.* from jobs j join jobs o on o.job_id = j.blocked_on_job
    where j.state = 'blocked' and o.ended_at is not null
      and (o.state = 'succeeded' or not needs_success(j.job_id, o.job_id))
    order by j.job_id limit coalesce(p_limit, sweep_batch()) for no key update of j skip locked
  loop
    select * into v_other from jobs where job_id = v_job.blocked_on_job;
    return next job_brief(leave_block(v_job, format('job %s (%s) has ended %s', v_other.job_id, v_other.subject, v_other.state)));
  end loop;
end
$$;
