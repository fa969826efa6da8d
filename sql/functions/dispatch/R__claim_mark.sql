-- The claim mark keeps claims cheap while a transaction is held open.
--
-- Purpose. While a transaction is held open (a dump, a forgotten session), vacuum cannot remove the rows
-- that have died since. Each job leaves two dead entries in the index of live jobs and one in the index of
-- queued jobs, and without the mark a claim reads the row behind each entry.
--
-- How it works. moved_xid of a job is the transaction that last moved it, written by the trigger job_moves.
-- The sweep finds the lowest moved_xid of all jobs at work (claim_mark) and, for each open lane, of the jobs
-- that are due within a minute (lane_marks), and writes them down with the time: these are the marks. Claims
-- ignore entries below a mark. Both indexes hold moved_xid, so a claim skips a dead entry without reading
-- its row.
--
-- Gain. After 74,000 jobs in ten minutes beside an open transaction that only reads, a claim took 2 ms
-- instead of 130 ms. The throughput of such a run is the row "transaction held open" in
-- docs/reliability.md; without the mark it was a quarter of the normal throughput. Without an open
-- transaction the mark gains nothing and costs one small update every two seconds.
--
-- Limits. The marks cannot pass an open transaction that has written. The mark of the jobs at work cannot
-- pass a job that has been at work for hours, and the mark of a lane cannot pass a due job of this lane that
-- is not taken. Claims then cost as much as without that mark. docs/adr/0017 has the reasons and the
-- alternatives.
--
-- How to turn it off. Let claim_mark_lifetime() in kernel/R__policy.sql return 0 seconds: then no mark
-- counts, and claims read everything. After a change by hand with disabled triggers, set looked_at of
-- claim_mark to -infinity and delete the rows of lane_marks.

-- Returns p_floor, if the mark counts that was written at p_looked_at; otherwise '0', which excludes no job.
-- A mark counts for claim_mark_lifetime. A mark from the future, by its transaction or its time, comes from
-- another server (the database was restored) and does not count.
create or replace function mark_that_counts(p_floor xid8, p_looked_at timestamptz) returns xid8
language sql stable as $$
  select case
    when p_looked_at > now() - claim_mark_lifetime()
      and p_looked_at <= now()
      and p_floor <= pg_snapshot_xmax(pg_current_snapshot()) then p_floor
    else '0' end
$$;

-- Returns the lowest moved_xid of the jobs at work that a claim has to read: no job at work has a lower one.
-- The function is in plpgsql, so that it is planned once for each connection.
create or replace function claim_floor() returns xid8
language plpgsql stable as $$
begin
  return coalesce((select mark_that_counts(floor, looked_at) from claim_mark), '0');
end
$$;

-- Returns the lowest moved_xid of the queued jobs of a lane that a claim has to read: no due job of the lane
-- has a lower one.
create or replace function lane_floor(p_namespace text, p_agent text) returns xid8
language plpgsql stable as $$
begin
  return coalesce((
    select mark_that_counts(floor, looked_at)
    from lane_marks
    where namespace = p_namespace and agent_id = p_agent), '0');
end
$$;

-- Writes the marks: the lowest moved_xid of the jobs at work, and for each open lane that of the jobs due
-- within claim_mark_lookahead. No claim reads a lane that is not open, so it needs no mark.
-- All nodes together do so at most once in claim_mark_rest, and a call that waits for another one does
-- nothing after it.
create or replace function mark_claims() returns void
language plpgsql as $$
declare
  v_began timestamptz := clock_timestamp();
begin
  update claim_mark
  set floor = least(
      pg_snapshot_xmin(pg_current_snapshot()),
      (select moved_xid
        from jobs
        where state in ('leased', 'running') and moved_xid >= claim_floor()
        order by moved_xid
        limit 1)),
    looked_at = now()
  where looked_at not between now() - claim_mark_rest(look_ms) and now();
  if not found then
    return;
  end if;
  insert into lane_marks (namespace, agent_id, floor, looked_at)
  select namespace, agent_id,
    least(pg_snapshot_xmin(pg_current_snapshot()), lowest_due(namespace, agent_id)),
    now()
  from agents a
  where lane_open(a)
  on conflict (namespace, agent_id) do update
  set floor = excluded.floor, looked_at = excluded.looked_at;
  update claim_mark set look_ms = extract(epoch from clock_timestamp() - v_began) * 1000;
end
$$;

-- Returns the lowest moved_xid of the queued jobs of a lane that are due within claim_mark_lookahead; null
-- when there is none. The lookahead is needed because a job becomes due without a write; a job further ahead
-- may be below the mark, which expires before that job is due.
create or replace function lowest_due(p_namespace text, p_agent text) returns xid8
language sql stable as $$
  select moved_xid
  from jobs
  where namespace = p_namespace
    and target_agent = p_agent
    and state = 'queued'
    and run_after <= now() + claim_mark_lookahead()
  order by moved_xid
  limit 1
$$;

-- Returns how long the marks rest after a look that took p_look_ms milliseconds: claim_mark_pause, or in
-- proportion to the look, but not so long that the marks expire.
create or replace function claim_mark_rest(p_look_ms int) returns interval
language sql immutable as $$
  select least(
    claim_mark_lifetime() / 2,
    greatest(claim_mark_pause(), make_interval(secs => p_look_ms * claim_mark_rest_factor() / 1000.0)))
$$;
