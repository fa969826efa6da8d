-- Waits and limits of the imports and verifications of vaults, each with its reason, as in
-- kernel/R__policy.sql.

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
