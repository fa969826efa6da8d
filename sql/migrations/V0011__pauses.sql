-- This migration lets a person stop work: pause or drain an agent, a job type, a gateway or everything, stop
-- everything at once, freeze the writes of a phase or an agent, and disable a standing order.

-- The strongest locks come first; see V0014.
lock table standing_orders, jobs in access exclusive mode;

create table pauses (
  pause_id uuid primary key default new_id(),
  namespace text not null references namespaces,
  kind text not null check (kind in ('agent', 'job_type', 'gateway', 'everything', 'phase')),
  name text,
  mode text not null check (mode in ('pause', 'drain', 'stop', 'freeze')),
  reason text not null,
  paused_by text not null,
  since timestamptz not null default now(),
  until timestamptz,
  drained_at timestamptz,
  ended_at timestamptz,
  ended_by text,
  end_reason text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint everything_has_no_name check ((kind = 'everything') = (name is null)),
  constraint only_everything_is_stopped check (mode <> 'stop' or kind = 'everything'),
  constraint writes_are_frozen_by_phase_or_agent check (
    case mode when 'freeze' then kind in ('phase', 'agent') else kind <> 'phase' end),
  constraint an_ended_pause_says_by_whom check ((ended_at is null) = (ended_by is null))
);
comment on table pauses is
  'What people have stopped, and until when. A row without ended_at is in force. For agents the columns paused_at to paused_reason of agents decide about claims, and the row keeps the mode and the history.';
comment on column pauses.kind is 'What is stopped: an agent, a job type, a gateway, everything, or a phase.';
comment on column pauses.name is
  'The agent, job type, gateway or phase; null for everything. The job type dev covers dev.<kind> too.';
comment on column pauses.mode is
  'pause: nothing new is claimed. drain: the same, and the end of the last run is reported. stop: running attempts were ended too. freeze: new writes are refused, and claims go on.';
comment on column pauses.paused_by is 'The actor, as in the audit log; so is ended_by.';
comment on column pauses.since is 'When the present mode and reason began.';
comment on column pauses.until is 'When the pause ends by itself; null for one that a person ends.';
comment on column pauses.drained_at is 'When the last run of a drain was over; null before.';
comment on column pauses.end_reason is 'Why the pause ended, in words.';
create unique index pauses_in_force on pauses (namespace, kind, coalesce(name, ''), (mode = 'freeze'))
  where ended_at is null;
create index pauses_listed on pauses (namespace, pause_id);
create index pauses_by_end on pauses (ended_at)
  where ended_at is not null;

-- Agents that an operator has paused already get their row, so that one list shows every pause.
insert into pauses (namespace, kind, name, mode, reason, paused_by, since,
  until)
select namespace, 'agent', agent_id, 'pause', paused_reason, 'operator:' || coalesce(paused_by, ''), paused_at,
  paused_until
from agents
where paused_at is not null
  and refusal_cause is null
  and paused_by is distinct from 'dispatcher';

insert into retention_rules (table_name, way, key_column, over_column, keep_days)
values ('pauses', 'deleted', 'pause_id', 'ended_at', null);

-- While a job type is paused, a claim reads the queue of each other type of a lane by this index, so that
-- many queued jobs of the paused type cost it nothing.
create index jobs_to_claim_by_type
  on jobs (namespace, target_agent, job_type, priority desc, run_after, seq, moved_xid)
  where state = 'queued';

alter table standing_orders
  add column phase int check (phase between 1 and 5),
  add column disabled_at timestamptz,
  add column disabled_by text,
  add column disabled_reason text,
  add constraint a_disabled_order_says_why check (
    (disabled_at is null) = (disabled_by is null) and (disabled_at is null) = (disabled_reason is null));
comment on column standing_orders.phase is
  'The phase whose folder has the route file of the order; null for an order of no phase.';
comment on column standing_orders.disabled_at is
  'When an operator disabled the order; null while it is enabled. A sync of the route files does not change it.';
comment on column standing_orders.disabled_by is 'The actor who disabled the order, as in the audit log.';
comment on column standing_orders.disabled_reason is 'Why the order was disabled.';
