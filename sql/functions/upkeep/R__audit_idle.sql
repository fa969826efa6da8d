-- The part of the auditor that looks at idle thinking: a run that does not stop, an order that never runs.

-- Emits audit.idle.overstay once for each idle run that still goes on idle_overstay after it was asked to
-- stop.
create or replace function audit_idle_overstays(p_now timestamptz) returns void language sql as $$
  select append_event(namespace, 'audit.idle.overstay', null, job_id,
    jsonb_build_object('agentId', agent_id, 'jobId', job_id, 'gateway', gateway, 'askedAt', stop_asked_at,
      'reason', stop_reason),
    idle_run_id::text)
  from idle_runs
  where ended_at is null
    and stop_asked_at < p_now - idle_overstay()
$$;

-- Emits audit.idle.never_ran for each enabled order of idle thinking, in a namespace that thinks, of which no
-- slot within idle_never_ran has begun although one was skipped; at most once in that time. The reason is the
-- one that has skipped most of them. The slot of a run that arriving work has stopped is skipped too, but it
-- has begun.
create or replace function audit_idle_never_ran(p_now timestamptz) returns void language sql as $$
  select append_event(o.namespace, 'audit.idle.never_ran', null, null,
    jsonb_build_object('order', o.order_name, 'agentId', o.agent_id, 'skipped', s.skipped, 'mostOften', s.reason),
    once_key(o.order_name, date_bin(idle_never_ran(), p_now, 'epoch')))
  from namespaces_that_think() n
  join standing_orders o on o.namespace = n
  cross join lateral (
    select count(*) as skipped, mode() within group (order by summary) as reason
    from standing_order_runs r
    where r.namespace = o.namespace and r.order_name = o.order_name and r.status = 'skipped'
      and r.scheduled_for > p_now - idle_never_ran() and r.scheduled_for <= p_now) s
  where o.enabled
    and o.disabled_at is null
    and is_idle(o.job_type)
    and o.created_at < p_now - idle_never_ran()
    and s.skipped > 0
    and not exists (
      select
      from standing_order_runs r
      left join idle_runs i on i.slot_id = r.run_id
      where r.namespace = o.namespace and r.order_name = o.order_name
        and (r.status = any (begun_statuses()) or i.began_at is not null)
        and r.scheduled_for > p_now - idle_never_ran())
$$;
