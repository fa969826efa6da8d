-- A year of a small fleet, as the state machine leaves it. The setting fill.jobs is the number of jobs, each with
-- an attempt, four audit rows and ten events. Triggers are off, so nothing follows from these rows.

set session_replication_role = replica;

insert into agents (namespace, agent_id, accepts)
select 'default', 'agent-' || n, '{work.do}'
from generate_series(0, 9) n;

create temporary table filled as
select n, new_id() as job_id, new_id() as attempt_id,
  now() - interval '365 days' + interval '365 days' * (n::float8 / current_setting('fill.jobs')::int) as at
from generate_series(1, current_setting('fill.jobs')::int) n;

insert into jobs (
  job_id, namespace, target_agent, job_type, subject, payload, payload_bytes, state, timeout_seconds,
  hard_timeout_seconds, attempt_no, attempt_count, summary, created_at, updated_at, ended_at)
select job_id, 'default', 'agent-' || n % 10, 'reactive', 'work.do',
  jsonb_build_object('host', 'web-' || n % 100, 'note', repeat(md5(n::text), 8)), 300, 'succeeded', 600, 3600, 1, 1,
  'checked host web-' || n % 100 || ' and found nothing', at, at, at + interval '5 minutes'
from filled;

insert into job_attempts (attempt_id, namespace, job_id, attempt_no, status, dispatcher_id, started_at, finished_at, prompt)
select attempt_id, 'default', job_id, 1, 'succeeded', 'd', at, at + interval '5 minutes', repeat(md5(n::text), 30)
from filled;

insert into audit_log (namespace, actor, action, table_name, row_id, detail, created_at)
select 'default', 'dispatcher:d', 'job.' || went_to, 'jobs', job_id::text,
  jsonb_strip_nulls(jsonb_build_object('from', came_from, 'to', went_to, 'attemptNo', 1)), at
from filled
cross join (values (1, null, 'queued'), (2, 'queued', 'leased'), (3, 'leased', 'running'), (4, 'running', 'succeeded'))
  as step (no, came_from, went_to)
order by n, no;

insert into events (namespace, topic, source_agent, source_job_id, payload, created_at)
select 'default', 'work.step', 'agent-' || n % 10, job_id,
  jsonb_build_object('step', step, 'note', repeat(md5((n * 10 + step)::text), 4)), at
from filled
cross join generate_series(1, 10) step
order by n, step;

drop table filled;
set session_replication_role = origin;
analyze;
