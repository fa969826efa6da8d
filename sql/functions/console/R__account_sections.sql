-- The sections of an account that do not come from attempts: the events that were emitted, the jobs that
-- were handed over, questions, open jobs and refused calls.

-- Returns the events that an agent, or the attempts of p_jobs if p_agent is null, emitted in a window, live
-- or retired, newest first, at most p_most.
create or replace function account_events(
  p_namespace text, p_agent text, p_jobs uuid[], p_from timestamptz, p_to timestamptz, p_most int
) returns table (topic text, source_agent text, created_at timestamptz)
language plpgsql stable
set plan_cache_mode = force_custom_plan as $$
declare
  v_own text[] := coalesce((
    select emits from agents where namespace = p_namespace and agent_id = p_agent), '{}');
begin
  return query
  select e.topic, e.source_agent, e.created_at
  from (
    select v.topic, v.source_agent, v.created_at
    from events v
    where p_agent is not null and v.namespace = p_namespace and v.source_agent = p_agent
      and v.source_agent is not null and (split_part(v.topic, '.', 1) <> 'job' or v.topic = 'job.enqueued')
      and v.created_at >= p_from and v.created_at < p_to
    union all
    select v.topic, v.source_agent, v.created_at
    from events_history v
    where p_agent is not null and v.namespace = p_namespace and v.source_agent = p_agent
      and v.source_agent is not null and (split_part(v.topic, '.', 1) <> 'job' or v.topic = 'job.enqueued')
      and v.created_at >= p_from and v.created_at < p_to
    union all
    select v.topic, v.source_agent, v.created_at
    from events v
    where p_agent is null and v.source_job_id = any (p_jobs)
      and v.created_at >= p_from and v.created_at < p_to
    union all
    select v.topic, v.source_agent, v.created_at
    from events_history v
    where p_agent is null and v.source_job_id = any (p_jobs)
      and v.created_at >= p_from and v.created_at < p_to) e
  -- Events of the bus about an agent name the agent too. Only an agent whose agent.yaml names such a topic
  -- emits it.
  where split_part(e.topic, '.', 1) <> all (bus_topics())
    or (e.topic like 'standing\_order.%' and e.topic = any (v_own))
  order by e.created_at desc
  limit p_most;
end
$$;

-- Returns the events section: how often each topic was emitted.
create or replace function account_emitted(
  p_namespace text, p_agent text, p_jobs uuid[], p_from timestamptz, p_to timestamptz
) returns jsonb language sql stable as $$
  with e as materialized (
    select * from account_events(p_namespace, p_agent, p_jobs, p_from, p_to, account_look())
  ), by_topic as (
    select topic, count(*) as times, max(created_at) as last
    from e
    group by topic
    order by times desc, topic
    limit account_rows() + 1
  )
  select jsonb_build_object(
    'total', (select count(*) from e),
    'byTopic', account_page((
      select jsonb_agg(jsonb_build_object('topic', topic, 'times', times, 'last', last)) from by_topic)))
$$;

-- Returns the jobs that an agent asked for in a window, or among p_jobs those that any agent asked for if
-- p_agent is null, live or retired, newest first, at most p_most.
create or replace function account_handoffs(
  p_namespace text, p_agent text, p_jobs uuid[], p_from timestamptz, p_to timestamptz, p_most int
) returns table (
  job_id uuid, source_agent text, target_agent text, subject text, state text, created_at timestamptz
)
language plpgsql stable
set plan_cache_mode = force_custom_plan as $$
declare
  v_jobs uuid[] := p_jobs;
begin
  if p_agent is not null then
    v_jobs := array(
      select e.source_job_id
      from (
        select v.source_job_id, v.created_at
        from events v
        where v.namespace = p_namespace and v.source_agent = p_agent and v.topic = 'job.enqueued'
          and v.source_agent is not null
          and (split_part(v.topic, '.', 1) <> 'job' or v.topic = 'job.enqueued')
          and v.created_at >= p_from and v.created_at < p_to
        union all
        select v.source_job_id, v.created_at
        from events_history v
        where v.namespace = p_namespace and v.source_agent = p_agent and v.topic = 'job.enqueued'
          and v.source_agent is not null
          and (split_part(v.topic, '.', 1) <> 'job' or v.topic = 'job.enqueued')
          and v.created_at >= p_from and v.created_at < p_to) e
      order by e.created_at desc
      limit p_most);
  end if;
  return query
  select j.*
  from (
    select t.job_id, t.source_agent, t.target_agent, t.subject, t.state, t.created_at
    from jobs t
    where t.job_id = any (v_jobs) and t.namespace = p_namespace
      and (t.asked_by like 'attempt:%' or t.asked_by like 'agent:%')
    union all
    select t.job_id, t.source_agent, t.target_agent, t.subject, t.state, t.created_at
    from jobs_history t
    where t.job_id = any (v_jobs) and t.namespace = p_namespace
      and (t.asked_by like 'attempt:%' or t.asked_by like 'agent:%')) j
  where j.created_at >= p_from and j.created_at < p_to
  order by j.created_at desc
  limit p_most;
end
$$;

-- Returns the section handedOver: the jobs that were asked for, by agent and subject, and the newest of
-- them.
create or replace function account_handed_over(
  p_namespace text, p_agent text, p_jobs uuid[], p_from timestamptz, p_to timestamptz
) returns jsonb language sql stable as $$
  with h as materialized (
    select * from account_handoffs(p_namespace, p_agent, p_jobs, p_from, p_to, account_look())
  ), by_agent as (
    select target_agent, count(*) as jobs
    from h
    group by target_agent
    order by jobs desc, target_agent
    limit account_rows() + 1
  ), newest as (
    select * from h order by created_at desc limit account_rows() + 1
  )
  select jsonb_build_object(
    'jobs', (select count(*) from h),
    'byAgent', account_page((
      select jsonb_agg(jsonb_build_object('targetAgent', target_agent, 'jobs', jobs)) from by_agent)),
    'list', account_page((
      select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('at', created_at, 'jobId', job_id,
        'sourceAgent', source_agent, 'targetAgent', target_agent, 'subject', subject, 'state', state)))
      from newest)))
$$;

-- Returns the section leftOpen: the jobs of an agent, or those of p_jobs if p_agent is null, that had come
-- before p_to and have not ended by now, with their next moves; oldest first. Dead letters are among them.
create or replace function account_left_open(p_namespace text, p_agent text, p_jobs uuid[], p_to timestamptz)
returns jsonb
language plpgsql stable
set plan_cache_mode = force_custom_plan as $$
declare
  v_open uuid[];
begin
  v_open := array(
    select j.job_id
    from (
      (
        select t.job_id, t.seq from jobs t
        where p_agent is not null and t.namespace = p_namespace and t.target_agent = p_agent
          and t.state = 'queued' and t.created_at < p_to
        limit account_look())
      union all
      (
        select t.job_id, t.seq from jobs t
        where p_agent is not null and t.namespace = p_namespace and t.target_agent = p_agent
          and t.state in ('waiting', 'blocked') and t.created_at < p_to
        limit account_look())
      union all
      (
        select t.job_id, t.seq from jobs t
        where p_agent is not null and t.namespace = p_namespace and t.target_agent = p_agent
          and t.state = 'dead' and t.created_at < p_to
        limit account_look())
      union all
      (
        select t.job_id, t.seq from jobs t
        where p_agent is not null and t.state in ('leased', 'running') and t.moved_xid >= claim_floor()
          and t.namespace = p_namespace and t.target_agent = p_agent and t.created_at < p_to)
      union all
      (
        select t.job_id, t.seq from jobs t
        where p_agent is null and t.job_id = any (p_jobs) and t.namespace = p_namespace
          and t.state not in ('succeeded', 'failed', 'cancelled') and t.created_at < p_to)) j
    order by j.seq
    limit account_look());
  return jsonb_build_object(
    'jobs', cardinality(v_open),
    'byState', (
      select coalesce(jsonb_object_agg(state, jobs), '{}')
      from (select state, count(*) as jobs from jobs where job_id = any (v_open) group by state) s),
    'list', jsonb_build_object(
      'rows', flow_nodes(p_namespace, v_open[1:account_rows()]),
      'more', cardinality(v_open) > account_rows()));
end
$$;

-- Returns the section refused: how many calls of an agent were refused in a window, by code, and the newest
-- of those with an audit row. If p_agent is null, the refused calls of the attempts of p_jobs that have an
-- audit row.
create or replace function account_refused(
  p_namespace text, p_agent text, p_jobs uuid[], p_from timestamptz, p_to timestamptz
) returns jsonb
language plpgsql stable
set plan_cache_mode = force_custom_plan as $$
declare
  v_actors text[] := actors_of(p_agent);
  v_rows jsonb;
  v_counts jsonb;
begin
  select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('at', created_at, 'actor', actor,
      'operation', detail ->> 'operation', 'code', detail ->> 'code',
      'field', cut(detail ->> 'field', list_text()), 'jobId', case table_name when 'jobs' then row_id end,
      'why', cut(why, account_text()))) order by created_at desc)
  into v_rows
  from (
    select l.created_at, l.actor, l.detail, l.table_name, l.row_id, l.why
    from (
      select created_at, actor, action, detail, table_name, row_id, why
      from audit_log
      where p_agent is not null and namespace = p_namespace and action = 'call.refused'
        and created_at >= p_from and created_at < p_to
      union all
      select created_at, actor, action, detail, table_name, row_id, why
      from audit_log_history
      where p_agent is not null and namespace = p_namespace and action = 'call.refused'
        and created_at >= p_from and created_at < p_to
      union all
      select created_at, actor, action, detail, table_name, row_id, why
      from audit_log
      where p_agent is null and table_name = 'jobs' and row_id = any (p_jobs::text[])
      union all
      select created_at, actor, action, detail, table_name, row_id, why
      from audit_log_history
      where p_agent is null and table_name = 'jobs' and row_id = any (p_jobs::text[])) l
    where l.action = 'call.refused'
      and (p_agent is null or l.actor = any (v_actors))
      and l.created_at >= p_from and l.created_at < p_to
    order by l.created_at desc
    limit case when p_agent is null then account_look() else account_rows() + 1 end) newest;
  if p_agent is null then
    select jsonb_object_agg(code, calls) into v_counts
    from (
      select r ->> 'code' as code, count(*) as calls
      from jsonb_array_elements(v_rows) r
      group by 1) c;
  else
    select jsonb_object_agg(code, calls) into v_counts
    from (
      select code, sum(refused) as calls
      from refusals
      where namespace = p_namespace and actor = any (v_actors)
        and minute >= date_trunc('minute', p_from) and minute < p_to
      group by code) c;
  end if;
  return jsonb_build_object(
    'calls', (select coalesce(sum(value::bigint), 0) from jsonb_each_text(v_counts)),
    'byCode', coalesce(v_counts, '{}'),
    'list', account_page(v_rows));
end
$$;
