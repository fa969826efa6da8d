-- What is shown of idle runs.

-- Returns the idle run of a job as the contract shows it; null for a job that is none.
create or replace function idle_run_shown(p_job_id uuid) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'question', question,
    'news', news,
    'beganAt', began_at,
    'stopAskedAt', stop_asked_at,
    'stopReason', stop_reason,
    'outcome', outcome,
    'endedAt', ended_at,
    'seconds', case when ended_at is not null then seconds end,
    'tokens', tokens,
    'costUsd', cost_usd))
  from idle_runs
  where job_id = p_job_id
$$;
