-- The newest job, which a bus on the restored database must be able to show.
select json_build_object('jobId', job_id, 'namespace', namespace, 'subject', subject)::text
from (
  select job_id, namespace, subject, seq from jobs
  union all
  select job_id, namespace, subject, seq from jobs_history) j
order by seq desc
limit 1
