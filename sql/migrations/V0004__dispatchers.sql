-- Who dispatches: one row for every start of the process. A row that stopped beating is how a dead dispatcher is seen.

create table dispatcher_heartbeats (
  dispatcher_id text primary key,
  namespace text not null default 'default' references namespaces,
  host text not null,
  pid bigint not null,
  version text not null,
  wake_source text not null check (wake_source in ('listen', 'poll')),
  listener_connected boolean not null default false,
  beat_seconds numeric not null,
  last_seen timestamptz not null default now(),
  last_sweep timestamptz,
  leases_owned int not null default 0,
  busy_agents int not null default 0,
  metrics jsonb not null default '{}',
  stopped_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
) with (fillfactor = 50);
comment on column dispatcher_heartbeats.wake_source is 'listen: notifications wake it and a sweep backs them up. poll: the sweep alone.';
comment on column dispatcher_heartbeats.beat_seconds is 'How often it promises to beat; three beats missed and it counts as stale.';
comment on column dispatcher_heartbeats.stopped_at is 'It said good-bye; null for a dispatcher that died.';
