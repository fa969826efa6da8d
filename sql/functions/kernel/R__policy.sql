-- This file holds every wait, limit, backoff and number of tries of the SQL functions, except those of a
-- lane, which are in R__policy_of_<lane>.sql beside its functions.
--
-- Each value is a function without arguments, so that the planner replaces the call by the value. `Chosen:`
-- gives the reason for a number of this project; `Measured` and `Documented` name the source of any other
-- number.
-- Settings of the process are in application.properties; settings of an agent, a job type or a standing
-- order are in its row.

-- ---------------------------------------------------------------------------------------------------- leases

-- The lease of a job that a worker pulls without naming a lease.
-- Chosen: long enough for a worker that renews between two steps, and short enough that a dead worker costs
-- only five minutes.
create or replace function pull_lease() returns interval
language sql immutable as $$ select interval '300 seconds' $$;

-- The lease after a renewal or a progress report that names none, and after a run has survived a restart of
-- its gateway.
-- Chosen: the same as pull_lease. A shorter lease would run out while a model thinks for some minutes
-- between two reports.
create or replace function renewal_lease() returns interval
language sql immutable as $$ select interval '300 seconds' $$;

-- A gap between two sweeps that is longer than this counts as an outage of the bus, in which no agent could
-- renew its lease.
-- Chosen: several intervals of the slowest sweep (15 s on a quiet bus).
create or replace function outage_after() returns interval
language sql immutable as $$ select interval '60 seconds' $$;

-- The lease that agents at work get after an outage of the bus.
-- Chosen: within this time the retries of a command line succeed.
create or replace function outage_grace() returns interval
language sql immutable as $$ select interval '120 seconds' $$;

-- How long after an end-attempt without attemptNo the same call counts as its repetition.
-- Chosen: a client repeats a call within seconds after a lost answer, and a next attempt that deserves the
-- same end can be named by attemptNo.
create or replace function end_attempt_repeats() returns interval
language sql immutable as $$ select interval '1 minute' $$;

-- --------------------------------------------------------------------------------------------------- backoff

-- Returns the wait before a call is retried: 1 s, doubled with each failure in a row (p_failures counts
-- from 0), up to p_cap_seconds. Up to 30 per cent are taken off at random, so that calls that failed
-- together do not come back together.
-- Chosen: the start and the share; the caps are below.
create or replace function short_backoff(p_failures int, p_cap_seconds int) returns interval
language sql volatile as $$
  select make_interval(secs => least(p_cap_seconds, 2 ^ least(p_failures, 10)) * (1 - 0.3 * random()))
$$;

-- The longest hold of a gateway that takes no calls, in seconds.
-- Chosen: long enough to spare a gateway that boots (7 to 14 s, measured on OpenClaw 2026.9.6), and short
-- enough that work resumes soon after.
create or replace function gateway_hold_cap_seconds() returns int language sql immutable as $$ select 30 $$;

-- The longest Retry-After that the bus accepts from a gateway, in seconds; the shortest is 1.
-- Chosen: a wrong header must not stop a gateway for hours.
create or replace function retry_after_cap_seconds() returns int language sql immutable as $$ select 300 $$;

-- The longest wait of a job whose run certainly did not start, in seconds.
-- Chosen: about as long as a person would wait before another try.
create or replace function undelivered_cap_seconds() returns int language sql immutable as $$ select 60 $$;

-- The longest wait before a hook call with unknown outcome is repeated, in seconds.
-- Chosen: well below key_memory, so that several repetitions fit into it.
create or replace function unknown_cap_seconds() returns int language sql immutable as $$ select 30 $$;

-- How long a hook call may be repeated with the same key.
-- Documented: OpenClaw 2026.9.6 forgets an Idempotency-Key 5 minutes after the run has ended; a later
-- repetition would start a second run.
-- Chosen: a margin of one minute.
create or replace function key_memory() returns interval
language sql immutable as $$ select interval '4 minutes' $$;

-- -------------------------------------------------------------------------------------------------- refusals

-- How long a lane stops after the first refusals of its hook calls, in seconds; the time doubles with each
-- further stop in a row.
-- Chosen: most mistakes in front of a gateway (a proxy that starts, a configuration that is loaded again) are
-- over after a minute.
create or replace function refusal_pause_seconds() returns int language sql immutable as $$ select 60 $$;

-- The longest stop of a lane after refusals, in seconds.
-- Chosen: a mistake that a person corrects without a word to the bus costs a quarter of an hour at most.
create or replace function refusal_pause_cap_seconds() returns int language sql immutable as $$ select 900 $$;

-- How long a refused job waits longer than its lane.
-- Chosen: two sweeps, so that another job of the lane is claimed first and shows whether the lane works.
create or replace function refused_job_delay() returns interval
language sql immutable as $$ select interval '5 seconds' $$;

-- After this many refused hook calls in a row a job is set aside, if its lane admitted another job meanwhile.
-- Chosen: two refusals can be chance when one of two servers behind an address is wrong.
create or replace function refused_tries() returns int language sql immutable as $$ select 3 $$;

-- After this many hook calls in a row whose session was taken (409) a job is set aside.
-- Chosen: with the backoff these are about four minutes, longer than any change of a session takes.
create or replace function busy_tries() returns int language sql immutable as $$ select 10 $$;

-- After this many hook calls in a row that started no run a job is set aside, if the gateway admitted other
-- jobs meanwhile.
-- Chosen: with the backoff these are about 40 minutes; an overloaded gateway lets a job pass sooner.
create or replace function undelivered_tries() returns int language sql immutable as $$ select 50 $$;

-- -------------------------------------------------------------------------------------------------- gateways

-- The age at which the last health check of a gateway no longer counts.
-- Chosen: three intervals of a quiet node (20 s at most). Every dispatching node checks its gateways, so an
-- older result means that no node dispatches there, and it must not hold back a node that begins to
-- dispatch.
create or replace function gateway_news_lifetime() returns interval
language sql immutable as $$ select interval '1 minute' $$;

-- For this long after a gateway has answered one node, its silence towards another node counts as a problem
-- of that other node.
-- Chosen: longer than a node waits between two health checks (20 s at most).
create or replace function seen_by_another_lifetime() returns interval
language sql immutable as $$ select interval '30 seconds' $$;

-- How long after the end of its run an agent may still close the job.
-- Chosen: a close that the agent sent in the background arrives within this time.
create or replace function run_end_grace() returns interval
language sql immutable as $$ select interval '1 second' $$;

-- The largest value of agentbus.gateway.run-end-seconds: a run whose attempt has ended earlier keeps no
-- place, so reads look no further back.
-- Chosen: half of the two hours that a mapping gives a run.
create or replace function longest_run_end() returns interval
language sql immutable as $$ select interval '1 hour' $$;

-- How long a run may stay silent after its gateway was restarted.
-- Measured on OpenClaw 2026.9.6: a gateway boots in 7 to 14 s and then resumes its persistent sessions.
-- Chosen: the rest of the time is for the first turn of the model.
create or replace function recovery_window() returns interval
language sql immutable as $$ select interval '120 seconds' $$;

-- How many jobs of one session are searched for the run that a gateway reports.
-- Chosen: the runs of a session come one after another, so the newest few are enough.
create or replace function session_jobs_searched() returns int language sql immutable as $$ select 20 $$;

-- After this many runs in a row that end without closing their job, the job is blocked for the coordinator.
-- Chosen: the first can be a slip of the model, which the reason in the next prompt corrects; the second
-- shows that the reason does not help.
create or replace function silent_ends_to_block() returns int language sql immutable as $$ select 2 $$;

-- How many ended runs one call settles.
-- Chosen: such a call takes some tens of milliseconds.
create or replace function run_ends_batch() returns int language sql immutable as $$ select 100 $$;

-- ------------------------------------------------------------------------------------------------ run aborts

-- How often the bus tries to stop one run at its gateway.
-- Chosen: the tries take half a minute with their backoff, and up to 80 s when each call times out (10 s).
-- A gateway that answers at all has answered by then.
create or replace function abort_tries() returns int language sql immutable as $$ select 5 $$;

-- The age at which an abort is given up; until then it waits for a gateway that is down.
-- Chosen: a gateway that was down for longer resumes no run.
create or replace function abort_lifetime() returns interval
language sql immutable as $$ select interval '1 hour' $$;

-- How long an abort belongs to the dispatcher that claimed it; then another dispatcher may try.
-- Chosen: longer than the call may take (10 s).
create or replace function abort_lease() returns interval
language sql immutable as $$ select interval '30 seconds' $$;

-- The longest wait between two tries of an abort, in seconds.
-- Chosen: the same as undelivered_cap_seconds.
create or replace function abort_cap_seconds() returns int language sql immutable as $$ select 60 $$;

-- How long after its admission a run may still be unknown to the abort call of its gateway.
-- Measured on OpenClaw 2026.9.6: four seconds on a gateway that had just started.
-- Chosen: a minute, to be safe.
create or replace function run_begin_window() returns interval
language sql immutable as $$ select interval '1 minute' $$;

-- How many aborts one call claims.
-- Chosen: about as many as two gateways have runs.
create or replace function aborts_batch() returns int language sql immutable as $$ select 20 $$;

-- ---------------------------------------------------------------------------------------------------- claims

-- The age at which a claim mark no longer counts.
-- Chosen: half of claim_mark_lookahead, so that a mark covers every job that becomes due while the mark
-- counts.
create or replace function claim_mark_lifetime() returns interval
language sql immutable as $$ select interval '30 seconds' $$;

-- How far ahead of now mark_claims reads the queue.
-- Chosen: twice claim_mark_lifetime; its comment has the reason.
create or replace function claim_mark_lookahead() returns interval
language sql immutable as $$ select interval '1 minute' $$;

-- The shortest time between two writes of the claim marks.
-- Chosen: mark_claims reads every entry of the index of queued jobs, and several nodes sweep at once.
create or replace function claim_mark_pause() returns interval
language sql immutable as $$ select interval '2 seconds' $$;

-- How many times as long as a look at the lanes the marks rest after it.
-- Chosen: the look then takes at most four per cent of one processor, however long the queue is. With a
-- million queued jobs a look takes 0.5 s (measured; docs/reliability.md).
create or replace function claim_mark_rest_factor() returns int language sql immutable as $$ select 25 $$;

-- How many times at most a claim chooses jobs, when other calls have locked some of those that it chose.
-- Chosen: twenty batches are more jobs than other calls lock at once.
create or replace function look_rounds() returns int language sql immutable as $$ select 20 $$;

-- How many of the newest attempts are searched for an admission of another job.
-- Chosen: the calls of some minutes of a busy bus, and read in some milliseconds.
create or replace function others_searched() returns int language sql immutable as $$ select 5000 $$;

-- How long a due slot may be unsettled before health says that no node runs standing orders.
-- Chosen: above 10 minutes, the longest pause that agentbus.orders.settle-ms allows between two sweeps.
create or replace function settle_patience() returns interval
language sql immutable as $$ select interval '15 minutes' $$;

-- ------------------------------------------------------------------------------------------ limits of agents

-- The most handoffs in one chain; a longer chain is taken for a loop.
-- Chosen: ten agents, each asked twice.
create or replace function hop_limit() returns int language sql immutable as $$ select 20 $$;

-- How often one agent may be asked for the same subject in one chain.
-- Chosen: a question, one answer sent back, and one more try; a fourth time is a circle.
create or replace function loop_limit() returns int language sql immutable as $$ select 3 $$;

-- The most events that one job may emit, over all its attempts.
-- Chosen: the most that one close may carry (CompleteJob of the contract).
create or replace function event_limit() returns int language sql immutable as $$ select 50 $$;

-- The most jobs that an agent may request out of one job when its agent.yaml names no number.
-- Chosen: more than any role of the fleet needs, and far fewer than a loop makes.
create or replace function default_follow_ups() returns int language sql immutable as $$ select 20 $$;

-- The most events that one coalescing job lists; further events are only counted.
-- Chosen: more than an agent reads one by one.
create or replace function joined_events() returns int language sql immutable as $$ select 100 $$;

-- The most characters in the payload of a coalescing job; events beyond that are only counted.
-- Chosen: below the largest request body, 256 KiB, so that the payload can be fetched and sent on.
create or replace function joined_bytes() returns int language sql immutable as $$ select 200000 $$;

-- The lowest priority of a blocked.replan job, whatever the priority of the blocked job.
-- Chosen: above the default of 100, because blocked work stands still until the coordinator decides.
create or replace function replan_priority() returns int language sql immutable as $$ select 500 $$;

-- How many jobs a blocked.replan job names when several are blocked on the same job.
-- Chosen: enough to see what they have in common; the number of all is beside them.
create or replace function replan_jobs_listed() returns int language sql immutable as $$ select 20 $$;

-- How many refusals of one agent, code and minute get a row in the audit log.
-- Chosen: enough to see a pattern; the table refusals counts all of them.
create or replace function refusal_rows() returns int language sql immutable as $$ select 5 $$;

-- How long the counts of refusals are kept.
-- Chosen: as long as the rows of dispatchers that are gone.
create or replace function refusals_kept() returns interval
language sql immutable as $$ select interval '30 days' $$;

-- --------------------------------------------------------------------------------------------------- answers

-- The most bytes of the rows of one list in an answer; the page then ends early. An MCP answer has less
-- (agentbus.mcp).
-- Chosen: the largest page of 500 ordinary jobs fits, and twenty such answers at once fit into a heap of
-- 256 MB several times.
create or replace function answer_bytes() returns int language sql immutable as $$ select 524288 $$;

-- How many rows of the audit log one call of list-audit reads; then the answer says how far it has searched.
-- Chosen: such a call takes about a tenth of a second.
create or replace function audit_look() returns int language sql immutable as $$ select 10000 $$;

-- How many jobs get-flow shows.
-- Chosen: more than a person can follow in a graph, and about half of answer_bytes.
create or replace function flow_jobs() returns int language sql immutable as $$ select 500 $$;

-- How many relations between these jobs get-flow shows.
-- Chosen: four for each job.
create or replace function flow_edges() returns int language sql immutable as $$ select 2000 $$;

-- get-attempt shows each JSON value of an attempt up to this many bytes; a larger one shows its size.
-- Chosen: a close with 50 follow-up jobs and the usage of a run fit many times.
create or replace function attempt_json_shown() returns int language sql immutable as $$ select 65536 $$;

-- The longest window of standing-order-slots and account.
-- Chosen: a month; longer windows are several calls.
create or replace function longest_window() returns interval
language sql immutable as $$ select interval '31 days' $$;

-- How many attempts, events and jobs of a window an account counts; it counts the newest.
-- Chosen: more than an agent has in a day, and counted within a second.
create or replace function account_look() returns int language sql immutable as $$ select 5000 $$;

-- How many rows each list of an account has.
-- Chosen: a person reads no more; the lists of the single operations have the rest.
create or replace function account_rows() returns int language sql immutable as $$ select 50 $$;

-- The most characters of a text in a row of an account.
-- Chosen: a summary in three lines.
create or replace function account_text() returns int language sql immutable as $$ select 300 $$;

-- How many slots standing-order-slots shows; it shows the newest.
-- Chosen: an order with a slot every ten minutes for a month; the answer has about 700 KB.
create or replace function calendar_slots() returns int language sql immutable as $$ select 5000 $$;

-- The most characters of a text in a row of a list.
-- Chosen: two lines of a terminal; the whole text is in the answer of a get operation.
create or replace function list_text() returns int language sql immutable as $$ select 200 $$;

-- A JSON value within a larger answer is shown up to this many bytes; a larger one shows its size.
-- Chosen: every payload of the bus's own events fits.
create or replace function small_json() returns int language sql immutable as $$ select 2000 $$;

-- How many attempts get-job shows; it shows the newest.
-- Chosen: the most that a job has before somebody redrives it (max_attempts).
create or replace function attempts_shown() returns int language sql immutable as $$ select 100 $$;

-- How much longer a JSON value may become when its numbers are written out, in bytes. The doors have the
-- same limit (agentbus.contract.Storable).
-- Chosen: the largest request body by default, so that a stored value is at most twice as long as it came.
create or replace function number_growth() returns int language sql immutable as $$ select 262144 $$;

-- How many late reports of one attempt become events; further ones are only counted.
-- Chosen: a report of each close and one more; an agent that repeats itself adds no knowledge.
create or replace function late_reports_kept() returns int language sql immutable as $$ select 5 $$;

-- The most characters of each field of a late report that are kept.
-- Chosen: enough to see what the agent reported.
create or replace function late_report_text() returns int language sql immutable as $$ select 1000 $$;

-- How many days the counts of stored bytes are kept.
-- Chosen: a week shows whether a large day is usual.
create or replace function bytes_days_kept() returns int language sql immutable as $$ select 7 $$;

-- ----------------------------------------------------------------------------- filters of jobs, bulk actions

-- How many rows a list or a preview looks at before it stops and says how far it has searched.
-- Chosen: a list answers within 200 ms on the small machine of docs/performance.md.
create or replace function job_looks() returns int language sql immutable as $$ select 50000 $$;

-- Up to how many queued jobs a filter sorts by arrival; above that it reads all jobs by arrival.
-- Chosen: sorting them takes some milliseconds, and in a longer queue the matching jobs are not rare.
create or replace function queued_sorted() returns int language sql immutable as $$ select 5000 $$;

-- How far the arrival of two jobs may differ from the order of their seqs.
-- Chosen: longer than any transaction of the bus (20 s).
create or replace function arrival_slack() returns interval
language sql immutable as $$ select interval '1 minute' $$;

-- How far a preview of a bulk action counts; a larger number is shown as capped.
-- Chosen: a person reads a larger number as "very many", and counting so many takes some milliseconds.
create or replace function bulk_counted() returns int language sql immutable as $$ select 10000 $$;

-- How many jobs one batch of a bulk action moves.
-- Chosen: a batch takes less than a second, so that a stop, a claim or a shutdown waits no longer.
create or replace function bulk_batch() returns int language sql immutable as $$ select 500 $$;

-- How many jobs of a batch move together, before each has its turn alone when one of them is refused.
-- Chosen: a statement for so many costs little more for each job than one for all.
create or replace function bulk_slice() returns int language sql immutable as $$ select 100 $$;

-- How long one batch of a bulk action goes on; the next batch takes the rest.
-- Chosen: nobody waits longer for a lock on one of its jobs, and the statement timeout is 20 s.
create or replace function bulk_budget() returns interval
language sql immutable as $$ select interval '2 seconds' $$;

-- How many failed jobs a bulk action names.
-- Chosen: enough to see what they have in common; the number of all is beside them.
create or replace function bulk_failures_shown() returns int language sql immutable as $$ select 20 $$;

-- How many batches in a row may find all remaining jobs of a bulk action locked by other calls.
-- Chosen: with cascade_pause between two of them half a minute, longer than any transaction of the bus.
create or replace function bulk_waits() returns int language sql immutable as $$ select 30 $$;

-- How long a bulk action rests after a batch that failed as a whole.
-- Chosen: the cause needs a person or passes by itself, and the other actions go on meanwhile.
create or replace function bulk_trouble_rest() returns interval
language sql immutable as $$ select interval '1 minute' $$;

-- ---------------------------------------------------------------------------------------------------- sweeps

-- How many leases, and how many blocks, one sweep ends.
-- Chosen: such a call takes less than a second; the next sweep takes the rest.
create or replace function sweep_batch() returns int language sql immutable as $$ select 500 $$;

-- How many injections of memories a sweep counts, and how many candidates and memories it ends.
-- Chosen: they take some tens of milliseconds; the next sweep, a minute later, takes the rest.
create or replace function memory_batch() returns int language sql immutable as $$ select 1000 $$;

-- How much of an agent's note about a memory is kept.
-- Chosen: as long as the notes of people.
create or replace function verdict_note_length() returns int language sql immutable as $$ select 2000 $$;

-- How many jobs the end of a job moves in its own transaction, and how many one batch of a cascade moves.
-- Chosen: a batch takes about a tenth of a second, and few jobs have as many dependents or children.
create or replace function cascade_batch() returns int language sql immutable as $$ select 200 $$;

-- How long a cascade rests before a further pass over the jobs that other calls had locked.
-- Chosen: most calls hold their locks for some milliseconds.
create or replace function cascade_pause() returns interval
language sql immutable as $$ select interval '1 second' $$;

-- How long one sweep goes on; the next sweep takes the rest.
-- Chosen: a row that waits for a lock in vain takes 5 s, and the statement ends after 20 s, with everything
-- that the sweep has done.
create or replace function sweep_budget() returns interval
language sql immutable as $$ select interval '8 seconds' $$;

-- The longest wait before a sweep tries a row again that it could not handle, in seconds.
-- Chosen: such a row needs a person; ten minutes cost the sweep nothing, and the row moves soon after the
-- repair.
create or replace function sweep_failure_cap_seconds() returns int language sql immutable as $$ select 600 $$;

-- How many heartbeats a dispatcher may miss before it counts as stale.
-- Chosen: a loaded machine can delay one, and a pause of the virtual machine two.
create or replace function missed_heartbeats() returns int language sql immutable as $$ select 3 $$;

-- How long a dead dispatcher is shown as stale before it is shown as gone.
-- Chosen: other dispatchers take over its jobs within a minute, and a person has had time to see the news.
create or replace function stale_shown() returns interval
language sql immutable as $$ select interval '15 minutes' $$;

-- How long the metrics count a dispatcher as missing that ended without a stop, if no other is alive.
-- Chosen: the alert has reached a person by then, and the node may have been taken away for good.
create or replace function lost_dispatcher_counts() returns interval
language sql immutable as $$ select interval '1 day' $$;

-- A bus on which a block ends or a question needs a look within this time is not quiet, so its dispatchers
-- look often.
-- Chosen: longer than the slowest sweep of a quiet dispatcher.
create or replace function quiet_lookahead() returns interval
language sql immutable as $$ select interval '1 minute' $$;

-- How long a new dispatcher may take to connect its listener before health reports the listener as missing.
-- Chosen: several times a slow start.
create or replace function listener_grace() returns interval
language sql immutable as $$ select interval '15 seconds' $$;

-- ------------------------------------------------------------------------------------------------- questions

-- How long after it was asked an open question is brought to mind again, by an event question.reminded.
-- Chosen: half a working day for a person who was busy, and a day for one who was away; more would be noise.
create or replace function question_reminders() returns interval[]
language sql immutable as $$ select array[interval '4 hours', interval '24 hours'] $$;

-- How many of the newest closed questions of a job its prompt shows.
-- Chosen: an agent that has asked five times has the answers of its last rounds; all stay in list-questions.
create or replace function questions_in_prompt() returns int language sql immutable as $$ select 5 $$;

-- How many events one call of list-events reads while it looks for a topic; then the answer says how far it
-- has searched.
-- Chosen: as many as questions below, which are rows of the same size.
create or replace function event_looks() returns int language sql immutable as $$ select 10000 $$;

-- How many questions one call of list-questions reads; then the answer says how far it has searched.
-- Chosen: such a call takes about a tenth of a second, like one of list-audit.
create or replace function question_looks() returns int language sql immutable as $$ select 10000 $$;

-- ------------------------------------------------------------------------------------------- standing orders

-- The deadline of a slot that was started elsewhere, in seconds, when neither the order nor the caller
-- names one.
-- Chosen: the timeout of the job type scheduled.
create or replace function external_run_timeout_seconds() returns int
language sql immutable as $$ select 1800 $$;

-- How far back earlier catch-up slots are taken into account when the next one gets its turn.
-- Chosen: a turn of more than a day ago cannot collide with a turn of today.
create or replace function catch_up_memory() returns interval
language sql immutable as $$ select interval '1 day' $$;

-- An order with this many failed slots in a row is failing.
-- Chosen: a single failure is already reported by its job.
create or replace function failing_after() returns int language sql immutable as $$ select 2 $$;

-- An order with this many slots in a row without a run is silent.
-- Chosen: after two such slots the silence is longer than the period of the order.
create or replace function silent_after() returns int language sql immutable as $$ select 2 $$;

-- How many slots get-standing-order shows, newest first.
-- Chosen: one screen.
create or replace function order_runs_shown() returns int language sql immutable as $$ select 20 $$;

-- How many of its next slots an order shows.
-- Chosen: the planner writes at least as many ahead for every order, however rare.
create or replace function order_fires_shown() returns int language sql immutable as $$ select 5 $$;

-- How long the window of list-standing-order-runs and standing-order-calendar is when the caller names no
-- from.
-- Chosen: a day has a slot of every order, except weekly ones.
create or replace function slots_window() returns interval
language sql immutable as $$ select interval '1 day' $$;

-- --------------------------------------------------------------------------------------------- audit, health

-- A due job that waits for longer than this is a reason to wake the coordinator for the backlog.
-- Chosen: shorter waits are the normal depth of a lane that has work.
create or replace function late_after() returns interval
language sql immutable as $$ select interval '15 minutes' $$;

-- Failures of one agent with the same error within this time form a cluster.
-- Chosen: half an hour is two rounds of retries.
create or replace function cluster_window() returns interval
language sql immutable as $$ select interval '30 minutes' $$;

-- How many failures within cluster_window form a cluster.
-- Chosen: two are chance, three are a pattern.
create or replace function cluster_size() returns int language sql immutable as $$ select 3 $$;

-- How many jobs the event of a failure cluster names.
-- Chosen: enough to see what the jobs have in common.
create or replace function cluster_jobs_listed() returns int language sql immutable as $$ select 20 $$;

-- This many dead letters of one agent within an hour are reported, if they are more than in the hour
-- before.
-- Chosen: the same as cluster_size.
create or replace function dead_letters_to_tell() returns int language sql immutable as $$ select 3 $$;

-- How long a job must stand still before it is reported as stuck.
-- Chosen: a person who paused a lane for a moment needs no report.
create or replace function stuck_after() returns interval
language sql immutable as $$ select interval '10 minutes' $$;

-- How far back the auditor searches for attempts that ended without closing.
-- Chosen: longer than the few minutes between two searches; each attempt is reported only once.
create or replace function silent_ends_window() returns interval
language sql immutable as $$ select interval '1 hour' $$;

-- A job whose lease ran out longer ago than this is stuck, because a sweep should have ended the lease.
-- Chosen: several sweeps.
create or replace function expired_to_stuck() returns interval
language sql immutable as $$ select interval '1 minute' $$;

-- How long the readiness check waits for a lock, in milliseconds.
-- Chosen: longer than any call of the bus makes a change wait for a table, and below the usual timeouts of
-- readiness probes.
create or replace function ready_lock_limit() returns int language sql immutable as $$ select 1000 $$;

-- How many rows that a sweep cannot handle health names.
-- Chosen: they usually have one cause, and a few show it.
create or replace function sweep_failures_shown() returns int language sql immutable as $$ select 5 $$;

-- A job that has not ended and has had this many attempts is a hotspot of retries.
-- Chosen: half of the usual five, rounded up.
create or replace function hotspot_attempts() returns int language sql immutable as $$ select 3 $$;

-- A job that is blocked for longer than this makes the bus degraded.
-- Chosen: a person checks the bus once a day.
create or replace function blocked_too_long() returns interval
language sql immutable as $$ select interval '1 day' $$;

-- How many events get-job shows; it shows the newest.
-- Chosen: more than a job has in an ordinary life.
create or replace function job_events_shown() returns int language sql immutable as $$ select 200 $$;

-- A table counts for database health only when it has more dead rows than this.
-- Chosen: below this number a large share of dead rows is normal between two vacuums.
create or replace function dead_rows_to_count() returns int language sql immutable as $$ select 20000 $$;

-- How many live attempts stop-everything ends before its answer.
-- Chosen: more than the gateways of a fleet run at once, and so few that the answer comes within a second.
create or replace function stop_batch() returns int language sql immutable as $$ select 2000 $$;

-- How many runs the answer of stop-everything names.
-- Chosen: more than the gateways of a fleet run at once, and still an answer that a person can read.
create or replace function stopped_runs_shown() returns int language sql immutable as $$ select 200 $$;

-- The thresholds of database health: a value above worry_above, in the given unit, is a worry.
-- Chosen: for a bus on one machine; docs/operations.md explains each value.
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

-- -------------------------------------------------------------------------------------- reads of the console

-- How far the console counts jobs of one kind; a larger number is shown as "10,000+".
-- Chosen: a person reads a larger number as "very many", and counting so many index entries takes some
-- milliseconds.
create or replace function count_cap() returns int language sql immutable as $$ select 10000 $$;

-- How many dead letters needs-me counts in all; each agent and subject gets its share, and at least 100.
-- Chosen: ten times what it shows, because each page of a console asks for needs-me every few seconds.
create or replace function dead_counted() returns int language sql immutable as $$ select 1000 $$;

-- How many items needs-me shows.
-- Chosen: more than a person works through in one sitting, said in ten milliseconds; the oldest come first.
create or replace function needs_shown() returns int language sql immutable as $$ select 100 $$;

-- How many blocked jobs needs-me looks at, the oldest first.
-- Chosen: five for each item that is shown, read in some milliseconds.
create or replace function needs_searched() returns int language sql immutable as $$ select 500 $$;

-- How many jobs on which others are blocked needs-me looks at, the oldest first.
-- Chosen: one for each item that is shown; each costs a look at a job.
create or replace function causes_searched() returns int language sql immutable as $$ select 100 $$;

-- Of how many of its newest attempts the last one that ended says since when an agent is idle.
-- Chosen: more attempts than an agent usually has at once; they end in another order than they began.
create or replace function attempts_looked_at() returns int language sql immutable as $$ select 20 $$;

-- How long a block that names no person is left to the coordinator before needs-me shows it.
-- Chosen: a coordinator whose lane works has answered by then.
create or replace function coordinator_patience() returns interval
language sql immutable as $$ select interval '1 hour' $$;

-- How long a gateway may be away before needs-me shows it.
-- Measured on OpenClaw 2026.9.6: a restart takes 7 to 14 s.
-- Chosen: twice that, so that a restart asks for nobody.
create or replace function gateway_patience() returns interval
language sql immutable as $$ select interval '30 seconds' $$;

-- After this many hook calls in a row that a gateway did not take, needs-me shows its hold.
-- Chosen: with the backoff these are more than ten seconds; a gateway that is full for a moment needs nobody.
create or replace function held_calls_to_tell() returns int language sql immutable as $$ select 5 $$;

-- How long a pause by a person may last before needs-me shows it.
-- Chosen: a pause over a night is often forgotten.
create or replace function pause_forgotten() returns interval
language sql immutable as $$ select interval '1 day' $$;

-- How long after its end a bulk action of which jobs failed is shown by needs-me.
-- Chosen: whoever is away for a night still sees it.
create or replace function bulk_failure_shown() returns interval
language sql immutable as $$ select interval '1 day' $$;

-- How many jobs, counted from the newest, list-facets looks at.
-- Chosen: what people look for is mostly recent, and so many rows are read in some tens of milliseconds.
create or replace function facets_looked_at() returns int language sql immutable as $$ select 10000 $$;

-- How many subjects, and how many flows, list-facets names.
-- Chosen: more than a list of completions shows.
create or replace function facets_shown() returns int language sql immutable as $$ select 200 $$;

-- How many jobs and refusals get-agent shows, newest first.
-- Chosen: one screen.
create or replace function agent_rows_shown() returns int language sql immutable as $$ select 20 $$;

-- How long before the present the ends of jobs are counted for good.
-- Chosen: longer than any call of the bus may take (20 s), so that an end is committed by then.
create or replace function ends_commit_window() returns interval
language sql immutable as $$ select interval '1 minute' $$;

-- How long the numbers of ended jobs are kept.
-- Chosen: overview shows up to a week, and the day after its end belongs to it.
create or replace function job_ends_kept() returns interval
language sql immutable as $$ select interval '8 days' $$;

-- Into how many equal steps overview divides its window.
-- Chosen: half an hour each for a day, and every step of a whole number of hours is a multiple of 15 seconds.
create or replace function overview_steps() returns int language sql immutable as $$ select 48 $$;

-- ------------------------------------------------------------------------------------------------- retention

-- How many of the newest slots of each standing order are never retired.
-- Chosen: what the page of an order shows, and more than a month of a daily order.
create or replace function order_runs_kept() returns int language sql immutable as $$ select 50 $$;

-- ---------------------------------------------------------------------------------------------------- backup

-- How many attempts a restore shows of those that were at work.
-- Chosen: a page on a terminal; list-jobs shows them all.
create or replace function restored_rows_shown() returns int language sql immutable as $$ select 20 $$;

-- ----------------------------------------------------------------------------------------------------- audit

-- How many characters of a changed value the trigger audit_row keeps.
-- Chosen: enough to recognise the value; the whole value is in its table.
create or replace function audited_value_length() returns int language sql immutable as $$ select 500 $$;

-- --------------------------------------------------------------------------------------------------- console

-- How long a session of the console lasts.
-- Chosen: a working day, so that nobody logs in twice on it and a forgotten browser is out by the next.
create or replace function console_session_lifetime() returns interval
language sql immutable as $$ select interval '12 hours' $$;

-- How many sessions of the console one token has at once.
-- Chosen: ten people with five browsers; more is a program that logs in anew for each call.
create or replace function console_sessions_of_token() returns int
language sql immutable as $$ select 50 $$;

-- After how long a use of a session is noted again.
-- Chosen: an open page makes several calls a minute, and the time is for people.
create or replace function console_session_noted_every() returns interval
language sql immutable as $$ select interval '1 minute' $$;

-- How many of the newest audit rows, and of the newest events of a namespace, one look at the changes reads.
-- Chosen: far more than half a second brings; a flood of changes is one change to a page.
create or replace function console_rows_looked_at() returns int language sql immutable as $$ select 5000 $$;

-- ---------------------------------------------------------------------------------------------------- phases

-- How long the gate of a phase must hold without a breach.
-- Chosen: for phases 1 to 4 the upper end of the 48 to 72 hours of the plan, because a weekend is 64 hours
-- long and a gate must also hold on working days. For phase 5 the plan says two weeks.
create or replace function gate_time(p_phase int) returns interval language sql immutable as $$
  select case when p_phase < 5 then interval '72 hours' else interval '336 hours' end
$$;

-- How many of the newest rows of one kind a criterion of a gate looks at.
-- Chosen: they are read in some milliseconds, and one of them is enough as evidence.
create or replace function gate_looks() returns int language sql immutable as $$ select 1000 $$;

-- How long the drills of week-one may be under way before others may begin.
-- Chosen: each of their waits ends after two minutes by default, and they need less than two in all.
create or replace function drill_time() returns interval
language sql immutable as $$ select interval '10 minutes' $$;

-- ---------------------------------------------------------------------------------------------------- routes

-- How long a stopped route is shown after the last report of its node.
-- Chosen: twelve reports, which come every 5 s (report-routes). A node that has crashed sends none.
create or replace function stopped_route_shown() returns interval
language sql immutable as $$ select interval '60 seconds' $$;

-- --------------------------------------------------------------------------------------------------- reports

-- How many words a report has at most.
-- Chosen: two minutes of a person's time, at the usual 200 words a minute.
create or replace function report_words() returns int language sql immutable as $$ select 400 $$;

-- How many items a report has at most.
-- Chosen: people take in about seven things at once, and each gets a sentence with its evidence in 400 words.
create or replace function report_items() returns int language sql immutable as $$ select 7 $$;

-- How many words a report keeps free for the lines that say how much is asked and what is left out.
-- Chosen: the longest such lines have 38.
create or replace function report_foot_words() returns int language sql immutable as $$ select 40 $$;

-- The least impact times confidence of an opportunity that a report shows.
-- Chosen: 6 is 2 times 3; below it a proposal is a guess or changes little, and stays in list-opportunities.
create or replace function worth_telling() returns int language sql immutable as $$ select 6 $$;

-- How many open opportunities a report ranks in full, the best by impact and confidence.
-- Chosen: far more than it shows, and ranked within some tens of milliseconds.
create or replace function ranked_for_report() returns int language sql immutable as $$ select 50 $$;

-- For how long a digest remembers what it has told.
-- Chosen: an opportunity that is still open after a month may be told again.
create or replace function told_memory() returns interval
language sql immutable as $$ select interval '30 days' $$;

-- How many periods a report of an order reaches back at most, when orders did not run in between.
-- Chosen: a week of missed daily digests is one digest; older news is in the lists.
create or replace function report_reach() returns int language sql immutable as $$ select 7 $$;

-- How many unfinished jobs must wait for a blocked job, so that people are told of it at once.
-- Chosen: one or two are an ordinary handoff, which the coordinator and the patience for it are for.
create or replace function critical_path_jobs() returns int language sql immutable as $$ select 3 $$;

-- How long needs-me shows an anomaly that no person has seen.
-- Chosen: longer than a weekend; by then the weekly report has it in its numbers.
create or replace function anomaly_shown() returns interval
language sql immutable as $$ select interval '7 days' $$;
