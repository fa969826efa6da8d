-- Claiming: many dispatchers take due jobs, at a cost that does not grow with ended work.
--
-- Only one claim runs at a time (lock_claims), so no claim can take jobs that another has chosen. A claim
-- chooses without locks and then locks only the chosen jobs; locking every candidate of every lane would
-- write to ten times as many rows (docs/adr/0009, docs/adr/0016). R__claim_mark.sql explains which jobs a
-- claim need not read.
--
-- Proactive jobs come after all other due jobs, whatever their priority, which decides among themselves only.
-- The index jobs_to_claim has this order, so it costs a claim nothing. Idle jobs are none of these, and idle
-- runs take no place (idle/R__idle_claims.sql).

-- Returns whether jobs of this type are proactive work, which a lane does after all other work. The indexes
-- jobs_to_claim and jobs_proactive hold the same condition.
create or replace function is_proactive(p_job_type text) returns boolean
language sql immutable as $$
  select p_job_type = 'proactive'
$$;

-- Returns a job with its live attempt, as the answer to a worker that pulls. The door adds the token of the
-- attempt.
create or replace function claimed_json(p_job jobs, p_attempt job_attempts) returns jsonb
language sql stable as $$
  select job_json(p_job) || jsonb_strip_nulls(jsonb_build_object(
    'attemptId', (p_attempt).attempt_id,
    'attemptNo', (p_attempt).attempt_no,
    'nonce', (p_attempt).nonce,
    'deliveries', (p_attempt).deliveries,
    'prompt', (p_attempt).prompt,
    'gateway', (p_attempt).gateway,
    'instructions', (p_job).instructions))
    || case when (p_job).question_id is null then '{}'
      else jsonb_build_object('questions', questions_for_prompt((p_job).job_id)) end
    || case when tells_of_proposals((p_job).job_type)
      then proposals_for_prompt((p_job).namespace, (p_job).target_agent) else '{}' end
    || case when tells_of_candidates((p_job).job_type, (p_job).subject)
      then candidates_for_prompt((p_job).namespace, (p_job).target_agent) else '{}' end
$$;

-- Returns a job with its live attempt, as its prompt and its hook call need it. It has no other field,
-- because each field costs as much as writing it to a table.
create or replace function delivery_json(p_job jobs, p_attempt job_attempts) returns jsonb
language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'jobId', (p_job).job_id,
    'namespace', (p_job).namespace,
    'targetAgent', (p_job).target_agent,
    'subject', (p_job).subject,
    'jobType', (p_job).job_type,
    'priority', (p_job).priority,
    'sourceAgent', (p_job).source_agent,
    'parentJobId', (p_job).parent_job_id,
    'flowKey', (p_job).flow_key,
    'correlationKey', (p_job).correlation_key,
    'trust', (p_job).trust,
    'model', (p_job).model,
    'thinking', (p_job).thinking,
    'session', (p_job).session,
    'lastError', (p_job).last_error,
    'answer', (p_job).answer,
    'answeredBy', (p_job).answered_by,
    'attemptCount', (p_job).attempt_count,
    'maxAttempts', (p_job).max_attempts,
    'hardTimeoutSeconds', (p_job).hard_timeout_seconds,
    'instructions', (p_job).instructions,
    'attemptId', (p_attempt).attempt_id,
    'attemptNo', (p_attempt).attempt_no,
    'nonce', (p_attempt).nonce,
    'deliveries', (p_attempt).deliveries,
    'prompt', (p_attempt).prompt,
    'gateway', (p_attempt).gateway))
    || jsonb_build_object('payload', (p_job).payload)
    || case when (p_job).question_id is null then '{}'
      else jsonb_build_object('questions', questions_for_prompt((p_job).job_id)) end
    || case when tells_of_proposals((p_job).job_type)
      then proposals_for_prompt((p_job).namespace, (p_job).target_agent) else '{}' end
    || case when tells_of_candidates((p_job).job_type, (p_job).subject)
      then candidates_for_prompt((p_job).namespace, (p_job).target_agent) else '{}' end
$$;

-- Leases locked jobs to an owner for p_lease; p_delivery is hook or pull. A queued job gets a new attempt.
-- A leased job, whose dispatcher is gone or whose hook call had an unknown outcome, keeps its attempt, so
-- that the call is repeated and starts no second run.
-- Returns delivery_json of each job for hook, otherwise claimed_json, in the order of the claim.
create or replace function lease_jobs(p_jobs uuid[], p_delivery text, p_owner text, p_lease interval)
returns setof jsonb
language plpgsql as $$
begin
  update jobs
  set live_attempt = case when state = 'leased' then live_attempt else new_id() end,
    attempt_no = attempt_no + (state <> 'leased')::int,
    attempt_count = attempt_count + (state <> 'leased')::int,
    state = 'leased',
    delivery = p_delivery,
    lease_owner = p_owner,
    leased_until = now() + p_lease,
    keeps_lease = (p_delivery = 'pull'),
    status = null,
    -- A new attempt has no run yet.
    run_id = case when state = 'leased' then run_id end,
    session_key = case when state = 'leased' then session_key end,
    updated_at = now()
  where job_id = any (p_jobs);
  insert into job_attempts
    (attempt_id, namespace, job_id, attempt_no, agent_id, dispatcher_id, gateway, gateway_version,
      agent_yaml_hash, agents_md_hash)
  select j.live_attempt, j.namespace, j.job_id, j.attempt_no, j.target_agent, p_owner, a.gateway, g.version,
    a.config_hash, a.agents_md_hash
  from jobs j
  join agents a on a.namespace = j.namespace and a.agent_id = j.target_agent
  join gateways g on g.namespace = a.namespace and g.gateway = a.gateway
  where j.job_id = any (p_jobs)
  on conflict (attempt_id) do update
  set dispatcher_id = excluded.dispatcher_id,
    adoptions = job_attempts.adoptions + 1,
    -- The previous owner may have called the hook and died before it recorded the outcome.
    unknown_since = coalesce(
      job_attempts.unknown_since, case when job_attempts.deliveries > 0 then now() end),
    updated_at = now();
  return query
  select case p_delivery when 'hook' then delivery_json(j, a) else claimed_json(j, a) end
  from jobs j
  join job_attempts a on a.attempt_id = j.live_attempt
  where j.job_id = any (p_jobs)
  order by is_proactive(j.job_type), j.priority desc, j.run_after, j.seq;
end
$$;

-- Waits until no other claim is under way, because two claims at once could each use the last room of a
-- lane. The statement that counts must come after this one, so that it sees the result of the claim before.
-- The lock ends with the transaction, which does not wait for the client, so a frozen dispatcher cannot
-- keep the lock.
create or replace function lock_claims() returns void
language sql as $$
  select pg_advisory_xact_lock(hashtextextended('agentbus.claim', 0))
$$;

drop function if exists choose_jobs(int, uuid[], text[]);
drop function if exists choose_jobs(int, uuid[], text[], text[]);
drop function if exists claim_for_dispatch(text, int, int, text[]);

-- Returns the jobs that a claim would take and the agent of each, at most p_limit and none of p_passed, in
-- lanes of p_namespaces on p_gateways (null: any); null when none is due. Locks nothing, and passes over what
-- is paused. A run that goes on after its attempt takes a place in the lane of its agent, and a place on
-- its own gateway, which may be another than the agent's by now. Idle jobs are neither chosen nor counted.
-- Hook calls to repeat come first (the job is leased, its lease is over, and the gateway still knows the
-- key). Then come the jobs that are not proactive, and then those that are, each with the highest priority
-- first, within the room of each agent and each gateway.
create or replace function choose_jobs(
  p_limit int, p_passed uuid[], p_gateways text[], p_namespaces text[], out o_jobs uuid[], out o_agents text[]
) language plpgsql as $$
begin
  with marks as materialized (
    select * from marks_that_count()
  ), live as materialized (
    select job_id, namespace, target_agent, job_type, priority, run_after, seq, state, delivery, leased_until
    from jobs
    where state in ('leased', 'running') and moved_xid >= coalesce((select o_floor from marks), '0')
  ), stops as materialized (
    -- What people have paused, except agents, whose lanes are not open. Mostly none.
    select namespace, kind, name
    from pauses p
    where ended_at is null and mode <> 'freeze' and kind <> 'agent' and pause_in_force(p)
  ), paused_types as materialized (
    select namespace, array_agg(name) as types
    from stops
    where kind = 'job_type'
    group by namespace
  ), going_on as materialized (
    select namespace, agent_id, gateway
    from runs_with_place()
  ), at_work as (
    select namespace, target_agent, count(*) as jobs, count(*) filter (where delivery = 'hook') as runs
    from (
      select namespace, target_agent, delivery
      from live
      where leased_until > now() and not is_idle(job_type)
      union all
      select namespace, agent_id, null
      from going_on) places
    group by namespace, target_agent
  ), lanes as (
    select a.namespace, a.agent_id, a.gateway, lane_open(a) as open,
      a.max_concurrency - coalesce(w.jobs, 0) as room,
      coalesce(t.types, '{}') as paused_types,
      case when k.o_looked_at is null then '0' else least(m.floor, k.o_bound) end as floor
    from agents a
    left join lane_marks m using (namespace, agent_id)
    left join marks k on k.o_looked_at = m.looked_at
    left join at_work w on w.namespace = a.namespace and w.target_agent = a.agent_id
    left join paused_types t on t.namespace = a.namespace
  ), gateways_with_room as materialized (
    -- Materialized, so that the runs are counted once for each gateway and not for each candidate.
    select g.namespace, g.gateway,
      g.max_in_flight - coalesce((
        select sum(w.runs)
        from at_work w
        join agents a on a.namespace = w.namespace and a.agent_id = w.target_agent
        where a.namespace = g.namespace and a.gateway = g.gateway), 0)
      - (
        select count(*)
        from going_on r
        where r.namespace = g.namespace and r.gateway = g.gateway) as room
    from gateways g
    where g.namespace = any (p_namespaces)
      and gateway_open(g)
      and (p_gateways is null or g.gateway = any (p_gateways))
      and not exists (
        select from stops s
        where s.namespace = g.namespace
          and (s.kind = 'everything' or s.kind = 'gateway' and s.name = g.gateway))
  ), due as (
    select j.*, g.namespace, g.gateway, g.room as gateway_room, l.room as lane_room, l.agent_id,
      row_number() over (
        partition by l.namespace, l.agent_id
        order by j.fresh, j.proactive, j.priority desc, j.run_after, j.seq) as place_in_lane
    from lanes l
    join gateways_with_room g using (namespace, gateway)
    cross join lateral (
      select * from (
        select false as fresh, is_proactive(job_type) as proactive, job_id, priority, run_after, seq
        from live
        where namespace = l.namespace and target_agent = l.agent_id and state = 'leased' and delivery = 'hook'
          and leased_until <= now() and leased_until > now() - key_memory() and job_id <> all (p_passed)
          and not type_is_in(job_type, l.paused_types) and not is_idle(job_type)
        order by seq
        limit least(l.room, g.room, p_limit)) lost
      union all
      select * from (
        select true, is_proactive(job_type), job_id, priority, run_after, seq
        from jobs
        where namespace = l.namespace and target_agent = l.agent_id and state = 'queued' and run_after <= now()
          and moved_xid >= l.floor and job_id <> all (p_passed)
          and l.paused_types = '{}' and not is_idle(job_type)
        order by is_proactive(job_type), priority desc, run_after, seq
        limit least(l.room, g.room, p_limit)) queued
      union all
      select true, o.*
      from due_of_other_types(l.namespace, l.agent_id, l.paused_types, l.floor, p_passed,
        least(l.room, g.room, p_limit)::int) o
      where l.paused_types <> '{}'
    ) j
    where l.open and l.room > 0 and g.room > 0
  ), fitting as (
    select *,
      row_number() over (
        partition by namespace, gateway
        order by fresh, proactive, priority desc, run_after, seq) as place_at_gateway
    from due
    where place_in_lane <= lane_room
  )
  select array_agg(job_id), array_agg(agent_id) into o_jobs, o_agents
  from (
    select job_id, agent_id
    from fitting
    where place_at_gateway <= gateway_room
    order by fresh, proactive, priority desc, run_after, seq
    limit p_limit
  ) chosen;
end
$$;

-- Claims at most p_limit due jobs for a dispatcher of p_namespace and returns delivery_json of each;
-- choose_jobs explains the order and p_gateways. The lease is p_lease_ms milliseconds, and the heartbeats of
-- the dispatcher renew it.
-- When other calls have locked some of the chosen jobs, the claim chooses again without these jobs,
-- look_rounds times at most. A claim that takes jobs asks idle runs to close (make_way_for); a claim
-- that finds no job may take idle jobs. Planned once for each connection, see R__batches.sql.
create or replace function claim_for_dispatch(
  p_dispatcher text, p_limit int, p_lease_ms int, p_gateways text[] default null,
  p_namespace text default null
) returns setof jsonb
language plpgsql
set plan_cache_mode = force_generic_plan
set jit = off as $$
declare
  v_namespaces text[] := namespaces_served(p_namespace);
  v_chosen uuid[];
  v_agents text[];
  v_locked uuid[];
  v_passed uuid[] := '{}';
begin
  perform act_as(jsonb_build_object('kind', 'dispatcher', 'name', p_dispatcher), 'claimed');
  perform lock_claims();
  for v_round in 1..look_rounds() loop
    select o_jobs, o_agents into v_chosen, v_agents
    from choose_jobs(p_limit, v_passed, p_gateways, v_namespaces);
    select coalesce(array_agg(job_id), '{}') into v_locked
    from (
      select job_id
      from jobs
      where job_id = any (v_chosen)
        -- An operator may just have given the job to another agent, whose lane was not looked at.
        and target_agent = v_agents[array_position(v_chosen, job_id)]
        and case state when 'queued' then run_after <= now() when 'leased' then leased_until <= now() end
      for no key update skip locked) free;
    exit when cardinality(v_locked) = coalesce(cardinality(v_chosen), 0);
    v_passed := v_passed || array(select c from unnest(v_chosen) c where c <> all (v_locked));
  end loop;
  if v_locked = '{}' then
    v_locked := choose_idle_jobs(p_limit, v_namespaces, p_gateways);
  end if;
  if v_locked <> '{}' then
    return query
    select * from lease_jobs(v_locked, 'hook', p_dispatcher, make_interval(secs => p_lease_ms / 1000.0));
    perform make_way_for(v_locked);
  end if;
end
$$;

-- Locks at most p_limit due jobs of one agent, up to the room of its lane, and skips jobs that are locked
-- already. Returns their ids, or null when there are none. The lane must be open; call it under
-- lock_claims.
create or replace function lock_due_jobs(p_agent agents, p_limit int) returns uuid[]
language plpgsql as $$
declare
  v_types text[] := paused_types(p_agent.namespace);
  v_due uuid[];
  v_room int;
begin
  select p_agent.max_concurrency - count(*) into v_room
  from jobs
  where namespace = p_agent.namespace and target_agent = p_agent.agent_id
    and state in ('leased', 'running') and leased_until > now() and moved_xid >= claim_floor()
    and not is_idle(job_type);
  v_room := v_room - (
    select count(*)
    from runs_with_place()
    where namespace = p_agent.namespace and agent_id = p_agent.agent_id);
  v_room := least(greatest(v_room, 0), p_limit);
  if v_types <> '{}' then
    v_due := array(
      select o_job
      from due_of_other_types(p_agent.namespace, p_agent.agent_id, v_types,
        lane_floor(p_agent.namespace, p_agent.agent_id), '{}', v_room)
      order by o_proactive, o_priority desc, o_run_after, o_seq
      limit v_room);
    return (
      select array_agg(job_id order by is_proactive(job_type), priority desc, run_after, seq)
      from (
        select job_id, job_type, priority, run_after, seq
        from jobs
        where job_id = any (v_due)
          and target_agent = p_agent.agent_id and state = 'queued' and run_after <= now()
        for no key update skip locked) due);
  end if;
  return (
    select array_agg(job_id)
    from (
      select job_id
      from jobs
      where namespace = p_agent.namespace and target_agent = p_agent.agent_id
        and state = 'queued' and run_after <= now()
        and moved_xid >= lane_floor(p_agent.namespace, p_agent.agent_id)
        and not is_idle(job_type)
      order by is_proactive(job_type), priority desc, run_after, seq
      limit v_room
      for no key update skip locked) due);
end
$$;

create or replace function claim_jobs(p_principal jsonb, p_input jsonb) returns jsonb
language plpgsql as $$
declare
  v_agent agents := agent_named(namespace_of(p_principal, p_input), p_input ->> 'targetAgent', 'targetAgent');
  v_worker text := coalesce(p_input ->> 'worker', 'command-line');
  v_lease interval := coalesce(make_interval(secs => (p_input ->> 'leaseSeconds')::int), pull_lease());
  v_chosen uuid[] := '{}';
  v_jobs jsonb;
  v_pause pauses;
begin
  perform act_as(p_principal, 'claimed by ' || v_worker);
  perform lock_claims();
  if not v_agent.enabled then
    perform refuse(422, 'agent_disabled', format('agent %s is disabled', v_agent.agent_id),
      'targetAgent', to_jsonb(v_agent.agent_id));
  end if;
  -- The agent may have been paused while this call waited for the lock.
  v_agent := agent_named(v_agent.namespace, v_agent.agent_id, 'targetAgent');
  v_pause := pause_over(v_agent.namespace, null, null);
  if lane_open(v_agent) and v_pause.pause_id is null then
    v_chosen := coalesce(lock_due_jobs(v_agent, coalesce((p_input ->> 'limit')::int, 1)), '{}');
    -- The answer holds the payloads, so it ends early after answer_bytes of them; the rest stays queued.
    v_chosen := array(
      select job_id
      from (
        select c.job_id, c.place,
          sum(coalesce(j.payload_bytes, 0)) over (order by c.place) - coalesce(j.payload_bytes, 0) as before
        from unnest(v_chosen) with ordinality c (job_id, place)
        join jobs j using (job_id)) sized
      where before < answer_bytes()
      order by place);
    if v_chosen = '{}' then
      v_chosen := choose_idle_jobs(1, array[v_agent.namespace], null, v_agent.agent_id, true);
    end if;
    select jsonb_agg(c) into v_jobs
    from lease_jobs(v_chosen, 'pull', 'worker:' || v_worker, v_lease) c;
    perform make_way_for(v_chosen);
  end if;
  return jsonb_build_object('jobs', coalesce(v_jobs, '[]'))
    || case when v_pause.pause_id is not null then jsonb_build_object('hold', stop_text(v_pause)) else '{}' end;
end
$$;
comment on function claim_jobs(jsonb, jsonb) is
  'The operation claimJobs, for workers that pull: the same room and order as a dispatcher''s claim, and a lease of leaseSeconds or pull_lease. Refuses a disabled agent (422); a paused lane gives no job, and neither does a bus whose operator has paused everything, with the reason as hold. The door adds each attempt''s token.';

-- Keeps the SHA-256 of the token that a worker got for its attempt.
create or replace function keep_token_hash(p_attempt uuid, p_token_hash bytea) returns void
language sql as $$
  update job_attempts set token_hash = p_token_hash where attempt_id = p_attempt
$$;
