-- What the manifest of an export says about the database: its name and server, the applied migrations, the
-- server key that it was set up with, the values of the sequences, and the newest times of the rows.
select json_build_object(
  'takenAt', now(),
  'database', current_database(),
  'server', current_setting('server_version'),
  'encoding', current_setting('server_encoding'),
  'migrations', (
    select json_agg(json_build_object('version', version, 'script', script, 'checksum', checksum)
      order by installed_rank)
    from flyway_schema_history
    where version is not null and success and type = 'SQL'),
  'serverKeyFingerprint', (
    select value from bus_facts where namespace = 'default' and name = 'server_key_fingerprint'),
  'sequences', (
    select coalesce(json_agg(json_build_object('name', sequencename, 'lastValue', last_value)
      order by sequencename), '[]')
    from pg_sequences
    where schemaname = 'agentbus' and last_value is not null),
  'newest', json_build_object(
    'audit_log', (select created_at from audit_log order by audit_id desc limit 1),
    'events', (select created_at from events order by seq desc limit 1),
    'jobs', (select max(updated_at) from jobs),
    'standing_order_runs', (select max(updated_at) from standing_order_runs),
    'dispatcher_heartbeats', (select max(last_seen) from dispatcher_heartbeats)))::text
