-- What a database that is not empty holds, for the words of a refusal.
select json_build_object(
  'jobs', (select count(*) from (select from jobs limit 10001) j),
  'newest', (select created_at from audit_log order by audit_id desc limit 1),
  'node', (
    select json_build_object(
      'id', dispatcher_id,
      'seconds', extract(epoch from clock_timestamp() - last_seen)::int)
    from dispatcher_heartbeats
    where last_seen > clock_timestamp() - interval '1 minute'
    order by last_seen desc
    limit 1))::text
