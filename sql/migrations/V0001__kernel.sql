-- This migration creates the tables that all others need: namespaces, gateways, agents, job types, tokens,
-- events, subscriptions and the audit log.
--
-- These words have the same meaning in every table, function and route (docs/guide/words.md has all of them):
--   job      one piece of work for one agent         attempt  one try at a job; its id is the fence
--   lease    how long an attempt may stay silent     lane     an agent's way to its gateway; it can be paused
--   gateway  an OpenClaw process that runs agents    flow     jobs that belong together (flow_key)

-- Returns a new UUID of version 7 (RFC 9562). Its first 48 bits are the time in milliseconds, so the newest
-- rows lie next to each other in an index. Postgres has uuidv7() only from version 18, and the bus supports
-- version 15.
create function new_id() returns uuid
language sql volatile parallel safe as $$
  select encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
        from 1 for 6),
      52, 1), 53, 1),
    'hex')::uuid
$$;

-- Returns the regular expression of a topic pattern, in which * is one word and # is any number of words,
-- also none. A topic word is [a-z0-9_-]+, so only the dot needs escaping; the star is replaced before #,
-- because the replacement of # contains stars.
create function topic_regex(p_pattern text) returns text
language sql immutable strict parallel safe as $$
  select '^' || replace(replace(replace(replace(replace(regexp_replace(p_pattern, '#(\.#)+', '#', 'g'),
    '.', '\.'),
    '*', '[a-z0-9_-]+'),
    '\.#', '(\.[a-z0-9_-]+)*'),
    '#\.', '([a-z0-9_-]+\.)*'),
    '#', '.*') || '$'
$$;

create table namespaces (
  namespace text primary key check (namespace ~ '^[a-z][a-z0-9-]{0,62}$'),
  created_at timestamptz not null default now()
);
comment on table namespaces is
  'A cell with its own agents, jobs and tokens; nothing crosses from one namespace to another.';

-- The table has few rows, and each is updated often. A share of so few rows is nearly zero, so a fixed
-- number of dead rows triggers the vacuum.
create table gateways (
  namespace text not null references namespaces,
  gateway text not null check (gateway ~ '^[a-z][a-z0-9-]{0,62}$'),
  url text,
  form text not null default 'mapped' check (form in ('mapped', 'direct')),
  max_in_flight int not null default 7 check (max_in_flight between 1 and 10000),
  state text not null default 'unknown' check (state in ('unknown', 'ready', 'draining', 'down')),
  state_since timestamptz not null default now(),
  state_reason text,
  checked_at timestamptz,
  seen_at timestamptz,
  seen_by text,
  failures int not null default 0,
  held_until timestamptz,
  hold_reason text,
  version text,
  boot_id text,
  booted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (namespace, gateway)
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 200,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 1000
);
comment on table gateways is
  'The OpenClaw gateways that run agents, each with the result of its last health check.';
comment on column gateways.url is
  'The address at which the nodes reach the gateway, without credentials, as configured on the node that started last.';
comment on column gateways.form is
  'The form of a hook call to the gateway, mapped or direct; it decides the key of the session.';
comment on column gateways.max_in_flight is
  'The most runs at once. OpenClaw 2026.9.6 runs at most 8 hook and cron runs at once (measured); the default of 7 leaves one for the gateway''s own crons.';
comment on column gateways.state is
  'The result of the last health check: ready, draining or down (no answer). unknown: no check yet, or the answer did not come from a gateway.';
comment on column gateways.state_since is 'When the gateway entered this state.';
comment on column gateways.state_reason is 'Why the gateway drains or is down, in words.';
comment on column gateways.checked_at is
  'When a node last checked the gateway. A result older than gateway_news_lifetime no longer counts.';
comment on column gateways.seen_at is 'When the gateway last answered a node; seen_by names that node.';
comment on column gateways.failures is
  'Hook calls that failed in a row; the number sets the length of the next hold.';
comment on column gateways.held_until is
  'No job is claimed for the gateway before this time, because it was full or could not be reached.';
comment on column gateways.hold_reason is 'Why the gateway is held, in words.';
comment on column gateways.version is 'The version that the gateway reported at its start.';
comment on column gateways.boot_id is
  'Identifies the present boot of the gateway; a different value means that the gateway was restarted.';
comment on column gateways.booted_at is 'When the present boot of the gateway began.';

create table agents (
  namespace text not null references namespaces,
  agent_id text not null check (agent_id ~ '^[a-z][a-z0-9-]{0,62}$'),
  mission text not null default '',
  enabled boolean not null default true,
  gateway text not null default 'default',
  max_concurrency int not null default 1 check (max_concurrency between 1 and 10000),
  accepts text[] not null default '{}',
  may_enqueue_to text[] not null default '{}',
  handoffs jsonb check (jsonb_typeof(handoffs) = 'array'),
  max_follow_ups int not null default 20 check (max_follow_ups between 0 and 1000),
  emits text[] not null default '{}',
  reads text not null default 'untrusted' check (reads in ('trusted', 'untrusted')),
  budgets jsonb not null default '{}',
  model text,
  thinking text,
  timeout_seconds int check (timeout_seconds between 1 and 86400),
  paused_at timestamptz,
  paused_until timestamptz,
  paused_by text,
  paused_reason text,
  config_hash text,
  agents_md_hash text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (namespace, agent_id),
  foreign key (namespace, gateway) references gateways,
  check ((paused_at is null) = (paused_reason is null))
);
comment on table agents is
  'The agents as their agent.yaml files describe them, and whether their lanes are paused.';
comment on column agents.enabled is
  'False once the agent.yaml is gone: the agent keeps its history and gets no more work.';
comment on column agents.max_concurrency is 'How many jobs the agent may work on at once.';
comment on column agents.accepts is
  'Subjects that the agent accepts. Every agent also accepts standing_order.<name>.';
comment on column agents.may_enqueue_to is
  'The names of the agents in handoffs, without their limits; * stands for every other agent.';
comment on column agents.handoffs is
  'Objects with agent (* is every other agent), subjects and jobTypes; an absent list sets no limit. When the column is null, the names of may_enqueue_to apply without limits.';
comment on column agents.max_follow_ups is
  'How many jobs the agent may request while it works on one job, over all attempts of that job.';
comment on column agents.emits is 'Topics that the agent may emit; topic patterns are allowed.';
comment on column agents.reads is
  'trusted: the agent gets only trusted payloads. untrusted: the agent gets any payload.';
comment on column agents.budgets is
  'Proposals that the agent may make a day: ideas, opportunities, memoryCandidates. The bus keeps these numbers and enforces none of them yet.';
comment on column agents.model is
  'The model of the agent''s runs; null leaves the choice to the gateway. The same holds for thinking.';
comment on column agents.timeout_seconds is
  'How long a run of the agent may be silent; null takes the timeout of the job type.';
comment on column agents.paused_until is
  'When the pause ends; null keeps the lane paused until the agent is resumed.';
comment on column agents.paused_by is
  'The operator who paused the lane, or dispatcher when the gateway refused a hook call.';
comment on column agents.config_hash is 'SHA-256 of the agent''s agent.yaml.';
comment on column agents.agents_md_hash is
  'SHA-256 of the AGENTS.md beside the agent.yaml; null when there is none.';

create table access_tokens (
  token_hash bytea primary key check (length(token_hash) = 32),
  kind text not null constraint access_tokens_kind_check check (kind in ('operator', 'agent', 'gateway')),
  name text not null,
  namespace text references namespaces,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  constraint access_tokens_check check (kind in ('operator', 'gateway') or namespace is not null)
);
comment on table access_tokens is
  'The SHA-256 of each long-lived token. The token of an attempt is derived from the attempt''s id and is not in this table.';
comment on column access_tokens.namespace is
  'Null for a token that is valid in every namespace; only operators and gateways can have one.';
create index access_tokens_by_name on access_tokens (namespace, kind, name)
  where revoked_at is null;

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
comment on table job_types is
  'Attempts, timeouts and backoff by job type. A type dev.<kind> without its own row uses the row dev.';
comment on column job_types.timeout_seconds is
  'How long a run may be silent if it has never renewed its lease.';
comment on column job_types.hard_timeout_seconds is
  'The longest that an attempt may run, however often it renews its lease.';
comment on column job_types.backoff_seconds is
  'The wait after the first failed attempt. The wait doubles with each further failure, up to backoff_cap_seconds.';
comment on column job_types.backoff_jitter is
  'The random share of the wait: with 0.3 the wait is 70 to 100 per cent of the full wait.';

create table bus_facts (
  namespace text not null references namespaces,
  name text not null,
  value text not null,
  created_at timestamptz not null default now(),
  primary key (namespace, name)
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 200,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 1000
);
comment on table bus_facts is 'Facts that every node must agree on, such as the fingerprint of the server key.';

create table refusals (
  namespace text not null references namespaces,
  actor text not null,
  minute timestamptz not null,
  code text not null,
  refused bigint not null,
  told int not null default 1,
  primary key (namespace, actor, minute, code)
) with (fillfactor = 50);
comment on table refusals is
  'How many calls of an agent were refused within a minute, by code. Only the first few (refusal_rows) also become rows call.refused of the audit log, so that an agent that repeats refused calls cannot fill it.';
comment on column refusals.actor is 'The caller, written as in the audit log.';
comment on column refusals.told is
  'How many calls of note_refusal made this number. A node that limits the calls of an agent reports many refusals in one call.';

-- The table only grows until retirement removes its oldest rows, thousands at a time; a vacuum then frees
-- their pages. Inserts trigger a vacuum too, so that index-only scans stay fast and no large freeze comes
-- later.
create table events (
  event_id uuid primary key default new_id(),
  seq bigint generated always as identity,
  namespace text not null references namespaces,
  topic text not null check (topic ~ '^[a-z0-9_-]+(\.[a-z0-9_-]+)*$'),
  source_agent text,
  source_job_id uuid,
  dedupe_key text,
  payload jsonb not null default '{}',
  created_at timestamptz not null default now()
) with (
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.05
);
comment on table events is
  'Facts, append-only. An event about a change of a job has the topic job.<what happened>.';
comment on column events.source_agent is
  'The agent that emitted the event or, in an event of the bus, the agent that it concerns; null for none.';
comment on column events.source_job_id is
  'The job that the event is about, or the job whose attempt emitted it.';
comment on column events.dedupe_key is
  'A topic keeps one event for each key. Emitting the same key again returns the first event.';
create index events_by_seq on events (namespace, seq);
create index events_by_job on events (source_job_id, seq)
  where source_job_id is not null;
create unique index events_one_per_dedupe_key on events (namespace, topic, dedupe_key)
  where dedupe_key is not null;
-- The pre-checks of the auditor read these few rows among many.
create index events_of_trouble on events (namespace, created_at)
  where split_part(topic, '.', 1) in ('audit', 'standing_order') or topic = 'job.lease_lost';

create table subscriptions (
  namespace text not null,
  topic_pattern text not null check (topic_pattern ~ '^([a-z0-9_-]+|\*|#)(\.([a-z0-9_-]+|\*|#))*$'),
  agent_id text not null,
  subject text not null,
  priority int not null default 100 check (priority between 1 and 1000),
  coalesces boolean not null default false,
  enabled boolean not null default true,
  topic_regex text not null generated always as (topic_regex(topic_pattern)) stored,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (namespace, topic_pattern, agent_id, subject),
  foreign key (namespace, agent_id) references agents
);
comment on table subscriptions is
  'Each event whose topic matches the pattern becomes a job of the agent, in the transaction that writes the event.';
comment on column subscriptions.coalesces is
  'Whether further events join a job of the subscription that still waits for its first claim.';

-- Written and vacuumed like events.
create table audit_log (
  audit_id bigint generated always as identity primary key,
  namespace text not null,
  actor text not null,
  action text not null,
  table_name text not null,
  row_id text not null,
  why text,
  detail jsonb not null default '{}',
  created_at timestamptz not null default now()
) with (
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.05
);
comment on table audit_log is
  'Who did what to which row, and why. Triggers write the rows in the transaction of the change, so that no change goes unrecorded.';
comment on column audit_log.actor is
  'operator:<name>, agent:<id>, attempt:<agent>, gateway:<name>, dispatcher:<id>, or postgres:<role> for a change by hand.';
create index audit_log_by_row on audit_log (table_name, row_id);

-- Refuses an update or a delete of an append-only table (AB403).
create function refuse_rewriting() returns trigger
language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'AB403',
    hint = 'Retention removes old rows with agentbus.retention set to on in its own transaction.';
end
$$;

create trigger refuse_rewriting before update on events
  for each row execute function refuse_rewriting();
create trigger refuse_rewriting before update on audit_log
  for each row execute function refuse_rewriting();
create trigger refuse_removing before delete on events
  for each row when (current_setting('agentbus.retention', true) is distinct from 'on')
  execute function refuse_rewriting();
create trigger refuse_removing before delete on audit_log
  for each row when (current_setting('agentbus.retention', true) is distinct from 'on')
  execute function refuse_rewriting();

-- Gives a new namespace its gateways and job types, so that the namespace is usable as soon as its row
-- exists.
create function furnish_namespace() returns trigger
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
  return null;
end
$$;

create trigger furnish_namespace after insert on namespaces
  for each row execute function furnish_namespace();

insert into namespaces (namespace) values ('default');
