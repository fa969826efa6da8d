-- Asks the other dispatchers for a look at the queue; the sender is the payload and ignores its own. The
-- commit does not wait for the disk, because nothing but the notification is in it.
select set_config('synchronous_commit', 'off', true), pg_notify('jobs_ready', :#dispatcher)
