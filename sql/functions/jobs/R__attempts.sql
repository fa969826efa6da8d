-- The fence of a job, and the end of its attempts. Attempts end in finish_attempt, except by a block
-- (block_live_job, block_attempt), by a cancel (cancel_jobs) or in a batch of closes (complete_jobs).
--
-- Locks: a call that needs several jobs locks them all at its beginning, in the order of their ids
-- (lock_jobs), or skips locked ones. So the end of a child and the cancelling of its parent cannot wait for
-- each other.
-- Remaining deadlock: job A starts depending on B while another call waits for B's lock. Postgres aborts
-- one; the doors retry once.

-- Locks the jobs in the order of their ids.
create or replace function lock_jobs(p_jobs uuid[]) returns void
language plpgsql
set plan_cache_mode = force_generic_plan as $$
begin
  perform from jobs where job_id = any (p_jobs) order by job_id for no key update;
end
$$;

-- Locks the jobs, and the jobs that may move when they end, if these are few (dependents_to_lock).
create or replace function lock_for_end(p_jobs uuid[]) returns void
language plpgsql as $$
begin
  perform lock_jobs(p_jobs || dependents_to_lock(p_jobs));
end
$$;

drop function if exists dependents_of(uuid[]);
drop function if exists try_lock_dependents(uuid);

-- Locks the job of the input and fetches the attempt of the caller's token. Refuses the token of another
-- job (403); the caller checks whether the attempt is still live.
create or replace function fenced_job(
  p_principal jsonb, p_input jsonb, out o_job jobs, out o_attempt job_attempts
)
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
begin
  select * into o_job
  from jobs
  where job_id = (p_input ->> 'jobId')::uuid and namespace = v_namespace
  for no key update;
  if not found then
    o_job := job_of(v_namespace, (p_input ->> 'jobId')::uuid);
  end if;
  select * into o_attempt from job_attempts where attempt_id = (p_principal ->> 'attemptId')::uuid;
  if o_attempt.job_id is distinct from o_job.job_id then
    perform refuse(403, 'wrong_attempt', format('this token is for job %s, not for job %s', o_attempt.job_id, o_job.job_id),
      'jobId', p_input -> 'jobId', o_attempt.job_id::text);
  end if;
end
$$;
comment on function fenced_job(jsonb, jsonb) is
  'Locks the job and fetches the attempt of the caller''s token.';

-- Keeps a report of an attempt that is over as the event job.late_report, with long fields cut, and returns
-- the problem stale_attempt. The problem is returned and not raised, so that the event is not rolled back.
-- The same report is kept once, and an attempt has at most late_reports_kept; further ones are counted.
create or replace function late_report(p_operation text, p_job jobs, p_attempt job_attempts, p_input jsonb)
returns jsonb language plpgsql as $$
declare
  v_message text := format('attempt %s of job %s is over (%s); the job is %s and was not changed', p_attempt.attempt_no,
    p_job.job_id, p_attempt.status, p_job.state);
  v_key text := md5(p_attempt.attempt_id || p_operation || p_input);
begin
  if (select count(*) from events
      where source_job_id = p_job.job_id and topic = 'job.late_report'
        and payload -> 'attemptNo' = to_jsonb(p_attempt.attempt_no)) < late_reports_kept() then
    perform append_event(p_job.namespace, 'job.late_report', p_job.target_agent, p_job.job_id,
      jsonb_build_object('jobId', p_job.job_id, 'attemptNo', p_attempt.attempt_no, 'attemptStatus', p_attempt.status,
        'operation', p_operation,
        'report', cut_fields(p_input - 'jobId' - 'namespace', late_report_text())), v_key);
  else
    update job_attempts set late_reports = late_reports + 1 where attempt_id = p_attempt.attempt_id;
  end if;
  return jsonb_build_object('problem', jsonb_build_object('status', 409, 'code', 'stale_attempt', 'detail', v_message,
    'field', 'token', 'expected', 'the token of the live attempt, which its own prompt holds'));
end
$$;

-- Makes a locked leased job running and returns its new row. The agent now holds the lease, for the timeout
-- of the job, and the hard timeout starts.
create or replace function begin_running(p_job jobs) returns jobs
language plpgsql as $$
begin
  -- Here and wherever a row is known, the condition is the id alone. A condition on the state lets the
  -- planner take the small index of live jobs, which keeps a dead entry of every past job while a
  -- transaction is held open.
  update job_attempts set status = 'running', admitted_at = coalesce(admitted_at, now()), updated_at = now()
  where attempt_id = p_job.live_attempt;
  update jobs
  set state = 'running', lease_owner = 'agent:' || target_agent,
    leased_until = least(
      case when keeps_lease then leased_until else now() + make_interval(secs => timeout_seconds) end,
      now() + make_interval(secs => hard_timeout_seconds)),
    hard_deadline = now() + make_interval(secs => hard_timeout_seconds),
    updated_at = now()
  where job_id = p_job.job_id
  returning * into p_job;
  return p_job;
end
$$;

drop function if exists end_attempt(jobs, text, text, timestamptz, text, text, jsonb, boolean);

-- Ends the live attempt of a locked job with p_status, moves the job to p_state and, if the job has ended,
-- releases the jobs that wait for its end. With p_counts false the attempt does not count against
-- max_attempts and keeps no prompt, because such attempts can be many and their agent got none.
-- The run of a cancelled or timed out attempt is stopped at its gateway. To block a job, use
-- block_live_job. An idle job is not tried again: it ends where another would be queued or dead.
create or replace function finish_attempt(
  p_job jobs, p_status text, p_state text, p_run_after timestamptz default null,
  p_summary text default null, p_error text default null, p_result jsonb default null,
  p_counts boolean default true
) returns jobs language plpgsql as $$
declare
  v_attempt uuid := p_job.live_attempt;
begin
  if is_idle(p_job.job_type) and p_state in ('queued', 'dead') then
    p_state := end_of_idle_attempt(p_job, p_status, p_error);
  end if;
  update job_attempts
  set status = p_status, summary = p_summary, error = p_error, finished_at = now(), updated_at = now(),
    prompt = case when p_counts then prompt end
  where attempt_id = v_attempt;
  update jobs
  set state = p_state,
    run_after = coalesce(p_run_after, run_after),
    attempt_count = attempt_count - (not p_counts)::int,
    delivery_failures = case when p_status = 'undelivered' then delivery_failures + 1 else 0 end,
    summary = coalesce(p_summary, summary),
    last_error = coalesce(p_error, last_error),
    result = coalesce(p_result, result),
    ended_at = case when p_state in ('succeeded', 'failed', 'dead', 'cancelled') then now() end,
    updated_at = now()
  where job_id = p_job.job_id
  returning * into p_job;
  if p_status in ('cancelled', 'timed_out') then
    -- The agent did not end the attempt itself, so the run may still be at work and has to be stopped.
    perform request_abort(v_attempt, coalesce(p_error, p_status));
  end if;
  if p_job.ended_at is not null then
    perform release_dependents(p_job);
  end if;
  return p_job;
end
$$;

-- Ends the live attempt of a locked job as a failure. The job is dead when its attempts are used up;
-- otherwise it is queued again after p_wait or the backoff of its job type.
create or replace function retry_or_die(
  p_job jobs, p_status text, p_error text, p_wait interval default null, p_result jsonb default null
) returns jobs language plpgsql as $$
begin
  if p_job.attempt_count >= p_job.max_attempts then
    return finish_attempt(p_job, p_status, 'dead', p_error => p_error, p_result => p_result);
  end if;
  return finish_attempt(p_job, p_status, 'queued', p_error => p_error, p_result => p_result,
    p_run_after => now() + coalesce(p_wait, backoff(p_job.namespace, p_job.job_type, p_job.attempt_count)));
end
$$;

-- Returns the first dependency of a job that ended without success and was not waived; no row when there is
-- none.
create or replace function spoiled_dependency(p_job_id uuid) returns setof jobs
language sql stable as $$
  select t.* from job_dependencies d join jobs t on t.job_id = d.depends_on
  where d.job_id = p_job_id and d.satisfied_at is null and d.waived_at is null and t.state in ('failed', 'dead', 'cancelled')
  order by t.seq
  limit 1
$$;

-- Returns whether p_job_id depends on the success of p_other. If not, any end of p_other ends a block on
-- it.
create or replace function needs_success(p_job_id uuid, p_other uuid) returns boolean
language sql stable as $$
  select exists (select from job_dependencies
    where job_id = p_job_id and depends_on = p_other and satisfied_at is null and waived_at is null)
$$;

-- Returns the number of dependencies of a job that are neither satisfied nor waived.
create or replace function open_count(p_job_id uuid) returns int
language sql stable as $$
  select count(*)::int
  from job_dependencies
  where job_id = p_job_id and satisfied_at is null and waived_at is null
$$;
