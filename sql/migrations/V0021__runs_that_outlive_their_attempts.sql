-- The end of an attempt and the end of its run are two events: an agent closes its job, and its run may go
-- on. Such a run keeps its place in the lane until the gateway reports its end. Nodes of the previous
-- version ignore the new columns.

alter table job_attempts add column run_started_at timestamptz;
comment on column job_attempts.run_started_at is
  'When the gateway reported that the run is alive, for the first time since its last start; null without such a report.';
create index job_attempts_going_on on job_attempts (namespace, gateway, finished_at)
  where run_started_at is not null and run_ended_at is null and finished_at is not null;
-- Claims read this index. Without statistics of the new column the planner would expect most of the table in
-- it, until the table is analyzed for another reason.
analyze job_attempts;

alter table gateways add column run_end_seconds int not null default 300 check (run_end_seconds >= 0);
comment on column gateways.run_end_seconds is
  'How long a run keeps its place in the lane after its attempt has ended, while the gateway has not reported its end.';
