-- What a claim may pass over while a transaction is held open and nothing can be vacuumed; see docs/adr/0017. The functions also take
-- their locks in one order now (R__60_attempts).

-- A constant first, so that no row is written.
alter table jobs add column moved_xid xid8 not null default '0';
alter table jobs alter column moved_xid set default pg_current_xact_id();
comment on column jobs.moved_xid is
  'The transaction that brought the job to its state, or its start nearer. Zero: before there was this column.';

create function note_move() returns trigger language plpgsql as $$
begin
  new.moved_xid := pg_current_xact_id();
  return new;
end
$$;
comment on function note_move() is 'Notes the transaction that brings a job to another state, or its start nearer.';
create trigger note_move before update of state, run_after on jobs
  for each row when (old.state is distinct from new.state or new.run_after < old.run_after) execute function note_move();

-- Both take a condition on moved_xid in the index itself: a dead entry that is passed over costs no look at its row.
drop index jobs_live;
create index jobs_live on jobs (moved_xid) where state in ('leased', 'running');
drop index jobs_to_claim;
create index jobs_to_claim on jobs (namespace, target_agent, priority desc, run_after, seq, moved_xid) where state = 'queued';

create table claim_mark (
  one boolean primary key default true check (one),
  floor xid8 not null default '0',
  looked_at timestamptz not null default '-infinity'
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000);
comment on table claim_mark is 'Its one row: no job that is due or at work was moved by an older transaction than floor; as of looked_at.';
insert into claim_mark default values;
