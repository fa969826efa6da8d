-- The gauges of /observe/metrics that come from the database. Each source is a function measured_<subject>
-- that returns rows of metric, labels and value, and measures() returns them all. The numbers are those of
-- health and of needs-me. docs/operations.md says what each metric means; agentbus.health.Gauges shows it.

-- Returns the depth and the age of each queue, and of lanes that nothing holds how long their oldest due job
-- has waited. Jobs of a paused type do not count there. Nor do lanes whose gateway no node asks, because
-- workers may pull their jobs.
create or replace function measured_queues()
returns table (metric text, labels jsonb, value double precision) language sql stable as $$
  with depths as materialized (
    select d ->> 'namespace' as namespace, d ->> 'agent' as agent, d ->> 'state' as state,
      (d ->> 'jobs')::double precision as jobs, (d ->> 'oldestSeconds')::double precision as oldest
    from queue_depths() d
  ), due as (
    select namespace, agent, case
      when paused_types(namespace) = '{}' then oldest
      else (
        select extract(epoch from now() - min(o_run_after))
        from due_of_other_types(namespace, agent, paused_types(namespace), '0', '{}', 1)) end as waited
    from depths
    where state = 'queued'
      and oldest > 0
      and exists (
        select from agents a
        join gateways g using (namespace, gateway)
        where a.namespace = depths.namespace and a.agent_id = depths.agent and gateway_answer_counts(g))
      and hold_of_lane(namespace, agent) = no_hold()
  )
  select g.metric, jsonb_build_object('namespace', namespace, 'agent', agent, 'state', state), g.value
  from depths
  cross join lateral (
    values ('agentbus_jobs', jobs), ('agentbus_oldest_seconds', oldest)) g (metric, value)
  union all
  select 'agentbus_due_seconds', jsonb_build_object('namespace', namespace, 'agent', agent), waited
  from due
  where waited is not null
$$;

-- Returns the open questions and the pauses in force, with the age of the oldest of each.
create or replace function measured_people()
returns table (metric text, labels jsonb, value double precision) language sql stable as $$
  select g.metric, jsonb_build_object('namespace', q -> 'namespace'), g.value::double precision
  from questions_open() q
  cross join lateral (values
    ('agentbus_questions_open', q ->> 'open'),
    ('agentbus_questions_oldest_seconds', q ->> 'oldestSeconds')) g (metric, value)
  union all
  select g.metric, jsonb_build_object('namespace', p -> 'namespace', 'kind', p -> 'kind'),
    g.value::double precision
  from pause_counts() p
  cross join lateral (values
    ('agentbus_paused', p ->> 'pauses'),
    ('agentbus_paused_oldest_seconds', p ->> 'oldestSeconds')) g (metric, value)
$$;

-- Returns the items of needs-me by kind, with the age of the oldest. Their number is at least 1, and as in
-- needs-me not all of very many are counted.
create or replace function measured_needs()
returns table (metric text, labels jsonb, value double precision) language sql stable as $$
  select g.metric, jsonb_build_object('namespace', k.namespace, 'kind', k.kind), g.value
  from (
    select n.namespace, i.kind, count(*) as items, extract(epoch from now() - min(i.since)) as oldest
    from namespaces n
    cross join lateral needs_of(n.namespace) i
    group by n.namespace, i.kind) k
  cross join lateral (values
    ('agentbus_needs_me', k.items::double precision),
    ('agentbus_needs_me_oldest_seconds', greatest(0, k.oldest)::double precision)) g (metric, value)
$$;

-- Returns for each check of health whether it finds no problem: 1, else 0.
create or replace function measured_health()
returns table (metric text, labels jsonb, value double precision) language sql stable as $$
  select 'agentbus_health', jsonb_build_object('namespace', n.namespace, 'check', c.name),
    (c.name <> all (p.found))::int
  from namespaces n
  cross join lateral (
    select
      (
        select count(*)
        from jobs
        where namespace = n.namespace and state in ('leased', 'running') and moved_xid >= claim_floor()
          and leased_until <= now()) as expired,
      -- One dead letter is a problem like a thousand.
      (
        select count(*)
        from (select from jobs where namespace = n.namespace and state = 'dead' limit 1) d) as dead) j
  cross join lateral (
    select coalesce(array_agg(distinct check_name), '{}') as found
    from problems_of(n.namespace, j.expired, j.dead)) p
  cross join unnest(health_checks()) c (name)
$$;

-- Returns how many dispatchers serve each namespace, and whether the healthy ones hear the notifications of
-- the database. A namespace in which none is alive has rows only while one is missing: the last one that
-- ended did not stop in order, and was heard of within lost_dispatcher_counts().
create or replace function measured_dispatchers()
returns table (metric text, labels jsonb, value double precision) language sql stable as $$
  with served as materialized (
    select n.namespace, d.status, d.last_seen, h.stopped_at,
      d.status = 'healthy' and d.wake_source = 'listen' as listens,
      listener_lost(d.status, d.wake_source, d.listener_connected, d.started_at) as lost
    from dispatcher_health_summary_v d
    join dispatcher_heartbeats h using (dispatcher_id)
    cross join lateral unnest(namespaces_served(d.namespace)) n (namespace)
  )
  select 'agentbus_dispatchers', jsonb_build_object('namespace', namespace, 'status', s.status),
    count(*) filter (where served.status = s.status)
  from served
  cross join unnest('{healthy,stale}'::text[]) s (status)
  group by namespace, s.status
  having bool_or(served.status = 'healthy')
    or max(last_seen) filter (where stopped_at is null)
      > greatest(now() - lost_dispatcher_counts(), max(stopped_at))
  union all
  select 'agentbus_listener_up', jsonb_build_object('namespace', namespace), (not bool_or(lost))::int
  from served
  where listens
  group by namespace
$$;

-- Returns of each gateway with enabled agents: whether it takes work (only while a node asks it or it is
-- held), the runs in flight and their limit, and the lanes that the bus has stopped because the gateway
-- refuses their hook calls.
create or replace function measured_gateways()
returns table (metric text, labels jsonb, value double precision) language sql stable as $$
  select v.metric, jsonb_build_object('namespace', g.namespace, 'gateway', g.gateway), v.value
  from gateways g
  cross join lateral (
    select count(*) as lanes, count(refusal_cause) as stopped
    from agents a
    where a.namespace = g.namespace and a.gateway = g.gateway and a.enabled) a
  cross join lateral (values
    ('agentbus_gateway_takes_work', gateway_takes_work(g)::int::double precision),
    ('agentbus_gateway_runs', runs_in_flight(g)::double precision),
    ('agentbus_gateway_max_in_flight', g.max_in_flight::double precision),
    ('agentbus_lanes_stopped', a.stopped::double precision)) v (metric, value)
  where a.lanes > 0
    -- A gateway that no node asks any more was taken away: it does not fail.
    and (v.metric <> 'agentbus_gateway_takes_work' or gateway_answer_counts(g) or g.held_until > now())
$$;

-- Returns the standing orders that missed slots, fail or are silent, and the due slots that no node settles.
create or replace function measured_orders()
returns table (metric text, labels jsonb, value double precision) language sql stable as $$
  select 'agentbus_standing_orders', jsonb_build_object('namespace', namespace, 'outcome', o.outcome),
    count(*) filter (where health = o.outcome)
  from standing_order_health_summary_v
  cross join unnest('{missed,failing,silent}'::text[]) o (outcome)
  group by namespace, o.outcome
  union all
  select 'agentbus_slots_unsettled', jsonb_build_object('namespace', namespace), unsettled_slots(namespace)
  from (select distinct namespace from standing_orders where enabled) o
$$;

-- Returns the open ideas and opportunities by status, and how long the oldest of each is untouched. Without
-- such a proposal there is no row.
create or replace function measured_proposals()
returns table (metric text, labels jsonb, value double precision) language sql stable as $$
  select g.metric, jsonb_build_object('namespace', p.namespace, 'kind', p.kind, 'status', p.status), g.value
  from (
    select namespace, 'idea' as kind, status, count(*) as open, min(touched_at) as oldest
    from ideas
    where ended_at is null
    group by namespace, status
    union all
    select namespace, 'opportunity', status, count(*), min(touched_at)
    from opportunities
    where ended_at is null
    group by namespace, status) p
  cross join lateral (values
    ('agentbus_proposals', p.open::double precision),
    ('agentbus_proposals_oldest_seconds', extract(epoch from now() - p.oldest)::double precision))
      g (metric, value)
$$;

-- Returns the active memories by kind, the open candidates by trust and the open reviews by kind, with the
-- age of the oldest candidate and review of each. What there is none of has no row.
create or replace function measured_memories()
returns table (metric text, labels jsonb, value double precision) language sql stable as $$
  select 'agentbus_memories', jsonb_build_object('namespace', namespace, 'kind', kind), count(*)
  from memories
  where status = 'active'
  group by namespace, kind
  union all
  select g.metric, jsonb_build_object('namespace', c.namespace, 'trust', c.trust), g.value
  from (
    select namespace, trust, count(*) as open, min(created_at) as oldest
    from memory_candidates
    where ended_at is null
    group by namespace, trust) c
  cross join lateral (values
    ('agentbus_memory_candidates', c.open::double precision),
    ('agentbus_memory_candidates_oldest_seconds', extract(epoch from now() - c.oldest)::double precision))
      g (metric, value)
  union all
  select g.metric, jsonb_build_object('namespace', r.namespace, 'kind', r.kind), g.value
  from (
    select namespace, kind, count(*) as open, min(created_at) as oldest
    from memory_reviews
    where closed_at is null
    group by namespace, kind) r
  cross join lateral (values
    ('agentbus_memory_reviews', r.open::double precision),
    ('agentbus_memory_reviews_oldest_seconds', extract(epoch from now() - r.oldest)::double precision))
      g (metric, value)
$$;

-- Returns of each agent that thinks how often it does (1 as its order says), and of its idle runs within
-- idle_yield_over how they ended, what they have spent and their yield (idle_yields). An agent without such
-- runs has none of these rows.
create or replace function measured_idle()
returns table (metric text, labels jsonb, value double precision) language sql stable as $$
  select 'agentbus_idle_cadence', jsonb_build_object('namespace', namespace, 'agent', agent_id),
    factor::double precision
  from idle_cadences
  union all
  select v.metric, jsonb_build_object('namespace', n.namespace, 'agent', y.agent_id) || v.labels,
    v.value::double precision
  from namespaces n
  cross join lateral idle_yields(n.namespace, null, now() - idle_yield_over()) y
  cross join lateral (values
    ('agentbus_idle_runs', '{"outcome": "completed"}'::jsonb, y.completed::numeric),
    ('agentbus_idle_runs', '{"outcome": "no_work"}', y.no_work),
    ('agentbus_idle_runs', '{"outcome": "stopped"}', y.stopped),
    ('agentbus_idle_runs', '{"outcome": "failed"}', y.failed),
    ('agentbus_idle_tokens', '{}', y.tokens),
    ('agentbus_idle_cost_usd', '{}', y.cost_usd),
    ('agentbus_idle_yield', '{}', y.yield)) v (metric, labels, value)
  where v.value is not null
$$;

-- Returns the values of database_health_v about the database itself, and which of them are above their
-- threshold; read_only says whether it takes no changes.
create or replace function measured_database()
returns table (metric text, labels jsonb, value double precision) language sql stable as $$
  select g.metric, jsonb_build_object('watch', w.watch), g.value
  from (
    select watch, max(value) as value, bool_or(worry) as worry
    from database_health_v
    where watch = any (watches_of_database())
    group by watch) w
  cross join lateral (values
    ('agentbus_database_watch', coalesce(w.value, 0)::double precision),
    ('agentbus_database_worry', w.worry::int::double precision)) g (metric, value)
  union all
  select 'agentbus_database_worry', '{"watch": "read_only"}', count(*) from database_problems()
$$;

-- Returns the numbers of the restore drills: when the newest drill that passed ended, in seconds since 1970,
-- and of the newest drill whether it passed, and its times. A number that is not known has no row, so there
-- are none before the first drill.
create or replace function measured_drills()
returns table (metric text, labels jsonb, value double precision) language sql stable as $$
  select m.metric, '{}'::jsonb, m.value
  from (
    select ok, rto_seconds, rpo_seconds
    from restore_drills
    order by ended_at desc
    limit 1) d
  cross join lateral (values
    ('agentbus_last_restore_drill_timestamp_seconds', (
      select extract(epoch from ended_at)::double precision
      from restore_drills
      where ok
      order by ended_at desc
      limit 1)),
    ('agentbus_last_restore_drill_ok', d.ok::int::double precision),
    ('agentbus_last_restore_drill_rto_seconds', d.rto_seconds::double precision),
    ('agentbus_last_restore_drill_rpo_seconds', d.rpo_seconds::double precision)) m (metric, value)
  where m.value is not null
$$;

-- Returns of each namespace with vaults in use: how long ago the last export and the last verification ended,
-- from the first export on, while phase 5 runs, so that the nightly routes are loaded; the differences of the
-- last verification, without a row before the first; and the notes that people have edited.
create or replace function measured_vaults()
returns table (metric text, labels jsonb, value double precision) language sql stable as $$
  select m.metric, jsonb_build_object('namespace', v.namespace), m.value
  from (
    select namespace, max(coalesce(exported_at, created_at)) as exported_at,
      max(coalesce(verified_at, created_at)) as verified_at,
      sum(differences) as differences, sum((
        select count(*)
        from vault_notes n
        where n.vault_id = vaults.vault_id and n.edited_hash is not null)) as edited,
      phase_stop(namespace, 5) is null as nightly
    from vaults
    where vault_in_use(vaults)
    group by namespace) v
  cross join lateral (values
    ('agentbus_vault_exported_seconds',
      case when v.nightly then extract(epoch from now() - v.exported_at)::double precision end),
    ('agentbus_vault_verified_seconds',
      case when v.nightly then extract(epoch from now() - v.verified_at)::double precision end),
    ('agentbus_vault_differences', v.differences::double precision),
    ('agentbus_vault_edited_notes', v.edited::double precision)) m (metric, value)
  where m.value is not null
$$;

-- Returns all gauges, and in seconds since 1970 when the bus began and when they were measured. The route
-- measure-queue reads them at a steady pace.
create or replace function measures()
returns table (metric text, labels jsonb, value double precision) language plpgsql stable
-- Planned once for each connection; planning costs more than the reads.
set plan_cache_mode = force_generic_plan as $$
begin
  return query
    select * from measured_queues()
    union all
    select * from measured_people()
    union all
    select * from measured_needs()
    union all
    select * from measured_health()
    union all
    select * from measured_dispatchers()
    union all
    select * from measured_gateways()
    union all
    select * from measured_orders()
    union all
    select * from measured_proposals()
    union all
    select * from measured_memories()
    union all
    select * from measured_idle()
    union all
    select * from measured_database()
    union all
    select * from measured_drills()
    union all
    select * from measured_vaults()
    union all
    select 'agentbus_first_start_timestamp_seconds', '{}'::jsonb,
      extract(epoch from min(created_at))::double precision
    from namespaces
    union all
    select 'agentbus_measured_timestamp_seconds', '{}'::jsonb, extract(epoch from now())::double precision;
end
$$;
