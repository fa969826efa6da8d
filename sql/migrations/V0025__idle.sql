-- This migration creates the lane of idle thinking (sql/functions/idle) and what the bus keeps of the vault
-- (sql/functions/vault).

-- A job of idle thinking has one attempt: a second thought is another slot. The limit is the wall clock of a
-- run, from its admission.
insert into job_types
  (namespace, job_type, timeout_seconds, hard_timeout_seconds, backoff_seconds, backoff_cap_seconds,
    max_attempts)
select namespace, 'idle', 1200, 1200, 60, 60, 1
from namespaces
on conflict do nothing;

create or replace function furnish_namespace() returns trigger
language plpgsql as $$
begin
  -- A gateway serves every namespace, so the new one gets a row for each gateway of namespace default.
  insert into gateways (namespace, gateway, max_in_flight, url, form)
  select new.namespace, gateway, max_in_flight, url, form
  from gateways
  where namespace = 'default';
  if not found then
    insert into gateways (namespace, gateway) values (new.namespace, 'default');
  end if;
  insert into job_types
    (namespace, job_type, timeout_seconds, backoff_seconds, backoff_cap_seconds, max_attempts)
  values
    (new.namespace, 'reactive', 1800, 5, 900, 5),
    (new.namespace, 'scheduled', 1800, 30, 900, 3),
    (new.namespace, 'recovery', 900, 5, 300, 5),
    (new.namespace, 'delivery', 600, 10, 3600, 8),
    (new.namespace, 'proactive', 1800, 60, 3600, 2),
    (new.namespace, 'dev', 7200, 30, 1800, 3);
  insert into job_types
    (namespace, job_type, timeout_seconds, hard_timeout_seconds, backoff_seconds, backoff_cap_seconds,
      max_attempts)
  values
    (new.namespace, 'idle', 1200, 1200, 60, 60, 1);
  return null;
end
$$;

alter table agents
  add column idle_questions text[] not null default '{}',
  add column idle_budget jsonb not null default '{}' check (jsonb_typeof(idle_budget) = 'object');
comment on column agents.idle_questions is 'The open questions that the agent thinks about in its idle runs, in their order.';
comment on column agents.idle_budget is
  'What idle thinking of the agent may spend in a UTC day, of runs, minutes, tokens and dollars, where it differs from the defaults.';

create table idle_runs (
  idle_run_id uuid primary key default new_id(),
  seq bigint generated always as identity,
  namespace text not null references namespaces,
  agent_id text not null,
  order_name text not null,
  slot_id uuid not null unique,
  job_id uuid not null unique,
  gateway text not null,
  question text not null,
  news jsonb not null default '[]' check (jsonb_typeof(news) = 'array'),
  budget jsonb not null check (jsonb_typeof(budget) = 'object'),
  by_hand boolean not null default false,
  stop_asked_at timestamptz,
  stop_reason text,
  began_at timestamptz,
  outcome text check (outcome in ('completed', 'no_work', 'stopped', 'failed')),
  seconds int not null default 0 check (seconds >= 0),
  tokens bigint check (tokens >= 0),
  cost_usd numeric check (cost_usd >= 0),
  ended_at timestamptz,
  settled_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint an_idle_run_ends_with_its_outcome check ((outcome is null) = (ended_at is null)),
  constraint a_stop_says_why check ((stop_asked_at is null) = (stop_reason is null))
);
comment on table idle_runs is
  'One row for each slot of idle thinking that got a job: its question, what it was told, why it was stopped, and what it has spent.';
comment on column idle_runs.slot_id is
  'The slot and its job. No foreign keys, because both retire at other times.';
comment on column idle_runs.gateway is 'The gateway of the agent when the slot started; one idle run at a time goes on there.';
comment on column idle_runs.question is 'The question of the bank (agents.idle_questions), as it was then.';
comment on column idle_runs.news is
  'The lines about what is new since the run before: objects with kind, id and text.';
comment on column idle_runs.budget is
  'What its agent might spend on the UTC day of its start: runs, minutes, tokens and dollars.';
comment on column idle_runs.by_hand is
  'Whether a person or an agent has started it, past the gate and its budget, and not the bus.';
comment on column idle_runs.stop_asked_at is
  'When the run was asked to close, because work has arrived or a person has stopped it. It is aborted soon after.';
comment on column idle_runs.began_at is 'When the gateway or a worker has admitted the run; null before.';
comment on column idle_runs.outcome is
  'completed and no_work: the agent has closed it. stopped: for arriving work, by a pause or a stop, or given up before it began. failed: any other end.';
comment on column idle_runs.seconds is 'Seconds from its admission to its end; 0 for a run that never began.';
comment on column idle_runs.tokens is 'As the gateway has reported them; null while it has not, or when it never did.';
comment on column idle_runs.cost_usd is 'US dollars, as the gateway has reported them; null as for tokens.';
comment on column idle_runs.settled_at is 'When tokens and cost_usd were looked up for the last time.';
create index idle_runs_listed on idle_runs (namespace, seq);
create index idle_runs_by_agent on idle_runs (namespace, agent_id, created_at);
create index idle_runs_open on idle_runs (namespace, gateway)
  where ended_at is null;
create index idle_runs_to_settle on idle_runs (ended_at)
  where ended_at is not null and settled_at is null;
create index idle_runs_ended on idle_runs (ended_at)
  where ended_at is not null;

create table idle_cadences (
  namespace text not null references namespaces,
  agent_id text not null,
  factor real not null default 1 check (factor between 0.125 and 2),
  reason text not null,
  changed_at timestamptz not null default now(),
  looked_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (namespace, agent_id)
);
comment on table idle_cadences is
  'How often an agent thinks, because of what came of its idle runs: 1 as its order says, 0.5 half as often, 2 twice as often.';
comment on column idle_cadences.changed_at is 'When factor changed; the next change comes after two further weeks.';
comment on column idle_cadences.looked_at is 'When the yield of the agent was last computed.';

-- The few jobs that a claim looks at when no other work is due, and that arriving work stops.
create index jobs_idle on jobs (namespace, seq)
  where job_type = 'idle' and state in ('waiting', 'queued', 'leased', 'running', 'blocked');

create table vaults (
  vault_id uuid primary key default new_id(),
  namespace text not null references namespaces,
  directory text not null,
  visibility text check (visibility in ('shared', 'role')),
  exported_at timestamptz,
  export_seconds real,
  notes int not null default 0,
  written int not null default 0,
  tombstones int not null default 0,
  export_error text,
  export_failed_at timestamptz,
  verified_at timestamptz,
  differences int,
  difference_list jsonb not null default '[]' check (jsonb_typeof(difference_list) = 'array'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table vaults is
  'One row for each folder of Markdown that this bus writes. The folder names its row in a file of its own, so that no bus writes into the vault of another.';
comment on column vaults.directory is 'Where the folder was at the last export, for people; the vault moves with its folder.';
comment on column vaults.visibility is
  'The widest visibility of memories that notes of the vault may still show: role from the beginning of an export that shows those of roles to the end of one that does not.';
comment on column vaults.export_seconds is 'Seconds that the last export that ended well has taken.';
comment on column vaults.notes is 'Notes after the last export that ended well, with tombstones.';
comment on column vaults.written is 'Notes that the last export has written; the others had not changed.';
comment on column vaults.export_error is 'Why the last export has failed; null when it ended well.';
comment on column vaults.differences is 'How many differences the last verification has found; null before the first.';
comment on column vaults.difference_list is 'The first of them: objects with path, kind and text.';
create index vaults_by_namespace on vaults (namespace, created_at);

create table vault_notes (
  vault_id uuid not null references vaults on delete cascade,
  kind text not null,
  row_id text not null,
  path text not null,
  version int not null default 1 check (version > 0),
  content_hash text not null,
  edited_hash text,
  edited_at timestamptz,
  conflict_path text,
  tombstone_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (vault_id, kind, row_id),
  constraint an_edit_says_when check ((edited_hash is null) = (edited_at is null))
);
comment on table vault_notes is
  'One row for each note of a vault: which row it shows, where, and the hash of the text that the bus has written.';
comment on column vault_notes.kind is 'idea, opportunity, memory, report, agent, snapshot, daily or index.';
comment on column vault_notes.row_id is 'The id of the row; for an agent its id, for an index or a daily note its name.';
comment on column vault_notes.path is 'The path below the folder with / between its parts; it stays the same for ever.';
comment on column vault_notes.version is 'How often the bus has written another text.';
comment on column vault_notes.content_hash is
  'The SHA-256 in hex of the text that the bus has written, without the part below ## Notes, which belongs to people.';
comment on column vault_notes.edited_hash is
  'The hash of the text that a person has left there, while it differs from content_hash; null for a note that nobody has edited.';
comment on column vault_notes.conflict_path is 'Where the newer projection of an edited note is; null for none.';
comment on column vault_notes.tombstone_at is 'Since when the row is gone and the note only says so.';
-- On a file system that ignores case, two such paths are one file.
create unique index vault_notes_by_path on vault_notes (vault_id, lower(path));
create index vault_notes_edited on vault_notes (vault_id, edited_at)
  where edited_hash is not null;

insert into retention_rules (table_name, way, key_column, over_column, keep_days)
values
  ('idle_runs', 'deleted', 'idle_run_id', 'ended_at', 400);
