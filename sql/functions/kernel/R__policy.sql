-- Every wait, limit, backoff and number of tries of the SQL functions: the one file to read, and to change,
-- for any of them.
--
-- Each is a function without arguments, so that the planner puts its value in place of the call. `Chosen:`
-- gives the reason of a number that is ours; `Measured` and `Documented` name the source of one that is not.
-- Settings of the process stand in application.properties, those of an agent, a job type or a standing order
-- in their own rows.

-- ---------------------------------------------------------------------------------------------------- leases

-- Lease of a job that a worker pulls without naming one.
-- Chosen: long enough for a worker that renews between two steps, short enough that a dead one costs five
-- minutes.
create or replace function pull_lease() returns interval
language sql immutable as $$ select interval '300 seconds' $$;

-- Lease after a renewal or a progress report that names none, and after a run has survived a restart of its
-- gateway.
-- Chosen: the same as pull_lease. A shorter one would punish a model that thinks for some minutes between two
-- reports.
create or replace function renewal_lease() returns interval
language sql immutable as $$ select interval '300 seconds' $$;

-- Without a sweep for longer than this the bus itself was away, and its agents are not to blame for their
-- silence.
-- Chosen: several sweeps of the slowest setting (15 s when quiet).
create or replace function outage_after() returns interval
language sql immutable as $$ select interval '60 seconds' $$;

-- Lease that agents at work get after an outage of the bus.
-- Chosen: time for a command line that retries to come through.
create or replace function outage_grace() returns interval
language sql immutable as $$ select interval '120 seconds' $$;

-- --------------------------------------------------------------------------------------------------- backoff

-- Wait before a call is tried again: 1 s, doubling with each failure in a row up to the cap, less up to 30
-- per cent by chance, so that calls that failed together do not come back together. p_failures counts from 0;
-- the cap is in seconds.
-- Chosen: the start and the share; the caps stand below.
create or replace function short_backoff(p_failures int, p_cap_seconds int) returns interval
language sql volatile as $$
  select make_interval(secs => least(p_cap_seconds, 2 ^ least(p_failures, 10)) * (1 - 0.3 * random()))
$$;

-- Cap of the hold of a gateway that takes nothing, in seconds.
-- Chosen: long enough not to hammer a gateway that boots (7 to 14 s, measured on OpenClaw 2026.9.6), short
-- enough that work flows again soon after.
create or replace function gateway_hold_cap_seconds() returns int language sql immutable as $$ select 30 $$;

-- Longest Retry-After that a gateway is believed, in seconds; the shortest is 1.
-- Chosen: a wrong header must not stop a gateway for hours.
create or replace function retry_after_cap_seconds() returns int language sql immutable as $$ select 300 $$;

-- Cap of the wait of one job whose run certainly did not start, in seconds.
-- Chosen: the job waits about as long as a person would before looking again.
create or replace function undelivered_cap_seconds() returns int language sql immutable as $$ select 60 $$;

-- Cap of the wait before a hook call with unknown outcome is repeated, in seconds.
-- Chosen: well below key_memory, so that several repetitions fit into it.
create or replace function unknown_cap_seconds() returns int language sql immutable as $$ select 30 $$;

-- How long a hook call may be repeated with the same key.
-- Documented: OpenClaw 2026.9.6 forgets an Idempotency-Key 5 minutes after the run has ended. Past that the
-- same call would start a second run; a minute is the margin.
create or replace function key_memory() returns interval
language sql immutable as $$ select interval '4 minutes' $$;

-- -------------------------------------------------------------------------------------------------- gateways

-- Age at which a gateway's last answer no longer counts.
-- Chosen: three questions of a quiet node (20 s at most). Every node that dispatches also asks, so an older
-- answer means that no node dispatches there, and it must not hold one that begins to.
create or replace function gateway_news_lifetime() returns interval
language sql immutable as $$ select interval '1 minute' $$;

-- For this long after another node has had an answer, the silence that one node meets is that node's own
-- trouble.
-- Chosen: longer than a node waits between two questions (20 s at most).
create or replace function seen_by_another_lifetime() returns interval
language sql immutable as $$ select interval '30 seconds' $$;

-- How long after its end a run may still close its job.
-- Chosen: a close that was sent in the background is under way then.
create or replace function run_end_grace() returns interval
language sql immutable as $$ select interval '1 second' $$;

-- How long a run may stay silent after its gateway was restarted.
-- Measured on OpenClaw 2026.9.6: a gateway boots in 7 to 14 s and then resumes its persistent sessions.
-- Chosen: the rest is for the first turn of a model.
create or replace function recovery_window() returns interval
language sql immutable as $$ select interval '120 seconds' $$;

-- Jobs of one session that are looked through for the run that a gateway reports.
-- Chosen: the runs of a session come one after another, so the newest few are enough.
create or replace function session_jobs_searched() returns int language sql immutable as $$ select 20 $$;

-- Runs in a row that end without closing their job before the job is blocked for the coordinator.
-- Chosen: one can be a slip of the model, which the reason in the next prompt cures; the second means that it
-- cannot.
create or replace function silent_ends_to_block() returns int language sql immutable as $$ select 2 $$;

-- Ended runs that one call settles.
-- Chosen: a call of some tens of milliseconds.
create or replace function run_ends_batch() returns int language sql immutable as $$ select 100 $$;

-- ------------------------------------------------------------------------------------------------ run aborts

-- Tries to stop one run at its gateway.
-- Chosen: with the backoff about two minutes; a gateway that answers at all has then had its chance.
create or replace function abort_tries() returns int language sql immutable as $$ select 5 $$;

-- Age at which an abort is given up, and up to which it waits for a gateway that is down.
-- Chosen: a gateway that is away for longer resumes no run.
create or replace function abort_lifetime() returns interval
language sql immutable as $$ select interval '1 hour' $$;

-- For this long an abort belongs to the dispatcher that took it; then another one tries.
-- Chosen: longer than the call may take (10 s).
create or replace function abort_lease() returns interval
language sql immutable as $$ select interval '30 seconds' $$;

-- Cap of the wait between two tries of an abort, in seconds.
-- Chosen: as for a job, see undelivered_cap_seconds.
create or replace function abort_cap_seconds() returns int language sql immutable as $$ select 60 $$;

-- How long after its admission a gateway may not know a run yet that it is asked to abort.
-- Measured on OpenClaw 2026.9.6: four seconds on a gateway that had just started. Chosen: a minute, to be
-- safe.
create or replace function run_begin_window() returns interval
language sql immutable as $$ select interval '1 minute' $$;

-- Aborts that one call takes.
-- Chosen: about as many as a gateway has runs, for two gateways.
create or replace function aborts_batch() returns int language sql immutable as $$ select 20 $$;

-- ---------------------------------------------------------------------------------------------------- claims

-- Age at which a claim mark no longer counts.
-- Chosen: half of claim_mark_lookahead, so that a mark never speaks of a job that became due after its look.
create or replace function claim_mark_lifetime() returns interval
language sql immutable as $$ select interval '30 seconds' $$;

-- How far ahead the look for a claim mark reads the queue.
-- Chosen: twice claim_mark_lifetime, see there.
create or replace function claim_mark_lookahead() returns interval
language sql immutable as $$ select interval '1 minute' $$;

-- Shortest time between two looks for a claim mark.
-- Chosen: the look reads every queued entry of the index, and several nodes sweep at once.
create or replace function claim_mark_pause() returns interval
language sql immutable as $$ select interval '2 seconds' $$;

-- How often a claim looks past jobs that other calls have locked.
-- Chosen: twenty batches are more than other calls lock at once.
create or replace function look_rounds() returns int language sql immutable as $$ select 20 $$;

-- ------------------------------------------------------------------------------------------ limits of agents

-- Handoffs in one chain; one more is taken for a loop.
-- Chosen: ten agents, each asked twice.
create or replace function hop_limit() returns int language sql immutable as $$ select 20 $$;

-- How often one agent may be asked the same subject in one chain.
-- Chosen: a question, one answer sent back, one more try; the fourth is a circle.
create or replace function loop_limit() returns int language sql immutable as $$ select 3 $$;

-- Events that one job may emit, over all its attempts.
-- Chosen: the most that one close may carry (CompleteJob of the contract).
create or replace function event_limit() returns int language sql immutable as $$ select 50 $$;

-- Jobs that an agent may ask for out of one job when its agent.yaml names no number.
-- Chosen: more than any role of the fleet needs, far fewer than a loop makes.
create or replace function default_follow_ups() returns int language sql immutable as $$ select 20 $$;

-- Events that one coalescing job lists; further ones are counted.
-- Chosen: more than an agent reads one by one.
create or replace function joined_events() returns int language sql immutable as $$ select 100 $$;

-- Characters up to which the payload of a coalescing job takes further events in; past it they are counted.
-- Chosen: below the largest request body, 256 KiB, so that it can be fetched and sent on.
create or replace function joined_bytes() returns int language sql immutable as $$ select 200000 $$;

-- Least priority of the question to the coordinator about a blocked job, whatever the priority of that job.
-- Chosen: above the default of 100, because blocked work stands still until the coordinator decides.
create or replace function replan_priority() returns int language sql immutable as $$ select 500 $$;

-- Refused calls of one agent, code and minute that have rows of their own in the audit log.
-- Chosen: enough to see a pattern; the table refusals counts on.
create or replace function refusal_rows() returns int language sql immutable as $$ select 5 $$;

-- How long the numbers of refusals are kept.
-- Chosen: as long as the rows of dispatchers that are gone.
create or replace function refusals_kept() returns interval
language sql immutable as $$ select interval '30 days' $$;

-- ---------------------------------------------------------------------------------------------------- sweeps

-- Leases, and blocks, that one sweep ends.
-- Chosen: a call of less than a second; the next sweep takes the rest.
create or replace function sweep_batch() returns int language sql immutable as $$ select 500 $$;

-- Heartbeats that a dispatcher may miss; then it counts as stale.
-- Chosen: one can be late on a loaded machine, two in a pause of the virtual machine.
create or replace function missed_heartbeats() returns int language sql immutable as $$ select 3 $$;

-- How long a dead dispatcher is shown as stale; then it is gone.
-- Chosen: what it held is taken over within a minute, and a person has had time to see the news.
create or replace function stale_shown() returns interval
language sql immutable as $$ select interval '15 minutes' $$;

-- A bus on which a block ends within this time is not quiet: its dispatchers look often.
-- Chosen: longer than the slowest look of a quiet dispatcher.
create or replace function quiet_lookahead() returns interval
language sql immutable as $$ select interval '1 minute' $$;

-- Time a new dispatcher has to connect its listener before health reports that it is missing.
-- Chosen: several times a slow start.
create or replace function listener_grace() returns interval
language sql immutable as $$ select interval '15 seconds' $$;

-- ------------------------------------------------------------------------------------------- standing orders

-- Deadline of a slot that was started elsewhere, when neither the order nor the caller names one.
-- Chosen: the timeout of the job type scheduled.
create or replace function external_run_timeout_seconds() returns int
language sql immutable as $$ select 1800 $$;

-- How far back earlier catch-up slots are seen when the next one is given its turn.
-- Chosen: a turn that lies further back cannot meet today's.
create or replace function catch_up_memory() returns interval
language sql immutable as $$ select interval '1 day' $$;

-- Failed slots in a row from which an order is failing.
-- Chosen: one failure is the job's own news.
create or replace function failing_after() returns int language sql immutable as $$ select 2 $$;

-- Slots in a row that did not begin from which an order is silent.
-- Chosen: two have come and gone, so the silence is longer than its period.
create or replace function silent_after() returns int language sql immutable as $$ select 2 $$;

-- Slots that get-standing-order shows, newest first.
-- Chosen: one screen.
create or replace function order_runs_shown() returns int language sql immutable as $$ select 20 $$;

-- Next slots that an order announces.
-- Chosen: the planner writes as many ahead for every order, however rare.
create or replace function order_fires_shown() returns int language sql immutable as $$ select 5 $$;

-- The window of list-standing-order-runs and standing-order-calendar before its end, when the caller names no
-- from.
-- Chosen: a day holds every order at least once, but for weekly ones.
create or replace function slots_window() returns interval
language sql immutable as $$ select interval '1 day' $$;

-- --------------------------------------------------------------------------------------------- audit, health

-- A due job that waits for longer than this makes the backlog worth a look of the coordinator.
-- Chosen: shorter waits are the normal depth of a lane that has work.
create or replace function late_after() returns interval
language sql immutable as $$ select interval '15 minutes' $$;

-- Window in which failures of one agent with the same error make a cluster.
-- Chosen: half an hour is two rounds of retries.
create or replace function cluster_window() returns interval
language sql immutable as $$ select interval '30 minutes' $$;

-- Failures within cluster_window that make a cluster.
-- Chosen: two are chance, three are a pattern.
create or replace function cluster_size() returns int language sql immutable as $$ select 3 $$;

-- Jobs that the event of a failure cluster names.
-- Chosen: enough to see what they have in common.
create or replace function cluster_jobs_listed() returns int language sql immutable as $$ select 20 $$;

-- Dead letters of one agent within an hour from which a rise is reported.
-- Chosen: as for clusters.
create or replace function dead_letters_to_tell() returns int language sql immutable as $$ select 3 $$;

-- Age at which a job that nothing moves is reported as stuck.
-- Chosen: a person who paused a lane for a moment needs no report.
create or replace function stuck_after() returns interval
language sql immutable as $$ select interval '10 minutes' $$;

-- How far back the auditor looks for attempts that ended without closing.
-- Chosen: it looks every few minutes, and each is reported once however often it is seen.
create or replace function silent_ends_window() returns interval
language sql immutable as $$ select interval '1 hour' $$;

-- A lease that ran out longer ago than this should have been ended by the sweep.
-- Chosen: several sweeps.
create or replace function expired_to_stuck() returns interval
language sql immutable as $$ select interval '1 minute' $$;

-- Attempts from which a job that has not ended counts as a hotspot of retries.
-- Chosen: half of the usual five, rounded up.
create or replace function hotspot_attempts() returns int language sql immutable as $$ select 3 $$;

-- Age at which a blocked job makes the bus degraded.
-- Chosen: a person looks once a day.
create or replace function blocked_too_long() returns interval
language sql immutable as $$ select interval '1 day' $$;

-- Events that get-job shows, newest first.
-- Chosen: more than a job has in an ordinary life.
create or replace function job_events_shown() returns int language sql immutable as $$ select 200 $$;

-- Dead rows from which a table counts for database health.
-- Chosen: below it a large share of dead rows is normal between two vacuums.
create or replace function dead_rows_to_count() returns int language sql immutable as $$ select 20000 $$;

-- The thresholds of database health: above worry_above, in this unit, a value is a worry.
-- Chosen: for a bus on one machine; docs/operations.md gives the meaning of each.
create or replace function database_worries() returns table (watch text, unit text, worry_above int)
language sql immutable as $$
  values
    ('oldest_transaction', 'seconds', 300),
    ('prepared_transaction', 'seconds', 300),
    ('replication_slot_behind', 'transactions', 10000000),
    ('notify_queue', 'per cent', 10),
    ('dead_rows', 'per cent', 30),
    ('transaction_age', 'transactions', 1000000000),
    ('not_retired', 'days', 60),
    ('oldest_due', 'seconds', 600),
    ('oldest_blocked', 'seconds', 86400),
    ('expired_leases', 'jobs', 0),
    ('gateways_held', 'gateways', 0)
$$;

-- ------------------------------------------------------------------------------------------------- retention

-- Newest slots of each standing order that are never retired.
-- Chosen: what the order's page shows, and more than a month of a daily order.
create or replace function order_runs_kept() returns int language sql immutable as $$ select 50 $$;

-- ----------------------------------------------------------------------------------------------------- audit

-- Characters of a changed value that an audit row of audit_row keeps. Chosen: enough to recognise the value; the
-- value itself is in its table.
create or replace function audited_value_length() returns int language sql immutable as $$ select 500 $$;
