-- The effect of the end of a job on other jobs. A job that has ended releases the jobs that wait for it; a
-- cancelled job takes the unfinished jobs below it along.
--
-- The transaction that ends the job moves one batch (cascade_batch). When there are more, or when another
-- call has locked some, it writes a row to cascades and notifies the nodes, which move the others batch
-- after batch (run_cascade). So an end commits at once, however many jobs it moves (docs/adr/0019).
--
-- Plans: a batch reads an index from the place at which the last batch ended. The conditions compare rows,
-- because only that index has their order: with an equality the planner may read all jobs by their ids.
--
-- Locks: a batch skips jobs that another call has locked, and takes them in a further pass. So a batch
-- waits for no job. Only the row in cascades of a job below can make it wait, for one batch of that cascade.

-- Returns the largest UUID, after every id.
create or replace function last_id() returns uuid language sql immutable as $$
  select 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid
$$;

-- Returns the next jobs after p_after, in the order of their ids, that may move when p_job_id ends; at most
-- p_limit. Some of them may have ended already.
create or replace function dependents_after(p_job_id uuid, p_after uuid, p_limit int) returns setof uuid
language sql stable as $$
  select job_id
  from (
    (
      select job_id
      from job_dependencies
      where satisfied_at is null
        and (depends_on, job_id) > (p_job_id, p_after)
        and (depends_on, job_id) <= (p_job_id, last_id())
      order by depends_on, job_id
      limit p_limit)
    union
    (
      select job_id
      from jobs
      where blocked_on_job is not null
        and (blocked_on_job, job_id) > (p_job_id, p_after)
        and (blocked_on_job, job_id) <= (p_job_id, last_id())
      order by blocked_on_job, job_id
      limit p_limit)) d
  order by job_id
  limit p_limit
$$;

-- Returns the waiting and blocked jobs that may move when p_jobs end, for a caller that locks them first;
-- none when they are more than a batch.
create or replace function dependents_to_lock(p_jobs uuid[]) returns uuid[]
language plpgsql stable as $$
declare
  v_dependents uuid[] := array(
    select distinct d
    from unnest(p_jobs) j
    cross join lateral dependents_after(j, nil_id(), cascade_batch() + 1) d
    where (select state from jobs where job_id = d) in ('waiting', 'blocked')
    limit cascade_batch() + 1);
begin
  return case when cardinality(v_dependents) <= cascade_batch() then v_dependents else '{}' end;
end
$$;

-- Writes down that the end of p_jobs still has to move other jobs, for the reason p_why, and notifies the
-- nodes. A cascade of the same kind that is under way begins anew. p_spared is for a cancel.
create or replace function cascade_later(p_jobs uuid[], p_kind text, p_why text, p_spared uuid default null)
returns void language plpgsql as $$
begin
  insert into cascades as c (job_id, kind, namespace, actor, why, spared)
  select job_id, p_kind, namespace, current_actor(), coalesce(p_why, ''), p_spared
  from jobs
  where job_id = any (p_jobs)
  on conflict (job_id, kind) do update
  set after_id = nil_id(), left_behind = false, retry_at = now(), updated_at = now();
  if found then
    perform pg_notify('jobs_ready', 'cascades');
  end if;
end
$$;

-- Called at the end of a locked job, for the jobs that wait for it: moves a first batch, and leaves the
-- others to a cascade.
create or replace function release_dependents(p_job jobs) returns void
language plpgsql as $$
declare
  v record;
begin
  select * into v from release_batch(p_job, nil_id());
  if v.o_last is not null or v.o_left_behind then
    perform cascade_later(array[p_job.job_id], 'release', nullif(current_setting('agentbus.why', true), ''));
  elsif v.o_moved and p_job.state <> 'succeeded' then
    perform ask_about_cause(p_job);
  end if;
end
$$;

-- Moves the next batch of the jobs that wait for p_job, which is locked and has ended. After a success they
-- go on. Otherwise a job that needs the success is blocked, and a job that was blocked only on the end
-- leaves its block.
-- Returns the id at which the next batch begins (o_last, null after the last batch), whether jobs were left
-- behind because another call has locked them, and whether any job was looked at (o_moved).
create or replace function release_batch(
  p_job jobs, p_after uuid, out o_last uuid, out o_left_behind boolean, out o_moved boolean
) language plpgsql as $$
declare
  v_looked uuid[] := array(select dependents_after(p_job.job_id, p_after, cascade_batch()));
  v_taken uuid[];
  v_locked uuid[];
begin
  o_left_behind := false;
  o_moved := v_looked <> '{}';
  if not o_moved then
    return;
  end if;
  if cardinality(v_looked) = cascade_batch() then
    o_last := v_looked[cardinality(v_looked)];
  end if;
  v_taken := array(
    select job_id
    from jobs
    where job_id = any (v_looked) and state in ('waiting', 'blocked')
    order by job_id
    for no key update skip locked);
  v_locked := array(
    select job_id
    from jobs
    where job_id = any (v_looked) and state in ('waiting', 'blocked') and job_id <> all (v_taken));
  o_left_behind := v_locked <> '{}';
  if p_job.state = 'succeeded' then
    update job_dependencies
    set satisfied_at = now()
    where depends_on = p_job.job_id
      and job_id = any (v_looked)
      and job_id <> all (v_locked)
      and satisfied_at is null;
    perform go_on_after_success(v_taken, p_job);
  else
    perform stop_after_failure(v_taken, p_job);
  end if;
end
$$;

-- Counts the success of p_job for jobs that depend on it or were blocked on it. A waiting job becomes due
-- when this was its last open dependency. A job that was blocked on p_job leaves its block, or is blocked
-- anew when another dependency ended without success.
create or replace function go_on_after_success(p_jobs uuid[], p_job jobs) returns void
language plpgsql as $$
declare
  v_unblocked uuid[] := array(
    select job_id
    from jobs
    where job_id = any (p_jobs) and blocked_on_job = p_job.job_id
    order by job_id);
  v_spoiled record;
begin
  update jobs
  set open_dependencies = open_count(job_id),
    state = case when state = 'waiting' and open_count(job_id) = 0 then 'queued' else state end,
    updated_at = now()
  where job_id = any (p_jobs)
    and job_id <> all (v_unblocked);
  for v_spoiled in
    select j.job_id, s as dependency
    from unnest(v_unblocked) j (job_id)
    cross join lateral spoiled_dependency(j.job_id) s
    order by j.job_id
  loop
    v_unblocked := array_remove(v_unblocked, v_spoiled.job_id);
    perform block_for_dependency(v_spoiled.job_id, v_spoiled.dependency);
  end loop;
  perform leave_blocks(v_unblocked, format('job %s (%s) has succeeded', p_job.job_id, p_job.subject),
    array[p_job.job_id]);
end
$$;

-- Blocks those of p_jobs that wait for the success of p_job, which has ended without it. Those that were
-- blocked only on the end of p_job leave their block.
create or replace function stop_after_failure(p_jobs uuid[], p_job jobs) returns void
language plpgsql as $$
declare
  v_ended text := format('job %s (%s) has ended %s', p_job.job_id, p_job.subject, p_job.state);
begin
  perform block_for_dependencies(
    array(
      select job_id
      from jobs
      where job_id = any (p_jobs) and state = 'waiting' and needs_success(job_id, p_job.job_id)),
    p_job);
  perform leave_blocks(
    array(
      select job_id
      from jobs
      where job_id = any (p_jobs)
        and blocked_on_job = p_job.job_id
        and not needs_success(job_id, p_job.job_id)),
    v_ended, array[p_job.job_id]);
end
$$;

-- Cancels the next batch of the jobs directly below p_job, which is locked. Jobs further below, and the
-- jobs that wait for the cancelled ones, follow as cascades of their own. Returns o_last and o_left_behind
-- as release_batch does.
create or replace function cancel_batch(
  p_job jobs, p_cascade cascades, out o_last uuid, out o_left_behind boolean
) language plpgsql as $$
declare
  v_looked uuid[] := array(
    select job_id
    from jobs
    where parent_job_id is not null
      and (parent_job_id, job_id) > (p_job.job_id, p_cascade.after_id)
      and (parent_job_id, job_id) <= (p_job.job_id, last_id())
      and job_id is distinct from p_cascade.spared
    order by parent_job_id, job_id
    limit cascade_batch());
  v_taken uuid[];
  v_locked uuid[];
begin
  if cardinality(v_looked) = cascade_batch() then
    o_last := v_looked[cardinality(v_looked)];
  end if;
  v_taken := array(
    select job_id
    from jobs j
    where job_id = any (v_looked) and ended_at is null and not asks_for_several(j)
    order by job_id
    for no key update skip locked);
  v_locked := array(
    select job_id
    from jobs j
    where job_id = any (v_looked)
      and job_id <> all (v_taken)
      and ended_at is null
      and not asks_for_several(j));
  o_left_behind := v_locked <> '{}';
  perform cancel_jobs(v_taken, p_cascade.why);
  perform cascade_later(array(select waited_for(v_taken)), 'release', p_cascade.why);
  perform cascade_later(
    array(
      select j
      from unnest(v_looked) j
      where j <> all (v_locked) and exists (select from jobs where parent_job_id = j)),
    'cancel', p_cascade.why, p_cascade.spared);
end
$$;

-- Returns those of p_jobs for which other jobs wait.
create or replace function waited_for(p_jobs uuid[]) returns setof uuid
language sql stable as $$
  select j
  from unnest(p_jobs) j
  where exists (select from dependents_after(j, nil_id(), 1))
$$;

-- Moves one batch of the cascade that has waited longest; cancels come first, so that no job is blocked
-- that will be cancelled anyway. Returns whether a further call may find work.
-- A cascade that fails is tried again later (note_sweep_failure) and does not stop the others.
create or replace function run_cascade() returns boolean
language plpgsql
set jit = off as $$
declare
  v_cascade cascades;
  v_job jobs;
begin
  select * into v_cascade
  from cascades
  where retry_at <= now()
  order by kind, updated_at
  limit 1
  for update skip locked;
  if not found then
    return false;
  end if;
  perform
    set_config('agentbus.actor', v_cascade.actor, true),
    set_config('agentbus.why', v_cascade.why, true);
  select * into v_job from jobs where job_id = v_cascade.job_id for no key update skip locked;
  begin
    if not exists (select from jobs where job_id = v_cascade.job_id) then
      delete from cascades where job_id = v_cascade.job_id;
    elsif v_job.job_id is null then
      perform cascade_again(v_cascade, now() + cascade_pause());
    else
      perform continue_cascade(v_cascade, v_job);
    end if;
    perform forget_sweep_failure('cascade_' || v_cascade.kind, v_cascade.job_id);
  exception when others then
    perform cascade_again(v_cascade,
      note_sweep_failure('cascade_' || v_cascade.kind, v_cascade.job_id, v_cascade.namespace, sqlerrm));
  end;
  return exists (select from cascades where retry_at <= now());
end
$$;

-- Lets a cascade rest until p_at.
create or replace function cascade_again(p_cascade cascades, p_at timestamptz) returns void
language sql as $$
  update cascades
  set retry_at = p_at, updated_at = clock_timestamp()
  where job_id = (p_cascade).job_id and kind = (p_cascade).kind
$$;

-- Moves one batch of a locked cascade of a locked job. After the last batch the cascade is deleted, or
-- begins a further pass when jobs were left behind; the coordinator is asked about the jobs that an
-- unsuccessful end has blocked. A redriven job has not ended, so its cascade is dropped.
create or replace function continue_cascade(p_cascade cascades, p_job jobs) returns void
language plpgsql as $$
declare
  v_last uuid;
  v_left_behind boolean;
begin
  if p_cascade.kind = 'cancel' then
    select o_last, o_left_behind into v_last, v_left_behind from cancel_batch(p_job, p_cascade);
  elsif p_job.ended_at is not null then
    select o_last, o_left_behind into v_last, v_left_behind from release_batch(p_job, p_cascade.after_id);
  end if;
  if v_last is null and not coalesce(v_left_behind or p_cascade.left_behind, false) then
    delete from cascades where job_id = p_cascade.job_id and kind = p_cascade.kind;
    if p_cascade.kind = 'release' and p_job.state in ('failed', 'dead', 'cancelled') then
      perform ask_about_cause(p_job);
    end if;
    return;
  end if;
  update cascades
  set after_id = coalesce(v_last, nil_id()),
    left_behind = v_last is not null and (v_left_behind or left_behind),
    retry_at = case when v_last is null then now() + cascade_pause() else now() end,
    updated_at = clock_timestamp()
  where job_id = p_cascade.job_id and kind = p_cascade.kind;
end
$$;
