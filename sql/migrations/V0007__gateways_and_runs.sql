-- Several gateways, each known by its health, and what a gateway says of the runs in it.

alter table gateways
  add column url text,
  add column form text not null default 'mapped' check (form in ('mapped', 'direct')),
  add column state text not null default 'unknown' check (state in ('unknown', 'ready', 'draining', 'down')),
  add column state_since timestamptz not null default now(),
  add column state_reason text,
  add column checked_at timestamptz,
  add column seen_at timestamptz,
  add column seen_by text,
  add column version text,
  add column boot_id text,
  add column booted_at timestamptz;
comment on column gateways.url is 'Where the nodes reach it, without credentials; as the node that started last was set up.';
comment on column gateways.form is 'How a run is asked for; decides the key of its session.';
comment on column gateways.state is 'What it said when it was last asked: ready, draining, or nothing (down). Unknown: nobody has asked, or what answered is no gateway.';
comment on column gateways.checked_at is 'When it was last asked; a state that is older than a minute holds nothing.';
comment on column gateways.seen_at is 'When a node last had an answer from it, and in seen_by which.';
comment on column gateways.version is 'The version it reported at its start.';
comment on column gateways.boot_id is 'Its own name for its present life; another one says that it was restarted.';

-- A gateway serves every namespace, and so may its token.
alter table access_tokens
  drop constraint access_tokens_kind_check,
  add constraint access_tokens_kind_check check (kind in ('operator', 'agent', 'gateway')),
  drop constraint access_tokens_check,
  add constraint access_tokens_check check (kind in ('operator', 'gateway') or namespace is not null);
comment on column access_tokens.namespace is 'Null: every namespace, for operators and gateways only.';

alter table agents
  add column agents_md_hash text;
comment on column agents.agents_md_hash is 'SHA-256 of the AGENTS.md beside its agent.yaml; null when there is none.';

alter table jobs
  add column ended_without_closing int not null default 0;
comment on column jobs.ended_without_closing is
  'Runs in a row that ended well and left the job open: one is retried, the second blocks it. Zero again when it is unblocked or redriven.';

alter table job_attempts
  add column run_ended_at timestamptz,
  add column interrupted_at timestamptz,
  add column gateway_version text,
  add column agent_yaml_hash text,
  add column agents_md_hash text;
comment on column job_attempts.run_ended_at is 'When its gateway reported the end of its run.';
comment on column job_attempts.interrupted_at is 'Its gateway has restarted since then, and its run has not been heard of again.';
comment on column job_attempts.gateway_version is 'The gateway''s version when the attempt began, as far as it was known; likewise the hashes of the agent''s files.';

-- Nearly always empty, so that looking twice a second costs nothing.
create index job_attempts_run_ended on job_attempts (run_ended_at) where run_ended_at is not null and status in ('leased', 'running');
create index jobs_by_session on jobs (target_agent, lower(session), seq) where session is not null;

create table run_aborts (
  attempt_id uuid primary key references job_attempts on delete cascade,
  namespace text not null,
  gateway text not null,
  session_key text not null,
  why text not null,
  requested_at timestamptz not null default now(),
  tries int not null default 0,
  next_try_at timestamptz not null default now(),
  done_at timestamptz,
  outcome text check (outcome in ('aborted', 'no_run', 'superseded', 'no_operator_token', 'gave_up')),
  error text,
  constraint a_done_abort_says_what_came_of_it check ((done_at is null) = (outcome is null))
);
comment on table run_aborts is
  'Runs to be stopped at their gateway: their attempt ended by another hand than their own. Written in the transaction that ends the attempt.';
comment on column run_aborts.outcome is
  'aborted: a run was stopped. no_run: none was there. superseded: a newer attempt has the session. no_operator_token: the gateway may not be told. gave_up: it could not be.';
create index run_aborts_due on run_aborts (next_try_at) where done_at is null;
