-- What the operational reports say: the daily digest and the weekly report. Everything comes from needs-me,
-- the jobs and the slots of standing orders.

-- Returns the jobs that ended between two times, live and retired, without jobs of standing orders and jobs
-- that the bus made to recover others.
create or replace function work_ended(p_namespace text, p_from timestamptz, p_to timestamptz) returns table (
  job_id uuid, target_agent text, subject text, state text, outcome text, summary text, last_error text,
  priority int, ended_at timestamptz
) language sql stable as $$
  select job_id, target_agent, subject, state, outcome, summary, last_error, priority, ended_at
  from jobs
  where namespace = p_namespace and ended_at >= p_from and ended_at < p_to
    and subject not like 'standing\_order.%' and job_type <> 'recovery'
  union all
  select job_id, target_agent, subject, state, outcome, summary, last_error, priority, ended_at
  from jobs_history
  where namespace = p_namespace and ended_at >= p_from and ended_at < p_to
    and subject not like 'standing\_order.%' and job_type <> 'recovery'
$$;

-- Returns a source of a report that is a job.
create or replace function report_job(p_job uuid, p_part text) returns jsonb language sql stable as $$
  select jsonb_build_object('kind', 'job', 'id', p_job, 'part', p_part)
$$;

-- Returns the link to the row that an item of needs-me is about.
create or replace function need_link(p_namespace text, p_item jsonb) returns text language sql stable as $$
  select case
    when p_item ? 'questionId' then console_link('question', p_namespace, 'questions', p_item ->> 'questionId')
    when p_item ? 'opportunityId' then
      console_link('opportunity', p_namespace, 'opportunities', p_item ->> 'opportunityId')
    when p_item ? 'jobId' then console_link('job', p_namespace, 'jobs', p_item ->> 'jobId')
    when p_item ? 'orderName' then console_link('order', p_namespace, 'orders', p_item ->> 'orderName')
    when p_item ? 'bulkId' then console_link('bulk action', p_namespace, 'bulk', p_item ->> 'bulkId')
    when p_item ? 'agentId' then console_link('agent', p_namespace, 'agents', p_item ->> 'agentId')
    else 'needs-me' end
$$;

-- Returns the part of needs-me, oldest first: what only a person can move on since p_before or earlier.
create or replace function report_needs(p_namespace text, p_before timestamptz)
returns table (place bigint, total bigint, item jsonb) language sql stable as $$
  select row_number() over (order by since, id), count(*) over (), jsonb_build_object(
    'ask', 'decide',
    'sentence', format('%s, since %s.',
      report_quote(n.item ->> 'sentence', 24), report_time(since)),
    'evidence', need_link(p_namespace, n.item),
    'next', case
      when n.item ? 'questionId' then 'answer'
      else coalesce(lower(left(first, 1)) || substr(first, 2), 'look') end,
    'source', jsonb_strip_nulls(jsonb_build_object('kind', 'need', 'id', n.id, 'part', 'needs')))
  from needs_of(p_namespace) n
  cross join lateral (select n.item #>> '{actions,0,label}' as first) action
  where since <= p_before
$$;

-- Returns the part of failures: jobs that ended failed, one entry for each agent and subject, the most first.
-- Dead letters are not among them, because needs-me has them.
create or replace function report_failures(p_namespace text, p_from timestamptz, p_to timestamptz)
returns table (place bigint, total bigint, item jsonb) language sql stable as $$
  select row_number() over (order by jobs desc, target_agent, subject), count(*) over (), jsonb_build_object(
    'ask', 'know',
    'sentence', format('%s of %s (%s) failed%s.', count_of(jobs, 'job', 'jobs'), report_name(target_agent),
      report_quote(subject, 3),
      coalesce(case when jobs > 1 then ', the last with ' else ': ' end || report_quote(error, 16), '')),
    'evidence', console_link('job', p_namespace, 'jobs', newest::text),
    'next', 'redrive what is still wanted',
    'source', report_job(newest, 'failures'))
  from (
    select target_agent, subject, count(*) as jobs,
      (array_agg(job_id order by ended_at desc))[1] as newest,
      (array_agg(last_error order by ended_at desc))[1] as error
    from work_ended(p_namespace, p_from, p_to)
    where state = 'failed'
    group by target_agent, subject) f
$$;

-- Returns the part of results: work that succeeded and has a summary, by priority and then the newest, one of
-- each agent before the second of any.
create or replace function report_results(p_namespace text, p_from timestamptz, p_to timestamptz)
returns table (place bigint, total bigint, item jsonb) language sql stable as $$
  select place, total, jsonb_build_object(
    'ask', 'know',
    'sentence', format('%s finished %s: %s.', report_name(target_agent), report_quote(subject, 3),
      report_quote(summary, 24)),
    'evidence', console_link('job', p_namespace, 'jobs', job_id::text),
    'next', 'nothing',
    'source', report_job(job_id, 'results'))
  from (
    select *, row_number() over (order by of_agent, priority desc, ended_at desc, job_id) as place
    from (
      select *, count(*) over () as total,
        row_number() over (
          partition by target_agent order by priority desc, ended_at desc, job_id) as of_agent
      from work_ended(p_namespace, p_from, p_to)
      where state = 'succeeded' and outcome is distinct from 'no_work' and summary <> '') w) r
  where place <= report_items()
$$;

-- Returns the part of agents: the agents that ended most jobs, each with the numbers of the time before and
-- its result of the highest priority.
create or replace function report_agents(p_namespace text, p_from timestamptz, p_to timestamptz)
returns table (place bigint, total bigint, item jsonb) language sql stable as $$
  select row_number() over (order by n.done + n.failed desc, n.target_agent), count(*) over (),
    jsonb_build_object(
      'ask', 'know',
      'sentence', format('%s finished %s%s%s%s.', report_name(n.target_agent), count_of(n.done, 'job', 'jobs'),
        coalesce(' (' || b.done || ' in the time before)', ''),
        case when n.failed > 0 then format(', and %s failed', n.failed) else '' end,
        coalesce(', such as ' || report_quote(n.summary, 20), '')),
      'evidence', console_link('job', p_namespace, 'jobs', n.newest::text),
      'next', 'nothing',
      'source', report_job(n.newest, 'agents'))
  from (
    select target_agent, count(*) filter (where state = 'succeeded') as done,
      count(*) filter (where state in ('failed', 'dead')) as failed,
      (array_agg(job_id order by state = 'succeeded' desc, outcome is distinct from 'no_work' desc,
        summary <> '' desc nulls last, priority desc, ended_at desc))[1] as newest,
      (array_agg(summary order by priority desc, ended_at desc) filter (
        where state = 'succeeded' and outcome is distinct from 'no_work' and summary <> ''))[1] as summary
    from work_ended(p_namespace, p_from, p_to)
    where state in ('succeeded', 'failed', 'dead')
    group by target_agent
    having count(*) filter (where state = 'succeeded') > 0) n
  left join (
    select target_agent, count(*) as done
    from work_ended(p_namespace, p_from - (p_to - p_from), p_from)
    where state = 'succeeded'
    group by target_agent) b using (target_agent)
$$;

-- Returns the parts of the daily digest.
create or replace function report_parts_daily_digest(p_namespace text, p_from timestamptz, p_to timestamptz)
returns table (part text, turn int, quota int, place bigint, total bigint, item jsonb)
language sql stable as $$
  select 'needs', 1, 3, place, total, item from report_needs(p_namespace, 'infinity')
  union all
  select 'failures', 2, 1, place, total, item from report_failures(p_namespace, p_from, p_to)
  union all
  select 'results', 3, 3, place, total, item from report_results(p_namespace, p_from, p_to)
$$;

-- Returns the parts of the weekly report. What waits for less than a day is left to the daily digest.
create or replace function report_parts_weekly_report(p_namespace text, p_from timestamptz, p_to timestamptz)
returns table (part text, turn int, quota int, place bigint, total bigint, item jsonb)
language sql stable as $$
  select 'needs', 1, 2, place, total, item from report_needs(p_namespace, p_to - interval '1 day')
  union all
  select 'failures', 2, 1, place, total, item from report_failures(p_namespace, p_from, p_to)
  union all
  select 'agents', 3, 4, place, total, item from report_agents(p_namespace, p_from, p_to)
$$;

-- Returns how many jobs ended in a time, by their ends, in words such as 4 succeeded and 1 failed; null for
-- none.
create or replace function work_numbers(p_namespace text, p_from timestamptz, p_to timestamptz) returns text
language sql stable as $$
  select listed(array[
      case when succeeded > 0 then succeeded || ' succeeded' end,
      case when failed > 0 then failed || ' failed' end,
      case when dead > 0 then dead || ' dead' end,
      case when cancelled > 0 then cancelled || ' cancelled' end])
  from (
    select count(*) filter (where state = 'succeeded') as succeeded,
      count(*) filter (where state = 'failed') as failed,
      count(*) filter (where state = 'dead') as dead,
      count(*) filter (where state = 'cancelled') as cancelled
    from work_ended(p_namespace, p_from, p_to)) n
$$;

-- Returns how the slots of a time ended, in words; null when none was due.
create or replace function slot_numbers(p_namespace text, p_from timestamptz, p_to timestamptz) returns text
language sql stable as $$
  select case when slots > 0 then format('%s of standing orders: %s', count_of(slots, 'slot', 'slots'), listed(array[
      case when completed > 0 then completed || ' with work' end,
      case when no_work > 0 then no_work || ' without' end,
      case when failed > 0 then failed || ' failed' end,
      case when missed > 0 then missed || ' missed' end,
      case when others > 0 then others || ' skipped or open' end])) end
  from (
    select count(*) as slots,
      count(*) filter (where status = 'completed') as completed,
      count(*) filter (where status = 'no_work') as no_work,
      count(*) filter (where status = 'failed') as failed,
      count(*) filter (where status = 'missed') as missed,
      count(*) filter (where status not in ('completed', 'no_work', 'failed', 'missed')) as others
    from runs_between(p_namespace, p_from, p_to)) s
$$;
