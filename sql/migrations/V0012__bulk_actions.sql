-- Bulk actions, and an index by which lists and bulk actions find jobs that were set aside.

create table bulk_actions (
  bulk_id uuid primary key default new_id(),
  namespace text not null references namespaces,
  operation text not null check (operation in
    ('cancel', 'redrive', 'dismiss', 'retry_now', 'kill', 'set_priority', 'reassign')),
  filter jsonb not null,
  priority int check (priority between 1 and 1000),
  target_agent text,
  reason text not null,
  started_by text not null,
  idempotency_key text,
  frozen_up_to bigint not null,
  at_seq bigint,
  searched boolean not null default false,
  put_off uuid[] not null default '{}',
  waits int not null default 0,
  next_batch_at timestamptz not null default now(),
  status text not null default 'running' check (status in ('running', 'stopped', 'done')),
  stopped_by text,
  stop_reason text,
  total int,
  done int not null default 0,
  skipped int not null default 0,
  failed int not null default 0,
  failures jsonb not null default '[]',
  trouble text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  ended_at timestamptz,
  constraint a_priority_is_set_with_a_priority check ((operation = 'set_priority') = (priority is not null)),
  constraint a_reassignment_names_an_agent check ((operation = 'reassign') = (target_agent is not null)),
  constraint an_ended_bulk_action_says_when check ((status = 'running') = (ended_at is null))
) with (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 200,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 1000
);
comment on table bulk_actions is
  'Actions of an operator on all jobs that match a filter, carried out in batches by the nodes, with their progress and outcome.';
comment on column bulk_actions.filter is
  'The filter in the normal form of job_filter, narrowed to the states that the operation fits. A job is compared with it when its batch comes.';
comment on column bulk_actions.target_agent is 'Of reassign: the agent that gets the jobs.';
comment on column bulk_actions.started_by is 'The actor, as in the audit log; the changes of the jobs have the same actor.';
comment on column bulk_actions.frozen_up_to is
  'The highest seq when the action began. Jobs that arrived later are left alone.';
comment on column bulk_actions.at_seq is 'The seq at which the last batch ended; null before the first batch.';
comment on column bulk_actions.searched is 'Whether all jobs were searched, so that only those of put_off are left.';
comment on column bulk_actions.put_off is
  'Jobs that another call had locked when their batch came; they are tried again after the last batch.';
comment on column bulk_actions.waits is
  'How many batches in a row found every job of put_off still locked; after some more these jobs count as failed.';
comment on column bulk_actions.total is
  'How many jobs matched at the beginning; null when there were more than the preview counts.';
comment on column bulk_actions.skipped is
  'Jobs that had left the state for the operation, or no longer matched the filter, when their turn came.';
comment on column bulk_actions.failed is 'Jobs whose change was refused or failed; failures has the first of them.';
comment on column bulk_actions.trouble is
  'Why the last batch failed as a whole and is tried again; null after a batch that went well.';
comment on column bulk_actions.failures is 'The first failed jobs: jobId and detail, the words of the refusal.';
create unique index bulk_actions_one_per_key on bulk_actions (namespace, idempotency_key)
  where idempotency_key is not null;
create index bulk_actions_listed on bulk_actions (namespace, bulk_id);
create index bulk_actions_due on bulk_actions (next_batch_at)
  where status = 'running';
create index bulk_actions_ended on bulk_actions (ended_at)
  where ended_at is not null;

insert into retention_rules (table_name, way, key_column, over_column, keep_days)
values ('bulk_actions', 'deleted', 'bulk_id', 'ended_at', null);

-- No job on its normal way from queued to succeeded is in this index, so the dispatch path does not pay for
-- it.
create index jobs_set_aside on jobs (namespace, state, seq)
  where state in ('waiting', 'blocked', 'failed', 'dead', 'cancelled');
