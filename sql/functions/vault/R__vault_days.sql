-- What the daily notes and the weekly snapshots of the vault say, from the rows of those days.

-- Returns the first and the last day that can have a daily note, as first and last: from the day of the
-- oldest row, at most vault_days_back days ago, to yesterday. first is after last when there is none. open is
-- the first of the days whose notes are still written anew when rows of the day change.
create or replace function vault_span(p_namespace text) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'first', greatest(
      today - vault_days_back(),
      coalesce((least(oldest, oldest_retired, oldest_row) at time zone 'UTC')::date, today)),
    'last', today - 1,
    'open', today - vault_days_open())
  from (
    select (now() at time zone 'UTC')::date as today,
      (select min(ended_at) from jobs where namespace = p_namespace) as oldest,
      (select min(ended_at) from jobs_history where namespace = p_namespace) as oldest_retired,
      least(
        (select created_at from ideas where namespace = p_namespace order by seq limit 1),
        (select created_at from opportunities where namespace = p_namespace order by seq limit 1),
        (select created_at from memories where namespace = p_namespace order by seq limit 1),
        (select created_at from reports where namespace = p_namespace order by seq limit 1)) as oldest_row) o
$$;

-- Returns the decisions on opportunities from p_from to before p_to, in their order: each with opportunityId,
-- decision and by.
create or replace function vault_decisions(p_namespace text, p_from timestamptz, p_to timestamptz)
returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('opportunityId', opportunity_id, 'decision', decision, 'by', reviewer)
    order by seq), '[]')
  from opportunity_reviews
  where namespace = p_namespace and created_at >= p_from and created_at < p_to
$$;

-- Returns what idle thinking did from p_from to before p_to, in words; null for no run.
create or replace function vault_idle_numbers(p_namespace text, p_from timestamptz, p_to timestamptz)
returns text language sql stable as $$
  select case when runs > 0 then count_of(runs, 'run', 'runs')
    || case when tokens > 0 then ' with ' || trim(to_char(tokens, '999,999,999,999')) || ' tokens' else '' end end
  from (
    select count(*) as runs, sum(tokens) as tokens
    from idle_runs
    where namespace = p_namespace and created_at >= p_from and created_at < p_to and began_at is not null) r
$$;

-- Returns what happened on each of some days, in their order: day, and in words jobs, slots and idle, each
-- without a value when nothing happened; and decisions.
create or replace function vault_days(p_namespace text, p_days date[]) returns setof jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'day', day,
    'jobs', work_numbers(p_namespace, begins, ends),
    'slots', slot_numbers(p_namespace, begins, ends),
    'idle', vault_idle_numbers(p_namespace, begins, ends),
    'decisions', vault_decisions(p_namespace, begins, ends)))
  from unnest(p_days) with ordinality d (day, place)
  cross join lateral (
    select day::timestamp at time zone 'UTC' as begins, (day + 1)::timestamp at time zone 'UTC' as ends) span
  order by place
$$;

-- Returns the jobs that ended from p_from to before p_to by agent: agent, succeeded and ended, those with the
-- most first. Jobs of standing orders are among them.
create or replace function vault_agents_at_work(p_namespace text, p_from timestamptz, p_to timestamptz)
returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('agent', target_agent, 'succeeded', succeeded, 'ended', ended)
    order by ended desc, target_agent), '[]')
  from (
    select target_agent, count(*) filter (where state = 'succeeded') as succeeded, count(*) as ended
    from (
      select target_agent, state
      from jobs
      where namespace = p_namespace and ended_at >= p_from and ended_at < p_to
      union all
      select target_agent, state
      from jobs_history
      where namespace = p_namespace and ended_at >= p_from and ended_at < p_to) j
    group by target_agent) a
$$;

-- Returns what happened in each of some weeks, named by their Mondays: the fields of vault_days, jobsBefore,
-- the jobs of the week before, agents, and the open opportunities and active memories at its end.
create or replace function vault_weeks(p_namespace text, p_mondays date[]) returns setof jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'day', day,
    'week', to_char(day, 'IYYY"-W"IW'),
    'jobs', work_numbers(p_namespace, begins, ends),
    'jobsBefore', work_numbers(p_namespace, begins - interval '7 days', begins),
    'slots', slot_numbers(p_namespace, begins, ends),
    'idle', vault_idle_numbers(p_namespace, begins, ends),
    'decisions', vault_decisions(p_namespace, begins, ends),
    'agents', vault_agents_at_work(p_namespace, begins, ends),
    'openOpportunities', (
      select count(*)
      from opportunities
      where namespace = p_namespace and created_at < ends and (ended_at is null or ended_at >= ends)),
    'activeMemories', (
      select count(*)
      from memories
      where namespace = p_namespace and visibility <> 'private' and created_at < ends
        and (ended_at is null or ended_at >= ends))))
  from unnest(p_mondays) with ordinality d (day, place)
  cross join lateral (
    select day::timestamp at time zone 'UTC' as begins, (day + 7)::timestamp at time zone 'UTC' as ends) span
  order by place
$$;
