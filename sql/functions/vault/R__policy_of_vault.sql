-- Waits and limits of the vault, each with its reason, as in kernel/R__policy.sql.

-- How many days after its end a day or a week is still written anew when its rows change.
-- Chosen: a slot or job of a day may be settled later, after a long outage too. Older numbers are final, and
-- counting the jobs of a year at each export would take longer than all notes.
create or replace function vault_days_open() returns int language sql immutable as $$ select 8 $$;

-- How many days back the first export of a vault writes daily notes and snapshots.
-- Chosen: a year, the time for which reports are kept too.
create or replace function vault_days_back() returns int language sql immutable as $$ select 365 $$;

-- How long after its last export, successful or not, a vault counts for needs-me and the metrics. The folder
-- of an older one was exported by hand and left, or is gone.
-- Chosen: a nightly export that has not run for a week is an alert of its own, which began on the second day.
create or replace function vault_is_left_after() returns interval
language sql immutable as $$ select interval '7 days' $$;

-- How many differences of a verification a vault keeps. The command prints them all.
-- Chosen: the first ones show the cause; thousands of them have one.
create or replace function vault_differences_kept() returns int language sql immutable as $$ select 100 $$;

-- How many paths an item of needs-me names.
-- Chosen: enough to recognise the own edits, and one sentence.
create or replace function vault_paths_shown() returns int language sql immutable as $$ select 3 $$;

-- How old the newest verification of a vault may be in the gate of phase 5.
-- Chosen: it is verified every night, and one night may fail.
create or replace function vault_verified_within() returns interval
language sql immutable as $$ select interval '49 hours' $$;

-- How many edited notes of a vault are named.
-- Chosen: more edits than people make before they import them; the number beside them is the whole one.
create or replace function edited_notes_shown() returns int language sql immutable as $$ select 20 $$;
