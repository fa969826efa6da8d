-- Of the jobs after the given seq: how many were done, in how many attempts, and the seconds from the first
-- claim to the last close by the database's clock.
select
  count(distinct j.job_id) filter (where j.state = 'succeeded') as done,
  count(*) as attempts,
  coalesce(extract(epoch from max(a.finished_at) - min(a.started_at)), 0)::double precision as seconds
from jobs j
join job_attempts a using (job_id)
where j.seq > ?::bigint
