-- Indexes for the reads of the audit log, of flows and of accounts, and the agent of each attempt. Nodes of
-- the previous version may run meanwhile: the new column is nullable, and every claim writes it as soon as
-- the first new node has started.

-- The strongest locks come first, in the order in which a claim takes its locks: a lock that grows during the
-- migration would end in a deadlock with it.
lock table job_attempts, events, audit_log in access exclusive mode;

-- The audit log is read newest first: all of it, by actor, by action, by table, or by row. The indexes
-- leave out what nearly every job writes, because the newest rows hold enough of that, and the dispatch
-- path pays for each entry.
create index audit_log_by_time on audit_log (namespace, created_at, audit_id);
create index audit_log_by_actor on audit_log (namespace, actor, created_at, audit_id)
  where split_part(actor, ':', 1) <> 'dispatcher';
create index audit_log_by_action on audit_log (namespace, action, created_at, audit_id)
  where action <> all ('{job.enqueued,job.leased,job.running,job.succeeded}');
create index audit_log_by_table on audit_log (namespace, table_name, created_at, audit_id)
  where table_name <> 'jobs';
create index audit_log_of_row on audit_log (table_name, row_id, created_at, audit_id);
drop index audit_log_by_row;

create index audit_log_history_by_time on audit_log_history (namespace, created_at, audit_id);
create index audit_log_history_by_actor on audit_log_history (namespace, actor, created_at, audit_id)
  where split_part(actor, ':', 1) <> 'dispatcher';
create index audit_log_history_by_action on audit_log_history (namespace, action, created_at, audit_id)
  where action <> all ('{job.enqueued,job.leased,job.running,job.succeeded}');
create index audit_log_history_by_table on audit_log_history (namespace, table_name, created_at, audit_id)
  where table_name <> 'jobs';
create index audit_log_history_of_row on audit_log_history (table_name, row_id, created_at, audit_id);
drop index audit_log_history_by_row;

-- The relatives of a retired job; live jobs have such indexes already.
create index jobs_history_children on jobs_history (parent_job_id, job_id)
  where parent_job_id is not null;
create index job_dependencies_history_by_target on job_dependencies_history (depends_on, job_id);

alter table jobs_history add column if not exists answered_by text;

-- The attempts of an agent in a window of time. Only ended attempts are in the index, so an attempt is
-- entered when it ends and not with each of its changes. Attempts from before this migration name no agent;
-- a window that reaches so far back finds them by their time, and their agent in their jobs.
alter table job_attempts add column agent_id text;
comment on column job_attempts.agent_id is
  'The agent that had the attempt; null for an attempt of an earlier version. The job may go to another agent later.';
alter table job_attempts_history add column agent_id text;
create index job_attempts_of_agent on job_attempts (namespace, agent_id, started_at)
  where finished_at is not null and agent_id is not null;
create index job_attempts_without_agent on job_attempts (namespace, started_at)
  where finished_at is not null and agent_id is null;
create index job_attempts_history_of_agent on job_attempts_history (namespace, agent_id, started_at)
  where agent_id is not null;
create index job_attempts_history_without_agent on job_attempts_history (namespace, started_at)
  where agent_id is null;

-- The facts that an agent emitted and the jobs that it asked for, without the many other events of the bus.
create index events_of_agent on events (namespace, source_agent, created_at)
  where source_agent is not null and (split_part(topic, '.', 1) <> 'job' or topic = 'job.enqueued');
create index events_history_of_agent on events_history (namespace, source_agent, created_at)
  where source_agent is not null and (split_part(topic, '.', 1) <> 'job' or topic = 'job.enqueued');
