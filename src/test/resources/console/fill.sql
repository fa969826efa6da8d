-- Fills a database for the tests of the console's reads. The setting fill.jobs is the number of jobs; there are
-- as many events and a fifth as many audit rows. A tenth of the jobs has not ended or is dead: of 1,000,000
-- jobs 40,000 are queued, 20,000 wait for others, 20,000 are blocked, 19,000 are dead letters and 1,000 are
-- at work. Ten agents have five subjects each. Triggers are off, so nothing follows from these rows.

set session_replication_role = replica;

insert into agents (namespace, agent_id, accepts, max_concurrency)
select 'default', 'agent-' || n, array(select 'work.s' || s from generate_series(0, 4) s), 10
from generate_series(0, 9) n;

insert into jobs (
  job_id, namespace, target_agent, job_type, subject, payload, payload_bytes, state, priority, run_after,
  open_dependencies, live_attempt, leased_until, lease_owner, timeout_seconds, hard_timeout_seconds,
  attempt_no, attempt_count, flow_key, correlation_key, source_agent,
  blocked_reason, blocked_on_job, blocked_on_person, summary, last_error, created_at, updated_at, ended_at)
select
  ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
  'default', 'agent-' || n % 10, case n % 7 when 0 then 'scheduled' else 'reactive' end, 'work.s' || n / 10 % 5,
  jsonb_build_object('host', 'web-' || n % 100, 'note', repeat(md5(n::text), 4)), 180,
  state, 100 + n % 3 * 10, at,
  case when state = 'waiting' then 1 else 0 end,
  case when state = 'running' then ('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid end,
  case when state = 'running' then now() + interval '10 minutes' end,
  case when state = 'running' then 'agent' end,
  600, 3600, 1, case when state = 'dead' then 5 else 1 end,
  case when n % 5 = 0 then 'flow-' || n / 500 end, case when n % 9 = 0 then 'ticket-' || n / 9 end,
  'agent-' || n % 3,
  case when state = 'blocked' then 'question ' || n / 100 % 40 end,
  case when state = 'blocked' and k < 730 then ('00000000-0000-7000-8000-' || lpad(to_hex(n - k + 700), 12, '0'))::uuid end,
  case when state = 'blocked' and k >= 730 then 'anna' end,
  case when state = 'succeeded' then 'checked host web-' || n % 100 || ' and found nothing' end,
  case when state in ('dead', 'failed') then 'connection to web-' || n % 100 || ' refused' end,
  at, at, case when state in ('succeeded', 'failed', 'dead', 'cancelled') then at + interval '5 minutes' end
from (
  select n, n % 1000 as k,
    now() - interval '7 days' + interval '7 days' * (n::float8 / current_setting('fill.jobs')::int) as at,
    case
      when n % 1000 < 850 then case
        when n % 1000 between 700 and 719 then 'failed'
        when n % 1000 between 720 and 739 then 'blocked'
        when n % 1000 between 740 and 758 then 'dead'
        when n % 10000 = 759 then 'running'
        when n % 1000 between 760 and 779 then 'waiting'
        else 'succeeded' end
      when n % 1000 < 890 then 'queued'
      when n % 1000 < 910 then 'cancelled'
      else 'succeeded' end as state
  from generate_series(0, current_setting('fill.jobs')::int - 1) n
) j;

insert into job_attempts (attempt_id, namespace, job_id, attempt_no, status, dispatcher_id, started_at)
select live_attempt, namespace, job_id, 1, 'running', 'd', now() - interval '1 minute'
from jobs
where state = 'running';

insert into events (namespace, topic, source_agent, source_job_id, payload, payload_bytes, created_at)
select
  'default',
  'job.' || (array['enqueued', 'succeeded', 'failed', 'blocked'])[n % 4 + 1],
  'agent-' || n % 10,
  ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
  jsonb_build_object('jobId', n, 'reason', 'as planned'), 60,
  now() - interval '7 days' + interval '7 days' * (n::float8 / current_setting('fill.jobs')::int)
from generate_series(0, current_setting('fill.jobs')::int - 1) n;

insert into audit_log (namespace, actor, action, table_name, row_id, why, created_at)
select
  'default', 'operator:anna', 'job.enqueued', 'jobs',
  '00000000-0000-7000-8000-' || lpad(to_hex(n * 5), 12, '0'), 'as planned',
  now() - interval '7 days' + interval '7 days' * (n * 5::float8 / current_setting('fill.jobs')::int)
from generate_series(0, current_setting('fill.jobs')::int / 5 - 1) n;

set session_replication_role = origin;
