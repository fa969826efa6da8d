-- The lock of the restores into this database; false if another one holds it. It ends with the connection.
select pg_try_advisory_lock(hashtextextended('agentbus.restore', 0))::text
