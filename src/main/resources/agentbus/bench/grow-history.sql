-- Finished jobs as they are a day later. They pass by the triggers, since a million of them would take hours
-- otherwise.
insert into jobs (
  namespace, target_agent, job_type, subject, state, ended_at, timeout_seconds, hard_timeout_seconds)
select 'default', 'bench-' || n % ?::int + 1, 'reactive', 'bench.work', 'succeeded', now(), 1800, 14400
from generate_series(1, ?::int) n
