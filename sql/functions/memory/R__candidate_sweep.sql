-- The order that decides about memory candidates begins early when many new ones wait. The other things that
-- happen to memories on their own are in R__settle_memories.sql.

drop function if exists early_promotion_reason(text, timestamptz);

-- Returns why the promotion of a namespace by p_agent should begin before its next slot, in words:
-- early_promotion_after candidates that the agent may promote are newer than p_since. Null when it can wait.
create or replace function early_promotion_reason(p_namespace text, p_agent text, p_since timestamptz)
returns text
language sql stable as $$
  select format('%s new candidates', count(*))
  from (
    select c.created_at
    from agents a
    join memory_candidates c using (namespace)
    where a.namespace = p_namespace
      and a.agent_id = p_agent
      and a.enabled
      and c.ended_at is null
      and agent_may_promote(a.agent_id, a.may_promote, c.source_agent, c.visibility, c.owner_agent, c.trust)
    order by c.seq desc
    limit early_promotion_after()) c
  where created_at > p_since
  having count(*) = early_promotion_after()
$$;

-- Starts the order that decides about candidates when there is a reason (early_promotion_reason), unless it
-- may not start early (order_free_early). Returns the slot's id; null when nothing was started.
create or replace function promote_early(p_namespace text) returns uuid
language plpgsql as $$
declare
  v_order standing_orders := order_free_early(p_namespace, promotion_order(), early_promotion_rest());
begin
  return case when v_order.order_name is not null then
    start_early(v_order, 'memories',
      early_promotion_reason(p_namespace, v_order.agent_id, coalesce(last_start(v_order), '-infinity')))
  end;
end
$$;

-- The statement of the route promote-early: starts the promotion early in each namespace where phase 4
-- is on and promotions are not frozen. Returns how many were started.
create or replace function promote_candidates_early() returns int
language plpgsql as $$
begin
  perform hold_phases();
  return (
    select count(promote_early(namespace))
    from namespaces
    where phase_stop(namespace, 4) is null
      and (freeze_of(namespace, 'promotions', 'memory')).pause_id is null);
end
$$;
