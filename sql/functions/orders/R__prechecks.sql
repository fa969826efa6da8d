-- A pre-check is a cheap function that runs before a standing order wakes its agent. The parameter preCheck
-- of the order names it; x-y stands for the function precheck_x_y(namespace, agent, since).
--
-- since is the time of the newest slot that ended well, or of the creation of the order. The function returns
--   null                      there may be work: wake the agent
--   {"noWork": {evidence}}    there is none: the slot ends as no_work with this evidence
--   {"skip": "reason"}        not now: the slot is skipped with this reason

-- Returns noWork when no due job has waited for late_after and no job is blocked or dead, so that there is
-- nothing to re-rank. A job that waits for the answer of a person does not count as blocked here.
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
      count(*) filter (where state = 'blocked' and not question_open(question_id)) as blocked,
      count(*) filter (where state = 'dead') as dead
    from jobs
    where namespace = p_namespace
      -- One condition for each partial index, so that the planner can use all of them.
      and (state = 'queued' or state in ('waiting', 'blocked') or state = 'dead')) q
$$;

-- Returns the number of events of each of these topics that the bus has written since p_since, by topic; {}
-- for none. An event standing_order.* with a source agent is not counted, because agents may emit these
-- topics too.
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

-- Returns noWork when the bus has written no event of these topics since p_since, otherwise null.
create or replace function no_events_no_work(p_namespace text, p_since timestamptz, p_topics text[])
returns jsonb language sql stable as $$
  select case when events_since(p_namespace, p_since, p_topics) = '{}' then
    jsonb_build_object('noWork', jsonb_build_object(
      'noEventsOf', to_jsonb(p_topics),
      'since', p_since,
      'lookedAt', now())) end
$$;

-- Returns noWork when no lease was lost and no run ended without closing its job.
create or replace function precheck_leases(p_namespace text, p_agent text, p_since timestamptz)
returns jsonb language sql stable as $$
  select no_events_no_work(p_namespace, p_since, '{job.lease_lost,audit.ended_without_closing}')
$$;

-- Returns noWork when no slot was missed, no order fails, is silent or could not be settled, and no
-- pre-check failed.
create or replace function precheck_gaps(p_namespace text, p_agent text, p_since timestamptz)
returns jsonb language sql stable as $$
  select no_events_no_work(p_namespace, p_since, array[
    'standing_order.missed',
    'standing_order.failing',
    'standing_order.silent',
    'standing_order.unsettled',
    'standing_order.pre_check_failed'])
$$;

-- Returns noWork when the bus has reported no cluster of failures, no rise of dead letters, no stuck job
-- and no attempt that ended without closing.
create or replace function precheck_failures(p_namespace text, p_agent text, p_since timestamptz)
returns jsonb language sql stable as $$
  select no_events_no_work(p_namespace, p_since, array[
    'audit.failure_cluster',
    'audit.dead_letters_rising',
    'audit.stuck_job',
    'audit.ended_without_closing'])
$$;

-- Returns noWork when no job has ended, except jobs of standing orders.
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

-- Returns skip while jobs are due or at work, except jobs of standing orders.
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
