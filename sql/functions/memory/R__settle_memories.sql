-- What happens to memories and candidates on its own: the outcomes of attempts are counted for the memories
-- in their prompts, and what has reached its end expires. Every node sweeps; a row that another node has
-- locked is left to it, and a namespace whose phase is off or frozen is left as it is.

-- Returns how the attempt of an injection has ended; null while it is live. An attempt that history has
-- dropped has the outcome gone.
create or replace function outcome_of_attempt(p_attempt uuid) returns text
language sql stable as $$
  select case
    when l.attempt_id is not null then case when l.status not in ('leased', 'running') then l.status end
    else coalesce((select status from job_attempts_history where attempt_id = p_attempt), 'gone') end
  from (select p_attempt as id) i
  left join job_attempts l on l.attempt_id = i.id
$$;

-- Returns the injections of ended attempts that are not counted yet, oldest first and at most p_limit, each
-- with the outcome, and locks them.
create or replace function lock_unsettled(p_limit int)
returns table (injection_id uuid, memory_id uuid, outcome text)
language sql as $$
  select i.injection_id, i.memory_id, o.outcome
  from memory_injections i
  cross join lateral (select outcome_of_attempt(i.attempt_id) as outcome) o
  where i.settled_at is null
    and o.outcome is not null
    and i.namespace in (select namespace from namespaces where phase_stop(namespace, 4) is null)
  order by i.created_at
  limit p_limit
  for no key update of i skip locked
$$;

-- Counts the outcomes of ended attempts in memory_uses, at most p_limit injections. An attempt that reached
-- no agent (undelivered, gone) counts nothing. Returns how many injections it has settled.
create or replace function settle_injections(p_limit int) returns int
language plpgsql as $$
declare
  v_settled int;
begin
  with settled as (
    update memory_injections i
    set outcome = l.outcome, settled_at = now()
    from lock_unsettled(p_limit) l
    where i.injection_id = l.injection_id
    returning i.*
  ), counted as (
    insert into memory_uses as u
      (memory_id, namespace, injected, used, irrelevant, wrong, helped, hurt, last_injected_at, last_used_at)
    select s.memory_id, m.namespace, count(*),
      count(*) filter (where s.verdict = 'used'),
      count(*) filter (where s.verdict = 'irrelevant'),
      count(*) filter (where s.verdict = 'wrong'),
      count(*) filter (where s.outcome = 'succeeded' and s.verdict is distinct from 'irrelevant'
        and s.verdict is distinct from 'wrong'),
      count(*) filter (where s.outcome in ('failed', 'timed_out') and s.verdict is distinct from 'irrelevant'
        and s.verdict is distinct from 'wrong'),
      max(s.created_at), max(s.verdict_at) filter (where s.verdict = 'used')
    from settled s
    join memories m using (memory_id)
    where s.outcome not in ('undelivered', 'gone')
    group by s.memory_id, m.namespace
    -- Two nodes that count at once lock the counters in one order.
    order by s.memory_id
    on conflict (memory_id) do update
    set injected = u.injected + excluded.injected,
      used = u.used + excluded.used,
      irrelevant = u.irrelevant + excluded.irrelevant,
      wrong = u.wrong + excluded.wrong,
      helped = u.helped + excluded.helped,
      hurt = u.hurt + excluded.hurt,
      last_injected_at = greatest(u.last_injected_at, excluded.last_injected_at),
      last_used_at = greatest(u.last_used_at, excluded.last_used_at),
      updated_at = now()
  )
  select count(*) into v_settled from settled;
  return v_settled;
end
$$;

-- The statement of the route settle-memories: counts the outcomes of attempts, and ends candidates that
-- nobody has decided and memories whose end has come; at most p_limit of each (null: memory_batch). Returns
-- settled, candidates and memories, their numbers.
create or replace function settle_memories(p_limit int default null) returns jsonb
language plpgsql as $$
declare
  v_limit int := coalesce(p_limit, memory_batch());
begin
  perform hold_phases();
  return jsonb_build_object('settled', settle_injections(v_limit), 'candidates', expire_candidates(v_limit),
    'memories', expire_due_memories(v_limit));
end
$$;
