-- This migration creates the memory lane: candidates, curated memories, the rows that say which memory stood
-- in the prompt of which attempt, and the reviews that a memory waits for (sql/functions/memory).

create table memory_candidates (
  candidate_id uuid primary key default new_id(),
  seq bigint generated always as identity,
  namespace text not null references namespaces,
  source_agent text not null,
  source_job_id uuid,
  source_job_type text,
  source_attempt_id uuid,
  kind text not null check (kind in
    ('decision', 'preference', 'pattern', 'mistake', 'lesson', 'playbook', 'constraint', 'entity_fact',
      'context')),
  scope text not null check (scope in ('global', 'agent', 'project', 'person', 'service')),
  subject_key text,
  title text not null,
  body text not null,
  evidence text not null,
  source_refs jsonb not null check (jsonb_typeof(source_refs) = 'array'),
  confidence int not null check (confidence between 1 and 5),
  stability text not null check (stability in ('volatile', 'medium', 'stable')),
  visibility text not null check (visibility in ('shared', 'role', 'private')),
  owner_agent text,
  trust text not null check (trust in ('trusted', 'untrusted')),
  trust_reason text,
  overlap real not null default 0 check (overlap between 0 and 1),
  alike jsonb not null default '[]' check (jsonb_typeof(alike) = 'array'),
  same_as text not null generated always as (
    md5(regexp_replace(lower(title || body), '[[:space:][:punct:]]+', '', 'g'))) stored,
  supersedes_memory_id uuid,
  dedupe_key text,
  status text not null default 'new' check (status in ('new', 'promoted', 'rejected', 'expired')),
  memory_id uuid,
  decided_by text,
  decided_at timestamptz,
  notes text,
  ended_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint a_candidate_ends_with_its_status check ((status = 'new') = (ended_at is null)),
  constraint a_promoted_candidate_names_its_memory check ((status = 'promoted') = (memory_id is not null)),
  constraint only_the_global_scope_has_no_subject check ((scope = 'global') = (subject_key is null)),
  constraint a_shared_candidate_has_no_owner check ((visibility = 'shared') = (owner_agent is null))
);
comment on table memory_candidates is
  'What agents and people think the fleet should remember. Nobody is shown a candidate in a prompt; only a promoted one becomes a memory.';
comment on column memory_candidates.source_agent is
  'The agent that proposed it; for a candidate of a person, the name of the operator.';
comment on column memory_candidates.source_job_id is
  'The job whose attempt proposed it; null for an operator. No foreign key, because jobs go to history earlier.';
comment on column memory_candidates.source_attempt_id is 'The attempt that proposed it; null for an operator.';
comment on column memory_candidates.subject_key is
  'The agent, project, person or service that it is about, in lower case; null for the scope global.';
comment on column memory_candidates.evidence is 'What was seen, in words.';
comment on column memory_candidates.source_refs is
  'The rows of the ledger that it rests on, as they were checked: objects with kind and id, or url and lookedAt.';
comment on column memory_candidates.owner_agent is
  'The agent whose role memory or private memory it would be; null for a shared one.';
comment on column memory_candidates.trust is
  'untrusted when one of its sources holds text from outside. The bus sets it, and never the writer.';
comment on column memory_candidates.trust_reason is 'Which source is untrusted, in words; null for a trusted one.';
comment on column memory_candidates.overlap is
  'The greatest share of its words that stood in one memory in the prompt of the same attempt, from 0 to 1.';
comment on column memory_candidates.alike is
  'The candidates and memories that say nearly the same: objects with kind, id and similarity.';
comment on column memory_candidates.same_as is
  'The hash of the words of title and body (text_key): equal for texts that differ in white space, punctuation and upper case only.';
comment on column memory_candidates.supersedes_memory_id is 'The memory that the author wants it to replace.';
comment on column memory_candidates.dedupe_key is
  'Unique in the namespace: the same key returns the candidate that has it.';
comment on column memory_candidates.decided_by is 'The actor, as in the audit log.';
comment on column memory_candidates.notes is 'Why it was promoted or rejected.';
comment on column memory_candidates.ended_at is 'When it was promoted, rejected or expired.';
create index memory_candidates_listed on memory_candidates (namespace, seq);
create unique index memory_candidates_by_dedupe_key on memory_candidates (namespace, dedupe_key)
  where dedupe_key is not null;
create index memory_candidates_by_agent on memory_candidates (namespace, source_agent, created_at);
create index memory_candidates_open on memory_candidates (namespace, seq)
  where ended_at is null;
create index memory_candidates_same_as on memory_candidates (namespace, same_as)
  where ended_at is null;
create index memory_candidates_by_memory on memory_candidates (memory_id)
  where memory_id is not null;
create index memory_candidates_ended on memory_candidates (ended_at)
  where ended_at is not null;

create table memories (
  memory_id uuid primary key default new_id(),
  seq bigint generated always as identity,
  namespace text not null references namespaces,
  version int not null default 1 check (version > 0),
  kind text not null check (kind in
    ('decision', 'preference', 'pattern', 'mistake', 'lesson', 'playbook', 'constraint', 'entity_fact',
      'context')),
  scope text not null check (scope in ('global', 'agent', 'project', 'person', 'service')),
  subject_key text,
  title text not null,
  body text not null,
  evidence text not null,
  source_refs jsonb not null check (jsonb_typeof(source_refs) = 'array'),
  confidence int not null check (confidence between 1 and 5),
  stability text not null check (stability in ('volatile', 'medium', 'stable')),
  visibility text not null check (visibility in ('shared', 'role', 'private')),
  owner_agent text,
  trust text not null check (trust in ('trusted', 'untrusted')),
  candidate_id uuid,
  source_agent text not null,
  promoted_by text not null,
  notes text not null,
  status text not null default 'active' check (status in ('active', 'superseded', 'expired', 'wrong')),
  valid_from timestamptz not null default now(),
  expires_at timestamptz,
  next_review_at timestamptz not null,
  confirmed_by text,
  confirmed_at timestamptz,
  supersedes uuid,
  superseded_by uuid,
  ended_by text,
  end_reason text,
  ended_at timestamptz,
  words tsvector not null default '',
  same_as text not null generated always as (
    md5(regexp_replace(lower(title || body), '[[:space:][:punct:]]+', '', 'g'))) stored,
  identifiers text not null default '',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint a_memory_ends_with_its_status check ((status = 'active') = (ended_at is null)),
  constraint a_superseded_memory_names_the_other check ((status = 'superseded') = (superseded_by is not null)),
  constraint only_the_global_scope_has_no_subject check ((scope = 'global') = (subject_key is null)),
  constraint a_shared_memory_has_no_owner check ((visibility = 'shared') = (owner_agent is null)),
  constraint no_memory_replaces_itself check (supersedes <> memory_id and superseded_by <> memory_id)
);
comment on table memories is
  'Claims that were promoted from candidates or written by people, each with its sources. Only active ones stand in prompts. A row never changes its words; a new version supersedes it.';
comment on column memories.version is 'One more than that of the memory that it supersedes; 1 for the first.';
comment on column memories.subject_key is
  'The agent, project, person or service that it is about, in lower case; null for the scope global.';
comment on column memories.owner_agent is
  'The agent whose role memory or private memory it is; null for a shared one.';
comment on column memories.trust is
  'untrusted when one of its sources holds text from outside; then a person has promoted it.';
comment on column memories.source_agent is 'The author of its candidate.';
comment on column memories.promoted_by is 'The actor, as in the audit log; so are confirmed_by and ended_by.';
comment on column memories.notes is 'Why it was promoted.';
comment on column memories.expires_at is 'When it ends by itself; null for a memory that only its reviews end.';
comment on column memories.next_review_at is 'When somebody is to look at it again.';
comment on column memories.supersedes is
  'The memory that it replaces. No foreign key, because that one may retire earlier.';
comment on column memories.end_reason is 'Why it was superseded, expired or marked wrong.';
comment on column memories.words is
  'The words of title (weight A), body (B) and subject (C), each behind the namespace, so that a search pays for no other namespace. A trigger fills it.';
comment on column memories.same_as is 'As in memory_candidates.';
comment on column memories.identifiers is
  'The identifiers and error codes of title and body in lower case, each with a space before and after it. A trigger fills it.';
create index memories_listed on memories (namespace, seq);
create index memories_active on memories (namespace, seq)
  where status = 'active';
create index memories_superseded on memories (superseded_by)
  where superseded_by is not null;
create index memories_by_subject on memories (namespace, scope, subject_key, kind)
  where status = 'active';
-- The newest of a subject, which a job about it looks at.
create index memories_of_subject on memories (namespace, scope, subject_key, seq)
  where status = 'active';
create index memories_by_owner on memories (namespace, owner_agent)
  where status = 'active' and owner_agent is not null;
create index memories_to_review on memories (namespace, next_review_at)
  where status = 'active';
create index memories_to_expire on memories (expires_at)
  where status = 'active' and expires_at is not null;
create index memories_by_author on memories (namespace, source_agent, created_at);
create index memories_by_words on memories using gin (words)
  where status = 'active';
create index memories_same_as on memories (namespace, same_as)
  where status = 'active';
create index memories_ended on memories (ended_at)
  where ended_at is not null;
create index memories_promoted on memories (namespace, created_at);
-- pg_trgm may be in any schema (V0023).
do $$
begin
  execute format(
    'create index memories_by_identifiers on memories using gin (identifiers %s.gin_trgm_ops)'
    || ' where status = ''active'' and identifiers <> ''''',
    (select extnamespace::regnamespace::text from pg_extension where extname = 'pg_trgm'));
end
$$;

create table memory_words (
  namespace text not null references namespaces,
  word text not null,
  memories int not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (namespace, word)
);
comment on table memory_words is
  'In how many active memories of the namespace each word stands. A rare word says more about a job than a frequent one. The empty word counts the memories.';

create table memory_uses (
  memory_id uuid primary key references memories on delete cascade,
  namespace text not null,
  injected int not null default 0,
  used int not null default 0,
  irrelevant int not null default 0,
  wrong int not null default 0,
  helped int not null default 0,
  hurt int not null default 0,
  last_injected_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table memory_uses is
  'What came of each memory: how often it stood in a prompt, the verdicts of agents, and the outcomes of their attempts. Apart from memories, so that counting writes no index and no audit row.';
comment on column memory_uses.helped is 'Attempts that had it in the prompt, did not call it irrelevant or wrong, and succeeded.';
comment on column memory_uses.hurt is 'Attempts that had it in the prompt, did not call it irrelevant or wrong, and failed.';

create table memory_injections (
  injection_id uuid primary key default new_id(),
  namespace text not null references namespaces,
  attempt_id uuid not null,
  memory_id uuid not null,
  version int not null,
  job_id uuid not null,
  agent_id text not null,
  bucket text not null check (bucket in ('exact', 'role', 'global')),
  rank int not null check (rank > 0),
  score real not null,
  score_parts jsonb not null check (jsonb_typeof(score_parts) = 'object'),
  tokens int not null check (tokens > 0),
  verdict text check (verdict in ('used', 'irrelevant', 'wrong')),
  verdict_note text,
  verdict_at timestamptz,
  outcome text,
  settled_at timestamptz,
  created_at timestamptz not null default now(),
  unique (attempt_id, memory_id)
);
comment on table memory_injections is
  'One row for each memory in the prompt of an attempt, with its place and the parts of its score.';
comment on column memory_injections.attempt_id is
  'The attempt. No foreign keys, because attempts, jobs and memories retire at other times.';
comment on column memory_injections.bucket is
  'Why it was chosen: exact (a key of the job), role (a lesson for the agent or its service), global.';
comment on column memory_injections.tokens is 'How many tokens it takes in the prompt, estimated from its characters.';
comment on column memory_injections.verdict is 'What the agent said of it when it closed the job.';
comment on column memory_injections.outcome is 'How the attempt ended; null until memory_uses has counted it.';
create index memory_injections_by_memory on memory_injections (memory_id, created_at);
create index memory_injections_by_job on memory_injections (job_id);
create index memory_injections_to_settle on memory_injections (created_at)
  where settled_at is null;
create index memory_injections_by_age on memory_injections (created_at);
create index memory_injections_listed on memory_injections (namespace, created_at);
-- A verdict is rare, wrong most of all; without this index a list of them reads the whole namespace.
create index memory_injections_by_verdict on memory_injections (namespace, verdict, created_at)
  where verdict is not null;

create table memory_reviews (
  review_id uuid primary key default new_id(),
  seq bigint generated always as identity,
  namespace text not null references namespaces,
  memory_id uuid not null references memories on delete cascade,
  candidate_id uuid,
  kind text not null check (kind in ('conflict', 'wrong', 'overdue', 'unused', 'source_changed')),
  detail text not null,
  opened_by text not null,
  outcome text check (outcome in
    ('superseded', 'narrowed', 'rejected', 'confirmed', 'expired', 'marked_wrong', 'withdrawn')),
  notes text,
  closed_by text,
  closed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint a_closed_review_has_an_outcome check ((closed_at is null) = (outcome is null))
);
comment on table memory_reviews is
  'Why somebody is to look at a memory: a candidate that says otherwise, an agent that called it wrong, its review date, no use, or a source that has changed.';
comment on column memory_reviews.candidate_id is 'The candidate that says otherwise; null for the other kinds.';
comment on column memory_reviews.opened_by is 'The actor, as in the audit log; so is closed_by.';
create unique index memory_reviews_one_open
  on memory_reviews (memory_id, kind, coalesce(candidate_id, memory_id))
  where closed_at is null;
create index memory_reviews_open on memory_reviews (namespace, seq)
  where closed_at is null;
create index memory_reviews_listed on memory_reviews (namespace, seq);
create index memory_reviews_by_memory on memory_reviews (memory_id, seq);
create index memory_reviews_of_candidate on memory_reviews (candidate_id)
  where candidate_id is not null and closed_at is null;
create index memory_reviews_closed on memory_reviews (closed_at)
  where closed_at is not null;

alter table agents
  add column may_promote text check (may_promote in ('own', 'shared'));
comment on column agents.may_promote is
  'Which candidates of others the agent may promote: own, to its own role memory; shared, to every memory but a private one of another. Null: none.';

-- Promotions can be frozen by themselves, while candidates are still written and memories still read.
alter table pauses
  drop constraint pauses_kind_check,
  drop constraint writes_are_frozen_by_phase_or_agent;
alter table pauses
  add constraint pauses_kind_check
    check (kind in ('agent', 'job_type', 'gateway', 'everything', 'phase', 'promotions')),
  add constraint writes_are_frozen_by_phase_or_agent check (
    case mode when 'freeze' then kind in ('phase', 'agent', 'promotions')
      else kind not in ('phase', 'promotions') end);
comment on column pauses.kind is
  'What is stopped: an agent, a job type, a gateway, everything, a phase, or the promotions of memories.';
comment on column pauses.name is
  'The agent, job type, gateway or phase; memory for promotions; null for everything. The job type dev covers dev.<kind> too.';

-- A memory stays readable for two years after its end, because jobs of that time had it in their prompts.
insert into retention_rules (table_name, way, key_column, over_column, keep_days)
values
  ('memory_candidates', 'deleted', 'candidate_id', 'ended_at', 365),
  ('memories', 'deleted', 'memory_id', 'ended_at', 730),
  ('memory_injections', 'deleted', 'injection_id', 'created_at', 365),
  ('memory_reviews', 'deleted', 'review_id', 'closed_at', 365);
