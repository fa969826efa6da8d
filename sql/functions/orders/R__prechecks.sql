-- Pre-checks: a cheap question before an agent is woken for a standing order. precheck_<name>(namespace, agent, since) answers
--   null                      there may be work: wake the agent
--   {"noWork": {evidence}}    there is none; the run ends as no_work with this evidence
--   {"skip": "reason"}        not now; the run is skipped with this reason
-- since is up to when the order has been looked after. An order names one with its parameter preCheck (x-y: precheck_x_y).

create or replace function precheck_backlog(p_namespace text, p_agent text, p_since timestamptz) returns jsonb language sql stable as $$
  select case when late = 0 and blocked = 0 and dead = 0 then jsonb_build_object('noWork', jsonb_build_object(
    'dueForMoreThan15Minutes', late, 'blocked', blocked, 'dead', dead, 'queued', queued, 'lookedAt', now())) end
  from (
    select count(*) filter (where state = 'queued' and run_after < now() - late_after()) as late,
      count(*) filter (where state = 'queued') as queued,
      count(*) filter (where state = 'blocked') as blocked, count(*) filter (where state = 'dead') as dead
    from jobs where namespace = p_namespace and (state = 'queued' or state in ('waiting', 'blocked') or state = 'dead')) q
$$;
comment on function precheck_backlog(text, text, timestamptz) is 'Nothing to re-rank: nothing due waits for more than 15 minutes, nothing is blocked, nothing dead.';

create or replace function troubles_since(p_namespace text, p_since timestamptz, p_topics text[]) returns jsonb language sql stable as $$
  select coalesce(jsonb_object_agg(topic, events), '{}') from (
    select topic, count(*) as events from events
    where namespace = p_namespace and created_at > p_since
      and (split_part(topic, '.', 1) in ('audit', 'standing_order') or topic = 'job.lease_lost')
      and topic = any (p_topics)
      -- Of the bus itself: the other topics are reserved to it, these an agent may say as well.
      and (source_agent is null or split_part(topic, '.', 1) <> 'standing_order')
    group by topic) t
$$;
comment on function troubles_since(text, timestamptz, text[]) is 'How many events of each of these topics there were since then; {} for none.';

create or replace function nothing_told(p_namespace text, p_since timestamptz, p_topics text[]) returns jsonb language sql stable as $$
  select case when troubles_since(p_namespace, p_since, p_topics) = '{}' then jsonb_build_object('noWork',
    jsonb_build_object('noEventsOf', to_jsonb(p_topics), 'since', p_since, 'lookedAt', now())) end
$$;
comment on function nothing_told(text, timestamptz, text[]) is 'noWork when the bus has written no event of these topics since then.';

create or replace function precheck_leases(p_namespace text, p_agent text, p_since timestamptz) returns jsonb language sql stable as $$
  select nothing_told(p_namespace, p_since, '{job.lease_lost,audit.ended_without_closing}')
$$;
comment on function precheck_leases(text, text, timestamptz) is 'Nothing to report: no lease was lost and no run ended without closing.';

create or replace function precheck_gaps(p_namespace text, p_agent text, p_since timestamptz) returns jsonb language sql stable as $$
  select nothing_told(p_namespace, p_since,
    '{standing_order.missed,standing_order.failing,standing_order.silent,standing_order.unsettled,standing_order.pre_check_failed}')
$$;
comment on function precheck_gaps(text, text, timestamptz) is 'Nothing to find: no slot was missed, no order fails or is silent.';

create or replace function precheck_failures(p_namespace text, p_agent text, p_since timestamptz) returns jsonb language sql stable as $$
  select nothing_told(p_namespace, p_since, '{audit.failure_cluster,audit.dead_letters_rising,audit.stuck_job,audit.ended_without_closing}')
$$;
comment on function precheck_failures(text, text, timestamptz) is 'Nothing to interpret: the bus has seen no cluster of failures and no job that nothing moves.';

create or replace function precheck_ended_work(p_namespace text, p_agent text, p_since timestamptz) returns jsonb language sql stable as $$
  select case when not exists (
      select from jobs where namespace = p_namespace and ended_at > p_since and subject not like 'standing\_order.%')
    then jsonb_build_object('noWork', jsonb_build_object('jobsEnded', 0, 'since', p_since, 'lookedAt', now())) end
$$;
comment on function precheck_ended_work(text, text, timestamptz) is 'Nothing to collect: no job but those of standing orders has ended.';

create or replace function precheck_quiet_queue(p_namespace text, p_agent text, p_since timestamptz) returns jsonb language sql stable as $$
  select case when jobs > 0 then jsonb_build_object('skip',
    format('the queue is not quiet: %s %s due or under way', jobs, case jobs when 1 then 'job is' else 'jobs are' end)) end
  from (
    select count(*) as jobs from jobs
    where namespace = p_namespace and subject not like 'standing\_order.%'
      and (state in ('leased', 'running') or (state = 'queued' and run_after <= now()))) q
$$;
comment on function precheck_quiet_queue(text, text, timestamptz) is 'Not now, while work that is no standing order is due or under way.';
