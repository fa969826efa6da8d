-- What the weekly memo on bets says about idle thinking: the cadences that have changed, and its numbers.

-- Returns the agents whose cadence has changed between two times, the newest change first. The row that the
-- first look at an agent has written is no change.
create or replace function cadences_changed(p_namespace text, p_from timestamptz, p_to timestamptz)
returns setof idle_cadences language sql stable as $$
  select *
  from idle_cadences
  where namespace = p_namespace
    and changed_at >= p_from
    and changed_at < p_to
    and changed_at > created_at
  order by changed_at desc, agent_id
$$;

-- Returns the item about the agents that think more or less often since a change between two times: the
-- newest change with its reason, and how often the others think now. No row without a change.
create or replace function cadence_item(p_namespace text, p_from timestamptz, p_to timestamptz)
returns setof jsonb language sql stable as $$
  select jsonb_build_object(
    'ask', 'know',
    'sentence', format('%s thinks %s, because %s%s.', report_name(c.names[1]), factor_text(c.factors[1]),
      c.reasons[1], coalesce('; ' || (
        select listed(array_agg(report_name(name) || ' ' || factor_text(factor) order by place))
        from unnest(c.names, c.factors) with ordinality as o (name, factor, place)
        where place > 1), '')),
    'evidence', place_link('idle report', p_namespace, 'idle'),
    'next', case when c.factors[1] < 1 then 'other questions in its agent.yaml' else 'nothing' end,
    'source', jsonb_build_object('kind', 'agent', 'id', c.names[1], 'part', 'cadences'))
  from (
    select array_agg(agent_id) as names, array_agg(factor) as factors, array_agg(reason) as reasons
    from cadences_changed(p_namespace, p_from, p_to)
    having count(*) > 0) c
$$;

-- Returns the numbers of idle thinking of a time in words: runs that have begun, outputs and tokens; null
-- without a run.
create or replace function idle_numbers(p_namespace text, p_from timestamptz, p_to timestamptz) returns text
language sql stable as $$
  select case when runs > 0 then format('idle thinking: %s, %s%s', count_of(runs, 'run', 'runs'),
    count_of(outputs, 'output', 'outputs'), case when tokens > 0 then format(', %s tokens', tokens) end) end
  from (
    select count(*) as runs, sum(r.tokens) as tokens, (
      select count(*)
      from idle_outputs(p_namespace, p_from) o
      where o.job_id = any (array_agg(r.job_id))) as outputs
    from idle_runs r
    where namespace = p_namespace
      and created_at >= p_from
      and created_at < p_to
      and began_at is not null) n
$$;
