-- Alerts: what people are told at once, by an event and an item of needs-me, and not only by the next digest.
-- They are urgent opportunities, the anomalies that the auditor reports, and blocked jobs for which several
-- others wait. Nothing that an idle run or a guess has brought up is an alert.

-- Returns whether a job is idle thinking: a job of the type idle, or of a standing order with a pre-check for
-- quiet hours. False for no job.
create or replace function idle_source(p_namespace text, p_job uuid, p_job_type text) returns boolean
language sql stable as $$
  select coalesce(split_part(p_job_type, '.', 1) = 'idle', false)
    or exists (
      select from standing_orders o
      where o.namespace = p_namespace
        and o.pre_check in ('quiet-queue', 'idle')
        and 'standing_order.' || o.order_name = coalesce(
          (select subject from jobs where job_id = p_job),
          (select subject from jobs_history where job_id = p_job)))
$$;

-- Returns whether an opportunity is an alert: urgent, of some confidence, and from no idle run.
create or replace function is_alert(p_opportunity opportunities) returns boolean
language sql stable as $$
  select (p_opportunity).urgency = 5
    and (p_opportunity).confidence > unsure_confidence()
    and not idle_source(
      (p_opportunity).namespace, (p_opportunity).source_job_id, (p_opportunity).source_job_type)
$$;

-- Returns whether a confidence, as an agent gives it, is a guess: a number up to unsure_confidence of five,
-- or one of the words low, unsure and guess. A number below 1 is a share, so 0.4 is as much as 2 of five.
-- False for null and for any other text.
create or replace function is_guess(p_confidence text) returns boolean
language sql immutable as $$
  select coalesce(case
    when p_confidence ~ '^\d{1,3}(\.\d{1,9})?$' then
      p_confidence::numeric * case when p_confidence::numeric < 1 then 5 else 1 end <= unsure_confidence()
    else lower(trim(p_confidence)) in ('low', 'unsure', 'guess') end, false)
$$;

-- Returns whether an event ops.anomaly is an alert: its payload calls it neither minor nor a guess, and it
-- comes from no idle run.
create or replace function is_major(p_event events) returns boolean
language sql stable as $$
  select lower(coalesce((p_event).payload ->> 'severity', '')) not in ('minor', 'low', 'info')
    and not is_guess((p_event).payload ->> 'confidence')
    and not idle_source((p_event).namespace, (p_event).source_job_id,
      (select job_type from jobs where job_id = (p_event).source_job_id))
$$;

-- Returns how many unfinished jobs wait for a job, directly or through others; counts up to p_most.
create or replace function waiting_below(p_job uuid, p_most int) returns bigint
language sql stable as $$
  with recursive below as (
    select d.job_id
    from job_dependencies d
    where d.depends_on = p_job and d.satisfied_at is null and d.waived_at is null
    union
    select d.job_id
    from below b
    join job_dependencies d on d.depends_on = b.job_id and d.satisfied_at is null and d.waived_at is null
  )
  select count(*)
  from (
    select
    from below b
    join jobs j using (job_id)
    where j.ended_at is null
    limit p_most) w
$$;

-- Returns whether a blocked job is on a critical path: enough others wait for it, no job and no time soon
-- ends its block, and it is neither proactive nor idle.
create or replace function on_critical_path(p_job jobs) returns boolean
language sql stable as $$
  select (p_job).state = 'blocked'
    and (p_job).blocked_on_job is null
    and ((p_job).blocked_until is null or (p_job).blocked_until > now() + coordinator_patience())
    and split_part((p_job).job_type, '.', 1) not in ('proactive', 'idle')
    and waiting_below((p_job).job_id, critical_path_jobs()) >= critical_path_jobs()
$$;

-- Trigger: emits job.critical_path_blocked when a job on a critical path becomes blocked. When others come to
-- wait for a job that is blocked already, needs-me alone tells it.
create or replace function tell_critical_path() returns trigger
language plpgsql as $$
begin
  if on_critical_path(new) then
    perform append_event(new.namespace, 'job.critical_path_blocked', new.target_agent, new.job_id,
      jsonb_strip_nulls(jsonb_build_object(
        'jobId', new.job_id,
        'targetAgent', new.target_agent,
        'subject', new.subject,
        'reason', new.blocked_reason,
        'waiting', waiting_below(new.job_id, count_cap()))));
  end if;
  return null;
end
$$;

-- The condition belongs to the trigger, so that no other update of a job calls the function. A job that is
-- blocked on a job is left out, because a failed dependency can block thousands at once.
create or replace trigger tell_critical_path after update of state on jobs
  for each row
  when (new.state = 'blocked' and old.state <> 'blocked' and new.blocked_on_job is null)
  execute function tell_critical_path();
