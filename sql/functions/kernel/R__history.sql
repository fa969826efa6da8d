-- These functions read retired rows from the history tables, most of them together with the live rows.

-- Returns the row of a job in history; all null when there is none.
create or replace function retired_job(p_namespace text, p_job_id uuid) returns jobs_history
language sql stable as $$
  select * from jobs_history where job_id = p_job_id and namespace = p_namespace
$$;

-- Returns the attempts of a job, live or retired.
create or replace function attempts_of(p_job_id uuid) returns setof job_attempts
language sql stable as $$
  select * from job_attempts where job_id = p_job_id
  union all
  -- Columns are matched by name, because a column that was added later has another position in the history
  -- table.
  select (jsonb_populate_record(null::job_attempts, to_jsonb(h))).*
  from job_attempts_history h
  where h.job_id = p_job_id
$$;

-- Returns the dependencies of a job, live or retired, with the state, subject and seq of each job that it
-- depends on.
create or replace function dependencies_of(p_job_id uuid) returns table (
  depends_on uuid, satisfied_at timestamptz, waived_at timestamptz, state text, subject text, seq bigint
) language sql stable as $$
  select d.depends_on, d.satisfied_at, d.waived_at,
    coalesce(t.state, h.state), coalesce(t.subject, h.subject), coalesce(t.seq, h.seq)
  from (
    select job_id, depends_on, satisfied_at, waived_at from job_dependencies where job_id = p_job_id
    union all
    select job_id, depends_on, satisfied_at, waived_at
    from job_dependencies_history
    where job_id = p_job_id) d
  left join jobs t on t.job_id = d.depends_on
  left join jobs_history h on h.job_id = d.depends_on
$$;

-- Returns the newest events of a job, live or retired, newest first.
create or replace function events_of(p_job_id uuid, p_limit int) returns setof events
language sql stable as $$
  select * from (
    select * from events where source_job_id = p_job_id
    union all
    select (jsonb_populate_record(null::events, to_jsonb(h))).*
    from events_history h
    where h.source_job_id = p_job_id) e
  order by seq desc
  limit p_limit
$$;

-- Returns one event, live or retired; no row when there is none.
create or replace function event_of(p_event_id uuid) returns setof events
language sql stable as $$
  select * from events where event_id = p_event_id
  union all
  select (jsonb_populate_record(null::events, to_jsonb(h))).*
  from events_history h
  where h.event_id = p_event_id
$$;

-- Returns one question, live or retired; no row when there is none.
create or replace function question_by_id(p_question_id uuid) returns setof questions
language sql stable as $$
  select * from questions where question_id = p_question_id
  union all
  select (jsonb_populate_record(null::questions, to_jsonb(h))).*
  from questions_history h
  where h.question_id = p_question_id
$$;

-- Returns one slot, live or retired; no row when there is none.
create or replace function slot_of(p_run_id uuid) returns setof standing_order_runs
language sql stable as $$
  select * from standing_order_runs where run_id = p_run_id
  union all
  select (jsonb_populate_record(null::standing_order_runs, to_jsonb(h))).*
  from standing_order_runs_history h
  where h.run_id = p_run_id
$$;

-- Returns every slot from p_from to before p_to, live or retired. Slots that never ran are among them.
create or replace function runs_between(p_namespace text, p_from timestamptz, p_to timestamptz)
returns setof standing_order_runs
language sql stable as $$
  select * from standing_order_runs
  where namespace = p_namespace and scheduled_for >= p_from and scheduled_for < p_to
  union all
  select (jsonb_populate_record(null::standing_order_runs, to_jsonb(h))).* from standing_order_runs_history h
  where h.namespace = p_namespace and h.scheduled_for >= p_from and h.scheduled_for < p_to
$$;
