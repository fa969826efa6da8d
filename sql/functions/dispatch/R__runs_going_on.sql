-- A run that goes on after its attempt has ended keeps its place in the lane and on the gateway.
--
-- The agent closes its job with a command, and its run goes on until the model ends its turn. A next run of
-- the same agent would work in the same workspace at the same time. So the place is free only when the
-- gateway reports the end of the run, or run_end_seconds of the gateway after the end of the attempt, because
-- a report can get lost.
-- The rule needs reports: it concerns only runs whose start the gateway has reported. docs/adr/0012 has the
-- reasons.

-- Returns the attempts that are over while their runs go on. The function is inlined, and its index holds no
-- other attempts.
create or replace function runs_going_on() returns setof job_attempts
language sql stable as $$
  select a.*
  from gateways g
  join job_attempts a on a.namespace = g.namespace and a.gateway = g.gateway
  where a.run_started_at is not null
    and a.run_ended_at is null
    and a.finished_at > now() - make_interval(secs => g.run_end_seconds)
    -- A hook call that has started no run can end an attempt to which the report of an earlier run was added.
    and a.admitted_at is not null
$$;

-- Returns the runs of runs_going_on that take a place: all but those of idle jobs, which take none. Each job
-- is looked up by its key, so that the cost does not depend on the plan of a join.
create or replace function runs_with_place() returns setof job_attempts
language sql stable as $$
  select r.*
  from runs_going_on() r
  where (select is_idle(j.job_type) from jobs j where j.job_id = r.job_id) is not true
$$;

-- Returns the time at which the place of a run is free without a report of its end.
create or replace function place_free_at(p_attempt job_attempts) returns timestamptz
language sql stable as $$
  select (p_attempt).finished_at + make_interval(secs => run_end_seconds)
  from gateways
  where namespace = (p_attempt).namespace
    and gateway = (p_attempt).gateway
$$;

-- Describes a run that goes on in words: its job, the end of its attempt, and when its place is free.
create or replace function run_text(p_attempt job_attempts) returns text
language sql stable as $$
  select format(
    'the run of job %s still goes on after its attempt ended (%s) at %s; its place is free when gateway %s reports'
      ' the end of the run, at %s at the latest',
    (p_attempt).job_id, (p_attempt).status, utc_text((p_attempt).finished_at), (p_attempt).gateway,
    utc_text(place_free_at(p_attempt)))
$$;

-- Returns the run of an agent that takes a place after its attempt has ended. Of several it is the run whose
-- attempt ended first; without such a run all fields are null.
create or replace function run_going_on(p_namespace text, p_agent text) returns job_attempts
language sql stable as $$
  select *
  from runs_with_place()
  where namespace = p_namespace
    and agent_id = p_agent
  order by finished_at
  limit 1
$$;

-- Returns run_text of a job that has ended within longest_run_end while its run goes on; null for every other
-- job.
create or replace function run_after_end(p_job jobs) returns text
language sql stable as $$
  select case when (p_job).ended_at > now() - longest_run_end() then (
    select run_text(a)
    from runs_going_on() a
    where a.job_id = (p_job).job_id
    order by a.finished_at desc
    limit 1) end
$$;
