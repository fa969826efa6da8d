-- Standing orders and the ledger of their slots. A slot is a row before it is due, so that a slot without
-- a run is a row as well:
--
--   expected ──► started ──► completed | no_work | failed | blocked ──► started (unblocked, redriven)
--       ├──► no_work   a pre-check found nothing to do, and says what it looked at
--       ├──► skipped   held back on purpose; the summary says why
--       └──► missed    not run in time, and by the order's policy it will not be

create table standing_orders (
  namespace text not null references namespaces,
  order_name text not null check (order_name ~ '^[a-z][a-z0-9-]{0,62}$'),
  agent_id text not null,
  enabled boolean not null default true,
  cron text not null,
  zone text not null default 'UTC',
  words text not null,
  purpose text not null,
  instructions text not null,
  session text not null default 'isolated' check (session ~ '^(isolated|session:.+)$'),
  catch_up text not null default 'latest' check (catch_up in ('skip', 'latest', 'all')),
  catch_up_cap int not null default 3 check (catch_up_cap between 1 and 100),
  stagger_seconds int not null default 60 check (stagger_seconds between 0 and 86400),
  overlap text not null default 'skip' check (overlap in ('skip', 'coalesce', 'queue')),
  grace_seconds int not null default 300 check (grace_seconds between 1 and 604800),
  timeout_seconds int check (timeout_seconds between 1 and 86400),
  job_type text not null default 'scheduled',
  priority int not null default 100 check (priority between 1 and 1000),
  pre_check text check (pre_check ~ '^[a-z][a-z0-9-]{0,40}$'),
  started_by text not null default 'bus' check (started_by in ('bus', 'external')),
  definition_hash text not null,
  planned_until timestamptz not null default now(),
  removed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (namespace, order_name),
  foreign key (namespace, agent_id) references agents,
  constraint a_removed_order_says_when check (enabled = (removed_at is null))
);
comment on table standing_orders is
  'The orders as the route files had them when a node last started; an order that is gone from the files is disabled and keeps its runs.';
comment on column standing_orders.words is 'The schedule in plain words.';
comment on column standing_orders.session is 'isolated: a new session for each run. session:<name>: one that goes on.';
comment on column standing_orders.catch_up is 'What becomes of slots past their grace: skip, run the latest, or run all up to catch_up_cap.';
comment on column standing_orders.stagger_seconds is 'Least time between two catch-up runs, over all orders.';
comment on column standing_orders.overlap is 'What becomes of a slot that is due while a run is under way: skip, coalesce, or queue.';
comment on column standing_orders.grace_seconds is
  'A slot that starts later than this is late, and the catch-up policy decides.';
comment on column standing_orders.pre_check is 'x-y stands for the function precheck_x_y(namespace, agent, since).';
comment on column standing_orders.started_by is
  'external: the bus writes and closes the slots, and a caller starts and finishes the runs.';
comment on column standing_orders.planned_until is 'Every slot up to then has a row; later slots have none yet.';

create table standing_order_runs (
  run_id uuid primary key default new_id(),
  namespace text not null references namespaces,
  agent_id text not null,
  order_name text not null,
  scheduled_for timestamptz not null,
  trigger_source text not null default 'schedule'
    check (trigger_source in ('schedule', 'catch_up', 'manual', 'external')),
  status text not null default 'expected' check (status in
    ('expected', 'started', 'completed', 'no_work', 'blocked', 'failed', 'skipped', 'missed')),
  not_before timestamptz,
  held_by uuid references standing_order_runs on delete set null,
  job_id uuid unique references jobs,
  requested_by text,
  deadline timestamptz,
  summary text,
  evidence jsonb,
  started_at timestamptz,
  finished_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint one_run_for_each_slot unique (namespace, agent_id, order_name, scheduled_for),
  constraint a_run_that_is_over_says_when check (
    (status in ('completed', 'no_work', 'blocked', 'failed', 'skipped', 'missed')) = (finished_at is not null)),
  constraint what_did_not_run_says_why check (status not in ('skipped', 'missed') or summary is not null),
  constraint nothing_found_says_where_it_looked check (status <> 'no_work' or evidence is not null)
) with (
  fillfactor = 85,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 200,
  autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.05,
  autovacuum_analyze_threshold = 200
);
comment on table standing_order_runs is
  'One row for each slot, written before the slot is due, and one for each run that was asked for out of turn.';
comment on column standing_order_runs.scheduled_for is 'The slot; for a run out of turn, the moment it was asked for.';
comment on column standing_order_runs.trigger_source is
  'schedule: on time. catch_up: late, after a time when nothing ran. manual: asked for by a caller. external: started elsewhere.';
comment on column standing_order_runs.not_before is
  'A catch-up run waits until then, so that an outage does not end in a burst.';
comment on column standing_order_runs.held_by is
  'The run that was under way when this slot was due; a held slot is not late.';
comment on column standing_order_runs.deadline is
  'A run without a job of the bus that is not finished by then has failed.';
create index standing_order_runs_to_settle on standing_order_runs (namespace, order_name, scheduled_for)
  where status = 'expected';
create index standing_order_runs_under_way on standing_order_runs (namespace, order_name)
  where status = 'started';
create index standing_order_runs_caught_up on standing_order_runs (namespace, not_before)
  where trigger_source = 'catch_up';
create index standing_order_runs_by_slot on standing_order_runs (namespace, scheduled_for);
create index standing_order_runs_by_order on standing_order_runs (namespace, order_name, scheduled_for desc);
