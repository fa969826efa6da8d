-- What every lane stands on: namespaces, gateways, agents, tokens, events and the audit log.
--
-- Words, with these meanings in every table, function and route:
--   job      one piece of work for one agent         attempt  one try at a job; its id is the fence
--   lease    how long an attempt may stay silent     lane     an agent's way to its gateway; it can be paused
--   gateway  an OpenClaw that runs agents            flow     jobs that belong together (flow_key)

-- A new UUID of version 7 (RFC 9562): its first 48 bits are the time in milliseconds, so the newest rows
-- stand together in an index. Postgres has uuidv7() from 18 on; the bus runs from 15 on.
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

-- The regular expression of a topic pattern: * is one word, # is any number of words, none included. A
-- topic word is [a-z0-9_-]+, so nothing but the dot needs escaping. The star is replaced first, because #
-- brings stars of its own.
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
comment on table namespaces is 'A cell: nothing crosses from one to another.';

-- A few rows, each written over and over. A share of them is nothing, so a number decides when the table
-- is vacuumed.
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
comment on table gateways is 'The OpenClaw gateways that run agents, with what each said of itself when it was last asked.';
comment on column gateways.url is
  'Where the nodes reach it, without credentials; as configured on the node that started last.';
comment on column gateways.form is 'How a run is asked for, mapped or direct; decides the key of its session.';
comment on column gateways.max_in_flight is
  'Runs at once. OpenClaw 2026.9.6 runs 8 hook and cron runs at once and no more (measured); 7 leaves one for its crons.';
comment on column gateways.state is
  'Its last answer: ready, draining, or none (down). unknown: not asked yet, or the answer was no gateway''s.';
comment on column gateways.state_since is 'When it came to that state.';
comment on column gateways.state_reason is 'Why it drains or is down, in words.';
comment on column gateways.checked_at is 'When it was last asked; an older state than gateway_news_lifetime holds nothing.';
comment on column gateways.seen_at is 'When a node last had an answer from it; seen_by names the node.';
comment on column gateways.failures is 'Hook calls that failed in a row; sets how long the next hold is.';
comment on column gateways.held_until is 'Before then no job is claimed for it: it is full, or could not be reached.';
comment on column gateways.hold_reason is 'Why it is held, in words.';
comment on column gateways.version is 'The version that it reported at its start.';
comment on column gateways.boot_id is 'Its name for its present life; another one says that it was restarted.';
comment on column gateways.booted_at is 'When its present life began.';

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
comment on table agents is 'The agents as their agent.yaml files describe them, and whether their lanes are open.';
comment on column agents.enabled is 'False once its agent.yaml is gone: it keeps its history and gets no more work.';
comment on column agents.max_concurrency is 'Its jobs at once.';
comment on column agents.accepts is 'Subjects; standing_order.<name> is accepted by every agent.';
comment on column agents.may_enqueue_to is 'The names in handoffs, without their limits; * is every other agent.';
comment on column agents.handoffs is
  'Objects of agent (* is every other agent), subjects and jobTypes; an absent list limits nothing. Null: the names of may_enqueue_to, without limits.';
comment on column agents.max_follow_ups is 'How many jobs it may ask for out of one job, over all attempts.';
comment on column agents.emits is 'Topics it may emit; topic patterns are allowed.';
comment on column agents.reads is 'The least trusted payload that it may be given.';
comment on column agents.budgets is
  'Proposals a day: ideas, opportunities, memoryCandidates. Kept; nothing counts against them before there are proposals.';
comment on column agents.model is 'Model for its runs; null for the gateway''s own choice. Likewise thinking.';
comment on column agents.timeout_seconds is 'How long its runs may be silent; null for the timeout of the job type.';
comment on column agents.paused_until is 'Null: until someone resumes it.';
comment on column agents.paused_by is 'A person, or dispatcher where the gateway''s answer stopped the lane.';
comment on column agents.config_hash is 'SHA-256 of its agent.yaml.';
comment on column agents.agents_md_hash is 'SHA-256 of the AGENTS.md beside its agent.yaml; null when there is none.';

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
  'SHA-256 of each long-lived token. The token of an attempt is derived from the attempt''s id and not kept here.';
comment on column access_tokens.namespace is 'Null: every namespace, for operators and gateways only.';
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
  'Attempts, timeouts and backoff by job type; dev.<kind> without a row of its own uses the row dev.';
comment on column job_types.timeout_seconds is 'How long a run may be silent that never renewed its lease.';
comment on column job_types.hard_timeout_seconds is 'Ends an attempt however often it renewed.';
comment on column job_types.backoff_seconds is
  'Wait after the first failed attempt; it doubles with each further one up to backoff_cap_seconds.';
comment on column job_types.backoff_jitter is 'Share of the wait that is drawn by chance: 0.3 waits 70 to 100 per cent.';

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
  'How many calls of an agent were refused in a minute, by code. The first few are rows of the audit log as well (call.refused); the others are counted here alone, so that an agent that hammers cannot fill the log.';
comment on column refusals.actor is 'As in the audit log.';
comment on column refusals.told is
  'Notes that made this number; a door that limits an agent brings many refusals in one note.';

-- Only inserted into until retirement removes thousands of rows at a time, always the oldest. Their pages
-- are filled again only after a vacuum, and inserts count as well so that index-only scans stay fast and
-- no freeze comes as a surprise.
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
comment on table events is 'Facts, append-only. Topics of a job''s life are job.<what happened>.';
comment on column events.source_agent is 'Who emitted it; null for the bus itself.';
comment on column events.source_job_id is 'The job that it is about, or out of which it was emitted.';
comment on column events.dedupe_key is 'A topic keeps one event with the same key; a second one is the first.';
create index events_by_seq on events (namespace, seq);
create index events_by_job on events (source_job_id, seq)
  where source_job_id is not null;
create unique index events_one_per_dedupe_key on events (namespace, topic, dedupe_key)
  where dedupe_key is not null;
-- For the auditor's questions: few rows among many.
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
  'An event whose topic matches becomes a job for the agent, in the transaction of the event.';
comment on column subscriptions.coalesces is 'While a job of it waits for its first claim, further events join that job.';

-- Written and vacuumed as events are.
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
  'Who did what to which row, and why. Triggers write it in the same transaction, so that nothing can change unseen.';
comment on column audit_log.actor is
  'operator:<name>, agent:<id>, attempt:<agent>, dispatcher:<id>, or postgres:<role> for a change by hand.';
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

-- Gives a new namespace its default gateway and its job types, so that it is usable as soon as its row is
-- there.
create function furnish_namespace() returns trigger
language plpgsql as $$
begin
  -- One gateway serves every namespace: the gateways of namespace default serve the new one, too.
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
