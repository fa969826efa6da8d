-- This migration creates the questions, reviews and approvals that agents and operators ask of people. The
-- job of an open question is blocked, and the answer ends the block (sql/functions/inbox).

create table questions (
  question_id uuid primary key default new_id(),
  seq bigint generated always as identity,
  namespace text not null references namespaces,
  job_id uuid,
  agent_id text,
  attempt_no int,
  kind text not null check (kind in ('question', 'review', 'approval')),
  asked_by text not null,
  person text,
  role text,
  question text not null,
  options text[] not null default '{}',
  why text,
  content jsonb,
  content_bytes int,
  content_hash text,
  deadline timestamptz,
  on_silence text not null default 'stay' check (on_silence in ('stay', 'default', 'cancel')),
  default_option text,

  status text not null default 'open' check (status in ('open', 'answered', 'expired', 'withdrawn')),
  answer text,
  option text,
  decision text check (decision in ('approved', 'rejected', 'changes')),
  answered_by text,
  closed_why text,
  closed_at timestamptz,
  reminders int not null default 0,
  look_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  constraint an_open_question_has_no_end check ((status = 'open') = (closed_at is null)),
  constraint an_answer_has_an_author check ((status = 'answered') = (answered_by is not null)),
  constraint silence_approves_nothing check (status = 'answered' or decision is distinct from 'approved'),
  constraint a_default_says_which check ((on_silence = 'default') = (default_option is not null)),
  constraint an_end_by_silence_has_a_time check (on_silence = 'stay' or deadline is not null),
  constraint content_has_a_hash check ((content is null) = (content_hash is null))
);
comment on table questions is
  'Questions, reviews and approvals for people, each with its answer. The job of an open question is blocked and holds no lease.';
comment on column questions.job_id is
  'The job that waits for the answer; null for a question of an operator for which no job waits. No foreign key, because a job and its questions go to history at different times.';
comment on column questions.agent_id is 'The agent of that job.';
comment on column questions.attempt_no is
  'The attempt that asked and so ended; null when an operator asked.';
comment on column questions.asked_by is 'The actor, as in the audit log.';
comment on column questions.person is 'The person who is asked; null when a role or no person is named.';
comment on column questions.role is 'The role that is asked, in words for people; the bus knows no roles.';
comment on column questions.content is
  'The object that is to be reviewed or approved, as it was when the question was asked.';
comment on column questions.content_hash is
  'SHA-256 of the canonical text of content, in hex (content_hash). An approval must name it.';
comment on column questions.on_silence is
  'What happens at the deadline without an answer: stay keeps the question open, default takes default_option, cancel cancels the job.';
comment on column questions.answer is 'The answer in words or, after silence, the default.';
comment on column questions.option is 'The option that was chosen.';
comment on column questions.closed_why is
  'Why the question was withdrawn, or the reason that a person gave for the answer.';
comment on column questions.reminders is 'How many events question.reminded there were.';
comment on column questions.look_at is
  'When the sweep has to look at the open question again, for a reminder or the deadline; null for never.';

create index questions_listed on questions (namespace, seq);
create index questions_by_agent on questions (namespace, agent_id, seq)
  where agent_id is not null;
create index questions_by_job on questions (job_id, seq)
  where job_id is not null;
create index questions_open on questions (namespace, seq)
  where status = 'open';
create index questions_to_look_at on questions (look_at)
  where status = 'open' and look_at is not null;
create index questions_closed on questions (closed_at)
  where closed_at is not null;
create unique index questions_one_open_per_job on questions (job_id)
  where status = 'open' and job_id is not null;

create table questions_history (
  like questions,
  retired_at timestamptz not null default now(),
  primary key (question_id)
);
comment on table questions_history is 'Questions that were closed long ago.';
create index questions_history_by_job on questions_history (job_id, seq)
  where job_id is not null;

insert into retention_rules (table_name, way, key_column, over_column, keep_days)
values ('questions', 'moved', 'question_id', 'closed_at', null);

alter table jobs add column question_id uuid;
comment on column jobs.question_id is
  'The newest question of the job; null when the job has never asked. A blocked job whose newest question is open waits for its answer.';
