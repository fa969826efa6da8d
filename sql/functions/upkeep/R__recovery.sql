-- Leases that run out, dispatchers that beat, and what health says about both.

create or replace function end_expired(p_limit int default null, p_namespace text default null) returns setof jsonb language plpgsql as $$
declare
  v_job jobs;
  v_error text;
begin
  for v_job in
    select j.* from jobs j
    where j.state in ('leased', 'running') and j.leased_until <= now()
      and (p_namespace is null or j.namespace = p_namespace)
      -- A delivery that nobody is busy with is claimed again with its attempt, as long as the attempt is young enough.
      and (j.state = 'running' or j.delivery = 'pull' or exists (
        select from job_attempts a
        where a.attempt_id = j.live_attempt and a.started_at + make_interval(secs => j.timeout_seconds) <= now())
        -- And as long as the gateway still knows its key.
        or j.leased_until <= now() - key_memory())
    order by j.leased_until
    limit coalesce(p_limit, sweep_batch())
    for no key update skip locked
  loop
    -- Its end may move others; when they are in somebody's hands, the next sweep ends it.
    continue when not try_lock_dependents(v_job.job_id);
    v_error := case
      when v_job.hard_deadline <= now() then format('hard timeout: still running %s seconds after it began', v_job.hard_timeout_seconds)
      when v_job.state = 'leased' then 'lease ran out before the run was confirmed'
      when exists (select from job_attempts where attempt_id = v_job.live_attempt and interrupted_at is not null)
        then 'its gateway was restarted and the run did not come back'
      when v_job.keeps_lease then 'lease ran out: the agent had renewed it and then fell silent'
      else format('lease ran out: no word for %s seconds', v_job.timeout_seconds) end;
    perform append_event(v_job.namespace, 'job.lease_lost', v_job.target_agent, v_job.job_id,
      jsonb_build_object('jobId', v_job.job_id, 'attemptNo', v_job.attempt_no, 'reason', v_error));
    if v_job.state = 'leased' and v_job.delivery = 'hook'
      and exists (select from job_attempts where attempt_id = v_job.live_attempt and deliveries = 0) then
      -- Claimed and never sent: no attempt of the agent's.
      return next job_json(end_attempt(v_job, 'undelivered', 'queued', p_error => v_error, p_counts => false));
    else
      return next job_json(retry_or_die(v_job, 'timed_out', v_error));
    end if;
  end loop;
end
$$;
comment on function end_expired(int, text) is
  'Ends every attempt whose lease has run out (at most p_limit, of one namespace or of all) as timed_out: its job is queued again, or dead. Returns the jobs.';

create or replace function time_away() returns interval language plpgsql as $$
declare
  v_last timestamptz;
begin
  select value::timestamptz into v_last from bus_facts where namespace = 'default' and name = 'last_recovery' for update;
  insert into bus_facts (namespace, name, value) values ('default', 'last_recovery', now()::text)
  on conflict (namespace, name) do update set value = excluded.value;
  return now() - v_last;
end
$$;
comment on function time_away() is 'How long ago somebody last asked this; null the first time. Notes that it was asked now.';

create or replace function forgive_outage() returns void language sql as $$
  update jobs set leased_until = least(hard_deadline, now() + outage_grace()), updated_at = now()
  where job_id in (
    select job_id from jobs
    where state = 'running' and leased_until < now() + outage_grace() and hard_deadline > now()
    for no key update skip locked)
$$;
comment on function forgive_outage() is
  'After an outage of the bus: agents at work get two minutes to report or close, for nobody could renew meanwhile. The hard timeout stays.';

create or replace function recover() returns setof jsonb language plpgsql as $$
begin
  if time_away() > outage_after() then
    perform forgive_outage();
  end if;
  perform act_as('{"kind": "dispatcher", "name": "sweep"}', 'lease ran out');
  return query select jsonb_build_object('what', 'lease_lost') || e from end_expired() e;
  perform act_as('{"kind": "dispatcher", "name": "sweep"}', 'what it was blocked on has come');
  return query select jsonb_build_object('what', 'unblocked') || m from move_blocked() m;
  perform mark_claims();
end
$$;
comment on function recover() is 'The sweep: end_expired and move_blocked, after an outage of more than a minute with forgive_outage before them, and mark_claims; what is lease_lost or unblocked, with the job''s fields.';

create or replace function requeue_expired(p_principal jsonb, p_input jsonb) returns jsonb language plpgsql as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
begin
  perform act_as(p_principal, 'lease ran out');
  return jsonb_build_object('jobs', coalesce((
    select jsonb_agg(e) from end_expired((p_input ->> 'limit')::int, v_namespace) e), '[]'));
end
$$;
comment on function requeue_expired(jsonb, jsonb) is 'The operation requeueExpired: end_expired of the namespace, now.';

create or replace function dispatcher_beat(p_dispatcher text, p_beat jsonb) returns jsonb language plpgsql as $$
declare
  v_leases int;
  v_agents int;
begin
  -- A dispatcher keeps what it has in hand. What it has lost from its hands (an answer it could not write down, a claim
  -- whose result never reached it) runs out and is taken over, although the dispatcher lives.
  with kept as (
    update jobs
    set leased_until = greatest(leased_until, now() + make_interval(secs => (p_beat ->> 'leaseMs')::int / 1000.0))
    where job_id in (
      -- What somebody else has locked is on its way out of this dispatcher's hands; the next beat sees whether it is.
      select j.job_id from jobs j join job_attempts a on a.attempt_id = j.live_attempt
      where j.state = 'leased' and j.lease_owner = p_dispatcher and j.leased_until > now()
        and j.live_attempt in (select value::uuid from jsonb_array_elements_text(p_beat -> 'attempts'))
        -- A gateway that answers byte by byte must not keep a lane for ever.
        and a.started_at + make_interval(secs => j.timeout_seconds) > now()
      for no key update of j skip locked)
    returning target_agent
  )
  select count(*), count(distinct target_agent) into v_leases, v_agents from kept;
  insert into dispatcher_heartbeats as h (dispatcher_id, host, pid, version, wake_source, listener_connected, beat_seconds,
    last_sweep, leases_owned, busy_agents, metrics)
  values (p_dispatcher, p_beat ->> 'host', (p_beat ->> 'pid')::bigint, p_beat ->> 'version', p_beat ->> 'wakeSource',
    coalesce((p_beat ->> 'listenerConnected')::boolean, false), (p_beat ->> 'beatSeconds')::numeric,
    now() - make_interval(secs => (p_beat ->> 'sweepAgeMs')::double precision / 1000), v_leases, v_agents,
    coalesce(p_beat -> 'metrics', '{}'))
  on conflict (dispatcher_id) do update set
    last_seen = now(), listener_connected = excluded.listener_connected, last_sweep = excluded.last_sweep,
    leases_owned = excluded.leases_owned, busy_agents = excluded.busy_agents, metrics = excluded.metrics,
    stopped_at = null, updated_at = now();
  return jsonb_build_object('leasesOwned', v_leases, 'busyAgents', v_agents,
    'quiet', not exists (select from jobs where state = 'queued') and not exists (select from jobs where state in ('leased', 'running'))
      and not exists (select from jobs where state = 'blocked' and blocked_until < now() + quiet_lookahead()),
    'alone', not exists (select from dispatcher_heartbeats o where o.dispatcher_id <> p_dispatcher and o.stopped_at is null
      and o.last_seen > now() - make_interval(secs => missed_heartbeats() * o.beat_seconds::double precision)));
end
$$;
comment on function dispatcher_beat(text, jsonb) is
  'A dispatcher''s sign of life (host, pid, version, wakeSource, listenerConnected, beatSeconds, leaseMs, sweepAgeMs, metrics, and attempts, the ids it has in hand); renews the leases of the deliveries it is busy with. Returns leasesOwned, busyAgents, quiet (no job is queued or at work, and no block is over within a minute) and alone (no other dispatcher lives).';

create or replace function dispatcher_stopped(p_dispatcher text) returns void language plpgsql as $$
begin
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_dispatcher), 'dispatcher stops');
  -- What it claimed and did not deliver is free for the others at once.
  update jobs set leased_until = now(), lease_owner = null, updated_at = now()
  where job_id in (
    select job_id from jobs where state = 'leased' and lease_owner = p_dispatcher for no key update skip locked);
  update dispatcher_heartbeats set stopped_at = now(), updated_at = now(), leases_owned = 0, busy_agents = 0
  where dispatcher_id = p_dispatcher;
  perform pg_notify('jobs_ready', '');
end
$$;
comment on function dispatcher_stopped(text) is 'A dispatcher says good-bye: its undelivered claims are free at once.';

create or replace function forget_old_dispatchers(p_days int) returns int language sql as $$
  with forgotten as (
    delete from dispatcher_heartbeats where last_seen < now() - make_interval(days => p_days) returning 1
  )
  select count(*)::int from forgotten
$$;
comment on function forget_old_dispatchers(int) is 'Removes heartbeats older than so many days; returns how many.';

create or replace function queue_depths() returns setof jsonb language sql stable as $$
  select jsonb_build_object('namespace', namespace, 'agent', target_agent, 'state', state, 'jobs', count(*),
    'oldestSeconds', greatest(0, round(extract(epoch from now() - min(case when state = 'queued' then run_after else updated_at end)))))
  from jobs
  where state in ('leased', 'running') or state = 'queued' or state in ('waiting', 'blocked') or state = 'dead'
  group by namespace, target_agent, state
$$;
comment on function queue_depths() is
  'Jobs by namespace, agent and state, for what has not ended and for dead letters; the age in seconds of the oldest. Read through the partial indexes, so history costs nothing.';

create or replace function camel_keys(p_row jsonb) returns jsonb language sql immutable as $$
  select jsonb_object_agg(lower(left(name, 1)) || substr(name, 2), value)
  from (select replace(initcap(replace(key, '_', ' ')), ' ', '') as name, value from jsonb_each(p_row)) k
$$;
comment on function camel_keys(jsonb) is 'The row of a view with its columns named as the contract names fields: oldest_queued_seconds is oldestQueuedSeconds.';

create or replace function health(p_principal jsonb, p_input jsonb) returns jsonb language plpgsql stable as $$
declare
  v_namespace text := namespace_of(p_principal, p_input);
  v_snapshot record;
  v_problems jsonb;
begin
  select * into v_snapshot from system_health_snapshot_v where namespace = v_namespace;
  select coalesce(jsonb_agg(problem order by weight, problem), '[]') into v_problems from (
    select 1 as weight, 'no dispatcher is alive: nothing is being dispatched' as problem where v_snapshot.dispatchers_healthy = 0
    union all
    select 2, format('dispatcher %s on %s has been silent for %s s', dispatcher_id, host, age_seconds)
    from dispatcher_health_summary_v where status = 'stale'
    union all
    select 3, format('dispatcher %s has lost its listener: the sweep alone wakes it', dispatcher_id)
    from dispatcher_health_summary_v
    -- A start takes a moment.
    where status = 'healthy' and wake_source = 'listen' and not listener_connected and started_at < now() - listener_grace()
    union all
    select 4, case
      when gateway_shut(g) then format('gateway %s is %s since %s: %s', gateway, state, utc_text(state_since), state_reason)
      when held_until > now() then format('gateway %s is held until %s: %s', gateway, utc_text(held_until), hold_reason)
      else format('gateway %s has not been asked how it is since %s: no node dispatches to it', gateway, utc_text(checked_at)) end
    from gateways g
    where namespace = v_namespace and (held_until > now() or gateway_shut(g) or checked_at < now() - gateway_news_lifetime())
      -- A gateway without agents is nobody's trouble.
      and exists (select from agents a where a.namespace = g.namespace and a.gateway = g.gateway and a.enabled)
    union all
    select 5, format('agent %s is paused by %s: %s', agent_id, paused_by, paused_reason)
    from agents a where namespace = v_namespace and lane_paused(a)
    union all
    select 6, format('%s %s whose lease has run out', v_snapshot.expired_leases, case v_snapshot.expired_leases when 1 then 'job' else 'jobs' end)
    where v_snapshot.expired_leases > 0
    union all
    select 7, format('%s dead %s for an operator (list-jobs --state dead)', v_snapshot.dead, case v_snapshot.dead when 1 then 'job waits' else 'jobs wait' end)
    where v_snapshot.dead > 0
    union all
    select 8, format('%s blocked %s for more than a day', count(*), case count(*) when 1 then 'job has stood still' else 'jobs have stood still' end)
    from jobs where namespace = v_namespace and state = 'blocked' and updated_at < now() - blocked_too_long() having count(*) > 0
    union all
    select 9, format('standing order %s of agent %s %s', order_name, agent_id, case health
      when 'silent' then format('is silent: %s slots since its last run', slots_since_last_run)
      when 'failing' then format('has failed %s times in a row', failures_in_a_row)
      else format('has missed %s %s within 24 hours', missed_24h, case missed_24h when 1 then 'slot' else 'slots' end) end)
    from standing_order_health_summary_v where namespace = v_namespace and health in ('silent', 'failing', 'missed')
  ) p;
  return jsonb_build_object('status', case when v_problems = '[]' then 'ok' else 'degraded' end, 'problems', v_problems)
    || camel_keys(to_jsonb(v_snapshot))
    || jsonb_build_object('namespace', v_namespace, 'dispatchers', (
      select coalesce(jsonb_agg(camel_keys(to_jsonb(d)) order by d.status, d.dispatcher_id), '[]') from dispatcher_health_summary_v d where d.status <> 'gone'));
end
$$;
comment on function health(jsonb, jsonb) is 'The operation health: ok or degraded, the problems in words, and the numbers behind them.';
