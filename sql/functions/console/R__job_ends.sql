-- How many jobs ended when. The table job_ends holds the numbers up to some minutes ago, and the ends since
-- then are counted from the jobs, so that every answer is complete.

-- Returns the start of the quarter of a minute that contains p_time.
create or replace function ends_slot(p_time timestamptz) returns timestamptz language sql immutable as $$
  select date_bin(interval '15 seconds', p_time, '2000-01-01T00:00:00Z')
$$;

-- Returns the time up to which job_ends is complete; -infinity before the first count.
create or replace function ends_counted_until() returns timestamptz language sql stable as $$
  select coalesce(
    (select value::timestamptz from bus_facts where namespace = 'default' and name = 'job_ends_counted'),
    '-infinity')
$$;

-- Returns the number of jobs that ended from p_from to before p_to, counted from the jobs, by quarter of a
-- minute.
create or replace function ends_of_jobs(p_namespace text, p_from timestamptz, p_to timestamptz)
returns table (at timestamptz, succeeded int, failed int, dead int, cancelled int)
language sql stable as $$
  select
    ends_slot(ended_at),
    (count(*) filter (where state = 'succeeded'))::int,
    (count(*) filter (where state = 'failed'))::int,
    (count(*) filter (where state = 'dead'))::int,
    (count(*) filter (where state = 'cancelled'))::int
  from jobs
  where namespace = p_namespace
    and ended_at >= p_from
    and ended_at < p_to
  group by ends_slot(ended_at)
$$;

-- Counts the ends from p_from to before p_to into job_ends. A number only grows: a job that was redriven or
-- retired since has ended all the same.
create or replace function count_ends_between(p_from timestamptz, p_to timestamptz) returns void
language sql as $$
  insert into job_ends as e (namespace, at, succeeded, failed, dead, cancelled)
  select n.namespace, c.*
  from namespaces n
  cross join lateral ends_of_jobs(n.namespace, p_from, p_to) c
  on conflict (namespace, at) do update
  set succeeded = greatest(e.succeeded, excluded.succeeded),
    failed = greatest(e.failed, excluded.failed),
    dead = greatest(e.dead, excluded.dead),
    cancelled = greatest(e.cancelled, excluded.cancelled),
    updated_at = now()
  where (e.succeeded, e.failed, e.dead, e.cancelled)
    <> (
      greatest(e.succeeded, excluded.succeeded), greatest(e.failed, excluded.failed),
      greatest(e.dead, excluded.dead), greatest(e.cancelled, excluded.cancelled))
$$;

-- Counts the ends of jobs since the last count into job_ends, and deletes rows older than job_ends_kept. The
-- route measure-queue calls it on every node; of two calls at once only one counts. Returns the time up to
-- which job_ends is complete.
create or replace function count_job_ends() returns timestamptz language plpgsql as $$
declare
  -- A transaction writes the time of its beginning as the end of a job, and commits later.
  v_to timestamptz := ends_slot(now() - ends_commit_window());
  v_from timestamptz;
  v_next timestamptz;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('agentbus.job_ends', 0)) then
    return ends_counted_until();
  end if;
  v_from := greatest(ends_counted_until(), ends_slot(now() - job_ends_kept()));
  loop
    -- The first count of a database that was there before takes several calls, an hour of jobs at a time.
    v_next := least(v_from + interval '1 hour', v_to);
    exit when v_from >= v_next or sweep_time_is_up();
    perform count_ends_between(v_from - ends_commit_window(), v_next);
    v_from := v_next;
  end loop;
  insert into bus_facts (namespace, name, value)
  values ('default', 'job_ends_counted', v_from::text)
  on conflict (namespace, name) do update
  set value = excluded.value
  where bus_facts.value <> excluded.value;
  delete from job_ends
  where namespace in (select namespace from namespaces)
    and at < now() - job_ends_kept();
  return v_from;
end
$$;

-- Returns the number of jobs that ended from p_from to before p_to, by quarter of a minute and state. It
-- reads job_ends as far as that is complete, and counts the rest from the jobs.
create or replace function ends_between(p_namespace text, p_from timestamptz, p_to timestamptz)
returns table (at timestamptz, succeeded int, failed int, dead int, cancelled int)
language plpgsql stable as $$
declare
  v_counted timestamptz := ends_counted_until();
begin
  return query
    select e.at, e.succeeded, e.failed, e.dead, e.cancelled
    from job_ends e
    where e.namespace = p_namespace
      and e.at >= ends_slot(p_from)
      and e.at < least(p_to, v_counted)
    union all
    select *
    from ends_of_jobs(p_namespace, greatest(p_from, v_counted), p_to);
end
$$;
