-- The operation health, and the depths of the queues for the metrics.

-- Returns the numbers of jobs that have not ended and of dead letters, by namespace, agent and state, with
-- oldestSeconds, the age of the oldest job. There is one query for each partial index, so that history costs
-- nothing; queued jobs and dead letters are counted from the index alone.
create or replace function queue_depths() returns setof jsonb language sql stable as $$
  select jsonb_build_object(
    'namespace', namespace,
    'agent', target_agent,
    'state', state,
    'jobs', jobs,
    'oldestSeconds', greatest(0, round(extract(epoch from now() - oldest))))
  from (
    select namespace, target_agent, state, count(*) as jobs, min(updated_at) as oldest
    from jobs
    where state in ('leased', 'running') and moved_xid >= claim_floor()
    group by namespace, target_agent, state
    union all
    select namespace, target_agent, 'queued', count(*), min(run_after)
    from jobs
    where state = 'queued'
    group by namespace, target_agent
    union all
    select namespace, target_agent, state, count(*), min(updated_at)
    from jobs
    where state in ('waiting', 'blocked')
    group by namespace, target_agent, state
    union all
    select namespace, target_agent, 'dead', count(*), min(ended_at)
    from jobs
    where state = 'dead'
    group by namespace, target_agent) d
$$;

-- Returns the rows of database_health_v about the queues. They come from a function, so that neither view
-- depends on the other and each can be created again alone.
create or replace function queue_watches() returns table (watch text, value numeric, detail text)
language sql stable as $$
  with lanes as materialized (
    select * from queue_health_summary_v
  )
  select 'oldest_due',
    coalesce(max(extract(epoch from oldest_queued)), 0),
    (array_agg(target_agent order by oldest_queued desc nulls last))[1]
  from lanes
  union all
  select 'oldest_blocked',
    coalesce(max(extract(epoch from oldest_blocked)), 0),
    (array_agg(target_agent order by oldest_blocked desc nulls last))[1]
  from lanes
  union all
  select 'expired_leases', coalesce(sum(expired_leases), 0), null
  from lanes
$$;

-- Returns the rows of database_health_v about the database itself. Those about queues and gateways have items
-- of needs-me and metrics of their own.
create or replace function watches_of_database() returns text[] language sql immutable as $$
  select '{oldest_transaction,prepared_transaction,replication_slot_behind,notify_queue,dead_rows,'
    'transaction_age,not_retired}'::text[]
$$;

-- Renames the keys of a view's row to the field names of the contract: oldest_queued_seconds becomes
-- oldestQueuedSeconds.
create or replace function camel_keys(p_row jsonb) returns jsonb language sql immutable as $$
  select jsonb_object_agg(lower(left(name, 1)) || substr(name, 2), value)
  from (
    select replace(initcap(replace(key, '_', ' ')), ' ', '') as name, value
    from jsonb_each(p_row)) k
$$;

-- Returns a number with its noun in singular or plural, such as 2 jobs.
create or replace function count_of(p_count bigint, p_one text, p_several text) returns text
language sql immutable as $$
  select p_count::text || ' ' || case p_count when 1 then p_one else p_several end
$$;

-- The next six functions return the problems of health, each as a weight and a sentence. Health lists the
-- lowest weight first.

-- Returns the problem of a database that only reads, such as the former primary after a failover. The
-- transaction of a viewer only reads too (principal_of), so its own setting says nothing about the database.
create or replace function database_problems() returns table (weight int, problem text)
language sql stable as $$
  select 0, 'the database only reads (transaction_read_only is on): no call that changes anything succeeds'
  where pg_is_in_recovery() or current_setting('default_transaction_read_only')::boolean
$$;

drop function if exists dispatcher_problems();

-- Returns whether a healthy dispatcher has lost the connection on which it hears that jobs are ready. A node
-- that has just started has not connected yet.
create or replace function listener_lost(
  p_status text, p_wake_source text, p_connected boolean, p_started timestamptz
) returns boolean language sql stable as $$
  select p_status = 'healthy'
    and p_wake_source = 'listen'
    and not p_connected
    and p_started < now() - listener_grace()
$$;

-- Returns the problems of the dispatchers of the namespace: none is alive, one is silent, or one has lost
-- its listener.
create or replace function dispatcher_problems(p_namespace text) returns table (weight int, problem text)
language sql stable as $$
  -- A bus that has never had a dispatcher is used by workers that pull, so no dispatcher is missing.
  select 1, 'no dispatcher is alive: nothing is being dispatched'
  where exists (
      select from dispatcher_health_summary_v where p_namespace = any (namespaces_served(namespace)))
    and not exists (
      select from dispatcher_health_summary_v
      where status = 'healthy' and p_namespace = any (namespaces_served(namespace)))
  union all
  select 2, format('dispatcher %s on %s has been silent for %s s', dispatcher_id, host, age_seconds)
  from dispatcher_health_summary_v
  where status = 'stale'
    and p_namespace = any (namespaces_served(namespace))
  union all
  select 3, format('dispatcher %s has lost its listener: the sweep alone wakes it', dispatcher_id)
  from dispatcher_health_summary_v
  where listener_lost(status, wake_source, listener_connected, started_at)
    and p_namespace = any (namespaces_served(namespace))
$$;

-- Returns the problems of the sweeps: no recovery has succeeded for outage_after, rows of the namespace that
-- a sweep cannot handle, and ends of jobs that have not moved all other jobs within expired_to_stuck.
create or replace function sweep_problems(p_namespace text) returns table (weight int, problem text)
language sql stable as $$
  select 2, format('no recovery has succeeded since %s: expired leases and blocks whose time has come do not move',
    utc_text(value::timestamptz))
  from bus_facts
  where namespace = 'default'
    and name = 'last_recovery'
    and value::timestamptz < now() - outage_after()
  union all
  (
    select 6, format('a sweep cannot handle %s %s (%s, %s since %s): %s',
      case when what in ('slot', 'question', 'pause') then what else 'job' end, row_id, what,
      count_of(failures, 'try', 'tries'), utc_text(created_at), error)
    from sweep_failures
    where namespace = p_namespace
    order by created_at
    limit sweep_failures_shown())
  union all
  select 6, format('the effect of the end of %s on other jobs is not complete, the oldest since %s',
    count_of(count(*), 'job', 'jobs'), utc_text(min(created_at)))
  from cascades
  where namespace = p_namespace
    and created_at < now() - expired_to_stuck()
  having count(*) > 0
$$;

-- Returns the problems of the lanes of the namespace: gateways that take no work or refuse the operator
-- token, and paused agents. A gateway without enabled agents is no problem.
create or replace function lane_problems(p_namespace text) returns table (weight int, problem text)
language sql stable as $$
  select 4, case
    when gateway_shut(g) then
      format('gateway %s is %s since %s: %s', gateway, state, utc_text(state_since), state_reason)
    when held_until > now() then
      format('gateway %s is held until %s: %s', gateway, utc_text(held_until), hold_reason)
    else
      format('gateway %s has not been asked how it is since %s: no node dispatches to it',
        gateway, utc_text(checked_at)) end
  from gateways g
  where namespace = p_namespace
    and not gateway_takes_work(g)
    and exists (
      select from agents a
      where a.namespace = g.namespace and a.gateway = g.gateway and a.enabled)
  union all
  select 5, format('gateway %s does not accept the operator token, so cancelled runs go on (%s): '
    'the token must be the gateway.auth.token that is in force there', gateway, operator_refusal)
  from gateways
  where namespace = p_namespace
    and operator_refusal is not null
  union all
  select 5, format('agent %s is paused by %s: %s', agent_id, paused_by, paused_reason)
  from agents a
  where namespace = p_namespace
    and refusal_cause is null
    and lane_paused(a)
  union all
  -- One problem for each cause, however many lanes it stops.
  select 5, format('gateway %s: the bus has stopped the lane%s of %s: %s; %s, resume-gateway %s tries now',
    gateway,
    case when count(*) > 1 then 's' end,
    string_agg(agent_id, ', ' order by agent_id),
    (array_agg(paused_reason order by paused_at))[1],
    case
      when min(paused_until) <= now() then 'the next due job is the next try'
      else coalesce(
        'next try at ' || utc_text(min(paused_until)), 'no try until it is resumed or the gateway restarts') end,
    gateway)
  from agents
  where namespace = p_namespace
    and enabled
    and refusal_cause is not null
  group by gateway, refusal_cause
$$;

-- Returns the problems of the jobs of the namespace: expired leases, dead letters that wait for an
-- operator, and jobs that have been blocked for too long.
create or replace function job_problems(p_namespace text, p_expired bigint, p_dead bigint)
returns table (weight int, problem text) language sql stable as $$
  select 6, count_of(p_expired, 'job', 'jobs') || ' whose lease has run out'
  where p_expired > 0
  union all
  select 7, format('%s dead %s for an operator (list-jobs --state dead)',
    p_dead, case p_dead when 1 then 'job waits' else 'jobs wait' end)
  where p_dead > 0
  union all
  select 8, format('%s blocked %s for more than a day',
    count(*), case count(*) when 1 then 'job has stood still' else 'jobs have stood still' end)
  from jobs
  where namespace = p_namespace
    and state = 'blocked'
    and updated_at < now() - blocked_too_long()
  having count(*) > 0
$$;

-- Returns how many slots are due for longer than settle_patience() and wait for nothing. While a node runs
-- standing orders there are none, because it settles each slot within seconds.
create or replace function unsettled_slots(p_namespace text) returns bigint language sql stable as $$
  select count(*)
  from standing_orders o
  join standing_order_runs r on r.namespace = o.namespace and r.order_name = o.order_name
  where o.namespace = p_namespace
    and o.enabled
    and o.started_by = 'bus'
    and r.status = 'expected'
    and r.held_by is null
    and r.scheduled_for < now() - settle_patience()
    and coalesce(r.not_before, r.scheduled_for) < now() - settle_patience()
$$;

-- Returns the problems of the standing orders of the namespace: no node runs them, or they are silent, fail,
-- or have missed slots.
create or replace function order_problems(p_namespace text) returns table (weight int, problem text)
language sql stable as $$
  select 9, format('%s due and not settled: standing orders are off on every node (agentbus.orders.enabled), '
    'or their settling fails', count_of(u.slots, 'slot is', 'slots are'))
  from unsettled_slots(p_namespace) u(slots)
  where u.slots > 0
  union all
  select 9, format('standing order %s of agent %s %s', order_name, agent_id, case health
    when 'silent' then format('is silent: %s slots since its last run', slots_since_last_run)
    when 'failing' then format('has failed %s times in a row', failures_in_a_row)
    else format('has missed %s within 24 hours', count_of(missed_24h, 'slot', 'slots')) end)
  from standing_order_health_summary_v
  where namespace = p_namespace
    and health in ('silent', 'failing', 'missed')
$$;

-- Returns the problems of idle thinking in the namespace: runs that go on although they were asked to stop.
create or replace function idle_problems(p_namespace text) returns table (weight int, problem text)
language sql stable as $$
  select 6, format('the idle run of agent %s on gateway %s was asked to stop at %s and still goes on (job %s): %s',
    agent_id, gateway, utc_text(stop_asked_at), job_id, stop_reason)
  from idle_overstays(p_namespace)
$$;

-- Returns the names of the checks of health, each the first column of problems_of.
create or replace function health_checks() returns text[] language sql immutable as $$
  select '{database,dispatchers,routes,sweeps,lanes,pauses,jobs,orders,zones,idle}'::text[]
$$;

-- Returns the problems of the namespace, each with the check that found it. p_expired and p_dead are the
-- numbers of expired leases and of dead letters.
create or replace function problems_of(p_namespace text, p_expired bigint, p_dead bigint)
returns table (check_name text, weight int, problem text) language sql stable as $$
  select 'database', * from database_problems()
  union all
  select 'dispatchers', * from dispatcher_problems(p_namespace)
  union all
  select 'routes', * from route_problems(p_namespace)
  union all
  select 'sweeps', * from sweep_problems(p_namespace)
  union all
  select 'lanes', * from lane_problems(p_namespace)
  union all
  select 'pauses', * from pause_problems(p_namespace)
  union all
  select 'jobs', * from job_problems(p_namespace, p_expired, p_dead)
  union all
  select 'orders', * from order_problems(p_namespace)
  union all
  select 'zones', * from zone_problems(p_namespace)
  union all
  select 'idle', * from idle_problems(p_namespace)
$$;

create or replace function health(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_snapshot record;
  v_problems jsonb;
begin
  select * into v_snapshot from system_health_snapshot_v where namespace = v_namespace;
  select coalesce(jsonb_agg(problem order by weight, problem), '[]') into v_problems
  from problems_of(v_namespace, v_snapshot.expired_leases, v_snapshot.dead);
  return jsonb_build_object(
      'status', case when v_problems = '[]' then 'ok' else 'degraded' end,
      'problems', v_problems)
    || camel_keys(to_jsonb(v_snapshot))
    || jsonb_strip_nulls(jsonb_build_object(
      'zoneData', zone_data(v_namespace),
      'version', program_fact(v_namespace, 'version'),
      'commit', nullif(program_fact(v_namespace, 'commit'), ''),
      'proposalRates', (
        select jsonb_agg(rates order by source_agent)
        from rates_shown(v_namespace, now() - health_rates_over())
        where theme is null),
      'idleYields', (
        select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('agentId', y.agent_id, 'runs', y.runs,
          'outputs', y.outputs, 'wanted', y.wanted, 'yield', y.yield,
          'factor', idle_factor(v_namespace, y.agent_id))) order by y.agent_id)
        from idle_yields(v_namespace, null, now() - idle_yield_over()) y)))
    || jsonb_build_object(
      'namespace', v_namespace,
      'standingOrders', (
        select count(*) from standing_orders where namespace = v_namespace and enabled),
      'dispatchers', (
        select coalesce(jsonb_agg(camel_keys(to_jsonb(d)) order by d.status, d.dispatcher_id), '[]')
        from dispatcher_health_summary_v d
        where d.status <> 'gone' and v_namespace = any (namespaces_served(d.namespace))));
end
$$;
comment on function health(jsonb, jsonb) is
  'The operation health: ok or degraded, the problems in words, and the numbers behind them.';

-- Returns why calls that change anything would fail now, in words; null when they would succeed. It takes
-- the lock that a change takes and, unlike a call, waits only ready_lock_limit for it.
create or replace function write_trouble() returns text language plpgsql as $$
begin
  if exists (select from database_problems()) then
    return (select problem from database_problems());
  end if;
  perform set_config('lock_timeout', ready_lock_limit()::text, true);
  lock table jobs, job_attempts, job_dependencies, events, audit_log, agents, gateways, access_tokens
    in row exclusive mode;
  return null;
exception when lock_not_available then
  return 'they wait for a lock on a table; ' || coalesce(strong_locks(), 'its holder is gone now');
end
$$;

-- Returns the sessions that hold or wait for a lock on a table of the bus that excludes changes, and the
-- sessions for which these wait; null when there is none.
create or replace function strong_locks() returns text language sql stable as $$
  select string_agg(
    format('session %s (%s) %s %s on %s%s', l.pid, coalesce(nullif(a.application_name, ''), 'no name'),
      case when l.granted then 'has' else 'waits for' end, l.mode, l.relation::regclass,
      (
        select string_agg(format(' behind session %s (%s, %s since %s)', b.pid,
          coalesce(nullif(b.application_name, ''), 'no name'), b.state, utc_text(b.xact_start)), '')
        from pg_stat_activity b
        where b.pid = any (pg_blocking_pids(l.pid)))),
    '; ' order by l.pid, l.relation)
  from pg_locks l
  join pg_stat_activity a using (pid)
  join pg_class c on c.oid = l.relation
  where l.database = (select oid from pg_database where datname = current_database())
    and c.relnamespace = current_schema()::regnamespace
    and c.relkind = 'r'
    and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    and l.pid <> pg_backend_pid()
$$;
