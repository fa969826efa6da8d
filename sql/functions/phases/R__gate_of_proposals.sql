-- The criteria of the gate of phase 3, each computed from the ledger since p_from; p_now is the present time.

-- Criterion: an agent has proposed an idea since p_from. Ideas of people show nothing about the fleet.
create or replace function gate_ideas(p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz)
returns jsonb language plpgsql stable as $$
declare
  v_first record;
begin
  select i.idea_id, i.created_at, i.source_agent, i.title
  into v_first
  from agents a
  cross join lateral (
    select *
    from ideas
    where namespace = p_namespace
      and source_agent = a.agent_id
      and source_job_id is not null
      and created_at >= p_from
    order by created_at
    limit 1) i
  where a.namespace = p_namespace
  order by i.created_at
  limit 1;
  return criterion('idea_surfaced', 'an agent has proposed an idea',
    case when v_first.idea_id is not null then 'met' else 'not_met' end,
    v_first.created_at,
    case when v_first.idea_id is not null then format('agent %s proposed "%s"', v_first.source_agent, v_first.title)
      else 'no agent has proposed an idea in this time' end,
    jsonb_build_object('sample', v_first.idea_id),
    gate_command(p_namespace, 'list-ideas'));
end
$$;

-- Criterion: an opportunity of an agent has become a job since p_from, among the newest gate_looks decisions.
create or replace function gate_conversions(
  p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz
) returns jsonb language plpgsql stable as $$
declare
  v_first record;
begin
  select o.opportunity_id, o.converted_at, o.converted_by, o.converted_job_id
  into v_first
  from (
    select *
    from opportunities
    where namespace = p_namespace
      and decided_at >= p_from
    order by decided_at desc
    limit gate_looks()) o
  where o.status = 'converted_to_job'
    and o.source_job_id is not null
    and exists (
      select from jobs where job_id = o.converted_job_id
      union all
      select from jobs_history where job_id = o.converted_job_id)
  order by o.converted_at
  limit 1;
  return criterion('opportunity_converted', 'an opportunity of an agent has become a job',
    case when v_first.opportunity_id is not null then 'met' else 'not_met' end,
    v_first.converted_at,
    case when v_first.opportunity_id is not null then format('%s converted one to job %s', v_first.converted_by,
        v_first.converted_job_id)
      else 'no opportunity of an agent has become a job in this time' end,
    jsonb_build_object('sample', v_first.opportunity_id),
    gate_command(p_namespace, 'list-opportunities --status converted_to_job'));
end
$$;

-- Returns the agents and UTC days since p_from on which jobs of the agent made more proposals of a kind than
-- its budget of a day allows now. Proposals of people and promotions are not charged.
create or replace function days_over_budget(p_namespace text, p_from timestamptz)
returns table (agent_id text, kind text, day date, made bigint, budget int) language sql stable as $$
  select a.agent_id, b.kind, d.day, count(*), b.budget
  from agents a
  cross join lateral (values
    ('idea', (a.budgets ->> 'ideas')::int),
    ('opportunity', (a.budgets ->> 'opportunities')::int)) b (kind, budget)
  cross join lateral (
    select (created_at at time zone 'UTC')::date as day
    from ideas
    where b.kind = 'idea' and namespace = p_namespace and source_agent = a.agent_id
      and source_job_id is not null and created_at >= p_from
    union all
    select (created_at at time zone 'UTC')::date
    from opportunities
    where b.kind = 'opportunity' and namespace = p_namespace and source_agent = a.agent_id
      and source_job_id is not null and idea_id is null and created_at >= p_from) d
  where a.namespace = p_namespace
  group by a.agent_id, b.kind, d.day, b.budget
  having count(*) > b.budget
$$;

-- Criterion: within the demanded time no agent has proposed more on a UTC day than its budget; without
-- proposals of agents there is nothing to judge.
create or replace function gate_budgets(p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz)
returns jsonb language plpgsql stable as $$
declare
  v_window timestamptz := greatest(p_from, p_now - gate_time(p_phase));
  v_made bigint;
  v_over record;
begin
  select count(*) into v_made
  from agents a
  cross join lateral (
    select from ideas
    where namespace = p_namespace and source_agent = a.agent_id and source_job_id is not null
      and created_at >= v_window
    union all
    select from opportunities
    where namespace = p_namespace and source_agent = a.agent_id and source_job_id is not null
      and created_at >= v_window) p
  where a.namespace = p_namespace;
  select * into v_over from days_over_budget(p_namespace, v_window) order by day desc, agent_id, kind limit 1;
  return criterion('budgets_respected', 'the budgets of proposals hold',
    case when v_over.agent_id is not null then 'not_met' when v_made > 0 then 'met' else 'not_measured' end,
    case when v_over.agent_id is not null then v_over.day::timestamp at time zone 'UTC' end,
    case
      when v_over.agent_id is not null then format('agent %s made %s on %s, and its budget is %s', v_over.agent_id,
        case v_over.kind when 'idea' then count_of(v_over.made, 'idea', 'ideas')
          else count_of(v_over.made, 'opportunity', 'opportunities') end, v_over.day, v_over.budget)
      when v_made > 0 then format('%s since %s, none over a budget',
        count_of(v_made, 'proposal of agents', 'proposals of agents'), utc_text(v_window))
      else 'no agent has proposed anything in this time' end,
    jsonb_build_object('proposals', v_made),
    gate_command(p_namespace, 'list-opportunities'));
end
$$;

-- Criterion: each ideas digest within the demanded time keeps its limits, and there was at least one.
create or replace function gate_digests(p_namespace text, p_phase int, p_from timestamptz, p_now timestamptz)
returns jsonb language plpgsql stable as $$
declare
  v_window timestamptz := greatest(p_from, p_now - gate_time(p_phase));
  v_seen record;
  v_long record;
begin
  select count(*) as digests, max(words) as words, max(items) as items,
    (array_agg(report_id::text order by created_at desc))[1] as sample
  into v_seen
  from reports
  where namespace = p_namespace
    and kind = 'ideas_digest'
    and period_from >= v_window - interval '1 day'
    and created_at >= v_window;
  select report_id, period_to, words, items into v_long
  from reports
  where namespace = p_namespace
    and kind = 'ideas_digest'
    and period_from >= v_window - interval '1 day'
    and created_at >= v_window
    and (words > report_words() or items > report_items())
  order by created_at desc
  limit 1;
  return criterion('digest_is_short', 'the digest is short',
    case when v_long.report_id is not null then 'not_met' when v_seen.digests > 0 then 'met' else 'not_measured' end,
    v_long.period_to,
    case
      when v_long.report_id is not null then format('the digest up to %s has %s words and %s items; the limits are %s and %s',
        utc_text(v_long.period_to), v_long.words, v_long.items, report_words(), report_items())
      when v_seen.digests > 0 then format('%s, none above %s words and %s items',
        count_of(v_seen.digests, 'digest', 'digests'), v_seen.words, v_seen.items)
      else 'no ideas digest has been composed in this time' end,
    jsonb_strip_nulls(jsonb_build_object('digests', v_seen.digests, 'longestWords', v_seen.words,
      'mostItems', v_seen.items, 'sample', coalesce(v_long.report_id::text, v_seen.sample))),
    gate_command(p_namespace, 'list-reports --kind ideas_digest'));
end
$$;
