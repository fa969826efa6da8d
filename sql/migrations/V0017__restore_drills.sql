-- The record of restore drills: a backup counts as proven when its restore was tried.

create table restore_drills (
  drill_id uuid primary key default new_id(),
  namespace text not null default 'default' references namespaces,
  started_at timestamptz not null,
  ended_at timestamptz not null check (ended_at >= started_at),
  ok boolean not null,
  rto_seconds numeric check (rto_seconds >= 0),
  rpo_seconds numeric check (rpo_seconds >= 0),
  source text not null,
  findings jsonb not null check (jsonb_typeof(findings) = 'array'),
  created_at timestamptz not null default now(),
  check (not ok or (rto_seconds is not null and rpo_seconds is not null))
);
comment on table restore_drills is
  'One row for each restore drill: an export was restored into a scratch database, compared and started.';
comment on column restore_drills.namespace is
  'Always default: a drill restores the whole database with all namespaces.';
comment on column restore_drills.ok is 'Whether every check was made and passed.';
comment on column restore_drills.rto_seconds is
  'From the begin of the restore to the first answer of a bus on it; null when no bus answered.';
comment on column restore_drills.rpo_seconds is
  'How old the export was when the drill began: work of this time would be lost. Null when the export could not be read.';
comment on column restore_drills.source is
  'The name of the export''s file, or a new export of this database.';
comment on column restore_drills.findings is
  'One object for each check: check, ok (true, false, or null for a check that could not be made) and detail.';
create index restore_drills_by_end on restore_drills (ended_at);

insert into retention_rules (table_name, way, key_column, over_column, keep_days)
values ('restore_drills', 'deleted', 'drill_id', 'ended_at', 1095);
