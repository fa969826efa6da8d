-- The work: jobs, their attempts, what they wait for. One state machine, guarded by the table itself.
--
--                          ┌──────────── retry (backoff) ◄───────────┐
--   waiting ──► queued ──► leased ──► running ──► succeeded           │
--                 ▲          │          ├──────► blocked ──► queued   │
--                 │          └──────────┴──────► (lost, failed) ──────┤
--                 └─ unblocked, redriven                              └──► dead      failed    cancelled

-- Time-ordered ids (UUID version 7, RFC 9562) keep the newest rows of an index together.
-- Postgres has uuidv7() from 18 on; we run from 15 on.
create function new_id() returns uuid language sql volatile parallel safe as $$
  select encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
        from 1 for 6),
      52, 1), 53, 1),
    'hex')::uuid
$$;
comment on function new_id() is 'A new UUID, version 7: the first 48 bits are the time in milliseconds.';

create table jobs (
  job_id uuid primary key default new_id(),
  seq bigint generated always as identity,
  namespace text not null,
  parent_job_id uuid references jobs,
  flow_key text,
  correlation_key text,
  hops int not null default 0,
  source_agent text,
  target_agent text not null,
  job_type text not null,
  subject text not null,
  priority int not null default 100 check (priority between 1 and 1000),
  dedupe_key text,
  payload jsonb not null default '{}',
  trust text not null default 'trusted' check (trust in ('trusted', 'untrusted')),
  model text,
  thinking text,

  state text not null check (state in
    ('waiting', 'queued', 'leased', 'running', 'succeeded', 'blocked', 'failed', 'dead', 'cancelled')),
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
  redrives int not null default 0,

  blocked_reason text,
  blocked_until timestamptz,
  blocked_on_job uuid references jobs,
  blocked_on_agent text,
  blocked_on_person text,
  answer text,

  status jsonb,
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
  constraint a_waiting_job_waits_for_something check (state <> 'waiting' or open_dependencies > 0)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05,
        autovacuum_analyze_scale_factor = 0.02, fillfactor = 85);

comment on column jobs.seq is 'Order of arrival; the last word between jobs of one priority and due time.';
comment on column jobs.hops is 'How many handoffs lie between this job and the one that started it all.';
comment on column jobs.delivery is 'hook: the bus wakes the agent. pull: a worker claimed it and works by itself.';
comment on column jobs.lease_owner is 'Who renews the lease: a dispatcher while leased, nobody while a delivery''s outcome is unknown, the agent while running.';
comment on column jobs.keeps_lease is 'The agent has renewed once, so its silence counts.';
comment on column jobs.attempt_no is 'Number of the newest attempt; only grows.';
comment on column jobs.attempt_count is 'Attempts that count against max_attempts: not those that never reached the agent, not those that ended blocked.';
comment on column jobs.answer is 'What the next attempt is told about the block it comes out of.';
comment on column jobs.status is 'The live status: percent, line, at.';

-- The claim reads this one, in this order, and nothing that has ended is in it: its cost does not grow with history.
create index jobs_to_claim on jobs (namespace, target_agent, priority desc, run_after, seq) where state = 'queued';
create index jobs_live on jobs (namespace, target_agent) where state in ('leased', 'running');
create index jobs_parked on jobs (namespace, target_agent, state) where state in ('waiting', 'blocked');
create index jobs_due_to_unblock on jobs (blocked_until) where state = 'blocked' and blocked_until is not null;
create index jobs_blocked_on_job on jobs (blocked_on_job) where blocked_on_job is not null;
create index jobs_dead on jobs (namespace, target_agent) where state = 'dead';
create index jobs_ended on jobs (namespace, ended_at) where ended_at is not null;
create index jobs_by_arrival on jobs (namespace, seq);
create index jobs_by_parent on jobs (parent_job_id) where parent_job_id is not null;
create index jobs_by_flow on jobs (namespace, flow_key, seq) where flow_key is not null;
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
comment on column job_dependencies.waived_at is 'Somebody put the job back to work although this dependency had not succeeded.';
create index job_dependencies_by_target on job_dependencies (depends_on);

create table job_attempts (
  attempt_id uuid primary key default new_id(),
  namespace text not null,
  job_id uuid not null references jobs,
  attempt_no int not null,
  token_hash bytea,
  dispatcher_id text not null,
  status text not null default 'leased' check (status in
    ('leased', 'running', 'succeeded', 'blocked', 'failed', 'timed_out', 'cancelled', 'undelivered')),
  deliveries int not null default 0,
  adoptions int not null default 0,
  unknown_since timestamptz,
  summary text,
  error text,
  gateway text,
  run_id text,
  session_key text,
  response jsonb,
  close_hash bytea,
  nonce text not null default replace(gen_random_uuid()::text, '-', ''),
  prompt text,
  prompt_hash text,
  template_hash text,
  injected jsonb not null default '[]',
  usage jsonb,
  started_at timestamptz not null default now(),
  admitted_at timestamptz,
  finished_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (job_id, attempt_no),
  constraint an_ended_attempt_says_when check ((status in ('leased', 'running')) = (finished_at is null))
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, fillfactor = 85);
comment on table job_attempts is 'One row for every try, whatever became of it. The attempt''s id is the fence of its job.';
comment on column job_attempts.token_hash is 'SHA-256 of the token the agent was given; the token itself is derived from the id and never stored.';
comment on column job_attempts.deliveries is 'Calls of the hook for this attempt, all with the same key and bytes.';
comment on column job_attempts.adoptions is 'How often another dispatcher took the attempt over.';
comment on column job_attempts.unknown_since is 'Since then a call may or may not have started a run.';
comment on column job_attempts.response is 'The answer its close was given; given again when the close is repeated.';
comment on column job_attempts.nonce is 'Marks the boundaries of the payload in the prompt, so that a payload cannot forge one.';
comment on column job_attempts.prompt is 'What the agent was told, with a mark where the token stands.';
create unique index job_attempts_one_live_per_job on job_attempts (job_id) where status in ('leased', 'running');

-- The table itself refuses what the picture above does not show, whoever writes.
create function guard_job_transition() returns trigger language plpgsql as $$
begin
  if not (case old.state
    when 'waiting' then new.state in ('queued', 'blocked', 'cancelled')
    when 'queued' then new.state in ('leased', 'cancelled')
    when 'leased' then new.state in ('running', 'queued', 'succeeded', 'blocked', 'failed', 'dead', 'cancelled')
    when 'running' then new.state in ('queued', 'succeeded', 'blocked', 'failed', 'dead', 'cancelled')
    when 'blocked' then new.state in ('queued', 'waiting', 'cancelled')
    when 'failed' then new.state = 'queued'
    -- A dead letter is redriven, or dismissed.
    when 'dead' then new.state in ('queued', 'cancelled')
    else false
  end) then
    raise exception 'job % cannot go from % to %', old.job_id, old.state, new.state using errcode = 'AB409',
      detail = jsonb_build_object('code', 'wrong_state', 'field', 'state', 'value', new.state)::text;
  end if;
  return new;
end
$$;
comment on function guard_job_transition() is 'Refuses a change of state that the state machine does not have (AB409, wrong_state).';

create trigger guard_job_transition before update of state on jobs
  for each row when (old.state is distinct from new.state) execute function guard_job_transition();
