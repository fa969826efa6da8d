-- A lane that a gateway's refusals have stopped tries again by itself, and one job that alone is refused is
-- set aside. Both need a memory of the refusals. Nodes of the previous version ignore the new columns.

alter table agents
  add column refusal_cause text,
  add column refusal_stops int not null default 0,
  add column refused_job uuid;
comment on column agents.paused_by is
  'The operator who paused the lane, or dispatcher when the bus stopped it.';
comment on column agents.refusal_cause is
  'Why the bus stopped the lane, without the details of the single answer; lanes of one gateway with the same cause resume together. Null when no refusal is open.';
comment on column agents.refusal_stops is
  'How often in a row refused hook calls have stopped the lane; the number sets the length of the next stop. 0 for a lane that only an operator or a restart of the gateway opens again.';
comment on column agents.refused_job is
  'The job whose hook call was refused last while another job was due, which then shows whether the job or the lane is refused.';

alter table job_attempts add column refused_at timestamptz;
comment on column job_attempts.refused_at is
  'When the gateway refused the hook call of the attempt as one that it never accepts.';
