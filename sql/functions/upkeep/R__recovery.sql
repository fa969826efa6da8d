-- The sweep ends attempts whose lease has run out, and blocks whose condition is met. A long gap between
-- two sweeps counts as an outage of the bus, and the sweep then extends the leases of the agents.

-- Returns whether the sweep has to end the attempt of a live job with an expired lease. A hook call that no
-- dispatcher sends any more is instead claimed again with the same attempt, while the attempt is younger
-- than the job's timeout and the gateway still knows its key.
create or replace function lease_is_lost(p_job jobs) returns boolean language sql stable as $$
  select (p_job).state = 'running'
    or (p_job).delivery = 'pull'
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
-- Jobs that another call has locked, and jobs with locked dependents, are left to the next sweep.
create or replace function end_expired(p_limit int default null, p_namespace text default null)
returns setof jsonb language plpgsql as $$
declare
  v_job jobs;
  v_error text;
begin
  for v_job in
    select j.*
    from jobs j
    where j.state in ('leased', 'running')
      and j.leased_until <= now()
      and (p_namespace is null or j.namespace = p_namespace)
      and lease_is_lost(j)
    order by j.leased_until
    limit coalesce(p_limit, sweep_batch())
    for no key update skip locked
  loop
    continue when not try_lock_dependents(v_job.job_id);
    v_error := lost_lease_reason(v_job);
    perform append_event(v_job.namespace, 'job.lease_lost', v_job.target_agent, v_job.job_id,
      jsonb_build_object('jobId', v_job.job_id, 'attemptNo', v_job.attempt_no, 'reason', v_error));
    if never_sent(v_job) then
      v_job := end_attempt(v_job, 'undelivered', 'queued', p_error => v_error, p_counts => false);
    else
      v_job := retry_or_die(v_job, 'timed_out', v_error);
    end if;
    return next job_row(v_job, hold_of(v_job));
  end loop;
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
-- outage of the bus. The hard deadline stays, and jobs that another call has locked are skipped.
create or replace function extend_leases_after_outage() returns void language sql as $$
  update jobs
  set leased_until = least(hard_deadline, now() + outage_grace()), updated_at = now()
  where job_id in (
    select job_id
    from jobs
    where state = 'running'
      and leased_until < now() + outage_grace()
      and hard_deadline > now()
    for no key update skip locked)
$$;

-- Sweeps every namespace, and writes the claim mark. Returns the jobs that moved, each with what:
-- lease_lost (and job_row) or unblocked (and job_brief).
create or replace function recover() returns setof jsonb language plpgsql as $$
begin
  if time_since_sweep() > outage_after() then
    perform extend_leases_after_outage();
  end if;
  perform act_as('{"kind": "dispatcher", "name": "sweep"}', 'lease ran out');
  return query select jsonb_build_object('what', 'lease_lost') || e from end_expired() e;
  perform act_as('{"kind": "dispatcher", "name": "sweep"}', 'what it was blocked on has come');
  return query select jsonb_build_object('what', 'unblocked') || m from move_blocked() m;
  perform mark_claims();
end
$$;

create or replace function requeue_expired(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
begin
  perform act_as(p_principal, 'lease ran out');
  return jsonb_build_object('jobs', coalesce((
    select jsonb_agg(e) from end_expired((p_input ->> 'limit')::int, v_namespace) e), '[]'));
end
$$;
comment on function requeue_expired(jsonb, jsonb) is
  'The operation requeueExpired: ends the attempts of the namespace whose lease has run out, without waiting for the sweep.';
