-- What the roles' rules need to be held: whom an agent may hand what, what it may read, and who was refused.

alter table agents
  add column handoffs jsonb check (jsonb_typeof(handoffs) = 'array'),
  add column max_follow_ups int not null default 20 check (max_follow_ups between 0 and 1000),
  add column reads text not null default 'untrusted' check (reads in ('trusted', 'untrusted'));
comment on column agents.handoffs is
  'Objects of agent (* is every other agent), subjects and jobTypes; an absent list limits nothing. Null where an older node wrote the row: then the names of may_enqueue_to, without limits.';
comment on column agents.may_enqueue_to is 'The names in handoffs, without their limits; * is every other agent.';
comment on column agents.emits is 'Topics it may say; topic patterns are allowed.';
comment on column agents.max_follow_ups is 'How many jobs it may ask for out of one job, over all attempts.';
comment on column agents.reads is 'The least trusted payload it may be given.';
comment on column agents.budgets is 'Proposals a day: ideas, opportunities, memoryCandidates. Kept; nothing counts against them before there are proposals.';

alter table subscriptions add column coalesces boolean not null default false;
comment on column subscriptions.coalesces is 'While a job of it waits for its first claim, further events join that job.';

alter table jobs
  add column asked_by text,
  add column coalesce_key text;
comment on column jobs.asked_by is
  'Kind and name of who asked, as in the audit log: a job that an agent hands on counts against its limits, one that the bus makes of an event or a block does not. Null for jobs from before this column.';
comment on column jobs.coalesce_key is 'The topic pattern of the subscription whose further events join this job.';
create index jobs_to_join on jobs (namespace, target_agent, subject, coalesce_key) where state = 'queued' and coalesce_key is not null;

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
  'How many calls of an agent were refused in a minute, by code. The first few of them are rows of the audit log (call.refused); this has them all, so that an agent that hammers cannot fill the log.';
comment on column refusals.actor is 'As in the audit log.';
comment on column refusals.told is 'Notes that made this number; a door that limits an agent brings many refusals in one note.';
