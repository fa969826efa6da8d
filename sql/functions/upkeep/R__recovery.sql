-- The sweep ends attempts whose lease has run out, and blocks whose condition is met. A long gap between
-- two sweeps counts as an outage of the bus, and the sweep then extends the leases of the agents.

-- Returns whether the sweep has to end the attempt of a live job with an expired lease. A hook call that no
-- dispatcher sends any more is instead claimed again with the same attempt, while the attempt is younger
-- than the job's timeout and the gateway still knows its key. That of an idle job is not sent again.
create or replace function lease_is_lost(p_job jobs) returns boolean language sql stable as $$
  select (p_job).state = 'running'
    or (p_job).delivery = 'pull'
    or is_idle((p_job).job_type)
    or (p_job).leased_until <= now() - key_memory()
    or exists (
      select from job_attempts
      where attempt_id = (p_job).live_attempt
        and started_at + make_interval(secs => (p_job).timeout_seconds) <= now())
$$;

-- Returns why the lease of a live job has run out, in words for the attempt, the event and the next prompt.
create or replace function lost_lease_reason(p_job jobs) returns text language sql stable as $$
  select case
    when (p_job).hard_deadline <= now() then
      format('hard timeout: still running %s seconds after it began', (p_job).hard_timeout_seconds)
    when (p_job).state = 'leased' then 'lease ran out before the run was confirmed'
    when exists (
      select from job_attempts
      where attempt_id = (p_job).live_attempt
        and interrupted_at is not null) then 'its gateway was restarted and the run did not come back'
    when (p_job).keeps_lease then 'lease ran out: the agent had renewed it and then fell silent'
    else format('lease ran out: no word for %s seconds', (p_job).timeout_seconds) end
$$;

-- Returns whether the live attempt of a claimed hook job was never sent to the gateway. Such an attempt
-- does not count against max_attempts.
create or replace function never_sent(p_job jobs) returns boolean language sql stable as $$
  select (p_job).state = 'leased'
    and (p_job).delivery = 'hook'
    and exists (
      select from job_attempts
      where attempt_id = (p_job).live_attempt
        and deliveries = 0)
$$;

-- Ends attempts with expired leases, at most p_limit (null: sweep_batch), in one namespace (null: in all).
-- Returns their jobs, which are now queued or dead, as job_row.
-- Jobs that another call has locked are left to the next sweep. A job that cannot be moved does not stop the
-- others; it is tried again later, or at once with p_failed_too.
create or replace function end_expired(
  p_limit int default null, p_namespace text default null, p_failed_too boolean default false
) returns setof jsonb language plpgsql as $$
declare
  v_job jobs;
  v_moved jsonb;
begin
  for v_job in
    select j.*
    from jobs j
    where j.state in ('leased', 'running')
      and j.moved_xid >= claim_floor()
      and j.leased_until <= now()
      and (p_namespace is null or j.namespace = p_namespace)
      and lease_is_lost(j)
      and (p_failed_too or sweep_may_try('lease', j.job_id))
    order by j.leased_until
    limit coalesce(p_limit, sweep_batch())
    for no key update skip locked
  loop
    exit when sweep_time_is_up();
    begin
      v_job := end_lost_lease(v_job);
      v_moved := job_row(v_job, hold_of(v_job));
      perform forget_sweep_failure('lease', v_job.job_id);
      return next v_moved;
    exception when others then
      perform note_sweep_failure('lease', v_job.job_id, v_job.namespace, sqlerrm);
    end;
  end loop;
end
$$;
drop function if exists end_expired(int, text);

-- Ends the live attempt of a locked job whose lease is lost, and returns the job. An idle job ends with it,
-- and no event tells it, because the slot of its order does.
create or replace function end_lost_lease(p_job jobs) returns jobs language plpgsql as $$
declare
  v_error text := lost_lease_reason(p_job);
begin
  if is_idle(p_job.job_type) then
    return finish_attempt(p_job, 'timed_out', 'cancelled', p_error => v_error);
  end if;
  perform append_event(p_job.namespace, 'job.lease_lost', p_job.target_agent, p_job.job_id,
    jsonb_build_object('jobId', p_job.job_id, 'attemptNo', p_job.attempt_no, 'reason', v_error));
  if never_sent(p_job) then
    if p_job.delivery_failures + 1 >= undelivered_tries() then
      return set_aside(p_job, v_error, format(
        '%s attempts in a row were claimed and never sent to the gateway', p_job.delivery_failures + 1));
    end if;
    return finish_attempt(p_job, 'undelivered', 'queued', p_error => v_error, p_counts => false);
  end if;
  return retry_or_die(p_job, 'timed_out', v_error);
end
$$;

-- Returns the time since the last sweep on any node, null for the first sweep, and records the present one.
-- The time belongs to the whole bus, so it is kept in namespace default.
create or replace function time_since_sweep() returns interval language plpgsql as $$
declare
  v_last timestamptz;
begin
  select value::timestamptz into v_last
  from bus_facts
  where namespace = 'default' and name = 'last_recovery'
  for update;
  insert into bus_facts (namespace, name, value)
  values ('default', 'last_recovery', now()::text)
  on conflict (namespace, name) do update
  set value = excluded.value;
  return now() - v_last;
end
$$;

-- Extends the leases of running jobs to outage_grace from now, because no agent could renew during an
-- outage of the bus. The hard deadline stays, and jobs that another call has locked are skipped. A job that
-- cannot be changed does not stop the others.
create or replace function extend_leases_after_outage() returns void language plpgsql as $$
declare
  v_job jobs;
begin
  for v_job in
    select *
    from jobs
    where state = 'running'
      and leased_until < now() + outage_grace()
      and hard_deadline > now()
    for no key update skip locked
  loop
    exit when sweep_time_is_up();
    begin
      update jobs
      set leased_until = least(hard_deadline, now() + outage_grace()), updated_at = now()
      where job_id = v_job.job_id;
    exception when others then
      perform note_sweep_failure('lease', v_job.job_id, v_job.namespace, sqlerrm);
    end;
  end loop;
end
$$;

-- Sweeps every namespace, and writes the claim mark. Returns the jobs that moved, each with what:
-- idle_stopped or lease_lost (and job_row) or unblocked (and job_brief).
create or replace function recover() returns setof jsonb
language plpgsql
set jit = off as $$
begin
  if time_since_sweep() > outage_after() then
    perform extend_leases_after_outage();
  end if;
  perform act_as('{"kind": "dispatcher", "name": "sweep"}', 'idle run asked to close');
  return query select jsonb_build_object('what', 'idle_stopped') || e from end_idle_runs() e;
  perform act_as('{"kind": "dispatcher", "name": "sweep"}', 'lease ran out');
  return query select jsonb_build_object('what', 'lease_lost') || e from end_expired() e;
  perform act_as('{"kind": "dispatcher", "name": "sweep"}', 'what it was blocked on has come');
  return query select jsonb_build_object('what', 'unblocked') || m from move_blocked() m;
  perform forget_old_sweep_failures();
  perform mark_claims();
end
$$;

-- Returns what a node has to look after besides the recovery: cascades and bulk_actions while a batch of them
-- is due, and pauses while there is one. It finds what no notification told.
create or replace function looks_due() returns setof text
language plpgsql stable as $$
begin
  return query
    select 'cascades' where exists (select from cascades where retry_at <= now())
    union all
    select 'bulk_actions' where exists (
      select from bulk_actions where status = 'running' and next_batch_at <= clock_timestamp())
    union all
    select 'pauses' where exists (select from pauses where ended_at is null);
end
$$;

-- Sweeps every namespace (recover), and looks for other work in the same transaction, so that a bus without
-- work pays for one. Returns the jobs that moved as recover does, and then an object with due for each of
-- looks_due.
create or replace function recover_and_look() returns setof jsonb
language plpgsql as $$
begin
  return query select recover();
  return query select jsonb_build_object('due', d) from looks_due() d;
end
$$;

create or replace function requeue_expired(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_moved jsonb;
begin
  perform act_as(p_principal, 'lease ran out');
  select coalesce(jsonb_agg(e), '[]') into v_moved
  from end_expired((p_input ->> 'limit')::int, v_namespace, true) e;
  return jsonb_build_object('jobs', v_moved, 'problems', (
    select coalesce(jsonb_agg(problem), '[]') from leases_left(v_namespace) problem));
end
$$;
comment on function requeue_expired(jsonb, jsonb) is
  'The operation requeueExpired: ends the attempts of the namespace whose lease has run out, without waiting for the sweep. Its answer has the jobs that moved and, as problems, the expired leases that are left.';

-- Returns, in words, the jobs of the namespace that could not be moved although their lease is lost, and the
-- number of lost leases that are left.
create or replace function leases_left(p_namespace text) returns setof text language sql stable as $$
  (
    select format('job %s cannot be moved: %s', row_id, error)
    from sweep_failures
    where what = 'lease' and namespace = p_namespace
    order by created_at
    limit sweep_failures_shown())
  union all
  select format('%s left whose lease has run out: locked by other calls, beyond the limit, or not to be moved',
    count_of(count(*), 'job is', 'jobs are'))
  from jobs j
  where state in ('leased', 'running')
    and leased_until <= now()
    and namespace = p_namespace
    and lease_is_lost(j)
  having count(*) > 0
$$;
