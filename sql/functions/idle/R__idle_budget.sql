-- The budget of idle thinking: what the idle runs of an agent that began on one UTC day may spend together.

-- Returns the budget of an agent for a UTC day: runs, minutes, tokens and dollars, from its idleBudget or
-- else from idle_budget_defaults.
create or replace function idle_budget_of(p_agent agents) returns jsonb
language sql stable as $$
  select idle_budget_defaults() || (p_agent).idle_budget
$$;

-- Returns what the idle runs of an agent have spent on the UTC day of this transaction: runs, minutes, tokens
-- and dollars. The day of a run is that of its slot's start. A live run counts with its earlier attempts and
-- the time since its admission, but not with the time for which it waited for an answer. Tokens and dollars
-- that the gateway has not reported count nothing.
create or replace function idle_spent(p_namespace text, p_agent text) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'runs', count(*),
    'minutes', trim_scale(round((coalesce(sum(
      r.seconds + case when r.ended_at is null then coalesce(extract(epoch from now() - t.admitted_at), 0)
        else 0 end), 0) / 60)::numeric, 1)),
    'tokens', coalesce(sum(r.tokens), 0),
    'dollars', trim_scale(round(coalesce(sum(r.cost_usd), 0), 4)))
  from idle_runs_since(p_namespace, p_agent, date_trunc('day', now(), 'UTC')) r
  left join jobs j on j.job_id = r.job_id and r.ended_at is null
  left join job_attempts t on t.attempt_id = j.live_attempt
$$;

-- Returns what an agent may still spend today, in the fields of idle_budget_of; none is below 0.
create or replace function idle_budget_left(p_agent agents) returns jsonb
language sql stable as $$
  select jsonb_object_agg(key, greatest(value::numeric - (spent ->> key)::numeric, 0))
  from idle_spent((p_agent).namespace, (p_agent).agent_id) spent, jsonb_each_text(idle_budget_of(p_agent))
$$;

-- Returns how long the next idle run of an agent may last, in seconds: p_most, or what is left of its minutes
-- today, but not less than idle_least_minutes.
create or replace function idle_seconds(p_agent agents, p_most int) returns int
language sql stable as $$
  select greatest(
    least(p_most, floor((idle_budget_left(p_agent) ->> 'minutes')::numeric * 60)),
    idle_least_minutes() * 60)::int
$$;

-- Returns how many tokens an idle run may spend in all its attempts: what the other runs of its agent have
-- left of its day. A run by hand asks no budget, so it may spend those of a whole day.
create or replace function idle_token_cap(p_run idle_runs) returns bigint
language sql stable as $$
  select greatest((p_run.budget ->> 'tokens')::numeric
    - case when p_run.by_hand then 0 else coalesce(sum(r.tokens), 0) end, 0)::bigint
  from idle_runs_since(p_run.namespace, p_run.agent_id, date_trunc('day', p_run.created_at, 'UTC')) r
  where r.idle_run_id <> p_run.idle_run_id
$$;

drop function if exists idle_budget_text(agents);

-- Returns why the budget of an agent allows no idle run today, in words; null when it allows one. A run that
-- goes on (p_goes_on) is one of the runs that were begun, so it needs only minutes, tokens and dollars.
create or replace function idle_budget_text(p_agent agents, p_goes_on boolean default false) returns text
language sql stable as $$
  select case
    when budget ->> unit = '0' then
      format('agent %s has no budget for idle runs: %s in the idleBudget of its agent.yaml is 0',
        (p_agent).agent_id, unit)
    else format('its idle runs have spent %s of %s %s today (UTC)', spent ->> unit, budget ->> unit, unit) end
  from idle_budget_of(p_agent) budget,
    idle_spent((p_agent).namespace, (p_agent).agent_id) spent,
    idle_budget_left(p_agent) remaining,
    unnest('{runs,minutes,tokens,dollars}'::text[]) with ordinality u (unit, place)
  where (remaining ->> unit)::numeric <= 0
    and not (p_goes_on and unit = 'runs' and budget ->> unit <> '0')
    or unit = 'minutes' and (remaining ->> unit)::numeric < idle_least_minutes()
  order by place
  limit 1
$$;
