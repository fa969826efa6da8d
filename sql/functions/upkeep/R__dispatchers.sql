-- Each start of a dispatcher has its own row, and the heartbeats of the dispatcher show that it is alive.

-- Renews the leases of the hook calls on which a dispatcher works (attempts, an array of ids) by leaseMs
-- from now. Other leases of the dispatcher are not renewed, so they run out and their jobs are claimed
-- again.
-- Returns the numbers of leases and agents. Jobs that another call has locked are skipped, because they are
-- about to move.
create or replace function renew_dispatcher_leases(
  p_dispatcher text, p_heartbeat jsonb, out o_leases int, out o_agents int
) language sql as $$
  with kept as (
    update jobs
    set leased_until = greatest(
      leased_until, now() + make_interval(secs => (p_heartbeat ->> 'leaseMs')::int / 1000.0))
    where job_id in (
      select j.job_id
      from jobs j
      join job_attempts a on a.attempt_id = j.live_attempt
      where j.state = 'leased'
        and j.lease_owner = p_dispatcher
        and j.leased_until > now()
        and j.live_attempt in (select value::uuid from jsonb_array_elements_text(p_heartbeat -> 'attempts'))
        -- A gateway that answers byte by byte must not keep a job for ever.
        and a.started_at + make_interval(secs => j.timeout_seconds) > now()
      for no key update of j skip locked)
    returning target_agent
  )
  select count(*)::int, count(distinct target_agent)::int from kept
$$;

-- Returns whether no job is queued or at work, no block ends soon, no end of a job still has to move others,
-- no question needs a look soon and no run is to be stopped, in any namespace. Dispatchers of a quiet bus
-- look less often.
create or replace function bus_is_quiet() returns boolean language sql stable as $$
  select not exists (select from jobs where state = 'queued')
    and not exists (select from cascades)
    and not exists (select from jobs where state in ('leased', 'running') and moved_xid >= claim_floor())
    and not exists (select from jobs where state = 'blocked' and blocked_until < now() + quiet_lookahead())
    and not exists (select from questions where status = 'open' and look_at < now() + quiet_lookahead())
    and not exists (select from run_aborts where done_at is null)
$$;

-- Returns whether a heartbeat with the given interval is recent enough for its dispatcher to count as
-- alive.
create or replace function heartbeat_is_recent(p_last_seen timestamptz, p_seconds numeric) returns boolean
language sql stable as $$
  select p_last_seen > now() - make_interval(secs => missed_heartbeats() * p_seconds::double precision)
$$;

-- Returns whether no other dispatcher is alive.
create or replace function is_only_dispatcher(p_dispatcher text) returns boolean language sql stable as $$
  select not exists (
    select from dispatcher_heartbeats
    where dispatcher_id <> p_dispatcher
      and stopped_at is null
      and heartbeat_is_recent(last_seen, beat_seconds))
$$;

-- Writes the row of a dispatcher and renews the leases of its attempts. p_heartbeat has host, pid, version,
-- wakeSource, listenerConnected, beatSeconds, leaseMs, sweepAgeMs, namespace, metrics and attempts (an array
-- of ids). The namespace is kept in the metrics.
-- Returns leasesOwned, busyAgents, quiet (bus_is_quiet) and alone (is_only_dispatcher).
create or replace function dispatcher_heartbeat(p_dispatcher text, p_heartbeat jsonb) returns jsonb
language plpgsql as $$
declare
  v_renewed record;
begin
  select * into v_renewed from renew_dispatcher_leases(p_dispatcher, p_heartbeat);
  insert into dispatcher_heartbeats (
    dispatcher_id, host, pid, version, wake_source, listener_connected, beat_seconds, last_sweep,
    leases_owned, busy_agents, metrics)
  values (
    p_dispatcher,
    p_heartbeat ->> 'host',
    (p_heartbeat ->> 'pid')::bigint,
    p_heartbeat ->> 'version',
    p_heartbeat ->> 'wakeSource',
    coalesce((p_heartbeat ->> 'listenerConnected')::boolean, false),
    (p_heartbeat ->> 'beatSeconds')::numeric,
    ms_ago(p_heartbeat ->> 'sweepAgeMs'),
    v_renewed.o_leases,
    v_renewed.o_agents,
    coalesce(p_heartbeat -> 'metrics', '{}')
      || jsonb_strip_nulls(jsonb_build_object('namespace', p_heartbeat -> 'namespace')))
  on conflict (dispatcher_id) do update
  set last_seen = now(),
    listener_connected = excluded.listener_connected,
    last_sweep = excluded.last_sweep,
    leases_owned = excluded.leases_owned,
    busy_agents = excluded.busy_agents,
    metrics = excluded.metrics,
    stopped_at = null,
    updated_at = now();
  return jsonb_build_object(
    'leasesOwned', v_renewed.o_leases,
    'busyAgents', v_renewed.o_agents,
    'quiet', bus_is_quiet(),
    'alone', is_only_dispatcher(p_dispatcher));
end
$$;

-- Notes that a dispatcher has stopped. Jobs that it has leased and not sent are free at once, and the other
-- dispatchers are notified.
create or replace function dispatcher_stopped(p_dispatcher text) returns void language plpgsql as $$
begin
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_dispatcher), 'dispatcher stops');
  update jobs
  set leased_until = now(), lease_owner = null, updated_at = now()
  where job_id in (
    select job_id
    from jobs
    where state = 'leased' and lease_owner = p_dispatcher
    for no key update skip locked);
  update dispatcher_heartbeats
  set stopped_at = now(), updated_at = now(), leases_owned = 0, busy_agents = 0
  where dispatcher_id = p_dispatcher;
  delete from stopped_routes where node = p_dispatcher;
  perform pg_notify('jobs_ready', '');
end
$$;

-- Removes the rows of dispatchers whose last heartbeat is more than p_days days old. Returns how many.
create or replace function forget_old_dispatchers(p_days int) returns int language sql as $$
  with forgotten as (
    delete from dispatcher_heartbeats
    where last_seen < now() - make_interval(days => p_days)
    returning 1
  )
  select count(*)::int from forgotten
$$;
