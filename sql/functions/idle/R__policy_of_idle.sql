-- Limits, waits and thresholds of idle thinking, each with its reason, as in kernel/R__policy.sql.

-- --------------------------------------------------------------------------------------------- the idle gate

-- How many further runs a gateway must have room for when an idle run begins.
-- Chosen: two jobs that arrive at once are both claimed without a wait for the end of the idle run.
create or replace function idle_reserve() returns int language sql immutable as $$ select 2 $$;

-- The least time between two idle runs of an agent whose cadence factor is 1; half of it for a factor of 2.
-- Chosen: an order that starts once a day may drift by some hours and still finds its agent rested.
create or replace function idle_rest() returns interval
language sql immutable as $$ select interval '20 hours' $$;

-- From this priority on, a due job of any agent of the namespace keeps all its agents from idle thinking.
-- Chosen: the priority of blocked.replan (replan_priority), the highest that the bus itself gives.
create or replace function urgent_priority() returns int language sql immutable as $$ select 500 $$;

-- What idle thinking of an agent may spend in a UTC day where its idleBudget names no other number: runs,
-- minutes, tokens, and US dollars.
-- Chosen: two runs of 20 minutes; a run that reads some files and writes two ideas needs less than 100,000
-- tokens, and less than a dollar at the list prices of large models.
create or replace function idle_budget_defaults() returns jsonb
language sql immutable as $$ select '{"runs": 2, "minutes": 40, "tokens": 200000, "dollars": 2}'::jsonb $$;

-- With less time left of its minutes of the day, an agent begins no idle run.
-- Chosen: a run that reads, thinks and writes one idea takes about as long.
create or replace function idle_least_minutes() returns int language sql immutable as $$ select 5 $$;

-- ------------------------------------------------------------------------------------- questions and news

-- How long an agent is not asked the same question again.
-- Chosen: two weeks, so that 14 daily runs have 14 different questions.
create or replace function question_rest() returns interval
language sql immutable as $$ select interval '14 days' $$;

-- The most lines of news in an idle run.
-- Chosen: about as many as one run can follow up; more would be a report.
create or replace function news_lines() returns int language sql immutable as $$ select 10 $$;

-- The most characters of a line of news.
-- Chosen: one sentence; the whole text is read by its id.
create or replace function news_length() returns int language sql immutable as $$ select 160 $$;

-- How many of the newest ideas, and of the agent's own proposals of each kind, are searched for news.
-- Chosen: ten agents make about as many in four days, and reading them takes some milliseconds.
create or replace function news_looks() returns int language sql immutable as $$ select 200 $$;

-- The news of an agent that has had no idle run yet, or none for longer, begin this long ago.
-- Chosen: what is older has been seen, or nobody wanted it.
create or replace function news_reach() returns interval
language sql immutable as $$ select interval '14 days' $$;

-- ------------------------------------------------------------------------------ what comes of idle thinking

-- Over how long the yield of an agent is counted, and the least time between two changes of its cadence.
-- Documented: the plan of the rollout judges idle thinking by two weeks.
create or replace function idle_yield_over() returns interval
language sql immutable as $$ select interval '14 days' $$;

-- How long after its end a run whose outputs nobody has looked at counts for no yield.
-- Chosen: the weekly review of the bets and of the memories has come by in that time.
create or replace function idle_judged_after() returns interval
language sql immutable as $$ select interval '7 days' $$;

-- How many judged runs within idle_yield_over a yield needs before it changes the cadence of an agent.
-- Chosen: with fewer runs, one wanted output alone is more than a fifth of the yield.
create or replace function idle_judged_runs() returns int language sql immutable as $$ select 5 $$;

-- Below this yield, in wanted outputs of a run, an agent thinks half as often.
-- Chosen: ten runs for one output that somebody wants cost more attention than they give.
create or replace function idle_yield_floor() returns numeric language sql immutable as $$ select 0.1 $$;

-- Above this yield an agent thinks twice as often.
-- Chosen: every second run has brought something that somebody wanted.
create or replace function idle_yield_good() returns numeric language sql immutable as $$ select 0.5 $$;

-- The lowest factor of a cadence.
-- Chosen: a daily order still thinks once a week, which shows whether its questions have become better.
create or replace function idle_slowest() returns real language sql immutable as $$ select 0.125::real $$;

-- The highest factor of a cadence.
-- Chosen: two runs of a day use up the default budget.
create or replace function idle_fastest() returns real language sql immutable as $$ select 2::real $$;

-- How often the yield of an agent is computed.
-- Chosen: decisions about outputs come by the day.
create or replace function idle_looked_at_every() returns interval
language sql immutable as $$ select interval '1 day' $$;

-- How long after its end a run waits for the report of its tokens.
-- Chosen: a gateway reports the end of a run within minutes, and after an outage within the hour.
create or replace function idle_usage_patience() returns interval
language sql immutable as $$ select interval '1 hour' $$;

-- How many ended runs one call of settle_idle looks at.
-- Chosen: a fleet has some ten a day; after an outage the next call takes the rest.
create or replace function idle_batch() returns int language sql immutable as $$ select 200 $$;

-- How long after it was asked to stop an idle run may go on before people are told.
-- Chosen: the grace of 10 s and the next pass of the recovery need less than a minute.
create or replace function idle_overstay() returns interval
language sql immutable as $$ select interval '2 minutes' $$;

-- After how long without a run the auditor reports an order of idle thinking.
-- Chosen: a fleet that is never quiet for two weeks has no time for thinking; a person moves its time.
create or replace function idle_never_ran() returns interval
language sql immutable as $$ select interval '14 days' $$;

-- How much longer than the minutes of a day the runs of the day may have taken in the gate of phase 5, each.
-- Chosen: a run is ended by a sweep, which may come so much later.
create or replace function idle_gate_slack() returns interval
language sql immutable as $$ select interval '1 minute' $$;

-- --------------------------------------------------------------------------- claims and ends of idle runs

-- How long a queued idle job waits for a quiet moment; then its slot is skipped.
-- Chosen: its gate has just found the agent quiet, so a claim takes it within seconds or work has arrived. A
-- later slot thinks with newer news.
create or replace function idle_patience() returns interval
language sql immutable as $$ select interval '60 seconds' $$;

-- The same for an idle job that goes on after the answer to its question.
-- Chosen: a day, so that an answer of the morning is read in the quiet hours of the next night.
create or replace function idle_answer_patience() returns interval
language sql immutable as $$ select interval '24 hours' $$;

-- How long an idle run goes on after it was asked to close.
-- Chosen: enough for one more call of an agent that is about to write; its gateway's run takes no place, so
-- the arriving work does not wait meanwhile.
create or replace function idle_grace() returns interval
language sql immutable as $$ select interval '10 seconds' $$;

-- How long before its wall clock ends an idle run is told to close.
-- Chosen: time for one idea and the close.
create or replace function idle_last_call() returns interval
language sql immutable as $$ select interval '60 seconds' $$;

-- How many queued idle jobs a claim without other work looks at.
-- Chosen: one for each of thirty agents; the next claim looks again.
create or replace function idle_looks() returns int language sql immutable as $$ select 30 $$;
