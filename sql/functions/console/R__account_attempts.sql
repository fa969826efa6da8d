-- The attempts that an account is about, and what they say: who woke the agent, what the agent was told,
-- what the attempts ended with, and what they cost.
--
-- An attempt belongs to the window in which it began. An account looks at the newest account_look attempts.

-- Returns the newest attempts, live or retired, that began in a window, newest first, at most p_most, with
-- the fields of their jobs that an account shows. They are those of an agent, or those of p_jobs if p_agent
-- is null.
create or replace function account_attempts(
  p_namespace text, p_agent text, p_jobs uuid[], p_from timestamptz, p_to timestamptz, p_most int
) returns table (
  attempt_id uuid, job_id uuid, attempt_no int, agent_id text, status text, started_at timestamptz,
  admitted_at timestamptz, finished_at timestamptz, summary text, error text, usage jsonb, injected jsonb,
  prompt_hash text, template_hash text, agents_md_hash text,
  subject text, asked_by text, source_agent text, job_state text, answer text, answered_by text
)
language plpgsql stable
-- Planned anew each time, because a day and a month need different plans.
set plan_cache_mode = force_custom_plan as $$
begin
  return query
  with found as materialized (
    select id, retired, began
    from (
      (
        select t.attempt_id as id, false as retired, t.started_at as began
        from job_attempts t
        where t.namespace = p_namespace and t.agent_id = p_agent and t.finished_at is not null
          and t.started_at >= p_from and t.started_at < p_to
        order by t.started_at desc
        limit p_most)
      union all
      (
        select t.attempt_id, true, t.started_at
        from job_attempts_history t
        where t.namespace = p_namespace and t.agent_id = p_agent
          and t.started_at >= p_from and t.started_at < p_to
        order by t.started_at desc
        limit p_most)
      union all
      -- Attempts of an earlier version name no agent.
      (
        select t.attempt_id, false, t.started_at
        from job_attempts t
        join jobs j on j.job_id = t.job_id
        where p_agent is not null and t.namespace = p_namespace and t.agent_id is null
          and t.finished_at is not null and t.started_at >= p_from and t.started_at < p_to
          and j.target_agent = p_agent
        order by t.started_at desc
        limit p_most)
      union all
      (
        select t.attempt_id, true, t.started_at
        from job_attempts_history t
        join jobs_history j on j.job_id = t.job_id
        where p_agent is not null and t.namespace = p_namespace and t.agent_id is null
          and t.started_at >= p_from and t.started_at < p_to
          and j.target_agent = p_agent
        order by t.started_at desc
        limit p_most)
      union all
      (
        select t.attempt_id, false, t.started_at
        from jobs j
        join job_attempts t on t.attempt_id = j.live_attempt
        where p_agent is not null and j.state in ('leased', 'running') and j.moved_xid >= claim_floor()
          and j.namespace = p_namespace and j.target_agent = p_agent
          and t.started_at >= p_from and t.started_at < p_to)
      union all
      (
        select t.attempt_id, false, t.started_at
        from job_attempts t
        where p_agent is null and t.job_id = any (p_jobs)
          and t.started_at >= p_from and t.started_at < p_to)
      union all
      (
        select t.attempt_id, true, t.started_at
        from job_attempts_history t
        where p_agent is null and t.job_id = any (p_jobs)
          and t.started_at >= p_from and t.started_at < p_to)) every_one
    order by began desc
    limit p_most
  )
  select t.attempt_id, t.job_id, t.attempt_no, coalesce(t.agent_id, j.target_agent), t.status, t.started_at,
    t.admitted_at, t.finished_at, t.summary, t.error, t.usage, t.injected, t.prompt_hash, t.template_hash,
    t.agents_md_hash, j.subject, j.asked_by, j.source_agent, j.state, j.answer, j.answered_by
  from found f
  join job_attempts t on t.attempt_id = f.id
  join jobs j on j.job_id = t.job_id
  where not f.retired
  union all
  select t.attempt_id, t.job_id, t.attempt_no, coalesce(t.agent_id, j.target_agent), t.status, t.started_at,
    t.admitted_at, t.finished_at, t.summary, t.error, t.usage, t.injected, t.prompt_hash, t.template_hash,
    t.agents_md_hash, j.subject, j.asked_by, j.source_agent, j.state, j.answer, j.answered_by
  from found f
  join job_attempts_history t on t.attempt_id = f.id
  join jobs_history j on j.job_id = t.job_id
  where f.retired
  order by 6 desc;
end
$$;

-- Returns the first account_rows of a list of rows, and whether there are more.
create or replace function account_page(p_rows jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'rows', (
      select coalesce(jsonb_agg(r order by n), '[]')
      from jsonb_array_elements(p_rows) with ordinality as a (r, n)
      where n <= account_rows()),
    'more', coalesce(jsonb_array_length(p_rows), 0) > account_rows())
$$;

-- Returns the sums of the numbers that runs reported as usage, by name: at most twenty names.
create or replace function usage_sums(p_usages jsonb[]) returns jsonb
language sql immutable as $$
  select coalesce(jsonb_object_agg(name, total), '{}')
  from (
    select left(key, 60) as name, sum((value #>> '{}')::numeric) as total
    from unnest(p_usages) u
    cross join jsonb_each(case jsonb_typeof(u) when 'object' then u else '{}' end)
    where jsonb_typeof(value) = 'number'
    group by 1
    order by 1
    limit 20) s
$$;

-- Returns the sections of an account that its attempts give: woken, told, results, blocks and spent.
-- p_asked holds <job id>:<attempt no> of the attempts that ended with a question, which are no blocks here.
create or replace function account_of_attempts(
  p_namespace text, p_agent text, p_jobs uuid[], p_from timestamptz, p_to timestamptz, p_asked text[]
) returns jsonb
language plpgsql stable as $$
declare
  v_answer jsonb;
begin
  with looked as materialized (
    select *
    from account_attempts(p_namespace, p_agent, p_jobs, p_from, p_to, account_look() + 1)
  ), a as materialized (
    select *, status <> 'undelivered' as reached, row_number() over (order by started_at desc) as place
    from (select * from looked order by started_at desc limit account_look()) l
  ), by_subject as (
    select subject, agent_id, asked_by, count(*) as attempts, count(distinct job_id) as jobs
    from a
    where reached
    group by subject, agent_id, asked_by
    order by attempts desc, subject, asked_by
    limit account_rows() + 1
  ), told as (
    select *
    from a
    where reached
    order by place
    limit account_rows() + 1
  ), results as (
    select * from a where status = 'succeeded' order by place limit account_rows() + 1
  ), failures as (
    select *
    from a
    where status in ('failed', 'timed_out', 'cancelled')
    order by place
    limit account_rows() + 1
  ), blocked as (
    select *,
      row_number() over (partition by job_id order by attempt_no desc) = 1 as newest,
      count(*) over () as total
    from a
    where status = 'blocked' and (job_id || ':' || attempt_no) <> all (p_asked)
    order by place
    limit account_rows() + 1
  )
  select jsonb_build_object(
    'woken', jsonb_build_object(
      'attempts', count(*) filter (where reached),
      'jobs', count(distinct job_id) filter (where reached),
      'outcomes', jsonb_build_object(
        'succeeded', count(*) filter (where status = 'succeeded'),
        'blocked', count(*) filter (where status = 'blocked'),
        'failed', count(*) filter (where status = 'failed'),
        'timedOut', count(*) filter (where status = 'timed_out'),
        'cancelled', count(*) filter (where status = 'cancelled'),
        'atWork', count(*) filter (where status in ('leased', 'running'))),
      'undelivered', count(*) filter (where not reached),
      'bySubject', account_page((
        select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('subject', subject, 'agentId', agent_id,
          'askedBy', asked_by, 'attempts', attempts, 'jobs', jobs))) from by_subject)))
      || case
        when (select count(*) from looked) > account_look()
          then jsonb_build_object('countedFrom', min(started_at))
        else '{}' end,
    'told', jsonb_build_object(
      'prompts', count(prompt_hash) filter (where reached),
      'templates', count(distinct template_hash) filter (where reached),
      'withInjected', count(*) filter (where reached and injected <> '[]'),
      'list', account_page((
        select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('at', started_at, 'jobId', job_id,
            'attemptNo', attempt_no, 'agentId', agent_id, 'subject', subject, 'promptHash', prompt_hash,
            'templateHash', template_hash, 'agentsMdHash', agents_md_hash))
          || shown_if_small('injected', nullif(injected, '[]'), null, small_json())) from told))),
    'results', jsonb_build_object(
      'total', count(*) filter (where status = 'succeeded'),
      'list', account_page((
        select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('at', finished_at, 'jobId', job_id,
          'attemptNo', attempt_no, 'agentId', agent_id, 'subject', subject,
          'summary', cut(summary, account_text())))) from results))),
    'failures', jsonb_build_object(
      'total', count(*) filter (where status in ('failed', 'timed_out', 'cancelled')),
      'list', account_page((
        select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('at', finished_at, 'jobId', job_id,
          'attemptNo', attempt_no, 'agentId', agent_id, 'subject', subject, 'status', status,
          'error', cut(error, account_text())))) from failures))),
    'blocks', jsonb_build_object(
      'total', coalesce((select max(total) from blocked), 0),
      'list', account_page((
        select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('at', finished_at, 'jobId', job_id,
          'attemptNo', attempt_no, 'agentId', agent_id, 'subject', subject,
          'reason', cut(error, account_text()),
          'open', newest and job_state = 'blocked',
          -- A job keeps the answer to its last block only.
          'answer', case when newest and job_state <> 'blocked' then cut(answer, account_text()) end,
          'answeredBy', case when newest and job_state <> 'blocked' then answered_by end))) from blocked))),
    'spent', jsonb_build_object(
      'runs', count(admitted_at),
      'runMinutes', coalesce(round(sum(extract(epoch from coalesce(finished_at, now()) - admitted_at)
        / 60) filter (where admitted_at is not null), 1), 0),
      'reported', count(usage) filter (where admitted_at is not null),
      'unreported', count(*) filter (where admitted_at is not null and usage is null),
      'usage', usage_sums(array_agg(usage) filter (where usage is not null))))
  into v_answer
  from a;
  return v_answer;
end
$$;
