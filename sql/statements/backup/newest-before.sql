-- The newest audit row of this database that is older than a time; with the history, because retirement may
-- have moved it meanwhile.
select json_build_object('newest', greatest(
  (select created_at from audit_log where created_at < ?::timestamptz order by audit_id desc limit 1),
  (select created_at
    from audit_log_history
    where created_at < ?::timestamptz
    order by audit_id desc
    limit 1)))::text
