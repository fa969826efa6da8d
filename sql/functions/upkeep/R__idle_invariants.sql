-- The rules that idle runs obey after every transaction; broken_invariants has them among its own. None of
-- them needs a row that retention may have removed.

-- Returns each broken rule with the id of the row that breaks it; no row when nothing is broken.
create or replace function broken_idle_invariants() returns table (what text, id text)
language sql stable
set jit = off as $$
  select 'an idle run goes on and its job has ended, or the other way round', r.idle_run_id::text
  from idle_runs r
  join jobs j using (job_id)
  where case when r.ended_at is null then j.ended_at is not null else j.state in ('leased', 'running') end
  union all
  select 'an idle job has no idle run', j.job_id::text
  from jobs j
  where is_idle(j.job_type)
    and j.state in ('waiting', 'queued', 'leased', 'running', 'blocked')
    and not exists (select from idle_runs r where r.job_id = j.job_id)
  union all
  select 'the job of an idle run has another type, agent or namespace', r.idle_run_id::text
  from idle_runs r
  join jobs j using (job_id)
  where not is_idle(j.job_type) or j.target_agent <> r.agent_id or j.namespace <> r.namespace
  union all
  select 'two idle runs go on at one gateway', min(j.job_id::text)
  from jobs j
  join job_attempts a on a.attempt_id = j.live_attempt
  where is_idle(j.job_type)
    and j.state in ('leased', 'running')
  group by j.namespace, a.gateway
  having count(*) > 1
  union all
  select 'an idle run has ended before it began', idle_run_id::text
  from idle_runs
  where ended_at < began_at
  union all
  select 'an idle run that never began has taken time or tokens', idle_run_id::text
  from idle_runs
  where began_at is null and (seconds > 0 or tokens > 0)
  union all
  select 'an idle run is settled and has not ended', idle_run_id::text
  from idle_runs
  where settled_at is not null and ended_at is null
  union all
  select 'a cadence has a factor that halving and doubling do not give', agent_id
  from idle_cadences
  where log(2, factor::numeric) <> round(log(2, factor::numeric))
$$;
