-- The auditor's deterministic half: what can be seen without a model is seen here, said as events, once each.
-- The auditor agent's standing orders say what it means.

create or replace function error_pattern(p_error text) returns text language sql immutable as $$
  -- Cut last: half an id at the end would be no id, and the same error another text.
  select left(regexp_replace(lower(p_error), '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]+', '#', 'g'), 200)
$$;
comment on function error_pattern(text) is 'An error without its ids and numbers, so that the same error is the same text.';

create or replace function once_key(p_what text, p_at timestamptz) returns text language sql immutable as $$
  -- Seconds since 1970: a time as text is another one on a node whose zone is another.
  select p_what || ':' || coalesce(extract(epoch from p_at)::text, 'never')
$$;
comment on function once_key(text, timestamptz) is 'The dedupe key of something that is said once for each such time, the same from every node.';

create or replace function find_failure_clusters(p_now timestamptz) returns void language sql as $$
  select append_event(namespace, 'audit.failure_cluster', null, null, jsonb_build_object('agentId', target_agent, 'error', sample,
    'pattern', pattern, 'failures', failures, 'jobs', jobs, 'windowMinutes', extract(epoch from cluster_window())::int / 60),
    once_key(target_agent || ':' || md5(pattern), date_trunc('hour', p_now, 'UTC')))
  from (
    select a.namespace, j.target_agent, error_pattern(a.error) as pattern, min(a.error) as sample, count(*) as failures,
      (array_agg(distinct a.job_id))[:20] as jobs
    from job_attempts a join jobs j using (job_id)
    where a.status in ('failed', 'timed_out') and a.finished_at > p_now - cluster_window() and a.error is not null
    group by a.namespace, j.target_agent, error_pattern(a.error)
    having count(*) >= cluster_size()) c
$$;
comment on function find_failure_clusters(timestamptz) is 'audit.failure_cluster: the same agent failed with the same error three times within half an hour; once an hour.';

create or replace function find_rising_dead_letters(p_now timestamptz) returns void language sql as $$
  select append_event(namespace, 'audit.dead_letters_rising', null, null,
    jsonb_build_object('agentId', target_agent, 'lastHour', last_hour, 'hourBefore', hour_before),
    once_key(target_agent, date_trunc('hour', p_now, 'UTC')))
  from (
    select namespace, target_agent, count(*) filter (where ended_at > p_now - interval '1 hour') as last_hour,
      count(*) filter (where ended_at <= p_now - interval '1 hour' and ended_at > p_now - interval '2 hours') as hour_before
    from jobs where state = 'dead'
    group by namespace, target_agent) d
  where last_hour >= dead_letters_to_tell() and last_hour > hour_before
$$;
comment on function find_rising_dead_letters(timestamptz) is 'audit.dead_letters_rising: three or more died within the hour, and more than in the hour before; once an hour.';

create or replace function find_stuck_jobs(p_now timestamptz) returns void language sql as $$
  select append_event(namespace, 'audit.stuck_job', target_agent, job_id, jsonb_build_object('jobId', job_id, 'targetAgent', target_agent,
    'subject', subject, 'state', state, 'why', why, 'nextMove', next_move, 'since', updated_at), once_key(job_id::text, updated_at))
  from stuck_jobs_v
  where updated_at < p_now - stuck_after()
$$;
comment on function find_stuck_jobs(timestamptz) is 'audit.stuck_job: a job that nothing but a person or an agent will move, ten minutes old; once for each standstill.';

create or replace function find_silent_ends(p_now timestamptz) returns void language sql as $$
  select append_event(a.namespace, 'audit.ended_without_closing', j.target_agent, a.job_id, jsonb_build_object('jobId', a.job_id,
    'attemptNo', a.attempt_no, 'targetAgent', j.target_agent, 'subject', j.subject, 'error', a.error), a.attempt_id::text)
  from job_attempts a join jobs j using (job_id)
  where a.finished_at > p_now - silent_ends_window()
    and (a.status = 'failed' and a.error like 'ended\_without\_closing:%'
      -- A run that died with its gateway is not its agent's doing.
      or a.status = 'timed_out' and a.admitted_at is not null and a.interrupted_at is null)
$$;
comment on function find_silent_ends(timestamptz) is 'audit.ended_without_closing: an attempt that was admitted and never closed, whether its gateway reported the end of its run or its lease ran out; once each.';

create or replace function find_silent_orders(p_now timestamptz) returns void language sql as $$
  select append_event(namespace, 'standing_order.silent', null, null, jsonb_build_object('order', order_name, 'agentId', agent_id,
    'lastRun', last_run_at, 'slotsSince', slots_since_last_run), once_key(order_name, last_run_at))
  from standing_order_health_summary_v
  where health = 'silent'
$$;
comment on function find_silent_orders(timestamptz) is 'standing_order.silent: an order that has not really run for longer than its period; once for each silence.';

create or replace function audit_bus(p_now timestamptz default now()) returns void language plpgsql as $$
begin
  perform act_as('{"kind": "dispatcher", "name": "auditor"}', 'seen by the bus itself');
  perform find_failure_clusters(p_now);
  perform find_rising_dead_letters(p_now);
  perform find_stuck_jobs(p_now);
  perform find_silent_ends(p_now);
  perform find_silent_orders(p_now);
end
$$;
comment on function audit_bus(timestamptz) is 'Looks for what needs no model to be seen, and writes an event for each thing once.';
