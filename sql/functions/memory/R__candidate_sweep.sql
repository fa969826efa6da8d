-- The order that decides about memory candidates begins early when many new ones wait. The other things that
-- happen to memories on their own are in R__settle_memories.sql.

-- Returns why the promotion of a namespace should begin before its next slot, in words: early_promotion_after
-- candidates that it may promote are newer than p_since. Null when it can wait. Untrusted ones wait for a
-- person.
create or replace function early_promotion_reason(p_namespace text, p_since timestamptz) returns text
language sql stable as $$
  select format('%s new candidates', count(*))
  from (
    select created_at
    from memory_candidates
    where namespace = p_namespace and ended_at is null and trust = 'trusted'
    order by seq desc
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
    start_early(v_order, 'memories', early_promotion_reason(p_namespace, coalesce(last_start(v_order), '-infinity')))
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
