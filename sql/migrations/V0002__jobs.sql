-- This migration creates the tables of the work: jobs, their dependencies and attempts, and the dispatchers
-- that bring jobs to agents.
--
--                          ┌──────────── retry (backoff) ◄───────────┐
--   waiting ──► queued ──► leased ──► running ──► succeeded           │
--                 ▲          │          ├──────► blocked ──► queued   │
--                 │          └──────────┴──────► (lost, failed) ──────┤
--                 └─ unblocked, redriven                              └──► dead      failed    cancelled
--
-- The trigger job_moves (sql/functions/jobs/R__transitions.sql) refuses every other move, also a change by
-- hand.

-- A job is updated four times (claimed, admitted, closed, retired), and every claim reads the indexes of
-- this table. With the default of the server, a vacuum at 20 per cent dead rows, a table of a million jobs
-- would collect 200,000 of them.
create table jobs (
  job_id uuid primary key default new_id(),
  seq bigint generated always as identity,
  namespace text not null,
  parent_job_id uuid references jobs,
  flow_key text,
  correlation_key text,
  hops int not null default 0,
  source_agent text,
  asked_by text,
  target_agent text not null,
  job_type text not null,
  subject text not null,
  priority int not null default 100 check (priority between 1 and 1000),
  dedupe_key text,
  coalesce_key text,
  payload jsonb not null default '{}',
  trust text not null default 'trusted' check (trust in ('trusted', 'untrusted')),
  model text,
  thinking text,
  instructions text,
  session text,

  state text not null check (state in
    ('waiting', 'queued', 'leased', 'running', 'succeeded', 'blocked', 'failed', 'dead', 'cancelled')),
  moved_xid xid8 not null default pg_current_xact_id(),
  run_after timestamptz not null default now(),
  open_dependencies int not null default 0 check (open_dependencies >= 0),

  live_attempt uuid,
  delivery text not null default 'hook' check (delivery in ('hook', 'pull')),
  lease_owner text,
  leased_until timestamptz,
  hard_deadline timestamptz,
  keeps_lease boolean not null default false,
  timeout_seconds int not null,
  hard_timeout_seconds int not null,

  attempt_no int not null default 0,
  attempt_count int not null default 0 check (attempt_count >= 0),
  max_attempts int not null default 5,
  delivery_failures int not null default 0,
  ended_without_closing int not null default 0,
  redrives int not null default 0,

  blocked_reason text,
  blocked_until timestamptz,
  blocked_on_job uuid references jobs,
  blocked_on_agent text,
  blocked_on_person text,
  answer text,

  status jsonb,
  outcome text check (outcome in ('completed', 'no_work')),
  evidence jsonb,
  result jsonb,
  summary text,
  last_error text,
  run_id text,
  session_key text,

  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  ended_at timestamptz,

  foreign key (namespace, target_agent) references agents,
  constraint a_live_job_has_an_attempt_and_a_lease check (
    (state in ('leased', 'running')) = (live_attempt is not null)
    and (state in ('leased', 'running')) = (leased_until is not null)),
  constraint a_blocked_job_says_why check ((state = 'blocked') = (blocked_reason is not null)),
  constraint an_ended_job_says_when check (
    (state in ('succeeded', 'failed', 'dead', 'cancelled')) = (ended_at is not null)),
  constraint a_waiting_job_waits_for_something check (state <> 'waiting' or open_dependencies > 0),
  constraint no_work_has_evidence check (outcome is distinct from 'no_work' or evidence is not null)
) with (
  fillfactor = 85,
  autovacuum_vacuum_scale_factor = 0.01,
  autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.02,
  autovacuum_analyze_threshold = 500
);
comment on table jobs is 'One row for each piece of work, until retirement moves the row to jobs_history.';
comment on column jobs.seq is
  'Order of arrival. Of two jobs with the same priority and due time, the one with the lower seq is claimed first.';
comment on column jobs.parent_job_id is
  'The job that led to this one, by a request of its agent, by an event or by a block.';
comment on column jobs.hops is 'The number of handoffs between the first job of the chain and this one.';
comment on column jobs.source_agent is
  'The agent whose request, event or block led to this job; null for none.';
comment on column jobs.asked_by is
  'Kind and name of the caller, as in the audit log; null for a row written by hand. Jobs that an agent requested count against the limits of that agent; jobs that the bus made for an event or a block do not.';
comment on column jobs.dedupe_key is 'Two jobs of one agent that have not ended never have the same key.';
comment on column jobs.coalesce_key is 'The topic pattern of the subscription whose further events join this job.';
comment on column jobs.trust is
  'untrusted: the payload comes from outside, and a prompt shows it only between boundaries.';
comment on column jobs.instructions is
  'The instructions of a standing order for its agent. Only the standing order writes them, never a caller that enqueues a job.';
comment on column jobs.session is
  'The session at the gateway that the runs of a standing order share; null gives the job its own session.';
comment on column jobs.moved_xid is
  'The transaction that last changed the state of the job or moved its start to an earlier time; see claim_mark.';
comment on column jobs.run_after is 'The job is not claimed before this time.';
comment on column jobs.live_attempt is 'The only attempt whose agent may close the job.';
comment on column jobs.delivery is
  'hook: the bus wakes the agent with a hook call. pull: a worker has claimed the job without a hook.';
comment on column jobs.lease_owner is
  'Who renews the lease: a dispatcher or worker while leased, the agent while running, null while the outcome of a hook call is unknown.';
comment on column jobs.hard_deadline is 'The lease is never renewed past this time.';
comment on column jobs.keeps_lease is
  'True after the first renewal, and from the start for a worker that pulls. From then on the agent must renew before leased_until.';
comment on column jobs.timeout_seconds is 'How long a run may be silent if it has never renewed its lease.';
comment on column jobs.hard_timeout_seconds is
  'The longest that an attempt may run, however often it renews its lease.';
comment on column jobs.attempt_no is 'The number of the newest attempt; it only grows.';
comment on column jobs.attempt_count is
  'Attempts that count against max_attempts. Attempts that never reached the agent, or that the agent ended with a block, do not count.';
comment on column jobs.delivery_failures is 'Hook calls in a row that started no run.';
comment on column jobs.ended_without_closing is
  'Runs in a row that ended without an error and left the job open. The first is retried, and the second blocks the job; unblocking or redriving sets the number back to zero.';
comment on column jobs.redrives is 'How often an operator gave the job all its attempts again.';
comment on column jobs.answer is
  'The answer that ended the last block; the prompt of the next attempt contains it.';
comment on column jobs.status is 'The live status that the agent reported: percent, line, at.';
comment on column jobs.outcome is
  'How the job succeeded: completed, or no_work when the agent found nothing to do.';
comment on column jobs.evidence is 'What the agent checked; never null for no_work.';

-- Claims read the next two indexes. Neither holds ended jobs, so the cost of a claim does not grow with
-- history; moved_xid lets a claim skip a dead entry without reading its row.
create index jobs_to_claim on jobs (namespace, target_agent, priority desc, run_after, seq, moved_xid)
  where state = 'queued';
create index jobs_live on jobs (moved_xid)
  where state in ('leased', 'running');
create index jobs_parked on jobs (namespace, target_agent, state)
  where state in ('waiting', 'blocked');
create index jobs_due_to_unblock on jobs (blocked_until)
  where state = 'blocked' and blocked_until is not null;
create index jobs_blocked_on_job on jobs (blocked_on_job)
  where blocked_on_job is not null;
create index jobs_dead on jobs (namespace, target_agent)
  where state = 'dead';
create index jobs_ended on jobs (namespace, ended_at)
  where ended_at is not null;
create index jobs_by_arrival on jobs (namespace, seq);
create index jobs_by_parent on jobs (parent_job_id)
  where parent_job_id is not null;
create index jobs_by_flow on jobs (namespace, flow_key, seq)
  where flow_key is not null;
create index jobs_by_session on jobs (target_agent, lower(session), seq)
  where session is not null;
create index jobs_to_join on jobs (namespace, target_agent, subject, coalesce_key)
  where state = 'queued' and coalesce_key is not null;
create unique index jobs_one_live_per_dedupe_key on jobs (namespace, target_agent, dedupe_key)
  where dedupe_key is not null and state in ('waiting', 'queued', 'leased', 'running', 'blocked');

create table job_dependencies (
  namespace text not null,
  job_id uuid not null references jobs,
  depends_on uuid not null references jobs,
  satisfied_at timestamptz,
  waived_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (job_id, depends_on),
  constraint no_job_waits_for_itself check (job_id <> depends_on)
);
comment on table job_dependencies is
  'Each row makes the job job_id wait for the success of the job depends_on.';
comment on column job_dependencies.waived_at is
  'When the job was put back to work although this dependency had not succeeded.';
create index job_dependencies_by_target on job_dependencies (depends_on);

-- Vacuumed like jobs, because each try at a job writes a row.
create table job_attempts (
  attempt_id uuid primary key default new_id(),
  namespace text not null,
  job_id uuid not null references jobs,
  attempt_no int not null,
  token_hash bytea,
  nonce text not null default replace(gen_random_uuid()::text, '-', ''),
  status text not null default 'leased' check (status in
    ('leased', 'running', 'succeeded', 'blocked', 'failed', 'timed_out', 'cancelled', 'undelivered')),
  dispatcher_id text not null,
  gateway text,
  gateway_version text,
  agent_yaml_hash text,
  agents_md_hash text,
  deliveries int not null default 0,
  adoptions int not null default 0,
  unknown_since timestamptz,
  run_id text,
  session_key text,
  prompt text,
  prompt_hash text,
  template_hash text,
  injected jsonb not null default '[]',
  summary text,
  error text,
  usage jsonb,
  response jsonb,
  close_hash bytea,
  started_at timestamptz not null default now(),
  admitted_at timestamptz,
  interrupted_at timestamptz,
  run_ended_at timestamptz,
  finished_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (job_id, attempt_no),
  constraint an_ended_attempt_says_when check ((status in ('leased', 'running')) = (finished_at is null))
) with (
  fillfactor = 85,
  autovacuum_vacuum_scale_factor = 0.01,
  autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.02
);
comment on table job_attempts is
  'One row for each try at a job, however it ended. The id of the live attempt is the fence of the job.';
comment on column job_attempts.token_hash is
  'SHA-256 of the token that the agent was given; the token itself is derived from the id and never stored.';
comment on column job_attempts.nonce is
  'A random value that marks the boundaries of the payload in the prompt, so that a payload cannot forge a boundary.';
comment on column job_attempts.gateway_version is
  'The version of the gateway when the attempt began, if it was known. The hashes of the agent''s files are also from that moment.';
comment on column job_attempts.deliveries is
  'The number of hook calls for this attempt, all with the same key and bytes.';
comment on column job_attempts.adoptions is 'How often another dispatcher took the attempt over.';
comment on column job_attempts.unknown_since is
  'Since when a hook call may or may not have started a run; null while there is no such doubt.';
comment on column job_attempts.prompt is 'The prompt that the agent got, with a mark in place of the token.';
comment on column job_attempts.response is
  'The answer to the close of the attempt; a repeated close gets the same answer.';
comment on column job_attempts.close_hash is
  'The hash of the close, which tells a repeated close from a different one.';
comment on column job_attempts.admitted_at is
  'When the gateway admitted the run, or when the agent made its first call.';
comment on column job_attempts.interrupted_at is
  'When a restart of the gateway put the run in doubt; null again as soon as the run reports.';
comment on column job_attempts.run_ended_at is 'When the gateway reported the end of the run.';
create unique index job_attempts_one_live_per_job on job_attempts (job_id)
  where status in ('leased', 'running');
create index job_attempts_finished on job_attempts (namespace, finished_at)
  where status in ('failed', 'timed_out');
-- This index is nearly always empty, so reading it twice a second costs nothing.
create index job_attempts_run_ended on job_attempts (run_ended_at)
  where run_ended_at is not null and status in ('leased', 'running');

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
  'Runs to be stopped at their gateway, because a cancellation, a timeout or a lost lease ended the attempt and not the agent. The row is written in the transaction that ends the attempt.';
comment on column run_aborts.outcome is
  'aborted: a run was stopped. no_run: there was no run. superseded: a newer attempt has the session. no_operator_token: the bus has no operator token of the gateway. gave_up: the run could not be stopped.';
create index run_aborts_due on run_aborts (next_try_at)
  where done_at is null;

create table claim_mark (
  one boolean primary key default true check (one),
  floor xid8 not null default '0',
  looked_at timestamptz not null default '-infinity'
) with (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 200,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 1000
);
comment on table claim_mark is
  'One row, which says that at looked_at every job that was due or at work had a moved_xid of floor or later. See sql/functions/dispatch/R__claim_mark.sql.';
insert into claim_mark default values;

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
) with (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 200,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 1000
);
comment on table dispatcher_heartbeats is
  'One row for each start of a dispatcher. A row without recent heartbeats shows that the dispatcher has died.';
comment on column dispatcher_heartbeats.wake_source is
  'listen: notifications wake the dispatcher, and a sweep finds the work of lost ones. poll: only the sweep wakes it.';
comment on column dispatcher_heartbeats.beat_seconds is
  'The pause between two heartbeats that the dispatcher announced; after missed_heartbeats pauses without one it is stale.';
comment on column dispatcher_heartbeats.stopped_at is
  'When the dispatcher shut down in order; null for one that runs or has died.';
