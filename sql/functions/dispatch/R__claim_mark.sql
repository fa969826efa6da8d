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
-- Open transactions. A look does not see the jobs that an open transaction has moved, and their moved_xid
-- may be below the mark. So the look also writes down which transactions are open (open_xids). As long as
-- one of them stays open, no claim sees its jobs. As soon as one has ended, the marks count only up to its
-- number, until the next look sees its jobs. Mark and jobs must be read in one statement, because between
-- two statements such a transaction may end.
--
-- Gain. After 74,000 jobs in ten minutes beside an open transaction, a claim took 2 ms instead of 130 ms.
-- The throughput of such a run is the row "transaction held open" in docs/reliability.md; without the mark
-- it was a quarter of the normal throughput. Without an open transaction the mark gains nothing and costs
-- one small update every two seconds.
--
-- Limits. The mark of the jobs at work cannot pass a job that has been at work for hours, and the mark of a
-- lane cannot pass a due job of this lane that is not taken. Claims then cost as much as without that mark.
-- docs/adr/0017 has the reasons and the alternatives.
--
-- How to turn it off. Let claim_mark_lifetime() in kernel/R__policy.sql return 0 seconds: then no mark
-- counts, and claims read everything. After a change by hand with disabled triggers, set looked_at of
-- claim_mark to -infinity and delete the rows of lane_marks.

drop function if exists mark_that_counts(xid8, timestamptz);

-- Returns the marks as far as they count now. No row when they do not count: a mark counts for
-- claim_mark_lifetime, and a mark from the future, by its transaction or its time, comes from another server
-- (the database was restored).
--   o_floor      the mark of the jobs at work
--   o_bound      the lowest transaction that was open at the look and has ended since; null when there is
--                none. A mark of a lane counts only up to it.
--   o_looked_at  the time of the look; the mark of a lane from another look does not count
-- The function is in plpgsql, so that it is planned once for each connection.
create or replace function marks_that_count(
  out o_floor xid8, out o_bound xid8, out o_looked_at timestamptz
) returns setof record
language plpgsql stable rows 1 as $$
begin
  return query
  select least(m.floor, b.bound), b.bound, m.looked_at
  from claim_mark m
  cross join lateral (
    select (
      select x
      from unnest(m.open_xids) x
      where pg_visible_in_snapshot(x, pg_current_snapshot())
      order by x
      limit 1) as bound) b
  where m.looked_at > now() - claim_mark_lifetime()
    and m.looked_at <= now()
    and m.floor <= pg_snapshot_xmax(pg_current_snapshot());
end
$$;

-- Returns the lowest moved_xid of the jobs at work that a claim has to read: no job at work has a lower one.
-- '0' excludes no job. Call it in the statement that reads the jobs.
create or replace function claim_floor() returns xid8
language plpgsql stable as $$
begin
  return coalesce((select o_floor from marks_that_count()), '0');
end
$$;

-- Returns the lowest moved_xid of the queued jobs of a lane that a claim has to read: no due job of the lane
-- has a lower one. '0' excludes no job. Call it in the statement that reads the jobs.
create or replace function lane_floor(p_namespace text, p_agent text) returns xid8
language plpgsql stable as $$
begin
  return coalesce((
    select least(m.floor, k.o_bound)
    from lane_marks m
    join marks_that_count() k on k.o_looked_at = m.looked_at
    where m.namespace = p_namespace and m.agent_id = p_agent), '0');
end
$$;

-- Writes the marks: the lowest moved_xid of the jobs at work, and for each open lane that of the jobs due
-- within claim_mark_lookahead. No claim reads a lane that is not open, so it needs no mark. The marks of the
-- lanes count with the open transactions of the first statement: a job that one of these or a later
-- transaction moves is above the ceiling or bounds the marks.
-- All nodes together do so at most once in claim_mark_rest, and a call that waits for another one does
-- nothing after it.
create or replace function mark_claims() returns void
language plpgsql as $$
declare
  v_began timestamptz := clock_timestamp();
  v_ceiling xid8;
begin
  update claim_mark
  set floor = least(
      mark_ceiling(),
      (select moved_xid
        from jobs
        where state in ('leased', 'running') and moved_xid >= claim_floor()
        order by moved_xid
        limit 1)),
    open_xids = array(select pg_snapshot_xip(pg_current_snapshot())),
    looked_at = now()
  where looked_at not between now() - claim_mark_rest(look_ms) and now()
  returning mark_ceiling() into v_ceiling;
  if not found then
    return;
  end if;
  insert into lane_marks (namespace, agent_id, floor, looked_at)
  select namespace, agent_id, least(v_ceiling, lowest_due(namespace, agent_id)), now()
  from agents a
  where lane_open(a)
  on conflict (namespace, agent_id) do update
  set floor = excluded.floor, looked_at = excluded.looked_at;
  update claim_mark set look_ms = extract(epoch from clock_timestamp() - v_began) * 1000;
end
$$;

-- Returns the number up to which a look sees the jobs of each transaction that is not open: every later
-- transaction has this number or a higher one. The calling transaction may still move jobs, too.
create or replace function mark_ceiling() returns xid8
language sql stable as $$
  select least(pg_snapshot_xmax(pg_current_snapshot()), pg_current_xact_id_if_assigned())
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
