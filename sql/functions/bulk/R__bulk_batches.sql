-- The batches of bulk actions. Any node may carry out the next batch, each in a transaction that locks the
-- row of its action, so that a restart or a second node repeats nothing.
--
-- Locks: a batch locks its jobs without waiting. A job that another call has locked is put off and tried
-- again after the last batch, so that a batch takes part in no deadlock over jobs.

-- Carries out one batch of the bulk action that has waited longest. Returns whether a further call may find
-- work. An action whose batch fails as a whole notes the error and rests, and the others go on.
create or replace function run_bulk_batch() returns boolean
language plpgsql
set jit = off as $$
declare
  v_bulk bulk_actions;
begin
  select * into v_bulk
  from bulk_actions
  where status = 'running' and next_batch_at <= now()
  order by next_batch_at
  limit 1
  for no key update skip locked;
  if not found then
    return false;
  end if;
  perform
    set_config('agentbus.actor', v_bulk.started_by, true),
    set_config('agentbus.why', format('%s (bulk action %s)', v_bulk.reason, v_bulk.bulk_id), true);
  begin
    if v_bulk.searched then
      perform repeat_put_off(v_bulk);
    else
      perform search_batch(v_bulk);
    end if;
    perform end_bulk(v_bulk.bulk_id);
  exception when others then
    update bulk_actions
    set trouble = left(sqlerrm, 2000),
      next_batch_at = clock_timestamp() + bulk_trouble_rest(),
      updated_at = now()
    where bulk_id = v_bulk.bulk_id;
  end;
  return exists (select from bulk_actions where status = 'running' and next_batch_at <= clock_timestamp());
end
$$;

-- Returns whether a bulk action takes the oldest jobs first. Those that end jobs begin with the newest,
-- because a job arrives after those that it waits for, and would otherwise be blocked shortly before its
-- turn.
create or replace function bulk_oldest_first(p_operation text) returns boolean
language sql immutable as $$
  select p_operation not in ('cancel', 'kill', 'dismiss')
$$;

-- Searches the next batch of a locked bulk action and carries it out.
create or replace function search_batch(p_bulk bulk_actions) returns void
language plpgsql as $$
declare
  v_up boolean := bulk_oldest_first(p_bulk.operation);
  v_page record;
  v_last uuid;
begin
  select * into v_page
  from job_page(p_bulk.namespace, p_bulk.filter, bulk_batch(),
    p_after => case when v_up then coalesce(p_bulk.at_seq, 0) else 0 end,
    p_before => case when v_up or p_bulk.at_seq is null then p_bulk.frozen_up_to + 1 else p_bulk.at_seq end,
    p_up => v_up, p_to_start => p_bulk.operation = 'retry_now');
  v_last := act_on_jobs(p_bulk, v_page.o_jobs);
  update bulk_actions
  -- A batch whose time was up goes on after the last job that had its turn.
  set at_seq = case
      when v_last = v_page.o_jobs[cardinality(v_page.o_jobs)] then coalesce(v_page.o_next, at_seq)
      when v_page.o_jobs = '{}' then coalesce(v_page.o_next, at_seq)
      else (select seq from jobs where job_id = v_last) end,
    searched = v_page.o_next is null
      and (v_page.o_jobs = '{}' or v_last = v_page.o_jobs[cardinality(v_page.o_jobs)]),
    next_batch_at = clock_timestamp(),
    updated_at = now()
  where bulk_id = p_bulk.bulk_id;
end
$$;

-- Tries the jobs of a locked bulk action again that other calls had locked. Those that stay locked for
-- bulk_waits batches count as failed.
create or replace function repeat_put_off(p_bulk bulk_actions) returns void
language plpgsql as $$
declare
  v_jobs uuid[] := p_bulk.put_off[:bulk_batch()];
  v_before int := cardinality(p_bulk.put_off);
  v_left uuid[];
begin
  update bulk_actions set put_off = put_off[bulk_batch() + 1:] where bulk_id = p_bulk.bulk_id;
  perform act_on_jobs(p_bulk, v_jobs);
  select put_off into v_left from bulk_actions where bulk_id = p_bulk.bulk_id;
  update bulk_actions
  set waits = case when cardinality(v_left) < v_before then 0 else waits + 1 end,
    next_batch_at = clock_timestamp() + cascade_pause(),
    updated_at = now()
  where bulk_id = p_bulk.bulk_id;
  if p_bulk.waits + 1 >= bulk_waits() and cardinality(v_left) = v_before then
    perform count_bulk(p_bulk.bulk_id, p_failures => array(
      select jsonb_build_object('jobId', j, 'detail', 'another call held the job all the time')
      from unnest(v_left) j));
    update bulk_actions set put_off = '{}' where bulk_id = p_bulk.bulk_id;
  end if;
end
$$;

-- Ends a locked bulk action that has no job left.
create or replace function end_bulk(p_bulk_id uuid) returns void
language sql as $$
  update bulk_actions
  set status = 'done', ended_at = now(), updated_at = now()
  where bulk_id = p_bulk_id and searched and put_off = '{}'
$$;

-- Adds the results of a batch to a locked bulk action.
create or replace function count_bulk(
  p_bulk_id uuid, p_done int default 0, p_skipped int default 0, p_failures jsonb[] default '{}',
  p_put_off uuid[] default '{}'
) returns void language sql as $$
  update bulk_actions
  set done = done + p_done,
    skipped = skipped + p_skipped,
    failed = failed + cardinality(p_failures),
    failures = failures
      || to_jsonb(p_failures[:greatest(bulk_failures_shown() - jsonb_array_length(failures), 0)]),
    put_off = put_off || p_put_off,
    trouble = null
  where bulk_id = p_bulk_id
$$;

-- Gives each of p_jobs its turn, in this order, until the time of the batch is up (bulk_budget), and counts
-- the results. Returns the last job that had its turn. A job that has left the filter is skipped. Jobs that
-- need no look one by one move together; the others, and all of a slice of which one was refused, follow one
-- by one.
create or replace function act_on_jobs(p_bulk bulk_actions, p_jobs uuid[]) returns uuid
language plpgsql as $$
declare
  v_locked uuid[] := array(
    select job_id from jobs where job_id = any (p_jobs) order by job_id for no key update skip locked);
  v_fit uuid[];
  v_slice uuid[];
  v_moved uuid[];
  v_job uuid;
  v_last uuid;
  v_result record;
  v_done int := 0;
  v_skipped int := 0;
  v_failures jsonb[] := '{}';
  v_put_off uuid[] := '{}';
begin
  for v_from in 1 .. cardinality(p_jobs) by bulk_slice() loop
    v_slice := p_jobs[v_from : v_from + bulk_slice() - 1];
    -- Compared for each slice, because a slice may end jobs of the next ones: questions to the coordinator.
    v_fit := (
      select o_jobs
      from job_page(p_bulk.namespace, p_bulk.filter, bulk_slice(), p_looks => 2147483647,
        p_only => array(select j from unnest(v_slice) j where j = any (v_locked)),
        p_to_start => p_bulk.operation = 'retry_now'));
    v_moved := move_together(p_bulk, array(select j from unnest(v_slice) j where j = any (v_fit)));
    v_done := v_done + cardinality(v_moved);
    foreach v_job in array v_slice loop
      -- Those that moved together have had their turn, whatever the time is.
      exit when v_moved = '{}' and v_last is not null
        and clock_timestamp() > statement_timestamp() + bulk_budget();
      v_last := v_job;
      if v_job = any (v_moved) then
        continue;
      elsif v_job <> all (v_locked) then
        v_put_off := v_put_off || v_job;
      elsif v_job <> all (v_fit) then
        v_skipped := v_skipped + 1;
      else
        select * into v_result from act_on_job(p_bulk, v_job);
        v_done := v_done + (v_result.o_outcome = 'done')::int;
        v_skipped := v_skipped + (v_result.o_outcome = 'skipped')::int;
        if v_result.o_outcome = 'failed' then
          v_failures := v_failures
            || jsonb_build_object('jobId', v_job, 'detail', left(v_result.o_detail, 1000));
        elsif v_result.o_outcome = 'put_off' then
          v_put_off := v_put_off || v_job;
        end if;
      end if;
    end loop;
    exit when clock_timestamp() > statement_timestamp() + bulk_budget();
  end loop;
  perform count_bulk(p_bulk.bulk_id, v_done, v_skipped, v_failures, v_put_off);
  return v_last;
end
$$;

-- Moves those of p_jobs together that need no look one by one, in a subtransaction: p_jobs are locked and
-- match the filter. Returns the moved jobs; none when any of them was refused.
create or replace function move_together(p_bulk bulk_actions, p_jobs uuid[]) returns uuid[]
language plpgsql as $$
declare
  v_agent agents;
begin
  if p_jobs = '{}' then
    return p_jobs;
  end if;
  case p_bulk.operation
    when 'cancel' then
      perform cancel_jobs(p_jobs, p_bulk.reason);
      perform cascade_later(
        array(select j from unnest(p_jobs) j where exists (select from jobs where parent_job_id = j)),
        'cancel', format('its parent was cancelled: %s', p_bulk.reason));
      perform cascade_later(array(select waited_for(p_jobs)), 'release', p_bulk.reason);
    when 'kill' then
      perform cancel_jobs(p_jobs, p_bulk.reason, 'dead');
      perform cascade_later(array(select waited_for(p_jobs)), 'release', p_bulk.reason);
    when 'dismiss' then
      perform cancel_jobs(p_jobs, p_bulk.reason);
      perform cascade_later(array(select waited_for(p_jobs)), 'release', p_bulk.reason);
    when 'redrive' then
      p_jobs := array(
        select job_id
        from jobs
        where job_id = any (p_jobs)
          and not is_idle(job_type)
          and not exists (select from open_dependencies_of(job_id)));
      perform redrive_jobs(p_jobs, 'queued');
    when 'retry_now' then
      p_jobs := array(select start_queued(p_jobs));
    when 'set_priority' then
      p_jobs := array(select set_priorities(p_jobs, p_bulk.priority));
    when 'reassign' then
      p_jobs := array(
        select job_id
        from jobs
        where job_id = any (p_jobs) and target_agent <> p_bulk.target_agent and not is_idle(job_type));
      v_agent := agent_named(p_bulk.namespace, p_bulk.target_agent, 'targetAgent');
      perform require_fit(v_agent, subject, trust)
      from (select distinct subject, trust from jobs where job_id = any (p_jobs)) kinds;
      perform give_jobs(p_jobs, v_agent);
  end case;
  return p_jobs;
exception when others then
  -- Whatever it was, the jobs have their turn one by one, and one of them meets it again.
  return '{}';
end
$$;

-- Carries a bulk action out on one locked job, in a subtransaction. Returns the outcome: done; skipped, when
-- the job is not in a state for the operation or is already as it should be; put_off, when another call holds
-- a row that the change needs; or failed with the words of the error.
create or replace function act_on_job(
  p_bulk bulk_actions, p_job_id uuid, out o_outcome text, out o_detail text
) language plpgsql as $$
declare
  v_job jobs;
  v_problem text;
begin
  select * into v_job from jobs where job_id = p_job_id;
  if not p_bulk.filter -> 'state' ? v_job.state then
    -- Another job of the slice has moved it.
    o_outcome := 'skipped';
    return;
  end if;
  o_outcome := case when move_in_bulk(p_bulk, v_job) then 'done' else 'skipped' end;
exception
  when sqlstate 'AB409' then
    get stacked diagnostics v_problem = pg_exception_detail;
    o_outcome := case when v_problem::jsonb ->> 'code' = 'wrong_state' then 'skipped' else 'failed' end;
    o_detail := sqlerrm;
  when deadlock_detected or lock_not_available then
    o_outcome := 'put_off';
  when others then
    o_outcome := 'failed';
    o_detail := sqlerrm;
end
$$;

-- Carries the operation of a bulk action out on one locked job. Returns whether it changed anything.
create or replace function move_in_bulk(p_bulk bulk_actions, p_job jobs) returns boolean
language plpgsql as $$
begin
  case p_bulk.operation
    when 'cancel' then
      return cancel_in_bulk(p_job, p_bulk.reason);
    when 'redrive' then
      perform redrive_one(p_job);
      return true;
    when 'dismiss' then
      return dismiss_one(p_job, p_bulk.reason);
    when 'retry_now' then
      return start_now(p_job, p_bulk.reason);
    when 'kill' then
      return kill_one(p_job, p_bulk.reason);
    when 'set_priority' then
      return set_priority_of(p_job, p_bulk.priority);
    when 'reassign' then
      return reassign_one(p_job, p_bulk.target_agent);
  end case;
end
$$;

-- Cancels a locked job as cancel_job does. The jobs below it are cancelled by a cascade, because their locks
-- would be out of the order of ids.
create or replace function cancel_in_bulk(p_job jobs, p_reason text) returns boolean
language plpgsql as $$
begin
  if not exists (select from jobs where parent_job_id = p_job.job_id) then
    perform cancel_one(p_job, p_reason);
    return true;
  end if;
  perform cancel_jobs(array[p_job.job_id], p_reason);
  perform cascade_later(array[p_job.job_id], 'cancel', format('its parent was cancelled: %s', p_reason));
  perform cascade_later(array(select waited_for(array[p_job.job_id])), 'release', p_reason);
  return true;
end
$$;
