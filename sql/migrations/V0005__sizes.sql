-- Sizes of the stored JSON, so that a list need not read it; the bytes that agents store; and the dedupe key
-- that a job gave up. Every new column is nullable or has a constant default, so no table is rewritten.

alter table events add column payload_bytes int;
comment on column events.payload_bytes is
  'Bytes of the payload as text; null for an event of an earlier version. The trigger measure_event writes it.';

alter table jobs
  add column payload_bytes int,
  add column result_bytes int,
  add column evidence_bytes int,
  add column released_key text;
comment on column jobs.payload_bytes is
  'Bytes of the payload as text; null for a job of an earlier version. The triggers measure_payload and measure_outcome write the three sizes.';
comment on column jobs.released_key is
  'The dedupe key that the job had before it gave the key up to a newer job (dedupeMode).';

alter table job_attempts add column late_reports int not null default 0;
comment on column job_attempts.late_reports is
  'How many reports after the end of the attempt were only counted. The first few are events (late_reports_kept).';

alter table standing_order_runs add column evidence_bytes int;
comment on column standing_order_runs.evidence_bytes is
  'Bytes of the evidence as text; null for none and for a slot of an earlier version.';

create table agent_bytes (
  count_id uuid primary key default new_id(),
  namespace text not null references namespaces,
  agent_id text not null,
  day date not null,
  bytes bigint not null
) with (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 200,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 1000
);
comment on table agent_bytes is
  'How many bytes each agent has stored on each day (UTC). A day has a row for each call that counted at the same moment, so that no call waits for another.';
create index agent_bytes_by_day on agent_bytes (namespace, agent_id, day);
