-- What is told: events and who subscribes to them. What is proven: the audit log.

create function topic_regex(p_pattern text) returns text language sql immutable strict parallel safe as $$
  -- Topic words are [a-z0-9_-]+, so nothing else needs escaping. The order matters: * first, for # brings stars of its own.
  select '^' || replace(replace(replace(replace(replace(regexp_replace(p_pattern, '#(\.#)+', '#', 'g'),
    '.', '\.'),
    '*', '[a-z0-9_-]+'),
    '\.#', '(\.[a-z0-9_-]+)*'),
    '#\.', '([a-z0-9_-]+\.)*'),
    '#', '.*') || '$'
$$;
comment on function topic_regex(text) is 'The regular expression of a topic pattern: * is one word, # any number of words, none included.';

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
) with (autovacuum_vacuum_insert_scale_factor = 0.05);
comment on table events is 'Facts, append-only. Lifecycle topics are job.<what happened>.';
create index events_by_seq on events (namespace, seq);
create index events_by_job on events (source_job_id, seq) where source_job_id is not null;
create unique index events_one_per_dedupe_key on events (namespace, topic, dedupe_key) where dedupe_key is not null;

create table subscriptions (
  namespace text not null,
  topic_pattern text not null check (topic_pattern ~ '^([a-z0-9_-]+|\*|#)(\.([a-z0-9_-]+|\*|#))*$'),
  agent_id text not null,
  subject text not null,
  priority int not null default 100 check (priority between 1 and 1000),
  enabled boolean not null default true,
  topic_regex text not null generated always as (topic_regex(topic_pattern)) stored,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (namespace, topic_pattern, agent_id, subject),
  foreign key (namespace, agent_id) references agents
);
comment on table subscriptions is 'An event whose topic matches becomes a job for the agent, in the event''s own transaction.';

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
) with (autovacuum_vacuum_insert_scale_factor = 0.05);
comment on table audit_log is 'Who did what to which row, and why; written in the same transaction by triggers, so that nothing can change unseen.';
comment on column audit_log.actor is 'operator:<name>, agent:<id>, attempt:<agent>, dispatcher:<id>, or postgres:<role> for a change by hand.';
create index audit_log_by_row on audit_log (table_name, row_id);

create function refuse_rewriting() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'AB403',
    hint = 'Retention removes old rows with agentbus.retention set to on in its own transaction.';
end
$$;
comment on function refuse_rewriting() is 'Refuses an update or delete of an append-only table (AB403).';

create trigger refuse_rewriting before update on events for each row execute function refuse_rewriting();
create trigger refuse_rewriting before update on audit_log for each row execute function refuse_rewriting();
create trigger refuse_removing before delete on events for each row
  when (current_setting('agentbus.retention', true) is distinct from 'on') execute function refuse_rewriting();
create trigger refuse_removing before delete on audit_log for each row
  when (current_setting('agentbus.retention', true) is distinct from 'on') execute function refuse_rewriting();
