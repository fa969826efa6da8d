-- The health of each enabled standing order. Each run of this file drops and creates the view, so that its
-- columns can change.

drop view if exists standing_order_health_summary_v;

create view standing_order_health_summary_v as
select
  namespace,
  order_name,
  agent_id,
  schedule,
  started_by,
  last_run_at,
  last_status,
  next_slot,
  slots_since_last_run,
  failures_in_a_row,
  completed_24h,
  no_work_24h,
  blocked_24h,
  failed_24h,
  skipped_24h,
  missed_24h,
  case
    when disabled_at is not null then 'disabled'
    -- A last slot that was missed or failed shows for a day before the order counts as over.
    when over and missed_24h = 0 and failed_24h = 0 then 'over'
    when slots_since_last_run >= silent_after() then 'silent'
    when failures_in_a_row >= failing_after() then 'failing'
    when missed_24h > 0 then 'missed'
    when last_run_at is null then 'new'
    else 'ok' end as health
from (
  select
    o.namespace,
    o.order_name,
    o.agent_id,
    o.words as schedule,
    o.started_by,
    o.disabled_at,
    l.scheduled_for as last_run_at,
    l.status as last_status,
    (
      select min(scheduled_for)
      from standing_order_runs
      where namespace = o.namespace
        and order_name = o.order_name
        and status = 'expected'
        and scheduled_for > now()) as next_slot,
    (
      select count(*)
      from standing_order_runs
      where namespace = o.namespace
        and order_name = o.order_name
        and status in ('expected', 'skipped', 'missed')
        -- Idle thinking is skipped whenever there is work; the auditor reports an order that never runs.
        and (status <> 'skipped' or not is_idle(o.job_type))
        and scheduled_for > coalesce(l.scheduled_for, o.created_at)
        and scheduled_for < now() - make_interval(secs => o.grace_seconds)) as slots_since_last_run,
    failures_in_a_row(o.namespace, o.order_name) as failures_in_a_row,
    -- The planner writes at least the next five slots, so an order without one has had its last.
    o.planned_until > now() and not exists (
      select from standing_order_runs
      where namespace = o.namespace and order_name = o.order_name and status = 'expected') as over,
    d.*
  from standing_orders o
  left join lateral newest_slot(o.namespace, o.order_name, begun_statuses()) l on true
  cross join lateral (
    select
      count(*) filter (where status = 'completed') as completed_24h,
      count(*) filter (where status = 'no_work') as no_work_24h,
      count(*) filter (where status = 'blocked') as blocked_24h,
      count(*) filter (where status = 'failed') as failed_24h,
      count(*) filter (where status = 'skipped') as skipped_24h,
      count(*) filter (where status = 'missed') as missed_24h
    from standing_order_runs
    where namespace = o.namespace
      and order_name = o.order_name
      and scheduled_for > now() - interval '24 hours'
      and scheduled_for <= now()) d
  where o.enabled
) s;
comment on view standing_order_health_summary_v is
  'Each enabled standing order: ok, new (no run yet), missed (a slot within 24 hours), failing (several slots in a row), silent (several slots in a row without a run), or disabled (by an operator).';
