-- The sources of needs-me about work: blocked jobs, dead letters, standing orders and bulk actions. Questions
-- have a file of their own.

-- Returns whether the namespace has a coordinator that can answer blocks.
create or replace function has_coordinator(p_namespace text) returns boolean language sql stable as $$
  select exists (
    select from agents where namespace = p_namespace and agent_id = 'coordinator' and enabled)
$$;

-- Returns what happens to blocked jobs that nobody answers, with or without a coordinator.
create or replace function block_outcome(p_jobs bigint, p_coordinator boolean) returns text
language sql immutable as $$
  select case when p_jobs = 1 then 'It stays' else 'They stay' end || ' blocked'
    || case when p_coordinator then ' unless the coordinator decides' else '' end || '.'
$$;

-- Returns jobs that wait for a person: blocks that name a person, and blocks that neither a time nor a job
-- ends, when there is no coordinator or it has not answered within coordinator_patience. Jobs of one agent
-- that wait for the same person with the same reason are one item.
create or replace function needs_blocked(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  with coordinator as materialized (
    select has_coordinator(p_namespace) as there
  ), open as materialized (
    select job_id, target_agent, subject, blocked_on_person, blocked_on_agent, blocked_reason, updated_at,
      question_id
    from jobs
    where namespace = p_namespace
      and state = 'blocked'
      and blocked_until is null
      and blocked_on_job is null
    order by seq
    limit needs_searched()
  ), causes as (
    select
      target_agent, blocked_on_person, blocked_on_agent, blocked_reason,
      count(*) as jobs,
      min(updated_at) as since,
      (array_agg(job_id order by updated_at, job_id))[1] as oldest,
      min(subject) as subject,
      count(distinct subject) as subjects
    from open
    cross join coordinator
    where (blocked_on_person is not null
        or updated_at < now() - coordinator_patience()
        or not coordinator.there)
      -- An open question is an item of its own.
      and (question_id is null or not question_open(question_id))
    group by target_agent, blocked_on_person, blocked_on_agent, blocked_reason
    order by since
    limit needs_shown() + 1
  )
  select
    'blocked/' || target_agent || '/'
      || left(md5(concat_ws('|', blocked_on_person, blocked_on_agent, blocked_reason)), 12),
    'blocked',
    since,
    needs_item(
      format('%s waits for %s%s%s: %s.',
        target_agent,
        coalesce(blocked_on_person, 'agent ' || blocked_on_agent, 'a decision'),
        case when jobs > 1 then ' with ' || jobs_counted(jobs, needs_searched()) else '' end,
        case when subjects = 1 then format(' (%s)', subject) else '' end,
        in_sentence(blocked_reason)),
      block_outcome(jobs, coordinator.there),
      count_fields(jobs, needs_searched()) || jsonb_build_object(
        'agentId', target_agent,
        'jobId', oldest,
        'subject', case when subjects = 1 then subject end,
        'person', blocked_on_person),
      needs_action(
        case when jobs = 1 then 'Answer' else 'Answer the oldest' end,
        'unblockJob', jsonb_build_object('jobId', oldest), '{answer}'),
      needs_action(
        case when jobs = 1 then 'Cancel' else 'Cancel the oldest' end,
        'cancelJob', jsonb_build_object('jobId', oldest), '{reason}', true))
  from causes
  cross join coordinator
$$;

-- Returns the jobs on which other jobs of a namespace are blocked, by id and therefore the oldest first, at
-- most one more than causes_searched. A recursive query jumps from one to the next in the index.
create or replace function blocking_jobs(p_namespace text) returns setof uuid language sql stable as $$
  with recursive causes as (
    (
      select blocked_on_job as cause
      from jobs
      where namespace = p_namespace and state = 'blocked' and blocked_on_job is not null
      order by blocked_on_job
      limit 1)
    union all
    select n.cause
    from causes c
    cross join lateral (
      select blocked_on_job as cause
      from jobs
      where namespace = p_namespace and state = 'blocked' and blocked_on_job is not null
        and blocked_on_job > c.cause
      order by blocked_on_job
      limit 1) n
  )
  select cause from causes limit causes_searched() + 1
$$;

-- Returns the jobs that ended without success while others are blocked on them. A dead letter is left out,
-- because it has an item of its own; so are blocks that the coordinator may still answer.
create or replace function needs_ended_causes(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  with coordinator as materialized (
    select has_coordinator(p_namespace) as there
), ended as (
    select o.job_id, o.target_agent, o.subject, o.state, o.ended_at, o.last_error,
      coordinator.there as coordinator
    from blocking_jobs(p_namespace) c (cause)
    join jobs o on o.job_id = c.cause
    cross join coordinator
    where o.ended_at is not null
      and o.state <> 'dead'
      and (o.ended_at < now() - coordinator_patience() or not coordinator.there)
    order by o.ended_at
    limit needs_shown() + 1
  )
  select
    'blocked_on/' || e.job_id,
    'blocked',
    e.ended_at,
    needs_item(
      format('%s blocked, because a job of %s (%s) has ended %s%s.',
        jobs_counted(b.jobs, needs_shown()) || case when b.jobs = 1 then ' is' else ' are' end,
        e.target_agent, e.subject, e.state, coalesce(': ' || in_sentence(e.last_error), '')),
      block_outcome(b.jobs, e.coordinator),
      count_fields(b.jobs, needs_shown()) || jsonb_build_object(
        'agentId', e.target_agent,
        'jobId', b.oldest,
        'subject', e.subject,
        'causeJobId', e.job_id),
      case when e.state = 'failed' then
        needs_action('Redrive the failed job', 'redriveJob', jsonb_build_object('jobId', e.job_id), '{reason}') end,
      needs_action(
        case when b.jobs = 1 then 'Go on without it' else 'Go on with one of them' end,
        'unblockJob', jsonb_build_object('jobId', b.oldest), '{answer}'),
      case when b.jobs = 1 then
        needs_action('Cancel', 'cancelJob', jsonb_build_object('jobId', b.oldest), '{reason}', true) end)
  from ended e
  cross join lateral (
    select count(*) as jobs, (array_agg(job_id))[1] as oldest
    from (
      select job_id
      from jobs
      where namespace = p_namespace and state = 'blocked' and blocked_on_job = e.job_id
      order by job_id
      limit needs_shown() + 1) j) b
  where b.jobs > 0
$$;

-- Returns the agents and subjects with dead letters: how many (counted up to o_cap, so that all together
-- read about dead_counted rows), the first and the last of them. A recursive query jumps from one pair to the
-- next in the index.
create or replace function dead_subjects(p_namespace text) returns table (
  agent_id text, subject text, jobs bigint, o_cap bigint, first_at timestamptz, last_id uuid
) language sql stable as $$
  with recursive pairs as (
    (
      select target_agent, subject
      from jobs
      where namespace = p_namespace and state = 'dead'
      order by target_agent, subject
      limit 1)
    union all
    select n.*
    from pairs p
    cross join lateral (
      select target_agent, subject
      from jobs
      where namespace = p_namespace and state = 'dead'
        and (target_agent, subject) > (p.target_agent, p.subject)
      order by target_agent, subject
      limit 1) n
  ), found as materialized (
    select * from pairs limit needs_shown() + 1
  ), capped as materialized (
    select greatest(dead_counted() / greatest(count(*), 1), 100) as cap from found
  )
  select f.target_agent, f.subject, c.jobs, capped.cap, c.first_at, (
    select job_id
    from jobs
    where namespace = p_namespace and state = 'dead'
      and target_agent = f.target_agent and jobs.subject = f.subject
    order by ended_at desc
    limit 1)
  from found f
  cross join capped
  cross join lateral (
    select count(*) as jobs, min(ended_at) as first_at
    from (
      select ended_at
      from jobs
      where namespace = p_namespace and state = 'dead'
        and target_agent = f.target_agent and jobs.subject = f.subject
      order by ended_at
      limit capped.cap + 1) d) c
$$;

-- Returns the action of a bulk action on all dead letters of an agent with one subject.
create or replace function dead_action(
  p_verb text, p_operation text, p_agent text, p_subject text, p_jobs bigint, p_cap bigint, p_danger boolean
) returns jsonb language sql stable as $$
  select needs_action(
    p_verb || ' ' || case when p_jobs > p_cap then 'all' else jobs_counted(p_jobs, p_cap) end,
    'startBulkAction',
    jsonb_build_object(
      'operation', p_operation,
      'filter', jsonb_build_object('state', 'dead', 'targetAgent', p_agent, 'subject', p_subject)),
    '{reason}',
    p_danger)
$$;

-- Returns the dead letters: one item for each agent and subject, because one filter redrives or dismisses
-- them together.
create or replace function needs_dead(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'dead/' || d.agent_id || '/' || d.subject,
    'dead',
    d.first_at,
    needs_item(
      format('%s of %s (%s) %s%s.',
        jobs_counted(d.jobs, d.o_cap), d.agent_id, d.subject,
        case
          when d.jobs > 1 then 'are dead letters'
          else 'is dead after ' || count_of(j.attempt_count, 'attempt', 'attempts') end,
        coalesce(
          case when d.jobs > 1 then '; the last one: ' else ': ' end || in_sentence(j.last_error), '')),
      case when d.jobs = 1 then 'It stays' else 'They stay' end
        || ' dead, and jobs that depend on ' || case when d.jobs = 1 then 'it' else 'them' end || ' stay blocked.',
      count_fields(d.jobs, d.o_cap) || jsonb_build_object(
        'agentId', d.agent_id,
        'jobId', d.last_id,
        'subject', d.subject),
      case
        when d.jobs = 1 then
          needs_action('Redrive', 'redriveJob', jsonb_build_object('jobId', d.last_id), '{reason}')
        else dead_action('Redrive', 'redrive', d.agent_id, d.subject, d.jobs, d.o_cap, false) end,
      case
        when d.jobs = 1 then
          needs_action('Dismiss', 'dismissJob', jsonb_build_object('jobId', d.last_id), '{reason}', true)
        else dead_action('Dismiss', 'dismiss', d.agent_id, d.subject, d.jobs, d.o_cap, true) end)
  -- The offset keeps the planner from looking for the last one again wherever its id stands.
  from (select * from dead_subjects(p_namespace) offset 0) d
  join jobs j on j.job_id = d.last_id
$$;

-- Returns standing orders that failed, missed slots or have fallen silent, unless a newer run is under way or
-- has ended well; and slots that no node settles.
create or replace function needs_orders(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'order/' || h.order_name,
    case when h.health = 'failing' then 'order_failing' else 'order_missed' end,
    t.since,
    needs_item(
      case h.health
        when 'failing' then format('Standing order %s of %s has failed %s times in a row%s.',
          h.order_name, h.agent_id, h.failures_in_a_row, coalesce(': ' || in_sentence(t.summary), ''))
        when 'silent' then format('Standing order %s of %s has not run for %s slots%s.',
          h.order_name, h.agent_id, h.slots_since_last_run, coalesce(': ' || in_sentence(t.summary), ''))
        else format('Standing order %s of %s missed %s within 24 hours%s.',
          h.order_name, h.agent_id, count_of(h.missed_24h, 'slot', 'slots'),
          coalesce(': ' || in_sentence(t.summary), '')) end,
      case
        when h.next_slot is null then 'It has no further slot.'
        else format('Its next slot: %s.', utc_text(h.next_slot)) end,
      jsonb_build_object('orderName', h.order_name, 'agentId', h.agent_id, 'jobId', t.job_id),
      needs_action('Run it now', 'runStandingOrder', jsonb_build_object('orderName', h.order_name), '{reason}'))
  from standing_order_health_summary_v h
  cross join lateral (
    -- The slots behind the sentence: those after the newest run or, of an order that fails, after the newest
    -- good one.
    select min(scheduled_for) as since,
      (array_agg(summary order by scheduled_for desc))[1] as summary,
      (array_agg(job_id order by scheduled_for desc))[1] as job_id
    from (
      select scheduled_for, summary, job_id
      from standing_order_runs
      where namespace = p_namespace
        and order_name = h.order_name
        and status = any (
          case h.health when 'failing' then '{failed}' else '{missed, skipped, expected}'::text[] end)
        and scheduled_for < now()
        and scheduled_for > coalesce(case
          when h.health = 'failing' then (
            select scheduled_for from newest_slot(p_namespace, h.order_name, good_statuses()))
          else h.last_run_at end, '-infinity')
      order by scheduled_for desc
      limit order_runs_kept()) s) t
  where h.namespace = p_namespace
    and h.health in ('failing', 'silent', 'missed')
    and h.last_status is distinct from 'started'
    and t.since is not null
  union all
  select
    'orders_unsettled',
    'order_missed',
    now() - settle_patience(),
    needs_item(
      format('%s due and not settled: standing orders are off on every node (agentbus.orders.enabled), or their '
        'settling fails.', count_of(u.slots, 'slot is', 'slots are')),
      'They are settled when a node runs standing orders again.',
      jsonb_build_object('count', u.slots))
  from unsettled_slots(p_namespace) u (slots)
  where u.slots > 0
$$;

-- Returns the bulk actions of which jobs failed and that ended within a day, and those whose batches fail.
create or replace function needs_bulk_actions(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'bulk/' || bulk_id,
    'bulk',
    coalesce(ended_at, updated_at),
    needs_item(
      case
        when status = 'running' then format('The bulk action %s of %s does not get on: %s.',
          replace(operation, '_', ' '), split_part(started_by, ':', 2), in_sentence(trouble))
        else format('%s failed in the bulk action %s of %s%s.',
          count_of(failed, 'job has', 'jobs have'), replace(operation, '_', ' '), split_part(started_by, ':', 2),
          coalesce(', such as: ' || in_sentence(failures #>> '{0,detail}'), '')) end,
      case
        when status = 'running' then 'Its batch is tried again by itself.'
        else 'These jobs stay as they are, and this line goes a day after the end of the action.' end,
      jsonb_build_object('bulkId', bulk_id, 'count', nullif(failed, 0)),
      case when status = 'running' then
        needs_action('Stop', 'stopBulkAction', jsonb_build_object('bulkId', bulk_id), '{reason}', true) end)
  from bulk_actions
  where namespace = p_namespace
    and (status = 'running' and trouble is not null
      or ended_at > now() - bulk_failure_shown() and failed > 0)
$$;
