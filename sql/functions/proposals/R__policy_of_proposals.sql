-- Limits, waits and thresholds of the proactive lane, each with its reason, as in kernel/R__policy.sql.

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
