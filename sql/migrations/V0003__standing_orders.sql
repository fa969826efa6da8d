-- This migration creates standing orders and their slots. The row of a slot exists before the slot is due,
-- so a slot that never ran has a row too:
--
--   expected ──► started ──► completed | no_work | failed | blocked ──► started (unblocked, redriven)
--       ├──► no_work   a pre-check found nothing to do; evidence says what it checked
--       ├──► skipped   held back on purpose; the summary says why
--       └──► missed    not run in time, and the order's policy does not catch it up

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
  'The standing orders that the route files had when a node last started. An order that is gone from the files is disabled and keeps its slots.';
comment on column standing_orders.words is 'The schedule in plain words.';
comment on column standing_orders.session is
  'isolated: each run has a new session. session:<name>: all runs share the session of that name.';
comment on column standing_orders.catch_up is
  'What happens to slots past their grace: skip runs none, latest runs the newest, all runs the newest up to catch_up_cap.';
comment on column standing_orders.stagger_seconds is
  'The shortest time between two catch-up runs, over all orders of the namespace.';
comment on column standing_orders.overlap is
  'What happens to a slot that is due while another run of the order is under way: skip, coalesce, or queue.';
comment on column standing_orders.grace_seconds is
  'A slot that has not started within this time is late, and the catch-up policy decides.';
comment on column standing_orders.pre_check is
  'The name of the pre-check; x-y stands for the function precheck_x_y(namespace, agent, since).';
comment on column standing_orders.started_by is
  'external: a caller starts and finishes the runs; the bus writes the slots and closes overdue ones.';
comment on column standing_orders.planned_until is
  'Slots up to this time have rows; later slots do not have rows yet.';

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
  'One row for each slot, written before the slot is due, and one for each run outside the schedule.';
comment on column standing_order_runs.scheduled_for is
  'The time of the slot; for a run outside the schedule, the time of the request.';
comment on column standing_order_runs.trigger_source is
  'schedule: on time. catch_up: late, after a time when nothing ran. manual: requested by a caller. external: started elsewhere.';
comment on column standing_order_runs.not_before is
  'A catch-up run does not start before this time, so that the runs after an outage do not all start at once.';
comment on column standing_order_runs.held_by is
  'The run that was under way when this slot was due. A held slot is not late.';
comment on column standing_order_runs.deadline is
  'A run without a job of the bus has failed if it is not finished by this time.';
create index standing_order_runs_to_settle on standing_order_runs (namespace, order_name, scheduled_for)
  where status = 'expected';
create index standing_order_runs_under_way on standing_order_runs (namespace, order_name)
  where status = 'started';
create index standing_order_runs_caught_up on standing_order_runs (namespace, not_before)
  where trigger_source = 'catch_up';
create index standing_order_runs_by_slot on standing_order_runs (namespace, scheduled_for);
create index standing_order_runs_by_order on standing_order_runs (namespace, order_name, scheduled_for desc);
