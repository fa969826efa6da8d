-- The pauses in force, in words and in numbers. Claims read them in dispatch/R__claim.sql.

-- Returns whether a pause is in force at p_now: nobody has ended it, and its time is not over.
create or replace function pause_in_force(p_pause pauses, p_now timestamptz default now()) returns boolean
language sql stable as $$
  select (p_pause).ended_at is null and ((p_pause).until is null or (p_pause).until > p_now)
$$;

-- Returns the subject of a pause in words, such as job type dev.
create or replace function paused_subject(p_kind text, p_name text) returns text
language sql immutable as $$
  select case p_kind
    when 'everything' then 'everything'
    when 'promotions' then 'promotion of memories'
    else replace(p_kind, '_', ' ') || ' ' || p_name end
$$;

-- Describes a pause in words: what is stopped, by whom, since when, until when and why.
create or replace function stop_text(p_pause pauses) returns text
language sql stable as $$
  select format('%s is %s by %s since %s%s: %s',
    paused_subject((p_pause).kind, (p_pause).name),
    case
      when (p_pause).mode = 'stop' then 'stopped'
      when (p_pause).mode = 'freeze' then 'frozen'
      when (p_pause).mode = 'drain' and (p_pause).drained_at is null then 'being drained'
      when (p_pause).mode = 'drain' then 'drained'
      else 'paused' end,
    (p_pause).paused_by,
    utc_text((p_pause).since),
    ' until ' || utc_text((p_pause).until),
    (p_pause).reason)
$$;

-- Returns the pause in force that keeps jobs from being claimed at p_now: of everything, of p_gateway (null:
-- no gateway), or of p_job_type (null: no type) in this order; null when there is none. The pause of dev
-- covers dev.<kind>. Every enqueue calls this function, so it is in plpgsql, which is planned once for each
-- connection.
create or replace function pause_over(
  p_namespace text, p_gateway text, p_job_type text, p_now timestamptz default now()
) returns pauses language plpgsql stable as $$
declare
  v_pause pauses;
begin
  -- Most of the time nobody pauses anything, and this look costs less than the next one.
  if not exists (select from pauses where namespace = p_namespace and ended_at is null and mode <> 'freeze') then
    return v_pause;
  end if;
  select * into v_pause
  from pauses p
  where namespace = p_namespace
    and ended_at is null
    and mode <> 'freeze'
    and pause_in_force(p, p_now)
    and (
      kind = 'everything'
      or kind = 'gateway' and name = p_gateway
      or kind = 'job_type' and name in (p_job_type, split_part(p_job_type, '.', 1)))
  order by array_position('{everything,gateway,job_type}', kind), since
  limit 1;
  return v_pause;
end
$$;

-- Returns stop_text of the pause that keeps jobs of a type from being claimed; null when there is none.
create or replace function job_type_hold(p_namespace text, p_job_type text) returns text
language plpgsql stable as $$
declare
  v_pause pauses := pause_over(p_namespace, null, p_job_type);
begin
  return case when v_pause.pause_id is not null then stop_text(v_pause) end;
end
$$;

-- Returns the paused job types of a namespace; empty when there is none. A claim passes them over, together
-- with their kinds (dev covers dev.<kind>).
create or replace function paused_types(p_namespace text) returns text[]
language plpgsql stable as $$
begin
  return array(
    select name
    from pauses p
    where namespace = p_namespace and kind = 'job_type' and ended_at is null and pause_in_force(p));
end
$$;

-- Returns whether one of p_types covers a job type.
create or replace function type_is_in(p_job_type text, p_types text[]) returns boolean
language sql immutable as $$
  select p_job_type = any (p_types) or split_part(p_job_type, '.', 1) = any (p_types)
$$;

-- An earlier version of this script returned other columns.
drop function if exists due_of_other_types(text, text, text[], xid8, uuid[], int);

-- Returns the due jobs that a claim may take from a lane while p_types are paused, at most p_limit of each
-- other job type, which therefore hold the first p_limit of the lane. p_floor and p_passed are as in
-- choose_jobs.
-- The index jobs_to_claim_by_type leads from one type to the next, so the queued jobs of a paused type cost
-- one step, whatever their number.
create or replace function due_of_other_types(
  p_namespace text, p_agent text, p_types text[], p_floor xid8, p_passed uuid[], p_limit int
) returns table (o_proactive boolean, o_job uuid, o_priority int, o_run_after timestamptz, o_seq bigint)
language plpgsql stable
-- A sort would read the whole queue, and its cost looks small while the statistics are old.
set enable_sort = off as $$
declare
  v_type text := '';
begin
  loop
    select job_type into v_type
    from jobs
    where namespace = p_namespace
      and target_agent = p_agent
      and state = 'queued'
      and job_type > v_type
      and moved_xid >= p_floor
    order by namespace, target_agent, job_type
    limit 1;
    exit when not found;
    continue when type_is_in(v_type, p_types) or is_idle(v_type);
    return query
      select is_proactive(job_type), job_id, priority, run_after, seq
      from jobs
      where namespace = p_namespace
        and target_agent = p_agent
        and state = 'queued'
        and job_type = v_type
        and run_after <= now()
        and moved_xid >= p_floor
        and job_id <> all (p_passed)
      order by namespace, target_agent, job_type, priority desc, run_after, seq
      limit p_limit;
  end loop;
end
$$;

-- Returns the number of jobs at work that a pause concerns, of runs that go on after their attempts
-- (run_end_seconds of the gateway at most), and of runs that the bus is still aborting.
create or replace function paused_running(p_namespace text, p_kind text, p_name text) returns bigint
language sql stable as $$
  select (
    select count(*)
    from jobs j
    where j.namespace = p_namespace
      and j.state in ('leased', 'running')
      and case p_kind
        when 'everything' then true
        when 'agent' then j.target_agent = p_name
        when 'job_type' then type_is_in(j.job_type, array[p_name])
        when 'gateway' then j.delivery = 'hook' and j.target_agent in (
          select agent_id from agents where namespace = p_namespace and gateway = p_name)
        else false end)
    + (
      select count(*)
      from (
        select attempt_id
        from runs_going_on() r
        where r.namespace = p_namespace
          and case p_kind
            when 'everything' then true
            when 'agent' then r.agent_id = p_name
            when 'job_type' then (
              select type_is_in(j.job_type, array[p_name]) from jobs j where j.job_id = r.job_id)
            when 'gateway' then r.gateway = p_name
            else false end
        union
        select attempt_id
        from run_aborts
        where p_kind = 'everything' and namespace = p_namespace and done_at is null) runs)
$$;

-- Returns the status of a pause in one word: paused, draining, drained, stopped, frozen or ended.
create or replace function pause_status(p_pause pauses) returns text
language sql stable as $$
  select case
    when not pause_in_force(p_pause) then 'ended'
    when (p_pause).mode = 'stop' then 'stopped'
    when (p_pause).mode = 'freeze' then 'frozen'
    when (p_pause).mode = 'drain' and (p_pause).drained_at is not null then 'drained'
    when (p_pause).mode = 'drain' then 'draining'
    else 'paused' end
$$;

-- Returns a pause as the contract shows it. running is left out once the pause has ended, and for a freeze,
-- which lets runs begin.
create or replace function pause_json(p_pause pauses) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'pauseId', (p_pause).pause_id,
    'namespace', (p_pause).namespace,
    'kind', (p_pause).kind,
    'name', (p_pause).name,
    'mode', (p_pause).mode,
    'status', pause_status(p_pause),
    'reason', (p_pause).reason,
    'by', (p_pause).paused_by,
    'since', (p_pause).since,
    'until', (p_pause).until,
    'running', case when pause_in_force(p_pause) and (p_pause).mode <> 'freeze' then
      paused_running((p_pause).namespace, (p_pause).kind, (p_pause).name) end,
    'drainedAt', (p_pause).drained_at,
    'endedAt', coalesce((p_pause).ended_at, case when not pause_in_force(p_pause) then (p_pause).until end),
    'endedBy', (p_pause).ended_by,
    'endReason', (p_pause).end_reason))
$$;

-- Returns the pauses in force of a namespace (null: of all). For agents the columns of agents decide, so a
-- lane that was paused by hand is there too, and one that was opened by hand is not.
create or replace function pauses_in_force(p_namespace text) returns setof pauses
language sql stable as $$
  select *
  from pauses p
  where namespace = coalesce(p_namespace, namespace)
    and ended_at is null
    and pause_in_force(p)
    and (kind <> 'agent' or mode = 'freeze')
  union all
  select p.*
  from agents a
  left join pauses p on p.namespace = a.namespace and p.kind = 'agent' and p.name = a.agent_id
    and p.mode <> 'freeze' and p.ended_at is null
  where a.namespace = coalesce(p_namespace, a.namespace)
    and a.refusal_cause is null
    and lane_paused(a)
    and p.pause_id is not null
  union all
  select null, a.namespace, 'agent', a.agent_id, 'pause', a.paused_reason, coalesce(a.paused_by, ''),
    a.paused_at, a.paused_until, null, null, null, null, a.created_at, a.updated_at
  from agents a
  where a.namespace = coalesce(p_namespace, a.namespace)
    and a.refusal_cause is null
    and lane_paused(a)
    and not exists (
      select from pauses p
      where p.namespace = a.namespace and p.kind = 'agent' and p.name = a.agent_id and p.mode <> 'freeze'
        and p.ended_at is null)
$$;

-- Returns the problems of health that pauses are: everything that people have stopped, except agents, which
-- are a problem of their lane.
create or replace function pause_problems(p_namespace text) returns table (weight int, problem text)
language sql stable as $$
  select case p.kind when 'everything' then 1 else 5 end, stop_text(p)
  from pauses p
  where p.namespace = p_namespace
    and p.ended_at is null
    and pause_in_force(p)
    and (p.kind <> 'agent' or p.mode = 'freeze')
$$;

-- Returns the number of pauses in force by namespace and kind, and the age of the oldest in seconds, for the
-- metrics; the kind of a freeze is frozen_agent, phase or promotions, and of a disabled order standing_order.
create or replace function pause_counts() returns setof jsonb language sql stable as $$
  select jsonb_build_object('namespace', namespace, 'kind', kind, 'pauses', count(*),
    'oldestSeconds', greatest(0, round(extract(epoch from now() - min(since)))))
  from (
    select namespace, since,
      case when kind = 'agent' and mode = 'freeze' then 'frozen_agent' else kind end as kind
    from pauses_in_force(null)
    union all
    select namespace, disabled_at, 'standing_order'
    from standing_orders
    where enabled and disabled_at is not null) p
  group by namespace, kind
$$;
