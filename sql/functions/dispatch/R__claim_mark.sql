-- The claim mark: claims stay cheap while a transaction is held open.
--
-- What it is for. While a transaction is held open somewhere (a dump, a forgotten session), Postgres can
-- vacuum nothing that died since. Each job leaves two dead entries in the index of live jobs and one in
-- that of queued jobs, and a claim looked at the row behind each of them.
--
-- What it does. Each job knows the transaction that last moved it (moved_xid, written by the trigger
-- job_moves). The sweep looks how old the oldest job is that is at work or due within a minute, and
-- writes that down with the time of the look. Claims ask for nothing older. Both indexes hold moved_xid,
-- so a dead entry is passed over without a look at its row.
--
-- What it buys. After 74,000 jobs in ten minutes beside a held transaction that only reads, a claim took
-- 2 ms in place of 130 ms. The throughput of such a run is the row "transaction held open" in
-- docs/reliability.md; without the mark it was a quarter of a free bus's. Without a held transaction it
-- buys nothing and costs one small update every two seconds.
--
-- Where it does not help. The mark stands still behind a transaction that has written, behind a job at
-- work for hours, and behind a job that is due and not taken. Claims then cost what they did before.
-- Reasons and what else was considered: docs/adr/0017.
--
-- How to turn it off. Let claim_mark_lifetime() in kernel/R__policy.sql return 0 seconds: no mark is ever
-- fresh then, and claims look at everything. After a change by hand with the triggers switched
-- off, set looked_at of claim_mark to -infinity.

-- The oldest transaction of which a claim has to look at jobs: no job that is due or at work has an older
-- moved_xid. '0', which is true of all, when the last look is older than claim_mark_lifetime. A floor
-- that this server has not come to yet, or a look in the future, is another server's (the database was
-- restored) and counts as none. In plpgsql, so that it is planned once for each connection.
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

-- Looks for the oldest job that is at work, or due within claim_mark_lookahead, and writes the mark; at
-- most once every claim_mark_pause over all nodes. The look goes ahead of now because a job becomes due
-- without a write; a job that was further ahead may be older than the mark. The mark never passes
-- pg_snapshot_xmin: a transaction that has not committed yet has no older number, so what it writes is
-- never below the mark.
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
