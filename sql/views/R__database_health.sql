-- What the database itself suffers from, a row for each thing to watch. Thresholds are ours; docs/operations.md says what each
-- means and what to do. Dropped and made anew, so that its columns may change.

drop view if exists database_health_v;

create view database_health_v as
select w.watch, round(w.value::numeric, 1) as value, w.unit, w.worry_above, coalesce(w.value > w.worry_above, false) as worry, w.detail
from (
  select 'oldest_transaction' as watch, coalesce(max(extract(epoch from now() - xact_start)), 0) as value, 'seconds' as unit,
    300 as worry_above, (array_agg(format('pid %s, %s, %s', pid, coalesce(nullif(application_name, ''), 'no name'), state)
      order by xact_start))[1] as detail
  from pg_stat_activity
  where backend_xmin is not null and pid <> pg_backend_pid()
  union all
  select 'prepared_transaction', coalesce(max(extract(epoch from now() - prepared)), 0), 'seconds', 300, min(gid) from pg_prepared_xacts
  union all
  select 'replication_slot_behind', coalesce(max(greatest(age(xmin), age(catalog_xmin))), 0), 'transactions', 10000000,
    (array_agg(slot_name::text order by greatest(age(xmin), age(catalog_xmin)) desc nulls last))[1]
  from pg_replication_slots
  union all
  select 'notify_queue', pg_notification_queue_usage() * 100, 'per cent', 10, null
  union all
  select 'dead_rows', coalesce(max(100.0 * n_dead_tup / (n_live_tup + n_dead_tup)) filter (where n_dead_tup > 20000), 0), 'per cent', 30,
    (array_agg(format('%s: %s dead of %s, vacuumed %s', relname, n_dead_tup, n_live_tup + n_dead_tup,
      coalesce(utc_text(greatest(last_autovacuum, last_vacuum)), 'never')) order by n_dead_tup desc))[1]
  from pg_stat_user_tables where schemaname = current_schema()
  union all
  select 'transaction_age', age(datfrozenxid), 'transactions', 1000000000, null from pg_database where datname = current_database()
  union all
  select 'not_retired', (
      select extract(epoch from now() - min(ended_at)) / 86400
      from (select ended_at from jobs j where namespace = n.namespace and ended_at is not null and state <> 'dead' order by ended_at limit 1) o),
    'days', 60, 'oldest finished job of namespace ' || n.namespace
  from namespaces n
  union all
  select 'oldest_due', coalesce(max(extract(epoch from oldest_queued)), 0), 'seconds', 600,
    (array_agg(target_agent order by oldest_queued desc nulls last))[1]
  from queue_health_summary_v
  union all
  select 'oldest_blocked', coalesce(max(extract(epoch from oldest_blocked)), 0), 'seconds', 86400,
    (array_agg(target_agent order by oldest_blocked desc nulls last))[1]
  from queue_health_summary_v
  union all
  select 'expired_leases', coalesce(sum(expired_leases), 0), 'jobs', 0, null from queue_health_summary_v
  union all
  select 'gateways_held', count(*), 'gateways', 0, string_agg(format('%s until %s: %s', gateway, utc_text(held_until), hold_reason), '; ')
  from gateways where held_until > now()
) w;
comment on view database_health_v is
  'A row for each thing to watch: its value, above which it is a worry, and what it is about. A user without pg_monitor sees the transactions of its own role alone.';
