-- This file holds every wait, limit, backoff and number of tries of the SQL functions.
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

-- A bus on which a block ends within this time is not quiet, so its dispatchers sweep often.
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

-- ------------------------------------------------------------------------------------------------- proposals

-- How many ideas or opportunities one call of their lists reads; then the answer says how far it has
-- searched.
-- Chosen: such a call takes about a tenth of a second, like one of list-questions.
create or replace function proposal_looks() returns int language sql immutable as $$ select 10000 $$;

-- From which similarity on (proposal_similarity, 0 to 1) a proposal is a near-duplicate of another.
-- Measured on the pairs of src/test/resources/proposals (docs/adr/0022): 40 of 52 duplicates are found, and
-- 4 of 50 other pairs are taken for duplicates.
create or replace function near_duplicate_from() returns real
language sql immutable as $$ select 0.6::real $$;

-- How much the similarity of the titles counts in that of two proposals; the rest is that of the bodies.
-- Measured on the same pairs: with half for each, 37 duplicates are found at the same number of errors.
create or replace function title_weight() returns real language sql immutable as $$ select 0.3::real $$;

-- Titles that are less similar belong to different proposals, and the bodies are not compared.
-- Measured on the same pairs: the least similar titles of the duplicates that are found have 0.31.
create or replace function least_similar_title() returns real
language sql immutable as $$ select 0.25::real $$;

-- Titles that are this similar belong to one proposal, whatever the bodies say.
-- Measured on the same pairs: the most similar titles of different proposals have 0.76.
create or replace function equal_title() returns real language sql immutable as $$ select 0.9::real $$;

-- How similar a title must be to that of a rejected proposal of the same theme.
-- Measured on the same pairs: 26 of 52 duplicates and 8 of 50 others have it; new evidence passes anyway.
create or replace function rejected_title_from() returns real
language sql immutable as $$ select 0.6::real $$;

-- How many characters of a body are compared.
-- Chosen: the first paragraphs say what is proposed, and a comparison takes a third of a millisecond.
create or replace function compared_length() returns int language sql immutable as $$ select 500 $$;

-- With how many open proposals of a kind a new one is compared, the newest first.
-- Chosen: ten agents with five ideas a day have 700 in the 14 days of an idea.
create or replace function compared_proposals() returns int language sql immutable as $$ select 1000 $$;

-- How long a decision against a proposal holds for others like it.
-- Chosen: a month; circumstances that make a rejected proposal right rarely change sooner, and new evidence
-- passes at once.
create or replace function rejected_remembered() returns interval
language sql immutable as $$ select interval '30 days' $$;

-- The most pieces of evidence of a proposal, with those that near-duplicates have added.
-- Chosen: nobody reads more; the newest of a flood of alike alarms say nothing new.
create or replace function most_evidence() returns int language sql immutable as $$ select 50 $$;

-- How far the clock of a caller may be ahead of the clock of Postgres.
-- Chosen: clocks that nobody sets are minutes off; a date to come is a mistake.
create or replace function clock_slack() returns interval
language sql immutable as $$ select interval '5 minutes' $$;

-- How many urgent opportunities (urgency 5) an agent may make a day when its proposalBudget names no number.
-- Chosen: an urgent one interrupts a person, and a second of the same agent is rarely as urgent.
create or replace function urgent_a_day() returns int language sql immutable as $$ select 1 $$;

-- At most this confidence is a guess: an opportunity with it cannot be urgent, and an anomaly is no alert.
-- Chosen: the lower two of five; below the middle the author doubts its own evidence.
create or replace function unsure_confidence() returns int language sql immutable as $$ select 2 $$;

-- How many opportunities of one agent may wait when its proposalBudget names no number.
-- Chosen: about three days of the largest daily budget of the fleet; the next one would wait as long.
create or replace function open_of_agent() returns int language sql immutable as $$ select 10 $$;

-- How many opportunities of one theme may wait, of all agents together.
-- Chosen: as many as a person compares at once.
create or replace function open_of_theme() returns int language sql immutable as $$ select 5 $$;

-- How many proposals the refusal of a budget names; it names the newest.
-- Chosen: more than the daily budget of any agent of the fleet.
create or replace function proposals_listed() returns int language sql immutable as $$ select 10 $$;

-- How many of the newest decided proposals of an agent its rates are taken from.
-- Chosen: fewer make a rate of 10 per cent a matter of one proposal.
create or replace function poor_rate_over() returns int language sql immutable as $$ select 20 $$;

-- An agent of whose last poor_rate_over decided proposals fewer per cent were accepted has half its budget.
-- Chosen: at one in ten, people read nine for nothing.
create or replace function poor_rate_percent() returns int language sql immutable as $$ select 10 $$;

-- The rates of an author count for the rank of its opportunities from this many decided proposals.
-- Chosen: below that, one decision moves the rate by more than a fifth.
create or replace function rated_from() returns int language sql immutable as $$ select 5 $$;

-- How far back health counts proposals in the rates of their authors.
-- Chosen: a month shows how an author does now, and a call of health reads no more in the second year of a
-- fleet than in its second month; list-proposal-rates counts all that are kept.
create or replace function health_rates_over() returns interval
language sql immutable as $$ select interval '30 days' $$;

-- How many of its newest decided proposals the prompt of an agent tells of.
-- Chosen: as many as one remembers; each rejection among them takes a line.
create or replace function decided_in_prompt() returns int language sql immutable as $$ select 10 $$;

-- How many proactive jobs of a namespace may be alive at once, besides those of standing orders.
-- Chosen: one for each of three agents; more unfinished bets than that are looked after by nobody.
create or replace function proactive_alive() returns int language sql immutable as $$ select 3 $$;

-- The priority of the job of an opportunity when the caller names none.
-- Chosen: half of the default of other jobs; a lane does proactive work last anyway.
create or replace function converted_priority() returns int language sql immutable as $$ select 50 $$;

-- The longest time for which an opportunity is parked.
-- Chosen: what nobody wants within a year is rejected and proposed again when it is wanted.
create or replace function parked_at_most() returns interval
language sql immutable as $$ select interval '366 days' $$;

-- An idea that nobody has touched for this long is archived.
-- Chosen: two runs of every weekly order; what nobody picked up by then, nobody will.
create or replace function idea_idle() returns interval
language sql immutable as $$ select interval '14 days' $$;

-- The standing order that triages opportunities, and that a sweep starts early.
create or replace function triage_order() returns text
language sql immutable as $$ select 'tracker-opportunity-triage' $$;

-- A new opportunity with this urgency or more does not wait for the next slot of triage_order.
-- Chosen: the upper two of five.
create or replace function early_triage_urgency() returns int language sql immutable as $$ select 4 $$;

-- So many new ideas and opportunities do not wait for the next slot of triage_order either.
-- Chosen: as many as an agent groups in one run.
create or replace function early_triage_after() returns int language sql immutable as $$ select 10 $$;

-- The least time from the last triage to an early one, and from an early one to the next scheduled triage.
-- Chosen: a quarter of the two hours between two slots, so that an eager fleet wakes the tracker at most
-- three times more often.
create or replace function early_triage_rest() returns interval
language sql immutable as $$ select interval '30 minutes' $$;

-- ----------------------------------------------------------------------------------------- memory candidates

-- The least and the most characters of each text of a candidate or memory, after white space at its ends is
-- gone.
-- Chosen: a title names its matter in one line; ten bodies of ordinary length are 600 tokens of a prompt, and
-- one of the greatest length is half of them. The evidence is for the curator and is as long as a page.
create or replace function memory_text_limits() returns table (field text, at_least int, at_most int)
language sql immutable as $$
  values
    ('title', 10, 120),
    ('body', 20, 1200),
    ('evidence', 1, 2000),
    ('subjectKey', 1, 120),
    ('notes', 1, 2000)
$$;

-- From which share on of the words of a candidate in one memory of the same prompt it is that memory again.
-- Chosen: half of what it says was there before; three words in a row rarely agree by chance.
create or replace function recalled_from() returns real language sql immutable as $$ select 0.5::real $$;

-- With how many candidates and memories about its subject a candidate is compared, the newest first.
-- Measured: 600 comparisons of long texts take 0.2 s, and others wait for the lock of the lane that long.
create or replace function compared_memories() returns int language sql immutable as $$ select 300 $$;

-- How many candidates and memories that say nearly the same a candidate names, the most similar first.
-- Chosen: more than a curator compares.
create or replace function alike_kept() returns int language sql immutable as $$ select 5 $$;

-- A candidate that nobody has decided or added sources to for this long expires.
-- Chosen: 120 runs of promotion_order; what no curator took up by then, nobody misses.
create or replace function candidate_idle() returns interval
language sql immutable as $$ select interval '30 days' $$;

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

-- ------------------------------------------------------------------------------------- audit of proposals

-- This many proposals of one agent within spam_window are spam, refused ones included.
-- Chosen: twice the ideas and opportunities that the largest budget of the fleet allows in a whole day.
create or replace function spam_size() returns int language sql immutable as $$ select 16 $$;

-- The time within which spam_size counts.
-- Chosen: an order that proposes ends within an hour, so two of its runs are not added up.
create or replace function spam_window() returns interval
language sql immutable as $$ select interval '1 hour' $$;

-- How long an opportunity may wait untouched before the auditor reports it.
-- Chosen: two weekly reviews of the bets have passed it by.
create or replace function stale_proposal_after() returns interval
language sql immutable as $$ select interval '14 days' $$;

-- How many opportunities of low confidence in a row are a streak.
-- Chosen: about two days of an agent whose budget is three; such guesses are better kept as ideas.
create or replace function streak_size() returns int language sql immutable as $$ select 5 $$;

-- How many refusals of one UTC day because of a spent budget are reported.
-- Chosen: the first tells the agent its limit, the second may be another run of it, the third ignores it.
create or replace function budget_refusals_to_tell() returns int language sql immutable as $$ select 3 $$;

-- How many proposals the event of a finding names.
-- Chosen: enough to see what they have in common; the number of all is beside them.
create or replace function findings_listed() returns int language sql immutable as $$ select 20 $$;

-- -------------------------------------------------------------------------------------- audit of memories

-- How many memories of each namespace one look of the auditor puts on the list of reviews, of each kind.
-- Chosen: far more than a curator reads on a day, and written within some tens of milliseconds.
create or replace function reviews_opened_at_once() returns int language sql immutable as $$ select 200 $$;

-- How long a memory may go without a verdict used before the auditor asks whether it is worth its place.
-- Documented: the plan of the lane says 60 days.
create or replace function unused_memory_after() returns interval
language sql immutable as $$ select interval '60 days' $$;

-- The time between two looks of the auditor at every active memory of a namespace.
-- Chosen: what it looks for grows over days, and a look at 100,000 memories takes 1.6 s (measured).
create or replace function memories_looked_at_every() returns interval
language sql immutable as $$ select interval '1 hour' $$;

-- How long a conflict between a memory and a candidate may stay open before the auditor reports it.
-- Chosen: the promoter, who met it, has had twelve runs to decide it.
create or replace function contradiction_patience() returns interval
language sql immutable as $$ select interval '3 days' $$;

-- How often a memory must have been called wrong for a finding.
-- Chosen: the first may be a mistake of the agent; its review is open all the same.
create or replace function wrongs_to_tell() returns int language sql immutable as $$ select 2 $$;

-- How many new memories of a namespace within growth_window are too many; new versions do not count.
-- Chosen: more than the daily limit of promotions by agents, so that people have added half as many again.
create or replace function growth_size() returns int language sql immutable as $$ select 30 $$;

-- The time within which growth_size counts.
-- Chosen: that of the limit of promotions.
create or replace function growth_window() returns interval
language sql immutable as $$ select interval '1 day' $$;

-- How many active memories about one subject are too many.
-- Chosen: five times what a prompt can show, so that most of them are never seen.
create or replace function crowded_subject() returns int language sql immutable as $$ select 50 $$;

-- The standing order that decides about memory candidates, and that a sweep starts early.
create or replace function promotion_order() returns text
language sql immutable as $$ select 'knowledge-memory-promote' $$;

-- So many new candidates do not wait for the next slot of promotion_order.
-- Chosen: as many as the curator reads with their evidence in one run.
create or replace function early_promotion_after() returns int language sql immutable as $$ select 10 $$;

-- The least time from the last run of promotion_order to an early one, and from that to the next slot.
-- Chosen: a sixth of the six hours between two slots. A memory that comes an hour later helps nearly as much.
create or replace function early_promotion_rest() returns interval
language sql immutable as $$ select interval '1 hour' $$;

-- How long a wrong memory, a conflict, or a candidate that only a person may promote waits for the curator
-- before needs-me shows it to people.
-- Chosen: within a day knowledge-memory-review and four runs of knowledge-memory-promote have looked at it.
create or replace function curator_patience() returns interval
language sql immutable as $$ select interval '1 day' $$;

-- How long the review of a memory about its date, its use or its sources waits before needs-me shows it.
-- Chosen: knowledge-memory-review has had seven nights.
create or replace function curator_absence() returns interval
language sql immutable as $$ select interval '7 days' $$;

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

-- ------------------------------------------------------------------------------------- promotion of memories

-- How sure of a claim its author must at least be, of 5, so that it becomes a memory.
-- Documented: the plan of the lane says 3.
create or replace function promoted_confidence() returns int language sql immutable as $$ select 3 $$;

-- The least share of an agent's words (0 to 1) that must be those of the author, when it changes them as it
-- promotes a candidate or writes a new version.
-- Chosen: half, as recalled_from; to shorten keeps nearly all.
create or replace function kept_words() returns real language sql immutable as $$ select 0.5::real $$;

-- How many characters the reason of a promotion has at least.
-- Chosen: shorter ones, such as "ok", give no reason.
create or replace function promotion_reason_length() returns int language sql immutable as $$ select 10 $$;

-- How many memories the agents of a namespace make a day (UTC), new versions included.
-- Chosen: as many as knowledge is told to promote a day; what is worth more is worth a person.
create or replace function promotions_a_day() returns int language sql immutable as $$ select 20 $$;

-- After how long somebody looks again at a memory of this stability.
-- Chosen: a volatile one changes with a release, a stable one outlives half a year.
create or replace function review_after(p_stability text) returns interval
language sql immutable as $$
  select case p_stability
    when 'volatile' then interval '14 days'
    when 'medium' then interval '60 days'
    else interval '180 days' end
$$;

-- From which similarity on (0 to 1) of titles or of whole texts a candidate and a memory of the same scope,
-- subject and kind are about the same matter, so that the promoter has to say which of them holds.
-- Chosen: lower than near_duplicate_from. To look at one more memory costs a call, and two that contradict
-- each other stand in prompts.
create or replace function conflict_from() returns real language sql immutable as $$ select 0.4::real $$;

-- How many memories one call of expire-memories ends.
-- Chosen: they take some seconds, and a call may take 20.
create or replace function expired_at_once() returns int language sql immutable as $$ select 10000 $$;

-- How many versions, reviews and injections get-memory shows, and how many memories a dry run of
-- expire-memories and the answer of a conflict, newest or nearest first.
-- Chosen: one screen.
create or replace function memory_rows_shown() returns int language sql immutable as $$ select 20 $$;

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

-- -------------------------------------------------------------------------------------- memories in a prompt

-- How many memories a prompt has at most.
-- Chosen: few, because each takes attention from the job.
create or replace function most_injected() returns int language sql immutable as $$ select 10 $$;

-- How many tokens the memories of a prompt have at most.
-- Chosen: a tenth of an ordinary prompt.
create or replace function most_injected_tokens() returns int language sql immutable as $$ select 600 $$;

-- The characters around a memory in a prompt: its number, kind, scope, subject, source and id.
create or replace function memory_head_length() returns int language sql immutable as $$ select 110 $$;

-- The longest identifier or word by which memories are found, in characters.
-- Chosen: longer ones are hashes and encoded data, which name nothing that a memory speaks of.
create or replace function identifier_length() returns int language sql immutable as $$ select 60 $$;

-- The longest key of a job, in characters; that of a memory's subject is the same.
create or replace function job_key_length() returns int language sql immutable as $$ select 120 $$;

-- How many keys a job has at most.
-- Chosen: a job is about few things; a payload with a list of hundreds is about none of them in particular.
create or replace function most_job_keys() returns int language sql immutable as $$ select 10 $$;

-- How many characters of a job's text are searched.
-- Chosen: more than a thousand words; the parser needs about 1 ms for them.
create or replace function job_text_length() returns int language sql immutable as $$ select 8000 $$;

-- How many values of a payload are searched for texts.
-- Chosen: more texts than job_text_length has room for; a payload of 120,000 numbers must cost a few ms.
create or replace function payload_values() returns int language sql immutable as $$ select 500 $$;

-- How many values of one list or object of a payload are searched for texts.
-- Chosen: a long list leaves room for the other fields.
create or replace function payload_children() returns int language sql immutable as $$ select 200 $$;

-- On how many levels a payload is searched for texts.
-- Chosen: payloads of people and programs rarely have half as many.
create or replace function payload_levels() returns int language sql immutable as $$ select 8 $$;

-- How many of a job's words are compared with those of memories, the most telling.
-- Chosen: an ordinary job has fewer; a log of a thousand words has hundreds that say nothing.
create or replace function most_words_compared() returns int language sql immutable as $$ select 120 $$;

-- How many of a job's words are looked up, the rarest.
-- Chosen: the rare words decide; each costs some tens of microseconds.
create or replace function most_words_looked_up() returns int language sql immutable as $$ select 40 $$;

-- How many memories the words have in all that are looked up.
-- Chosen: so the cost stays the same however many memories there are.
create or replace function most_memories_looked_up() returns int language sql immutable as $$ select 1000 $$;

-- How many of the memories that are found by words are compared with all words of the job; and how many that
-- are found by keys.
create or replace function most_memories_compared() returns int language sql immutable as $$ select 40 $$;

-- How many memories about other subjects than those of the job are compared: its text may name these.
create or replace function most_others_compared() returns int language sql immutable as $$ select 20 $$;

-- How many of the memories that have a word of a query are ranked.
-- Chosen: four times the longest answer.
create or replace function most_memories_searched() returns int language sql immutable as $$ select 200 $$;

-- How many of the newest memories a search reads, for one subject or for a word of very many memories.
-- Chosen: those of a subject are fewer, and the words of 10,000 memories are compared within about 50 ms.
create or replace function most_memories_read() returns int language sql immutable as $$ select 10000 $$;

-- How many identifiers of a query are also looked for as a part of longer ones, the longest.
create or replace function most_identifiers_searched() returns int language sql immutable as $$ select 3 $$;

-- How much a word in the title of a memory counts.
-- Chosen: a title names the matter.
create or replace function title_word_weight() returns real
language sql immutable as $$ select 1.2::real $$;

-- How much a word in the body of a memory counts.
create or replace function body_word_weight() returns real
language sql immutable as $$ select 0.8::real $$;

-- How much a word counts that stands only in the subject of a job.
create or replace function subject_word_weight() returns real
language sql immutable as $$ select 0.8::real $$;

-- How many different words a job's text has before each of them says less.
create or replace function ordinary_text_words() returns real
language sql immutable as $$ select 15::real $$;

-- By how much the words of a longer text say less, for each power of e that it is longer.
create or replace function long_text_discount() returns real
language sql immutable as $$ select 0.3::real $$;

-- The shortest subject, in characters, that counts when a job's text names it.
-- Chosen: shorter ones are often ordinary words.
create or replace function shortest_name() returns int language sql immutable as $$ select 4 $$;

-- How much a memory's identifiers must say for one about another subject: the job names an error code, but
-- not its service.
create or replace function least_identifiers() returns real
language sql immutable as $$ select 0.5::real $$;

-- The least relevance of a memory, by the way in which it is near to the job. A word that only one memory has
-- says 1; its place in title or body counts, too.
-- Measured: docs/memory-evaluation.md.
create or replace function least_relevance(p_nearness text) returns real
language sql immutable as $$
  select case p_nearness
    when 'key' then 0.5
    when 'own' then 0.55
    when 'named' then 1.0
    when 'identifier' then 1.0
    else 1.35 end::real
$$;

-- How much the nearness of a memory counts beside its relevance.
create or replace function nearness_weight(p_nearness text) returns real
language sql immutable as $$
  select case p_nearness when 'key' then 1.5 when 'own' then 0.3 when 'named' then 0.5 else 0 end::real
$$;

-- How many memories of its subjects a job gets whose words say too little.
-- Measured: 6 more of 100 relevant memories stand among the first five than with 2 when others matter
-- (docs/memory-evaluation.md), because a job and the lesson for it often have no word in common.
create or replace function most_key_fills() returns int language sql immutable as $$ select 4 $$;

-- How many memories of its agent a job gets whose words say too little, when others matter.
create or replace function most_role_fills() returns int language sql immutable as $$ select 1 $$;

-- From which similarity of titles on (0 to 1) a memory about another subject is left out beside one about the
-- job's own: two services often have the same memory with other numbers.
create or replace function alike_of_other_subject() returns real
language sql immutable as $$ select 0.4::real $$;

-- The least part that is left of a memory's score by its age.
create or replace function least_recency() returns real language sql immutable as $$ select 0.7::real $$;

-- After how long the part of a score that age takes away is half gone. Null for kinds that do not age.
-- Chosen: a context is of a season, facts change within half a year, and lessons hold longer.
create or replace function memory_half_life(p_kind text) returns interval
language sql immutable as $$
  select case p_kind
    when 'context' then interval '30 days'
    when 'entity_fact' then interval '180 days'
    when 'decision' then null
    when 'preference' then null
    when 'constraint' then null
    else interval '365 days' end
$$;

-- How many memories are thought of beside those of the namespace, so that a namespace with few memories does
-- not take each word for a rare one.
create or replace function memories_prior() returns int language sql immutable as $$ select 100 $$;

-- In how many memories each word is thought of beside those that have it.
create or replace function word_prior() returns int language sql immutable as $$ select 1 $$;
