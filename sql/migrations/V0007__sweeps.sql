-- This migration lets a sweep note a row that it cannot handle and go on with the others, and gives each lane
-- its own claim mark.

create table sweep_failures (
  what text not null,
  row_id uuid not null,
  namespace text not null,
  error text not null,
  failures int not null default 1,
  retry_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (what, row_id)
);
comment on table sweep_failures is
  'One row for each job or slot that a sweep could not handle. The sweep tries it again at retry_at, and deletes the row when it succeeds.';
comment on column sweep_failures.what is
  'What failed: lease (the end of an expired lease), block (the end of a block), run_end (the end of a run that closed nothing), cascade, or slot.';

create table lane_marks (
  namespace text not null,
  agent_id text not null,
  floor xid8 not null,
  looked_at timestamptz not null,
  primary key (namespace, agent_id)
) with (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 200,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 1000
);
comment on table lane_marks is
  'One row for each lane, which says that at looked_at every due job of the lane had a moved_xid of floor or later. See sql/functions/dispatch/R__claim_mark.sql.';

alter table claim_mark add column look_ms int not null default 0;
comment on column claim_mark.look_ms is
  'How long the last look at the lanes took, in milliseconds; the next look waits in proportion.';
comment on table claim_mark is
  'One row, which says that at looked_at every job at work had a moved_xid of floor or later. See sql/functions/dispatch/R__claim_mark.sql.';
