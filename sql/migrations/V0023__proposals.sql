-- This migration creates the proactive lane: ideas, opportunities with the reviews that decide them, and the
-- reports that tell people of both (sql/functions/proposals, sql/functions/reports).

-- pg_trgm belongs to Postgres and is trusted, so the owner of the database may create it. Another schema of
-- the database may already hold it; similarity_of finds it there, whatever the search path.
create extension if not exists pg_trgm;
do $$
declare
  v_schema text := (select extnamespace::regnamespace::text from pg_extension where extname = 'pg_trgm');
begin
  execute format(
    'create function similarity_of(p_one text, p_other text) returns real'
    || ' language sql immutable parallel safe as %L', format('select %s.similarity(p_one, p_other)', v_schema));
end
$$;
comment on function similarity_of(text, text) is
  'Returns how similar two texts are by their trigrams, from 0 (nothing in common) to 1 (the same words).';

create table ideas (
  idea_id uuid primary key default new_id(),
  seq bigint generated always as identity,
  namespace text not null references namespaces,
  source_agent text not null,
  source_job_id uuid,
  source_job_type text,
  theme text not null,
  title text not null,
  body text not null,
  tags text[] not null default '{}',
  evidence jsonb not null default '[]' check (jsonb_typeof(evidence) = 'array'),
  dedupe_key text,
  status text not null default 'new'
    check (status in ('new', 'reviewed', 'promoted_to_opportunity', 'archived')),
  reviewed_by text,
  reviewed_at timestamptz,
  notes text,
  opportunity_id uuid,
  touched_at timestamptz not null default now(),
  ended_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint an_idea_ends_with_its_status check (
    (status in ('promoted_to_opportunity', 'archived')) = (ended_at is not null)),
  constraint a_promoted_idea_names_its_opportunity check (
    (status = 'promoted_to_opportunity') = (opportunity_id is not null))
);
comment on table ideas is
  'What agents have noticed, below the bar of an opportunity. An idea that nobody touches for 14 days is archived.';
comment on column ideas.source_agent is
  'The agent that proposed it; for a proposal of a person, the name of the operator.';
comment on column ideas.source_job_id is
  'The job whose attempt proposed it; null for an operator. No foreign key, because jobs go to history earlier.';
comment on column ideas.source_job_type is 'The type of that job, as it was then.';
comment on column ideas.theme is 'A few words in lower case that proposals about the same matter share.';
comment on column ideas.evidence is
  'The evidence as it was checked: objects with kind (job, event, slot, memory or url), its id or url, and lookedAt for a url.';
comment on column ideas.dedupe_key is 'Unique in the namespace: the same key returns the idea that has it.';
comment on column ideas.reviewed_by is 'The actor, as in the audit log.';
comment on column ideas.touched_at is 'When somebody last reviewed the idea or added evidence.';
comment on column ideas.ended_at is 'When the idea was promoted or archived.';
create index ideas_listed on ideas (namespace, seq);
create unique index ideas_by_dedupe_key on ideas (namespace, dedupe_key)
  where dedupe_key is not null;
create index ideas_by_agent on ideas (namespace, source_agent, created_at);
create index ideas_archived_by_agent on ideas (namespace, source_agent, created_at)
  where status = 'archived';
create index ideas_open on ideas (namespace, touched_at)
  where ended_at is null;
create index ideas_ended on ideas (ended_at)
  where ended_at is not null;

create table opportunities (
  opportunity_id uuid primary key default new_id(),
  seq bigint generated always as identity,
  namespace text not null references namespaces,
  source_agent text not null,
  source_job_id uuid,
  source_job_type text,
  idea_id uuid,
  promoted_by text,
  theme text not null,
  title text not null,
  why_now text not null,
  if_nothing text not null,
  evidence jsonb not null check (jsonb_typeof(evidence) = 'array'),
  impact int not null check (impact between 1 and 5),
  confidence int not null check (confidence between 1 and 5),
  urgency int not null check (urgency between 1 and 5),
  reversibility text not null check (reversibility in ('high', 'medium', 'low')),
  owner_candidate text not null,
  suggested_next_step text not null,
  dedupe_key text,
  status text not null default 'new'
    check (status in ('new', 'triaged', 'accepted', 'rejected', 'parked', 'converted_to_job', 'merged')),
  parked_until timestamptz,
  merged_into uuid,
  converted_job_id uuid,
  converted_by text,
  converted_at timestamptz,
  decided_by text,
  decided_at timestamptz,
  touched_at timestamptz not null default now(),
  ended_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint an_opportunity_ends_with_its_status check (
    (status in ('rejected', 'converted_to_job', 'merged')) = (ended_at is not null)),
  constraint a_parked_opportunity_has_a_date check ((status = 'parked') = (parked_until is not null)),
  constraint a_converted_opportunity_has_a_job check (
    (status = 'converted_to_job') = (converted_job_id is not null)),
  constraint a_merged_opportunity_names_the_other check ((status = 'merged') = (merged_into is not null)),
  constraint a_promoted_idea_and_its_opportunity unique (idea_id)
);
comment on table opportunities is
  'Proposals that are ready for a decision: each with evidence that was found, scores, an owner and a smallest next step.';
comment on column opportunities.source_agent is
  'The agent that proposed it; for a proposal of a person, the name of the operator.';
comment on column opportunities.source_job_id is
  'The job whose attempt proposed it; null for an operator. No foreign key, because jobs go to history earlier.';
comment on column opportunities.idea_id is 'The idea that was promoted to this opportunity.';
comment on column opportunities.promoted_by is
  'Who promoted the idea: an agent, whose budget it used, or operator:<name>. source_agent is the author of the idea.';
comment on column opportunities.why_now is 'What has changed, so that this is worth doing now.';
comment on column opportunities.if_nothing is 'What happens if nothing is done.';
comment on column opportunities.evidence is
  'The evidence as it was checked: objects with kind (job, event, slot, memory or url), its id or url, and lookedAt for a url.';
comment on column opportunities.urgency is 'From 1 to 5; 5 is urgent, and told to people at once.';
comment on column opportunities.reversibility is 'How easily the step is undone: high, medium or low.';
comment on column opportunities.owner_candidate is 'The agent that would do it.';
comment on column opportunities.dedupe_key is
  'Unique in the namespace: the same key returns the opportunity that has it.';
comment on column opportunities.parked_until is 'When a parked opportunity is to be triaged again.';
comment on column opportunities.merged_into is
  'The opportunity that took over its evidence. No foreign key, because that one may retire earlier.';
comment on column opportunities.converted_job_id is
  'The job that it became; its correlation key is opportunity:<id>. No foreign key, because jobs go to history earlier.';
comment on column opportunities.decided_by is 'The actor of the newest review, as in the audit log.';
comment on column opportunities.ended_at is 'When it was rejected, merged into another or converted.';
create index opportunities_listed on opportunities (namespace, seq);
create unique index opportunities_by_dedupe_key on opportunities (namespace, dedupe_key)
  where dedupe_key is not null;
create index opportunities_by_agent on opportunities (namespace, source_agent, created_at);
create index opportunities_decided_by_agent on opportunities (namespace, source_agent, created_at)
  where status in ('accepted', 'converted_to_job', 'rejected');
create index opportunities_by_promoter on opportunities (namespace, promoted_by, created_at)
  where promoted_by is not null;
create index opportunities_open on opportunities (namespace, status, touched_at)
  where ended_at is null;
create index opportunities_decided on opportunities (namespace, decided_at)
  where decided_at is not null;
create index opportunities_converted on opportunities (converted_job_id)
  where converted_job_id is not null;
create index opportunities_merged on opportunities (merged_into)
  where merged_into is not null;
create index opportunities_ended on opportunities (ended_at)
  where ended_at is not null;

create table opportunity_reviews (
  review_id uuid primary key default new_id(),
  seq bigint generated always as identity,
  namespace text not null references namespaces,
  opportunity_id uuid not null references opportunities on delete cascade,
  reviewer text not null,
  decision text not null
    check (decision in ('triaged', 'accepted', 'rejected', 'parked', 'unparked', 'converted_to_job', 'merged')),
  notes text not null,
  until timestamptz,
  created_at timestamptz not null default now()
);
comment on table opportunity_reviews is
  'The decisions on each opportunity, in their order. A row is never changed and goes with its opportunity.';
comment on column opportunity_reviews.reviewer is 'The actor, as in the audit log.';
comment on column opportunity_reviews.until is 'Until when it was parked.';
create index opportunity_reviews_listed on opportunity_reviews (opportunity_id, seq);

create table reports (
  report_id uuid primary key default new_id(),
  seq bigint generated always as identity,
  namespace text not null references namespaces,
  kind text not null
    check (kind in ('daily_digest', 'ideas_digest', 'weekly_report', 'weekly_bets', 'cost_report', 'account')),
  period_from timestamptz not null,
  period_to timestamptz not null check (period_to > period_from),
  markdown text not null,
  words int not null,
  items int not null,
  sources jsonb not null default '[]' check (jsonb_typeof(sources) = 'array'),
  left_out jsonb not null default '{}' check (jsonb_typeof(left_out) = 'object'),
  job_id uuid,
  created_by text not null,
  created_at timestamptz not null default now(),
  unique (namespace, kind, period_from, period_to)
);
comment on table reports is
  'Digests and reports that the bus has composed from the ledger, as people read them. A text never changes.';
comment on column reports.period_from is 'The start of the time that the report covers; period_to is its end, and not part of it.';
comment on column reports.markdown is 'The text, in Markdown.';
comment on column reports.words is 'How many words the text has.';
comment on column reports.items is 'How many items the text has.';
comment on column reports.sources is 'The rows that the text was made from: objects with kind and id.';
comment on column reports.left_out is 'How many proposals the text leaves out, by reason.';
comment on column reports.job_id is 'The job of the publisher that got the report; null when none did.';
comment on column reports.created_by is 'The actor, as in the audit log.';
create index reports_listed on reports (namespace, seq);
create index reports_by_age on reports (created_at);

alter table agents
  add column may_triage boolean not null default false,
  add column may_convert boolean not null default false;
comment on column agents.budgets is
  'Proposals that the agent may make a day (UTC): ideas, opportunities, urgent, memoryCandidates; and openOpportunities, how many of its opportunities may be open. A key that is missing has the default of written_budget.';
comment on column agents.may_triage is 'Whether the agent may triage opportunities and merge them.';
comment on column agents.may_convert is 'Whether the agent may convert opportunities to jobs.';

alter table standing_orders
  add column report text check (report in ('daily_digest', 'ideas_digest', 'weekly_report', 'weekly_bets'));
comment on column standing_orders.report is
  'The kind of report that the bus composes for each slot and puts into the payload of its job; null for none.';

-- needs-me reads the few anomalies of the last days among all events.
create index events_of_anomalies on events (namespace, created_at)
  where topic = 'ops.anomaly';

-- Claims take proactive work of a lane after all its other work, so the index that they read puts it last.
-- For the same cost a claim then still reads the first jobs of a lane and no other.
drop index jobs_to_claim;
create index jobs_to_claim
  on jobs (namespace, target_agent, (job_type = 'proactive'), priority desc, run_after, seq, moved_xid)
  where state = 'queued';
-- The few jobs that are counted before another proactive one is let in.
create index jobs_proactive on jobs (namespace, seq)
  where job_type = 'proactive' and state in ('waiting', 'queued', 'leased', 'running', 'blocked');

-- A year, whatever agentbus.history.keep-days is: what was rejected lately is refused again only while its
-- row is there, and the rates of an author come from its decided proposals. Budgets keep the tables small.
insert into retention_rules (table_name, way, key_column, over_column, keep_days)
values
  ('ideas', 'deleted', 'idea_id', 'ended_at', 365),
  ('opportunities', 'deleted', 'opportunity_id', 'ended_at', 365),
  ('reports', 'deleted', 'report_id', 'created_at', 365);
