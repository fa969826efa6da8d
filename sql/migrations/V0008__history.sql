-- Where finished work goes, so that the tables of the living stay small.
--
-- A history table has the columns of its living one, no constraint but its key, and nothing that refers to it: rows come in
-- by retirement and never change. Nobody but an operator removes them. Plain tables, not partitions: nothing reads them but
-- by key or by window, and what is to go for good can go by retired_at.

create table jobs_history (like jobs, retired_at timestamptz not null default now(), primary key (job_id));
comment on table jobs_history is 'Finished jobs, moved here some time after their end; get-job finds them here.';
create index jobs_history_by_end on jobs_history (namespace, ended_at);
create index jobs_history_by_flow on jobs_history (namespace, flow_key, seq) where flow_key is not null;

create table job_attempts_history (like job_attempts, retired_at timestamptz not null default now(), primary key (attempt_id));
comment on table job_attempts_history is 'The attempts of retired jobs.';
create index job_attempts_history_by_job on job_attempts_history (job_id, attempt_no);

create table job_dependencies_history (like job_dependencies, retired_at timestamptz not null default now(), primary key (job_id, depends_on));
comment on table job_dependencies_history is 'What retired jobs waited for.';

create table events_history (like events, retired_at timestamptz not null default now(), primary key (event_id));
comment on table events_history is 'Old events, but those of jobs that are still among the living. Their dedupe keys are free again.';
create index events_history_by_job on events_history (source_job_id, seq) where source_job_id is not null;
create index events_history_by_seq on events_history (namespace, seq);

create table audit_log_history (like audit_log, retired_at timestamptz not null default now(), primary key (audit_id));
comment on table audit_log_history is 'Old audit rows, but those of jobs that are still among the living.';
create index audit_log_history_by_row on audit_log_history (table_name, row_id);

create table standing_order_runs_history (like standing_order_runs, retired_at timestamptz not null default now(), primary key (run_id));
comment on table standing_order_runs_history is 'Old runs; each order keeps its newest 50 among the living, and the newest that ended well.';
create index standing_order_runs_history_by_slot on standing_order_runs_history (namespace, scheduled_for);

-- When the tables are vacuumed. The server's default waits until a fifth of a table is dead: of a table with a million rows
-- that is two hundred thousand, each of them in the way of every scan of an index that leads to it.

-- Each job dies four times on its way (claimed, admitted, closed, retired); its indexes are what a claim reads.
alter table jobs set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 500);
-- As jobs, one row for each try.
alter table job_attempts set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_insert_scale_factor = 0.05);
-- Only inserted into until retirement removes thousands at a time, always the oldest: those pages are filled again only after
-- a vacuum has found them. Inserts count as well, so that index-only scans stay what they are and no freeze comes as a surprise.
alter table events set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.05);
alter table audit_log set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.05);
-- A few rows, each written over and over: a share of them is nothing, so a number decides.
alter table dispatcher_heartbeats set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000);
alter table gateways set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000);
alter table bus_facts set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000);
-- Written ahead, updated twice, then still: small, but asked by every list and every settling.
alter table standing_order_runs set (autovacuum_vacuum_threshold = 200, autovacuum_analyze_scale_factor = 0.05,
  autovacuum_analyze_threshold = 200);
