-- The memories for a job that is given as columns of jobs, found as for an attempt of it.
select m.memory_id, m.rank, m.bucket, m.score, m.tokens
from (select jsonb_populate_record(null::jobs, ?::jsonb) as job) given
cross join lateral memories_for_job('default', (given.job).target_agent, (given.job).subject,
  job_text(given.job),
  job_keys((given.job).payload, (given.job).flow_key, (given.job).correlation_key, ?::jsonb)) m
order by m.rank
