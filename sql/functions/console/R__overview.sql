-- The operation overview: whether work flows.

-- Returns an agent as overview shows it: the numbers and the status of its lane, its room, the age of its
-- oldest due job, and why its lane is closed.
create or replace function overview_agent(p_agent agents, p_live bigint, p_attempt uuid, p_since timestamptz)
returns jsonb language sql stable as $$
  select jsonb_build_object('agentId', (p_agent).agent_id)
    || lane_fields(p_agent, p_live, p_attempt, p_since)
    || jsonb_build_object(
      'capacity', (p_agent).max_concurrency,
      'gateway', (p_agent).gateway,
      'open', lane_open(p_agent) and (p).pause_id is null)
    || jsonb_strip_nulls(jsonb_build_object(
      'oldestQueuedSeconds', (
        select greatest(0, round(extract(epoch from now() - since)))
        from oldest_due((p_agent).namespace, (p_agent).agent_id)
        where job_id is not null),
      'stopped', case
        when (p).kind = 'everything' then stop_text(p)
        when lane_paused(p_agent) then (p_agent).paused_reason
        when (p).pause_id is not null then stop_text(p) end,
      'stoppedBy', case
        when (p).kind = 'everything' then (p).paused_by
        when lane_paused(p_agent) then (p_agent).paused_by
        else (p).paused_by end,
      'stoppedUntil', case
        when (p).kind = 'everything' then (p).until
        when lane_paused(p_agent) then (p_agent).paused_until
        else (p).until end))
  from pause_over((p_agent).namespace, (p_agent).gateway, null) p
$$;

-- Returns the number of jobs that ended in each of overview_steps equal steps from p_from to p_to, by state,
-- the oldest step first. A step without ends has zeros.
create or replace function ends_in_steps(p_namespace text, p_from timestamptz, p_to timestamptz)
returns table (at timestamptz, succeeded bigint, failed bigint, dead bigint, cancelled bigint)
language sql stable as $$
  select
    s.at,
    coalesce(sum(e.succeeded), 0),
    coalesce(sum(e.failed), 0),
    coalesce(sum(e.dead), 0),
    coalesce(sum(e.cancelled), 0)
  from generate_series(
    p_from, p_to - (p_to - p_from) / overview_steps(), (p_to - p_from) / overview_steps()) s (at)
  left join ends_between(p_namespace, p_from, p_to) e
    on date_bin((p_to - p_from) / overview_steps(), e.at, p_from) = s.at
  group by s.at
  order by s.at
$$;

-- Returns how the dispatchers of a namespace are woken: source is listen or poll (mixed when they differ,
-- null when none is alive), and listenerConnected is whether every listener is connected.
create or replace function wakes_of(p_namespace text) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'source', case when min(wake_source) = max(wake_source) then min(wake_source)
      when count(*) > 0 then 'mixed' end,
    'listenerConnected', coalesce(bool_and(listener_connected) filter (where wake_source = 'listen'), false))
  from dispatcher_health_summary_v
  where status = 'healthy'
    and p_namespace = any (namespaces_served(namespace))
$$;

create or replace function overview(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable
-- Planned once for each connection; planning costs more than the reads.
set plan_cache_mode = force_generic_plan as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_hours int := coalesce((p_input ->> 'hours')::int, 24);
  v_to timestamptz := ends_slot(now()) + interval '15 seconds';
  v_from timestamptz := v_to - make_interval(hours => v_hours);
  v_series jsonb;
  v_totals jsonb;
begin
  select
    jsonb_agg(to_jsonb(s) order by s.at),
    jsonb_build_object(
      'succeeded', sum(s.succeeded),
      'failed', sum(s.failed),
      'dead', sum(s.dead),
      'cancelled', sum(s.cancelled))
  into v_series, v_totals
  from ends_in_steps(v_namespace, v_from, v_to) s;
  return jsonb_build_object(
    'agents', (
      select coalesce(jsonb_agg(overview_agent(a, w.live, w.attempt_id, w.since) order by a.agent_id), '[]')
      from agents a
      left join lanes_at_work(v_namespace) w using (agent_id)
      where a.namespace = v_namespace),
    'from', v_from,
    'to', v_to,
    'stepSeconds', v_hours * 3600 / overview_steps(),
    'series', v_series,
    'totals', v_totals,
    'gateways', list_gateways(p_principal, p_input) -> 'gateways',
    'dispatchers', (
      select coalesce(jsonb_agg(camel_keys(to_jsonb(d)) order by d.status, d.dispatcher_id), '[]')
      from dispatcher_health_summary_v d
      where d.status <> 'gone' and v_namespace = any (namespaces_served(d.namespace))),
    'wakes', wakes_of(v_namespace),
    'pauses', list_pauses(p_principal, p_input) -> 'pauses',
    'measuredAt', now());
end
$$;
comment on function overview(jsonb, jsonb) is
  'The operation overview: the lanes with their depths and ages, the ends of jobs within the last hours (default 24) in overview_steps equal steps, gateways, dispatchers and pauses of the namespace.';
