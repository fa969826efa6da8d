-- The history tables hold finished work, so that the live tables stay small.
--
-- A history table has the columns of its live table, a primary key, no other constraint, and no table that
-- refers to it. Only retirement adds rows, only an operator removes them, and nothing changes them.
--
-- The tables are not partitioned, because they are read only by key or by time window. An operator can
-- delete rows by retired_at.

create table jobs_history (
  like jobs,
  retired_at timestamptz not null default now(),
  primary key (job_id)
);
comment on table jobs_history is
  'Finished jobs, which retirement moved here some time after their end. get-job returns them too.';
create index jobs_history_by_end on jobs_history (namespace, ended_at);
create index jobs_history_by_flow on jobs_history (namespace, flow_key, seq)
  where flow_key is not null;

create table job_attempts_history (
  like job_attempts,
  retired_at timestamptz not null default now(),
  primary key (attempt_id)
);
comment on table job_attempts_history is 'The attempts of retired jobs.';
create index job_attempts_history_by_job on job_attempts_history (job_id, attempt_no);

create table job_dependencies_history (
  like job_dependencies,
  retired_at timestamptz not null default now(),
  primary key (job_id, depends_on)
);
comment on table job_dependencies_history is 'The dependencies of retired jobs.';

create table events_history (
  like events,
  retired_at timestamptz not null default now(),
  primary key (event_id)
);
comment on table events_history is
  'Old events, except those of jobs that are still in the table jobs. Their dedupe keys may be used again.';
create index events_history_by_job on events_history (source_job_id, seq)
  where source_job_id is not null;
create index events_history_by_seq on events_history (namespace, seq);

create table audit_log_history (
  like audit_log,
  retired_at timestamptz not null default now(),
  primary key (audit_id)
);
comment on table audit_log_history is
  'Old audit rows, except those of jobs that are still in the table jobs.';
create index audit_log_history_by_row on audit_log_history (table_name, row_id);

create table standing_order_runs_history (
  like standing_order_runs,
  retired_at timestamptz not null default now(),
  primary key (run_id)
);
comment on table standing_order_runs_history is
  'Old slots. The newest slots of each order, and its newest slot that ended well, stay in standing_order_runs.';
create index standing_order_runs_history_by_slot on standing_order_runs_history (namespace, scheduled_for);

create table retention_rules (
  table_name text primary key,
  way text not null check (way in ('moved', 'deleted')),
  key_column text not null,
  over_column text not null,
  keep_days int check (keep_days between 1 and 3650),
  created_at timestamptz not null default now()
);
comment on table retention_rules is
  'How finished rows leave a table that needs no retention function. The migration that creates such a table adds its rule.';
comment on column retention_rules.way is
  'moved: rows go to the table of the same name with the suffix _history. deleted: rows are removed for good.';
comment on column retention_rules.key_column is
  'The column that is the key of the table. No other table may refer to it.';
comment on column retention_rules.over_column is
  'The column with the time since which a row is over; a row with null stays. The column needs an index.';
comment on column retention_rules.keep_days is
  'How many days a row stays after that time; null takes the setting agentbus.history.keep-days.';
