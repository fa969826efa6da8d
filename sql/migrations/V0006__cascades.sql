-- This migration lets the end of a job move any number of other jobs: the end commits at once, and the rest
-- follows in batches (sql/functions/jobs/R__cascades.sql).

create table cascades (
  job_id uuid not null,
  kind text not null check (kind in ('cancel', 'release')),
  namespace text not null,
  actor text not null,
  why text not null default '',
  spared uuid,
  after_id uuid not null default '00000000-0000-0000-0000-000000000000',
  left_behind boolean not null default false,
  retry_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (job_id, kind)
) with (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 200,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 1000
);
comment on table cascades is
  'One row for each end of a job that still has to move other jobs. The row is written in the transaction that ends the job, and is deleted with the last batch.';
comment on column cascades.kind is
  'release: the jobs that wait for this one go on or are blocked. cancel: the unfinished jobs below this one are cancelled.';
comment on column cascades.actor is 'The actor of the audit rows: the caller who ended the job.';
comment on column cascades.why is 'The reason in the audit rows; of a cancel, also the last error of the jobs below.';
comment on column cascades.spared is
  'Of a cancel: the job of the calling attempt, which stays with everything below it.';
comment on column cascades.after_id is 'The next batch begins after this id.';
comment on column cascades.left_behind is
  'Whether this pass has skipped jobs that another call had locked; then a further pass follows.';

-- Each batch of a cascade reads one of the next three indexes from the id at which the last batch ended, so
-- its cost depends neither on the number of dependents nor on the plan of a join. Two replace an index
-- without the id.
create index job_dependencies_open on job_dependencies (depends_on, job_id)
  where satisfied_at is null;
create index jobs_by_block on jobs (blocked_on_job, job_id)
  where blocked_on_job is not null;
create index jobs_children on jobs (parent_job_id, job_id)
  where parent_job_id is not null;
drop index jobs_blocked_on_job;
drop index jobs_by_parent;

comment on column jobs.coalesce_key is
  'What further work joins this job while it is queued: the topic pattern of a subscription, or blocked_on: and the id of the job on which the jobs of a blocked.replan job are blocked.';
