-- Where finished work goes, so that the tables of living work stay small.
--
-- A history table has the columns of its living one, no constraint but its key, and nothing that refers
-- to it. Retirement alone adds rows, rows never change, and an operator alone removes them. These are
-- plain tables and not partitions: they are read by key or by window only, and an operator can delete by
-- retired_at.

create table jobs_history (
  like jobs,
  retired_at timestamptz not null default now(),
  primary key (job_id)
);
comment on table jobs_history is 'Finished jobs, moved here some time after their end; get-job finds them here.';
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
comment on table events_history is 'Old events, but those of living jobs. Their dedupe keys are free again.';
create index events_history_by_job on events_history (source_job_id, seq)
  where source_job_id is not null;
create index events_history_by_seq on events_history (namespace, seq);

create table audit_log_history (
  like audit_log,
  retired_at timestamptz not null default now(),
  primary key (audit_id)
);
comment on table audit_log_history is 'Old audit rows, but those of living jobs.';
create index audit_log_history_by_row on audit_log_history (table_name, row_id);

create table standing_order_runs_history (
  like standing_order_runs,
  retired_at timestamptz not null default now(),
  primary key (run_id)
);
comment on table standing_order_runs_history is
  'Old runs. Each order keeps its newest runs among the living, and the newest that ended well.';
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
  'How finished rows of a table leave it, for tables that need no function of their own. A migration that makes a table adds its rule.';
comment on column retention_rules.way is
  'moved: to the table of the same name with _history behind it. deleted: for good.';
comment on column retention_rules.key_column is 'The column that is the key. No other table may refer to it.';
comment on column retention_rules.over_column is
  'The column with the time since when a row is over; a row without one stays. It needs an index.';
comment on column retention_rules.keep_days is
  'How many days a row stays after that time; null: as the setting agentbus.history.keep-days says.';
