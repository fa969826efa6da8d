-- Who is there: namespaces, the gateways they run on, the agents, and the tokens that let somebody in.
--
-- Glossary, used with these meanings in every table, function and route:
--   job      one piece of work for one agent         attempt  one try at a job; its id is the fence
--   lease    how long an attempt may stay silent     lane     an agent's way to its gateway; can be stopped
--   gateway  an OpenClaw that runs agents            flow     jobs that belong together (flow_key)

create table namespaces (
  namespace text primary key check (namespace ~ '^[a-z][a-z0-9-]{0,62}$'),
  created_at timestamptz not null default now()
);
comment on table namespaces is 'A cell: nothing crosses from one to another.';

create table gateways (
  namespace text not null references namespaces,
  gateway text not null check (gateway ~ '^[a-z][a-z0-9-]{0,62}$'),
  max_in_flight int not null default 7 check (max_in_flight between 1 and 10000),
  failures int not null default 0,
  held_until timestamptz,
  hold_reason text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (namespace, gateway)
);
comment on column gateways.max_in_flight is
  'Runs at once on this gateway. OpenClaw 2026.9.6 runs 8 hook and cron runs at once and no more (measured); 7 leaves one for its crons.';
comment on column gateways.failures is 'Deliveries that failed in a row; sets how long the next hold is.';
comment on column gateways.held_until is 'No job is claimed for this gateway before then: it drains, is full, or could not be reached.';

create table agents (
  namespace text not null references namespaces,
  agent_id text not null check (agent_id ~ '^[a-z][a-z0-9-]{0,62}$'),
  mission text not null default '',
  enabled boolean not null default true,
  gateway text not null default 'default',
  max_concurrency int not null default 1 check (max_concurrency between 1 and 10000),
  accepts text[] not null default '{}',
  may_enqueue_to text[] not null default '{}',
  emits text[] not null default '{}',
  budgets jsonb not null default '{}',
  model text,
  thinking text,
  timeout_seconds int check (timeout_seconds between 1 and 86400),
  paused_at timestamptz,
  paused_until timestamptz,
  paused_by text,
  paused_reason text,
  config_hash text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (namespace, agent_id),
  foreign key (namespace, gateway) references gateways,
  check ((paused_at is null) = (paused_reason is null))
);
comment on column agents.accepts is 'Subjects; standing_order.<name> is accepted by every agent.';
comment on column agents.may_enqueue_to is 'Agents it may hand work to; * is every agent.';
comment on column agents.paused_until is 'Null: until somebody resumes it.';
comment on column agents.paused_by is 'A person, or dispatcher where the gateway''s answer stopped the lane.';

create table access_tokens (
  token_hash bytea primary key check (length(token_hash) = 32),
  kind text not null check (kind in ('operator', 'agent')),
  name text not null,
  namespace text references namespaces,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  check (kind = 'operator' or namespace is not null)
);
comment on table access_tokens is 'SHA-256 of each long-lived token. An attempt''s token is derived, not kept here.';
comment on column access_tokens.namespace is 'Null: every namespace, for operators only.';
create index access_tokens_by_name on access_tokens (namespace, kind, name) where revoked_at is null;

create table job_types (
  namespace text not null references namespaces,
  job_type text not null,
  max_attempts int not null default 5 check (max_attempts between 1 and 100),
  timeout_seconds int not null default 1800 check (timeout_seconds between 1 and 86400),
  hard_timeout_seconds int not null default 14400 check (hard_timeout_seconds between 1 and 604800),
  backoff_seconds numeric not null default 5 check (backoff_seconds > 0),
  backoff_cap_seconds numeric not null default 900 check (backoff_cap_seconds > 0),
  backoff_jitter numeric not null default 0.3 check (backoff_jitter between 0 and 1),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (namespace, job_type)
);
comment on table job_types is 'Attempts, timeouts and backoff by job type; dev.<kind> without a row of its own uses the row dev.';
comment on column job_types.timeout_seconds is 'How long a run may be silent that never renewed its lease.';
comment on column job_types.hard_timeout_seconds is 'Ends an attempt however often it renewed.';
comment on column job_types.backoff_jitter is 'Share of the wait that is drawn by chance: 0.3 waits 70 to 100 per cent.';

create table bus_facts (
  namespace text not null references namespaces,
  name text not null,
  value text not null,
  created_at timestamptz not null default now(),
  primary key (namespace, name)
);
comment on table bus_facts is 'What every node must agree on, such as the fingerprint of the server key.';

-- A namespace is usable as soon as its row is there.
create function furnish_namespace() returns trigger language plpgsql as $$
begin
  insert into gateways (namespace, gateway) values (new.namespace, 'default');
  insert into job_types (namespace, job_type, timeout_seconds, backoff_seconds, backoff_cap_seconds, max_attempts)
  values
    (new.namespace, 'reactive', 1800, 5, 900, 5),
    (new.namespace, 'scheduled', 1800, 30, 900, 3),
    (new.namespace, 'recovery', 900, 5, 300, 5),
    (new.namespace, 'delivery', 600, 10, 3600, 8),
    (new.namespace, 'proactive', 1800, 60, 3600, 2),
    (new.namespace, 'dev', 7200, 30, 1800, 3);
  return null;
end
$$;
comment on function furnish_namespace() is 'Gives a new namespace its default gateway and its job types.';

create trigger furnish_namespace after insert on namespaces
  for each row execute function furnish_namespace();

insert into namespaces (namespace) values ('default');
