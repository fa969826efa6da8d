-- The table and the indexes that db-scheduler's documentation gives for Postgres, in a schema of their own.
create schema if not exists db_scheduler;

create table if not exists db_scheduler.scheduled_tasks (
  task_name text not null,
  task_instance text not null,
  task_data bytea,
  execution_time timestamptz not null,
  picked boolean not null,
  picked_by text,
  last_success timestamptz,
  last_failure timestamptz,
  consecutive_failures int,
  last_heartbeat timestamptz,
  version bigint not null,
  priority smallint,
  primary key (task_name, task_instance)
);
create index if not exists execution_time_idx on db_scheduler.scheduled_tasks (execution_time);
create index if not exists last_heartbeat_idx on db_scheduler.scheduled_tasks (last_heartbeat);
create index if not exists priority_execution_time_idx
  on db_scheduler.scheduled_tasks (priority desc, execution_time asc);
