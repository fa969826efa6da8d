select
  (select count(*) from pg_stat_activity where datname = current_database()) as connections,
  (select sum(n_dead_tup) from pg_stat_user_tables) as "deadRows",
  -- Of the worst table, as a share of the dead rows at which autovacuum starts: 50 and a fifth of the table.
  (select coalesce(max(n_dead_tup / (50 + 0.2 * n_live_tup)), 0) from pg_stat_user_tables) as "deadOfAutovacuum",
  (select count(*) from jobs) as jobs,
  (select sum(pg_table_size(relid)) / 1048576 from pg_stat_user_tables) as "tablesMb",
  (select sum(pg_indexes_size(relid)) / 1048576 from pg_stat_user_tables) as "indexesMb"
