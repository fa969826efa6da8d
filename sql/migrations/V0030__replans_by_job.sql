-- The queued blocked.replan jobs about a job, for the end of its block and for its cancel (drop_replans).
-- Without this index both read each job directly below it.
create index jobs_replans on jobs (parent_job_id)
  where state = 'queued' and subject = 'blocked.replan';
