-- What happens to idle thinking on its own: what the runs have spent is looked up, the cadence of an agent
-- follows its yield, and an agent whose yield is good thinks early. Every node does this; a row that another
-- node has locked is left to it.

-- Returns a number of the usage of an attempt; null when it names none, or one that no run can reach.
create or replace function usage_number(p_usage jsonb, p_name text) returns numeric
language sql immutable as $$
  select case when jsonb_typeof(n) = 'number' and (n #>> '{}')::numeric between 0 and 1e15
    then (n #>> '{}')::numeric end
  from (select p_usage -> p_name as n) named
$$;

-- Returns what the attempts of a job have spent, as the gateway or the agent has reported it; null for what
-- nobody has.
create or replace function spent_by_job(p_job uuid, out o_tokens bigint, out o_cost_usd numeric)
language sql stable as $$
  select sum(round(usage_number(usage, 'total')))::bigint, sum(usage_number(usage, 'costUsd'))
  from (
    select usage
    from job_attempts
    where job_id = p_job
    union all
    select usage
    from job_attempts_history
    where job_id = p_job) a
$$;

-- Looks up what ended idle runs have spent, at most p_limit of them, the longest ended first. A run is
-- settled when its tokens are known, and idle_usage_patience after its end in any case. Emits idle.over_cap
-- for a run that has spent more tokens than its agent might on its day. Returns how many runs it has settled.
create or replace function settle_idle_runs(p_limit int) returns int
language plpgsql as $$
declare
  v_run idle_runs;
  v_spent record;
  v_tokens bigint;
  v_settled int := 0;
begin
  perform act_as('{"kind": "dispatcher", "name": "idle"}', 'what the run has spent');
  for v_run in
    select *
    from idle_runs
    where ended_at is not null
      and settled_at is null
    order by ended_at
    limit p_limit
    for no key update skip locked
  loop
    select * into v_spent from spent_by_job(v_run.job_id);
    continue when v_spent.o_tokens is null and v_run.ended_at > now() - idle_usage_patience();
    -- Without a report of its end, the last report during the run counts (watch_idle_tokens).
    v_tokens := coalesce(v_spent.o_tokens, v_run.tokens);
    update idle_runs
    set tokens = v_tokens, cost_usd = coalesce(v_spent.o_cost_usd, cost_usd), settled_at = now(),
      updated_at = now()
    where idle_run_id = v_run.idle_run_id;
    v_settled := v_settled + 1;
    if v_tokens > (v_run.budget ->> 'tokens')::numeric then
      perform append_event(v_run.namespace, 'idle.over_cap', null, v_run.job_id, jsonb_build_object(
        'agentId', v_run.agent_id, 'order', v_run.order_name, 'jobId', v_run.job_id,
        'tokens', v_tokens, 'tokensOfADay', v_run.budget -> 'tokens'), v_run.idle_run_id::text);
    end if;
  end loop;
  return v_settled;
end
$$;

-- The statement of the route settle-idle: settles ended runs, at most p_limit (null: idle_batch), looks at
-- the cadence of agents, and lets agents think early. Returns settled, cadences and started, their numbers.
create or replace function settle_idle(p_limit int default null) returns jsonb
language plpgsql as $$
begin
  perform hold_phases();
  return jsonb_build_object(
    'settled', settle_idle_runs(coalesce(p_limit, idle_batch())),
    'cadences', (select count(*) from namespaces_that_think() n cross join look_at_cadences(n) a),
    'started', (select count(*) from namespaces_that_think() n cross join think_early(n) s));
end
$$;
