-- The claim mark keeps claims cheap while a transaction is held open.
--
-- Purpose. While a transaction is held open (a dump, a forgotten session), vacuum cannot remove the rows
-- that have died since. Each job leaves two dead entries in the index of live jobs and one in the index of
-- queued jobs, and without the mark a claim reads the row behind each entry.
--
-- How it works. moved_xid of a job is the transaction that last moved it, written by the trigger job_moves.
-- The sweep finds the lowest moved_xid of all jobs that are at work or due within a minute, and writes it
-- down with the time: this is the mark. Claims ignore entries below the mark. Both indexes hold moved_xid,
-- so a claim skips a dead entry without reading its row.
--
-- Gain. After 74,000 jobs in ten minutes beside an open transaction that only reads, a claim took 2 ms
-- instead of 130 ms. The throughput of such a run is the row "transaction held open" in
-- docs/reliability.md; without the mark it was a quarter of the normal throughput. Without an open
-- transaction the mark gains nothing and costs one small update every two seconds.
--
-- Limits. The mark cannot pass an open transaction that has written, a job that has been at work for hours,
-- or a job that is due and not taken. Claims then cost as much as without the mark. docs/adr/0017 has the
-- reasons and the alternatives.
--
-- How to turn it off. Let claim_mark_lifetime() in kernel/R__policy.sql return 0 seconds: then no mark
-- counts, and claims read everything. After a change by hand with disabled triggers, set looked_at of
-- claim_mark to -infinity.

-- Returns the lowest moved_xid that a claim has to read: no job that is due or at work has a lower one.
-- Returns '0', which excludes no job, when the mark is older than claim_mark_lifetime.
-- A mark from the future, by its transaction or its time, comes from another server (the database was
-- restored) and does not count. The function is in plpgsql, so that it is planned once for each connection.
create or replace function claim_floor() returns xid8
language plpgsql stable as $$
begin
  return coalesce((
    select floor
    from claim_mark
    where looked_at > now() - claim_mark_lifetime()
      and looked_at <= now()
      and floor <= pg_snapshot_xmax(pg_current_snapshot())), '0');
end
$$;

-- Writes the mark: the lowest moved_xid of the jobs that are at work, or due within claim_mark_lookahead.
-- All nodes together write it at most once every claim_mark_pause.
-- The lookahead is needed because a job becomes due without a write; a job further ahead may be below the
-- mark, which expires before that job is due. The mark never passes pg_snapshot_xmin, so a transaction that
-- has not committed yet cannot write a job below it.
create or replace function mark_claims() returns void
language sql as $$
  update claim_mark
  set floor = least(
      pg_snapshot_xmin(pg_current_snapshot()),
      (select moved_xid
        from jobs
        where state in ('leased', 'running') and moved_xid >= claim_floor()
        order by moved_xid
        limit 1),
      (select moved_xid
        from jobs
        where state = 'queued' and run_after <= now() + claim_mark_lookahead()
        order by moved_xid
        limit 1)),
    looked_at = now()
  where looked_at not between now() - claim_mark_pause() and now()
$$;
