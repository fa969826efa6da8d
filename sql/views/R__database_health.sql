-- The health of the database, one row for each value to watch. docs/operations.md explains each row and
-- what to do about it; the thresholds are in kernel/R__policy.sql (database_worries).
-- Each run of this file drops and creates the view, so that its columns can change.

drop view if exists database_health_v;

create view database_health_v as
select
  w.watch,
  round(w.value::numeric, 1) as value,
  t.unit,
  t.worry_above,
  coalesce(w.value > t.worry_above, false) as worry,
  w.detail
from (
  select 'oldest_transaction' as watch,
    coalesce(max(extract(epoch from now() - xact_start)), 0) as value,
    (array_agg(
      format('pid %s, %s, %s', pid, coalesce(nullif(application_name, ''), 'no name'), state)
      order by xact_start))[1] as detail
  from pg_stat_activity
  where backend_xmin is not null
    and pid <> pg_backend_pid()
  union all
  select 'prepared_transaction', coalesce(max(extract(epoch from now() - prepared)), 0), min(gid)
  from pg_prepared_xacts
  union all
  select 'replication_slot_behind',
    coalesce(max(greatest(age(xmin), age(catalog_xmin))), 0),
    (array_agg(slot_name::text order by greatest(age(xmin), age(catalog_xmin)) desc nulls last))[1]
  from pg_replication_slots
  union all
  select 'notify_queue', pg_notification_queue_usage() * 100, null
  union all
  select 'dead_rows',
    coalesce(
      max(100.0 * n_dead_tup / (n_live_tup + n_dead_tup)) filter (where n_dead_tup > dead_rows_to_count()),
      0),
    (array_agg(
      format('%s: %s dead of %s, vacuumed %s', relname, n_dead_tup, n_live_tup + n_dead_tup,
        coalesce(utc_text(greatest(last_autovacuum, last_vacuum)), 'never'))
      order by n_dead_tup desc))[1]
  from pg_stat_user_tables
  where schemaname = current_schema()
  union all
  select 'transaction_age', age(datfrozenxid), null
  from pg_database
  where datname = current_database()
  union all
  select 'not_retired',
    (
      select extract(epoch from now() - min(ended_at)) / 86400
      from (
        select ended_at
        from jobs
        where namespace = n.namespace
          and ended_at is not null
          and state <> 'dead'
          -- Retirement keeps a job to which a kept slot or another job refers.
          and without_referred(array[job_id]) <> '{}'
        order by ended_at
        limit 1) o),
    'oldest finished job without references in namespace ' || n.namespace
  from namespaces n
  union all
  select watch, value, detail from queue_watches()
  union all
  select 'gateways_held',
    count(*),
    string_agg(format('%s until %s: %s', gateway, utc_text(held_until), hold_reason), '; ')
  from gateways
  where held_until > now()
) w
join database_worries() t using (watch);
comment on view database_health_v is
  'One row for each value to watch, with its threshold and detail. A user without pg_monitor sees only the transactions of its own role.';
