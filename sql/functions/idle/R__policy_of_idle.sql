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
