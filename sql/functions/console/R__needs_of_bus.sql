-- The sources of needs-me about the bus itself: lanes, gateways, pauses, dispatchers, the database, the
-- sweeps and stopped routes.

-- Returns the lanes that the bus has stopped because their gateway refuses hook calls: one item for each
-- gateway and cause, however many lanes it stops.
create or replace function needs_lanes(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'lane/' || gateway || '/' || left(md5(refusal_cause), 12),
    'lane_stopped',
    min(paused_at),
    needs_item(
      format('Gateway %s refuses the jobs of %s, so the bus has stopped %s: %s.',
        gateway, string_agg(agent_id, ', ' order by agent_id),
        case when count(*) = 1 then 'its lane' else 'their lanes' end,
        in_sentence((array_agg(paused_reason order by paused_at))[1])),
      case
        when min(paused_until) <= now() then 'The next due job is the next try.'
        else coalesce(
          format('The next try is at %s.', utc_text(min(paused_until))),
          'There is no further try until a person resumes the gateway or it restarts.') end,
      jsonb_build_object(
        'gateway', gateway,
        'agentId', case when count(*) = 1 then min(agent_id) end,
        'agents', to_jsonb(array_agg(agent_id order by agent_id)),
        'count', count(*)),
      needs_action('Try again now', 'resumeGateway', jsonb_build_object('gateway', gateway)))
  from agents
  where namespace = p_namespace
    and enabled
    and refusal_cause is not null
  group by gateway, refusal_cause
$$;

-- Returns what is wrong with a gateway for a person, in words: it is away for longer than gateway_patience,
-- it has not taken several hook calls in a row, or no node has checked it. Null when nothing is.
create or replace function gateway_need(p_gateway gateways) returns text language sql stable as $$
  select case
    when gateway_shut(p_gateway) and (p_gateway).state_since < now() - gateway_patience() then
      format('Gateway %s is %s since %s: %s.', (p_gateway).gateway, (p_gateway).state,
        utc_text((p_gateway).state_since), in_sentence((p_gateway).state_reason))
    when (p_gateway).held_until > now() and (p_gateway).failures >= held_calls_to_tell() then
      format('Gateway %s has not taken %s hook calls in a row and is held until %s: %s.', (p_gateway).gateway,
        (p_gateway).failures, utc_text((p_gateway).held_until), in_sentence((p_gateway).hold_reason))
    when (p_gateway).checked_at is not null and not gateway_answer_counts(p_gateway) then
      format('No node has checked gateway %s since %s: no node dispatches to it.', (p_gateway).gateway,
        utc_text((p_gateway).checked_at)) end
$$;

-- Returns the gateways with enabled agents that take no work, and those that do not accept the operator
-- token.
create or replace function needs_gateways(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'gateway/' || g.gateway,
    'gateway',
    case
      when gateway_shut(g) then g.state_since
      when g.held_until > now() then g.updated_at
      else g.checked_at end,
    needs_item(
      gateway_need(g),
      format('The jobs of %s wait.', (
        select string_agg(agent_id, ', ' order by agent_id)
        from agents a
        where a.namespace = g.namespace and a.gateway = g.gateway and a.enabled)),
      jsonb_build_object('gateway', g.gateway),
      case when g.held_until > now() then
        needs_action('End the hold', 'resumeGateway', jsonb_build_object('gateway', g.gateway)) end)
  from gateways g
  where g.namespace = p_namespace
    and gateway_need(g) is not null
    and exists (
      select from agents a
      where a.namespace = g.namespace and a.gateway = g.gateway and a.enabled)
  union all
  select
    'gateway_token/' || gateway,
    'gateway',
    updated_at,
    needs_item(
      format('Gateway %s does not accept the operator token: %s.', gateway, in_sentence(operator_refusal)),
      'Runs that are cancelled go on at the gateway. The token must be the gateway.auth.token in force there.',
      jsonb_build_object('gateway', gateway))
  from gateways
  where namespace = p_namespace
    and operator_refusal is not null
$$;

-- Returns what people have stopped: everything at once, and the rest after pause_forgotten. A disabled
-- standing order is among them.
create or replace function needs_pauses(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    case p.mode when 'freeze' then 'frozen/' else 'paused/' end || concat_ws('/', p.kind, p.name),
    case p.mode when 'freeze' then 'frozen' else 'paused' end,
    p.since,
    needs_item(
      t.words || '.',
      case
        when p.until is not null then format('It ends by itself at %s.', utc_text(p.until))
        when p.mode = 'freeze' then 'Its writes are refused until a person ends the freeze.'
        else 'It stays so until a person resumes it, and the jobs wait.' end,
      jsonb_build_object(
        'agentId', case when p.kind = 'agent' then p.name end,
        'gateway', case when p.kind = 'gateway' then p.name end,
        'pauseId', p.pause_id),
      needs_action(
        case p.mode when 'freeze' then 'End the freeze' else 'Resume' end,
        case p.mode when 'freeze' then 'unfreeze' else 'resume' end,
        jsonb_build_object('kind', p.kind, 'name', p.name), '{reason}'))
  from pauses_in_force(p_namespace) p
  cross join lateral (
    select upper(left(w, 1)) || substr(w, 2) as words from in_sentence(stop_text(p)) w) t
  where p.kind = 'everything'
    or p.since < now() - pause_forgotten()
  union all
  select
    'paused/standing_order/' || order_name,
    'paused',
    disabled_at,
    needs_item(
      format('Standing order %s of %s is disabled by %s since %s: %s.', order_name, agent_id, disabled_by,
        utc_text(disabled_at), in_sentence(disabled_reason)),
      'Its slots are skipped until a person enables it.',
      jsonb_build_object('orderName', order_name, 'agentId', agent_id),
      needs_action('Enable', 'enableStandingOrder', jsonb_build_object('orderName', order_name), '{reason}'))
  from standing_orders
  where namespace = p_namespace
    and enabled
    and disabled_at < now() - pause_forgotten()
$$;

-- Returns that no dispatcher of the namespace is alive although there has been one.
create or replace function needs_dispatcher(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'dispatcher',
    'dispatcher',
    max(last_seen),
    needs_item(
      format('No dispatcher is alive since %s: nothing is being dispatched.', utc_text(max(last_seen))),
      'Queued jobs wait until a node starts.',
      '{}')
  from dispatcher_health_summary_v
  where p_namespace = any (namespaces_served(namespace))
  having count(*) > 0
    and count(*) filter (where status = 'healthy') = 0
$$;

-- Returns the worries of the database: it only reads, or a value of database_health_v is above its
-- threshold. The values about queues and gateways have items of their own.
create or replace function needs_database(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'database/read_only',
    'database',
    pg_postmaster_start_time(),
    needs_item(
      format('%s.', upper(left(problem, 1)) || substr(problem, 2)),
      'No job moves until the database takes writes again.',
      '{}')
  from database_problems()
  union all
  select
    'database/' || v.watch,
    'database',
    now() - case v.unit
      when 'seconds' then make_interval(secs => v.value::double precision)
      else interval '0' end,
    needs_item(
      format('The database needs a look: %s is %s %s, above %s%s.',
        replace(v.watch, '_', ' '), v.value, v.unit, v.worry_above,
        coalesce(format(' (%s)', in_sentence(v.detail)), '')),
      'The page docs/operations.md says what happens and what to do.',
      jsonb_build_object('watch', v.watch))
  from database_health_v v
  where v.watch = any (watches_of_database())
    and v.worry
$$;

-- Returns the rows that a sweep cannot handle, one item for each kind and error; a recovery that does not
-- run; ends of jobs that have not moved all others; and zone data that differ.
create or replace function needs_sweeps(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'sweep/' || what || '/' || left(md5(error), 12),
    'database',
    min(created_at),
    needs_item(
      format('A sweep cannot handle %s (%s): %s.',
        case what
          when 'slot' then count_of(count(*), 'slot', 'slots')
          when 'question' then count_of(count(*), 'question', 'questions')
          when 'pause' then count_of(count(*), 'pause', 'pauses')
          else count_of(count(*), 'job', 'jobs') end,
        what, in_sentence(error)),
      format('It tries again every %s minutes at least.', sweep_failure_cap_seconds() / 60),
      jsonb_build_object(
        'count', count(*),
        'jobId', case when what not in ('slot', 'question', 'pause') then min(row_id::text) end))
  from (
    select what, row_id, error, created_at
    from sweep_failures
    where namespace = p_namespace
    order by created_at
    limit needs_searched()) f
  group by what, error
  union all
  select
    'sweep/recovery',
    'database',
    value::timestamptz,
    needs_item(
      format('No recovery has succeeded since %s.', utc_text(value::timestamptz)),
      'Expired leases and blocks whose time has come do not move.',
      '{}')
  from bus_facts
  where namespace = 'default'
    and name = 'last_recovery'
    and value::timestamptz < now() - outage_after()
  union all
  select
    'sweep/cascades',
    'database',
    min(created_at),
    needs_item(
      format('The effect of the end of %s on other jobs is not complete.', count_of(count(*), 'job', 'jobs')),
      'The next batches follow by themselves while a node runs.',
      jsonb_build_object('count', count(*)))
  from (
    select created_at
    from cascades
    where namespace = p_namespace
      and created_at < now() - expired_to_stuck()
    limit count_cap()) c
  having count(*) > 0
  union all
  select
    'zone_data',
    'database',
    f.created_at,
    needs_item(
      format('%s.', p.problem),
      'Standing orders of these zones may start at other times than their schedules say.',
      '{}')
  from zone_problems(p_namespace) p
  join bus_facts f on f.namespace = p_namespace and f.name = 'zone_data'
$$;

-- Returns that a phase runs although nobody has signed off one before it, for the lowest such phase.
create or replace function needs_phases(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    'phase/' || u.phase,
    'phase',
    p.changed_at,
    needs_item(
      format('Phase %s (%s) runs, and nobody has signed off phase %s (%s).', p.phase, phase_name(p.phase), u.phase,
        phase_name(u.phase)),
      format('Nothing stops. The command agentbus phase-gate %s shows what holds; agentbus.phase=%s turns the later '
        'phases off.', u.phase, u.phase),
      jsonb_build_object('phase', u.phase),
      needs_action(format('Sign off phase %s', u.phase), 'signOffPhase', jsonb_build_object('phase', u.phase::text),
        '{person,reason}'),
      needs_action('Sign off although the gate is not met', 'signOffPhase',
        jsonb_build_object('phase', u.phase::text), '{person,reason,despite}'))
  from unsigned_phase(p_namespace) u (phase)
  cross join lateral phase_row(p_namespace, u.phase + 1) p
  where u.phase is not null
$$;

-- Returns the items of needs-me about stopped routes.
create or replace function needs_routes(p_namespace text)
returns table (id text, kind text, since timestamptz, item jsonb) language sql stable as $$
  select
    concat_ws('/', 'route', r.node, r.route_id),
    'route',
    r.stopped_at,
    needs_item(
      format('R%s.', substr(stopped_route_text(r), 2)),
      'This node does not do the route''s work until a person starts the route, or starts the node again.',
      jsonb_build_object('routeId', r.route_id, 'node', r.node))
  from stopped_routes_of(p_namespace) r
$$;
