-- This migration lets the bus know which phases are on, and keeps the sign-offs of their gates.

create table phases (
  namespace text not null references namespaces,
  phase int not null check (phase between 1 and 5),
  is_on boolean not null,
  changed_at timestamptz not null default now(),
  changed_by text not null,
  setting int not null check (setting between 1 and 5),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (namespace, phase)
);
comment on table phases is
  'Whether each phase of the rollout is on: the node of the namespace that started last decides, as for the standing orders.';
comment on column phases.changed_at is 'Since when the phase has been on, or off.';
comment on column phases.changed_by is 'The host and process of the node whose start changed it.';
comment on column phases.setting is 'agentbus.phase of that node.';

create table phase_sign_offs (
  sign_off_id uuid primary key default new_id(),
  namespace text not null references namespaces,
  phase int not null check (phase between 1 and 5),
  person text not null,
  reason text not null,
  despite text,
  gate jsonb not null,
  gate_hash bytea not null check (length(gate_hash) = 32),
  signed_by text not null,
  signed_at timestamptz not null default now(),
  withdrawn_at timestamptz,
  withdrawn_by text,
  withdraw_reason text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint a_withdrawn_sign_off_says_why check (
    (withdrawn_at is null) = (withdrawn_by is null) and (withdrawn_at is null) = (withdraw_reason is null))
);
comment on table phase_sign_offs is
  'The decisions of people that the gate of a phase holds, each with the result of the gate at that moment. A row without withdrawn_at is in force.';
comment on column phase_sign_offs.person is 'The person who takes the decision, as the caller named it.';
comment on column phase_sign_offs.despite is
  'Why the person signed off although the gate was not met; null when the gate was met.';
comment on column phase_sign_offs.gate is 'The result of phase-gate at the sign-off.';
comment on column phase_sign_offs.gate_hash is 'The SHA-256 of the text of gate.';
comment on column phase_sign_offs.signed_by is 'The actor, as in the audit log; so is withdrawn_by.';
create unique index phase_sign_offs_in_force on phase_sign_offs (namespace, phase)
  where withdrawn_at is null;
create index phase_sign_offs_listed on phase_sign_offs (namespace, signed_at desc);

-- The gate of a phase asks for the newest missed slot; there are few.
create index standing_order_runs_missed on standing_order_runs (namespace, finished_at)
  where status = 'missed';
