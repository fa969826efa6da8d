-- Indexes and a table for the reads of the console, whose cost must not grow with the number of jobs.

-- The strongest lock comes first: a lock that grows during the migration would end in a deadlock with a claim
-- of a node of the previous version.
lock table jobs in access exclusive mode;

-- The number of ended jobs in each quarter of a minute, so that the throughput of a week is read from some
-- thousand rows and not from every job.
create table job_ends (
  namespace text not null references namespaces,
  at timestamptz not null,
  succeeded int not null,
  failed int not null,
  dead int not null,
  cancelled int not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (namespace, at)
);
comment on table job_ends is
  'How many jobs ended in each quarter of a minute, by state. See sql/functions/console/R__job_ends.sql.';
comment on column job_ends.at is 'The start of the quarter of a minute; one without ends has no row.';

-- The dead letters of one agent and subject lie together, the oldest first. It replaces an index without the
-- last two columns.
create index jobs_dead_by_subject on jobs (namespace, target_agent, subject, ended_at)
  where state = 'dead';
drop index jobs_dead;

-- Blocked jobs that neither a time nor a job unblocks, in their order of arrival.
create index jobs_blocked_on_people on jobs (namespace, seq)
  where state = 'blocked' and blocked_until is null and blocked_on_job is null;
-- Each job on which others are blocked is found without reading them all.
create index jobs_blocked_by_cause on jobs (namespace, blocked_on_job, job_id)
  where state = 'blocked' and blocked_on_job is not null;
-- Hotspots of retries are few; without this index health reads every job that has not ended.
create index jobs_hotspots on jobs (namespace, target_agent)
  where attempt_count >= 3 and ended_at is null;
-- The filter of jobs reads the jobs of one correlation key by it.
create index jobs_by_correlation on jobs (namespace, correlation_key, seq)
  where correlation_key is not null;
