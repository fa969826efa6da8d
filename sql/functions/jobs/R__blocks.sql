-- Blocked work: how a job gets there, and how it gets out on its own.

-- Ends the live attempt of a locked job with the given status and error, and blocks the job with a reason
-- for the coordinator to resolve. The attempt counts.
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

-- A dependency that ended without success does not satisfy: the dependent is blocked on it, goes on if it
-- succeeds after a redrive, and its owner is asked.
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

-- The jobs that a job waits for: dependencies and what it is blocked on; none when it has ended.
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

-- Refuses (409) to let the first job wait for the second when the second, over any number of steps, waits
-- for the first. To be called under lock_cycles.
create or replace function refuse_cycle(p_job_id uuid, p_waits_for uuid, p_field text) returns void
language plpgsql as $$
declare
  v_path text;
begin
  -- First whether at all, each job looked at once; the path is only for the message.
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

-- Waits until no other job is being blocked on a job.
create or replace function lock_cycles() returns void
language sql as $$
  -- One such check at a time, or two could each miss the other's half of a cycle; before any job is
  -- locked, or two that block on each other would meet in a deadlock instead.
  select pg_advisory_xact_lock(hashtextextended('agentbus.cycle', 0))
$$;

-- Brings the coordinator a blocked.replan job about a blocked one; without a coordinator that can take
-- it, the event job.needs_operator.
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
      -- The coordinator cannot take it (hop limit, subject): a person must, and is told by the event below.
      null;
    end;
  end if;
  perform append_event(p_job.namespace, 'job.needs_operator', p_job.target_agent, p_job.job_id,
    jsonb_build_object('jobId', p_job.job_id, 'subject', p_job.subject, 'reason', p_job.blocked_reason));
end
$$;

-- Withdraws the question to the coordinator, unless it is at work on it already, or another call has locked
-- what depends on it.
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

-- Blocked to queued, or to waiting while other dependencies are open. Failed dependencies are waived. The
-- answer is told to the next attempt.
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

-- Puts back to work what was blocked until a time that has come, or on a job that has ended; returns
-- briefs of the jobs.
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
  -- The end of a job releases what was blocked on it in its own transaction; this finds what a change by
  -- hand left behind.
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
