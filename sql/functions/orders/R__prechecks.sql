-- Pre-checks: a cheap question before an agent is woken for a standing order. An order names its pre-check
-- with the parameter preCheck; x-y stands for the function precheck_x_y(namespace, agent, since).
--
-- since is the time up to which the order has been looked after. The function answers
--   null                      there may be work: wake the agent
--   {"noWork": {evidence}}    there is none: the slot ends as no_work with this evidence
--   {"skip": "reason"}        not now: the slot is skipped with this reason

-- noWork when no due job has waited for late_after, none is blocked and none is dead: there is nothing to
-- re-rank.
create or replace function precheck_backlog(p_namespace text, p_agent text, p_since timestamptz)
returns jsonb language sql stable as $$
  select case when late = 0 and blocked = 0 and dead = 0 then
    jsonb_build_object('noWork', jsonb_build_object(
      'dueForMoreThan15Minutes', late,
      'blocked', blocked,
      'dead', dead,
      'queued', queued,
      'lookedAt', now())) end
  from (
    select
      count(*) filter (where state = 'queued' and run_after < now() - late_after()) as late,
      count(*) filter (where state = 'queued') as queued,
      count(*) filter (where state = 'blocked') as blocked,
      count(*) filter (where state = 'dead') as dead
    from jobs
    where namespace = p_namespace
      -- One condition for each partial index.
      and (state = 'queued' or state in ('waiting', 'blocked') or state = 'dead')) q
$$;

-- How many events of each of these topics the bus has written since then, by topic; {} for none. An event
-- standing_order.* of an agent is not counted: those topics are not reserved to the bus.
create or replace function events_since(p_namespace text, p_since timestamptz, p_topics text[])
returns jsonb language sql stable as $$
  select coalesce(jsonb_object_agg(topic, events), '{}')
  from (
    select topic, count(*) as events
    from events
    where namespace = p_namespace
      and created_at > p_since
      -- The condition of the index events_of_trouble.
      and (split_part(topic, '.', 1) in ('audit', 'standing_order') or topic = 'job.lease_lost')
      and topic = any (p_topics)
      and (source_agent is null or split_part(topic, '.', 1) <> 'standing_order')
    group by topic) t
$$;

-- noWork when the bus has written no event of these topics since then, otherwise null.
create or replace function no_events_no_work(p_namespace text, p_since timestamptz, p_topics text[])
returns jsonb language sql stable as $$
  select case when events_since(p_namespace, p_since, p_topics) = '{}' then
    jsonb_build_object('noWork', jsonb_build_object(
      'noEventsOf', to_jsonb(p_topics),
      'since', p_since,
      'lookedAt', now())) end
$$;

-- noWork when no lease was lost and no run ended without closing its job.
create or replace function precheck_leases(p_namespace text, p_agent text, p_since timestamptz)
returns jsonb language sql stable as $$
  select no_events_no_work(p_namespace, p_since, '{job.lease_lost,audit.ended_without_closing}')
$$;

-- noWork when no slot was missed and no order fails, is silent or could not be settled.
create or replace function precheck_gaps(p_namespace text, p_agent text, p_since timestamptz)
returns jsonb language sql stable as $$
  select no_events_no_work(p_namespace, p_since, array[
    'standing_order.missed',
    'standing_order.failing',
    'standing_order.silent',
    'standing_order.unsettled',
    'standing_order.pre_check_failed'])
$$;

-- noWork when the bus has found no cluster of failures and no job that nothing moves.
create or replace function precheck_failures(p_namespace text, p_agent text, p_since timestamptz)
returns jsonb language sql stable as $$
  select no_events_no_work(p_namespace, p_since, array[
    'audit.failure_cluster',
    'audit.dead_letters_rising',
    'audit.stuck_job',
    'audit.ended_without_closing'])
$$;

-- noWork when no job has ended but those of standing orders.
create or replace function precheck_ended_work(p_namespace text, p_agent text, p_since timestamptz)
returns jsonb language sql stable as $$
  select case when not exists (
      select from jobs
      where namespace = p_namespace
        and ended_at > p_since
        and subject not like 'standing\_order.%')
    then jsonb_build_object('noWork', jsonb_build_object(
      'jobsEnded', 0,
      'since', p_since,
      'lookedAt', now())) end
$$;

-- skip while jobs that no standing order enqueued are due or under way.
create or replace function precheck_quiet_queue(p_namespace text, p_agent text, p_since timestamptz)
returns jsonb language sql stable as $$
  select case when jobs > 0 then
    jsonb_build_object('skip',
      format('the queue is not quiet: %s due or under way', count_of(jobs, 'job is', 'jobs are'))) end
  from (
    select count(*) as jobs
    from jobs
    where namespace = p_namespace
      and subject not like 'standing\_order.%'
      and (state in ('leased', 'running') or (state = 'queued' and run_after <= now()))) q
$$;
