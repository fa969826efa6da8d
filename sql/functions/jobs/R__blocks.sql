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

-- Ends the live attempt of a locked job with a block for p_reason, as its agent has asked. p_unblock has at,
-- agent, person or jobId, or is empty. The attempt does not count against max_attempts. Returns the job.
create or replace function block_attempt(p_job jobs, p_reason text, p_unblock jsonb) returns jobs
language plpgsql as $$
begin
  update job_attempts set status = 'blocked', error = p_reason, finished_at = now(), updated_at = now()
  where attempt_id = p_job.live_attempt;
  update jobs
  set state = 'blocked', blocked_reason = p_reason, blocked_until = (p_unblock ->> 'at')::timestamptz,
    blocked_on_agent = p_unblock ->> 'agent', blocked_on_person = p_unblock ->> 'person',
    blocked_on_job = (p_unblock ->> 'jobId')::uuid,
    -- A block is not a failure, so the attempt does not count.
    attempt_count = attempt_count - 1,
    updated_at = now()
  where job_id = p_job.job_id
  returning * into p_job;
  return p_job;
end
$$;

-- Blocks waiting or blocked jobs, which are locked, on a dependency that ended without success. They go on
-- if the dependency succeeds after a redrive. The caller asks the coordinator (ask_about_cause).
create or replace function block_for_dependencies(p_jobs uuid[], p_dependency jobs) returns void
language plpgsql as $$
declare
  v_causes uuid[] := block_causes(p_jobs);
begin
  if p_jobs = '{}' then
    return;
  end if;
  update jobs
  set state = 'blocked',
    blocked_on_job = p_dependency.job_id,
    blocked_reason = format('it depends on job %s (%s), which has ended %s', p_dependency.job_id,
      p_dependency.subject, p_dependency.state),
    open_dependencies = open_count(job_id),
    updated_at = now()
  where job_id = any (p_jobs) and state in ('waiting', 'blocked');
  perform drop_replans(p_jobs, v_causes);
end
$$;

-- Blocks one waiting or blocked job on a dependency that ended without success, and asks the coordinator.
-- Returns the job.
create or replace function block_for_dependency(p_job_id uuid, p_dependency jobs) returns jobs
language plpgsql as $$
declare
  v_job jobs;
begin
  perform block_for_dependencies(array[p_job_id], p_dependency);
  select * into v_job from jobs where job_id = p_job_id;
  if not join_replan(v_job) then
    perform ask_for_replan(v_job);
  end if;
  return v_job;
end
$$;
drop function if exists block_for_dependency(jobs, jobs);

-- Returns the jobs on which p_jobs are blocked.
create or replace function block_causes(p_jobs uuid[]) returns uuid[]
language sql stable as $$
  select array(
    select distinct blocked_on_job from jobs where job_id = any (p_jobs) and blocked_on_job is not null)
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

-- Returns the coalesce_key of the blocked.replan job about the jobs that are blocked on p_cause.
create or replace function replan_key(p_cause uuid) returns text
language sql immutable as $$
  select 'blocked_on:' || p_cause
$$;

-- Returns whether a job is a blocked.replan job about all jobs that are blocked on one job. It is not
-- cancelled with the job that it names first, because it is about the others too.
create or replace function asks_for_several(p_job jobs) returns boolean
language sql immutable as $$
  select (p_job).subject = 'blocked.replan' and (p_job).coalesce_key is not null
$$;

-- Enqueues a blocked.replan job for the coordinator about a blocked job; p_more adds fields to its payload.
-- When no coordinator can take it, emits job.needs_operator instead, once an hour for jobs that are blocked
-- on the same job.
create or replace function ask_for_replan(p_job jobs, p_more jsonb default '{}') returns void
language plpgsql as $$
begin
  if p_job.subject <> 'blocked.replan'
    and exists (select from agents where namespace = p_job.namespace and agent_id = 'coordinator' and enabled) then
    begin
      perform insert_job(
        jsonb_build_object('kind', 'operator', 'name', 'bus', 'coalesceKey', replan_key(p_job.blocked_on_job)),
        p_job.namespace,
        jsonb_build_object('targetAgent', 'coordinator', 'subject', 'blocked.replan', 'jobType', 'recovery',
          'priority', greatest(p_job.priority, replan_priority()), 'parentJobId', p_job.job_id, 'sourceAgent', p_job.target_agent,
          'payload', jsonb_strip_nulls(jsonb_build_object('jobId', p_job.job_id, 'targetAgent', p_job.target_agent,
            'subject', p_job.subject, 'reason', p_job.blocked_reason, 'agent', p_job.blocked_on_agent,
            'person', p_job.blocked_on_person, 'failedDependency', p_job.blocked_on_job)) || p_more));
      return;
    exception when sqlstate 'AB422' or sqlstate 'AB409' then
      -- The coordinator cannot take the job (hop limit, subject, freeze), so the event asks an operator.
      null;
    end;
  end if;
  perform append_event(p_job.namespace, 'job.needs_operator', p_job.target_agent, p_job.job_id,
    jsonb_strip_nulls(jsonb_build_object('jobId', p_job.job_id, 'subject', p_job.subject,
      'reason', p_job.blocked_reason, 'failedDependency', p_job.blocked_on_job)) || p_more,
    once_key(replan_key(p_job.blocked_on_job), date_trunc('hour', now(), 'UTC')));
end
$$;
drop function if exists ask_for_replan(jobs);

-- Asks the coordinator once about all jobs that are blocked on p_cause, which has ended without success. Its
-- payload names the first of them (replan_jobs_listed) and their number.
create or replace function ask_about_cause(p_cause jobs) returns void
language plpgsql as $$
declare
  v_first jobs;
  v_more jsonb := '{}';
  v_blocked bigint;
begin
  -- The conditions compare rows, as in R__cascades.sql: an equality lets the planner read all jobs by id.
  select * into v_first
  from jobs
  where blocked_on_job is not null
    and (blocked_on_job, job_id) > (p_cause.job_id, nil_id())
    and (blocked_on_job, job_id) <= (p_cause.job_id, last_id())
  order by blocked_on_job, job_id
  limit 1;
  if not found then
    return;
  end if;
  select count(*) into v_blocked from jobs where blocked_on_job = p_cause.job_id;
  if v_blocked > 1 then
    v_more := jsonb_build_object(
      'blockedJobs', v_blocked,
      'jobIds', array(
        select job_id
        from jobs
        where blocked_on_job is not null
          and (blocked_on_job, job_id) > (p_cause.job_id, nil_id())
          and (blocked_on_job, job_id) <= (p_cause.job_id, last_id())
        order by blocked_on_job, job_id
        limit replan_jobs_listed()));
  end if;
  if not join_replan(v_first, v_more) then
    perform ask_for_replan(v_first, v_more);
  end if;
end
$$;

-- Adds a job, or p_more, to the payload of the queued blocked.replan job about its cause. Returns false when
-- there is no such job, or when a claim has just locked it.
create or replace function join_replan(p_job jobs, p_more jsonb default null) returns boolean
language plpgsql as $$
declare
  v_replan jobs;
begin
  select * into v_replan
  from jobs
  where namespace = p_job.namespace and target_agent = 'coordinator' and subject = 'blocked.replan'
    and coalesce_key = replan_key(p_job.blocked_on_job) and state = 'queued'
  order by seq
  limit 1
  for no key update skip locked;
  if not found then
    return false;
  end if;
  update jobs
  set payload = payload || coalesce(p_more, one_more_blocked(payload, p_job.job_id)), updated_at = now()
  where job_id = v_replan.job_id;
  return true;
end
$$;

-- Returns blockedJobs and jobIds of a blocked.replan job's payload with one more job.
create or replace function one_more_blocked(p_payload jsonb, p_job_id uuid) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'blockedJobs', coalesce((p_payload ->> 'blockedJobs')::bigint, 1) + 1,
    'jobIds', case
      when jsonb_array_length(ids) < replan_jobs_listed() then ids || to_jsonb(p_job_id)
      else ids end)
  from coalesce(p_payload -> 'jobIds', jsonb_build_array(p_payload -> 'jobId')) ids
$$;

-- Cancels the queued blocked.replan jobs about p_jobs, which have left their blocks, and those about the
-- jobs p_causes on which none is blocked any more. A replan job stays when the coordinator works on it
-- already, or when another call has locked it.
create or replace function drop_replans(p_jobs uuid[], p_causes uuid[]) returns void
language plpgsql as $$
declare
  v_replan jobs;
begin
  for v_replan in
    select *
    from jobs
    where job_id in (
      select r.job_id
      from jobs r
      where r.parent_job_id = any (p_jobs)
        and r.subject = 'blocked.replan'
        and r.state = 'queued'
        and r.coalesce_key is null
        and r.source_agent = (select target_agent from jobs where job_id = r.parent_job_id)
      union all
      select r.job_id
      from unnest(p_causes) cause
      cross join lateral (
        select job_id
        from jobs
        where namespace = (select namespace from jobs where job_id = cause)
          and target_agent = 'coordinator'
          and subject = 'blocked.replan'
          and coalesce_key = replan_key(cause)
          and state = 'queued') r
      where not exists (select from jobs where blocked_on_job = cause))
    order by job_id
    for no key update skip locked
  loop
    perform cancel_replan(v_replan);
  end loop;
end
$$;
drop function if exists drop_replan(jobs);

-- Ends the blocks of locked jobs, which are then queued, or waiting while other dependencies are open. A
-- queued idle job waits for a quiet moment (idle/R__idle_claims.sql).
-- Waives failed dependencies, and keeps p_answer for the prompts of later attempts; without one, an earlier
-- answer goes too, because it was about another block. p_causes names the jobs on which they were blocked.
create or replace function leave_blocks(p_jobs uuid[], p_answer text, p_causes uuid[]) returns void
language plpgsql as $$
begin
  if p_jobs = '{}' then
    return;
  end if;
  update job_dependencies d
  set waived_at = now()
  where d.job_id = any (p_jobs)
    and d.satisfied_at is null
    and d.waived_at is null
    and (select state from jobs where job_id = d.depends_on) in ('failed', 'dead', 'cancelled');
  update jobs
  set open_dependencies = open_count(job_id),
    state = case when open_count(job_id) = 0 then 'queued' else 'waiting' end,
    run_after = case when is_idle(job_type) then now() + idle_answer_patience() else now() end,
    answer = p_answer,
    -- An answer of the bus; unblock_job adds the author of any other.
    answered_by = null,
    ended_without_closing = 0, updated_at = now()
  where job_id = any (p_jobs) and state = 'blocked';
  perform drop_replans(p_jobs, p_causes);
end
$$;

-- Ends the block of a locked job as leave_blocks does, and returns the job.
create or replace function leave_block(p_job jobs, p_answer text) returns jobs
language plpgsql as $$
begin
  perform leave_blocks(array[p_job.job_id], p_answer, array_remove(array[p_job.blocked_on_job], null));
  select * into p_job from jobs where job_id = p_job.job_id;
  return p_job;
end
$$;

-- Returns the time blocks that are over, oldest first, at most p_limit, and locks them. Those that another
-- call has locked, or that could not be moved a short while ago, are left to a later sweep.
create or replace function lock_due_blocks(p_limit int) returns setof jobs
language sql as $$
  select *
  from jobs
  where state = 'blocked' and blocked_until <= now() and sweep_may_try('block', job_id)
  order by blocked_until
  limit p_limit
  for no key update skip locked
$$;

-- Returns the next p_limit jobs that are blocked on a job, in the order of the index jobs_by_block, after
-- the one at which the last sweep stopped. After the last one the next sweep begins at the first again.
create or replace function blocked_to_check(p_limit int) returns uuid[]
language plpgsql as $$
declare
  v_first text := nil_id() || ' ' || nil_id();
  v_place text := coalesce(
    (select value from bus_facts where namespace = 'default' and name = 'blocked_checked'), v_first);
  v_jobs uuid[] := array(
    select job_id
    from jobs
    where blocked_on_job is not null
      and (blocked_on_job, job_id) > (split_part(v_place, ' ', 1)::uuid, split_part(v_place, ' ', 2)::uuid)
    order by blocked_on_job, job_id
    limit p_limit);
  v_next text := coalesce(
    (select blocked_on_job || ' ' || job_id from jobs where job_id = v_jobs[p_limit]), v_first);
begin
  if v_next <> v_place then
    insert into bus_facts (namespace, name, value)
    values ('default', 'blocked_checked', v_next)
    on conflict (namespace, name) do update
    set value = excluded.value;
  end if;
  return v_jobs;
end
$$;

-- Returns those of p_jobs whose block is over because the job on which they are blocked has ended, and locks
-- them. Each is looked up by its key, so the cost does not depend on the plan of a join.
create or replace function lock_ended_blocks(p_jobs uuid[]) returns setof jobs
language sql as $$
  select *
  from jobs j
  where job_id = any (p_jobs)
    and state = 'blocked'
    and (blocked_until is null or blocked_until > now())
    and case (select state from jobs o where o.job_id = j.blocked_on_job)
      when 'succeeded' then true
      when 'failed' then not needs_success(job_id, blocked_on_job)
      when 'dead' then not needs_success(job_id, blocked_on_job)
      when 'cancelled' then not needs_success(job_id, blocked_on_job)
      else false end
    and not exists (select from cascades where cascades.job_id = j.blocked_on_job)
    and sweep_may_try('block', job_id)
  order by job_id
  for no key update skip locked
$$;

-- Ends blocks whose time has come, and blocks on jobs that have ended, at most p_limit of each kind (null:
-- sweep_batch). Returns job_brief of each job. A block that cannot be ended does not stop the others.
create or replace function move_blocked(p_limit int default null) returns setof jsonb
language plpgsql as $$
declare
  v_limit int := coalesce(p_limit, sweep_batch());
  v_job jobs;
  v_other jobs;
  v_moved jsonb;
begin
  for v_job in
    select * from lock_due_blocks(v_limit)
    union all
    -- The end of a job releases the jobs blocked on it. This finds those that a change by hand has left
    -- behind.
    select * from lock_ended_blocks(blocked_to_check(v_limit))
  loop
    exit when sweep_time_is_up();
    begin
      select * into v_other from jobs where job_id = v_job.blocked_on_job;
      v_moved := job_brief(leave_block(v_job, case
        when v_job.blocked_until <= now() then format('the time %s has come', utc_text(v_job.blocked_until))
        else format('job %s (%s) has ended %s', v_other.job_id, v_other.subject, v_other.state) end));
      perform forget_sweep_failure('block', v_job.job_id);
      return next v_moved;
    exception when others then
      perform note_sweep_failure('block', v_job.job_id, v_job.namespace, sqlerrm);
    end;
  end loop;
end
$$;
