-- What a claim may pass over while a transaction is held open and nothing can be vacuumed; see docs/adr/0017. The functions also take
-- their locks in one order now (R__60_attempts).

-- A constant first, so that no row is written.
alter table jobs add column moved_xid xid8 not null default '0';
alter table jobs alter column moved_xid set default pg_current_xact_id();
comment on column jobs.moved_xid is
  'The transaction that brought the job to its state, or its start nearer. Zero: before there was this column.';

create or replace function guard_job_transition() returns trigger language plpgsql as $$
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
  new.moved_xid := pg_current_xact_id();
  return new;
end
$$;
comment on function guard_job_transition() is
  'Refuses a change of state that the state machine does not have (AB409, wrong_state), and notes its transaction.';

create function note_earlier_start() returns trigger language plpgsql as $$
begin
  new.moved_xid := pg_current_xact_id();
  return new;
end
$$;
comment on function note_earlier_start() is 'Notes the transaction that brought a job''s start nearer.';
create trigger note_earlier_start before update of run_after on jobs
  for each row when (new.run_after < old.run_after) execute function note_earlier_start();

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
